"""Threads that read and commit all the time, and note how long each call took, and what came of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import NamedTuple, Self

from sessionworker.errors import NoSpace, StoreUnavailable, WorkerError
from sessionworker.stores.changes import Write
from sessionworker.stores.interface import Outcome, Store
from sessionworker.stores.postgres.faults import RowsLockedError
from tests.contract.words import CREDS, KEY, changes, create, creds

COUNTERS = [f"counter-{number}" for number in range(3)]
"""Keys that each commit writes the same number to."""

ALLOWED = {"done", StoreUnavailable.__name__, NoSpace.__name__, RowsLockedError.__name__}


class Call(NamedTuple):
    """One that came to its end."""

    kind: str
    begun: float
    seconds: float
    outcome: str


class Load:
    """Three that read and one that commits, until the block ends; `calls` is what they noted."""

    def __init__(self, store: Store) -> None:
        create(store)
        self._store = store
        self.calls: list[Call] = []
        self.wrong: list[str] = []
        self.acknowledged = 0
        self._tried = 0
        self._is_over = threading.Event()
        works: list[Callable[[], Outcome]] = [self._write, self._read, self._read_many, self._names]
        assert self._write() is None
        assert store.commit([changes(Write("creds", creds(1)))]) == [None]
        self._threads = [threading.Thread(target=self._repeat, args=[work]) for work in works]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._is_over.set()
        for thread in self._threads:
            thread.join(30)
        assert not any(thread.is_alive() for thread in self._threads)

    def refused(self, kind: str, since: float) -> list[Call]:
        """Calls of a kind that had begun since then, and were refused."""
        return [one for one in self._of(kind, since) if one.outcome != "done"]

    def done(self, kind: str, since: float) -> list[Call]:
        """Calls of a kind that had begun since then, and were answered."""
        return [one for one in self._of(kind, since) if one.outcome == "done"]

    def _of(self, kind: str, since: float) -> list[Call]:
        return [one for one in list(self.calls) if one.begun >= since and (kind == "read") != (one.kind == "write")]

    def works_since(self, since: float) -> bool:
        """Tell whether each kind of call was answered since then."""
        return {"write", "read", "read_many", "names"} <= {
            one.kind for one in list(self.calls) if one.begun >= since and one.outcome == "done"
        }

    def _repeat(self, work: Callable[[], Outcome]) -> None:
        kind = work.__name__.removeprefix("_")
        while not self._is_over.wait(0.005):
            begun = time.monotonic()
            try:
                refusal = work()
            except Exception as error:  # noqa: BLE001 - whatever it is, it is noted
                refusal = error if isinstance(error, WorkerError) else None
                outcome = type(error).__name__
            else:
                outcome = "done" if not isinstance(refusal, WorkerError) else type(refusal).__name__
            self.calls.append(Call(kind, begun, time.monotonic() - begun, outcome))
            if outcome not in ALLOWED:
                self.wrong.append(f"{kind}: {outcome}")

    def _write(self) -> Outcome:
        self._tried += 1
        value = b"%d" % self._tried
        [outcome] = self._store.commit([changes(*(Write(key, value) for key in COUNTERS))])
        if outcome is None:
            self.acknowledged = int(value)
        return outcome

    def _see(self, value: bytes | None, at_least: int) -> None:
        if value is None or int(value) < at_least:
            self.wrong.append(f"{value!r} was read, and {at_least} was acknowledged before")

    def _read(self) -> None:
        at_least = self.acknowledged
        self._see(self._store.read(KEY._replace(key=COUNTERS[0])), at_least)
        if self._store.read(CREDS) is None:
            self.wrong.append("no creds were read")

    def _read_many(self) -> None:
        at_least = self.acknowledged
        values = self._store.read_many(CREDS.group, CREDS.instance, COUNTERS, 10**6)
        if len(set(values.values())) != 1:
            self.wrong.append(f"a batch was torn: {values}")
        self._see(values[COUNTERS[0]], at_least)

    def _names(self) -> None:
        found = self._store.names(CREDS.group, CREDS.instance, beginning="", after="", most=100)
        if found != [*COUNTERS, "creds"]:
            self.wrong.append(f"these names were listed: {found}")
        if self._store.groups() != [CREDS.group] or self._store.instances(CREDS.group) != [CREDS.instance]:
            self.wrong.append("a group or an instance was missing")
