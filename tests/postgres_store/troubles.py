"""What may happen to a database: each as a block in which it is so."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager, suppress
from typing import NamedTuple

import psycopg

from tests.contract.words import CREDS
from tests.postgres.server import Server
from tests.postgres_store.opened import by_hand

PARAMETERS: dict[str, str | int] = {
    "log_connections": "on",
    "max_connections": 16,
    "superuser_reserved_connections": 0,
    "unix_socket_permissions": "0777",
}

_OURS = "SELECT pid FROM pg_stat_activity WHERE application_name = 'sessionworker'"


@contextmanager
def killed(server: Server) -> Iterator[None]:
    server.kill()
    yield
    server.start()


@contextmanager
def stopped(server: Server) -> Iterator[None]:
    server.stop()
    yield
    server.start()


@contextmanager
def paused(server: Server) -> Iterator[None]:
    server.pause()
    try:
        yield
    finally:
        server.go_on()


@contextmanager
def full(server: Server) -> Iterator[None]:
    """Others have all connections that there may be."""
    with ExitStack() as others:
        one = others.enter_context(closing(psycopg.connect(server.socket_url(), autocommit=True)))
        left = int(PARAMETERS["max_connections"]) - 1
        while left:
            for (pid,) in one.execute(_OURS).fetchall():
                one.execute("SELECT pg_terminate_backend(%s)", [pid])
            with suppress(psycopg.OperationalError):  # one that was ended may take its place a moment longer
                while left:
                    others.enter_context(closing(psycopg.connect(server.socket_url())))
                    left -= 1
        yield


@contextmanager
def locked(server: Server) -> Iterator[None]:
    """Somebody has locked an instance's row, and went to lunch."""
    with psycopg.connect(server.socket_url()) as connection:
        found = connection.execute("SELECT id FROM sw.instance WHERE name = %s FOR UPDATE", [CREDS.instance.encode()])
        assert found.fetchone() is not None
        yield


@contextmanager
def read_only(server: Server) -> Iterator[None]:
    by_hand(server, "ALTER SYSTEM SET default_transaction_read_only = on")
    by_hand(server, "SELECT pg_reload_conf()")
    yield
    with psycopg.connect(server.socket_url(options="-cdefault_transaction_read_only=off"), autocommit=True) as one:
        one.execute("ALTER SYSTEM RESET default_transaction_read_only")
        one.execute("SELECT pg_reload_conf()")


@contextmanager
def without_tables(server: Server) -> Iterator[None]:
    by_hand(server, "ALTER SCHEMA sw RENAME TO away")
    yield
    by_hand(server, "ALTER SCHEMA away RENAME TO sw")


@contextmanager
def another_password(server: Server) -> Iterator[None]:
    """Connections that are there stay; so they are ended, as a proxy or a restart does."""
    by_hand(server, "ALTER ROLE postgres PASSWORD 'another'")
    by_hand(server, f"SELECT pg_terminate_backend(pid) FROM ({_OURS}) AS ours")
    yield
    with psycopg.connect(server.socket_url(), autocommit=True) as one:
        one.execute(f"ALTER ROLE postgres PASSWORD '{server.room.password}'".encode())


@contextmanager
def full_disk(server: Server) -> Iterator[None]:
    """A write is answered as on a full disk; a real one would change the machine."""
    by_hand(server, _FULL)
    by_hand(server, "CREATE TRIGGER full_disk BEFORE INSERT ON sw.session_file EXECUTE FUNCTION full_disk()")
    yield
    by_hand(server, "DROP TRIGGER full_disk ON sw.session_file")


_FULL = """
CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'a secret value' USING ERRCODE = '53100'; END $$
"""


class Trouble(NamedTuple):
    """One of them, and what it does to the store."""

    begin: Callable[[Server], AbstractContextManager[None]]
    refuses: set[str]
    """Which calls are refused."""
    event: str
    reasons: set[str]
    """One of them is told of."""
    seconds: float = 4.0
    """How long it lasts."""


GONE = {"it cannot be reached", "it is not known whether it has made a change", "it is being stopped"}

TROUBLES = {
    "killed": Trouble(killed, {"read", "write"}, "database_failed", GONE),
    "stopped": Trouble(stopped, {"read", "write"}, "database_failed", GONE),
    "stopped for long": Trouble(stopped, {"read", "write"}, "database_failed", GONE, 11.0),
    "paused": Trouble(paused, {"read", "write"}, "database_failed", GONE, 11.0),
    "no connection left": Trouble(full, {"read", "write"}, "database_failed", {"it takes no more connections"}),
    "row locked": Trouble(locked, {"write"}, "statement_failed", {"something else keeps rows locked"}, 7.0),
    "read-only": Trouble(read_only, {"read", "write"}, "database_failed", {"it takes no writes now"}),
    "no tables": Trouble(without_tables, {"read", "write"}, "database_failed", {"its tables are gone"}),
    "another password": Trouble(another_password, {"read", "write"}, "database_failed", {"the password is wrong"}),
    "disk full": Trouble(full_disk, {"write"}, "database_failed", {"its disk is full"}),
}
