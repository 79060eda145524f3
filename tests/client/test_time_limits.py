"""No call lasts longer than its time limit, or than the program wants it."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.defer import CancelledError
from twisted.internet.task import deferLater

from sessionworker.client import (
    Client,
    TimedOut,
)
from tests.client.scripted import STALLS, Script, say_nothing, scripted_server
from tests.client.waiting import later, reactor, start, wait_until
from tests.server import MIB, TOKEN, asynchronous

pytestmark = pytest.mark.slow


@asynchronous
@pytest.mark.parametrize("script", STALLS)
async def test_a_call_ends_at_its_time_limit_and_its_connection_with_it(script: Script) -> None:
    async with scripted_server(script) as server, Client(server.url, TOKEN, time_limit=0.2) as client:
        for call in (
            lambda: client.read("codechat", "sales", "creds"),
            lambda: client.write("codechat", "sales", "creds", "{}"),
        ):
            began, is_late = reactor.seconds(), later(1)
            with pytest.raises(TimedOut, match=r"0\.2 s"):
                await call()
            assert reactor.seconds() - began > 0.15
            assert not is_late()
            await wait_until(lambda: not server.open)
        assert len(server.requests) == 2  # what took too long is not tried again


@asynchronous
async def test_a_large_value_that_is_not_taken_ends_at_the_time_limit() -> None:
    async with scripted_server(say_nothing) as server, Client(server.url, TOKEN, time_limit=0.3) as client:
        call = start(client.write("codechat", "sales", "creds", '"' + "x" * 20 * MIB + '"'))
        await wait_until(lambda: bool(server.open))
        transport: Any = next(iter(server.open)).transport
        transport.pauseProducing()
        with pytest.raises(TimedOut):
            await call
        transport.resumeProducing()
        await wait_until(lambda: not server.open)


@asynchronous
async def test_the_wait_for_a_connection_is_part_of_the_time() -> None:
    async with (
        scripted_server(say_nothing) as server,
        Client(server.url, TOKEN, time_limit=0.8, connections=1) as client,
    ):
        first = start(client.ping())
        await deferLater(reactor, 0.1)
        second = start(client.ping())
        with pytest.raises(TimedOut):
            await first
        is_late = later(0.4)
        with pytest.raises(TimedOut):
            await second
        assert not is_late()
        assert len(server.requests) <= 2


@asynchronous
@pytest.mark.parametrize("script", STALLS)
async def test_a_call_that_the_program_gives_up_is_cancelled_and_its_connection_closed(script: Script) -> None:
    async with scripted_server(script) as server, Client(server.url, TOKEN) as client:
        call = start(client.read("codechat", "sales", "creds"))
        await wait_until(lambda: len(server.requests) == 1)
        await deferLater(reactor, 0.02)
        call.cancel()
        with pytest.raises(CancelledError):
            await call
        await wait_until(lambda: not server.open)
