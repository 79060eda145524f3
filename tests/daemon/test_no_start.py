"""What makes no sense, or is in use, stops the start with one line."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from tests.daemon.certificates import make_certificate, write
from tests.daemon.twistd import ask, free_place, reason_not_to_start, twistd
from tests.ports import free_port
from tests.process import WorkerProcess

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--listen", "nonsense"], "--listen: 'nonsense' is not a Twisted endpoint string"),
        (["--fsync", "sometimes"], "--fsync: it must be 'always' or 'never'."),
        (["--body-size", "large"], "--body-size: it must be a number of MiB"),
        (["--threads", "0"], "--threads: it must be a whole number"),
        (["--store", ""], "--store: the folder's path is empty."),
        (["--nonsense"], "--nonsense"),
        (["extra"], "arguments"),
    ],
)
def test_an_option_that_makes_no_sense_stops_the_start_with_one_line(options: list[str], reason: str) -> None:
    assert reason in reason_not_to_start(*options)


def test_a_variable_that_makes_no_sense_stops_the_start_with_one_line() -> None:
    assert "BODY_SIZE: it must be a number" in reason_not_to_start(environment={"BODY_SIZE": "5MB"})
    assert "HTTP_LOGS: it must be" in reason_not_to_start(environment={"HTTP_LOGS": "maybe"})


def test_a_second_worker_on_the_same_folder_stops_with_one_line_and_disturbs_nobody(tmp_path: Path) -> None:
    with WorkerProcess(tmp_path / "store") as worker:
        ask(worker, "POST", "/session", {"group": "codechat"})
        line = reason_not_to_start("--listen", free_place(), "--store", str(tmp_path / "store"))
        assert f"The store {tmp_path / 'store'} is in use by another worker." in line
        assert ask(worker, "GET", "/session/codechat/list-instances").body == b"[]"


def test_a_port_in_use_stops_the_start_with_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        place = f"tcp:{taken.getsockname()[1]}:interface=127.0.0.1"
        for places in ([place], [free_place(), place]):
            options = [text for one in places for text in ("--listen", one)]
            line = reason_not_to_start(*options, "--store", str(tmp_path / "store"))
            assert f"Cannot listen at {place}" in line
            assert "Address already in use" in line
    with twistd("--listen", free_place(), "--store", str(tmp_path / "store")) as daemon:  # nothing was left behind
        daemon.wait_until_it_says("Serving")


def test_a_folder_that_cannot_be_one_stops_the_start_with_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path / "file", tmp_path / "file" / "below"):
        line = reason_not_to_start("--listen", free_place(), "--store", str(path))
        assert f"The store {path} cannot be used" in line


def test_a_certificate_that_is_no_use_stops_the_start_with_one_line(tmp_path: Path) -> None:
    files = write(tmp_path, make_certificate()[0], make_certificate()[1])
    place = f"ssl:{free_port()}:{files}"
    line = reason_not_to_start("--listen", place, "--store", str(tmp_path / "store"))
    assert line == f"sessionworker: --listen: '{place}' cannot be used: the key is not the one of the certificate."
    (tmp_path / "certificate.pem").unlink()
    line = reason_not_to_start("--listen", place, "--store", str(tmp_path / "store"))
    assert line.endswith(f"cannot be used: {tmp_path / 'certificate.pem'} cannot be read: No such file or directory.")


def test_a_token_file_that_is_no_use_stops_the_start_with_one_line(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    for name in ("missing", "empty"):
        options = ["--token-file", str(tmp_path / name), "--store", str(tmp_path / "store"), "--listen", free_place()]
        assert f"The token file {tmp_path / name} " in reason_not_to_start(*options)
