"""What goes wrong for one instance, or for commits, is no matter for the others."""

from __future__ import annotations

import time
from collections.abc import Iterator

import psycopg
import pytest

from sessionworker.errors import StoreUnavailable
from sessionworker.stores.changes import Delete, Entry, Probe, ReleaseInstance, Write
from sessionworker.stores.postgres import connections
from tests.contract.words import CREDS, KEY, SUPPORT, changes, create, write
from tests.postgres.server import Server
from tests.postgres_store.opened import by_hand, impatient, opened, wait_until
from tests.tools import show_figure

OTHER = SUPPORT._replace(key="key")


@pytest.fixture
def server(postgres: Server) -> Iterator[Server]:
    with Server(postgres.room) as running:
        yield running


def test_a_locked_row_holds_up_its_own_instance_alone(server: Server) -> None:
    with opened(server.url()) as one, psycopg.connect(server.socket_url()) as other:
        create(one.store, CREDS, OTHER)
        assert one.store.commit([write(KEY, b"1"), write(OTHER, b"1")]) == [None, None]
        other.execute("SELECT 1 FROM sw.instance WHERE name = 'sales' FOR UPDATE")
        begun = time.monotonic()
        entries: list[Entry] = [
            write(KEY, b"2"),
            write(OTHER, b"2"),
            Probe(),
            changes(Delete(KEY.key)),
            changes(Write(OTHER.key, b"3"), instance=OTHER.instance),
            ReleaseInstance(CREDS.group, CREDS.instance, None),
        ]
        outcomes = one.store.commit(entries)
        seconds = time.monotonic() - begun
        assert [isinstance(one, StoreUnavailable) for one in outcomes] == [True, False, False, True, False, True]
        assert [outcomes[number] for number in (1, 2, 4)] == [None] * 3
        assert (one.store.read(KEY), one.store.read(OTHER)) == (b"1", b"3")
        other.rollback()
        assert one.store.commit([write(KEY, b"4")]) == [None]
        assert one.told == {"statement_failed": 1}
    assert seconds < 4
    show_figure(f"PostgreSQL with a locked row: commits of other instances beside it took {seconds:.2f} s")


def test_where_all_are_locked_all_are_refused(server: Server) -> None:
    with opened(server.url()) as one, psycopg.connect(server.socket_url()) as other:
        create(one.store, CREDS, OTHER)
        other.execute("SELECT 1 FROM sw.instance FOR UPDATE")
        outcomes = one.store.commit([write(KEY, b"2"), write(OTHER, b"2")])
        assert [isinstance(one, StoreUnavailable) for one in outcomes] == [True, True]


def test_commits_that_wait_for_a_standby_do_not_take_all_connections(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [CREDS._replace(instance=f"instance-{number}", key="key") for number in range(12)]
    with opened(server.url()) as one:
        create(one.store, *files)
        impatient(monkeypatch, 0.5)
        by_hand(server, "ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
        by_hand(server, "SELECT pg_reload_conf()")
        time.sleep(0.3)
        for file in files:
            assert [type(outcome) for outcome in one.store.commit([write(file, b"1")])] == [StoreUnavailable]
        [(waiting,)] = by_hand(server, "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'")
        assert 0 < waiting <= connections.MOST_UNANSWERED  # the first may have been ended by its own limit
        assert [one.store.read(file) for file in files] == [None] * len(files)
        by_hand(server, "ALTER SYSTEM RESET synchronous_standby_names")
        by_hand(server, "SELECT pg_reload_conf()")
        wait_until(lambda: one.store.commit([write(files[0], b"2")]) == [None], 10)


def test_after_a_restart_no_call_is_refused_for_a_connection_that_was_made_before(server: Server) -> None:
    with opened(server.url()) as one:
        create(one.store)
        wait_until(lambda: one.connections == 6, 10)
        for _ in range(3):
            server.restart()
            for number in range(10):
                assert one.store.commit([write(KEY, b"%d" % number)]) == [None]
                assert one.store.read(KEY) == b"%d" % number
            wait_until(lambda: one.connections == 6, 10)
        assert one.told == {}
