"""The stack of several workers on one database, held against what it promises; Docker need not run."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from sessionworker.options import OPTIONS
from sessionworker.service import DRAIN_SECONDS
from sessionworker.stores.postgres.connections import ANSWER_SECONDS
from sessionworker.webhook.telling import LAST_SECONDS
from tests.deployment.test_compose import seconds
from tests.process import REPOSITORY

STACK_FILE = REPOSITORY / "deploy" / "swarm.yaml"

GOSSIP_SECONDS = 2
"""How long Swarm waits before it stops one that it sends nobody to any more: moby's `defaultGossipConvergeDelay`."""

FILES = {
    "GLOBAL_AUTH_TOKEN_FILE",
    "SESSIONWORKER_ADMIN_TOKEN_FILE",
    "SESSIONWORKER_ENCRYPTION_KEY_FILE",
    "SESSIONWORKER_STORE_FILE",
}
"""What is secret, and so stands in a file."""


@pytest.fixture(scope="module")
def stack() -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(STACK_FILE.read_text())
    return content


@pytest.fixture(scope="module")
def worker(stack: dict[str, Any]) -> dict[str, Any]:
    [(name, service)] = stack["services"].items()
    assert name == "sessionworker"
    assert isinstance(service, dict)
    return service


def test_it_has_nothing_that_docker_stack_deploy_ignores_or_refuses(
    stack: dict[str, Any], worker: dict[str, Any]
) -> None:
    assert stack.keys() <= {"services", "networks", "secrets"}
    ignored = {"build", "container_name", "restart", "security_opt", "depends_on", "profiles", "mem_limit", "cpus"}
    assert not worker.keys() & ignored


def test_each_variable_is_the_workers_and_each_secret_is_in_a_file(
    stack: dict[str, Any], worker: dict[str, Any]
) -> None:
    variables = worker["environment"]
    assert variables.keys() <= {option.variable for option in OPTIONS}
    assert {name for name in variables if name.endswith("_FILE")} == FILES
    assert sorted(f"/run/secrets/{name}" for name in worker["secrets"]) == sorted(variables[name] for name in FILES)
    assert set(worker["secrets"]) == set(stack["secrets"])
    assert all(secret == {"external": True} for secret in stack["secrets"].values())


def test_what_is_to_be_typed_makes_all_that_has_to_be_there(stack: dict[str, Any]) -> None:
    text = STACK_FILE.read_text()
    assert set(re.findall(r"docker secret create (\w+) -", text)) == set(stack["secrets"])
    made = re.findall(r"docker network create .* (\w+)\n", text)
    assert sorted(made) == sorted(network["name"] for network in stack["networks"].values())
    assert all(network["external"] is True for network in stack["networks"].values())
    assert text.count("--internal ") == len(made)


def test_it_is_seen_in_its_networks_alone(stack: dict[str, Any], worker: dict[str, Any]) -> None:
    assert not worker.keys() & {"ports", "expose", "network_mode"}
    assert set(worker["networks"]) == set(stack["networks"])


def test_each_is_replaced_by_one_that_is_well_already(worker: dict[str, Any]) -> None:
    deploy = worker["deploy"]
    assert deploy["replicas"] >= 3
    for config in ("update_config", "rollback_config"):
        assert deploy[config]["order"] == "start-first"
        assert deploy[config]["parallelism"] == 1
    assert deploy["update_config"]["failure_action"] == "rollback"
    assert "max_replicas_per_node" not in deploy["placement"], "there would be no place for the new one"


def test_a_worker_whose_database_is_away_is_not_ended(worker: dict[str, Any]) -> None:
    program = ["CMD", "/opt/sessionworker/bin/python", "-m", "sessionworker.healthcheck"]
    assert worker["healthcheck"]["test"] == [*program, "http://127.0.0.1:5656/ping"]


def test_it_has_more_time_to_stop_than_it_takes(worker: dict[str, Any]) -> None:
    assert seconds(worker["stop_grace_period"]) > GOSSIP_SECONDS + DRAIN_SECONDS + ANSWER_SECONDS + LAST_SECONDS


def test_it_may_write_nothing_that_stays_and_take_no_more_than_its_part(worker: dict[str, Any]) -> None:
    assert worker["read_only"] is True
    assert worker["tmpfs"] == ["/tmp", "/data"]  # noqa: S108 - the container's own
    assert "volumes" not in worker
    assert worker["cap_drop"] == ["ALL"]
    assert re.fullmatch(r"[1-9]\d*:\d+", worker["user"])
    assert worker["deploy"]["resources"]["limits"].keys() == {"cpus", "memory"}
