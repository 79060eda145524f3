"""Metrics as Prometheus' users expect them: there from zero on, each with a meaning, beside its limit."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from sessionworker.version import VERSION
from sessionworker.web.metrics import EARLY, GAUGES, HOT_FAILURES, HOT_ROUTE
from tests.memory import Worker, request
from tests.process import REPOSITORY
from tests.test_metrics import metrics, value

RULES = REPOSITORY / "deploy" / "prometheus"

SALES = "/session/codechat/sales"
CREDS = f"{SALES}/creds"


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[Worker]:
    with Worker(tmp_path / "store") as running:
        yield running


def test_a_first_failure_is_an_increase(worker: Worker) -> None:
    found = metrics(worker)
    early = {sample.labels["status"]: sample.value for sample in found["sessionworker_refused_early"].samples}
    assert early == {str(status): 0 for status in EARLY}
    hot = {
        (sample.labels["route"], sample.labels["method"], sample.labels["status"]): sample.value
        for sample in found["sessionworker_http_requests"].samples
    }
    assert hot == {
        (HOT_ROUTE, method, str(status)): 0 for method in ("GET", "POST", "DELETE") for status in HOT_FAILURES
    }


def test_each_gauge_is_there_from_the_start_with_its_meaning(worker: Worker) -> None:
    found = metrics(worker)
    of_files = {name: meaning for name, meaning in GAUGES.items() if not name.startswith("database_")}
    for name, meaning in of_files.items():
        family = found[f"sessionworker_{name}"]
        assert (family.type, family.documentation) == ("gauge", meaning)
        assert len(family.samples) == 1
    for name in GAUGES:
        if name.startswith("limit_"):
            assert name.removeprefix("limit_") in GAUGES
            assert value(worker, f"sessionworker_{name}") > 0


def test_the_version_is_one_of_the_metrics(worker: Worker) -> None:
    [sample] = metrics(worker)["sessionworker_build_info"].samples
    assert (sample.name, sample.value) == ("sessionworker_build_info", 1)
    assert sample.labels["version"] == VERSION
    assert sample.labels.keys() == {"version", "python", "twisted"}


def test_connections_and_the_disk_are_measured(worker: Worker) -> None:
    connections = [worker.connect() for _ in range(3)]
    assert value(worker, "sessionworker_connections") == 4  # with the one that asks
    for connection in connections:
        connection.close()
    assert value(worker, "sessionworker_connections") == 1
    free, size = value(worker, "sessionworker_store_free_bytes"), value(worker, "sessionworker_store_size_bytes")
    assert 0 < free < size
    assert value(worker, "sessionworker_store_free_inodes") <= value(worker, "sessionworker_store_inodes")


def test_times_of_the_last_write_and_checkpoint_are_shown(worker: Worker) -> None:
    assert value(worker, "sessionworker_last_write_timestamp_seconds") == 0
    worker.ask("POST", "/session/codechat", {"instance": "sales"})
    worker.ask("POST", CREDS, {"data": "{}"})
    written = value(worker, "sessionworker_last_write_timestamp_seconds")
    assert written > 1_700_000_000
    worker.ask("POST", "/admin/checkpoint")
    assert written - 1 <= value(worker, "sessionworker_last_checkpoint_timestamp_seconds") < written + 60


def test_changes_of_one_sync_are_counted(worker: Worker) -> None:
    worker.ask("POST", "/session/codechat", {"instance": "sales"})
    before = value(worker, "sessionworker_sync_changes_sum"), value(worker, "sessionworker_sync_changes_count")
    with worker.held_up("commit") as held:
        worker.connect().send(request("POST", f"{SALES}/k", {"data": "1"}))
        held.wait_until_called()
        for number in range(9):
            worker.connect().send(request("POST", f"{SALES}/k{number}", {"data": "1"}))
    worker.settle()
    after = value(worker, "sessionworker_sync_changes_sum"), value(worker, "sessionworker_sync_changes_count")
    assert (after[0] - before[0], after[1] - before[1]) == (10, 2)


def test_an_instance_whose_creds_are_lost_is_shown_until_they_are_back(tmp_path: Path) -> None:
    with Worker(tmp_path / "store") as worker:
        worker.ask("POST", "/session/codechat", {"instance": "sales"})
        worker.ask("POST", CREDS, {"data": '{"me":1}'})
    folder = worker.folder / "codechat" / "sales"
    (folder / "creds").write_text("{")
    shutil.rmtree(folder / ".sessionworker" / "versions")
    with Worker(worker.folder) as again:
        assert value(again, "sessionworker_instances_refused") == 0  # nobody has looked yet
        assert again.ask("POST", "/session/codechat", {"instance": "sales"}).status == 503
        assert value(again, "sessionworker_instances_refused") == 1
        assert again.ask("POST", CREDS, {"data": '{"me":2}'}).status == 204
        assert value(again, "sessionworker_instances_refused") == 0
        assert again.ask("POST", "/session/codechat", {"instance": "sales"}).status == 204


def promtool(*arguments: str, text: bytes = b"", folder: Path = RULES) -> None:
    """Run promtool, which must have no complaint."""
    program = shutil.which("promtool")
    if program is None:
        assert "CI" not in os.environ
        pytest.skip("promtool is not installed (Debian: prometheus)")
    done = subprocess.run([program, *arguments], input=text, capture_output=True, cwd=folder, check=False)
    assert (done.returncode, done.stderr) == (0, b""), done.stdout.decode()


@pytest.mark.slow
def test_promtool_has_no_complaint_about_the_metrics(worker: Worker) -> None:
    worker.ask("POST", "/session/codechat", {"instance": "sales"})
    promtool("check", "metrics", text=worker.ask("GET", "/metrics").body)


@pytest.mark.slow
def test_promtool_has_no_complaint_about_the_rules_and_they_do_what_is_said_of_them() -> None:
    promtool("check", "rules", "rules.yml")
    promtool("test", "rules", "rules_test.yml")


@pytest.mark.slow
def test_prometheus_of_debian_12_understands_the_configuration(tmp_path: Path) -> None:
    shutil.copytree(RULES, tmp_path, dirs_exist_ok=True)
    (tmp_path / "token").write_text("secret")
    promtool("check", "config", "prometheus.yml", folder=tmp_path)


def rules() -> list[dict[str, Any]]:
    [group] = yaml.safe_load((RULES / "rules.yml").read_text())["groups"]
    found: list[dict[str, Any]] = group["rules"]
    return found


def test_every_metric_of_the_rules_exists(worker: Worker) -> None:
    there = {sample.name for family in metrics(worker).values() for sample in family.samples}
    for rule in rules():
        for name in re.findall(r"\b(?:sessionworker|process)_\w+", rule["expr"]):
            assert name in there, rule["alert"]


def test_every_rule_leads_to_a_heading_that_tells_what_to_do() -> None:
    headings = re.findall(r"^#+ (.*)$", (REPOSITORY / "docs" / "operations.md").read_text(), re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}
    for rule in rules():
        assert rule["labels"]["severity"] in {"page", "ticket"}
        notes = rule["annotations"]
        assert notes["summary"]
        assert notes["description"]
        assert notes["runbook_url"].removeprefix("docs/operations.md#") in anchors, rule["alert"]
