"""The HTTP server itself: limits, deadlines, the access log, and an end that answers what is under way.

Twisted's own server has no limit for bodies, restarts its idle timer with every packet, and keeps serving idle
connections after it stopped listening. This one counts what a request may cost in bytes and seconds.
"""

from __future__ import annotations

import re
from io import BytesIO
from typing import Any, BinaryIO

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IAddress, IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.protocols.basic import LineReceiver
from twisted.python.failure import Failure
from twisted.web.http import HTTPChannel, Request, datetimeToString
from twisted.web.server import Site

from sessionworker.errors import BodyTooLarge, RequestNotAllowed, WorkerError
from sessionworker.web.answers import error_body
from sessionworker.web.gate import Gate
from sessionworker.web.request import WorkerRequest

IDLE_SECONDS = 75.0
"""How long a connection may be silent between requests. Node keeps an idle one for 5 s, and so is never reset."""

HEADER_SECONDS = 10.0
"""How long a request's headers may take, and the first request of a new connection."""

BODY_SECONDS = 30.0
"""How long a request's body may take, besides one second for each `SLOWEST_BODY` bytes."""

SLOWEST_BODY = 64 * 1024
"""Bytes a second that a client must send of a large body."""

FAREWELL_SECONDS = 5.0
"""How long a client that was refused, or told to go, may take to read what it was told."""

TRUSTED_BODY = 64 * 1024
"""Bytes of a body that are read before the token is looked at, so that a refused client can keep its connection."""

NEVER = float("inf")


class WorkerChannel(HTTPChannel):
    """One connection. It is closed when it passes its deadline, which depends on what it is doing."""

    maxHeaders = 100
    site: WorkerSite
    transport: Any  # TCP, TLS or UNIX: each has what is used here
    deadline: float = NEVER
    _reading = False
    _refused = False

    def connectionMade(self) -> None:
        """Count the connection in."""
        super().connectionMade()
        self._host = self.transport.getHost()
        self.site.channels.add(self)
        self.deadline = self.site.reactor.seconds() + HEADER_SECONDS

    def connectionLost(self, reason: Failure) -> None:  # type: ignore[override]
        """Count the connection out."""
        self.site.lost(self)
        super().connectionLost(reason)

    def getHost(self) -> IAddress:
        """Return the worker's address, which Twisted asks of the kernel for each request."""
        host: IAddress = self._host
        return host

    def dataReceived(self, data: bytes) -> None:
        """Take what came, unless the client was told that nothing more is wanted."""
        if self._refused:
            return
        if not (self._reading or self._handlingRequest):
            self._reading = True
            self.deadline = self.site.reactor.seconds() + HEADER_SECONDS
        LineReceiver.dataReceived(self, data)

    def lineReceived(self, line: bytes) -> None:
        """Take a line of the headers; what is left of a packet whose first part was refused is thrown away."""
        if not self._refused:
            super().lineReceived(line)

    def rawDataReceived(self, data: bytes) -> None:
        """Take a part of a body; see `lineReceived`."""
        if not self._refused:
            super().rawDataReceived(data)

    def lineLengthExceeded(self, _line: bytes) -> None:
        """Refuse a line that is too long for a request's or a header's."""
        self.refuse(RequestNotAllowed())

    def allHeadersReceived(self) -> None:
        """Refuse a body that will not be used before it comes, and set its deadline."""
        error = self._refusal_of_body()
        if error is not None:
            self.refuse(error)
            return
        super().allHeadersReceived()
        if self.length != 0:
            self.deadline = (
                self.site.reactor.seconds() + BODY_SECONDS + (self.length or self.site.body_size) / SLOWEST_BODY
            )

    def _refusal_of_body(self) -> WorkerError | None:
        """Return the reason for which the body that is announced is not wanted, if there is one."""
        if self.length is None or self.length > TRUSTED_BODY:  # None: chunked, so nobody knows how long it is
            try:
                self.site.resource.check_token(self.requests[-1])
            except WorkerError as error:
                return error
        if self.length is not None and self.length > self.site.body_size:
            return BodyTooLarge(self.site.body_size)
        return None

    def allContentReceived(self) -> None:
        """Hand the request on; from here it takes the time that it takes."""
        if self._refused:
            return
        self._reading = False
        self.deadline = NEVER
        if self.site.draining:
            self.close_after(self.requests[-1])
        super().allContentReceived()

    def requestDone(self, request: WorkerRequest) -> None:
        """Wait for the next request."""
        self._reading = bool(self._buffer)  # answered at once, and the start of the next request came with it
        self.deadline = self.site.reactor.seconds() + (HEADER_SECONDS if self._reading else IDLE_SECONDS)
        super().requestDone(request)

    def close_after(self, request: WorkerRequest) -> None:
        """Tell the client that this answer is the last one on this connection."""
        self.persistent = False
        if not request.startedWriting:
            request.responseHeaders.setRawHeaders(b"Connection", [b"close"])

    def refuse(self, error: WorkerError) -> None:
        """Answer a request that has not come whole, and close. The client may finish reading what it was told."""
        if self._refused:
            return
        self._refused = True
        body = error_body(error)
        lines = [b"HTTP/1.1 %d %s" % (error.status, error.status.phrase.encode()), b"Content-Type: application/json"]
        lines += [f"{name}: {value}".encode() for name, value in error.headers.items()]
        lines += [b"Content-Length: %d" % len(body), b"Connection: close", b"", body]
        self.transport.write(b"\r\n".join(lines))
        self.deadline = self.site.reactor.seconds() + FAREWELL_SECONDS
        # A close with unread bytes in the socket is a reset, which can overtake the answer: the write side is closed
        # first, and what still comes is thrown away until the client closes or its time is up (RFC 9112, section 9.6).
        if hasattr(self.transport, "loseWriteConnection"):
            self.transport.loseWriteConnection()
        else:
            self.transport.loseConnection()

    def close_when_late(self, now: float) -> None:
        """Close the connection if its deadline has passed; if it does not close in time, cut it off."""
        if now < self.deadline:
            return
        if self._refused:
            self.transport.abortConnection()
            return
        self._refused = True
        self.deadline = now + FAREWELL_SECONDS
        self.loseConnection()

    @property
    def is_idle(self) -> bool:
        """Whether nothing has come since the last answer."""
        return not (self._reading or self._handlingRequest)

    def _respondToBadRequestAndDisconnect(self) -> None:
        self.refuse(RequestNotAllowed())


