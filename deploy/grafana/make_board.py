"""Writes sessionworker.json, a board for Grafana 10 and newer: `python deploy/grafana/make_board.py`.

A row of the board is a heading and its panels; a panel is a title, what it shows, and the heading of docs/operations.md
that says what to do. Which metrics are left out, and why, stands in tests/test_board.py.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

BOARD = Path(__file__).with_name("sessionworker.json")

WIDTH = 24
"""Columns of Grafana's grid."""

DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}

OF_WORKER = '{job="$job",instance=~"$instance"}'


@dataclass(frozen=True)
class Panel:
    """One picture. Each query has the name of its line, where one says more than which worker it is."""

    title: str
    queries: Sequence[tuple[str, str]]
    heading: str
    """The anchor of a heading in docs/operations.md."""
    unit: str = "short"
    kind: str = "timeseries"
    width: int = 8
    meanings: Sequence[tuple[str, str, str]] = ()
    """What a number stands for, with its colour."""
    bad_from: float | None = None
    """From which value on it is red."""
    most: float | None = None


def rate(name: str, by: str = "instance", labels: str = "") -> str:
    """Return how much a counter grows in a second."""
    return f"sum by ({by}) (rate({of_worker(name, labels)}[$__rate_interval]))"


def increase(name: str) -> str:
    """Return how much a counter grew from one point of the picture to the next."""
    return f"increase({of_worker(name)}[$__rate_interval])"


def of_worker(name: str, labels: str = "") -> str:
    """Return a metric of the workers that are chosen."""
    return f"{name}{OF_WORKER[:-1]}{',' if labels else ''}{labels}}}"


def quantiles(histogram: str, by: str = "") -> list[tuple[str, str]]:
    """Return the half, the 95th and the 99th hundredth of a histogram."""
    label = f"{{{{{by}}}}} " if by else ""
    groups = f"{by}, le" if by else "le"
    return [
        (f"{label}p{share * 100:g}", f"histogram_quantile({share:g}, {rate(f'{histogram}_bucket', groups)})")
        for share in (0.5, 0.95, 0.99)
    ]


def mean(histogram: str) -> str:
    """Return what a histogram is on the average."""
    return f"{rate(f'{histogram}_sum')} / {rate(f'{histogram}_count')}"


def single(title: str, expression: str, heading: str, **rest: Any) -> Panel:
    """Return a panel of one number."""
    return Panel(title, [("", expression)], heading, kind="stat", **{"width": 3, **rest})


def against_limit(title: str, name: str, heading: str, unit: str = "short") -> Panel:
    """Return a panel of what there is, and of how much there may be."""
    shown = [("{{instance}}", f"sessionworker_{name}"), ("limit", f"sessionworker_limit_{name}")]
    limit = (shown[1][0], f"max({of_worker(shown[1][1])})")
    return Panel(title, [(shown[0][0], of_worker(shown[0][1])), limit], heading, unit)


def counters(*names: str) -> list[tuple[str, str]]:
    """Return how often each of these things happened."""
    return [(name.replace("_", " "), increase(f"sessionworker_{name}_total")) for name in names]


MONITORING = "monitoring"
DISK_FULL = "the-disk-is-full-or-the-quota-is-used-up"
APART = "the-files-of-one-instance-cannot-follow"
OVERLOAD = "overload"
HANGS = "the-disk-hangs"
LOST = "creds-are-broken-and-no-version-is-left"
IN_TURNS = "two-programs-use-one-account"
EVENTS = "sent-to-an-address"
DATABASE = "the-database-cannot-be-used"

YES_NO = (("1", "refused", "red"), ("0", "accepted", "green"))

