"""The worker's HTTP side: URL to store call, store call to response."""

from __future__ import annotations

from twisted.internet.interfaces import IReactorTime

from sessionworker.offload import Offload
from sessionworker.web.api import build_api
from sessionworker.web.gate import Gate
from sessionworker.web.session_files import SessionFiles
from sessionworker.web.site import WorkerSite


def build_site(offload: Offload, token: bytes, *, body_size: int, http_logs: bool, reactor: IReactorTime) -> WorkerSite:
    """Build the server over a store, with everything that stands between: bytes -> Site -> Gate -> tree -> Offload.

    `body_size` is in bytes.
    """
    session_files = SessionFiles(offload)
    gate = Gate(token, session_files, build_api(offload, session_files).resource())
    return WorkerSite(gate, body_size=body_size, http_logs=http_logs, reactor=reactor)
