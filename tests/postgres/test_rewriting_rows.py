"""A store on PostgreSQL goes from plain to a key, to another one, and back: all is there, and nothing is left."""

from __future__ import annotations

from itertools import pairwise

import pytest

from sessionworker.stores.changes import CreateInstance
from sessionworker.stores.postgres import rewriting
from sessionworker.stores.seal import MARK, KeyRing, beginning_under
from tests.contract.words import (
    CREDS,
    KEY,
    SUPPORT,
    commit,
    create,
    creds,
    delete,
    drop,
    drops_of,
    purge,
    read_all,
    restore,
    versions,
    write,
)
from tests.postgres.sealed import (
    FIRST,
    FIRST_OF_TWO,
    FIRST_OR_PLAIN,
    KEYS,
    NEW,
    OLD,
    PLAIN_AGAIN,
    SECOND,
    Workers,
    everything,
    fill,
    is_whole,
    rewrite,
    until_over,
    workers_on,
)
from tests.postgres.test_sealed_rows import SECRETS

STEPS: dict[str, list[KeyRing | None]] = {
    "to a key": [None, FIRST],
    "to another key": [FIRST, SECOND],
    "to plain": [FIRST, PLAIN_AGAIN],
    "all the way": [None, FIRST, SECOND, KeyRing(KEYS[1:2], writes_plain=True)],
    "there and back": [FIRST, SECOND, FIRST_OF_TWO, SECOND],
}


def alone(ring: KeyRing | None) -> KeyRing | None:
    """What is enough to open a store once it was rewritten."""
    return None if ring is None or ring.writes_plain else KeyRing(ring.keys[:1])


@pytest.mark.parametrize("rings", STEPS.values(), ids=STEPS)
def test_everything_is_there_and_nothing_is_left_under_what_was_before(
    database: Workers, rings: list[KeyRing | None]
) -> None:
    store = database.start(rings[0])
    fill(store)
    before = everything(store)
    for _, ring in pairwise(rings):
        store.close()
        store = database.start(ring)
        assert everything(store) == before
        assert not is_whole(store)
        rewrite(store)
        assert is_whole(store)
        assert store.encryption().instances == 4
        assert everything(store) == before
        store.close()
        dump = database.dump()
        if ring is not None and not ring.writes_plain:
            assert SECRETS.search(dump) is None
            others = [key for key in KEYS if key is not ring.keys[0]]
            assert not any(beginning_under(key) in dump for key in others)
        else:
            assert MARK not in dump
            assert database.execute("SELECT name FROM {session_group} WHERE name >= %s", b"\xff") == []
        store = database.start(alone(ring))
        assert everything(store) == before
        assert {event.event for event in store.events(0)} == {"instance_dropped", "rewritten"}
    commit(store, restore(drops_of(store, OLD)[0], "new"))
    assert read_all(store, NEW, NEW._replace(key="x")) == [creds(1, 3), b'"a secret"']


@pytest.mark.parametrize("rings", list(STEPS.values())[:3], ids=list(STEPS)[:3])
def test_what_was_not_rewritten_yet_can_be_changed_in_every_way(database: Workers, rings: list[KeyRing | None]) -> None:
    fill(database.start(rings[0]))
    database.close()
    store = database.start(rings[1])
    commit(store, CreateInstance(*CREDS[:2]), write(KEY, b'"new"'), delete(KEY._replace(key="pre-key-7")))
    assert store.names(*CREDS[:2], beginning="", after="", most=10) == ["creds", KEY.key]
    assert read_all(store, CREDS, KEY, KEY._replace(key="pre-key-7")) == [creds(2), b'"new"', None]
    commit(store, write(CREDS, creds(3)))
    assert len(versions(store)) == 3
    dropped = drop(store, SUPPORT)
    create(store, SUPPORT)
    assert store.read(SUPPORT) is None
    assert store.commit([restore(dropped)]) != [None]
    commit(store, restore(dropped, "new"), purge(drops_of(store, OLD)[0]))
    assert store.instances("codechat") == ["new", "sales", "support"]
    assert store.read(NEW) == creds(2, 2)
    rewrite(store)
    assert is_whole(store)
    assert store.instances("codechat") == ["new", "sales", "support"]
    assert read_all(store, NEW, CREDS, KEY) == [creds(2, 2), creds(3), b'"new"']
    [[groups]] = database.execute("SELECT count(*) FROM {session_group}")
    assert groups == 2


