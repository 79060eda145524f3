"""The way from a thread to the reactor: every call is made, once, in its order, in the reactor's thread."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator
from typing import Any

import pytest
from twisted.internet.defer import Deferred

from sessionworker.doorbell import Doorbell
from tests.server import asynchronous, asynchronous_fixture

THREADS = 4
CALLS = 2_000


@asynchronous_fixture()
async def doorbell() -> AsyncIterator[Doorbell]:
    from twisted.internet import reactor  # noqa: PLC0415 - importing it installs it

    bell = Doorbell(reactor)
    yield bell
    bell.close()


@asynchronous
async def test_every_call_of_every_thread_is_made_once_in_its_order_in_the_reactors_thread(doorbell: Doorbell) -> None:
    calls: list[tuple[int, int]] = []
    places: set[int] = set()
    done: Deferred[None] = Deferred()

    def note(thread: int, number: int) -> None:
        calls.append((thread, number))
        places.add(threading.get_ident())
        if len(calls) == THREADS * CALLS:
            done.callback(None)

    def ring(thread: int) -> None:
        for number in range(CALLS):
            doorbell.callFromThread(note, thread, number)

    threads = [threading.Thread(target=ring, args=[number]) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    await done
    for thread in threads:
        thread.join()
    assert places == {threading.get_ident()}
    for thread_number in range(THREADS):
        assert [number for thread, number in calls if thread == thread_number] == list(range(CALLS))


@asynchronous
async def test_a_call_that_fails_stops_no_other_and_is_logged(
    doorbell: Doorbell, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures: list[str] = []
    monkeypatch.setattr(Doorbell, "_log", type("Log", (), {"failure": lambda *_, event: failures.append(event)})())
    done: Deferred[str] = Deferred()

    def fail() -> None:
        raise ValueError

    doorbell.callFromThread(fail)
    doorbell.callFromThread(done.callback, "made")
    assert await done == "made"
    assert failures == ["call_failed"]


@asynchronous
async def test_a_reactor_that_looks_without_reason_does_no_harm(doorbell: Doorbell) -> None:
    doorbell.doRead()
    done: Deferred[str] = Deferred()
    doorbell.callFromThread(done.callback, "made")
    assert await done == "made"


@asynchronous
async def test_calls_that_are_left_are_made_when_it_is_closed() -> None:
    from twisted.internet import reactor  # noqa: PLC0415 - importing it installs it

    installed: Any = reactor
    doorbell = Doorbell(installed)
    calls: list[int] = []
    doorbell.callFromThread(calls.append, 1)
    doorbell.close()
    assert calls == [1]
    assert doorbell not in installed.getReaders()
