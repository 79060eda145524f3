"""What a worker sees to beside its calls: what was purged, rewriting, events, totals, a database that is back."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from sessionworker.errors import WorkerError
from sessionworker.events import Event, Report, unforeseen
from sessionworker.stores.postgres.connections import Connections
from sessionworker.stores.postgres.events import Events
from sessionworker.stores.postgres.moves import Moves
from sessionworker.stores.postgres.rewriting import Rewriting
from sessionworker.stores.postgres.rows import PROBE
from sessionworker.stores.postgres.sealing import Sealing
from sessionworker.stores.postgres.tables import Tables

ROUND_SECONDS = 5.0
"""How often it is done."""

AWAY_SECONDS = 1.0
"""How often it is tried where the database is away."""

ERASED_AT_ONCE = 1_000
"""Rows of a purged instance that are erased in one statement: nobody waits long behind it."""


REWRITE_SECONDS, REWRITE_EVERY = 0.1, 0.1
"""For how long something is rewritten without a pause, and how long that is."""


class Background:
    """Does it until `close` is called, whatever happens to it."""

    def __init__(
        self,
        connections: Connections,
        tables: Tables,
        sealing: Sealing,
        events: Events,
        moves: Moves,
        rewriting: Rewriting,
        report: Report,
    ) -> None:
        """See to one store."""
        self._connections = connections
        self._sealing = sealing
        self._rewriting = rewriting
        self._events = events
        self._moves = moves
        self._report = report
        self._is_over = threading.Event()
        self.problem = ""
        """What is the matter with the background's work; empty where nothing is."""
        self._probe = tables.fill(_PROBE)
        self._purged = tables.fill("SELECT id FROM {purged_instance}")
        self._forget = tables.fill("DELETE FROM {purged_instance} WHERE id = %s")
        self._erase = [tables.fill(text) for text in _ERASE]

    def maintain(self) -> None:
        """Do the work until `close` is called."""
        next_round = 0.0
        while not self._is_over.wait(self._pause(next_round - time.monotonic())):
            if time.monotonic() >= next_round:
                self._try(self.run)
                next_round = time.monotonic() + (AWAY_SECONDS if self._connections.problem else ROUND_SECONDS)
                self._rewriting.is_waiting = False
            self._try(self._rewrite)

    def _pause(self, left: float) -> float:
        is_busy = self._rewriting.is_running and not self._rewriting.is_waiting and not self.problem
        return REWRITE_EVERY if is_busy else max(0.0, min(left, AWAY_SECONDS))

    def _rewrite(self) -> None:
        if self._rewriting.is_running and not self._rewriting.is_waiting:
            self._rewriting.go_on(REWRITE_SECONDS)

    def run(self) -> None:
        """Do the work once. Raises NoSpace or StoreUnavailable."""
        if self._connections.problem:  # where nobody else asks, nobody else would notice
            self._connections.transact(lambda one: one.execute(self._probe, [PROBE, b""]))
        self._connections.ask(self._sealing.renew)
        self._events.save()
        self._moves.count()
        for (id_,) in self._connections.ask(lambda one: one.execute(self._purged).fetchall()):
            self._erase_rows(id_)

    def _erase_rows(self, id_: object) -> None:
        for statement in self._erase:
            while self._count(statement, id_, id_, ERASED_AT_ONCE) == ERASED_AT_ONCE:
                if self._is_over.is_set():
                    return
        self._count(self._forget, id_)

    def _count(self, statement: bytes, *parameters: object) -> int:
        """Return how many rows a statement was about. Each is a call of its own: a limit holds for each."""
        return self._connections.ask(lambda one: one.execute(statement, parameters).rowcount)

    def _try(self, action: Callable[[], None]) -> None:
        try:
            action()
        except WorkerError:
            pass  # it was said
        except Exception as error:  # noqa: BLE001 - the background survives all, and is not well then
            reason = unforeseen(error)
            self.problem = f"the background's work failed: {reason}"
            self._connections.counts["background_errors"] += 1
            self._report(Event("background_failed", f"The background's work failed: {reason}. It goes on."))
        else:
            self.problem = ""

    def close(self) -> None:
        """Have `maintain` end."""
        self._is_over.set()


_PROBE = "INSERT INTO {state} VALUES (%s, %b) ON CONFLICT (name) DO UPDATE SET value = excluded.value"

_ERASE = (
    """
    DELETE FROM {session_file} WHERE instance = %s
    AND key IN (SELECT key FROM {session_file} WHERE instance = %s LIMIT %s)
    """,
    """
    DELETE FROM {creds_version} WHERE instance = %s
    AND made_at IN (SELECT made_at FROM {creds_version} WHERE instance = %s LIMIT %s)
    """,
    """
    DELETE FROM {broken_value} WHERE instance = %s
    AND key IN (SELECT key FROM {broken_value} WHERE instance = %s LIMIT %s)
    """,
)
