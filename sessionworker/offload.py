"""Runs a store's calls in a bounded pool of threads, so that the reactor never waits.

Changes are committed in the order in which they came, by one thread. Those that arrive while a commit runs are
collected and committed together: one sync for all of them. Reads run beside, in the other threads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from queue import Empty, SimpleQueue
from typing import Any, Literal, Protocol, TypeVar

from twisted.internet.defer import Deferred, fail
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.python.threadpool import ThreadPool

from sessionworker.errors import Overloaded
from sessionworker.names import SessionFile
from sessionworker.stores.interface import Change, Store, Unknown, Write

LARGEST_COMMIT = 512
"""Changes that one commit takes at most, so that the first of a long queue does not wait for the last."""

LARGEST_COMMIT_BYTES = 4 * 2**20
"""Bytes of values after which a commit takes no further change."""

LONGEST_QUEUE = 20_000
"""Calls that may wait or be under way; further ones are refused."""

T = TypeVar("T")


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
        self._store = store
        self._longest_queue = longest_queue
        self._pool = ThreadPool(minthreads=2, maxthreads=threads + 2, name="store")
        self._changes: SimpleQueue[tuple[Change, Deferred[None]] | None] = SimpleQueue()
        self._under_way = 0
        self._stopping = False
        self._idle: Deferred[None] = Deferred()

    def start(self) -> None:
        """Start the threads."""
        self._pool.start()
        self._pool.callInThread(self._commit_what_comes)
        self._pool.callInThread(self._store.maintain)

    def commit(self, change: Change) -> Deferred[None]:
        """Make a change durable. The Deferred fires when it is, or fails with the WorkerError that refused it."""
        if self._stopping or self._under_way >= self._longest_queue:
            return fail(Overloaded())
        self._under_way += 1
        done: Deferred[None] = Deferred()
        self._changes.put((change, done))
        return done

    def recall(self, file: SessionFile) -> bytes | Literal[Unknown.UNKNOWN] | None:
        """Return what is known without waiting, as `Store.recall` does, or UNKNOWN."""
        return self._store.recall(file)

    def read(self, file: SessionFile) -> Deferred[bytes | None]:
        """Read a session file, as `Store.read` does."""
        return self._call(self._store.read, file)

    def instances(self, group: str) -> Deferred[list[str]]:
        """List a group's instances, as `Store.instances` does."""
        return self._call(self._store.instances, group)

    def stop(self) -> Deferred[None]:
        """Refuse further work, finish what was accepted, close the store and end the threads."""
        self._stopping = True
        self._changes.put(None)
        if not self._under_way:
            self._idle.callback(None)
        self._idle.addCallback(lambda _: self._run_in_thread(self._store.close))
        return self._idle.addCallback(lambda _: self._pool.stop())

    def _call(self, function: Callable[..., T], *args: object) -> Deferred[T]:
        if self._stopping or self._under_way >= self._longest_queue:
            return fail(Overloaded())
        return self._run_in_thread(function, *args)

    def _run_in_thread(self, function: Callable[..., T], *args: object) -> Deferred[T]:
        self._under_way += 1
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
            waiting = [self._changes.get()]
            size = _size(waiting[0])
            try:
                while waiting[-1] is not None and len(waiting) < LARGEST_COMMIT and size < LARGEST_COMMIT_BYTES:
                    waiting.append(self._changes.get_nowait())
                    size += _size(waiting[-1])
            except Empty:
                pass
            last = waiting[-1] is None
            accepted = [entry for entry in waiting if entry is not None]
            if not accepted:
                break
            try:
                outcomes: list[Any] = self._store.commit([change for change, _ in accepted])
            except Exception:  # noqa: BLE001 - whatever it is, the callers are told
                self._log.failure("A commit failed in a way that the store did not foresee")
                outcomes = [Failure() for _ in accepted]
            answers = [
                (done, Failure(outcome) if isinstance(outcome, Exception) else outcome)
                for (_, done), outcome in zip(accepted, outcomes, strict=True)
            ]
            self._reactor.callFromThread(self._answer, answers)

    def _answer(self, answers: Iterable[tuple[Deferred[Any], Any]]) -> None:
        for done, result in answers:
            self._under_way -= 1
            done.callback(result)  # a Failure makes the Deferred fail
        if self._stopping and not self._under_way and not self._idle.called:
            self._idle.callback(None)


def _size(entry: tuple[Change, Deferred[None]] | None) -> int:
    return len(entry[0].value) if entry is not None and isinstance(entry[0], Write) else 0
