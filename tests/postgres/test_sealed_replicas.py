"""Several workers on one database, of which some have other keys than others: nothing is taken for missing."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Thread

import psycopg
import pytest

from sessionworker.errors import NoSuchGroup, NoSuchInstance, StartError, StoreUnavailable
from sessionworker.stores.changes import CreateInstance
from sessionworker.stores.postgres import rewriting
from sessionworker.stores.seal import KeyRing, beginning_under
from tests.contract.words import (
    CREDS,
    KEY,
    OTHER_KEY,
    commit,
    create,
    creds,
    delete,
    drop,
    purge,
    read_all,
    restore,
    write,
)
from tests.postgres.sealed import (
    FIRST,
    FIRST_OF_TWO,
    KEYS,
    NEW,
    OLD,
    PLAIN_AGAIN,
    SECOND,
    SECOND_ALONE,
    Workers,
    everything,
    fill,
    is_whole,
    rewrite,
    until_over,
    workers_on,
)


@pytest.mark.parametrize("rings", [(FIRST_OF_TWO, SECOND), (PLAIN_AGAIN, FIRST)], ids=["two keys", "plain and a key"])
def test_workers_with_their_keys_in_another_order_see_all_that_each_other_does(
    database: Workers, rings: tuple[KeyRing, KeyRing]
) -> None:
    old, new = map(database.start, rings)
    for first, second in ((old, new), (new, old)):
        create(first)
        commit(first, write(CREDS, creds(1)), write(KEY, b"1"))
        create(second)
        assert second.instances("codechat") == ["sales"]
        for number in range(2, 6):
            writer, reader = (second, first) if number % 2 else (first, second)
            commit(writer, write(KEY, b"%d" % number))
            assert read_all(reader, CREDS, KEY) == [creds(1), b"%d" % number]
        commit(second, delete(KEY))
        assert first.read(KEY) is None
        dropped = drop(second)
        with pytest.raises(NoSuchInstance):
            first.read(CREDS)
        commit(first, restore(dropped))
        assert second.read(CREDS) == creds(1)
        assert database.execute("SELECT count(*) FROM {session_file}") == [(1,)]
        assert database.execute("SELECT count(*) FROM {session_group}") == [(1,)]
        commit(second, purge(drop(second)))
        second.checkpoint()  # what was purged is erased


@pytest.mark.parametrize("rings", [(FIRST_OF_TWO, SECOND), (PLAIN_AGAIN, FIRST)], ids=["two keys", "plain and a key"])
def test_workers_with_their_keys_in_another_order_make_one_instance_where_both_make_it_at_once(
    database: Workers, rings: tuple[KeyRing, KeyRing]
) -> None:
    stores = [*map(database.start, rings)]
    names = [CREDS._replace(group=f"group {number % 10}", instance=f"{number}") for number in range(50)]
    with ThreadPoolExecutor(2) as threads:
        list(threads.map(lambda store: create(store, *names), stores))
    assert database.execute("SELECT count(*) FROM {instance}") == [(50,)]
    assert database.execute("SELECT count(*) FROM {session_group}") == [(10,)]


def test_writes_beside_a_rewriting_lose_nothing(database: Workers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rewriting, "AT_ONCE", 1)  # or it is done before much is written
    old = database.start(FIRST_OF_TWO)
    files = [KEY._replace(key=f"pre-key-{number}") for number in range(60)]
    create(old, CREDS, *(CREDS._replace(instance=f"{number}") for number in range(5)))
    commit(old, write(CREDS, creds(0)), *(write(file, b"0") for file in files))
    old.close()
    store, other = database.start(SECOND), database.start(SECOND)
    store.rewrite(is_wanted=True)
    thread = Thread(target=store.maintain)
    thread.start()
    for number in range(1, 200):
        commit(other, write(CREDS, creds(number)), *(write(file, b"%d" % number) for file in files[:20]))
        assert read_all(other, *files) == [b"%d" % number] * 20 + [b"0"] * 40
        if not other.encryption().is_rewriting:
            break
    assert is_whole(other)
    assert 3 < number < 199
    assert read_all(store, CREDS, *files) == [creds(number)] + [b"%d" % number] * 20 + [b"0"] * 40
    assert store.names(*CREDS[:2], beginning="pre-key-", after="", most=100) == sorted(file.key for file in files)
    store.close()
    thread.join(20)
    assert beginning_under(KEYS[0]) not in database.dump()


def test_an_instance_that_gets_its_new_name_while_its_row_is_waited_for_is_found(database: Workers) -> None:
    fill(database.start(FIRST))
    store = database.start(SECOND)
    codec = store._sealing.codec
    names = [codec.name(CREDS.group, "group"), codec.name(CREDS.instance, "instance", CREDS.group)]
    with psycopg.connect(database.plain_url) as connection, ThreadPoolExecutor(1) as threads:
        renaming = f"UPDATE {database.schema}.instance SET group_name = %b, name = %b WHERE name = ANY(%b::bytea[])"
        connection.execute(renaming.encode(), [*names, codec.names(CREDS.instance, "instance", CREDS.group)])
        waiting = threads.submit(store.commit, [write(KEY, b"5")])
        while not database.execute("SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'"):
            time.sleep(0.01)
        connection.commit()
        assert waiting.result() == [None]
    assert store.read(KEY) == b"5"


def test_a_worker_without_a_key_that_waits_for_a_row_does_not_write_beside_one_that_seals(database: Workers) -> None:
    plain = database.start(None)
    files = [KEY._replace(instance=f"{number}") for number in range(2)]
    create(plain, *files)
    [[first, _], [_, name]] = database.execute("SELECT id, name FROM {instance} ORDER BY id")
    assert isinstance(name, bytes)
    later = KEY._replace(instance=name.decode())
    with psycopg.connect(database.plain_url) as connection, ThreadPoolExecutor(1) as threads:
        locking = f"SELECT 1 FROM {database.schema}.instance WHERE id = %s FOR UPDATE"
        connection.execute(locking.encode(), [first])
        waiting = threads.submit(plain.commit, [write(file, b'"plain"') for file in files])
        while not database.execute("SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'"):
            time.sleep(0.01)
        sealing = database.start(FIRST)
        commit(sealing, write(later, b'"sealed"'))
        connection.rollback()
        outcomes = dict(zip(files, waiting.result(), strict=True))
    assert isinstance(outcomes[later], StoreUnavailable)
    rewrite(sealing)
    assert sealing.read(later) == b'"sealed"'
    for file, outcome in outcomes.items():
        assert (outcome is None) == (sealing.read(file) == b'"plain"')


def test_a_worker_without_the_new_key_takes_nothing_for_missing(database: Workers) -> None:
    for ring in (None, FIRST):
        with workers_on(database.plain_url, f"{database.schema}_{ring is None}") as other:
            old = other.start(ring)
            fill(old)
            new = other.start(SECOND)
            commit(new, write(CREDS, creds(5)), write(OTHER_KEY, b"5"))
            create(new, NEW)
            for file in (OTHER_KEY, NEW, OLD._replace(group="no group")):
                with pytest.raises(StoreUnavailable):
                    old.read(file)
                with pytest.raises(StoreUnavailable):
                    old.read_many(*file[:2], [OTHER_KEY.key], 100)
            for question in (old.groups, old.drops, old.check, partial(old.instances, "codechat")):
                with pytest.raises(StoreUnavailable):
                    question()
            for change in (CreateInstance(*NEW[:2]), write(OTHER_KEY, b"6"), delete(OTHER_KEY)):
                [outcome] = old.commit([change])
                assert isinstance(outcome, StoreUnavailable)
            assert new.instances("codechat") == ["new", "sales", "support"]
            assert read_all(new, CREDS, OTHER_KEY) == [creds(5), b"5"]
            assert [event.name for event in other.reports].count("keys_do_not_fit") == 1


def test_a_worker_that_would_write_otherwise_is_refused_from_the_moment_on_that_all_is_rewritten(
    database: Workers,
) -> None:
    old, new = database.start(FIRST_OF_TWO), database.start(SECOND)
    fill(old)
    new.rewrite(is_wanted=True)
    for _ in range(2):
        for change in (write(KEY, b"6"), CreateInstance(*NEW[:2])):
            [outcome] = old.commit([change])
            assert isinstance(outcome, StoreUnavailable)
        assert read_all(old, CREDS, KEY) == [creds(2), b'"a secret"']
        with pytest.raises(StoreUnavailable):
            old.check()
        until_over(new, lambda: new._rewriting.go_on(60.0))
    assert is_whole(new)
    assert [event.name for event in database.reports].count("keys_do_not_fit") == 2


def test_a_start_with_the_older_key_first_ends_the_rewriting(database: Workers) -> None:
    store = database.start(FIRST)
    fill(store)
    store.close()
    new = database.start(SECOND)
    new.rewrite(is_wanted=True)
    old = database.start(FIRST_OF_TWO)
    assert not new.encryption().is_rewriting
    commit(old, write(KEY, b"6"))
    commit(new, write(KEY, b"7"))
    assert old.read(KEY) == b"7"
    rewrite(new)
    assert is_whole(new)
    new.close()
    assert beginning_under(KEYS[0]) not in database.dump()


def test_what_an_older_rewriting_saw_to_counts_for_nothing(database: Workers) -> None:
    store = database.start(FIRST)
    fill(store)
    new = database.start(SECOND)
    new.rewrite(is_wanted=True)
    while new.encryption().done < 4:
        new._rewriting.go_on(1e-9)
    old = database.start(FIRST_OF_TWO)
    commit(old, write(KEY, b"6"), write(CREDS, creds(6)))
    old.close()
    rewrite(new)
    new.close()
    store = database.start(SECOND_ALONE)
    assert read_all(store, CREDS, KEY) == [creds(6), b"6"]
    assert beginning_under(KEYS[0]) not in database.dump()


def test_two_workers_rewrite_together(database: Workers) -> None:
    fill(database.start(FIRST))
    database.close()
    workers = [database.start(SECOND), database.start(SECOND)]
    workers[0].rewrite(is_wanted=True)
    for number in range(100):
        workers[number % 2].encryption()
        workers[number % 2]._rewriting.go_on(1e-9)
    assert is_whole(workers[0])
    assert is_whole(workers[1])
    assert everything(workers[0]) == everything(workers[1])


@pytest.mark.parametrize("ring", [SECOND_ALONE, None, PLAIN_AGAIN], ids=["another key", "no key", "plain"])
def test_a_group_that_is_not_there_is_so_for_all(database: Workers, ring: KeyRing | None) -> None:
    store = database.start(ring)
    fill(store)
    with pytest.raises(NoSuchGroup):
        store.read(CREDS._replace(group="nobody"))
    with pytest.raises(NoSuchGroup):
        store.instances("nobody")


def test_five_workers_may_start_at_once_on_nothing(database: Workers) -> None:
    with ThreadPoolExecutor(5) as threads:
        stores = list(threads.map(lambda _: database.start(FIRST), range(5)))
    assert all(is_whole(store) for store in stores)
    assert {store._sealing.data for store in stores} == {stores[0]._sealing.data}
    with pytest.raises(StartError):
        database.start(None)
