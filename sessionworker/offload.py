"""Runs a store's calls in a bounded pool of threads, so that the reactor never waits.

What changes a store is committed in the order in which it came, by one thread. What arrives while a commit runs is
collected and committed together: one sync for all of it. Reads run beside, in the other threads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from queue import SimpleQueue
from typing import Any, Literal, TypeVar

from msgspec import Struct
from twisted.internet.defer import Deferred, DeferredList, fail
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.python.threadpool import ThreadPool

from sessionworker.errors import Overloaded, WorkerError
from sessionworker.holding import Holding, Reactor
from sessionworker.names import CREDS, SessionFile
from sessionworker.stores.changes import Batch, CreateInstance, Entry, Probe, size_of
from sessionworker.stores.interface import Store, Unknown
from sessionworker.stores.rules.leases import Lease
from sessionworker.turns import Place, Turns, place_of

LARGEST_COMMIT = 512
"""Entries that one commit takes at most, so that the first of a long queue does not wait for the last."""

LARGEST_COMMIT_BYTES = 4 * 2**20
"""Bytes of values after which a commit takes no further entry."""

LONGEST_QUEUE = 10_000
"""Calls that may wait or be under way; further ones are refused. Reads of creds may be twice as many."""

MOST_WAITING_BYTES = 128 * 2**20
"""Bytes of values that may wait to be committed; a further one is refused."""

CHANGE_BYTES = 100
"""Bytes that one of several changes counts as besides its value, about: 4,500 deletions take half a MiB, too."""

T = TypeVar("T")


class _Ticket(Struct):
    """What an entry that was accepted counts as until its outcome is told."""

    done: Deferred[Any]
    size: int
    """Bytes of its values, and of what it takes besides."""
    behind: Batch | None = None
    """It, if what comes later for its instance waits until it is committed."""


class Offload:
    """A store that is asked without waiting. Every public method is called in the reactor's thread.

    Cancelling a Deferred stops no change: what was accepted is carried out, whoever hangs up. A create is not, as long
    as it waits: it would take a lease for one that was refused, or has gone.
    """

    _log = Logger()

    def __init__(self, reactor: Reactor, store: Store, *, threads: int, longest_queue: int = LONGEST_QUEUE) -> None:
        """Prepare one thread for commits, one for the store's background work and `threads` for reads."""
        self._reactor = reactor
        self.store = store
        self._longest_queue = longest_queue
        self._pool = ThreadPool(minthreads=2, maxthreads=threads + 2, name="store")
        self._entries: SimpleQueue[tuple[Entry, _Ticket] | None] = SimpleQueue()
        self._turns = Turns()
        self._holding = Holding(reactor, store)
        self.under_way = 0
        self.waiting_bytes = 0
        self._stopping = False
        self._idle: Deferred[None] = Deferred()
        store.on_repair(lambda batch: reactor.callFromThread(self._repair, batch))

    def start(self) -> None:
        """Start the threads."""
        self._pool.start()
        self._pool.callInThread(self._commit_what_comes)
        self._pool.callInThread(self.store.maintain)

    def commit(self, entry: Entry) -> Deferred[Lease | None]:
        """Make a change durable. The Deferred fires when it is, or fails with the WorkerError that refused it.

        Its result is what the entry's owner is told, if it has one; see `interface.Outcome`.
        """
        size = size_of(entry)
        is_free = self._turns.are_free and not self.store.waiting.is_crowded  # nearly always
        if is_free and (type(entry) is not Batch or len(entry.changes) <= 1):
            ticket = self._accept(size)
            if ticket is not None:
                self._entries.put((entry, ticket))
        else:
            if type(entry) is Batch:
                size += CHANGE_BYTES * max(0, len(entry.changes) - 1)
            ticket = self._enter(place_of(entry), size, lambda ticket: self._begin(entry, ticket))
        return fail(Overloaded()) if ticket is None else ticket.done

    def commit_made(self, group: str, instance: str, size: int, make: Callable[[], Batch]) -> Deferred[Lease | None]:
        """Commit the batch of an instance that `make` returns, as `commit` does; its values have about `size` bytes.

        It is made and prepared in a thread, beside the commits of others. What comes later for the instance waits.
        """
        place = group, instance

        def begin(ticket: _Ticket) -> bool:
            def go_on(batch: Batch) -> None:
                if not self._begin(batch, ticket):
                    self._turns.leave(place)

            made = self._run_in_thread(lambda: self.store.prepare(make()))
            made.addCallbacks(go_on, lambda failure: self._end_turn(place, ticket, failure))
            return True

        ticket = self._enter(place, size, begin)
        return fail(Overloaded()) if ticket is None else ticket.done

    def ask_in_turn(self, group: str, instance: str, question: Callable[[], T]) -> Deferred[T]:
        """Call what reads an instance as a whole. What comes later for the instance waits for it."""
        place = group, instance

        def begin(ticket: _Ticket) -> bool:
            self._run_in_thread(question).addBoth(lambda result: self._end_turn(place, ticket, result))
            return True

        ticket = self._enter(place, 0, begin)
        return fail(Overloaded()) if ticket is None else ticket.done

    def _end_turn(self, place: Place, ticket: _Ticket, result: object) -> None:
        self._answer([(ticket, result)])
        self._turns.leave(place)

    def _enter(self, place: Place, size: int, begin: Callable[[_Ticket], bool]) -> _Ticket | None:
        """Count in an entry and let it begin in its turn, or return None if too much waits."""
        ticket = None if self._turns.is_long(place, size) else self._accept(size)
        if ticket is not None:
            self._turns.enter(place, lambda: begin(ticket), size)
        return ticket

    def _begin(self, entry: Entry, ticket: _Ticket) -> bool:
        """Have an entry committed; tell whether what comes later for its instance has to wait for a `leave`."""
        if type(entry) is not Batch or not entry.changes:
            self._entries.put((entry, ticket))
            return False
        size = size_of(entry)

        def go_on() -> None:
            if not self._put(entry, ticket, size):
                self._turns.leave(place_of(entry))

        return self._holding.hold(entry, size, go_on) or self._put(entry, ticket, size)

    def _put(self, batch: Batch, ticket: _Ticket, size: int) -> bool:
        """Hand a batch to the thread that commits; one of several changes is followed when they are counted."""
        if len(batch.changes) > 1:
            ticket.behind = batch
            self._holding.begin(batch, size)
        self._entries.put((batch, ticket))
        return ticket.behind is not None

    def _accept(self, size: int) -> _Ticket | None:
        """Count in an entry with values of `size` bytes, or return None if too much waits."""
        if self._is_full() or (self.waiting_bytes and self.waiting_bytes + size > MOST_WAITING_BYTES):
            return None
        self.under_way += 1
        self.waiting_bytes += size
        return _Ticket(Deferred(), size)

    def _repair(self, batch: Batch) -> None:
        """Commit what the store asks for itself. Whatever becomes of it, it asks again if it is still needed."""
        self.commit(batch).addErrback(lambda failure: failure.trap(WorkerError))

    def recall(self, file: SessionFile) -> bytes | Literal[Unknown.UNKNOWN] | None:
        """Return what is known without waiting, as `Store.recall` does, or UNKNOWN."""
        return self.store.recall(file)

    def read(self, file: SessionFile) -> Deferred[bytes | None]:
        """Read a session file, as `Store.read` does. A read of creds is the last to be refused.

        A client that is refused its creds makes a new identity, and loses its session.
        """
        return self.read_many((file.key,), lambda: self.store.read(file))

    def read_many(self, keys: Sequence[str], read: Callable[[], T]) -> Deferred[T]:
        """Call what reads several keys of an instance; with creds among them it is the last to be refused, too."""
        return fail(Overloaded()) if self._is_full(times=2 if CREDS in keys else 1) else self._run_in_thread(read)

    def ask(self, question: Callable[..., T], *args: object) -> Deferred[T]:
        """Call a method of the store that changes nothing."""
        return fail(Overloaded()) if self._is_full() else self._run_in_thread(question, *args)

    def check(self) -> Deferred[None]:
        """Make sure that the store takes a synced write and a read. This is let in where calls would be refused.

        Or a worker that is only busy would be taken for a broken one, and ended by whoever looks after it.
        """
        if self._is_full(times=2):
            return fail(Overloaded())
        self.under_way += 1
        probed: Deferred[None] = Deferred()
        self._entries.put((Probe(), _Ticket(probed, 0)))
        both = [probed, self._run_in_thread(self.store.check)]
        return DeferredList(both, consumeErrors=True).addCallback(_first_failure)  # when both have come back

    def gauges(self) -> dict[str, float]:
        """Return figures about the queue as it is now, by name; sizes in bytes."""
        return {
            "calls_under_way": self.under_way,
            "queued_value_bytes": self.waiting_bytes,
            "limit_calls_under_way": self._longest_queue,
            "limit_queued_value_bytes": MOST_WAITING_BYTES,
        }

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
            self._reactor.callFromThread(self._answer, [(_Ticket(done, 0), result)])
            del result  # or a failure and this call, with all that it was given, keep each other

        self._pool.callInThread(run)
        return done

    def _commit_what_comes(self) -> None:
        """Commit entries until a None comes. Runs in a thread of its own."""
        is_last = False
        while not is_last:
            taken, is_last = self._next_entries()
            if not taken:
                break
            try:
                outcomes: list[Any] = self.store.commit([_still_wanted(*one) for one in taken])
                if len(outcomes) != len(taken):
                    raise ValueError("a store must return one outcome for each entry")  # noqa: TRY301
            except Exception:  # noqa: BLE001 - whatever it is, the callers are told
                self._log.failure("A commit failed in a way that the store did not foresee", event="commit_failed")
                outcomes = [Failure() for _ in taken]
            answers = [
                (ticket, Failure(outcome) if isinstance(outcome, Exception) else outcome)
                for (_, ticket), outcome in zip(taken, outcomes, strict=True)
            ]
            self._reactor.callFromThread(self._answer, answers)

    def _next_entries(self) -> tuple[list[tuple[Entry, _Ticket]], bool]:
        """Wait for an entry; return it with those that came with it, and whether they are the last."""
        taken: list[tuple[Entry, _Ticket]] = []
        size = 0
        entry = self._entries.get()
        while entry is not None:
            taken.append(entry)
            size += entry[1].size
            if len(taken) == LARGEST_COMMIT or size >= LARGEST_COMMIT_BYTES or self._entries.empty():
                return taken, False
            entry = self._entries.get()
        return taken, True

    def _answer(self, answers: Iterable[tuple[_Ticket, Any]]) -> None:
        for ticket, result in answers:
            self.under_way -= 1
            self.waiting_bytes -= ticket.size
            batch = ticket.behind
            if batch is not None:
                self._holding.end(batch, size_of(batch))
                self._turns.leave(place_of(batch))
            ticket.done.callback(result)  # a Failure makes the Deferred fail
        self._stop_when_idle()

    def _stop_when_idle(self) -> None:
        if self._stopping and not self.under_way and not self._idle.called:
            self._entries.put(None)
            self._idle.callback(None)


def _first_failure(outcomes: list[tuple[bool, Any]]) -> Failure | None:
    return next((result for is_well, result in outcomes if not is_well), None)


def _still_wanted(entry: Entry, ticket: _Ticket) -> Entry:
    """Return an entry, or in the place of a create that nobody waits for any more a batch that changes nothing."""
    if ticket.done.called and type(entry) is CreateInstance:
        return Batch(entry.group, entry.instance, ())
    return entry
