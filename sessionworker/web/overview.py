"""Everything at a glance, for whoever has one minute: `GET /admin/overview`."""

from __future__ import annotations

import time

from twisted.internet.defer import Deferred

from sessionworker.offload import Offload
from sessionworker.version import VERSION
from sessionworker.web.health import Health
from sessionworker.web.metrics import Metrics
from sessionworker.wire import WorkerOverview


class Overview:
    """Puts together what the parts of the worker know without asking a disk."""

    def __init__(self, offload: Offload, health: Health, metrics: Metrics) -> None:
        """Tell of the store behind `offload`, and of a worker that starts now."""
        self._offload = offload
        self.health = health
        self._metrics = metrics
        self._started_at = _now()

    def ask(self) -> Deferred[WorkerOverview]:
        """Return all of it. Fails with Overloaded."""
        return self._offload.ask(self._look)

    def _look(self) -> WorkerOverview:
        """Put it together. Of thousands of instances that takes milliseconds, so it is done in a thread."""
        store = self._offload.store.overview()
        counts, gauges = self._metrics.watched()
        return WorkerOverview(VERSION, _now(), self._started_at, self.health.is_well, store, counts, gauges)


def _now() -> int:
    return time.time_ns() // 1_000_000
