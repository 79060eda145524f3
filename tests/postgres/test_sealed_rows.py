"""What lies in the tables of a sealed store: nothing that can be read, and nothing that can be moved or made up."""

from __future__ import annotations

import re

import pytest

from sessionworker.errors import StartError, StoreUnavailable
from sessionworker.names import SessionFile
from sessionworker.stores.postgres.store import PostgresStore
from sessionworker.stores.seal import OVERHEAD, is_sealed
from tests.contract.words import (
    CREDS,
    KEY,
    OTHER_KEY,
    SUPPORT,
    commit,
    create,
    creds,
    drop,
    kept,
    restore,
    summary,
    write,
)
from tests.postgres.sealed import FIRST, OLD, SECOND, SECOND_ALONE, Workers, fill

SECRETS = re.compile(
    rb"noiseKey|registrationId|5511999999999|pre-key|codechat|evolution|sales|support|\bold\b|a secret|creds"
)


@pytest.fixture
def store(database: Workers) -> PostgresStore:
    """A sealed store with something of everything."""
    store = database.start(FIRST)
    fill(store)
    return store


def id_of(database: Workers, store: PostgresStore, file: SessionFile) -> object:
    """The id of a live instance."""
    names = store._sealing.codec.names(file.instance, "instance", file.group)
    [[id_]] = database.execute("SELECT id FROM {instance} WHERE name = ANY(%s::bytea[]) AND dropped = ''", names)
    return id_


def name_of(database: Workers, store: PostgresStore, file: SessionFile) -> bytes:
    """How a key is called in the tables."""
    return store._sealing.codec.name(file.key, "key", str(id_of(database, store, file)))


def stored(database: Workers, store: PostgresStore, file: SessionFile) -> bytes:
    """What lies in the tables for a key."""
    place = id_of(database, store, file), name_of(database, store, file)
    [[value]] = database.execute("SELECT value FROM {session_file} WHERE instance = %s AND key = %s", *place)
    assert isinstance(value, bytes)
    return value


def put(database: Workers, store: PostgresStore, file: SessionFile, value: bytes) -> None:
    """Let something else lie there."""
    place = id_of(database, store, file), name_of(database, store, file)
    database.execute("UPDATE {session_file} SET value = %s WHERE instance = %s AND key = %s", value, *place)


def test_a_dump_holds_no_name_no_key_and_no_value(database: Workers, store: PostgresStore) -> None:
    put(database, store, KEY._replace(key="pre-key-7"), b"\0sw1junk")
    assert store.read(KEY._replace(key="pre-key-7")) is None
    dump = database.dump()
    assert database.execute("SELECT count(*) FROM {broken_value}") == [(1,)]
    assert len(store.events(0)) == 1
    assert SECRETS.search(dump) is None


def test_the_same_dump_of_a_plain_store_holds_them(database: Workers) -> None:
    fill(database.start(None))
    assert set(SECRETS.findall(database.dump())) >= {
        b"noiseKey",
        b"pre-key",
        b"codechat",
        b"sales",
        b"old",
        b"a secret",
    }


def test_sizes_are_those_of_the_values(store: PostgresStore) -> None:
    assert summary(store).bytes == len(creds(2)) + len(b'"a secret"') + len(b"7")
    assert [one.bytes for one in store.versions(*CREDS[:2])] == [len(creds(2)), len(creds(1))]
    [dropped] = store.drops()
    assert dropped.bytes == len(creds(1, 3)) + len(b'"a secret"')


@pytest.mark.parametrize("place", [0, 5, 10, 25, 36, -1])
def test_one_bit_flipped_is_noticed(database: Workers, store: PostgresStore, place: int) -> None:
    for file, expected in ((KEY, None), (CREDS, creds(2))):
        value = bytearray(stored(database, store, file))
        value[place] ^= 1
        put(database, store, file, bytes(value))
        assert store.read(file) == expected
    assert database.execute("SELECT count(*) FROM {broken_value}") == [(2,)]


