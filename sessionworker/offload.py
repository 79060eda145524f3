"""Runs a store's calls in a bounded pool of threads, so that the reactor never waits.

Changes are committed in the order in which they came, by one thread. Those that arrive while a commit runs are
collected and committed together: one sync for all of them. Reads run beside, in the other threads.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from queue import SimpleQueue
from typing import Any, Literal, Protocol, TypeAlias, TypeVar

from twisted.internet.defer import Deferred, fail
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.python.threadpool import ThreadPool

from sessionworker.errors import Overloaded
from sessionworker.names import CREDS, SessionFile
from sessionworker.stores.interface import (
    Change,
    CreateInstance,
    Delete,
    DropInstance,
    Store,
    Unknown,
    Write,
    WriteStaged,
)

LARGEST_COMMIT = 512
"""Changes that one commit takes at most, so that the first of a long queue does not wait for the last."""

LARGEST_COMMIT_BYTES = 4 * 2**20
"""Bytes of values after which a commit takes no further change."""

LONGEST_QUEUE = 10_000
"""Calls that may wait or be under way; further ones are refused. Reads of creds may be twice as many."""

MOST_WAITING_BYTES = 128 * 2**20
"""Bytes of values that may wait to be committed; a further one is refused."""

T = TypeVar("T")

_Held: TypeAlias = tuple[Change, Deferred[None]] | Callable[[], None]


class Reactor(Protocol):
    """The one thing that is asked of a reactor here."""

    def callFromThread(self, callable: Callable[..., object], *args: object) -> None:  # noqa: A002 - its name
        """Call a function in the reactor's thread."""


