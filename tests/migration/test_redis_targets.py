"""Programs that keep all of an account in Redis are given it as they keep it themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import pytest
import redis

from sessionworker.migration.found import Source
from sessionworker.migration.sources.evolution_1 import open_evolution_1_redis
from sessionworker.migration.sources.redis_stores import open_baileys_redis_auth, open_fazer_ai
from sessionworker.migration.targets.redis_stores import (
    HashTarget,
    open_baileys_redis_auth_target,
    open_evolution_1_redis_target,
    open_fazer_ai_target,
)
from sessionworker.migration.targets.target import TargetError
from tests.migration.examples import account, paired_creds, text_of, unpaired_creds
from tests.migration.places import codes
from tests.migration.reading import all_closed, read_all
from tests.migration.servers import PASSWORD

pytestmark = pytest.mark.slow

NAME = "Loja [1]: *São?\\ João"
FAZER = "@baileys-api:connections:{}:authState"

Open = Callable[..., HashTarget]
OPENERS: tuple[tuple[Open, Callable[[str], Source], str], ...] = (
    (partial(open_evolution_1_redis_target, prefix="evolution"), open_evolution_1_redis, "evolution:instance:{}"),
    (open_baileys_redis_auth_target, open_baileys_redis_auth, "{}:auth"),
    (open_fazer_ai_target, open_fazer_ai, FAZER),
)


@pytest.fixture(autouse=True)
def closed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with all_closed(monkeypatch):
        yield


@pytest.fixture
def connections(client: redis.Redis) -> redis.Redis:
    """A Redis in which baileys-api has made its connections."""
    for name in (NAME, "two"):
        client.hset(FAZER.format(name), "metadata", '{"webhookUrl":"http://x"}')
    return client


@pytest.mark.parametrize(("open_target", "open_source", "key"), OPENERS)
def test_what_is_written_is_read_back(
    connections: redis.Redis, redis_url: str, open_target: Open, open_source: Callable[[str], Source], key: str
) -> None:
    target = open_target(redis_url)
    assert target.write(NAME, "group", account()) == []
    assert target.write("two", "group", account("two")) == []
    target.close()
    assert read_all(open_source(redis_url)) == {NAME: account(), "two": account("two")}
    assert connections.ttl(key.format(NAME)) == -1
    assert PASSWORD not in target.shown


@pytest.mark.parametrize(("open_target", "open_source", "key"), OPENERS)
def test_what_is_there_is_left_unless_it_is_to_be_replaced(
    connections: redis.Redis, redis_url: str, open_target: Open, open_source: Callable[[str], Source], key: str
) -> None:
    target = open_target(redis_url)
    target.write("two", "", account("two"))
    target.write("two", "", account("two"))
    with pytest.raises(TargetError, match=r"two has creds of another pairing, of the number 5511999999999, in Redis"):
        target.write("two", "", account())
    with pytest.raises(TargetError, match="two has creds of the same pairing in Redis"):
        target.write("two", "", {**account("two"), "pre-key-3": b"{}"})
    assert read_all(open_source(redis_url))["two"] == account("two")
    replacing = open_target(redis_url, replace=True)
    replacing.write("two", "", {"creds": account()["creds"], "pre-key-9": b"{}"})
    assert read_all(open_source(redis_url))["two"] == {"creds": account()["creds"], "pre-key-9": b"{}"}
    replacing.close()
    target.close()


def test_what_is_there_is_said(client: redis.Redis, redis_url: str) -> None:
    target = open_baileys_redis_auth_target(redis_url)
    for creds, said in (
        (text_of(unpaired_creds()), "creds that nobody has paired"),
        (b"{", "creds that cannot be read"),
        (text_of(paired_creds(nextPreKeyId=99)), "newer creds of the same pairing"),
    ):
        client.hset("one:auth", "creds", creds.decode())
        with pytest.raises(TargetError, match=f"has {said} in Redis"):
            target.write("one", "", account())
    client.delete("one:auth")
    client.hset("one:auth", "pre-key-1", "{}")
    with pytest.raises(TargetError, match="has something in Redis"):
        target.write("one", "", account())
    evolution = open_evolution_1_redis_target(redis_url, prefix="p")
    client.hset("p:instance:one", "creds", "{}")
    with pytest.raises(TargetError, match="has creds that cannot be read in Redis"):
        evolution.write("one", "", account())
    evolution.close()
    target.close()


def test_baileys_api_has_to_know_the_connection(client: redis.Redis, redis_url: str) -> None:
    target = open_fazer_ai_target(redis_url)
    with pytest.raises(TargetError, match=r"knows nothing of \+5511 yet \(its metadata\)"):
        target.write("+5511", "", account())
    key = FAZER.format("+5511")
    assert not client.exists(key)
    client.hset(key, mapping={"metadata": "{}", "creds": "{}", "import-candidates": "[]"})
    with pytest.raises(TargetError, match="give --replace"):
        target.write("+5511", "", account())
    target.close()
    target = open_fazer_ai_target(redis_url, replace=True)
    assert codes(target.write("+5511", "", {**account(), "metadata": b"null"})) == ["left_out_names"]
    target.close()
    assert client.hget(key, "metadata") == b"{}"
    assert set(client.hkeys(key)) == {b"metadata", *(name.encode() for name in account())}


def test_two_keys_of_one_field_are_told(client: redis.Redis, redis_url: str) -> None:
    target = open_baileys_redis_auth_target(redis_url)
    assert codes(target.write("one", "", {**account(), "x-a/b": b"1", "x-a__b": b"2"})) == ["left_out_names"]
    target.close()


def test_what_is_no_account_or_no_name_is_refused(client: redis.Redis, redis_url: str) -> None:
    target = open_baileys_redis_auth_target(redis_url)
    with pytest.raises(TargetError, match="without creds"):
        target.write("one", "", {"pre-key-1": b"{}"})
    with pytest.raises(TargetError, match="cannot be empty"):
        target.write("", "", account())
    target.close()
    with pytest.raises(TargetError, match="by --prefix"):
        open_evolution_1_redis_target(redis_url, prefix="")
    with pytest.raises(TargetError, match="does not answer as Redis"):
        open_fazer_ai_target("redis://127.0.0.1:1/0")
    assert client.dbsize() == 0
