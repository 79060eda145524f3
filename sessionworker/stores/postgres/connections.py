"""Connections to the database: a few, each lent to one thread at a time, and none that is waited for for ever.

**A commit whose outcome is not known is not acknowledged.** A transaction locks the rows of its instances first, and
sends what it changes only when it has them. So whatever becomes of a connection: what was sent over it is either done
before a later writer gets those rows, or never.
"""

from __future__ import annotations

import os
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from random import random
from threading import Lock
from typing import Any, TypeVar

from psycopg import Connection, Error, errors
from psycopg_pool import ConnectionPool, PoolClosed, PoolTimeout

from sessionworker.errors import StartError, StoreUnavailable
from sessionworker.events import Event, Report
from sessionworker.stores.postgres.address import Address
from sessionworker.stores.postgres.faults import (
    is_lost,
    is_rolled_back,
    is_to_be_tried_again,
    reason_of,
    refusal_for,
)
from sessionworker.stores.postgres.tables import Row

STATEMENT_SECONDS = 4.0
"""How long the database may take for one statement; waiting for what others have locked counts, too."""

SILENT_SECONDS = 6.0
"""How long a transaction, or a question, may take in all before its connection is given up: the server may hang."""

IDLE_SECONDS = 10.0
"""How long the database waits for the rest of a transaction, until it lets go of what that has locked."""

WAIT_SECONDS = 2.0
"""How long a thread waits for a connection."""

RECONNECT_SECONDS = 5.0
"""How long the pool tries to connect again by itself; after that, whoever asks makes it try."""

MOST_TRIES = 10
"""How often a transaction is begun, where others are in between each time."""

T = TypeVar("T")


class Watched(Connection[Row]):
    """A connection that counts the warnings of its server, and knows until when it should have answered."""

    warnings = 0
    overdue_at = float("inf")