@pytest.mark.parametrize("place", [0, 1, 20, -1])
def test_one_bit_flipped_in_a_name_is_noticed(database: Workers, store: PostgresStore, place: int) -> None:
    name = bytearray(name_of(database, store, KEY))
    before = bytes(name)
    name[place] ^= 1
    database.execute("UPDATE {session_file} SET key = %s WHERE key = %s", bytes(name), before)
    assert store.read(KEY) is None
    assert store.names(*CREDS[:2], beginning="", after="", most=10) == ["creds", "pre-key-7"]
    assert summary(store).files == 2


def test_one_bit_flipped_in_a_version_is_noticed(database: Workers, store: PostgresStore) -> None:
    for id_, made_at, value in database.execute("SELECT instance, made_at, value FROM {creds_version}"):
        assert isinstance(value, bytes)
        changed = value[:-1] + bytes([value[-1] ^ 1])
        database.execute(
            "UPDATE {creds_version} SET value = %s WHERE instance = %s AND made_at = %s", changed, id_, made_at
        )
    put(database, store, CREDS, b"junk")
    with pytest.raises(StoreUnavailable):
        store.read(CREDS)


@pytest.mark.parametrize("other", [KEY._replace(key="pre-key-7"), SUPPORT, CREDS])
def test_a_value_in_the_place_of_another_does_not_open(
    database: Workers, store: PostgresStore, other: SessionFile
) -> None:
    put(database, store, KEY, stored(database, store, other))
    assert store.read(KEY) is None


def test_an_older_version_in_the_place_of_creds_does_not_open(database: Workers, store: PostgresStore) -> None:
    id_ = id_of(database, store, CREDS)
    [[older], _] = database.execute("SELECT value FROM {creds_version} WHERE instance = %s ORDER BY made_at", id_)
    assert isinstance(older, bytes)
    put(database, store, CREDS, older)
    assert store.read(CREDS) == creds(2)


def test_rows_of_two_keys_that_are_exchanged_are_noticed(database: Workers, store: PostgresStore) -> None:
    names = [name_of(database, store, file) for file in (KEY, KEY._replace(key="pre-key-7"))]
    for old, new in ((names[0], b"-"), (names[1], names[0]), (b"-", names[1])):
        database.execute("UPDATE {session_file} SET key = %s WHERE key = %s", new, old)
    assert [store.read(KEY), store.read(KEY._replace(key="pre-key-7"))] == [None, None]


@pytest.mark.parametrize("when", ["at once", "after a start"])
def test_two_instances_whose_rows_are_exchanged_are_refused(database: Workers, store: PostgresStore, when: str) -> None:
    assert store.read(CREDS) == creds(2)
    ids = [id_of(database, store, file) for file in (CREDS, SUPPORT)]
    [[first], [second]] = [database.execute("SELECT name FROM {instance} WHERE id = %s", id_) for id_ in ids]
    database.execute("UPDATE {instance} SET name = '-' WHERE id = %s", ids[0])
    database.execute("UPDATE {instance} SET name = %s WHERE id = %s", *first, ids[1])
    database.execute("UPDATE {instance} SET name = %s WHERE id = %s", *second, ids[0])
    if when == "after a start":
        store = database.start(FIRST)
    for file in (CREDS, SUPPORT):
        with pytest.raises(StoreUnavailable):
            store.read(file)
        with pytest.raises(StoreUnavailable):
            store.versions(*file[:2])
        [outcome] = store.commit([write(file, creds(9))])
        assert isinstance(outcome, StoreUnavailable)


def test_two_dropped_instances_whose_rows_are_exchanged_are_not_brought_back(
    database: Workers, store: PostgresStore
) -> None:
    [dropped] = store.drops()
    names = store._sealing.codec.name("young", "instance", OLD.group)
    database.execute("UPDATE {instance} SET name = %s WHERE dropped <> ''", names)
    [found] = store.drops()
    assert (found.instance, found.drop) == ("young", dropped.drop)
    [outcome] = store.commit([restore(found)])
    assert isinstance(outcome, StoreUnavailable)


def test_a_plain_row_that_is_planted_is_not_seen(database: Workers, store: PostgresStore) -> None:
    id_ = id_of(database, store, CREDS)
    database.execute("INSERT INTO {session_file} VALUES (%s, %s, %s)", id_, OTHER_KEY.key.encode(), b'"planted"')
    put(database, store, KEY, b'"planted"')
    assert [store.read(OTHER_KEY), store.read(KEY)] == [None, None]
    assert store.names(*CREDS[:2], beginning="", after="", most=10) == ["creds", "pre-key-7"]
    with pytest.raises(StoreUnavailable, match="The name of one of this instance's keys cannot be opened"):
        store.whole(*CREDS[:2], 10_000)  # nobody takes it for all there is


