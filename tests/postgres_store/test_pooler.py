"""A pgbouncer in front of the database: lending connections for sessions it takes nothing away, else it is refused."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from functools import partial

import pytest
from psycopg import Connection

from sessionworker.errors import StartError, StoreUnavailable
from sessionworker.stores.postgres import connections
from sessionworker.stores.postgres.store import PostgresStore
from sessionworker.stores.postgres.tables import Row
from tests.contract.words import CREDS, KEY, create, write
from tests.postgres.pooler import Pooler
from tests.postgres.server import Server
from tests.postgres_store.opened import address_of, by_hand, impatient, opened, wait_until

pytestmark = pytest.mark.slow

LIMITS = {"statement_timeout": "4s", "lock_timeout": "2s", "default_transaction_isolation": "read committed"}

WAITING = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep'"


def ask(statement: bytes, connection: Connection[Row]) -> list[Row]:
    return connection.execute(statement).fetchall()


@pytest.fixture
def server(postgres: Server) -> Iterator[Server]:
    with Server(postgres.room, {"default_transaction_isolation": "repeatable read"}) as running:
        yield running


def test_lent_for_a_session_every_connection_has_its_limits_whoever_had_it_before(server: Server) -> None:
    with Pooler(server, "session") as pooler:
        for _ in range(2):  # the second one is lent the connections of the first one
            with opened(pooler.url()) as one:
                create(one.store)
                assert one.store.commit([write(KEY, b"1")]) == [None]
                assert one.store.read(KEY) == b"1"
                for name, value in LIMITS.items():
                    [(found,)] = one.store._connections.ask(partial(ask, f"SHOW {name}".encode()))
                    assert found == value, name
        with opened(pooler.url()) as one:
            by_hand(server, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name <> ''")
            assert one.store.read(KEY) == b"1"


@pytest.mark.parametrize("mode", ["transaction", "statement"])
@pytest.mark.parametrize(("is_in_turn", "idle"), [(False, 0), (True, 0), (True, 2), (True, 5)])
def test_lent_for_a_transaction_they_are_refused_at_the_start(
    server: Server, mode: str, is_in_turn: bool, idle: int
) -> None:
    with Pooler(server, mode, is_in_turn=is_in_turn) as pooler:
        pooler.connect(idle)
        for _ in range(3):
            with pytest.raises(StartError, match="pool_mode=session"):
                PostgresStore(address_of(pooler.url()))
    assert by_hand(server, "SELECT 1 FROM pg_namespace WHERE nspname = 'sw'") == []


def test_a_server_that_became_a_standby_is_not_asked_whatever_the_pooler_remembers_of_it(server: Server) -> None:
    with Pooler(server, "session") as pooler:
        with opened(pooler.url()) as one:
            create(one.store)
            assert one.store.commit([write(KEY, b"1")]) == [None]
            server.stop()
            marker = server.data / "standby.signal"
            marker.touch()
            os.chown(marker, *(server.room.user or (-1, -1)))
            server.start()
            for _ in range(3):
                with pytest.raises(StoreUnavailable):
                    one.store.read(KEY)
        # For a moment the pooler may have nothing but connections that its server has ended.
        wait_until(lambda: "a standby" in refusal_of_a_start(pooler), 20)


def refusal_of_a_start(pooler: Pooler) -> str:
    with pytest.raises(StartError) as refusal:
        PostgresStore(address_of(pooler.url()))
    return str(refusal.value)


def test_what_the_server_has_not_answered_is_counted_by_its_own_word(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What pgbouncer calls a connection, the server does not know."""
    files = [CREDS._replace(instance=f"instance-{number}", key="key") for number in range(9)]
    with Pooler(server, "session") as pooler, opened(pooler.url()) as one:
        create(one.store, *files)
        impatient(monkeypatch, 0.5)
        by_hand(server, "ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
        by_hand(server, "SELECT pg_reload_conf()")
        time.sleep(0.3)
        for file in files:
            assert [type(outcome) for outcome in one.store.commit([write(file, b"1")])] == [StoreUnavailable]
        assert 0 < len(by_hand(server, WAITING)) <= connections.MOST_UNANSWERED
        by_hand(server, "ALTER SYSTEM RESET synchronous_standby_names")
        by_hand(server, "SELECT pg_reload_conf()")
        wait_until(lambda: one.store.commit([write(files[0], b"2")]) == [None], 15)
