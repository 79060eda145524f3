"""One request, as Twisted makes it, less what the worker does not need."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

from twisted.python.failure import Failure
from twisted.web.server import Request

from sessionworker.errors import BodyTooLarge, WorkerError
from sessionworker.web.answers import answer_error, send

if TYPE_CHECKING:
    from sessionworker.web.site import WorkerChannel, WorkerSite


class WorkerRequest(Request):
    """A request that is answered by the site's gate, and never with HTML."""

    defaultContentType = b"application/json"
    channel: WorkerChannel
    content: BytesIO
    site: WorkerSite

    @property
    def body(self) -> bytes:
        """The whole body."""
        return self.content.getvalue()

    def handleContentChunk(self, data: bytes) -> None:
        """Keep a part of the body, unless it is more than the limit (a chunked body announces no length)."""
        if self.content.tell() + len(data) > self.channel.site.body_size:
            self.channel.refuse(BodyTooLarge(self.channel.site.body_size))
        else:
            self.content.write(data)

    def process(self) -> None:
        """Answer the request; its headers and its body are here."""
        self.site = self.channel.site
        self.responseHeaders.setRawHeaders(b"Date", [self.site.date])
        try:
            self.render(self.site.resource)
        except Exception:  # noqa: BLE001 - whatever it is, the client is answered
            self.processingFailed(Failure())

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
