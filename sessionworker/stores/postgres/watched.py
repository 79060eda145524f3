"""A connection that waits for its server no longer than it may, whatever the server and the network do."""

from __future__ import annotations

import select
import time
from collections.abc import Callable, Generator
from random import choice
from typing import Any, Self, TypeVar

from psycopg import Connection, Error, OperationalError, errors

from sessionworker.stores.postgres.tables import Row

STATEMENT_SECONDS = 4.0
"""How long the database may take for one statement."""

LOCK_SECONDS = 2.0
"""How long a statement may wait for what others have locked."""

IDLE_SECONDS = 5.0
"""How long the database waits for the rest of a transaction, until it lets go of what that has locked."""

TRANSACTION_SECONDS = 10.0
"""The same where half of a message has come, and in all (PostgreSQL 17 and later): nobody waits for it any more."""

CONFIGURE_SECONDS = 3.0
"""How long a new connection may take for its settings."""

PROBES = 20
"""How often two connections are asked who answers them, where that may be another one each time."""

_SETTINGS: dict[str, str | int] = {
    "statement_timeout": int(STATEMENT_SECONDS * 1000),
    "lock_timeout": int(LOCK_SECONDS * 1000),
    "idle_in_transaction_session_timeout": int(IDLE_SECONDS * 1000),
    "transaction_timeout": int(TRANSACTION_SECONDS * 1000),
    # Locked rows are all that is needed. With more, of those that want one row all but one would begin anew each
    # time, in no order, and some never have their turn.
    "default_transaction_isolation": "read committed",
    # All that is asked finds its rows by their keys, however many there are. Left to itself the planner does so only
    # where it knows the parameters, and plans anew each time.
    "plan_cache_mode": "force_generic_plan",
    # A worker that is gone without a word keeps its rows locked no longer than this.
    "tcp_keepalives_idle": 5,
    "tcp_keepalives_interval": 2,
    "tcp_keepalives_count": 3,
}
"""What each session is told, as far as its server knows it: nothing lasts for ever on its side either."""

# One round trip. What a server does not know is no row of pg_settings. What libpq was told of both others may be a
# pooler's own word, or what it remembers of a server that has become a standby since.
CONFIGURE = b"""
SELECT set_config(s.name, a.value, false), pg_backend_pid(), current_setting('transaction_read_only') = 'on'
FROM unnest(%b::text[], %b::text[]) AS a (name, value) JOIN pg_catalog.pg_settings s ON s.name = a.name
"""

T = TypeVar("T")


class Watched(Connection[Row]):
    """Counts the warnings of its server, and is lost when that does not answer in time."""

    warnings = 0
    answer_by = float("inf")
    """Until when its server has to answer, by the clock that nobody sets."""
    made_at = 0.0
    pid = 0
    """The server's process, by its own word."""

    @classmethod
    def connect(cls, conninfo: str = "", *, tell: Callable[[Error | None], None], **options: Any) -> Self:  # type: ignore[override]  # nobody else makes one
        """Connect, and tell how that went: the pool keeps it to itself."""
        try:
            connection = super().connect(conninfo, **options)
            connection.configure()
        except Error as error:
            tell(error)
            raise
        tell(None)
        return connection

    def configure(self) -> None:
        """See that nothing lasts for ever. Closes the connection where that fails."""
        self.made_at = time.monotonic()
        self.answer_by = self.made_at + CONFIGURE_SECONDS
        self.add_notice_handler(self._count)
        try:
            values = [str(value) for value in _SETTINGS.values()]
            [(_, self.pid, is_read_only), *_] = self.execute(CONFIGURE, [list(_SETTINGS), values]).fetchall()
            if is_read_only:
                raise errors.ReadOnlySqlTransaction
        except Error:
            self.close()
            raise

    def is_shared(self, conninfo: str) -> bool:
        """Tell whether something between us and the server lends its own connections to whoever asks, as they come.

        Who lends one for each transaction may happen to lend the same again, so it and another one are asked several
        times, in no order: the last one that was used is lent first, or each in turn.
        """
        if self.pid == self.info.backend_pid:  # nothing is between
            return False
        with type(self).connect(conninfo, tell=lambda _: None, autocommit=True) as other:
            asked = [self, other] + [choice((self, other)) for _ in range(PROBES)]  # noqa: S311 - nothing to guess
            found = {(id(one), _pid_of(one)) for one in asked}
        return len(found) != 2 or len({pid for _, pid in found}) != 2  # noqa: PLR2004 - each has one of its own

    def has_ended(self) -> bool:
        """Tell whether its server has said something unasked: it closes it, or other settings hold from now on."""
        if self.closed:
            return True
        poll = select.poll()
        poll.register(self.fileno(), select.POLLIN)
        return bool(poll.poll(0))

    def _count(self, diagnostic: errors.Diagnostic) -> None:
        self.warnings += diagnostic.severity_nonlocalized == "WARNING"

    def wait(self, gen: Generator[Any, Any, T], *arguments: Any, **options: Any) -> T:
        """Wait for the server, as psycopg does for all that it sends and fetches; but not for ever."""
        try:
            return super().wait(self._until(gen), *arguments, **options)
        except _SilentError:
            self.close()
            raise

    def _until(self, waiting: Generator[Any, Any, T]) -> Generator[Any, Any, T]:
        try:
            wanted = next(waiting)
            while True:
                ready = yield wanted
                if not ready and time.monotonic() > self.answer_by:
                    raise _SilentError("the server did not answer in time")
                wanted = waiting.send(ready)
        except StopIteration as end:
            result: T = end.value
            return result


def _pid_of(connection: Watched) -> int:
    [(pid,)] = connection.execute(b"SELECT pg_backend_pid()", prepare=False).fetchall()
    return int(pid)


class _SilentError(OperationalError):
    """The server says nothing."""
