"""Connections that fail, that the worker closes, and that the client closes itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from twisted.internet.defer import gatherResults
from twisted.internet.interfaces import IHostnameResolver
from twisted.web.client import Agent
from zope.interface import directlyProvides

from sessionworker.client import (
    Client,
    ConnectionFailed,
    exchange,
)
from sessionworker.client.exchange import KEEP_IDLE_SECONDS
from sessionworker.http.limits import IDLE_SECONDS
from tests.client.scripted import ScriptedConnection, scripted_server
from tests.client.waiting import reactor, start, wait_until
from tests.server import TOKEN, RunningWorker, asynchronous, running_worker


@asynchronous
async def test_a_worker_that_is_not_there_is_told(tmp_path: Path) -> None:
    async with running_worker(tmp_path) as worker:
        url = worker.url
    async with Client(url, TOKEN) as client:
        for call in (client.ping(), client.write("codechat", "sales", "creds", "{}")):
            with pytest.raises(ConnectionFailed, match=rf"{url}: .*refused"):
                await call


@asynchronous
async def test_a_host_that_does_not_exist_is_told() -> None:
    def know_no_host(receiver: Any, *_: object, **__: object) -> None:
        receiver.resolutionBegan(None)
        receiver.resolutionComplete()

    name_service = Mock()
    name_service.resolveHostName = know_no_host
    directlyProvides(name_service, IHostnameResolver)
    usual = reactor.installNameResolver(name_service)
    try:
        async with Client("http://worker.example:5656", TOKEN) as client:
            with pytest.raises(ConnectionFailed, match=r"hostname lookup: worker\.example"):
                await client.ping()
    finally:
        reactor.installNameResolver(usual)


def close_instead_of_answering_the_second(connection: ScriptedConnection, number: int) -> None:
    if number == 2:
        connection.abort()
    elif connection.factory.requests[-1].startswith(b"POST"):
        connection.send(b"HTTP/1.1 204 No Content\r\n\r\n")
    else:
        connection.answer(200, b"pong" if connection.factory.requests[-1].startswith(b"OPTIONS") else b"1")


@asynchronous
async def test_a_read_on_a_connection_that_the_worker_closes_is_tried_again_on_another() -> None:
    async with scripted_server(close_instead_of_answering_the_second) as server, Client(server.url, TOKEN) as client:
        await client.ping()
        assert await client.read("codechat", "sales", "creds") == b"1"
        assert len(server.requests) == 3
        assert len(server.connections) == 2


@asynchronous
async def test_a_write_on_a_connection_that_the_worker_closes_is_not_repeated_but_told() -> None:
    async with scripted_server(close_instead_of_answering_the_second) as server, Client(server.url, TOKEN) as client:
        await client.ping()
        with pytest.raises(ConnectionFailed):
            await client.write("codechat", "sales", "creds", "{}")
        assert len(server.requests) == 2
        await client.write("codechat", "sales", "creds", "{}")
        assert len(server.connections) == 2


@asynchronous
async def test_connections_that_a_stopped_worker_closed_are_not_used_again(tmp_path: Path) -> None:
    async with running_worker(tmp_path) as worker:
        client = Client(worker.url, worker.token)
        await client.create_instance("codechat", "sales")
    with pytest.raises(ConnectionFailed, match="refused"):
        await client.write("codechat", "sales", "creds", "{}")
    await client.close()


def test_connections_are_given_up_long_before_the_worker_would_close_them() -> None:
    assert 2 * KEEP_IDLE_SECONDS <= IDLE_SECONDS


@asynchronous
async def test_idle_connections_are_closed_by_the_client(
    worker: RunningWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exchange, "KEEP_IDLE_SECONDS", 0.1)
    async with Client(worker.url, worker.token) as client:
        await client.ping()
        assert len(worker.site.channels) == 1
        await wait_until(lambda: not worker.site.channels)
        await client.ping()


@asynchronous
async def test_closing_lets_calls_end_and_takes_no_new_ones(worker: RunningWorker) -> None:
    client = Client(worker.url, worker.token, connections=3)
    await client.create_instance("codechat", "sales")
    writes = [start(client.write("codechat", "sales", f"key-{n}", str(n))) for n in range(10)]
    closed = client.close()
    await closed
    assert all(write.called for write in writes)
    await gatherResults(writes)
    await wait_until(lambda: not worker.site.channels)
    with pytest.raises(RuntimeError, match="closed"):
        await client.ping()
    await client.close()
    async with Client(worker.url, worker.token) as another:
        assert await another.read("codechat", "sales", "key-9") == b"9"


@asynchronous
async def test_a_program_can_bring_an_agent_of_its_own(worker: RunningWorker) -> None:
    asked = []

    class CountingAgent(Agent):
        def request(self, method: bytes, uri: bytes, *arguments: Any, **options: Any) -> Any:
            asked.append(method)
            return super().request(method, uri, *arguments, **options)

    async with Client(worker.url, worker.token, agent=CountingAgent(reactor), reactor=reactor) as client:
        await client.ping()
        await client.create_group("codechat")
    assert asked == [b"OPTIONS", b"POST"]
