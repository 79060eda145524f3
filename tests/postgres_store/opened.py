"""A store with its background, as a worker has it, and what it tells."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, LiteralString

import psycopg
import pytest

from sessionworker.events import Event
from sessionworker.stores.postgres import committing, connections, simple
from sessionworker.stores.postgres.address import Address, read_address
from sessionworker.stores.postgres.store import PostgresStore
from tests.postgres.server import Server

SCHEMA = "sw"


class Opened:
    """A store that is open, and the events that it told of."""

    def __init__(self, url: str, threads: int = 4, schema: str = SCHEMA) -> None:
        self.events: list[Event] = []
        self.address = address_of(url, schema)
        self.store = PostgresStore(self.address, threads=threads, report=self.events.append)
        self._background = threading.Thread(target=self.store.maintain)
        self._background.start()

    def close(self) -> None:
        self.store.close()
        self._background.join(20)
        assert not self._background.is_alive()

    @property
    def told(self) -> Counter[str]:
        """How often each event was told of."""
        return Counter(event.name for event in self.events)

    @property
    def connections(self) -> int:
        """How many connections are there, and lent to nobody."""
        return int(self.store.figures().gauges["database_connections_idle"])

    @property
    def connections_tried(self) -> int:
        """How often it was tried to make one."""
        return self.store._connections._pool.get_stats().get("connections_num", 0)


def address_of(url: str, schema: str = SCHEMA) -> Address:
    return read_address(f"{url}{'&' if '?' in url else '?'}schema={schema}")


@contextmanager
def opened(url: str, threads: int = 4, schema: str = SCHEMA) -> Iterator[Opened]:
    one = Opened(url, threads, schema)
    try:
        yield one
    finally:
        one.close()


def by_hand(server: Server, statement: LiteralString, *parameters: Any) -> list[tuple[Any, ...]]:
    """Run a statement as the superuser, over the server's socket, which asks for no password."""
    with psycopg.connect(server.socket_url(), autocommit=True) as connection:
        cursor = connection.execute(statement, parameters or None)
        return cursor.fetchall() if cursor.description else []


def wait_until(is_so: Callable[[], object], seconds: float) -> float:
    """Return after how many seconds it was so. Raises TimeoutError if it was not within that time."""
    begun = time.monotonic()
    while not is_so():
        if time.monotonic() - begun > seconds:
            raise TimeoutError(f"not so after {seconds} s")
        time.sleep(0.02)
    return time.monotonic() - begun


def impatient(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """Have stores wait so long for an answer, and a little longer until what was lost on its way does nothing more."""
    monkeypatch.setattr(connections, "ANSWER_SECONDS", seconds)
    for module in (simple, committing):
        monkeypatch.setattr(module, "VALID_SECONDS", seconds + 0.1)
    monkeypatch.setattr(connections, "CLOCK_SECONDS", 0.1)