ROWS: dict[str, Sequence[Panel]] = {
    "Is it well": (
        single("Worker", of_worker("up"), "something-else", meanings=(("1", "up", "green"), ("0", "down", "red"))),
        single("Writes", of_worker("sessionworker_writes_refused"), DISK_FULL, meanings=YES_NO),
        single("Instances refused", of_worker("sessionworker_instances_refused"), LOST, bad_from=1),
        single("Instances apart", of_worker("sessionworker_instances_apart"), APART, bad_from=1),
        single(
            "Alerts that fire",
            'count(ALERTS{alertname=~"Sessionworker.+",alertstate="firing"}) or vector(0)',
            MONITORING,
            bad_from=1,
        ),
        single("Up for", f"time() - {of_worker('process_start_time_seconds')}", "something-else", unit="s"),
        single(
            "TLS certificate ends in",
            f"({of_worker('sessionworker_certificate_expiry_timestamp_seconds')} > 0) - time()",
            "the-workers-own",
            unit="s",
        ),
        Panel(
            "Version",
            [("{{version}}", of_worker("sessionworker_build_info"))],
            "upgrade-and-downgrade",
            kind="stat",
            width=3,
        ),
    ),
    "Requests": (
        Panel(
            "Requests a second",
            [("{{route}} {{method}}", rate("sessionworker_http_requests_total", "route, method"))],
            OVERLOAD,
            "reqps",
        ),
        Panel(
            "Share that failed (5xx)",
            [
                (
                    "{{route}}",
                    rate("sessionworker_http_requests_total", "route", 'status=~"5.."')
                    + " / "
                    + rate("sessionworker_http_requests_total", "route"),
                )
            ],
            OVERLOAD,
            "percentunit",
            most=1,
        ),
        Panel(
            "From a request's last byte to its answer",
            quantiles("sessionworker_http_request_duration_seconds", "route"),
            HANGS,
            "s",
        ),
        Panel(
            "Refused for the token",
            [
                ("{{instance}}", rate("sessionworker_tokens_refused_total")),
                ("{{instance}}, page: {{result}}", rate("sessionworker_logins_total", "instance, result")),
            ],
            "a-client-is-refused-with-401",
            "reqps",
        ),
        Panel(
            "Refused before they had come whole",
            [("{{status}}", rate("sessionworker_refused_early_total", "status"))],
            "no-more-file-descriptors",
            "reqps",
        ),
        Panel(
            "Keys in a request about many",
            [
                (
                    "{{what}}",
                    rate("sessionworker_keys_in_request_sum", "what")
                    + " / "
                    + rate("sessionworker_keys_in_request_count", "what"),
                )
            ],
            OVERLOAD,
        ),
    ),
    "Disk": (
        Panel(
            "Syncs of the journal",
            [("{{le}}", rate("sessionworker_journal_sync_seconds_bucket", "le"))],
            HANGS,
            "s",
            kind="heatmap",
        ),
        Panel("How long one sync takes", quantiles("sessionworker_journal_sync_seconds"), HANGS, "s"),
        Panel("Changes in one sync", [("{{instance}}", mean("sessionworker_sync_changes"))], OVERLOAD),
        Panel("How long the files take to follow", quantiles("sessionworker_checkpoint_seconds"), APART, "s"),
        Panel(
            "Time since the last",
            [
                ("write", f"time() - ({of_worker('sessionworker_last_write_timestamp_seconds')} > 0)"),
                ("checkpoint", f"time() - ({of_worker('sessionworker_last_checkpoint_timestamp_seconds')} > 0)"),
            ],
            APART,
            "s",
        ),
        Panel(
            "Errors",
            counters(
                *(f"{what}_errors" for what in ("journal", "checkpoint", "staging", "catalogue", "read", "background"))
            ),
            DISK_FULL,
        ),
        Panel(
            "Room that is free",
            [
                ("free", of_worker("sessionworker_store_free_bytes")),
                ("of", of_worker("sessionworker_store_size_bytes")),
            ],
            "room-on-the-disk",
            "bytes",
        ),
        Panel(
            "Files that can still be made",
            [
                ("free", of_worker("sessionworker_store_free_inodes")),
                ("of", of_worker("sessionworker_store_inodes")),
            ],
            DISK_FULL,
        ),
        Panel(
            "The journal on the disk",
            [("{{instance}}", of_worker("sessionworker_journal_disk_bytes"))],
            "room-on-the-disk",
            "bytes",
        ),
    ),
    "How full it is": (
        against_limit("Calls under way", "calls_under_way", OVERLOAD),
        against_limit("Values that wait to be written", "queued_value_bytes", OVERLOAD, "bytes"),
        against_limit("Connections", "connections", "no-more-file-descriptors"),
        against_limit("Journal that the files have to follow", "journal_bytes", APART, "bytes"),
        against_limit("Files that have to follow", "unwritten_files", APART),
        against_limit("Values in memory that have to follow", "unwritten_value_bytes", APART, "bytes"),
    ),
    "Accounts": (
        Panel(
            "Instances",
            [
                ("instances", of_worker("sessionworker_instances")),
                ("groups", of_worker("sessionworker_groups")),
                ("held by an owner", of_worker("sessionworker_leases")),
            ],
            "what-happened-lately",
        ),
        Panel(
            "Instances in trouble",
            [
                ("refused", of_worker("sessionworker_instances_refused")),
                ("apart", of_worker("sessionworker_instances_apart")),
            ],
            LOST,
        ),
        Panel("Another identity", counters("identity_changes"), "creds-of-another-identity"),
        Panel("Broken files", counters("creds_restored", "creds_lost", "files_set_aside"), "creds-are-broken"),
        Panel(
            "Two programs with one account",
            counters("written_in_turns", "creds_out_of_order", "held_elsewhere"),
            IN_TURNS,
        ),
        Panel(
            "Not found where they should be",
            counters("instances_lost", "large_values_lost", "drops_of_unknown_instances"),
            "the-journal-holds-changes-of-an-instance-that-is-nowhere",
        ),
    ),
    "Events that are sent to an address": (
        Panel("Sent, and not", counters("webhook_sent", "webhook_failed", "webhook_dropped"), EVENTS, width=12),
        Panel("Events that wait", [("{{instance}}", of_worker("sessionworker_webhook_waiting"))], EVENTS, width=12),
    ),
    "Database (with --store postgresql://...)": (
        Panel(
            "Connections to the database",
            [
                ("open", of_worker("sessionworker_database_connections")),
                ("idle", of_worker("sessionworker_database_connections_idle")),
            ],
            DATABASE,
        ),
        Panel(
            "Calls that wait for a connection",
            [("{{instance}}", of_worker("sessionworker_database_calls_waiting"))],
            DATABASE,
        ),
        Panel("Failures", counters("database_errors", "transaction_retries", "commits_unknown"), DATABASE),
    ),
    "Process": (
        Panel("Processors in use", [("{{instance}}", rate("process_cpu_seconds_total"))], OVERLOAD, width=6),
        Panel("Memory", [("{{instance}}", of_worker("process_resident_memory_bytes"))], OVERLOAD, "bytes", width=6),
        Panel(
            "Open files",
            [("open", of_worker("process_open_fds")), ("limit", of_worker("process_max_fds"))],
            "no-more-file-descriptors",
            width=6,
        ),
        Panel(
            "How late the worker is",
            [("{{instance}}", of_worker("sessionworker_event_loop_lag_seconds"))],
            OVERLOAD,
            "s",
            width=6,
        ),
    ),
}


