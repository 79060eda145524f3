"""Changes are made in the order in which they came, many in one commit, and each has its own outcome."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from threading import Event

import pytest
from twisted.internet.defer import CancelledError

from sessionworker import offload as module
from sessionworker.errors import NoSuchInstance, WorkerError
from sessionworker.stores.changes import Entry
from tests.offload.rig import CREDS, Rig, delete, values_in, write
from tests.reactor import LONGEST_WAIT


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


def test_the_order_of_answers_is_the_order_of_the_commits(rig: Rig) -> None:
    order: list[int] = []
    done = [rig.offload.commit(write(CREDS, b"1")) for _ in range(100)]
    for number, deferred in enumerate(done):
        deferred.addCallback(lambda _, number: order.append(number), number)
    rig.results(list(done))
    assert order == list(range(100))


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
