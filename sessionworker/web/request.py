"""One request, as Twisted makes it, less what the worker does not need."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

from twisted.python.failure import Failure
from twisted.web.server import Request

from sessionworker.errors import WorkerError
from sessionworker.web.answers import answer_error, send

if TYPE_CHECKING:
    from sessionworker.web.channel import WorkerChannel
    from sessionworker.web.site import WorkerSite


class WorkerRequest(Request):
    """A request that is answered by the site's gate, and never with HTML."""

    channel: WorkerChannel
    content: BytesIO
    site: WorkerSite
    begun: float
    """When the request had come whole, in the reactor's seconds."""

    @property
    def body(self) -> bytes:
        """The whole body."""
        return self.content.getvalue()

    def handleContentChunk(self, data: bytes) -> None:
        """Keep a part of the body, if there is room for it."""
        if self.channel.take_chunk(len(data), self.content.tell()):
            self.content.write(data)

    def receive(self, method: bytes, path: bytes, body: bytes) -> None:
        """Take a whole request at once, as `requestReceived` does, and answer it."""
        self.method, self.uri, self.path, self.clientproto = method, path, path, b"HTTP/1.1"
        self.args = {}
        self.content = BytesIO(body)
        self.process()

    def process(self) -> None:
        """Answer the request; its headers and its body are here."""
        self.site = self.channel.site
        self.begun = self.site.reactor.seconds()
        try:
            self.render(self.site.resource)
        except Exception:  # noqa: BLE001 - whatever it is, the client is answered
            self.processingFailed(Failure())

    def write(self, data: bytes) -> None:
        """Send the whole answer: each has its length in its headers, or no body at all."""
        if self._disconnected:
            return
        self.startedWriting = 1
        lines = [b"%b %d %b\r\nDate: %b\r\n" % (self.clientproto, self.code, self.code_message, self.site.date)]
        for name, values in self.responseHeaders.getAllRawHeaders():
            lines += [b"%b: %b\r\n" % (name, value) for value in values]
        lines.append(b"\r\n")
        if self.method != b"HEAD":
            lines.append(data)
        self.channel.writeSequence(lines)

    def parseCookies(self) -> None:
        """Leave them alone: the worker has none."""

    def split_path(self) -> None:
        """Prepare the path for a resource tree, as Twisted does for every request."""
        self.prepath = []
        self.postpath = [unquote_to_bytes(part) for part in self.path[1:].split(b"/")]

    def getRequestHostname(self) -> bytes:
        """Give a fixed name: the routes are the same for every Host, and an odd one must not reach the router."""
        return b"sessionworker"

    def processingFailed(self, reason: Failure) -> None:
        """Answer what nobody foresaw."""
        self._log.failure("A request failed in a way that the worker did not foresee", failure=reason)
        if not self.startedWriting:
            send(self, answer_error(self, WorkerError()))
        elif self.channel is not None:
            self.channel.loseConnection()
