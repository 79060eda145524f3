"""An offload over a store that is as slow as a test wants it, and the entries that it is given."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from threading import Event
from typing import Any, Literal, cast

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from sessionworker.errors import NoSuchInstance, WorkerError
from sessionworker.names import SessionFile
from sessionworker.offload import Offload
from sessionworker.stores.changes import Batch, Delete, Entry, Write
from sessionworker.stores.interface import Load, Store, Unknown
from tests.reactor import LONGEST_WAIT, Reactor

CREDS = SessionFile("codechat", "sales", "creds")


def write(file: SessionFile, value: bytes) -> Batch:
    """A batch that writes one value."""
    return Batch(file.group, file.instance, (Write(file.key, value),))


def delete(file: SessionFile) -> Batch:
    """A batch that deletes one."""
    return Batch(file.group, file.instance, (Delete(file.key),))


def values_in(entries: Sequence[Entry]) -> list[bytes]:
    """What the entries write, in their order."""
    batches = [entry for entry in entries if isinstance(entry, Batch)]
    return [change.value for batch in batches for change in batch.changes if isinstance(change, Write)]


class Rooms:
    """Whom a store admits: as a test says."""

    def __init__(self) -> None:
        self.is_crowded = False
        self.refused: set[str] = set()
        """Instances that are not admitted."""
        self.refusals_left = -1
        """After how many refusals all are admitted; never, if it is negative."""
        self.refuses_once = False
        """Whether each first question is answered with no, and each second one with yes."""
        self._refuses = False
        self.most = 10
        """Changes that are admitted at once."""
        self.asked: list[tuple[str, Load, Load]] = []

    def admits(self, _group: str, instance: str, own: Load, ahead: Load) -> bool:
        self.asked.append((instance, own, ahead))
        if self.refuses_once:
            self._refuses = not self._refuses
            return not self._refuses
        if own.keys <= self.most and (instance not in self.refused or self.refusals_left == 0):
            return True
        self.refusals_left -= 1
        return False

    def on_room(self, tell: Callable[[bool], None]) -> None:
        self.tell = tell


class SlowStore:
    """As much of a store as is asked here, in a dict; calls wait, while they are told to, until they are let go."""

    def __init__(self) -> None:
        self.waiting = Rooms()
        self.values: dict[SessionFile, bytes] = {}
        self.commits: list[list[Entry]] = []
        self.prepared: list[Batch] = []
        self.threads: set[int] = set()
        self.failures: list[Exception] = []
        """What the next commits raise."""
        self.is_closed = False
        self.used_after_close = False
        self.has_begun = threading.Semaphore(0)
        """Released at the beginning of each call."""
        self.may_end = Event()
        self.may_end.set()
        self._closing = Event()

    def on_repair(self, ask: Callable[[Batch], None]) -> None:
        self.ask_for = ask

    def prepare(self, batch: Batch) -> Batch:
        self.prepared.append(batch)
        return batch

    def commit(self, entries: Sequence[Entry]) -> list[WorkerError | None]:
        self._begin()
        self.commits.append(list(entries))
        if self.failures:
            raise self.failures.pop(0)
        return [self._make(entry) for entry in entries]

    def _make(self, entry: Entry) -> WorkerError | None:
        if isinstance(entry, Batch):
            for change in entry.changes:
                file = SessionFile(entry.group, entry.instance, change.key)
                if isinstance(change, Write):
                    if file.instance == "nobody":
                        return NoSuchInstance()
                    self.values[file] = change.value
                elif isinstance(change, Delete):
                    self.values.pop(file, None)
        return None

    def read(self, file: SessionFile) -> bytes | None:
        self._begin()
        if file.instance == "nobody":
            raise NoSuchInstance
        if file.instance == "broken":
            raise ZeroDivisionError
        return self.values.get(file)

    def recall(self, file: SessionFile) -> bytes | Literal[Unknown.UNKNOWN] | None:
        self.threads.add(threading.get_ident())
        return self.values.get(file)

    def instances(self, group: str) -> list[str]:
        self._begin()
        return [group]

    def maintain(self) -> None:
        assert self._closing.wait(LONGEST_WAIT)

    def close(self) -> None:
        self.is_closed = True
        self._closing.set()

    def _begin(self) -> None:
        self.used_after_close |= self.is_closed
        self.threads.add(threading.get_ident())
        self.has_begun.release()
        assert self.may_end.wait(LONGEST_WAIT)


class Rig:
    """An offload over a slow store."""

    def __init__(self, *, longest_queue: int = 1000) -> None:
        self.reactor = Reactor()
        self.store = SlowStore()
        self.offload = Offload(self.reactor, cast(Store, self.store), threads=2, longest_queue=longest_queue)
        self.offload.start()

    def result(self, deferred: Deferred[Any]) -> Any:
        """Wait for a Deferred, and return what it fired with or the exception that it failed with."""
        found: list[Any] = []
        deferred.addBoth(found.append)
        while not found:
            self.reactor.run_one_call()
        return found[0].value if isinstance(found[0], Failure) else found[0]

    def results(self, deferreds: list[Deferred[Any]]) -> list[Any]:
        return [self.result(deferred) for deferred in deferreds]

    def hold(self) -> Deferred[Any]:
        """Have a commit under way that does not end before `let_go`; what comes meanwhile waits."""
        self.store.may_end.clear()
        held = self.offload.commit(write(CREDS._replace(key="held"), b""))
        assert self.store.has_begun.acquire(timeout=LONGEST_WAIT)
        return held

    def let_go(self) -> None:
        self.store.may_end.set()
