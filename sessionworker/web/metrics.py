"""What the worker counts and measures, in Prometheus' words."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.registry import Collector

from sessionworker.stores.interface import Figures

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4.encode()

REQUEST_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
SYNC_SECONDS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0)

COUNTS = {
    "creds_restored": "Broken creds that were replaced by a good version.",
    "creds_lost": "Times that creds were broken and no good version was left; the client was refused.",
    "creds_out_of_order": "Writes of creds that were older than those before them.",
    "identity_changes": "Writes of creds that were of another identity than those before them.",
    "drops_of_unknown_instances": "Deletions of instances that did not exist, the sign of a known client bug.",
    "set_aside": "Broken session files that were moved to a folder .sessionworker/broken.",
    "read_errors": "Reads that the disk refused.",
    "journal_errors": "Writes to the journal that the disk refused.",
    "staging_errors": "Large values that the disk refused before their commit.",
    "checkpoint_errors": "Times that files could not follow the journal, instance by instance.",
    "catalogue_errors": "Times that an instance's folder could not be used, made, moved or erased.",
    "background_errors": "Failures of the background's work that nobody foresaw.",
    "large_values_lost": "Large values whose files somebody removed before they were in their place.",
    "instances_lost": "Instances of which the journal held changes, and whose folders were nowhere.",
}
"""What a store counts, each with its meaning."""


disable_created_metrics()  # when each counter was made: nobody asks, and it doubles the text


class Metrics:
    """All metrics of one worker."""

    def __init__(self) -> None:
        """Begin to count."""
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)
        self._requests = Counter(
            "sessionworker_requests",
            "Requests that were answered.",
            ["route", "method", "status"],
            registry=self._registry,
        )
        self._seconds = Histogram(
            "sessionworker_request_seconds",
            "From a request's last byte to its answer.",
            ["route", "method"],
            buckets=REQUEST_SECONDS,
            registry=self._registry,
        )
        self._refused = Counter(
            "sessionworker_refused_early",
            "Requests refused before they came whole.",
            ["status"],
            registry=self._registry,
        )
        self._lag = Gauge(
            "sessionworker_event_loop_lag_seconds", "How late the last tick of a second came.", registry=self._registry
        )
        self._sync = Histogram(
            "sessionworker_journal_sync_seconds",
            "Appending to the journal, sync included.",
            buckets=SYNC_SECONDS,
            registry=self._registry,
        )
        self._children: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}

    def watch(self, figures: Callable[[], Figures], gauges: Callable[[], Mapping[str, float]]) -> None:
        """Show the figures of a store, too, and what `gauges` returns."""
        self._registry.register(_OfStore(figures, gauges))

    def request(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count a request that was answered."""
        key = (route, method, status)
        children = self._children.get(key)
        if children is None:  # looking children up by their labels takes longer than counting
            children = self._requests.labels(route, method, str(status)), self._seconds.labels(route, method)
            self._children[key] = children
        children[0].inc()
        children[1].observe(seconds)

    def refused(self, status: int) -> None:
        """Count a request that was refused before it came whole."""
        self._refused.labels(str(status)).inc()

    def lag(self, seconds: float) -> None:
        """Tell how late the reactor is."""
        self._lag.set(seconds)

    def sync(self, seconds: float) -> None:
        """Tell how long a sync of the journal took. May be called in any thread."""
        self._sync.observe(seconds)

    def text(self) -> bytes:
        """Return all of it in Prometheus' text format."""
        return generate_latest(self._registry)


class _OfStore(Collector):
    def __init__(self, figures: Callable[[], Figures], gauges: Callable[[], Mapping[str, float]]) -> None:
        self._figures = figures
        self._gauges = gauges

    def collect(self) -> Iterator[CounterMetricFamily | GaugeMetricFamily]:
        figures = self._figures()
        for name, meaning in COUNTS.items():
            yield CounterMetricFamily(f"sessionworker_{name}", meaning, value=figures.counts.get(name, 0))
        for name, value in {**figures.gauges, **self._gauges()}.items():
            yield GaugeMetricFamily(f"sessionworker_{name}", name.replace("_", " ").capitalize() + ".", value=value)
