"""The store behind its threads: order, batches, bounds and an orderly end. The reactor is one that moves by hand."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from threading import Event
from typing import Any, Literal, cast

import pytest
from twisted.internet.defer import CancelledError, Deferred
from twisted.python.failure import Failure

from sessionworker import offload as module
from sessionworker.errors import NoSuchInstance, Overloaded, WorkerError
from sessionworker.names import SessionFile
from sessionworker.offload import Offload
from sessionworker.stores.changes import Batch, CreateInstance, Delete, DropGroup, Entry, SetAside, Write
from sessionworker.stores.interface import Store, Unknown
from tests.memory import LONGEST_WAIT, Reactor

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


class SlowStore:
    """As much of a store as is asked here, in a dict; calls wait, while they are told to, until they are let go."""

    def __init__(self) -> None:
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

    def hold(self) -> Deferred[None]:
        """Have a commit under way that does not end before `let_go`; what comes meanwhile waits."""
        self.store.may_end.clear()
        held = self.offload.commit(write(CREDS._replace(key="held"), b""))
        assert self.store.has_begun.acquire(timeout=LONGEST_WAIT)
        return held

    def let_go(self) -> None:
        self.store.may_end.set()


@pytest.fixture
def rig() -> Iterator[Rig]:
    rig = Rig()
    yield rig
    rig.let_go()
    if not rig.store.is_closed:
        assert rig.result(rig.offload.stop()) is None
    assert not rig.store.used_after_close


def test_what_was_committed_is_read(rig: Rig) -> None:
    assert rig.result(rig.offload.commit(write(CREDS, b"1"))) is None
    assert rig.result(rig.offload.read(CREDS)) == b"1"
    assert rig.offload.recall(CREDS) == b"1"
    assert rig.result(rig.offload.ask(rig.store.instances, "codechat")) == ["codechat"]


def test_the_reactor_s_thread_enters_the_store_for_what_waits_for_nothing_alone(rig: Rig) -> None:
    rig.results(
        [rig.offload.commit(write(CREDS, b"1")), rig.offload.read(CREDS), rig.offload.ask(rig.store.instances, "g")]
    )
    assert threading.get_ident() not in rig.store.threads
    rig.offload.recall(CREDS)
    assert threading.get_ident() in rig.store.threads


def test_two_writes_of_one_key_are_applied_in_the_order_in_which_they_came(rig: Rig) -> None:
    done = [rig.offload.commit(write(CREDS, b"%d" % number)) for number in range(500)]
    assert rig.results(done) == [None] * 500
    values = [int(value) for entries in rig.store.commits for value in values_in(entries)]
    assert values == list(range(500))
    assert rig.store.values[CREDS] == b"499"


def test_changes_that_arrive_while_a_commit_runs_are_committed_together(rig: Rig) -> None:
    held = rig.hold()
    done = [rig.offload.commit(write(CREDS, b"%d" % number)) for number in range(50)]
    rig.let_go()
    assert rig.results([held, *done]) == [None] * 51
    assert [len(batch) for batch in rig.store.commits] == [1, 50]


def test_a_commit_takes_a_bounded_number_of_changes(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LARGEST_COMMIT", 8)
    held = rig.hold()
    done = [rig.offload.commit(write(CREDS, b"%d" % number)) for number in range(20)]
    rig.let_go()
    rig.results([held, *done])
    assert [len(batch) for batch in rig.store.commits] == [1, 8, 8, 4]


def test_a_commit_takes_a_bounded_number_of_bytes(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LARGEST_COMMIT_BYTES", 1000)
    held = rig.hold()
    sizes = [400, 400, 400, 5000, 10, 990, 10]
    done = [rig.offload.commit(write(CREDS, bytes(size))) for size in sizes]
    rig.let_go()
    rig.results([held, *done])
    assert [[len(value) for value in values_in(entries)] for entries in rig.store.commits] == [
        [0],
        [400, 400, 400],
        [5000],
        [10, 990],
        [10],
    ]


def test_each_change_gets_its_own_outcome(rig: Rig) -> None:
    held = rig.hold()
    nobody = CREDS._replace(instance="nobody")
    done = [rig.offload.commit(entry) for entry in (write(CREDS, b"1"), write(nobody, b"2"), delete(nobody))]
    rig.let_go()
    outcomes = rig.results([held, *done])
    assert [type(outcome) for outcome in outcomes] == [type(None), type(None), NoSuchInstance, type(None)]
    assert len(rig.store.commits) == 2
    assert isinstance(rig.result(rig.offload.read(nobody)), NoSuchInstance)


def test_a_read_does_not_wait_for_the_commit_under_way() -> None:
    rig = Rig()
    store = rig.store
    committing = Event()

    def commit(entries: Sequence[Entry]) -> list[WorkerError | None]:
        assert committing.wait(LONGEST_WAIT)
        return [None] * len(entries)

    store.commit = commit  # type: ignore[method-assign]
    done = rig.offload.commit(write(CREDS, b"1"))
    assert rig.result(rig.offload.read(CREDS)) is None
    assert not done.called
    committing.set()
    assert rig.result(done) is None
    rig.result(rig.offload.stop())


# Clients that hang up


def test_a_change_whose_client_hangs_up_is_made_all_the_same(rig: Rig) -> None:
    held = rig.hold()
    done = rig.offload.commit(write(CREDS, b"1"))
    done.cancel()
    assert isinstance(rig.result(done), CancelledError)
    after = rig.offload.commit(write(CREDS._replace(key="k"), b"2"))
    rig.let_go()
    assert rig.results([held, after]) == [None, None]
    assert rig.store.values[CREDS] == b"1"


def test_a_read_whose_client_hangs_up_holds_nothing_up(rig: Rig) -> None:
    rig.store.may_end.clear()
    done = rig.offload.read(CREDS)
    done.cancel()
    assert isinstance(rig.result(done), CancelledError)
    rig.let_go()
    assert rig.result(rig.offload.commit(write(CREDS, b"1"))) is None
    assert rig.result(rig.offload.read(CREDS)) == b"1"


# Bounds


def test_past_its_bound_everything_is_refused_at_once_and_later_accepted_again() -> None:
    rig = Rig(longest_queue=5)
    held = rig.hold()
    accepted: list[Deferred[Any]] = [rig.offload.commit(write(CREDS, b"1")) for _ in range(4)]
    refused: list[Callable[[], Deferred[Any]]] = [
        lambda: rig.offload.commit(write(CREDS, b"refused")),
        lambda: rig.offload.read(CREDS._replace(key="session-1")),
        lambda: rig.offload.ask(rig.store.instances, "g"),
    ]
    for call in refused:
        deferred = call()
        assert deferred.called
        assert isinstance(rig.result(deferred), Overloaded)
    reads = [rig.offload.read(CREDS) for _ in range(6)]  # of creds: the last to be refused
    assert [read.called for read in reads] == [False] * 5 + [True]
    assert isinstance(rig.result(reads.pop()), Overloaded)
    rig.let_go()
    assert rig.results([held, *accepted]) == [None] * 5
    assert set(rig.results(list(reads))) <= {None, b"1"}
    assert rig.result(rig.offload.read(CREDS)) == b"1"
    assert rig.result(rig.offload.commit(write(CREDS, b"2"))) is None
    rig.result(rig.offload.stop())


def test_the_bytes_that_wait_are_bounded(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_WAITING_BYTES", 1000)
    held = rig.hold()
    accepted = [rig.offload.commit(write(CREDS, bytes(400))) for _ in range(2)]
    assert isinstance(rig.result(rig.offload.commit(write(CREDS, bytes(201)))), Overloaded)
    accepted.append(rig.offload.commit(write(CREDS, bytes(200))))
    rig.let_go()
    assert rig.results([held, *accepted]) == [None] * 4
    assert rig.result(rig.offload.commit(write(CREDS, bytes(5000)))) is None  # alone it is never too much


def test_cancelled_calls_count_until_they_are_carried_out() -> None:
    rig = Rig(longest_queue=3)
    held = rig.hold()
    for _ in range(2):
        cancelled = rig.offload.commit(write(CREDS, b"1"))
        cancelled.cancel()
        assert isinstance(rig.result(cancelled), CancelledError)
    assert isinstance(rig.result(rig.offload.commit(write(CREDS, b"2"))), Overloaded)
    rig.let_go()
    rig.result(held)
    rig.result(rig.offload.stop())


# Failures


def test_an_unforeseen_failure_reaches_the_callers_and_the_next_commit_goes_on(rig: Rig) -> None:
    held = rig.hold()
    rig.store.failures = [ZeroDivisionError("first"), KeyError("second")]
    done = [rig.offload.commit(write(CREDS, b"%d" % number)) for number in range(3)]
    rig.let_go()
    assert isinstance(rig.result(held), ZeroDivisionError)
    assert [type(outcome) for outcome in rig.results(done)] == [KeyError] * 3
    assert rig.result(rig.offload.commit(write(CREDS, b"4"))) is None
    assert rig.store.values[CREDS] == b"4"


def test_an_unforeseen_failure_of_a_read_reaches_its_caller(rig: Rig) -> None:
    assert isinstance(rig.result(rig.offload.read(CREDS._replace(instance="broken"))), ZeroDivisionError)
    assert rig.result(rig.offload.read(CREDS)) is None


# The end


def test_stopping_finishes_what_was_accepted_and_refuses_what_comes_later(rig: Rig) -> None:
    held = rig.hold()
    accepted = [rig.offload.commit(write(CREDS, b"%d" % number)) for number in range(20)]
    reads = [rig.offload.read(CREDS) for _ in range(5)]
    stopped = rig.offload.stop()
    refused: list[Deferred[Any]] = [
        rig.offload.commit(write(CREDS, b"late")),
        rig.offload.read(CREDS),
        rig.offload.ask(rig.store.instances, "g"),
    ]
    for late in refused:
        assert isinstance(rig.result(late), Overloaded)
    rig.let_go()
    assert rig.result(stopped) is None
    assert all(deferred.called for deferred in [held, *accepted])
    assert all(read.called for read in reads)
    assert rig.results([held, *accepted]) == [None] * 21
    assert rig.store.values[CREDS] == b"19"
    assert not rig.store.used_after_close


def test_stopping_waits_for_what_was_cancelled_too(rig: Rig) -> None:
    held = rig.hold()
    cancelled = rig.offload.commit(write(CREDS, b"1"))
    cancelled.cancel()
    assert isinstance(rig.result(cancelled), CancelledError)
    stopped = rig.offload.stop()
    rig.let_go()
    assert rig.result(stopped) is None
    assert rig.result(held) is None
    assert rig.store.values[CREDS] == b"1"


def test_the_store_is_asked_for_nothing_that_nobody_asked_for() -> None:
    for _ in range(20):  # the threads may end in either order
        rig = Rig()
        rig.result(rig.offload.commit(write(CREDS, b"1")))
        rig.result(rig.offload.stop())
        assert [len(batch) for batch in rig.store.commits] == [1]
        assert not rig.store.used_after_close


def test_no_thread_is_left_behind() -> None:
    before = set(threading.enumerate())
    rig = Rig()
    rig.results([rig.offload.commit(write(CREDS, b"1")), rig.offload.read(CREDS)])
    rig.result(rig.offload.stop())
    assert set(threading.enumerate()) <= before


def test_the_order_of_answers_is_the_order_of_the_commits(rig: Rig) -> None:
    order: list[int] = []
    done = [rig.offload.commit(write(CREDS, b"1")) for _ in range(100)]
    for number, deferred in enumerate(done):
        deferred.addCallback(lambda _, number: order.append(number), number)
    rig.results(list(done))
    assert order == list(range(100))


# What takes time to be made


class Making:
    """Makes a batch in a thread, when it is told to."""

    def __init__(self, rig: Rig, file: SessionFile, value: bytes) -> None:
        self.has_begun = Event()
        self._may_end = Event()
        self._batch = write(file, value)
        self.done = rig.offload.commit_made(file.group, file.instance, len(value), self._make)

    def _make(self) -> Batch:
        self.has_begun.set()
        assert self._may_end.wait(LONGEST_WAIT)
        return self._batch

    def end(self) -> None:
        self._may_end.set()


OTHER = CREDS._replace(instance="support")


def test_what_is_made_in_a_thread_is_prepared_there_and_committed(rig: Rig) -> None:
    making = Making(rig, CREDS, b"large")
    making.end()
    assert rig.result(making.done) is None
    assert rig.store.prepared == [write(CREDS, b"large")]
    assert rig.store.values == {CREDS: b"large"}


def test_what_comes_later_for_an_instance_waits_for_what_is_being_made_and_others_do_not(rig: Rig) -> None:
    making = Making(rig, CREDS, b"large")
    later = [rig.offload.commit(write(CREDS, b"small")), rig.offload.commit(CreateInstance("codechat", "sales"))]
    assert rig.result(rig.offload.commit(write(OTHER, b"1"))) is None
    assert not making.done.called
    making.end()
    assert rig.results([making.done, *later]) == [None] * 3
    assert [value for entries in rig.store.commits for value in values_in(entries)] == [b"1", b"large", b"small"]


def test_several_that_are_made_for_one_instance_keep_their_order_among_the_others(rig: Rig) -> None:
    first, second = Making(rig, CREDS, b"first"), Making(rig, CREDS, b"second")
    between = rig.offload.commit(write(CREDS, b"third"))
    last = Making(rig, CREDS, b"last")
    for making in (last, second, first):
        making.end()
    assert rig.results([first.done, second.done, between, last.done]) == [None] * 4
    values = [value for entries in rig.store.commits for value in values_in(entries)]
    assert values == [b"first", b"second", b"third", b"last"]


def test_the_drop_of_a_group_waits_for_all_that_is_being_made_and_what_comes_later_for_the_drop(rig: Rig) -> None:
    making, other = Making(rig, CREDS, b"large"), Making(rig, OTHER, b"large too")
    later = [
        rig.offload.commit(DropGroup("codechat")),
        rig.offload.commit(CreateInstance("codechat", "new")),
        rig.offload.commit(DropGroup("another")),
    ]
    making.end()
    assert rig.result(making.done) is None
    assert not any(deferred.called for deferred in later)
    other.end()
    assert rig.results([other.done, *later]) == [None] * 4
    entries = [entry for entries in rig.store.commits for entry in entries]
    assert entries[-3:] == [DropGroup("codechat"), CreateInstance("codechat", "new"), DropGroup("another")]


def test_one_that_cannot_be_made_is_told_so_and_the_next_goes_on(rig: Rig) -> None:
    def fail() -> Batch:
        raise ZeroDivisionError

    failed = rig.offload.commit_made("codechat", "sales", 10, fail)
    after = rig.offload.commit(write(CREDS, b"1"))
    assert isinstance(rig.result(failed), ZeroDivisionError)
    assert rig.result(after) is None
    assert rig.offload.waiting_bytes == 0


def test_bytes_of_what_is_made_count_until_it_is_committed_and_once(rig: Rig) -> None:
    making = Making(rig, CREDS, bytes(5000))
    assert rig.offload.waiting_bytes == 5000
    making.end()
    assert rig.result(making.done) is None
    assert rig.offload.waiting_bytes == 0
    assert rig.offload.under_way == 0


def test_stopping_waits_for_what_is_being_made_and_all_behind_it(rig: Rig) -> None:
    making = Making(rig, CREDS, b"large")
    later = rig.offload.commit(write(CREDS, b"small"))
    stopped = rig.offload.stop()
    making.end()
    assert rig.results([making.done, later, stopped]) == [None] * 3
    assert rig.store.values == {CREDS: b"small"}


# Repairs


def test_a_repair_that_the_store_asks_for_in_a_thread_is_committed_in_its_turn(rig: Rig) -> None:
    repair = Batch("codechat", "sales", (SetAside("creds"), Write("creds", b"{}")))
    asking = threading.Thread(target=rig.store.ask_for, args=[repair])
    asking.start()
    asking.join(LONGEST_WAIT)
    rig.reactor.run_one_call()
    assert rig.result(rig.offload.commit(write(CREDS._replace(key="k"), b"2"))) is None
    assert repair in [entry for entries in rig.store.commits for entry in entries]


def test_a_repair_that_is_refused_is_nobody_s_failure(rig: Rig) -> None:
    rig.store.ask_for(write(CREDS._replace(instance="nobody"), b"1"))
    rig.reactor.run_one_call()
    assert rig.result(rig.offload.commit(write(CREDS, b"1"))) is None