def board() -> dict[str, Any]:
    """Return the board."""
    return {
        "uid": "sessionworker",
        "title": "sessionworker",
        "tags": ["sessionworker", "whatsapp"],
        "description": "docs/operations.md says what each of it means, and what to do.",
        "schemaVersion": 39,
        "editable": True,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {"list": variables()},
        "panels": [{"id": number, **panel} for number, panel in enumerate(panels(), 1)],
    }


def variables() -> list[dict[str, Any]]:
    """Return what may be chosen above the board."""
    up = "sessionworker_build_info"
    chosen = {"type": "query", "datasource": DATASOURCE, "refresh": 2, "sort": 1, "hide": 0}
    return [
        {"name": "datasource", "label": "Prometheus", "type": "datasource", "query": "prometheus", "hide": 0},
        {"name": "job", "label": "Job", **chosen, "query": f"label_values({up}, job)"},
        {
            "name": "instance",
            "label": "Worker",
            **chosen,
            "query": f'label_values({up}{{job="$job"}}, instance)',
            "multi": True,
            "includeAll": True,
            "current": {"text": ["All"], "value": ["$__all"]},
        },
        {
            "name": "docs",
            "label": "Documents",
            "description": "Where the folder docs of sessionworker can be read: links lead there.",
            "type": "textbox",
            "query": "docs",
            "current": {"text": "docs", "value": "docs"},
            "hide": 0,
        },
    ]


