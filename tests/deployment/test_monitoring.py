"""The compose file of Prometheus, Alertmanager and Grafana, held against what it promises; Docker need not run."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from sessionworker.options import OPTIONS
from tests.deployment.test_compose import COMPOSE_FILE, SECRETS_FILE
from tests.process import REPOSITORY
from tests.test_prometheus import promtool, rules

MONITORING_FILE = REPOSITORY / "docker-compose.monitoring.yaml"
FOLDER = REPOSITORY / "deploy" / "monitoring"
GRAFANA = REPOSITORY / "deploy" / "grafana"


def load(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(path.read_text())
    return content


@pytest.fixture(scope="module")
def added() -> dict[str, Any]:
    return load(MONITORING_FILE)


@pytest.fixture(scope="module")
def services(added: dict[str, Any]) -> dict[str, Any]:
    return {name: service for name, service in added["services"].items() if name != "sessionworker"}


def mounted(service: dict[str, Any]) -> dict[str, str]:
    """What of this repository a service sees, by the path under which it does."""
    pairs = (volume.split(":")[:2] for volume in service["volumes"] if volume.startswith("./"))
    return {inside: outside for outside, inside in pairs}


def test_every_image_has_a_version(services: dict[str, Any]) -> None:
    assert set(services) == {"prometheus", "alertmanager", "grafana"}
    for service in services.values():
        assert re.search(r":v?\d+\.\d+\.\d+$", service["image"])


def test_their_ports_are_for_this_machine_alone(services: dict[str, Any]) -> None:
    for service in services.values():
        assert service["ports"]
        assert all(re.fullmatch(r"127\.0\.0\.1:(\d+):\1", port) for port in service["ports"])


def test_no_secret_stands_in_it(added: dict[str, Any]) -> None:
    for service in added["services"].values():
        sensitive = [name for name in service.get("environment", {}) if re.search("TOKEN|KEY|PASSWORD|SECRET", name)]
        assert all(name.endswith("_FILE") for name in sensitive)
    assert all(secret == {"file": f"./secrets/{name}"} for name, secret in added["secrets"].items())
    given = [secret for service in added["services"].values() for secret in service.get("secrets", [])]
    assert set(given) == set(added["secrets"])
    others = load(COMPOSE_FILE)["secrets"].keys() | load(SECRETS_FILE)["secrets"].keys()
    assert added["secrets"].keys().isdisjoint(others)


def test_the_first_lines_have_a_command_for_every_secret(added: dict[str, Any]) -> None:
    head = MONITORING_FILE.read_text().partition("services:")[0]
    assert all(name in head for name in added["secrets"])


def test_the_worker_gets_nothing_but_a_token_for_who_may_look(added: dict[str, Any]) -> None:
    worker = added["services"]["sessionworker"]
    assert worker == {
        "environment": {"SESSIONWORKER_VIEW_TOKEN_FILE": "/run/secrets/session_worker_view_token"},
        "secrets": ["session_worker_view_token"],
    }
    assert worker["environment"].keys() <= {option.variable for option in OPTIONS}


def test_only_prometheus_reaches_the_worker(services: dict[str, Any]) -> None:
    assert [name for name, service in services.items() if "private" in service["networks"]] == ["prometheus"]


def test_what_is_mounted_is_there_and_cannot_be_written(services: dict[str, Any]) -> None:
    for service in services.values():
        for outside in mounted(service).values():
            assert (REPOSITORY / outside).exists(), outside
        assert all(volume.endswith(":ro") for volume in service["volumes"] if volume.startswith("./"))
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]


def test_prometheus_asks_the_worker_with_its_token_and_tells_alertmanager(services: dict[str, Any]) -> None:
    configuration = load(FOLDER / "prometheus.yml")
    [scrape] = configuration["scrape_configs"]
    assert scrape["static_configs"] == [{"targets": ["sessionworker:5656"]}]
    assert (
        scrape["authorization"]["credentials_file"].removeprefix("/run/secrets/") in services["prometheus"]["secrets"]
    )
    shipped = load(REPOSITORY / "deploy" / "prometheus" / "prometheus.yml")["scrape_configs"][0]
    assert (scrape["job_name"], scrape["scrape_interval"]) == (shipped["job_name"], shipped["scrape_interval"])
    [alertmanager] = configuration["alerting"]["alertmanagers"]
    [target] = alertmanager["static_configs"][0]["targets"]
    name, _, port = target.partition(":")
    assert services[name]["ports"] == [f"127.0.0.1:{port}:{port}"]


@pytest.mark.slow
def test_prometheus_understands_its_configuration(services: dict[str, Any], tmp_path: Path) -> None:
    for inside, outside in mounted(services["prometheus"]).items():
        assert Path(inside).parent == Path("/etc/prometheus")
        shutil.copy(REPOSITORY / outside, tmp_path / Path(inside).name)
    (tmp_path / "token").write_text("secret")
    configuration = (tmp_path / "prometheus.yml").read_text()
    assert "credentials_file: /run/secrets/session_worker_view_token" in configuration
    (tmp_path / "prometheus.yml").write_text(configuration.replace("/run/secrets/session_worker_view_token", "token"))
    promtool("check", "config", "prometheus.yml", folder=tmp_path)


def test_alertmanager_tells_of_every_alert_whatever_its_severity(services: dict[str, Any]) -> None:
    configuration = load(FOLDER / "alertmanager.yml")
    names = {receiver["name"] for receiver in configuration["receivers"]}
    route = configuration["route"]
    assert {route["receiver"], *(inner["receiver"] for inner in route["routes"])} <= names
    severities = {rule["labels"]["severity"] for rule in rules()}
    assert {inner["matchers"][0] for inner in route["routes"]} <= {f'severity="{one}"' for one in severities}
    [webhook] = configuration["receivers"][0]["webhook_configs"]
    assert webhook["url_file"].removeprefix("/run/secrets/") in services["alertmanager"]["secrets"]
    alerts = {rule["alert"] for rule in rules()}
    [inhibition] = configuration["inhibit_rules"]
    assert inhibition["source_matchers"] == ['alertname="SessionworkerDown"']
    assert "SessionworkerDown" in alerts


def test_grafana_finds_prometheus_and_the_board(services: dict[str, Any]) -> None:
    seen = mounted(services["grafana"])
    assert seen["/etc/grafana/provisioning"] == "./deploy/grafana/provisioning"
    [source] = load(GRAFANA / "provisioning" / "datasources" / "prometheus.yaml")["datasources"]
    assert source["url"] == "http://prometheus:9090"
    assert source["jsonData"]["timeInterval"] == load(FOLDER / "prometheus.yml")["scrape_configs"][0]["scrape_interval"]
    [provider] = load(GRAFANA / "provisioning" / "dashboards" / "sessionworker.yaml")["providers"]
    board = f"{provider['options']['path']}/sessionworker.json"
    assert json.loads((REPOSITORY / seen[board]).read_text())["title"] == "sessionworker"