def test_an_instance_that_was_made_anew_is_not_taken_for_the_older_one(database: Workers, store: PostgresStore) -> None:
    other = database.start(FIRST)
    assert store.read(KEY) == b'"a secret"'
    dropped = drop(other)
    create(other)
    commit(other, write(KEY, b'"another"'))
    assert [store.read(KEY), store.read(CREDS)] == [b'"another"', None]
    assert store.read_many(*CREDS[:2], [KEY.key, "pre-key-7"], 1_000) == {KEY.key: b'"another"', "pre-key-7": None}
    commit(other, restore(dropped, "new"))
    assert kept(store, CREDS._replace(instance="new")).values == [creds(2), b'"a secret"', None]


# Which keys


@pytest.mark.parametrize("ring", [None, SECOND_ALONE], ids=["no key", "another key"])
def test_a_start_without_the_key_is_refused_and_changes_nothing(
    database: Workers, store: PostgresStore, ring: object
) -> None:
    before = database.execute("SELECT value FROM {state} WHERE name = 'seals'")
    given = "no key is given" if ring is None else f"the key {SECOND.keys[0].name} is given"
    with pytest.raises(StartError, match=f"The store is encrypted with the key {FIRST.keys[0].name}, and {given}"):
        database.start(ring)  # type: ignore[arg-type]
    assert database.execute("SELECT value FROM {state} WHERE name = 'seals'") == before
    assert store.read(CREDS) == creds(2)


@pytest.mark.parametrize(
    "said",
    [b"", b"junk", b"\xff", b'{"keys":[],"plain":true}', None],
    ids=["nothing", "junk", "bytes", "plain", "no row"],
)
@pytest.mark.parametrize("ring", [None, FIRST], ids=["no key", "the key"])
def test_a_start_on_a_store_whose_statement_was_changed_is_refused(
    database: Workers, store: PostgresStore, said: bytes | None, ring: object
) -> None:
    store.close()
    if said is None:
        database.execute("DELETE FROM {state} WHERE name = 'seals'")
    else:
        database.execute("UPDATE {state} SET value = %s WHERE name = 'seals'", said)
    with pytest.raises(StartError, match="is missing or was changed: the row 'seals' of the table 'state'"):
        database.start(ring)  # type: ignore[arg-type]


def test_a_statement_that_nobody_with_a_key_made_is_refused(database: Workers, store: PostgresStore) -> None:
    [[said]] = database.execute("SELECT value FROM {state} WHERE name = 'seals'")
    assert isinstance(said, bytes)
    assert b'"plain":false' in said
    database.execute(
        "UPDATE {state} SET value = %s WHERE name = 'seals'", said.replace(b'"plain":false', b'"plain":true')
    )
    with pytest.raises(StoreUnavailable):
        store.check()
    with pytest.raises(StoreUnavailable):
        store.read(CREDS)
    assert store.commit([write(KEY, b"1")]) != [None]
    with pytest.raises(StartError):
        database.start(FIRST)


def test_what_is_stored_is_sealed_and_no_longer_than_it_has_to_be(database: Workers, store: PostgresStore) -> None:
    value = stored(database, store, KEY)
    assert is_sealed(value)
    assert len(value) == len(b'"a secret"') + OVERHEAD
    assert len(name_of(database, store, KEY)) == len(KEY.key) + 17


def test_a_wish_that_nobody_with_a_key_made_is_refused(database: Workers, store: PostgresStore) -> None:
    [[said]] = database.execute("SELECT value FROM {state} WHERE name = 'seals'")
    assert isinstance(said, bytes)
    assert b'"to":""' in said
    database.execute("UPDATE {state} SET value = %s WHERE name = 'seals'", said.replace(b'"to":""', b'"to":"plain"'))
    with pytest.raises(StoreUnavailable):
        store.read(CREDS)
    with pytest.raises(StartError, match="missing or was changed"):
        database.start(FIRST)