class WorkerSite(Site):
    """All connections, and what they share."""

    requestFactory = WorkerRequest
    resource: Gate
    _log = Logger()

    def __init__(self, gate: Gate, *, body_size: int, http_logs: bool, reactor: IReactorTime) -> None:
        """Serve what is behind `gate`. `body_size` is in bytes."""
        super().__init__(gate, timeout=None, parsePOSTFormSubmission=False, reactor=reactor)
        self.protocol = WorkerChannel  # type: ignore[method-assign,assignment]  # HTTP/1.1 only, so no chooser between
        self.body_size = body_size
        self.channels: set[WorkerChannel] = set()
        self.date = datetimeToString()
        self.draining = False
        self._http_logs = http_logs
        self._drained: Deferred[None] | None = None
        self._sweep = LoopingCall(self._every_second)
        self._sweep.clock = reactor

    def startFactory(self) -> None:
        """Begin to watch deadlines."""
        super().startFactory()
        self._sweep.start(1.0, now=False)

    def getContentFile(self, _length: int | None) -> BinaryIO:
        """Keep bodies in memory, which `body_size` bounds, rather than in unencrypted temporary files."""
        return BytesIO()

    def log(self, request: Request) -> None:
        """Log one request, if that was asked for. A key is never named: it holds phone numbers."""
        if self._http_logs:
            path = request.path.decode("ascii", "backslashreplace")
            parts = re.split("/|%2f", path, maxsplit=4, flags=re.IGNORECASE)
            shown = "/".join([*parts[:4], "..."][: len(parts)])
            self._log.info(
                "{method} {path} {status}",
                method=request.method.decode("ascii", "replace"),
                path=shown,
                status=request.code,
            )

    def drain(self) -> Deferred[None]:
        """Close idle connections, answer what is under way, and fire when no connection is left."""
        self.draining = True
        for channel in list(self.channels):
            if channel.is_idle:
                channel.loseConnection()
            elif channel.requests:
                channel.close_after(channel.requests[-1])
        drained = self._drained = Deferred()
        if not self.channels:
            self._finish_draining()
        return drained

    def abort(self) -> None:
        """Cut off every connection that is left."""
        for channel in list(self.channels):
            channel.transport.abortConnection()

    def lost(self, channel: WorkerChannel) -> None:
        """Forget a connection."""
        self.channels.discard(channel)
        if self._drained is not None and not self.channels:
            self._finish_draining()

    def _finish_draining(self) -> None:
        drained, self._drained = self._drained, None
        if self._sweep.running:
            self._sweep.stop()
        if drained is not None:
            drained.callback(None)

    def _every_second(self) -> None:
        self.date = datetimeToString()
        now = self.reactor.seconds()
        for channel in list(self.channels):
            channel.close_when_late(now)