def test_what_was_set_aside_is_sealed_too(database: Workers) -> None:
    store = database.start(None)
    fill(store)
    database.execute("UPDATE {session_file} SET value = %s WHERE key = %s", b'{"a secret', KEY.key.encode())
    assert store.read(KEY) is None
    assert database.execute("SELECT value FROM {broken_value}") == [(b'{"a secret',)]
    for ring in (FIRST, SECOND):
        store.close()
        store = database.start(ring)
        rewrite(store)
        assert SECRETS.search(database.dump()) is None
    store.close()
    rewrite(database.start(KeyRing(KEYS[1:2], writes_plain=True)))
    assert database.execute("SELECT key, value FROM {broken_value}") == [(KEY.key.encode(), b'{"a secret')]


def test_what_is_broken_when_it_is_rewritten_is_set_aside_and_creds_come_from_their_newest_version(
    database: Workers,
) -> None:
    fill(database.start(None))
    database.close()
    for name in (b"creds", KEY.key.encode()):
        database.execute("UPDATE {session_file} SET value = %s WHERE key = %s", b"\0sw1junk", name)
    store = database.start(FIRST)
    rewrite(store)
    assert is_whole(store)
    assert read_all(store, CREDS, SUPPORT, KEY) == [creds(2), creds(2, 2), None]
    assert database.execute("SELECT count(*) FROM {broken_value}") == [(5,)]


@pytest.mark.parametrize("steps", [1, 2, 5, 11])
def test_it_goes_on_after_a_start_with_what_is_left(
    database: Workers, steps: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rewriting, "AT_ONCE", 1)
    store = database.start(FIRST)
    fill(store)
    before = everything(store)
    store.close()
    store = database.start(SECOND)
    store.rewrite(is_wanted=True)
    seen = [store.encryption().done]
    for _ in range(30):
        for _ in range(steps):
            store._rewriting.go_on(1e-9)
        assert everything(store) == before
        store.close()
        store = database.start(SECOND)
        store.checkpoint()
        seen.append(store.encryption().done)
        if not store.encryption().is_rewriting:
            break
    assert is_whole(store)
    assert seen == sorted(seen)
    assert steps > 8 or 0 < len(set(seen)) > 2
    assert everything(store) == before


def test_it_stops_when_it_is_not_wanted_any_more(database: Workers) -> None:
    fill(database.start(FIRST))
    database.close()
    store = database.start(SECOND)
    store.rewrite(is_wanted=True)
    store._rewriting.go_on(1e-9)
    store.rewrite(is_wanted=False)
    assert not store.encryption().is_rewriting
    store._rewriting.go_on(60.0)
    assert not is_whole(store)
    assert len(store.encryption().keys) == 2
    rewrite(store)
    assert is_whole(store)


def test_nothing_is_rewritten_where_all_is_as_it_is_written_now(database: Workers) -> None:
    for ring in (None, FIRST):
        with workers_on(database.plain_url, f"{database.schema}_{ring is None}") as other:
            store = other.start(ring)
            fill(store)
            assert is_whole(store)
            store.rewrite(is_wanted=True)
            assert not store.encryption().is_rewriting


def test_what_was_purged_and_is_not_erased_yet_is_waited_for(database: Workers) -> None:
    store = database.start(FIRST)
    fill(store)
    commit(store, purge(drops_of(store, OLD)[0]))
    store.close()
    store = database.start(SECOND)
    store.rewrite(is_wanted=True)
    for _ in range(10):
        store._rewriting.go_on(60.0)
    assert store.encryption().is_rewriting
    assert store._rewriting.is_waiting
    until_over(store, lambda: store._rewriting.go_on(60.0))
    assert is_whole(store)


def test_an_instance_whose_row_was_changed_is_told_and_stops_it(database: Workers) -> None:
    store = database.start(FIRST)
    fill(store)
    database.execute("UPDATE {instance} SET name = '?' WHERE dropped <> ''")
    store.close()
    store = database.start(SECOND)
    rewrite(store)
    assert not is_whole(store)
    assert (store.encryption().done, store.encryption().instances) == (0, 4)
    assert [event.name for event in database.reports if event.name == "rewriting_stuck"] == ["rewriting_stuck"]


def test_a_store_that_takes_plain_things_takes_none_once_all_was_rewritten(database: Workers) -> None:
    fill(database.start(FIRST))
    database.close()
    [[id_]] = database.execute("SELECT id FROM {instance} WHERE dropped <> ''")
    database.execute("INSERT INTO {session_file} VALUES (%s, 'plain', '1')", id_)
    store = database.start(FIRST_OR_PLAIN)
    commit(store, restore(drops_of(store, OLD)[0]))
    assert store.read(OLD._replace(key="plain")) == b"1"
    rewrite(store)
    assert store.read(OLD._replace(key="plain")) == b"1"
    database.execute("INSERT INTO {session_file} VALUES (%s, 'more', '1')", id_)
    assert store.read(OLD._replace(key="more")) is None
    assert database.execute("SELECT count(*) FROM {session_file} WHERE key = 'plain'") == [(0,)]