class Offload:
    """A store that is asked without waiting. Every public method is called in the reactor's thread.

    Cancelling a Deferred stops nobody: what was accepted is carried out, whoever hangs up.
    """

    _log = Logger()

    def __init__(self, reactor: Reactor, store: Store, *, threads: int, longest_queue: int = LONGEST_QUEUE) -> None:
        """Prepare one thread for commits, one for the store's background work and `threads` for reads."""
        self._reactor = reactor
        self.store = store
        self._longest_queue = longest_queue
        self._pool = ThreadPool(minthreads=2, maxthreads=threads + 2, name="store")
        self._changes: SimpleQueue[tuple[Change, Deferred[None]] | None] = SimpleQueue()
        self.under_way = 0
        self.waiting_bytes = 0
        self._stopping = False
        self._held: dict[tuple[str, str], deque[_Held]] = {}  # behind a large value of the same instance
        self._idle: Deferred[None] = Deferred()

    def start(self) -> None:
        """Start the threads."""
        self._pool.start()
        self._pool.callInThread(self._commit_what_comes)
        self._pool.callInThread(self.store.maintain)

    def commit(self, change: Change) -> Deferred[None]:
        """Make a change durable. The Deferred fires when it is, or fails with the WorkerError that refused it."""
        done = self._accept(_size(change))
        if done is None:
            return fail(Overloaded())
        place = _instance_of(change) if self._held else None
        held = self._held.get(place) if place else None
        if held is None:
            self._changes.put((change, done))
        else:
            held.append((change, done))
        return done

    def commit_large(self, file: SessionFile, size: int, read: Callable[[], bytes]) -> Deferred[None]:
        """Make the large value that `read` returns durable, as `commit` does; `size` is about how many bytes it has.

        It is read and staged in a thread, beside the commits of others. What comes later for the same instance waits.
        """
        done = self._accept(size)
        if done is None:
            return fail(Overloaded())
        place = file.group, file.instance

        def stage() -> None:
            staged = self._run_in_thread(lambda: self.store.stage(Write(file, read())))
            staged.addCallbacks(self._changes_put(done), self._refused(done)).addBoth(self._go_on, place, size)

        if place in self._held:
            self._held[place].append(stage)
        else:
            self._held[place] = deque()
            stage()
        return done

    def _accept(self, size: int) -> Deferred[None] | None:
        """Count in a change of `size` bytes and return what will tell its outcome, or None if too much waits."""
        if self._is_full() or (self.waiting_bytes and self.waiting_bytes + size > MOST_WAITING_BYTES):
            return None
        self.under_way += 1
        self.waiting_bytes += size
        return Deferred()

    def _changes_put(self, done: Deferred[None]) -> Callable[[Change], None]:
        return lambda change: self._changes.put((change, done))

    def _refused(self, done: Deferred[None]) -> Callable[[Failure], None]:
        return lambda failure: self._answer([(done, failure)])

    def _go_on(self, _: object, place: tuple[str, str], size: int) -> None:
        """Commit what waited for a large value of the same instance, up to the next large one."""
        self.waiting_bytes -= size
        held = self._held[place]
        while held:
            entry = held.popleft()
            if not isinstance(entry, tuple):
                entry()
                return
            self._changes.put(entry)
        del self._held[place]

    def recall(self, file: SessionFile) -> bytes | Literal[Unknown.UNKNOWN] | None:
        """Return what is known without waiting, as `Store.recall` does, or UNKNOWN."""
        return self.store.recall(file)

    def read(self, file: SessionFile) -> Deferred[bytes | None]:
        """Read a session file, as `Store.read` does. A read of creds is the last to be refused.

        A client that is refused its creds makes a new identity, and loses its session.
        """
        if self._is_full(times=2 if file.key == CREDS else 1):
            return fail(Overloaded())
        return self._run_in_thread(self.store.read, file)

    def ask(self, question: Callable[..., T], *args: object) -> Deferred[T]:
        """Call a method of the store that changes nothing."""
        return fail(Overloaded()) if self._is_full() else self._run_in_thread(question, *args)

    def gauges(self) -> dict[str, float]:
        """Return figures about the queue as it is now, by name; sizes in bytes."""
        return {"calls_under_way": self.under_way, "waiting_bytes": self.waiting_bytes}

    def stop(self) -> Deferred[None]:
        """Refuse further work, finish what was accepted, close the store and end the threads."""
        self._stopping = True
        self._stop_when_idle()
        self._idle.addCallback(lambda _: self._run_in_thread(self.store.close))
        return self._idle.addCallback(lambda _: self._pool.stop())

    def _is_full(self, times: int = 1) -> bool:
        return self._stopping or self.under_way >= self._longest_queue * times

    def _run_in_thread(self, function: Callable[..., T], *args: object) -> Deferred[T]:
        self.under_way += 1
        done: Deferred[T] = Deferred()

        def run() -> None:
            try:
                result: T | Failure = function(*args)
            except Exception:  # noqa: BLE001 - whatever it is, the caller is told
                result = Failure()
            self._reactor.callFromThread(self._answer, [(done, result)])

        self._pool.callInThread(run)
        return done

    def _commit_what_comes(self) -> None:
        """Commit changes until a None comes. Runs in a thread of its own."""
        last = False
        while not last:
            waiting, size, last = self._next_changes()
            if not waiting:
                break
            try:
                outcomes: list[Any] = self.store.commit([change for change, _ in waiting])
                if len(outcomes) != len(waiting):
                    raise ValueError("a store must return one outcome for each change")  # noqa: TRY301
            except Exception:  # noqa: BLE001 - whatever it is, the callers are told
                self._log.failure("A commit failed in a way that the store did not foresee")
                outcomes = [Failure() for _ in waiting]
            answers = [
                (done, Failure(outcome) if isinstance(outcome, Exception) else outcome)
                for (_, done), outcome in zip(waiting, outcomes, strict=True)
            ]
            self._reactor.callFromThread(self._answer, answers, size)

    def _next_changes(self) -> tuple[list[tuple[Change, Deferred[None]]], int, bool]:
        """Wait for a change; return it with those that came with it, their bytes, and whether they are the last."""
        taken: list[tuple[Change, Deferred[None]]] = []
        size = 0
        entry = self._changes.get()
        while entry is not None:
            taken.append(entry)
            size += _size(entry[0])
            if len(taken) == LARGEST_COMMIT or size >= LARGEST_COMMIT_BYTES or self._changes.empty():
                return taken, size, False
            entry = self._changes.get()
        return taken, size, True

    def _answer(self, answers: Iterable[tuple[Deferred[Any], Any]], size: int = 0) -> None:
        self.waiting_bytes -= size
        for done, result in answers:
            self.under_way -= 1
            done.callback(result)  # a Failure makes the Deferred fail
        self._stop_when_idle()

    def _stop_when_idle(self) -> None:
        if self._stopping and not self.under_way and not self._idle.called:
            self._changes.put(None)
            self._idle.callback(None)


def _instance_of(change: Change) -> tuple[str, str] | None:
    match change:
        case Write(file) | WriteStaged(file) | Delete(file):
            return file.group, file.instance
        case CreateInstance(group, name) | DropInstance(group, name):
            return group, name
    return None


def _size(change: Change) -> int:
    return len(change.value) if isinstance(change, Write) else 0
