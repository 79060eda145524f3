"""A real receiver, on a real port: it takes notices as it is told to, or does not."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from twisted.internet.endpoints import TCP4ServerEndpoint
from twisted.web.http import Request
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Site

from tests.client.waiting import reactor


class Receiver(Resource):
    """Keeps what it is sent."""

    isLeaf = True

    def __init__(self) -> None:
        super().__init__()
        self.requests: list[tuple[str, dict[str, str], bytes]] = []
        """The path, the headers and the body of each."""
        self.connections: set[Any] = set()
        self.answer: Callable[[Request], Any] = lambda _: b""
        self.port = 0

    def render_POST(self, request: Request) -> Any:
        headers = {
            name.decode().lower(): values[0].decode() for name, values in request.requestHeaders.getAllRawHeaders()
        }
        assert request.content is not None
        self.requests.append((request.uri.decode(), headers, request.content.read()))
        self.connections.add(request.channel)
        return self.answer(request)

    def url(self, path: str = "/webhook/a-secret-path") -> str:
        return f"http://127.0.0.1:{self.port}{path}"


def with_status(status: int, body: bytes = b"") -> Callable[[Request], bytes]:
    def answer(request: Request) -> bytes:
        request.setResponseCode(status)
        return body

    return answer


def never(_: Request) -> int:
    """Answer nothing, and keep the connection."""
    return NOT_DONE_YET


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    """Listen on the loopback interface."""
    receiver = Receiver()
    endpoint = TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1")
    listening: Any = await endpoint.listen(Site(receiver))
    receiver.port = listening.getHost().port
    try:
        yield receiver
    finally:
        await listening.stopListening()
        for channel in receiver.connections:
            if channel.transport is not None:
                channel.transport.abortConnection()
