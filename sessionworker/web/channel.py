"""One connection: what its requests may cost in bytes and seconds, and how it ends.

Twisted's own has no limit for bodies, and restarts its idle timer with every packet.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from twisted.internet.abstract import FileDescriptor
from twisted.internet.interfaces import IAddress, IHalfCloseableProtocol
from twisted.protocols.basic import LineReceiver
from twisted.python.failure import Failure
from twisted.web.http import HTTPChannel
from zope.interface import implementer

from sessionworker.errors import BodyTooLarge, Overloaded, RequestNotAllowed, WorkerError
from sessionworker.web.answers import error_body
from sessionworker.web.heads import Head, read_head
from sessionworker.web.request import WorkerRequest

if TYPE_CHECKING:
    from sessionworker.web.site import WorkerSite

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

SMALL_ANSWER = 64 * 1024
"""Bytes of an answer that is sent at once; a larger one waits for its turn."""

NEVER = float("inf")


@implementer(IHalfCloseableProtocol)
class WorkerChannel(HTTPChannel):
    """One connection. It is closed when it passes its deadline, which depends on what it is doing."""

    maxHeaders = 100
    site: WorkerSite
    transport: Any  # TCP, TLS or UNIX: each has what is used here
    deadline: float = NEVER
    _reading = False
    _refused = False
    _client_ended = False
    _new_head: Head | None = None  # of the request that is coming, if its headers are to be remembered
    _body_bytes = 0  # of the site's bodies in memory, those of this connection

    def connectionMade(self) -> None:
        """Count the connection in."""
        super().connectionMade()
        self._host = self.transport.getHost()
        self._can_send_now = isinstance(self.transport, FileDescriptor)  # a socket, and nothing like TLS before it
        self.deadline = self.site.reactor.seconds() + HEADER_SECONDS
        self.site.channels.add(self)
        if len(self.site.channels) > self.site.connections:
            self.refuse(Overloaded("Too many connections are open. Try again in a moment."))

    def connectionLost(self, reason: Failure) -> None:  # type: ignore[override]
        """Count the connection out."""
        self._take_body_bytes(-self._body_bytes)
        self.site.lost(self)
        super().connectionLost(reason)

    def readConnectionLost(self) -> None:
        """Answer what was asked by a client that will send no more, then close."""
        self._client_ended = True
        if not self._handlingRequest or self._refused:
            self.transport.loseConnection()
        elif not self._dataBuffer:  # no further request has come
            self.close_after(self.requests[-1])

    def writeConnectionLost(self) -> None:
        """Wait for a client that was refused to close its side."""

    def getHost(self) -> IAddress:
        """Return the worker's address, which Twisted asks of the kernel for each request."""
        host: IAddress = self._host
        return host

    def dataReceived(self, data: bytes) -> None:
        """Take what came, unless the client was told that nothing more is wanted."""
        while data and not self._refused:
            taken = 0
            if self.is_idle:
                self._reading = True
                self.deadline = self.site.reactor.seconds() + HEADER_SECONDS
                taken = self._take_whole(data)
            if not taken:
                LineReceiver.dataReceived(self, data)
                return
            data = data[taken:]

    def _take_whole(self, data: bytes) -> int:
        """Take a request that came in one piece, with headers that are known. Return its bytes, or 0 for another."""
        self._new_head = head = read_head(data)
        known = head and self.site.known_headers.get(head.lines)
        if head is None or known is None:
            return 0
        end = head.end + known.length
        if len(data) < end or self._take_body_bytes(known.length) is not None:
            return 0
        # From here on as HTTPChannel does once it has read the same line by line.
        self._new_head = None
        request = WorkerRequest(self)
        request.requestHeaders = known.headers
        self.requests.append(request)
        self.setRawMode()
        self._handlingRequest = True
        self._answer_next()
        request.receive(head.method, head.path, data[head.end : end])
        return end

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
        if self._new_head is not None:
            self._remember(self._new_head)
        if self.length != 0:
            self.deadline = (
                self.site.reactor.seconds() + BODY_SECONDS + (self.length or self.site.body_size) / SLOWEST_BODY
            )

    def _remember(self, head: Head) -> None:
        """Remember the headers that have come, unless they ask for more than to be answered, or are a stranger's."""
        self._new_head = None
        request = self.requests[-1]
        if self.length is not None and self.persistent and not request.requestHeaders.hasHeader(b"Expect"):
            with suppress(WorkerError):
                self.site.resource.check_token(request)
                self.site.known_headers.add(head.lines, request.requestHeaders, self.length)

    def _refusal_of_body(self) -> WorkerError | None:
        """Return the reason for which the body that is announced is not wanted, if there is one."""
        if self.length is None or self.length > TRUSTED_BODY:  # None: chunked, so nobody knows how long it is
            try:
                self.site.resource.check_token(self.requests[-1])
            except WorkerError as error:
                return error
        if self.length is not None and self.length > self.site.body_size:
            return BodyTooLarge(self.site.body_size)
        return self._take_body_bytes(self.length or 0)

    def take_chunk(self, size: int, so_far: int) -> bool:
        """Tell whether a part of a body may be kept, after `so_far` bytes of it; if not, the client has been told."""
        error: WorkerError | None = None
        if so_far + size > self.site.body_size:
            error = BodyTooLarge(self.site.body_size)
        elif self.length is None:  # what was announced is counted already
            error = self._take_body_bytes(size)
        if error is not None:
            self.refuse(error)
        return error is None

    def _take_body_bytes(self, size: int) -> WorkerError | None:
        """Count bytes of bodies in memory, unless there are too many already."""
        if size > 0 and not self.site.has_room_for(size, besides=self._body_bytes):
            return Overloaded()
        self._body_bytes += size
        self.site.body_bytes += size
        return None

    def allContentReceived(self) -> None:
        """Hand the request on; from here it takes the time that it takes."""
        if self._refused:
            return
        self._answer_next()
        super().allContentReceived()

    def _answer_next(self) -> None:
        """Note that a request has come whole: no deadline is left for it."""
        self._reading = False
        self.deadline = NEVER
        if self.site.draining:
            self.close_after(self.requests[-1])

    def requestDone(self, request: WorkerRequest) -> None:
        """Wait for the next request."""
        self._take_body_bytes(-self._body_bytes)
        self._reading = bool(self._buffer)  # answered at once, and the start of the next request came with it
        self.deadline = self.site.reactor.seconds() + (HEADER_SECONDS if self._reading else IDLE_SECONDS)
        super().requestDone(request)
        if self._client_ended and not self._handlingRequest:
            self.loseConnection()

    def writeSequence(self, iovec: list[bytes]) -> None:
        """Send an answer, and a small one now: the reactor's own way is a turn later, and longer."""
        transport = self.transport
        if self._can_send_now and self.persistent and sum(map(len, iovec)) <= SMALL_ANSWER:
            is_first = not (transport.dataBuffer or transport._tempDataBuffer)  # noqa: SLF001
            data = b"".join(iovec)
            sent = transport.writeSomeData(data) if is_first and transport.connected else 0
            iovec = [data[sent:]] if isinstance(sent, int) else [data]  # the reactor will see an error by itself
        if any(iovec):
            transport.writeSequence(iovec)

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
        self.site.metrics.refused(error.status)
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
