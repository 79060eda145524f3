"""What those who come to the page may cost, whoever they are: nobody has to be signed in to send something.

The connections are as those of the worker's own port: each has its deadlines, and ends with an answer at a stop.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from io import BytesIO
from typing import Any

from twisted.internet.interfaces import IReactorTime
from twisted.web.resource import IResource, Resource
from twisted.web.server import Request

from sessionworker.errors import RequestNotAllowed, WorkerError
from sessionworker.http.answers import JSON, answer_error
from sessionworker.http.channel import WorkerChannel
from sessionworker.http.limits import BODY_SECONDS, HEADER_SECONDS, MOST_TURNED_AWAY, SLOWEST_BODY
from sessionworker.http.ports import Asked
from sessionworker.http.site import WorkerSite
from sessionworker.page.uploads import LARGEST, MOST_DROPPED, Uploads
from sessionworker.web.gate import check_host

MOST_BYTES = 64 * 2**10
"""Of a request's body: of its forms the largest has some hundred. More has the one with a file alone."""

MOST_CONNECTIONS = 200
"""Connections that may be open: each browser has six. Where all are taken, the oldest goes that nobody signed in on."""

MOST_SOCKETS = MOST_CONNECTIONS + MOST_TURNED_AWAY
"""Connections at the most, with those that are told that there are too many: each is an open file."""


class PageRequest(Request):
    """A request that is answered by the site's tree, with Twisted's own ways of writing answers and reading cookies."""

    channel: Any
    is_strange = False
    seconds = 0.0
    _came = 0
    _is_file = False
    _is_cut_off = False
    is_too_large = False
    """Whether it had a file that was too large, and was let go of."""

    def __init__(self, uploads: Uploads, channel: Any, *arguments: Any, **named: Any) -> None:
        """Begin. Twisted would read a form with a file in the reactor's thread, and in memory thrice."""
        super().__init__(channel, *arguments, parsePOSTFormSubmission=False, **named)
        self._uploads = uploads

    def getRequestHostname(self) -> bytes:
        """Return what Klein looks for routes with: it fails at what is no host, and no route asks for one."""
        return b"page"

    def process(self) -> None:
        """Answer the request, which has come whole. What asks about the server itself has Twisted's own answer else."""
        if self.path == b"*":
            self.path = self.uri = b"/*"
        super().process()

    def render(self, resource: Any) -> None:
        """Answer. Where a path is no UTF-8 there is nothing, but Klein would log each as a failure."""
        self.responseHeaders.removeHeader(b"Server")  # Twisted's version concerns no stranger
        self.postpath = [part.decode("utf-8", "replace").encode() for part in self.postpath or ()]
        super().render(resource)

    def handleContentChunk(self, data: bytes) -> None:
        """Take a part of the body."""
        if self._is_cut_off:
            return  # thousands of parts may have come at once, and to see who sends each takes longer than to send it
        self._came += len(data)
        if self._came <= MOST_BYTES or self._may_be_as_large():
            super().handleContentChunk(data)
        elif not self._is_file or self._came > MOST_DROPPED:
            self._is_cut_off = True
            self.channel.forceAbortClient()
        elif not self.is_too_large:
            self.is_too_large = True
            self.content = BytesIO()  # what came is let go of
            self._uploads.leave(self)

    def _may_be_as_large(self) -> bool:
        if not self._is_file and self._uploads.admit(self):
            self._is_file = True
            self.channel.wait_for_file()
        return self._is_file and self._came <= LARGEST


class _PageChannel(WorkerChannel):
    """A connection, of which each request is read line by line: hardly two have the same headers."""

    def _take_whole(self, _data: bytes) -> int:
        self._reading = True
        self._wait(HEADER_SECONDS)
        return 0

    def _refusal_of_body(self) -> WorkerError | None:
        """Return no reason: a body is judged by what comes, as a browser reads no answer before it has sent all."""
        return None

    def allHeadersReceived(self) -> None:
        super().allHeadersReceived()
        if self.length != 0:
            self._wait(BODY_SECONDS + MOST_BYTES / SLOWEST_BODY)

    def wait_for_file(self) -> None:
        """Let a body take the time that the largest file takes: somebody who is signed in sends it."""
        self._wait(BODY_SECONDS + MOST_DROPPED / SLOWEST_BODY)


class _Door(Resource):
    """What the connections hand requests to. See `http.ports.Application`: no header says who asks, a cookie does."""

    isLeaf = True
    credential = b"cookie"

    def __init__(self, tree: IResource, hosts: frozenset[str] | None) -> None:
        super().__init__()
        self.tree = tree
        self._hosts = hosts

    def render(self, request: Any) -> Any:
        try:
            if len(request.requestHeaders.getRawHeaders(b"Host", ())) > 1:
                raise RequestNotAllowed
            if self._hosts is not None:
                check_host(request, self._hosts)
        except WorkerError as error:
            request.setHeader("Content-Type", JSON)
            request.setHeader("Cache-Control", "no-store")
            request.setHeader("X-Content-Type-Options", "nosniff")
            return answer_error(request, error)
        return self.tree.render(request)

    def refusal_of(self, _request: Asked) -> WorkerError | None:
        return None

    def turn_away(self, _request: Asked, answer: Callable[..., object], *arguments: object) -> None:
        answer(*arguments)


class _Nobody:
    """Who is told of requests. See `http.ports.Watcher`."""

    def answered(self, request: Asked, seconds: float) -> None:
        pass

    def refused(self, status: int) -> None:
        pass

    def late(self, seconds: float) -> None:
        pass


class PageSite(WorkerSite):
    """The server of the page."""

    def __init__(
        self, tree: IResource, uploads: Uploads, reactor: IReactorTime, hosts: frozenset[str] | None = None
    ) -> None:
        """Serve a tree. With `hosts`, only those names may be asked for, and any address."""
        super().__init__(
            _Door(tree, hosts), _Nobody(), body_size=MOST_BYTES, connections=MOST_CONNECTIONS, reactor=reactor
        )
        self.protocol = _PageChannel  # type: ignore[method-assign,assignment]
        self.requestFactory = partial(PageRequest, uploads)  # type: ignore[assignment]


def keep_connection(request: Request) -> None:
    """Let a connection on which somebody signed in keep its place where all are taken."""
    channel: Any = request.channel
    if channel is not None:  # it has not gone meanwhile
        channel.site.strangers.pop(channel, None)
