"""The HTTP server: all connections, what they share, and an end that answers what is under way.

Twisted's own keeps serving idle connections after it stopped listening.
"""

from __future__ import annotations

import re
from io import BytesIO
from typing import BinaryIO

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.web.http import datetimeToString
from twisted.web.server import Site

from sessionworker.web.channel import WorkerChannel
from sessionworker.web.gate import Gate
from sessionworker.web.heads import KnownHeaders
from sessionworker.web.metrics import Metrics
from sessionworker.web.request import WorkerRequest
from sessionworker.web.session_files import PARTS_BEFORE_KEY, is_session_file

METHODS = {"GET", "HEAD", "POST", "DELETE", "OPTIONS", "PUT", "PATCH"}

MOST_BODY_BYTES = 256 * 2**20
"""Bytes of bodies that may be in memory at once, besides one body of any size that is allowed."""


class WorkerSite(Site):
    """All connections, and what they share."""

    requestFactory = WorkerRequest
    resource: Gate
    _log = Logger()

    def __init__(
        self,
        gate: Gate,
        metrics: Metrics,
        *,
        body_size: int,
        connections: int,
        http_logs: bool,
        reactor: IReactorTime,
    ) -> None:
        """Serve what is behind `gate`, at most `connections` at once. `body_size` is in bytes."""
        super().__init__(gate, timeout=None, parsePOSTFormSubmission=False, reactor=reactor)
        self.protocol = WorkerChannel  # type: ignore[method-assign,assignment]  # HTTP/1.1 only, so no chooser between
        self.metrics = metrics
        self.body_size = body_size
        self.connections = connections
        self.body_bytes = 0
        self.known_headers = KnownHeaders()
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
        self._last_tick = self.reactor.seconds()
        self._sweep.start(1.0, now=False)

    def getContentFile(self, _length: int | None) -> BinaryIO:
        """Keep bodies in memory, which `body_size` bounds, rather than in unencrypted temporary files."""
        return BytesIO()

    def log(self, request: WorkerRequest) -> None:  # type: ignore[override]  # it makes no others
        """Count one request, and log it if that was asked for. A key is never named: it holds phone numbers."""
        method = request.method.decode("ascii", "replace")
        route = route_of(request.path)
        known_method = method if method in METHODS else "other"
        self.metrics.request(route, known_method, request.code, self.reactor.seconds() - request.begun)
        if self._http_logs:
            path = request.path.decode("ascii", "backslashreplace")
            parts = re.split("/|%2f", path, maxsplit=4, flags=re.IGNORECASE)
            shown = "/".join([*parts[:4], "..."][: len(parts)])
            self._log.info(
                "{method} {path} {status}",
                method=method,
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

    def has_room_for(self, size: int, *, besides: int) -> bool:
        """Tell whether `size` more bytes of a body may come, of which `besides` bytes are here."""
        return self.body_bytes == besides or self.body_bytes + size <= MOST_BODY_BYTES

    def _every_second(self) -> None:
        self.date = datetimeToString()
        now = self.reactor.seconds()
        self.metrics.lag(max(0.0, now - self._last_tick - 1.0))
        self._last_tick = now
        for channel in list(self.channels):
            channel.close_when_late(now)


def route_of(path: bytes) -> str:
    """Return the route that a raw path belongs to, as the metrics name it."""
    if is_session_file(path):
        return "/session/G/I/K"
    if path in {b"/ping", b"/health", b"/metrics", b"/session"}:
        return path.decode()
    if path.startswith(b"/admin/"):
        return "/admin"
    if path.startswith(b"/session/"):
        if path.endswith(b"/list-instances"):
            return "/session/G/list-instances"
        return "/session/G/I" if path.count(b"/") == PARTS_BEFORE_KEY - 1 else "/session/G"
    return "other"
