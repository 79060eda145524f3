"""An instance takes the place of another while others ask for that: nobody is told that there is none."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import psycopg
import pytest

from sessionworker.stores.changes import Batch, CreateInstance, Delete, Entry, Existing, Write
from sessionworker.stores.interface import Outcome
from sessionworker.stores.postgres.store import PostgresStore
from sessionworker.stores.rules.leases import Lease
from tests.contract.words import CREDS, KEY, SUPPORT, changes, commit, create, creds, drop, replace, restore, write
from tests.postgres.server import Server
from tests.postgres_store.opened import by_hand, opened, wait_until

LATE = KEY._replace(key="late")

ENTRIES: dict[str, Entry] = {
    "one value": write(LATE, b"1"),
    "several": changes(Write("creds", creds(5, 2)), Write(LATE.key, b"1")),
    "a deletion": changes(Delete("nothing"), Write(LATE.key, b"1")),
    "a deletion alone": changes(Delete(KEY.key)),
    "an owner's": Batch("codechat", "sales", (), Existing(), "one"),
    "a create": CreateInstance("codechat", "sales", ""),
}


@pytest.fixture
def server(postgres: Server) -> Iterator[Server]:
    with Server(postgres.room) as running:
        yield running


def ask(store: PostgresStore, entry: Entry) -> Outcome:
    [outcome] = store.commit([entry])
    return outcome


def wait_for_locks(server: Server, count: int) -> None:
    """Wait until so many statements wait for a lock."""
    asked = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    wait_until(lambda: by_hand(server, asked) == [(count,)], 10)


@pytest.mark.parametrize("name", ENTRIES)
def test_who_waits_for_the_one_that_gives_up_its_place_is_answered_by_the_one_that_takes_it(
    server: Server, name: str
) -> None:
    with opened(server.url()) as one, opened(server.url()) as other, ThreadPoolExecutor() as pool:
        create(one.store, CREDS, SUPPORT)
        commit(one.store, write(CREDS, creds(1)), write(KEY, b'"old"'))
        commit(one.store, write(SUPPORT, creds(1, 2)), write(SUPPORT._replace(key=KEY.key), b'"new"'))
        dropped = drop(one.store, SUPPORT)
        with psycopg.connect(server.socket_url()) as third:
            third.execute("SELECT 1 FROM sw.instance WHERE name = 'sales' FOR UPDATE")
            replacing = pool.submit(partial(ask, one.store, replace(dropped, "sales")))
            wait_for_locks(server, 1)
            waiting = pool.submit(partial(ask, other.store, ENTRIES[name]))
            wait_for_locks(server, 2)
            third.rollback()
            assert replacing.result(20) is None
            outcome = waiting.result(20)
            assert outcome is None or isinstance(outcome, Lease)
        wanted = b'"new"' if name != "a deletion alone" else None
        assert (one.store.read(KEY), one.store.instances("codechat")) == (wanted, ["sales"])
        assert one.store.read(LATE) == (
            b"1" if isinstance(ENTRIES[name], Batch) and "late" in str(ENTRIES[name]) else None
        )
        commit(one.store, restore(one.store.drops()[0], "old"))
        in_old = KEY._replace(instance="old")
        assert (one.store.read(in_old), one.store.read(in_old._replace(key="late"))) == (b'"old"', None)
