"""Stopping finishes what was accepted, and leaves nothing behind."""

from __future__ import annotations

import threading
from typing import Any

from twisted.internet.defer import CancelledError, Deferred

from sessionworker.errors import Overloaded
from tests.offload.rig import CREDS, Rig, write


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
