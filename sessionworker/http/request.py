"""One request, as Twisted makes it, less what the worker does not need."""

from __future__ import annotations

import re
from io import BytesIO
from typing import Any
from urllib.parse import unquote_to_bytes

from twisted.python.failure import Failure
from twisted.web.server import Request

from sessionworker.errors import Overloaded, RequestNotAllowed, WorkerError
from sessionworker.http.answers import ALWAYS, answer_error, send
from sessionworker.http.ports import Channel, Site
from sessionworker.http.sending import SMALL_ANSWER, LargeAnswer

_absolute = re.compile(rb"https?://[^/?#]*(.*)", re.IGNORECASE | re.DOTALL).fullmatch


class WorkerRequest(Request):
    """A request that is answered by the site's application, and never with HTML.

    Besides what Twisted's own does, it takes its body from the channel's budget (`handleContentChunk`), asks for one
    `Host` and takes absolute targets (`requestReceived`), can be handed over whole (`receive`), writes an answer with
    its head at once (`write`), and waits for the client to have taken a large one (`finish`).

    Of Twisted's private names it uses `_disconnected`: the public way to know is a Deferred for each request.
    """

    channel: Channel  # type: ignore[assignment]  # what is used of it here
    content: BytesIO
    site: Site  # type: ignore[assignment]
    content_type = b""
    """Of the answer; empty for one that has no body and so no length."""
    begun: float
    """When the request had come whole, in the reactor's seconds."""
    known: Any = None
    """What the application found out of it, for whoever answers it."""
    is_strange = False
    """See `Asked`."""
    seconds: float = 0.0
    """How long it took from then until the answer was there."""
    _large: LargeAnswer | None = None
    _is_addressed = True  # by one header `Host`
    _is_awaited = False  # by `finish`, for the client to have taken a large answer

    @property
    def body(self) -> bytes:
        """The whole body."""
        return self.content.getvalue()

    def handleContentChunk(self, data: bytes) -> None:
        """Keep a part of the body, if there is room for it."""
        if not self.is_strange and self.channel.take_chunk(len(data), self.content.tell()):
            self.content.write(data)

    def requestReceived(self, command: bytes, path: bytes, version: bytes) -> None:
        """Answer a request that was read line by line, in whatever form it names its target (RFC 9112, section 3.2)."""
        hosts = self.requestHeaders.getRawHeaders(b"Host", ())
        self._is_addressed = version != b"HTTP/1.1" or len(hosts) == 1
        absolute = _absolute(path)
        super().requestReceived(command, (absolute[1] or b"/") if absolute else path, version)

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
        if not self._is_addressed:
            send(self, answer_error(self, RequestNotAllowed("A request has one header 'Host'.")))
            return
        try:
            self.render(self.site.application)
        except Exception:  # noqa: BLE001 - whatever it is, the client is answered
            self.processingFailed(Failure())

    def write(self, data: bytes) -> None:
        """Send the whole answer: each has its type and its length in its headers, or no body at all.

        A large one for which there is no room becomes an error: one that can wait for that does before (`in_turn`).
        """
        if self._disconnected:
            return
        is_large = len(data) > SMALL_ANSWER and self.method != b"HEAD"
        if is_large and not self.site.answers.take(self, len(data)):
            data, is_large = answer_error(self, Overloaded()), False
        self.startedWriting = 1
        self.seconds = self.site.reactor.seconds() - self.begun
        first = (self.clientproto, self.code, self.code_message, self.site.date, ALWAYS)
        head = b"%b %d %b\r\nDate: %b\r\n%b" % first
        if self.content_type:
            head += b"Content-Type: %b\r\nContent-Length: %d\r\n" % (self.content_type, len(data))
        for name, values in self.responseHeaders.getAllRawHeaders():
            head += b"".join(b"%b: %b\r\n" % (name, value) for value in values)
        if self.method == b"HEAD":
            self.channel.send(head + b"\r\n")
        elif not is_large:
            self.channel.send(b"%b\r\n%b" % (head, data))
        else:
            self.channel.send(head + b"\r\n")
            self._large = LargeAnswer(self.channel, data, self._taken)
            self._large.begin()

    def finish(self) -> None:
        """End the request, once the client has taken the answer."""
        if self._large is None:
            self.site.answers.leave(self)
            super().finish()
        else:
            self._is_awaited = True

    def _taken(self) -> None:
        self._large = None
        if self._is_awaited and not self._disconnected:
            self.finish()

    def connectionLost(self, reason: Failure) -> None:
        """Forget what there was to answer."""
        self.channel.site.answers.leave(self)
        super().connectionLost(reason)

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
        self._log.failure("A request failed in a way that the worker did not foresee", reason, event="request_failed")
        if not self.startedWriting:
            send(self, answer_error(self, WorkerError()))
        elif self.channel is not None:
            self.channel.loseConnection()
