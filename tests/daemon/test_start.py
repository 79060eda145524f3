"""It starts with the settings it is given, and serves what is in its folder."""

from __future__ import annotations

import socket
import stat
from pathlib import Path

import pytest

from tests.daemon.twistd import PATIENCE, SALES, ask, ask_over, twistd
from tests.ports import free_port
from tests.process import LoadedAnew

pytestmark = pytest.mark.slow


def test_a_worker_starts_serves_and_stops_with_status_0(tmp_path: Path) -> None:
    with LoadedAnew(tmp_path / "deep" / "store") as worker:
        assert ask(worker, "POST", "/session", {"group": "codechat"}).status == 204
        assert ask(worker, "POST", "/session/codechat", {"instance": "sales"}).status == 204
        assert ask(worker, "POST", f"{SALES}/creds", {"data": '{"me":1}'}).status == 204
        assert worker.terminate() == 0
        assert worker.failures == []
        assert worker.token not in worker.output
    assert (tmp_path / "deep" / "store" / "codechat" / "sales" / "creds").read_bytes() == b'{"me":1}'


def test_files_and_folders_are_for_their_owner_alone(tmp_path: Path) -> None:
    with LoadedAnew(tmp_path / "store") as worker:
        ask(worker, "POST", "/session/codechat", {"instance": "sales"})
        ask(worker, "POST", f"{SALES}/creds", {"data": "1"})
        assert worker.terminate() == 0
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "store").rglob("*")}
    assert len(modes) >= 3
    assert {mode for path, mode in modes.items() if path.is_dir()} == {0o700}
    assert {mode for path, mode in modes.items() if path.is_file()} == {0o600}


def test_a_folder_written_by_session_manager_is_served_in_place(tmp_path: Path) -> None:
    instance = tmp_path / "store" / "codechat" / "sales"
    instance.mkdir(parents=True)
    for name, value in (("creds", "{}"), ("a%20b%3A", "1"), ("AA%2FBB", "2"), ("sender-key-1@g.us::1_1::5", "3")):
        (instance / name).write_text(value)
    with LoadedAnew(tmp_path / "store") as worker:
        assert ask(worker, "GET", "/session/codechat/list-instances").json == ["sales"]
        for key, value in (("creds", "{}"), ("a%20b:", "1"), ("AA/BB", "2"), ("sender-key-1@g.us::1_1::5", "3")):
            assert ask(worker, "GET", f"{SALES}/{key}").body == value.encode(), key


def test_a_token_is_made_at_the_first_start_and_its_place_is_said_but_not_its_value(tmp_path: Path) -> None:
    file = tmp_path / "store" / ".sessionworker" / "token"
    tokens = set()
    for _ in range(2):
        port = free_port()
        with twistd("--listen", f"tcp:{port}:interface=127.0.0.1", "--store", str(tmp_path / "store")) as daemon:
            assert str(file) in daemon.wait_until_it_says("The token is in")
            assert stat.S_IMODE(file.stat().st_mode) == 0o600
            token = file.read_text().strip()
            for given, status in ((token, 404), ("wrong", 401)):
                with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection:
                    assert ask_over(connection, "GET", "/session/a/list-instances", token=given).status == status
            assert daemon.terminate() == 0
            assert token not in daemon.output
        tokens.add(token)
    assert len(tokens) == 1


def test_the_token_in_the_environment_is_the_one_asked_for_and_never_said(tmp_path: Path) -> None:
    port = free_port()
    options = ["--listen", f"tcp:{port}:interface=127.0.0.1", "--store", str(tmp_path / "store"), "--http-logs"]
    with twistd(*options, environment={"GLOBAL_AUTH_TOKEN": "from-the-environment"}) as daemon:
        daemon.wait_until_it_says("Serving")
        with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection:
            answer = ask_over(connection, "GET", "/session/a/list-instances", token="from-the-environment")
            assert answer.status == 404
        assert daemon.terminate() == 0
    assert "GET /session/a/list-instances 404" in daemon.output
    assert "from-the-environment" not in daemon.output
    assert not (tmp_path / "store" / ".sessionworker" / "token").exists()


def test_every_setting_can_come_from_the_environment(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("s3cret\n")
    port = free_port()
    environment = {
        "SESSIONWORKER_LISTEN": f"tcp:{port}:interface=127.0.0.1",
        "SESSIONWORKER_STORE": str(tmp_path / "elsewhere"),
        "SESSIONWORKER_FSYNC": "never",
        "SESSIONWORKER_THREADS": "1",
        "GLOBAL_AUTH_TOKEN_FILE": str(secret),
        "BODY_SIZE": "0.001",
        "HTTP_LOGS": "true",
    }
    with twistd(environment=environment) as daemon:
        daemon.wait_until_it_says("fsync=never")
        for body, status in (({"group": "a"}, 204), ({"group": "a" * 1100}, 413)):
            with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection:
                assert ask_over(connection, "POST", "/session", body, token="s3cret").status == status
        assert daemon.terminate() == 0
    assert "POST /session 204" in daemon.output
    assert (tmp_path / "elsewhere" / "a").is_dir()


def test_fsync_never_says_at_start_what_it_gives_up_and_always_has_nothing_to_say(tmp_path: Path) -> None:
    for value, is_said in (("never", True), ("always", False)):
        with LoadedAnew(tmp_path / value, "--fsync", value) as worker:
            assert ("loses writes that were acknowledged" in worker.output) is is_said
