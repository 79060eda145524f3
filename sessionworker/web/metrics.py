"""What the worker counts and measures, in Prometheus' words."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Info,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.registry import Collector

from sessionworker.stores.interface import Figures
from sessionworker.version import PYTHON, TWISTED, VERSION
from sessionworker.web.recent import Recent

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4.encode()

REQUEST_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
SYNC_SECONDS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0)
CHECKPOINT_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
REQUEST_KEYS = (1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000)
SYNC_CHANGES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)

COUNTS = {
    "creds_restored": "Broken creds that were replaced by a good version.",
    "creds_lost": "Times that creds were broken and no good version was left; the client was refused.",
    "creds_out_of_order": "Writes of creds that were older than those before them.",
    "identity_changes": "Writes of creds that were of another identity than those before them.",
    "held_elsewhere": "Requests that were refused because another owner holds the instance.",
    "written_in_turns": "Times that two peers wrote one instance in turns, at most once a minute for an instance.",
    "drops_of_unknown_instances": "Deletions of instances that did not exist, the sign of a known client bug.",
    "files_set_aside": "Broken session files that were moved to a folder .sessionworker/broken.",
    "read_errors": "Reads that the disk refused.",
    "journal_errors": "Writes to the journal that the disk refused.",
    "staging_errors": "Large values that the disk refused before their commit.",
    "checkpoint_errors": "Times that files could not follow the journal, instance by instance.",
    "catalogue_errors": "Times that an instance's folder could not be used, made, moved or erased.",
    "background_errors": "Failures of the background's work that nobody foresaw.",
    "large_values_lost": "Large values whose files somebody removed before they were in their place.",
    "database_errors": "Times that the database could not be asked, or refused what was asked.",
    "transaction_retries": "Transactions that were begun again, since others were in between or a connection was lost.",
    "commits_unknown": "Transactions of which nobody knows whether they were made; they were not acknowledged.",
    "instances_lost": "Instances of which the journal held changes, and whose folders were nowhere.",
}
"""What a store counts, each with its meaning."""

GAUGES = {
    "calls_under_way": "Calls that wait for the store or are in it.",
    "queued_value_bytes": "Bytes of values that wait to be committed.",
    "journal_bytes": "Bytes in the journal whose files did not follow yet.",
    "journal_disk_bytes": "Bytes that the journal and its reserve take on the disk.",
    "unwritten_files": "Session files that did not follow the journal yet.",
    "unwritten_value_bytes": "Bytes of values in memory that wait for their files.",
    "cached_key_names": "Names of keys that are remembered.",
    "cache_bytes": "Bytes of values that are remembered.",
    "groups": "Groups that there are.",
    "instances": "Instances that there are.",
    "instances_apart": "Instances whose files cannot follow; their writes are refused.",
    "instances_refused": "Instances that cannot be used until a person has seen to them.",
    "leases": "Instances that an owner holds.",
    "writes_refused": "Whether the writes of all instances are refused: 1, or 0.",
    "connections": "Connections that are open.",
    "certificate_expiry_timestamp_seconds": "When the first TLS certificate ends, in seconds since 1970; 0 if none.",
    "last_write_timestamp_seconds": "When something was committed last, in seconds since 1970; 0 if nothing was yet.",
    "last_checkpoint_timestamp_seconds": "When a checkpoint last brought everything into the files; 0 if none did yet.",
    "database_connections": "Connections to the database.",
    "database_connections_idle": "Connections to the database that nobody uses now.",
    "database_calls_waiting": "Calls that wait for a connection to the database.",
    "store_free_bytes": "Bytes that the worker can still take on the disk of the store.",
    "store_size_bytes": "Bytes of the disk of the store.",
    "store_free_inodes": "Files that can still be made on the disk of the store; 0 where it sets no limit.",
    "store_inodes": "Files that the disk of the store can hold; 0 where it sets no limit.",
    "limit_calls_under_way": "Calls that may be under way; further ones are refused.",
    "limit_queued_value_bytes": "Bytes of values that may wait to be committed; a further one is refused.",
    "limit_journal_bytes": "Bytes that the journal may hold; a write that would pass it waits.",
    "limit_unwritten_files": "Session files that may wait; a write that would pass it waits.",
    "limit_unwritten_value_bytes": "Bytes of values that may wait for their files; a write that would pass it waits.",
    "limit_connections": "Connections that may be open; further ones are refused.",
    "webhook_waiting": "Events that wait to be sent to the webhook.",
    "drops_kept_seconds": "How long an instance that was dropped can be brought back.",
}
"""What is shown as it is now, each with its meaning."""

WEBHOOK = {
    "sent": "Events that the webhook's receiver took.",
    "failed": "Times that an event was sent to the webhook and not taken; it is sent again.",
    "dropped": "Events that are not sent to the webhook any more: too many waited, or one for a day.",
}
"""What becomes of events, each with its meaning."""

UNAUTHORIZED, FAILED = 401, 500

EARLY = (400, UNAUTHORIZED, 413, 503)
"""What a request may be refused with before it came whole."""

LOGINS = ("token", "link", "refused", "throttled", "foreign")
"""What comes of trying to sign in at the page: with a token, with a link's code; refused for the token, for there were
too many tries, and for the form was of another page."""

HOT_ROUTE, HOT_FAILURES = "/session/G/I/K", (503, 507)
"""Where a failure is shown from zero on, since the first one would be no increase otherwise."""


disable_created_metrics()  # when each counter was made: nobody asks, and it doubles the text


class Metrics:
    """All metrics of one worker."""

    def __init__(self) -> None:
        """Begin to count."""
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)
        self._requests = Counter(
            "sessionworker_http_requests",
            "Requests that were answered.",
            ["route", "method", "status"],
            registry=self._registry,
        )
        self._seconds = Histogram(
            "sessionworker_http_request_duration_seconds",
            "From a request's last byte to its answer.",
            ["route", "method"],
            buckets=REQUEST_SECONDS,
            registry=self._registry,
        )
        keys = Histogram(
            "sessionworker_keys_in_request",
            "Keys in a request that is about many.",
            ["what"],
            buckets=REQUEST_KEYS,
            registry=self._registry,
        )
        self._keys = {what: keys.labels(what) for what in ("changed", "read")}
        self._refused = Counter(
            "sessionworker_refused_early",
            "Requests refused before they came whole.",
            ["status"],
            registry=self._registry,
        )
        self._tokens = Counter(
            "sessionworker_tokens_refused",
            "Requests that showed no token, or a wrong one.",
            registry=self._registry,
        )
        self._logins = Counter(
            "sessionworker_logins", "Tries to sign in at the page.", ["result"], registry=self._registry
        )
        self._certificates = Counter(
            "sessionworker_certificate_errors",
            "TLS certificates that were to be read again and stayed as they were.",
            registry=self._registry,
        )
        self._webhook = {
            what: Counter(f"sessionworker_webhook_{what}", meaning, registry=self._registry)
            for what, meaning in WEBHOOK.items()
        }
        self._lag = Gauge(
            "sessionworker_event_loop_lag_seconds", "How late the last tick of a second came.", registry=self._registry
        )
        self._sync = Histogram(
            "sessionworker_journal_sync_seconds",
            "Appending to the journal, sync included.",
            buckets=SYNC_SECONDS,
            registry=self._registry,
        )
        self._batches = Histogram(
            "sessionworker_sync_changes",
            "Changes that one sync of the journal made durable.",
            buckets=SYNC_CHANGES,
            registry=self._registry,
        )
        self._checkpoints = Histogram(
            "sessionworker_checkpoint_seconds",
            "Bringing what was committed into the files.",
            buckets=CHECKPOINT_SECONDS,
            registry=self._registry,
        )
        Info("sessionworker_build", "Which version this is, and what it runs on.", registry=self._registry).info(
            {"version": VERSION, "python": PYTHON, "twisted": TWISTED}
        )
        self._recent = Recent()
        self._watched: _Watched | None = None
        self._children: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}
        for status in EARLY:
            self._refused.labels(str(status))
        for result in LOGINS:
            self._logins.labels(result)
        for method in ("GET", "POST", "DELETE"):
            for status in HOT_FAILURES:
                self._requests.labels(HOT_ROUTE, method, str(status))

    def watch(self, figures: Callable[[], Figures], *gauges: Callable[[], Mapping[str, float]]) -> None:
        """Show the figures of a store, too, and what each of `gauges` returns."""
        self._watched = _Watched(figures, gauges)
        self._registry.register(self._watched)

    def watched(self) -> tuple[dict[str, int], dict[str, float]]:
        """Return the counts of the store, and all gauges, by their names."""
        return self._watched.now() if self._watched is not None else ({}, {})

    def request(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count a request that was answered."""
        key = (route, method, status)
        children = self._children.get(key)
        if children is None:  # looking children up by their labels takes longer than counting
            children = self._requests.labels(route, method, str(status)), self._seconds.labels(route, method)
            self._children[key] = children
        if status == UNAUTHORIZED:
            self._tokens.inc()
        self._recent.requests += 1
        self._recent.failures += status >= FAILED
        children[0].inc()
        children[1].observe(seconds)

    def keys(self, what: str, count: int) -> None:
        """Tell how many keys a request "changed" or "read". May be called in any thread."""
        self._keys[what].observe(count)

    def refused(self, status: int) -> None:
        """Count a request that was refused before it came whole."""
        self._refused.labels(str(status)).inc()
        if status == UNAUTHORIZED:
            self._tokens.inc()

    def login(self, result: str) -> None:
        """Count a try to sign in at the page, with one of LOGINS."""
        self._logins.labels(result).inc()

    def certificate_stays(self) -> None:
        """Count a certificate that could not be read again."""
        self._certificates.inc()

    def webhook(self, what: str) -> None:
        """Count an event that was `sent`, `failed` or `dropped`. May be called in any thread."""
        self._webhook[what].inc()

    def lag(self, seconds: float) -> None:
        """Tell how late the reactor is."""
        self._lag.set(seconds)
        self._recent.lag = max(self._recent.lag, seconds)

    def sync(self, seconds: float, changes: int) -> None:
        """Tell how long a sync of the journal took, and of how many changes. May be called in any thread."""
        self._sync.observe(seconds)
        self._batches.observe(changes)
        recent = self._recent
        recent.changes += changes
        recent.slowest_sync = max(recent.slowest_sync or 0.0, seconds)

    def checkpoint(self, seconds: float) -> None:
        """Tell how long a checkpoint took. May be called in any thread."""
        self._checkpoints.observe(seconds)

    def take_recent(self) -> Recent:
        """Return what there was since this was called before."""
        recent, self._recent = self._recent, Recent()
        return recent

    def text(self) -> bytes:
        """Return all of it in Prometheus' text format."""
        return generate_latest(self._registry)


class _Watched(Collector):
    def __init__(self, figures: Callable[[], Figures], gauges: Sequence[Callable[[], Mapping[str, float]]]) -> None:
        self._figures = figures
        self._gauges = gauges

    def now(self) -> tuple[dict[str, int], dict[str, float]]:
        """Return counts and gauges, by their names."""
        figures = self._figures()
        gauges = dict(figures.gauges)
        for ask in self._gauges:
            gauges |= ask()
        return {name: figures.counts.get(name, 0) for name in COUNTS}, gauges

    def collect(self) -> Iterator[CounterMetricFamily | GaugeMetricFamily]:
        counts, gauges = self.now()
        for name, count in counts.items():
            yield CounterMetricFamily(f"sessionworker_{name}", COUNTS[name], value=count)
        for name, value in gauges.items():
            yield GaugeMetricFamily(f"sessionworker_{name}", GAUGES[name], value=value)