def panels() -> Iterator[dict[str, Any]]:
    """Yield the panels, each at its place."""
    down = 0
    for title, row in ROWS.items():
        yield {"type": "row", "title": title, "collapsed": False, "panels": [], "gridPos": place(0, down, WIDTH, 1)}
        down += 1
        across = 0
        for panel in row:
            height = 4 if panel.kind == "stat" else 8
            if across + panel.width > WIDTH:
                across, down = 0, down + height
            yield {**drawn(panel), "gridPos": place(across, down, panel.width, height)}
            across += panel.width
        down += height


def place(across: int, down: int, width: int, height: int) -> dict[str, int]:
    """Return where a panel stands."""
    return {"x": across, "y": down, "w": width, "h": height}


def drawn(panel: Panel) -> dict[str, Any]:
    """Return a panel in Grafana's words, without its place."""
    return {
        "type": panel.kind,
        "title": panel.title,
        "datasource": DATASOURCE,
        "links": [{"title": "What to do", "url": f"${{docs}}/operations.md#{panel.heading}", "targetBlank": True}],
        "targets": [
            {
                "refId": chr(ord("A") + number),
                "datasource": DATASOURCE,
                "expr": expression,
                "legendFormat": name or "{{instance}}",
                **({"format": "heatmap"} if panel.kind == "heatmap" else {}),
            }
            for number, (name, expression) in enumerate(panel.queries)
        ],
        "fieldConfig": {"defaults": defaults(panel), "overrides": []},
        "options": OPTIONS[panel.kind] | ({"textMode": "name"} if panel.title == "Version" else {}),
    }


def defaults(panel: Panel) -> dict[str, Any]:
    """Return how a panel shows its numbers."""
    steps: list[dict[str, Any]] = [{"color": "green", "value": None}]
    if panel.bad_from is not None:
        steps.append({"color": "red", "value": panel.bad_from})
    shown: dict[str, Any] = {"unit": panel.unit, "min": 0, "thresholds": {"mode": "absolute", "steps": steps}}
    if panel.most is not None:
        shown["max"] = panel.most
    if panel.meanings:
        words = {number: {"text": word, "color": colour} for number, word, colour in panel.meanings}
        shown["mappings"] = [{"type": "value", "options": words}]
    if panel.kind == "stat":
        del shown["min"]
    return shown


OPTIONS: dict[str, dict[str, Any]] = {
    "stat": {"reduceOptions": {"calcs": ["lastNotNull"]}, "colorMode": "value", "graphMode": "none"},
    "timeseries": {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi"}},
    "heatmap": {"calculate": False, "yAxis": {"unit": "s"}, "color": {"mode": "scheme", "scheme": "Oranges"}},
}


def text() -> str:
    """Return the board as it stands in its file."""
    return json.dumps(board(), indent=2) + "\n"


if __name__ == "__main__":
    BOARD.write_text(text())
