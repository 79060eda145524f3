"""Past its bounds everything is refused at once, and later accepted again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from twisted.internet.defer import CancelledError, Deferred

from sessionworker import offload as module
from sessionworker.errors import Overloaded
from sessionworker.stores.changes import Batch, Delete, Existing
from tests.offload.rig import CREDS, Rig, write


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


def test_what_many_changes_take_besides_their_values_is_bounded_too(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_WAITING_BYTES", 1000)
    held = rig.hold()
    deletions = Batch("codechat", "sales", tuple(Delete(f"k{number}") for number in range(5)))
    accepted = [rig.offload.commit(deletions) for _ in range(2)]
    assert isinstance(rig.result(rig.offload.commit(deletions)), Overloaded)
    accepted.append(rig.offload.commit(Batch("codechat", "sales", (), Existing())))
    rig.let_go()
    assert rig.results([held, *accepted]) == [None] * 4
    assert rig.offload.waiting_bytes == 0


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
