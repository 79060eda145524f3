"""What fails, or is killed, while accounts are written to an Evolution API 2 leaves what was there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
import redis

from sessionworker.migration.found import SourceError
from sessionworker.migration.readers import sql
from sessionworker.migration.readers.env_file import read_env_file
from sessionworker.migration.readers.sql import Database
from sessionworker.migration.targets import new_places
from sessionworker.migration.targets.evolution import EvolutionTarget, open_evolution_target
from sessionworker.migration.targets.evolution_row import locked_row
from sessionworker.migration.targets.target import TargetError
from tests.migration.evolution import ONE, TWO, Evolution, keys_alone
from tests.migration.examples import account
from tests.migration.filled import Filled
from tests.migration.going_back import ALL_IN_REDIS, IN_FILES, PLACES, held, write
from tests.migration.killing import killed_at_each_step
from tests.migration.reading import Values, all_closed
from tests.migration.servers import ESCAPED_PASSWORD, PASSWORD

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def closed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with all_closed(monkeypatch):
        yield


STEPS = (
    (Database, "change"),
    (Database, "commit"),
    (redis.client.Pipeline, "execute"),
    (new_places, "write_new"),
    (new_places, "sync_file_system"),
    (new_places, "exchange"),
    (new_places, "remove_tree"),
    (os, "rename"),
    (EvolutionTarget, "close"),
)


def small(name: str = "one") -> Values:
    """An account of few keys: each is a step."""
    return {key: value for key, value in account(name).items() if key in {"creds", "pre-key-1", "pre-key-2"}}


@pytest.mark.parametrize("place", PLACES)
def test_a_kill_at_any_step_leaves_what_was_there_readable(either: Evolution, place: dict[str, str]) -> None:
    """Between its keys and the end of the transaction an account has new keys and old creds."""
    either.instance(ONE, "one")
    env = either.env(**place)
    old, new = small("old"), small()
    write(env, ONE, old)
    seen = []
    for _ in killed_at_each_step(lambda: write(env, ONE, new, replace=True), STEPS):
        found = held(env)[ONE]
        assert found in (old, {**new, "creds": old["creds"]}, new)
        seen.append(found)
        write(env, ONE, old, replace=True)
    assert old in seen
    assert seen[-1] == new
    assert [seen.index(one) for one in seen] == sorted(seen.index(one) for one in seen)
    assert held(env) == {ONE: old}


@pytest.mark.parametrize("place", PLACES)
def test_a_kill_at_any_step_leaves_no_account_where_none_was(either: Evolution, place: dict[str, str]) -> None:
    either.instance(ONE, "one")
    env = either.env(**place)
    for _ in killed_at_each_step(lambda: write(env, ONE, small(), replace=True), STEPS):
        found = held(env)
        assert found in ({}, {ONE: small()})
        either.forget(ONE)
    assert found == {ONE: small()}


@pytest.mark.parametrize("place", PLACES)
def test_what_the_database_refuses_leaves_keys_as_they_were(either: Evolution, place: dict[str, str]) -> None:
    either.instance(ONE, "one")
    env = either.env(**place)
    write(env, ONE, account("old"))
    either.refuse_changes()
    with pytest.raises(TargetError, match=r"does not take it: .*not today"):
        write(env, ONE, account(), replace=True)
    assert held(env) == {ONE: account("old")}


def test_a_commit_without_an_answer_is_told(evolution: Evolution, monkeypatch: pytest.MonkeyPatch) -> None:
    evolution.instance(ONE, "one")

    def fail(_: Database) -> None:
        raise SourceError("It did not say.")

    monkeypatch.setattr(Database, "commit", fail)
    with pytest.raises(TargetError, match=r"It did not say\. Its keys are written already: write it again, with --rep"):
        write(evolution.env(), ONE, account())


def test_somebody_who_writes_meanwhile_is_noticed(
    evolution: Evolution, client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    evolution.instance(ONE, "one")
    evolution.hash(ONE, keys_alone())
    refuse = EvolutionTarget._refuse

    def refuse_late(self: EvolutionTarget, *arguments: Any) -> None:
        refuse(self, *arguments)
        client.hset(f"evolution:instance:{ONE}", "pre-key-1", "new")

    monkeypatch.setattr(EvolutionTarget, "_refuse", refuse_late)
    with pytest.raises(TargetError, match=r"Somebody writes to evolution:instance:.*Stop the API"):
        write(evolution.env(), ONE, account(), replace=True)
    assert client.hget(f"evolution:instance:{ONE}", "pre-key-1") == b"new"
    assert client.hlen(f"evolution:instance:{ONE}") == len(keys_alone())


def test_a_row_that_somebody_holds_is_not_waited_for_without_end(
    either: Evolution, monkeypatch: pytest.MonkeyPatch
) -> None:
    either.instance(ONE, "one")
    monkeypatch.setattr(sql, "SECONDS", 1)
    env = either.env()
    url = read_env_file(env)["DATABASE_CONNECTION_URI"]
    with closing(sql.open_database(url, may_write=True)) as other:
        locked_row(other, ONE, "evolution_exchange")
        with pytest.raises(TargetError, match=r"does not answer: .*(timeout|Lock wait)"):
            write(env, ONE, account())
    write(env, ONE, account())


def test_a_key_of_another_kind_is_left(evolution: Evolution, client: redis.Redis) -> None:
    evolution.instance(ONE, "one")
    client.set(f"evolution:instance:{ONE}", "text")
    with pytest.raises(TargetError, match=f"The key evolution:instance:{ONE} in redis://.* is no hash, and is left"):
        write(evolution.env(), ONE, account(), replace=True)
    assert client.get(f"evolution:instance:{ONE}") == b"text"


def test_a_folder_that_cannot_be_exchanged_is_left(evolution: Evolution, monkeypatch: pytest.MonkeyPatch) -> None:
    evolution.instance(ONE, "one")
    env = evolution.env(**IN_FILES)
    write(env, ONE, account("old"))

    def fail(*_: object) -> None:
        raise OSError(22, os.strerror(22))

    monkeypatch.setattr("sessionworker.migration.targets.new_places.exchange", fail)
    with pytest.raises(TargetError, match=f"instances/{ONE} cannot be written: Invalid argument"):
        write(env, ONE, account(), replace=True)
    assert held(env) == {ONE: account("old")}
    assert [path.name for path in evolution.instances.iterdir()] == [ONE]


def test_many_fields_are_written(evolution: Evolution, client: redis.Redis) -> None:
    evolution.instance(ONE, "one")
    many = {**account(), **{f"pre-key-{number}": b"{}" for number in range(100, 2_600)}}
    write(evolution.env(), ONE, many)
    assert held(evolution.env()) == {ONE: many}


def test_settings_that_leave_no_place_are_refused(evolution: Evolution, postgresql: Filled, redis_url: str) -> None:
    evolution.instance(ONE, "one")
    refused: tuple[tuple[dict[str, str], dict[str, Any], str], ...] = (
        ({"PROVIDER_ENABLED": "true"}, {}, "would not look at what is written elsewhere"),
        ({}, {"keys": "nowhere"}, "keeps its keys nowhere"),
        (ALL_IN_REDIS, {"keys": "files", "instances": evolution.folder}, "all lies in Redis"),
        ({}, {"client_name": "x"}, "no instances of the client name x"),
        ({"CACHE_REDIS_URI": "redis://127.0.0.1:1/0"}, {}, "does not answer as Redis"),
        ({"DATABASE_CONNECTION_URI": "postgresql://u:secret@127.0.0.1:1/x"}, {}, "cannot be opened"),
    )
    for others, options, said in refused:
        with pytest.raises(TargetError, match=said) as error:
            open_evolution_target(evolution.env(**others), **options)
        assert "secret" not in str(error.value)
    with pytest.raises(TargetError, match="by --prefix"):
        open_evolution_target(database=postgresql.url, redis=redis_url)
    with pytest.raises(TargetError, match="No such file"):
        open_evolution_target(evolution.folder / "missing")
    open_evolution_target(evolution.env(PROVIDER_ENABLED="true"), keys="redis").close()


def test_where_it_is_is_shown_without_passwords(either: Evolution) -> None:
    either.instance(ONE, "one")
    either.instances.mkdir()
    for place in PLACES[:2]:
        target = open_evolution_target(either.env(**place))
        target.close()
        assert PASSWORD not in target.shown
        assert ESCAPED_PASSWORD not in target.shown
        assert "://" in target.shown
    assert target.shown.endswith(f", {either.instances}")


def test_an_account_without_creds_is_not_written(evolution: Evolution) -> None:
    evolution.instance(ONE, "one")
    with pytest.raises(TargetError, match="without creds"):
        write(evolution.env(), ONE, keys_alone())
    assert held(evolution.env()) == {}


def test_after_an_error_the_next_one_is_written(either: Evolution) -> None:
    either.instance(TWO, "two")
    target = open_evolution_target(either.env())
    with pytest.raises(TargetError):
        target.write(ONE, "", account())
    target.write(TWO, "", account("two"))
    target.close()
    assert held(either.env()) == {TWO: account("two")}
