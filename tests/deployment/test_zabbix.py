"""Zabbix' template, held against the worker's metrics and against itself; Zabbix need not run."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import yaml

from tests.memory import Worker
from tests.process import REPOSITORY

TEMPLATE = REPOSITORY / "deploy" / "zabbix" / "sessionworker.yaml"


@pytest.fixture(scope="module")
def template() -> dict[str, Any]:
    [found] = yaml.safe_load(TEMPLATE.read_text())["zabbix_export"]["templates"]
    assert isinstance(found, dict)
    return found


def dependent(template: dict[str, Any]) -> list[dict[str, Any]]:
    rules: list[dict[str, Any]] = template["discovery_rules"]
    prototypes: list[dict[str, Any]] = [item for rule in rules for item in rule["item_prototypes"]]
    return [item for item in template["items"] if item["type"] == "DEPENDENT"] + rules + prototypes


def test_every_id_is_another_one() -> None:
    ids = re.findall(r"uuid: (\w+)", TEMPLATE.read_text())
    assert len(ids) > 20
    assert len(set(ids)) == len(ids)
    assert all(UUID(one).version == 4 for one in ids)


def test_one_request_with_a_token_brings_all_of_it(template: dict[str, Any]) -> None:
    [asking] = [item for item in template["items"] if item["type"] != "DEPENDENT"]
    assert (asking["type"], asking["url"]) == ("HTTP_AGENT", "{$SESSIONWORKER.URL}/metrics")
    assert asking["headers"] == [{"name": "Authorization", "value": "Bearer {$SESSIONWORKER.TOKEN}"}]
    assert {item["master_item"]["key"] for item in dependent(template)} == {asking["key"]}
    macros = {macro["macro"]: macro for macro in template["macros"]}
    assert macros["{$SESSIONWORKER.TOKEN}"]["type"] == "SECRET_TEXT"
    assert "value" not in macros["{$SESSIONWORKER.TOKEN}"]
    assert set(re.findall(r"\{\$[^}]+\}", TEMPLATE.read_text())) == macros.keys()


def test_every_metric_exists_and_counters_are_taken_as_what_they_grew_by(
    template: dict[str, Any], tmp_path: Path
) -> None:
    with Worker(tmp_path / "store") as worker:
        lines = worker.ask("GET", "/metrics").body.decode().splitlines()
    samples = {line.partition(" ")[0] for line in lines if not line.startswith("#")}
    for item in template["items"]:
        if item["type"] == "DEPENDENT":
            kinds = [step["type"] for step in item["preprocessing"]]
            metric = item["preprocessing"][0]["parameters"][0]
            assert metric in samples, metric
            assert kinds == ["PROMETHEUS_PATTERN", *(["SIMPLE_CHANGE"] if metric.endswith("_total") else [])]
    [rule] = template["discovery_rules"]
    found = re.search(r'=~"(.*)"', rule["preprocessing"][0]["parameters"][0])
    assert found
    assert len([one for one in samples if re.fullmatch(found[1], one)]) > 5


def test_every_trigger_asks_an_item_that_is_there(template: dict[str, Any]) -> None:
    keys = {item["key"] for item in [*template["items"], *dependent(template)]}
    asked = re.findall(r"/sessionworker by HTTP/([\w.]+(?:\[[^\]]*\])?)", TEMPLATE.read_text())
    assert len(asked) > 8
    assert set(asked) <= keys
    assert template["name"] == template["template"] == "sessionworker by HTTP"
