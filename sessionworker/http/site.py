"""The HTTP server: all connections, what they share, and an end that answers what is under way."""

from __future__ import annotations

from io import BytesIO
from typing import BinaryIO

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.web.http import datetimeToString
from twisted.web.server import Site

from sessionworker.http.channel import WorkerChannel
from sessionworker.http.heads import KnownHeaders
from sessionworker.http.limits import MOST_TURNED_AWAY, STRANGER_SECONDS, Bodies
from sessionworker.http.ports import Application, OneOfMany, Watcher
from sessionworker.http.request import WorkerRequest
from sessionworker.http.room import Answers


class WorkerSite(Site):
    """All connections, and what they share.

    Twisted's own keeps serving idle connections after it stopped listening; here `drain` ends them. Besides that it
    bounds the connections, and the bodies and answers in memory, keeps bodies out of files, closes what is late once a
    second, and tells a watcher instead of writing an access log.
    """

    requestFactory = WorkerRequest

    def __init__(
        self,
        application: Application,
        watcher: Watcher,
        *,
        body_size: int,
        connections: int,
        reactor: IReactorTime,
    ) -> None:
        """Serve `application`, at most `connections` at once. `body_size` is in bytes."""
        super().__init__(application, timeout=None, parsePOSTFormSubmission=False, reactor=reactor)
        self.protocol = WorkerChannel  # type: ignore[method-assign,assignment]  # HTTP/1.1 only, so no chooser between
        self.application = application
        self.watcher = watcher
        self.body_size = body_size
        self.connections = connections
        self.bodies = Bodies()
        self.answers = Answers()
        self.known_headers = KnownHeaders(application.credential)
        self.channels: set[OneOfMany] = set()
        self.strangers: dict[OneOfMany, float] = {}
        self.date = datetimeToString()
        self.is_draining = False
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

    def acceptableProtocols(self) -> list[bytes]:
        """Name what is spoken over TLS: HTTP/1.1 alone, also where what Twisted needs for HTTP/2 is installed."""
        return [b"http/1.1"]

    def log(self, request: WorkerRequest) -> None:  # type: ignore[override]  # it makes no others
        """Tell the watcher of a request that was answered."""
        self.watcher.answered(request, request.seconds)

    # Connections

    def figures(self) -> dict[str, float]:
        """Return how many connections are open, and how many may be."""
        return {"connections": len(self.channels), "limit_connections": self.connections}

    def opened(self, channel: OneOfMany) -> bool:
        """Count a connection in; tell whether there may be so many. An old stranger makes room for a new one."""
        if len(self.channels) >= self.connections + MOST_TURNED_AWAY:
            channel.abort()
            return False
        self.channels.add(channel)
        is_full = len(self.channels) > self.connections
        now = self.reactor.seconds()
        oldest, since = next(iter(self.strangers.items()), (channel, now))
        if is_full and now - since >= STRANGER_SECONDS:
            del self.strangers[oldest]
            oldest.abort()
            is_full = False
        if not is_full:
            self.strangers[channel] = now
        return not is_full

    def lost(self, channel: OneOfMany) -> None:
        """Forget a connection."""
        self.channels.discard(channel)
        self.strangers.pop(channel, None)
        if self._drained is not None and not self.channels:
            self._finish_draining()

    def drain(self, last_seconds: float) -> Deferred[None]:
        """Answer what is under way, close what was silent for so long, and fire when no connection is left."""
        self.is_draining = True
        for channel in list(self.channels):
            channel.drain(last_seconds)
            channel.close_when_late(self.reactor.seconds())
        drained = self._drained = Deferred()
        if not self.channels:
            self._finish_draining()
        return drained

    def abort(self) -> None:
        """Cut off every connection that is left."""
        for channel in list(self.channels):
            channel.abort()

    def _finish_draining(self) -> None:
        drained, self._drained = self._drained, None
        if self._sweep.running:
            self._sweep.stop()
        if drained is not None:
            drained.callback(None)

    def _every_second(self) -> None:
        self.date = datetimeToString()
        now = self.reactor.seconds()
        self.watcher.late(max(0.0, now - self._last_tick - 1.0))
        self._last_tick = now
        for channel in list(self.channels):
            channel.close_when_late(now)
        self.answers.every_second(now)
