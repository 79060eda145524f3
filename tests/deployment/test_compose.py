"""The compose file, held against what it promises; Docker need not run."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from sessionworker.options import OPTIONS
from sessionworker.service import DRAIN_SECONDS
from sessionworker.webhook.telling import LAST_SECONDS
from tests.process import REPOSITORY

COMPOSE_FILE = REPOSITORY / "docker-compose.yaml"
SECRETS_FILE = REPOSITORY / "docker-compose.secrets.yaml"
FILES = [
    COMPOSE_FILE,
    SECRETS_FILE,
    REPOSITORY / "docker-compose.monitoring.yaml",
    REPOSITORY / "deploy" / "swarm.yaml",
]


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(COMPOSE_FILE.read_text())
    return content


@pytest.fixture(scope="module")
def worker(compose: dict[str, Any]) -> dict[str, Any]:
    service: dict[str, Any] = compose["services"]["sessionworker"]
    return service


def seconds(text: str) -> int:
    """Read a duration such as `30s`."""
    assert text.endswith("s")
    return int(text[:-1])


@pytest.mark.slow
@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_the_compose_files_keep_to_the_compose_specification(file: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(file)],
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_compose_file_has_nothing_that_docker_stack_deploy_refuses(compose: dict[str, Any]) -> None:
    # Each was refused by the Docker client 28.2: "Additional property ... is not allowed", "must be a list".
    assert compose.keys() <= {"services", "networks", "volumes", "secrets"}
    for service in compose["services"].values():
        assert isinstance(service.get("depends_on", []), list)
        assert not service.keys() & {"profiles", "mem_limit", "cpus", "extends", "volumes_from"}
    for secret in compose["secrets"].values():
        assert secret.keys() == {"file"}


def test_the_workers_port_is_not_published(worker: dict[str, Any]) -> None:
    assert not worker.keys() & {"ports", "expose", "network_mode"}


def test_worker_and_api_meet_on_one_network_that_has_no_way_out(
    compose: dict[str, Any], worker: dict[str, Any]
) -> None:
    assert worker["networks"] == ["private"]
    assert "private" in compose["services"]["api"]["networks"]
    assert compose["networks"]["private"] == {"internal": True}


def test_the_api_is_told_where_the_worker_is(compose: dict[str, Any]) -> None:
    variables = compose["services"]["api"]["environment"]
    provider = {name: value for name, value in variables.items() if name.startswith("PROVIDER_")}
    assert provider == {
        "PROVIDER_ENABLED": "true",
        "PROVIDER_HOST": "sessionworker",
        "PROVIDER_PORT": "5656",
        "PROVIDER_PREFIX": "evolution",
    }


def test_the_token_is_a_secret_and_no_variable_holds_one(compose: dict[str, Any], worker: dict[str, Any]) -> None:
    assert worker["environment"]["GLOBAL_AUTH_TOKEN_FILE"] == "/run/secrets/session_worker_token"
    assert worker["secrets"] == ["session_worker_token"]
    for service in compose["services"].values():
        sensitive = [name for name in service["environment"] if re.search("TOKEN|KEY|PASSWORD|SECRET|URI", name)]
        assert all(name.endswith("_FILE") for name in sensitive)


@pytest.mark.slow
def test_the_api_gets_the_workers_token_as_its_own_key(compose: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "session_worker_token").write_text("the-token\n")
    (tmp_path / "postgres_password").write_text("the-password\n")
    scripts = tmp_path / "Docker" / "scripts"
    scripts.mkdir(parents=True)
    (scripts / "deploy_database.sh").write_text("env > deployed\n")
    (tmp_path / "npm").write_text('#!/bin/sh\necho "$*" > npm-arguments\nenv > started\n')
    (tmp_path / "npm").chmod(0o700)

    shell, option, script = compose["services"]["api"]["entrypoint"]
    script = script.replace("$$", "$").replace("/run/secrets", str(tmp_path))
    subprocess.run([shell, option, script], cwd=tmp_path, env={"PATH": f"{tmp_path}:/usr/bin:/bin"}, check=True)

    assert (tmp_path / "npm-arguments").read_text() == "run start:prod\n"
    for step in ("deployed", "started"):
        variables = (tmp_path / step).read_text().splitlines()
        assert "AUTHENTICATION_API_KEY=the-token" in variables
        assert "DATABASE_CONNECTION_URI=postgresql://evolution:the-password@postgres:5432/evolution" in variables


def test_the_worker_has_more_time_to_stop_than_it_takes(worker: dict[str, Any]) -> None:
    assert seconds(worker["stop_grace_period"]) > DRAIN_SECONDS + LAST_SECONDS


def test_never_two_workers_at_once_on_one_folder(worker: dict[str, Any]) -> None:
    deploy = worker["deploy"]
    assert deploy["replicas"] == 1
    assert deploy["update_config"]["order"] == "stop-first"
    assert deploy["rollback_config"]["order"] == "stop-first"


def test_a_swarm_starts_the_worker_only_where_its_sessions_are(compose: dict[str, Any], worker: dict[str, Any]) -> None:
    assert worker["volumes"] == ["sessions:/data"]
    assert "sessions" in compose["volumes"]
    assert worker["deploy"]["placement"]["constraints"] == ["node.labels.sessionworker.data == true"]


def test_the_workers_container_can_write_its_store_and_nothing_else(worker: dict[str, Any]) -> None:
    assert worker["read_only"] is True
    assert worker["tmpfs"] == ["/tmp"]  # noqa: S108 - the container's own
    assert worker["cap_drop"] == ["ALL"]
    assert worker["security_opt"] == ["no-new-privileges:true"]
    assert re.fullmatch(r"[1-9]\d*:\d+", worker["user"])


def test_what_may_be_added_are_secrets_in_files_under_names_that_the_worker_knows(compose: dict[str, Any]) -> None:
    added = yaml.safe_load(SECRETS_FILE.read_text())
    service = added["services"].pop("sessionworker")
    assert added["services"] == {}
    assert service.keys() == {"environment", "secrets"}
    assert set(service["environment"]) <= {option.variable for option in OPTIONS}
    assert sorted(service["environment"].values()) == sorted(f"/run/secrets/{name}" for name in service["secrets"])
    assert set(service["secrets"]) == set(added["secrets"])
    assert added["secrets"].keys().isdisjoint(compose["secrets"])
    assert all(secret == {"file": f"./secrets/{name}"} for name, secret in added["secrets"].items())
