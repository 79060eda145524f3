"""One connection: what its requests may cost in bytes and seconds, and how it ends."""

from __future__ import annotations

from typing import Any

from twisted.internet.abstract import FileDescriptor
from twisted.internet.interfaces import IAddress, IHalfCloseableProtocol
from twisted.protocols.basic import LineReceiver
from twisted.python.failure import Failure
from twisted.web.http import HTTPChannel
from zope.interface import implementer

from sessionworker.errors import BodyTooLarge, Overloaded, RequestNotAllowed, Unauthorized, WorkerError
from sessionworker.http import limits
from sessionworker.http.answers import whole_refusal
from sessionworker.http.heads import Head, means_nothing, read_head
from sessionworker.http.ports import Site
from sessionworker.http.request import WorkerRequest
from sessionworker.http.sending import SMALL_ANSWER, say_last


@implementer(IHalfCloseableProtocol)
class WorkerChannel(HTTPChannel):
    """One connection. It is closed when it passes its deadline, which depends on what it is doing.

    Twisted's own has no limit for bodies, restarts its idle timer with every packet, and answers further requests of a
    client that does not read. Besides that, here:

    * a request that came in one piece, with headers that are known, is not read line by line (`_take_whole`);
    * a body that will not be used is refused before it comes (`allHeadersReceived`), in JSON as every error (`refuse`);
    * a small answer is sent at once (`send`), and the next request waits until a client has read (`requestDone`).

    Of Twisted's private names it uses `_handlingRequest` and `_dataBuffer` (what came behind a request that is being
    answered), `_buffer` (the same, within a line), `_respondToBadRequestAndDisconnect` (or its errors would be plain
    text), `_command`, and `_tempDataBuffer` of a socket (whether something waits).
    """

    maxHeaders = limits.MOST_HEADERS
    requests: list[WorkerRequest]
    site: Site
    transport: Any  # TCP, TLS or UNIX: each has what is used here
    deadline: float = limits.NEVER
    _reading = False
    _is_taking = False  # bytes that came, in which there may be further requests
    _is_refused = False
    _client_ended = False
    _is_full = False  # the transport: the client does not read
    _done: WorkerRequest | None = None  # answered, and the next one waits until the client has read
    _new_head: Head | None = None  # of the request that is coming, if its headers are to be remembered
    _body_bytes = 0  # of the site's bodies in memory, those of this connection

    def connectionMade(self) -> None:
        """Count the connection in."""
        super().connectionMade()
        self._host: IAddress = self.transport.getHost()
        self._can_send_now = isinstance(self.transport, FileDescriptor)  # a socket, and nothing like TLS before it
        self._wait(limits.HEADER_SECONDS)
        if not self.site.opened(self):
            self.refuse(Overloaded(Overloaded.too_many_connections))

    def connectionLost(self, reason: Failure) -> None:  # type: ignore[override]
        """Count the connection out."""
        self._take_body_bytes(-self._body_bytes)
        self.site.lost(self)
        super().connectionLost(reason)

    def readConnectionLost(self) -> None:
        """Answer what was asked by a client that will send no more, then close."""
        self._client_ended = True
        if not self._handlingRequest or self._is_refused:
            self.transport.loseConnection()
        elif self.requests and not self._dataBuffer:  # it is not answered yet, and no further one has come
            self._close_after(self.requests[-1])

    def writeConnectionLost(self) -> None:
        """Wait for a client that was refused to close its side."""

    def getHost(self) -> IAddress:
        """Return the worker's address, which Twisted asks of the kernel for each request."""
        return self._host

    # Requests that come

    def dataReceived(self, data: bytes) -> None:
        """Take what came, unless the client was told that nothing more is wanted."""
        is_nested, self._is_taking = self._is_taking, True
        while data and not self._is_refused:
            taken = self._take_whole(data) if self._is_idle else 0
            if not taken:
                LineReceiver.dataReceived(self, data)
                break
            data = data[taken:]
        self._is_taking = is_nested

    def _take_whole(self, data: bytes) -> int:
        """Take a request that came in one piece, with headers that are known. Return its bytes, or 0 for another."""
        self._reading = True
        self._wait(limits.HEADER_SECONDS)
        self._new_head = head = read_head(data)
        known = head and self.site.known_headers.get(head)
        if head is None or known is None or head.length > self.site.body_size:
            return 0
        end = head.end + head.length
        if len(data) < end or self._take_body_bytes(head.length) is not None:
            return 0
        # From here on as HTTPChannel does once it has read the same line by line.
        self._new_head = None
        request = WorkerRequest(self)
        request.requestHeaders = known
        self.requests.append(request)
        self.setRawMode()
        self._handlingRequest = True
        self._answer_next()
        request.receive(head.method, head.path, data[head.end : end])
        return end

    def lineReceived(self, line: bytes) -> None:
        """Take a line of the headers; what is left of a packet whose first part was refused is thrown away."""
        if not self._is_refused:
            super().lineReceived(line)

    def rawDataReceived(self, data: bytes) -> None:
        """Take a part of a body; see `lineReceived`."""
        if not self._is_refused:
            super().rawDataReceived(data)

    def lineLengthExceeded(self, _line: bytes) -> None:
        """Refuse a line that is too long for a request's or a header's."""
        self.refuse(RequestNotAllowed())

    def headerReceived(self, line: bytes) -> bool:
        """Take a header, unless it means nothing."""
        if means_nothing(line):
            self.refuse(RequestNotAllowed())
            return False
        return bool(super().headerReceived(line))

    def allHeadersReceived(self) -> None:
        """Refuse a body that will not be used before it comes, and set its deadline."""
        if (error := self._refusal_of_body()) is not None:
            self.refuse(error)
            return
        super().allHeadersReceived()
        if self._new_head is not None:
            self._remember(self._new_head)
        if self.length != 0:
            self._wait(limits.BODY_SECONDS + (self.length or self.site.body_size) / limits.SLOWEST_BODY)

    def _remember(self, head: Head) -> None:
        """Remember the headers that have come, unless they ask for more than to be answered."""
        request, self._new_head = self.requests[-1], None
        if self.length == head.length and self.persistent:
            is_strange = self.site.application.refusal_of(request) is not None
            self.site.known_headers.add(head, request.requestHeaders, is_strange=is_strange)

    def _refusal_of_body(self) -> WorkerError | None:
        """Return the reason for which the body that is announced is not wanted, if there is one."""
        request = self.requests[-1]
        error = self.site.application.refusal_of(request) if self.length != 0 else None
        request.is_strange = error is not None  # its body is not kept, and so takes no room from others
        asks_first = request.requestHeaders.hasHeader(b"Expect")
        if error is not None and (asks_first or self.length is None or self.length > limits.TRUSTED_BODY):
            return error  # no length: it is chunked
        if self.length is not None and self.length > self.site.body_size:
            return BodyTooLarge(self.site.body_size)
        return self._take_body_bytes(self.length or 0) if error is None else None

    def take_chunk(self, size: int, so_far: int) -> bool:
        """Tell whether a part of a body may be kept, after `so_far` bytes of it; if not, the client has been told."""
        is_too_large = so_far + size > self.site.body_size
        counted_already = 0 if self.length is None else size  # what was announced is
        error = BodyTooLarge(self.site.body_size) if is_too_large else self._take_body_bytes(size - counted_already)
        if error is not None:
            self.refuse(error)
        return error is None

    def _take_body_bytes(self, size: int) -> WorkerError | None:
        """Count bytes of bodies in memory, unless there are too many already."""
        refusal = self.site.bodies.take(size, besides=self._body_bytes)
        if refusal is None:
            self._body_bytes += size
        return refusal

    def allContentReceived(self) -> None:
        """Hand the request on; from here it takes the time that it takes."""
        if self._is_refused:
            return
        self._answer_next()
        super().allContentReceived()

    def _answer_next(self) -> None:
        """Note that a request has come whole: no deadline is left for it."""
        self._reading = False
        self.deadline = limits.NEVER
        if self.site.is_draining:
            self._close_after(self.requests[-1])

    # Answers that go

    def send(self, data: bytes) -> None:
        """Send an answer, and a small one now: the reactor's own way is a turn later, and longer."""
        transport = self.transport
        if self._can_send_now and self.persistent and len(data) <= SMALL_ANSWER:
            is_first = not (transport.dataBuffer or transport._tempDataBuffer)  # noqa: SLF001
            sent = transport.writeSomeData(data) if is_first and transport.connected else 0
            data = data[sent:] if isinstance(sent, int) else data  # the reactor will see an error by itself
        if data:
            transport.write(data)

    def send_more(self, piece: bytes) -> None:
        """Send more of a large answer: the client has read something, and has as long again for the next part."""
        self._wait(limits.READ_SECONDS)
        self.transport.write(piece)

    def pauseProducing(self) -> None:
        """Read and answer nothing more: the client does not read what it was sent."""
        self._is_full = True
        super().pauseProducing()
        self.transport.pauseProducing()

    def resumeProducing(self) -> None:
        """Go on: the client has read."""
        self._is_full = False
        super().resumeProducing()
        done, self._done = self._done, None
        if done is not None:
            self.requestDone(done)

    def requestDone(self, request: WorkerRequest) -> None:
        """Wait for the next request; first for a client that has to read, or its answers would fill the memory."""
        if self._is_full:
            self._done = request
            self._wait(limits.READ_SECONDS)
            return
        self._take_body_bytes(-self._body_bytes)
        self._reading = bool(self._buffer)  # answered at once, and the start of the next request came with it
        self._wait(limits.HEADER_SECONDS if self._reading else limits.IDLE_SECONDS)
        super().requestDone(request)
        if self._client_ended and not (self._handlingRequest or self._is_taking):
            self.loseConnection()

    # The end

    def _wait(self, seconds: float) -> None:
        """Be closed after so many seconds from now, unless something comes in between."""
        self._waits_since = self.site.reactor.seconds()
        self.deadline = self._waits_since + seconds

    def _close_after(self, request: WorkerRequest) -> None:
        """Tell the client that this answer is the last one on this connection."""
        self.persistent = False
        if not request.startedWriting:
            request.responseHeaders.setRawHeaders(b"Connection", [b"close"])

    def drain(self, last_seconds: float) -> None:
        """Answer what is under way, and what comes until nothing has come for so long, and close."""
        if self._is_idle and not self._is_refused:
            self.deadline = min(self.deadline, self._waits_since + last_seconds)
        elif self.requests:
            self._close_after(self.requests[-1])

    def abort(self) -> None:
        """Close at once."""
        self.transport.abortConnection()

    def refuse(self, error: WorkerError) -> None:
        """Answer a request that has not come whole, and close. The client may finish reading what it was told."""
        if self._is_refused:
            return
        self._is_refused = True
        self.site.watcher.refused(error.status)
        self._wait(limits.FAREWELL_SECONDS)
        if isinstance(error, Unauthorized):
            self.site.application.turn_away(self.requests[-1], self._say_last, error)
        else:
            self._say_last(error)

    def _say_last(self, error: WorkerError) -> None:
        if self in self.site.channels:
            say_last(self, whole_refusal(error, is_head=getattr(self, "_command", None) == b"HEAD"))

    def close_when_late(self, now: float) -> None:
        """Close the connection if its deadline has passed; if it does not close in time, cut it off."""
        if now >= self.deadline:
            self.abort() if self._is_refused else self._close()

    def _close(self) -> None:
        """Take nothing more, and close; `close_when_late` cuts off whoever does not let it."""
        self._is_refused = True
        self._wait(limits.FAREWELL_SECONDS)
        self.loseConnection()

    @property
    def _is_idle(self) -> bool:
        """Whether nothing has come since the last answer."""
        return not (self._reading or self._handlingRequest)

    def _respondToBadRequestAndDisconnect(self) -> None:
        self.refuse(RequestNotAllowed())
