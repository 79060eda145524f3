"""What those who come to the page may cost, whoever they are: nobody has to be signed in to send something."""

from __future__ import annotations

from io import BytesIO
from typing import Any

from twisted.internet.interfaces import IAddress
from twisted.protocols.policies import WrappingFactory
from twisted.web.server import Request

from sessionworker.page.uploads import LARGEST, MOST_DROPPED, Uploads

MOST_BYTES = 64 * 2**10
"""Of a request's body: of its forms the largest has some hundred. More has the one with a file alone."""

MOST_CONNECTIONS = 200
"""Connections that may be open: each browser has six. Those of the worker's own port count against the same limit."""


class SmallRequest(Request):
    """A request that ends its connection as soon as it is too large: no form is, but for the one with a file."""

    _came = 0
    _is_file = False
    is_too_large = False
    """Whether it had a file that was too large, and was let go of."""

    def __init__(self, uploads: Uploads, channel: Any, *arguments: Any, **named: Any) -> None:
        """Begin. Twisted would read a form with a file in the reactor's thread, and in memory thrice."""
        super().__init__(channel, *arguments, parsePOSTFormSubmission=False, **named)
        self._uploads = uploads

    def getRequestHostname(self) -> bytes:
        """Return what Klein looks for routes with: it fails at what is no host, and no route asks for one."""
        return b"page"

    def render(self, resource: Any) -> None:
        """Answer. Where a path is no UTF-8 there is nothing, but Klein would log each as a failure."""
        self.responseHeaders.removeHeader(b"Server")  # Twisted's version concerns no stranger
        self.postpath = [part.decode("utf-8", "replace").encode() for part in self.postpath or ()]
        super().render(resource)

    def gotLength(self, _length: int | None) -> None:
        """Begin. What is announced as large, or with no length, would have a file; what comes stays in memory here."""
        super().gotLength(0)

    def handleContentChunk(self, data: bytes) -> None:
        """Take a part of the body."""
        self._came += len(data)
        if self._came <= MOST_BYTES or self._may_be_as_large():
            super().handleContentChunk(data)
        elif not self._is_file or self._came > MOST_DROPPED:
            self.channel.forceAbortClient()
        elif not self.is_too_large:
            self.is_too_large = True
            self.content = BytesIO()  # what came is let go of
            self._uploads.leave(self)

    def _may_be_as_large(self) -> bool:
        self._is_file = self._is_file or self._uploads.admit(self)
        return self._is_file and self._came <= LARGEST


class FewConnections(WrappingFactory):
    """Lets no more than a number of clients in at once: for a further one the oldest is hung up on.

    Or else whoever sends the heads of so many requests, a byte a minute each, would keep all others out.
    """

    def buildProtocol(self, addr: IAddress | None) -> Any:
        """Return what speaks with a client."""
        if len(self.protocols) >= MOST_CONNECTIONS:
            oldest = next(iter(self.protocols))
            self.unregisterProtocol(oldest)
            oldest.transport.abortConnection()
        return super().buildProtocol(addr)

    def unregisterProtocol(self, p: Any) -> None:
        """Forget a client, who may be forgotten already."""
        self.protocols.pop(p, None)
