"""What is made of each request besides its answer: figures, and a line in the log if that was asked for."""

from __future__ import annotations

from twisted.logger import Logger

from sessionworker.http.ports import Asked
from sessionworker.web.metrics import Metrics
from sessionworker.web.paths import loggable, route_of

METHODS = {b"GET", b"HEAD", b"POST", b"DELETE", b"OPTIONS", b"PUT", b"PATCH"}


class Watching:
    """Counts requests, and logs them. See `http.ports.Watcher`."""

    _log = Logger()

    def __init__(self, metrics: Metrics, *, http_logs: bool) -> None:
        """Count in `metrics`."""
        self._metrics = metrics
        self._http_logs = http_logs

    def answered(self, request: Asked, seconds: float) -> None:
        """Count one request, and log it if that was asked for. A key is never named: it holds phone numbers."""
        method = request.method.decode() if request.method in METHODS else "other"
        self._metrics.request(route_of(request.path), method, request.code, seconds)
        if self._http_logs:
            self._log.info(
                "{method} {path} {status}",
                method=request.method.decode("ascii", "replace"),
                path=loggable(request.path),
                status=request.code,
            )

    def refused(self, status: int) -> None:
        """Count a request that was refused before it came whole."""
        self._metrics.refused(status)

    def late(self, seconds: float) -> None:
        """Show how late the reactor is."""
        self._metrics.lag(seconds)
