"""A server that is no worker, or a bad one: what it says, and when, is a script's."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from twisted.internet.defer import maybeDeferred
from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure

from tests.client.waiting import reactor, wait_until


class ScriptedConnection(Protocol):
    """One connection to a `ScriptedServer`."""

    factory: ScriptedServer
    _received = b""

    def connectionMade(self) -> None:
        self.factory.connections.append(self)
        self.factory.open.add(self)

    def connectionLost(self, _: Failure = connectionDone) -> None:
        self.factory.open.discard(self)

    def dataReceived(self, data: bytes) -> None:
        self._received += data
        end = b"}" if self._received.startswith(b"POST") else b"\r\n\r\n"  # of the requests that these tests make
        if not self._received.endswith(end):
            return
        self.factory.requests.append(self._received)
        self._received = b""
        self.factory.script(self, len(self.factory.requests))

    def send(self, data: bytes) -> None:
        assert self.transport is not None
        self.transport.write(data)

    def answer(self, status: int, body: bytes, *headers: str) -> None:
        lines = [f"HTTP/1.1 {status} Whatever", *headers, f"Content-Length: {len(body)}", "", ""]
        self.send("\r\n".join(lines).encode() + body)

    def close(self) -> None:
        assert self.transport is not None
        self.transport.loseConnection()

    def abort(self) -> None:
        transport: Any = self.transport
        transport.abortConnection()


Script = Callable[[ScriptedConnection, int], object]


class ScriptedServer(Factory):
    """Hands each request, with its number, to a script."""

    noisy = False

    def __init__(self, script: Script) -> None:
        self.script = script
        self.requests: list[bytes] = []
        self.connections: list[ScriptedConnection] = []
        self.open: set[ScriptedConnection] = set()
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def buildProtocol(self, _: IAddress | None) -> Any:
        connection = ScriptedConnection()
        connection.factory = self
        return connection


@asynccontextmanager
async def scripted_server(script: Script) -> AsyncIterator[ScriptedServer]:
    server = ScriptedServer(script)
    listening = reactor.listenTCP(0, server, interface="127.0.0.1")
    server.port = listening.getHost().port
    try:
        yield server
    finally:
        await maybeDeferred(listening.stopListening)
        for connection in set(server.open):
            connection.abort()
        await wait_until(lambda: not server.open)


# Scripts


def say_nothing(connection: ScriptedConnection, number: int) -> None:
    pass


def stall_in_the_body(connection: ScriptedConnection, number: int) -> None:
    connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345")


def stall_in_the_headers(connection: ScriptedConnection, number: int) -> None:
    connection.send(b"HTTP/1.1 200 OK\r\nContent-")


def drip(connection: ScriptedConnection, number: int) -> None:
    """Send a byte of a long body each 20 ms, for ever."""
    connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n")

    def send_one() -> None:
        if connection in connection.factory.open:
            connection.send(b"1")
            reactor.callLater(0.02, send_one)

    send_one()


STALLS = [say_nothing, stall_in_the_headers, stall_in_the_body, drip]


def answer_a_part(connection: ScriptedConnection, number: int) -> None:
    connection.send(b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"secret":')
    connection.close()
