"""Grafana's board: it is what its script makes, knows the worker's metrics, all of them, and leads to what to do."""

from __future__ import annotations

import json
import re
import runpy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from sessionworker.web.metrics import COUNTS, GAUGES
from tests.documents.reading import anchors, read
from tests.memory import Worker
from tests.process import REPOSITORY
from tests.test_metrics import metrics
from tests.test_prometheus import promtool

GRAFANA = REPOSITORY / "deploy" / "grafana"
BOARD = GRAFANA / "sessionworker.json"

NOT_SHOWN = {
    "sessionworker_cache_bytes": "what is remembered: it goes up and down, and tells nobody what to do",
    "sessionworker_cached_key_names": "the same",
    "sessionworker_certificate_errors_total": "an alert; the board shows when the certificate ends",
    "sessionworker_drops_kept_seconds": "a setting",
}
"""Metrics that are not on the board, and why."""

CHOSEN = {
    "$__rate_interval": "5m",
    "$job": "sessionworker",
    "$instance": ".+",
}
"""What Grafana puts into queries."""


def board() -> dict[str, Any]:
    content: dict[str, Any] = json.loads(BOARD.read_text())
    return content


def panels() -> list[dict[str, Any]]:
    """The panels, without the headings of the rows."""
    return [panel for panel in board()["panels"] if panel["type"] != "row"]


def expressions() -> Iterator[str]:
    for panel in panels():
        for target in panel["targets"]:
            yield target["expr"]


def names_in(text: str) -> set[str]:
    return set(re.findall(r"\b(?:sessionworker|process)_\w+|\bup\b", text))


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The samples of a worker: those that it shows with files as its store, and those of a database."""
    with Worker(tmp_path_factory.mktemp("board") / "store") as worker:
        worker.ask("POST", "/session/codechat", {"instance": "sales"})
        shown = {sample.name for family in metrics(worker).values() for sample in family.samples}
    return shown | {f"sessionworker_{name}" for name in GAUGES} | {f"sessionworker_{name}_total" for name in COUNTS}


def test_the_board_is_what_its_script_makes() -> None:
    made = runpy.run_path(str(GRAFANA / "make_board.py"))["text"]()
    assert made == BOARD.read_text(), "run 'python deploy/grafana/make_board.py'"


def test_every_metric_of_the_board_exists(there: set[str]) -> None:
    for expression in [*expressions(), *(one["query"] for one in board()["templating"]["list"])]:
        assert names_in(expression) - {"up"} - there == set(), expression


def test_every_metric_of_the_worker_is_on_the_board_or_is_left_out_for_a_reason(there: set[str]) -> None:
    shown = {name for expression in expressions() for name in names_in(expression)}
    families = {re.sub(r"_(bucket|sum|count)$", "", name) for name in shown}
    ours = {re.sub(r"_(bucket|sum|count)$", "", name) for name in there if name.startswith("sessionworker_")}
    assert ours - families == NOT_SHOWN.keys()
    assert len(ours) > 40


@pytest.mark.slow
def test_prometheus_understands_every_query(tmp_path: Path) -> None:
    asked = list(expressions())
    for number, expression in enumerate(asked):
        for variable, chosen in CHOSEN.items():
            expression = expression.replace(variable, chosen)  # noqa: PLW2901 - step by step
        assert "$" not in expression
        asked[number] = expression
    rules = [{"record": f"board:{number}", "expr": expression} for number, expression in enumerate(asked)]
    (tmp_path / "board.yml").write_text(yaml.safe_dump({"groups": [{"name": "board", "rules": rules}]}))
    promtool("check", "rules", "board.yml", folder=tmp_path)


def test_every_query_goes_by_what_is_chosen_above_the_board() -> None:
    for expression in expressions():
        if "ALERTS" not in expression:
            selectors = re.findall(r"\b(?:sessionworker|process)_\w+(\{[^}]*\})?|\bup(\{[^}]*\})", expression)
            assert selectors
            for first, second in selectors:
                assert 'job="$job",instance=~"$instance"' in first + second, expression
        assert re.search(r"\[\d", expression) is None, "not every Prometheus is asked as often as another"
    for panel in board()["panels"]:
        for part in [panel, *panel.get("targets", [])]:
            assert part.get("datasource", {"uid": "${datasource}"})["uid"] == "${datasource}"


def test_every_panel_leads_to_a_heading_that_is_there() -> None:
    headings = anchors(read("docs/operations.md"))
    for panel in panels():
        [link] = panel["links"]
        start, _, heading = link["url"].partition("#")
        assert start == "${docs}/operations.md"
        assert heading in headings, panel["title"]


def test_no_panel_lies_over_another() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in board()["panels"]:
        at = panel["gridPos"]
        cells = {(at["x"] + x, at["y"] + y) for x in range(at["w"]) for y in range(at["h"])}
        assert taken.isdisjoint(cells), panel["title"]
        assert at["x"] + at["w"] <= 24
        taken |= cells
    assert len({panel["id"] for panel in board()["panels"]}) == len(board()["panels"])


def test_no_two_lines_of_a_panel_have_one_name() -> None:
    for panel in panels():
        names = [target["legendFormat"] for target in panel["targets"]]
        assert len(set(names)) == len(names), panel["title"]
