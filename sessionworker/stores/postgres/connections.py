"""Connections to the database: a few, each lent to one thread at a time, and none that is waited for for ever.

**A commit whose outcome is not known is not acknowledged.** A transaction locks the rows of its instances first, and
sends what it changes only when it has them. So whatever becomes of a connection: what was sent over it is either done
before a later writer gets those rows, or never.

**Every call ends within `ANSWER_SECONDS`,** with all its tries. Where a connection is lost, or falls silent, those that
were made before it are closed as well, unasked: a server that was started again, has become a standby or is gone from
the network has left all of them so.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from random import random
from threading import Lock
from typing import TypeVar

from psycopg import Connection, Error
from psycopg_pool import ConnectionPool, PoolClosed, PoolTimeout

from sessionworker.errors import StartError, StoreUnavailable
from sessionworker.events import Report
from sessionworker.stores.postgres.address import Address
from sessionworker.stores.postgres.faults import (
    OutcomeUnknownError,
    UnansweredError,
    is_general,
    is_lost,
    is_rolled_back,
    is_to_be_tried_again,
    reason_of,
    refusal_for,
)
from sessionworker.stores.postgres.tables import Row
from sessionworker.stores.postgres.watched import Watched
from sessionworker.stores.postgres.wellness import Kind, Wellness

ANSWER_SECONDS = 6.0
"""How long a call may take in all: waiting for a connection, and each time that it is tried again."""

WAIT_SECONDS = 2.0
"""How long a thread waits for a connection."""

DRY_SECONDS = 0.05
"""The same where the one before has waited in vain."""

RECONNECT_SECONDS = 5.0
"""How long the pool tries to connect again by itself; after that, whoever asks makes it try."""

CONNECT_AT_ONCE = 3
"""How many connections are made at the same time. Where the first of several hosts is gone, each takes seconds."""

START_SECONDS = 60.0
"""How long making the tables may take, and after it the first of the connections that stay."""

CLOSE_SECONDS = 2.0
"""How long calls that are under way may go on while the store is closed."""

CLOCK_SECONDS = 0.5
"""By how much two clocks may be apart that were compared lately."""

MOST_UNANSWERED = 4
"""Commits that the server has not answered and still has: with more, it would soon let nobody in any more."""

PAUSE_SECONDS = 0.002
"""How long at most until the first new try, where others were in between; then twice as long each time."""

LONGEST_PAUSE_SECONDS = 0.1

T = TypeVar("T")

# What the pool says of itself is said here, in words that hold no names.
logging.getLogger("psycopg").addHandler(logging.NullHandler())


class Connections:
    """Lends connections to the threads of one store."""

    def __init__(self, address: Address, size: int, report: Report) -> None:
        """Prepare `size` connections; `open` makes them."""
        self._conninfo = address.conninfo
        self._wellness = Wellness(report)
        self._pool: ConnectionPool[Watched] = ConnectionPool(
            address.conninfo,
            connection_class=Watched,
            kwargs={"autocommit": True, "prepare_threshold": 1, "tell": self._hear_of_connecting},
            min_size=size,
            max_size=size,
            open=False,
            timeout=WAIT_SECONDS,
            reconnect_timeout=RECONNECT_SECONDS,
            max_lifetime=1800,
            num_workers=CONNECT_AT_ONCE,
            name="sessionworker",
        )
        self._lent: set[Watched] = set()
        self._lock = Lock()
        self._no_later = float("inf")
        self._trusted_from = 0.0
        self._no_connection = ""
        self._is_dry = False
        self._unanswered: set[int] = set()
        self.counts: Counter[str] = Counter()
        self.commit_seconds: Callable[[float, int], None] = lambda _, __: None

    @property
    def problem(self) -> str:
        """What is the matter with the database; empty where nothing is known to be."""
        return self._wellness.problem

    def open(self, prepare: Callable[[Connection[Row]], None]) -> None:
        """Connect, and have `prepare` called with the first connection. Raises StartError."""
        try:
            with Watched.connect(self._conninfo, autocommit=True, tell=lambda _: None) as connection:
                connection.answer_by = time.monotonic() + START_SECONDS
                if connection.is_shared(self._conninfo):
                    raise StartError(_SHARED)
                prepare(connection)
            self._pool.open()
            self._pool.putconn(self._pool.getconn(START_SECONDS))  # the others are not waited for
        except Error as error:
            self._pool.close()
            raise StartError(f"The database cannot be used: {self._reason_of(error)}.") from None

    def close(self) -> None:
        """Let go of all connections; calls that are under way end soon. Whoever asks from now on is refused."""
        self._no_later = time.monotonic() + CLOSE_SECONDS
        with self._lock:
            for connection in self._lent:
                connection.answer_by = min(connection.answer_by, self._no_later)
        self._pool.close(timeout=CLOSE_SECONDS)

    # Asking

    def ask(self, question: Callable[[Connection[Row]], T]) -> T:
        """Return what a question comes to that may be asked again. Raises NoSpace or StoreUnavailable."""
        return self._call("read", question)

    def change(self, statement: Callable[[Connection[Row]], T], valid_seconds: float) -> T:
        """Do work in one statement, and return what it comes to once that is durable.

        It may be done several times, and does nothing when it arrives later than so many seconds after it was sent.
        Raises NoSpace or StoreUnavailable; then nothing of it stays, or nobody knows, and nothing of it comes later.
        """

        def attempt(connection: Watched) -> T:
            sent_at = time.monotonic()
            try:
                return statement(connection)
            except Error as error:
                if is_rolled_back(error):
                    raise
                # It may be under way still, and would be made over what is written next: by whomever, so it is waited.
                time.sleep(max(0.0, sent_at + valid_seconds + CLOCK_SECONDS - time.monotonic()))
                raise OutcomeUnknownError(is_lost=is_lost(error)) from None

        return self._call("write", partial(self._commit, attempt))

    def transact(self, work: Callable[[Connection[Row]], T]) -> T:
        """Do work in one transaction, and return what it comes to once that is durable.

        The work has to lock first and to fetch what that gives, and may be done several times. Raises NoSpace or
        StoreUnavailable; then nothing of it stays, or nobody knows.
        """

        def attempt(connection: Watched) -> T:
            is_sent = False
            try:
                with connection.pipeline(), connection.transaction():
                    result = work(connection)
                    is_sent = True
            except Error as error:
                if is_sent and not is_rolled_back(error):
                    raise OutcomeUnknownError(is_lost=is_lost(error)) from None
                raise
            return result

        return self._call("write", partial(self._commit, attempt))

    def _commit(self, attempt: Callable[[Watched], T], connection: Watched) -> T:
        begun = time.perf_counter()
        self._refuse_more(connection)
        pid, warnings = connection.pid, connection.warnings
        try:
            result = attempt(connection)
        except OutcomeUnknownError:
            self._unanswered.add(pid)
            raise
        if connection.warnings > warnings:  # "committed locally": it may be on no standby
            raise OutcomeUnknownError
        self.commit_seconds(time.perf_counter() - begun, 1)
        return result

    def _refuse_more(self, connection: Watched) -> None:
        """Raise UnansweredError where the server still has too many commits that wait for a standby, say."""
        if len(self._unanswered) >= MOST_UNANSWERED:
            rows = connection.execute(_STILL_THERE, [list(self._unanswered)]).fetchall()
            self._unanswered = {pid for (pid,) in rows}
            if len(rows) >= MOST_UNANSWERED:
                raise UnansweredError

    def _call(self, kind: Kind, attempt: Callable[[Watched], T]) -> T:
        begun = time.monotonic()
        deadline = min(begun + ANSWER_SECONDS, self._no_later)
        losses = 0
        pause = PAUSE_SECONDS
        while True:
            try:
                with self._borrowed(deadline) as connection:
                    result = attempt(connection)
            except Error as error:
                losses += is_lost(error)
                can_help = is_to_be_tried_again(error) or (losses == 1 and is_lost(error) and _is_undone(error))
                if not can_help or time.monotonic() > deadline:
                    raise self._refuse(kind, begun, error) from None
                self.counts["transaction_retries"] += 1
                time.sleep(random() * pause)  # noqa: S311 - so that two do not meet again
                pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
            else:
                self._wellness.works(kind)
                return result

    @contextmanager
    def _borrowed(self, deadline: float) -> Iterator[Watched]:
        connection = self._take(deadline)
        try:
            yield connection
        except Error as error:
            if is_lost(error):
                self._trusted_from = time.monotonic()
                connection.close()
            raise
        finally:
            with self._lock:
                self._lent.discard(connection)
            self._pool.putconn(connection)

    def _take(self, deadline: float) -> Watched:
        while True:
            left = max(0.001, deadline - time.monotonic())
            try:
                # Where nothing can be reached, others need not wait as long as the first one did.
                connection = self._pool.getconn(min(left, DRY_SECONDS if self._is_dry else WAIT_SECONDS))
            except (PoolTimeout, PoolClosed):
                self._is_dry = True
                raise
            self._is_dry = False
            if connection.made_at >= self._trusted_from and not connection.has_ended():
                break
            connection.close()
            self._pool.putconn(connection)  # it has the pool make another
        with self._lock:
            connection.answer_by = min(deadline, self._no_later)
            self._lent.add(connection)
        return connection

    # How it does

    def gauges(self) -> dict[str, float]:
        """Return how the connections do, by the names of the metrics."""
        found = self._pool.get_stats()
        return {
            "database_connections": found.get("pool_size", 0),
            "database_connections_idle": found.get("pool_available", 0),
            "database_calls_waiting": found.get("requests_waiting", 0),
        }

    def _hear_of_connecting(self, error: Error | None) -> None:
        self._no_connection = "" if error is None else reason_of(error)

    def _refuse(self, kind: Kind, begun: float, error: Error) -> Exception:
        """Count an error, say so where it is news, and return what a client is told."""
        self.counts["database_errors"] += 1
        self.counts["commits_unknown"] += type(error) is OutcomeUnknownError
        if isinstance(error, PoolClosed):
            return StoreUnavailable()
        self._wellness.fails(kind, begun, self._reason_of(error), is_general=is_general(error))
        return refusal_for(error)

    def _reason_of(self, error: Error) -> str:
        return (self._no_connection or "no connection is free") if isinstance(error, PoolTimeout) else reason_of(error)


_SHARED = (
    "The database cannot be used: what stands before it lends a connection for each transaction. Limits and what is "
    "prepared hold for a connection, so it has to lend one for a session. With pgbouncer: pool_mode=session."
)

_STILL_THERE = b"SELECT pid FROM pg_catalog.pg_stat_activity WHERE pid = ANY(%s)"


def _is_undone(error: Error) -> bool:
    """Tell whether trying again can help, and makes nothing twice."""
    return not isinstance(error, OutcomeUnknownError | PoolTimeout | PoolClosed)
