"""Lines stay whole, and whoever reads them or not, the worker goes on."""

from __future__ import annotations

import errno
import os
import resource
import signal
import stat
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from io import FileIO
from pathlib import Path
from typing import Any

import pytest
from twisted.logger import ILogObserver, Logger
from zope.interface.verify import verifyObject

from sessionworker.logs import Lines, RotatedFile, WholeLines, open_log


@contextmanager
def pipe() -> Iterator[tuple[FileIO, FileIO]]:
    """The two ends of a pipe; each may be closed before the block ends."""
    reader, writer = os.pipe()
    with FileIO(reader, "r") as output, FileIO(writer, "w") as input_:
        yield output, input_


def test_it_is_what_twisted_takes_for_an_observer() -> None:
    assert verifyObject(ILogObserver, Lines("text", print))


def test_lines_of_many_threads_stay_whole() -> None:
    received: list[bytes] = []
    with pipe() as (reader, writer):
        write = WholeLines(partial(os.write, writer.fileno()))
        expected = {b"%d %d " % (thread, number) + b"x" * 20_000 for thread in range(4) for number in range(50)}

        def say(thread: int) -> None:
            for number in range(50):
                write(b"%d %d " % (thread, number) + b"x" * 20_000 + b"\n")

        listener = threading.Thread(target=lambda: received.append(reader.readall()))
        threads = [threading.Thread(target=say, args=[number]) for number in range(4)]
        for one in (listener, *threads):
            one.start()
        for one in threads:
            one.join()
        writer.close()
        listener.join()
    assert len(received[0].splitlines()) == len(expected)
    assert set(received[0].splitlines()) == expected


def test_a_reader_who_is_gone_is_no_matter() -> None:
    with pipe() as (reader, writer):
        reader.close()
        for _ in range(3):
            WholeLines(partial(os.write, writer.fileno()))(b"a line\n")


def test_a_full_disk_is_no_matter() -> None:
    with Path("/dev/full").open("wb", buffering=0) as full:
        write = WholeLines(partial(os.write, full.fileno()))
        for _ in range(3):
            write(b"a line\n")
        with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
            full.write(b"this one is full")


def test_lines_that_find_no_room_are_lost_and_the_others_are_whole() -> None:
    lines = [b"%d " % number + b"x" * (number * 3011 % 50_000) for number in range(100)]
    received = b""
    with pipe() as (reader, writer):
        for end in (reader, writer):
            os.set_blocking(end.fileno(), False)
        write = WholeLines(partial(os.write, writer.fileno()))
        for number, line in enumerate(lines):
            write(line + b"\n")
            if number % 9 == 8:
                received += reader.readall() or b""
        received += reader.readall() or b""
        write(b"the last\n")
        received += reader.readall() or b""
    came = received.splitlines()
    assert came[-1] == b"the last"
    assert len(lines) / 4 < len(came) < len(lines)
    assert set(came[:-1]) <= set(lines)


def test_without_a_standard_output_lines_go_nowhere(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Its number is another file's then: it may be the journal's."""
    monkeypatch.setattr(sys, "stdout", None)
    log = open_log(twistd_options(), "text", None)
    assert log is not None
    log({"log_time": 0.0, "log_namespace": "sessionworker.a", "log_format": "Hello.", "event": "greeting"})
    assert capfd.readouterr() == ("", "")


def twistd_options(**given: Any) -> dict[str, Any]:
    return {"logger": None, "syslog": 0, "logfile": None, "nodaemon": 1, **given}


@pytest.mark.parametrize("given", [{"logger": print}, {"syslog": 1}, {"logfile": "-", "nodaemon": 0}])
def test_twistds_own_log_stays_where_it_is_asked_for(given: dict[str, Any], tmp_path: Path) -> None:
    options = {"logfile": str(tmp_path / "log"), **given}
    assert open_log(twistd_options(**options), "text", None) is None
    assert open_log(None, "text", None) is None
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def _log_files(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Log files that are closed at the end, and no signal of this process that rotates them."""
    files: list[RotatedFile] = []
    from_full_path = RotatedFile.fromFullPath

    def note(name: str, **options: Any) -> RotatedFile:
        files.append(from_full_path(name, **options))
        return files[-1]

    monkeypatch.setattr(RotatedFile, "fromFullPath", note)
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    yield
    for file in files:
        file.close()


@pytest.mark.usefixtures("_log_files")
def test_a_daemon_logs_to_the_file_that_twistd_would_take(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    log = open_log(twistd_options(nodaemon=0), "text", None)
    Logger(namespace="sessionworker.a", observer=log).info("Hello.", event="greeting")
    assert (tmp_path / "twistd.log").read_text().endswith("Z info  [greeting] Hello.\n")


@pytest.mark.usefixtures("_log_files")
def test_a_log_file_is_for_its_owner_alone_unless_somebody_decided_otherwise(tmp_path: Path) -> None:
    new, known = tmp_path / "new", tmp_path / "known"
    known.touch()
    known.chmod(0o640)
    for path, mode in ((new, 0o600), (known, 0o640)):
        assert open_log(twistd_options(logfile=str(path)), "text", None) is not None
        assert stat.S_IMODE(path.stat().st_mode) == mode


@pytest.mark.usefixtures("_log_files")
def test_a_log_file_that_cannot_be_rotated_is_no_matter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError

    log = open_log(twistd_options(logfile=str(tmp_path / "log")), "text", None)
    assert log is not None
    monkeypatch.setattr(RotatedFile, "shouldRotate", lambda _: True)
    monkeypatch.setattr(os, "rename", refuse)
    for _ in range(3):
        log({"log_time": 0.0, "log_namespace": "sessionworker.a", "log_format": "Hello.", "event": "greeting"})


@pytest.mark.usefixtures("_log_files")
def test_a_line_that_a_full_disk_tore_goes_on_before_the_next_one(tmp_path: Path) -> None:
    log = open_log(twistd_options(logfile=str(tmp_path / "log")), "text", None)
    assert log is not None
    event = {"log_time": 0.0, "log_namespace": "sessionworker.a", "log_format": "Hello.", "event": "greeting"}
    log(event)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, ((tmp_path / "log").stat().st_size + 10, limits[1]))
    try:
        for _ in range(3):
            log(event)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    log({**event, "log_format": "Bye."})
    assert [line[-6:] for line in (tmp_path / "log").read_text().splitlines()] == ["Hello.", "Hello.", "] Bye."]