class Connections:
    """Lends connections to the threads of one store."""

    def __init__(self, address: Address, size: int, report: Report) -> None:
        """Prepare `size` connections; `open` makes them."""
        self._report = report
        self._conninfo = address.conninfo
        self._pool: ConnectionPool[Watched] = ConnectionPool(
            address.conninfo,
            connection_class=Watched,
            kwargs={"autocommit": True, "prepare_threshold": 1},
            min_size=size,
            max_size=size,
            open=False,
            configure=_configure,
            timeout=WAIT_SECONDS,
            reconnect_timeout=RECONNECT_SECONDS,
            max_lifetime=1800,
            num_workers=1,  # those that come back do so one after the other
            name="sessionworker",
        )
        self._lent: set[Watched] = set()
        self._lock = Lock()
        self.counts: Counter[str] = Counter()
        self.commit_seconds: Callable[[float, int], None] = lambda _, __: None
        self.problem = ""
        """What is the matter with the database; empty where nothing is known to be."""

    def open(self, prepare: Callable[[Connection[Row]], None]) -> None:
        """Connect, and have `prepare` called with the first connection. Raises StartError."""
        try:
            with Connection.connect(self._conninfo, autocommit=True) as connection:
                prepare(connection)
        except Error as error:
            raise StartError(f"The database cannot be used: {reason_of(error)}.") from None
        self._pool.open()

    def close(self) -> None:
        """Let go of all connections. Whoever asks from now on is refused."""
        self._pool.close()

    # Asking

    def ask(self, question: Callable[[Connection[Row]], T]) -> T:
        """Return what a question that changes nothing comes to. Raises NoSpace or StoreUnavailable.

        It is asked once more where its connection turns out to have been lost before.
        """
        for is_last in (False, True):
            try:
                with self._borrowed() as connection:
                    return question(connection)
            except Error as error:
                if is_last or not is_lost(error):
                    raise self._refuse(error) from None
        raise AssertionError

    def transact(self, work: Callable[[Connection[Row]], T]) -> T:
        """Do work in one transaction, and return what it comes to once that is durable.

        The work has to lock first and to fetch what that gives, and may be done several times. Raises NoSpace or
        StoreUnavailable; then nothing of it stays, or nobody knows.
        """
        for tries in range(MOST_TRIES):
            is_sent = False
            begun = time.perf_counter()
            try:
                with self._borrowed() as connection:
                    warnings = connection.warnings
                    with connection.pipeline(), connection.transaction():
                        result = work(connection)
                        is_sent = True
                    if connection.warnings > warnings:  # "committed locally": it may be on no standby
                        self.counts["commits_unknown"] += 1
                        raise StoreUnavailable
            except Error as error:
                if is_sent and not is_rolled_back(error):
                    self.counts["commits_unknown"] += 1
                elif is_to_be_tried_again(error) or (is_lost(error) and not tries):
                    self.counts["transaction_retries"] += 1
                    time.sleep(random() * 0.002 * 2**tries)  # noqa: S311 - so that two do not meet again
                    continue
                raise self._refuse(error) from None
            self.commit_seconds(time.perf_counter() - begun, 1)
            return result
        raise StoreUnavailable

    def change(self, statement: Callable[[Connection[Row]], T]) -> T:
        """Do work in one statement, and return what it comes to once that is durable.

        It may be done several times. Raises NoSpace or StoreUnavailable; then nothing of it stays, or nobody knows.
        """
        for tries in range(MOST_TRIES):
            begun = time.perf_counter()
            try:
                with self._borrowed() as connection:
                    warnings = connection.warnings
                    result = statement(connection)
                    if connection.warnings > warnings:  # "committed locally": it may be on no standby
                        self.counts["commits_unknown"] += 1
                        raise StoreUnavailable
            except Error as error:
                if is_to_be_tried_again(error):
                    self.counts["transaction_retries"] += 1
                    time.sleep(random() * 0.002 * 2**tries)  # noqa: S311 - so that two do not meet again
                    continue
                if not is_rolled_back(error):
                    self.counts["commits_unknown"] += 1
                raise self._refuse(error) from None
            self.commit_seconds(time.perf_counter() - begun, 1)
            return result
        raise StoreUnavailable

    @contextmanager
    def _borrowed(self) -> Iterator[Watched]:
        # Where nothing can be reached, one at a time waits, and the others are told so at once.
        try:
            connection = self._pool.getconn(0.05 if self.problem else WAIT_SECONDS)
        except (PoolTimeout, PoolClosed) as error:
            raise self._refuse(error) from None
        connection.overdue_at = time.monotonic() + SILENT_SECONDS
        with self._lock:
            self._lent.add(connection)
        try:
            yield connection
        except Error as error:
            if is_lost(error):
                connection.close()
            raise
        else:
            self._is_well()
        finally:
            with self._lock:
                self._lent.discard(connection)
            self._pool.putconn(connection)

    # How it does

    def give_up_overdue(self) -> None:
        """Cut the connections that should have answered: whoever waits for them is told that they are lost."""
        now = time.monotonic()
        with self._lock:
            for connection in self._lent:
                if connection.overdue_at < now:
                    connection.overdue_at = float("inf")
                    self.counts["connections_given_up"] += 1
                    with suppress(OSError, Error), socket.socket(fileno=os.dup(connection.fileno())) as copy:
                        copy.shutdown(socket.SHUT_RDWR)

    def gauges(self) -> dict[str, float]:
        """Return how the connections do, by the names of the metrics."""
        found = self._pool.get_stats()
        return {
            "database_connections": found.get("pool_size", 0),
            "database_connections_idle": found.get("pool_available", 0),
            "database_calls_waiting": found.get("requests_waiting", 0),
        }

    def _refuse(self, error: Error) -> Exception:
        """Count an error, say so when it begins, and return what a client is told."""
        self.counts["database_errors"] += 1
        is_wait = isinstance(error, PoolTimeout | PoolClosed)
        reason = "no connection is free, or none can be made" if is_wait else reason_of(error)
        if not self.problem and (is_wait or is_lost(error) or refusal_for(error).status != StoreUnavailable.status):
            self.problem = reason
            self._report(Event("database_failed", f"The database cannot be used: {reason}. It is tried again."))
        elif not is_wait and not is_lost(error):
            self._report(Event("statement_failed", f"The database refused what was asked of it: {reason}."))
        return refusal_for(error)

    def _is_well(self) -> None:
        if self.problem:
            self.problem = ""
            self._report(Event("database_well_again", "The database can be used again.", level="info"))


def _configure(connection: Connection[Any]) -> None:
    """See that nothing lasts for ever, on the server's side."""
    milliseconds = {
        "statement_timeout": STATEMENT_SECONDS,
        "idle_in_transaction_session_timeout": IDLE_SECONDS,
    }
    for name, seconds in milliseconds.items():
        connection.execute(f"SET {name} = {int(seconds * 1000)}".encode())

    def count(diagnostic: errors.Diagnostic) -> None:
        if diagnostic.severity_nonlocalized == "WARNING":
            connection.warnings += 1  # type: ignore[attr-defined]  # it is a Watched one

    connection.add_notice_handler(count)
