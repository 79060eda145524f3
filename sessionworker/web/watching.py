"""What is made of each request besides its answer: figures, and a line in the log if that was asked for."""

from __future__ import annotations

from http import HTTPStatus
from ipaddress import IPv6Address, IPv6Network
from typing import Any, Protocol

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from sessionworker.http.ports import Asked
from sessionworker.web.metrics import Metrics
from sessionworker.web.paths import loggable, route_of

SILENT_SECONDS = 60.0
"""For how long nothing more is said of an address whose token was refused."""

MOST_ADDRESSES = 1000
"""Addresses that are remembered for that. Nothing is said of further ones: whoever has many would fill the log."""

METHODS = {b"GET", b"HEAD", b"POST", b"DELETE", b"OPTIONS", b"PUT", b"PATCH"}


class FromSomewhere(Protocol):
    """A request, as far as it matters from where it comes."""

    def getClientAddress(self) -> Any:
        """Return the address that it came from."""


def host_of(request: FromSomewhere) -> str:
    """Return the address that a request came from."""
    return str(getattr(request.getClientAddress(), "host", "") or "a Unix socket")


def network_of(request: FromSomewhere) -> str:
    """Return what stands for the address that a request came from: of IPv6 one machine has 2⁶⁴ (RFC 4291, 2.5.4)."""
    host = host_of(request)
    if ":" not in host:
        return host
    address = IPv6Address(host)
    return str(address.ipv4_mapped or IPv6Network((int(address) >> 64 << 64, 64)))


class Watching:
    """Counts requests, and logs them. See `http.ports.Watcher`."""

    _log = Logger()

    def __init__(self, reactor: IReactorTime, metrics: Metrics, *, http_logs: bool) -> None:
        """Count in `metrics`."""
        self._reactor = reactor
        self._metrics = metrics
        self._http_logs = http_logs
        self._said: dict[str, float] = {}

    def answered(self, request: Asked, seconds: float) -> None:
        """Count one request, and log it if that was asked for. A key is never named: it holds phone numbers."""
        method = request.method.decode() if request.method in METHODS else "other"
        self._metrics.request(route_of(request.path), method, request.code, seconds)
        if request.code == HTTPStatus.UNAUTHORIZED:
            self._say_refused(request)
        if self._http_logs:
            self._log.info(
                "{method} {path} {status}",
                event="request",
                method=request.method.decode("ascii", "replace"),
                path=loggable(request.path),
                status=request.code,
            )

    def _say_refused(self, request: Asked) -> None:
        """Tell of a token that was refused, the most likely problem of the first hour; once a minute for an address."""
        network = network_of(request)
        now = self._reactor.seconds()
        while self._said and now - self._said[oldest := next(iter(self._said))] >= SILENT_SECONDS:
            del self._said[oldest]
        if network in self._said or len(self._said) >= MOST_ADDRESSES:
            return
        self._said[network] = now
        text = "A client at {address} was refused: it sends no token, or not this worker's."
        self._log.warn(text, event="token_refused", address=host_of(request))

    def refused(self, status: int) -> None:
        """Count a request that was refused before it came whole."""
        self._metrics.refused(status)

    def late(self, seconds: float) -> None:
        """Show how late the reactor is."""
        self._metrics.lag(seconds)
