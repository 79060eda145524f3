"""The compose file and the systemd units, held against what they promise; neither Docker nor systemd has to run."""

from __future__ import annotations

import http.client
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from sessionworker.service import DRAIN_SECONDS
from tests.process import REPOSITORY, free_port
from tests.tools import require, show_figure

COMPOSE_FILE = REPOSITORY / "docker-compose.yaml"
UNITS = REPOSITORY / "deploy"
SERVICE = "sessionworker.service"
INSTALLED_PROGRAMS = "/opt/sessionworker/bin"
PROGRAMS = Path(sys.executable).parent

EXPOSURE_LIMIT = 2.0
"""systemd's own measure, from 0 (nothing left open) to 10; under 2 it says "safe" or "ok"."""


# The compose file


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


def test_the_compose_file_keeps_to_the_compose_specification() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(COMPOSE_FILE)],
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
    assert seconds(worker["stop_grace_period"]) > DRAIN_SECONDS


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


# The systemd units


@pytest.fixture(scope="module")
def units(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copies of the units that name the programs of this environment, which `verify` looks for."""
    folder = tmp_path_factory.mktemp("units")
    for unit in (unit for unit in UNITS.iterdir() if unit.is_file()):
        (folder / unit.name).write_text(unit.read_text().replace(INSTALLED_PROGRAMS, str(PROGRAMS)))
    return folder


def setting(unit: str, name: str) -> list[str]:
    """Return the values that a unit gives a setting, in their order."""
    lines = (UNITS / unit).read_text().splitlines()
    return [line.partition("=")[2] for line in lines if line.partition("=")[0] == name]


def test_systemd_finds_nothing_to_say_against_the_units(units: Path) -> None:
    names = [str(unit) for unit in sorted(units.iterdir())]
    done = subprocess.run(
        [require("systemd-analyze"), "verify", "--man=no", *names], check=False, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("unit", sorted(path.name for path in UNITS.glob("*.service")))
def test_a_service_leaves_little_open(units: Path, unit: str) -> None:
    done = subprocess.run(
        [require("systemd-analyze"), "security", "--offline=yes", "--no-pager", str(units / unit)],
        check=False,
        capture_output=True,
        text=True,
    )
    found = re.search(r"Overall exposure level for \S+: ([0-9.]+)", done.stdout)
    assert found, done.stdout + done.stderr
    show_figure(f"exposure of {unit}, of 10: {found[1]}")
    assert float(found[1]) < EXPOSURE_LIMIT


def test_the_service_has_more_time_to_stop_than_it_takes() -> None:
    (limit,) = setting(SERVICE, "TimeoutStopSec")
    assert int(limit) > DRAIN_SECONDS


def test_the_service_takes_its_token_as_a_credential_and_keeps_its_store_to_itself() -> None:
    assert setting(SERVICE, "LoadCredential") == ["token:/etc/sessionworker/token"]
    assert "GLOBAL_AUTH_TOKEN_FILE=%d/token" in setting(SERVICE, "Environment")
    assert "SESSIONWORKER_STORE=%S/sessionworker" in setting(SERVICE, "Environment")
    assert setting(SERVICE, "StateDirectory") == ["sessionworker"]
    assert setting(SERVICE, "StateDirectoryMode") == ["0700"]


def service_command() -> list[str]:
    (command,) = setting(SERVICE, "ExecStart")
    return command.replace(INSTALLED_PROGRAMS, str(PROGRAMS)).split()


def ask(port: int, method: str, path: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request(method, path)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def test_the_service_answers_on_the_socket_that_it_is_given(tmp_path: Path) -> None:
    port = free_port()
    activator = [
        require("systemd-socket-activate"),
        f"--listen=127.0.0.1:{port}",
        "--fdname=sessionworker.socket",  # as systemd itself names it, and Twisted needs a name to be there
        f"--setenv=SESSIONWORKER_STORE={tmp_path / 'store'}",
    ]
    with (tmp_path / "log").open("w+") as log:
        service = subprocess.Popen([*activator, *service_command()], stdout=log, stderr=log)
        try:
            wait_until_listening(port)
            assert ask(port, "OPTIONS", "/ping") == (200, b"pong")
            service.send_signal(signal.SIGTERM)
            assert service.wait(20) == 0
        finally:
            service.kill()
            service.wait(10)
            log.seek(0)
            print(log.read())


def wait_until_listening(port: int) -> None:
    """Wait until something listens, without connecting to it: the first connection starts what is activated."""
    entry = f":{port:04X} 00000000:0000 0A"
    for _ in range(200):
        if entry in Path("/proc/net/tcp").read_text():
            return
        time.sleep(0.05)
    pytest.fail(f"nothing listens on port {port}")


# What the units and the image forbid the worker, it must not need


@pytest.fixture(scope="module")
def trace(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """The store of a worker that served a while and was stopped, and every system call that it made."""
    folder = tmp_path_factory.mktemp("trace")
    subprocess.run([*service_command()[:1], "sessionworker", "--help"], check=True, stdout=subprocess.DEVNULL)
    port = free_port()
    token = folder / "token"
    token.write_text("the-token")
    traced = subprocess.Popen(
        [
            *(require("strace"), "-D", "-f", "-qq", "-e", "signal=none", "-o", str(folder / "calls")),
            *service_command()[:-2],
            *("--listen", f"tcp:{port}:interface=127.0.0.1"),
            *("--store", str(folder / "store"), "--token-file", str(token)),
        ],
        env={"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1"},
        cwd=folder,
        stdout=subprocess.DEVNULL,
    )
    try:
        wait_until_listening(port)
        headers = {"apikey": "the-token", "Content-Type": "application/json"}
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        for method, path, body, status in (
            ("POST", "/session", '{"group": "codechat"}', 204),
            ("POST", "/session/codechat", '{"instance": "sales"}', 204),
            ("POST", "/session/codechat/sales/creds", '{"data": "{}"}', 204),
            ("GET", "/session/codechat/sales/creds", None, 200),
            ("GET", "/session/codechat/list-instances", None, 200),
            ("DELETE", "/session/codechat/sales/creds", None, 200),
            ("DELETE", "/session/codechat/sales", None, 200),
        ):
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            response.read()
            assert response.status == status
        connection.close()
        traced.send_signal(signal.SIGTERM)
        assert traced.wait(20) == 0
    finally:
        traced.kill()
        traced.wait(10)
    return folder / "store", (folder / "calls").read_text().splitlines()


def allowed_calls() -> set[str]:
    """Return the system calls that the service's SystemCallFilter lines leave."""
    groups: dict[str, set[str]] = {}
    listing = subprocess.run(
        [require("systemd-analyze"), "syscall-filter", "--no-pager"], check=True, capture_output=True, text=True
    ).stdout
    for line in listing.splitlines():
        if line.startswith("@"):
            group = groups.setdefault(line, set())
        elif line.strip() and not line.strip().startswith("#"):
            group.add(line.strip())

    def members(name: str) -> set[str]:
        return set().union(*(members(member) for member in groups[name])) if name in groups else {name}

    allowed: set[str] = set()
    for line in setting(SERVICE, "SystemCallFilter"):
        named = set().union(*(members(name) for name in line.lstrip("~").split()))
        allowed = allowed - named if line.startswith("~") else allowed | named
    return allowed | members("@default")


def test_the_service_may_make_every_system_call_that_it_makes(trace: tuple[Path, list[str]]) -> None:
    _, lines = trace
    made = {found[1] for line in lines if (found := re.match(r"\d+ +(\w+)\(", line))}
    assert made >= {"openat", "accept4", "futex"}, "this is not a worker's trace"
    # systemd always allows the start of the program; ncurses, where Python loads it, asks once more for the rights of
    # its own user before it opens a file, and goes on without.
    assert made - allowed_calls() - {"execve", "setfsuid", "setfsgid"} == set()


def test_the_worker_makes_no_memory_that_is_written_and_then_run(trace: tuple[Path, list[str]]) -> None:
    assert setting(SERVICE, "MemoryDenyWriteExecute") == ["yes"]
    _, lines = trace
    assert [line for line in lines if re.search(r"mprotect\(.*PROT_EXEC|mmap\(.*PROT_WRITE\|PROT_EXEC", line)] == []


def test_the_worker_opens_no_file_for_writing_outside_its_store(trace: tuple[Path, list[str]]) -> None:
    store, lines = trace
    opened = [found[1] for line in lines if (found := re.search(r'openat\(.*?"([^"]*)", O_(?:WRONLY|RDWR)', line))]
    outside = {path for path in opened if not path.startswith(f"{store}/") and path != "/dev/null"}
    assert opened
    # A file opened beside an open folder has a bare name: those folders are the store's.
    assert {path for path in outside if path.startswith("/") or ".." in path.split("/")} == set()
