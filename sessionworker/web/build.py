"""The server over a store, put together."""

from __future__ import annotations

from twisted.internet.interfaces import IReactorTime

from sessionworker.access import Access
from sessionworker.http.site import WorkerSite
from sessionworker.offload import Offload
from sessionworker.web.api import build_api
from sessionworker.web.gate import Gate
from sessionworker.web.health import Health
from sessionworker.web.many_keys import ManyKeys
from sessionworker.web.metrics import Metrics
from sessionworker.web.overview import Overview
from sessionworker.web.session_files import SessionFiles
from sessionworker.web.throttle import Throttle
from sessionworker.web.watching import Watching

CONNECTIONS = 10_000


def build_site(
    offload: Offload,
    access: Access,
    *,
    body_size: int,
    http_logs: bool,
    reactor: IReactorTime,
    metrics: Metrics | None = None,
    overview: Overview | None = None,
    connections: int = CONNECTIONS,
    hosts: frozenset[str] | None = None,
) -> WorkerSite:
    """Build the server over a store, with everything that stands between: bytes -> site -> gate -> tree -> Offload.

    `body_size` is in bytes; for `hosts` see `Gate`.
    """
    metrics = metrics or Metrics()
    session_files, many_keys = SessionFiles(offload), ManyKeys(offload, metrics.keys, body_size)
    overview = overview or Overview(offload, Health(reactor, offload), metrics)
    tree = build_api(reactor, offload, session_files, many_keys, overview, metrics)
    gate = Gate(access, Throttle(reactor), session_files, many_keys, tree.resource(), hosts)
    watching = Watching(reactor, metrics, http_logs=http_logs)
    return WorkerSite(gate, watching, body_size=body_size, connections=connections, reactor=reactor)
