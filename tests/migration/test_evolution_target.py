"""An Evolution API 2 is given accounts as it keeps them itself, wherever it keeps them."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
import redis

from sessionworker.migration.sources.evolution import open_evolution
from sessionworker.migration.targets.target import TargetError
from tests.migration.evolution import BUSINESS, ONE, OTHERS, TWO, Evolution, keys_alone
from tests.migration.examples import account, paired_creds, text_of, unpaired_creds
from tests.migration.going_back import IN_FILES, PLACES, held, write
from tests.migration.reading import all_closed, note_codes

pytestmark = pytest.mark.slow

CREDS = account()["creds"]


@pytest.fixture(autouse=True)
def closed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with all_closed(monkeypatch):
        yield


@pytest.mark.parametrize("place", PLACES)
def test_what_is_written_is_read_back(either: Evolution, place: dict[str, str]) -> None:
    either.instance(ONE, "São: 1", owner=None, status="close")
    either.instance(TWO, "two", owner=None, status="close")
    env = either.env(**place)
    assert write(env, ONE, account()) == []
    assert write(env, TWO, account("two")) == []
    assert held(env) == {ONE: account(), TWO: account("two")}
    source = open_evolution(env)
    assert note_codes(source, ONE) == []  # nor that its state is `close`: Evolution connects it when it starts


def test_an_instance_is_found_by_its_name_too(either: Evolution) -> None:
    either.instance(ONE, "Loja 1", owner=None)
    either.instance(TWO, ONE, owner=None)  # a name that is another one's id
    write(either.env(), "Loja 1", account())
    assert held(either.env()) == {ONE: account()}
    write(either.env(), ONE, account("new"), replace=True)
    assert held(either.env()) == {ONE: account("new")}
    with pytest.raises(TargetError, match=r"no instance loja 1 in the table Instance of .*Make it in Evolution first"):
        write(either.env(), "loja 1", account())


def test_fields_of_redis_are_as_evolution_writes_them(evolution: Evolution, client: redis.Redis) -> None:
    evolution.instance(ONE, "one")
    odd = '{"a":"São \\u2028\\ud83d \U0001f600 \\"","b":[1.0,1e400]}'
    write(evolution.env(), ONE, {**account(), "lid-mapping-1": b'"1"', "session-1.0": odd.encode()})
    key = f"evolution:instance:{ONE}"
    assert client.hget(key, "lid-mapping-1") == b'"\\"1\\""'
    assert json.loads(client.hget(key, "session-1.0") or b"") == odd
    assert client.hget(key, "creds") is None
    assert client.ttl(key) == -1


@pytest.mark.parametrize("place", PLACES)
def test_what_is_there_is_left(either: Evolution, place: dict[str, str]) -> None:
    either.instance(ONE, "one")
    env = either.env(**place)
    write(env, ONE, account())
    with pytest.raises(TargetError, match=r"one has creds of another pairing.* is left as it is.*--replace"):
        write(env, ONE, account("other"))
    newer = {**account(), "creds": text_of(paired_creds(nextPreKeyId=40))}
    with pytest.raises(TargetError, match="has creds of the same pairing in"):
        write(env, ONE, newer)
    assert held(env) == {ONE: account()}
    assert write(env, ONE, account()) == []  # the same, which an export that goes on finds
    assert held(env) == {ONE: account()}
    write(env, ONE, newer, replace=True)
    assert held(env) == {ONE: newer}
    with pytest.raises(TargetError, match="has newer creds of the same pairing in"):
        write(env, ONE, account())


@pytest.mark.parametrize("place", PLACES)
def test_all_that_was_there_goes_with_a_replacement(either: Evolution, place: dict[str, str]) -> None:
    either.instance(ONE, "one", account("old")["creds"])
    either.hash(ONE, {**account("old"), "pre-key-999": b"{}"})
    either.files(ONE, {**keys_alone("old"), "pre-key-999": b"{}"})
    either.hash(TWO, keys_alone())
    env = either.env(**place)
    write(env, ONE, account(), replace=True)
    assert held(env) == {ONE: account()}
    source = open_evolution(env)
    assert set(note_codes(source, ONE)) <= {"keys_in_two_places", "creds_in_two_places", "creds_of_two_accounts"}
    assert [path.name for path in either.instances.iterdir()] == [ONE]


def test_keys_without_creds_are_something_too(evolution: Evolution) -> None:
    evolution.instance(ONE, "one")
    evolution.hash(ONE, keys_alone("old"))
    with pytest.raises(TargetError, match="one has something in Redis already"):
        write(evolution.env(), ONE, account())
    evolution.files(ONE, keys_alone("old"))
    with pytest.raises(TargetError, match=f"has something in its folder .*/instances/{ONE} already"):
        write(evolution.env(**IN_FILES), ONE, account())
    assert held(evolution.env()) == {}


def test_creds_that_nobody_paired_or_can_read_are_something_too(either: Evolution) -> None:
    either.instance(ONE, "one", text_of(unpaired_creds()))
    with pytest.raises(TargetError, match="has creds that nobody has paired in its database already"):
        write(either.env(), ONE, account())
    either.instance(TWO, "two", "cut")
    with pytest.raises(TargetError, match="has creds that cannot be read in its database already"):
        write(either.env(), TWO, account())


def test_rows_and_folders_that_hold_nothing_are_nothing(either: Evolution) -> None:
    either.instance(ONE, "one")
    either.null_creds(ONE)
    (either.instances / ONE).mkdir(parents=True)
    assert write(either.env(**IN_FILES), ONE, account()) == []
    assert held(either.env(**IN_FILES)) == {ONE: account()}


def test_instances_of_others_are_left(either: Evolution) -> None:
    either.instance(ONE, "one")
    either.instance(BUSINESS, "cloud", integration="WHATSAPP-BUSINESS")
    either.instance(OTHERS, "others", client="another")
    with pytest.raises(TargetError, match="cloud is of another integration, WHATSAPP-BUSINESS"):
        write(either.env(), BUSINESS, account())
    with pytest.raises(TargetError, match="others is of another installation, whose client name is another"):
        write(either.env(), OTHERS, account())
    assert held(either.env()) == {}


def test_creds_that_mysql_would_cut_off_are_refused(on_mysql: Evolution) -> None:
    on_mysql.instance(ONE, "one", CREDS)
    on_mysql.hash(ONE, keys_alone())
    long = text_of(paired_creds(processedHistoryMessages=[{"key": {"id": "3EB0" * 60}} for _ in range(300)]))
    size = f"{len(json.dumps(long.decode())):,}"
    with pytest.raises(TargetError, match=f"creds would be {size} bytes in the column creds .* which takes 65,535"):
        write(on_mysql.env(), ONE, {**account("new"), "creds": long}, replace=True)
    assert held(on_mysql.env()) == {ONE: account()}
    on_mysql.run("ALTER TABLE Session MODIFY creds LONGTEXT")
    write(on_mysql.env(), ONE, {**account("new"), "creds": long}, replace=True)
    assert held(on_mysql.env()) == {ONE: {**account("new"), "creds": long}}


def test_creds_of_just_the_length_that_mysql_takes_are_written(on_mysql: Evolution) -> None:
    on_mysql.instance(ONE, "one")
    short = len(json.dumps(text_of(paired_creds(note="")).decode()))
    for more, is_taken in ((65_535 - short, True), (65_536 - short, False)):
        values = {**account(), "creds": text_of(paired_creds(note="x" * more))}
        if is_taken:
            write(on_mysql.env(), ONE, values)
            assert held(on_mysql.env()) == {ONE: values}
        else:
            with pytest.raises(TargetError, match=r"would be 65,536 bytes"):
                write(on_mysql.env(), ONE, values, replace=True)


def test_a_column_that_cannot_hold_a_character_is_refused(on_mysql: Evolution) -> None:
    on_mysql.instance(ONE, "one", CREDS)
    on_mysql.hash(ONE, keys_alone())
    on_mysql.run("ALTER TABLE Session MODIFY creds TEXT CHARACTER SET latin1")
    on_mysql.run("SET GLOBAL sql_mode = ''")
    try:
        values = {**account(), "creds": text_of(paired_creds(note="\U0001f600"))}
        with pytest.raises(TargetError, match="does not keep creds as they are given to it"):
            write(on_mysql.env(), ONE, values, replace=True)
    finally:
        on_mysql.run("SET GLOBAL sql_mode = DEFAULT")
    assert held(on_mysql.env()) == {ONE: account()}
