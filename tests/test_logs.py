"""What operators read: one line for each event, in UTC, as text or as JSON, whatever happens and whoever listens."""

from __future__ import annotations

import ast
import errno
import gc
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from twisted.internet.defer import fail
from twisted.internet.endpoints import serverFromString
from twisted.logger import ILogObserver, Logger, LogLevel, globalLogPublisher
from twisted.python import log as old_log
from twisted.python.failure import Failure
from twisted.python.logfile import LogFile
from zope.interface import provider
from zope.interface.verify import verifyObject

from sessionworker import service
from sessionworker.logs import FORMATS, MOST_CALLS, Lines, WholeLines, open_log
from sessionworker.names import type_of_key
from sessionworker.service import WorkerService
from sessionworker.settings import Options
from sessionworker.version import PYTHON, TWISTED, VERSION
from tests.process import REPOSITORY, SETTINGS_PREFIXES, free_port
from tests.test_daemon import PATIENCE, ask_over

SECRET = "3EB0-secret"
LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (info |warn |error|critical) \[(\w+)\] (.*)")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def lines_of(form: str, say: Callable[[Logger], object], namespace: str = "sessionworker.web.Thing") -> list[str]:
    """What the log says of what a logger is told, line by line, each with its line end."""
    written: list[bytes] = []
    say(Logger(namespace=namespace, observer=Lines(form, written.append)))
    return [line.decode() for line in written]


def text_of(say: Callable[[Logger], object], namespace: str = "sessionworker.web.Thing") -> str:
    """The one line of text, without time and line end."""
    [line] = lines_of("text", say, namespace)
    assert TIME.match(line)
    return line[len("2026-11-26T17:00:00.123Z ") :].removesuffix("\n")


def entry_of(say: Callable[[Logger], object], namespace: str = "sessionworker.web.Thing") -> dict[str, Any]:
    """The one line of JSON, without its time."""
    [line] = lines_of("json", say, namespace)
    entry: dict[str, Any] = json.loads(line)
    assert list(entry)[:4] == ["time", "level", "event", "message"]
    assert TIME.fullmatch(entry.pop("time"))
    return entry


def said_to_all(say: Callable[[], object]) -> list[str]:
    """What the log says of what everybody in this process logs meanwhile, as text."""
    written: list[bytes] = []
    observer = Lines("text", written.append)
    globalLogPublisher.addObserver(observer)
    try:
        say()
    finally:
        globalLogPublisher.removeObserver(observer)
    return [line.decode()[len("2026-11-26T17:00:00.123Z ") :].removesuffix("\n") for line in written]


# What a line looks like


def test_a_line_of_text_begins_with_time_level_and_name() -> None:
    assert text_of(lambda source: source.info("Hello.", event="greeting")) == "info  [greeting] Hello."
    assert text_of(lambda source: source.warn("Hello.", event="greeting")) == "warn  [greeting] Hello."
    assert text_of(lambda source: source.error("Hello.", event="greeting")) == "error [greeting] Hello."
    assert text_of(lambda source: source.critical("Hello.", event="greeting")) == "critical [greeting] Hello."


def test_a_line_of_json_has_the_fields_of_the_event() -> None:
    entry = entry_of(lambda source: source.warn("{a} at {b}", event="thing", a=1, b=Path("/b"), c=None, d=True))
    assert entry == {"level": "warn", "event": "thing", "message": "1 at /b", "a": 1, "b": "/b", "d": True}


def test_a_text_that_is_the_whole_message_stands_there_once() -> None:
    """As what the store reports: its sentences are made where it knows what happened."""

    def say(source: Logger) -> None:
        source.error(
            "{text}", event="files_late", text="The files of {a} are late.", group="codechat", instance="sales"
        )

    message = "The files of {a} are late."
    fields = {"group": "codechat", "instance": "sales"}
    assert entry_of(say) == {"level": "error", "event": "files_late", "message": message, **fields}
    assert text_of(say) == f"error [files_late] {message}"


def test_no_field_takes_the_place_of_what_each_line_has() -> None:
    entry = entry_of(
        lambda source: source.info("Hello.", event="greeting", message="forged", log_time=1.0, time="never")
    )
    assert entry == {"level": "info", "event": "greeting", "message": "Hello."}


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("zone", ["UTC", "America/Sao_Paulo", "Asia/Kolkata"])
def test_times_are_utc_to_the_millisecond_wherever_the_machine_stands(
    form: str, zone: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[bytes] = []
    try:
        monkeypatch.setenv("TZ", zone)
        time.tzset()
        for seconds in (1795712400.1234, 1795712400.0):
            event = {"log_time": seconds, "log_level": LogLevel.info, "log_namespace": "sessionworker.a"}
            Lines(form, written.append)({**event, "log_format": "Hello.", "event": "greeting"})
    finally:
        monkeypatch.undo()
        time.tzset()
    assert "2026-11-26T17:00:00.123Z" in written[0].decode()
    assert "2026-11-26T17:00:00.000Z" in written[1].decode()


@settings(deadline=None)
@given(text=st.text(st.characters()))
@example(text="\n2026-11-26T17:00:00.123Z info  [serving] forged")
@example(text="\x1b[2J\x9b\r\x85\u2028\u2029\u202e\ud800")
def test_it_is_one_line_whatever_the_text_holds(text: str) -> None:
    for form in FORMATS:
        [line] = lines_of(form, lambda source: source.info("{text} {name}", event="thing", text=text, name=text))
        assert line.endswith("\n")
        assert line.removesuffix("\n").isprintable()
        assert len(line.splitlines()) == 1


names = st.sampled_from(["group", "instance", "status", "path", "address", "count"])
texts = st.text(st.characters(exclude_categories=["Cs"]))


@settings(deadline=None)
@given(fields=st.dictionaries(names, texts | st.integers() | st.booleans()))
def test_json_can_be_parsed_and_holds_the_fields(fields: dict[str, Any]) -> None:
    text = " ".join(f"{{{name}}}" for name in fields)
    entry = entry_of(lambda source: source.info("Of " + text, event="thing", **fields))
    message = " ".join(["Of", *(str(value) for value in fields.values())]) if fields else "Of "
    assert entry == {"level": "info", "event": "thing", "message": message, **fields}


@pytest.mark.parametrize("form", FORMATS)
def test_letters_of_all_languages_stand_there_as_they_are(form: str) -> None:
    [line] = lines_of(form, lambda source: source.info("{instance}", event="thing", instance="Loja São 東京 🙂"))
    assert "Loja São 東京 🙂" in line


# Failures


class Odd:
    """A key that fails where it is looked at, in code that is not the package's, with a text that holds a secret."""

    def __eq__(self, other: object) -> bool:
        raise ValueError(SECRET)

    __hash__ = object.__hash__


def failure_of(call: Callable[[], object]) -> Failure:
    try:
        call()
    except Exception:  # noqa: BLE001 - whatever it is, it is looked at
        return Failure()
    raise AssertionError("it did not fail")


def failure_in_the_package() -> Failure:
    odd: Any = Odd()
    return failure_of(lambda: type_of_key(odd))


def test_a_failure_is_one_line_with_the_exceptions_type_and_its_place_in_the_package() -> None:
    failure = failure_in_the_package()
    line = text_of(lambda source: source.failure("It failed", failure, event="it_failed"))
    ours, tests = r"sessionworker/names\.py:\d+", r"tests/test_logs\.py:\d+"
    calls = f"{tests} __eq__ < {ours} <genexpr> < {ours} type_of_key < {tests} <lambda> < {tests} failure_of"
    assert re.fullmatch(rf"critical \[it_failed\] It failed: ValueError at {ours} \({calls}\)", line)


def test_json_has_type_place_and_calls_of_a_failure_as_fields() -> None:
    failure = failure_in_the_package()
    entry = entry_of(lambda source: source.failure("It failed", failure, event="it_failed", group="codechat"))
    place, calls = entry.pop("place"), entry.pop("calls")
    assert re.fullmatch(r"sessionworker/names\.py:\d+", place)
    assert [call.split(" ")[-1] for call in calls] == ["__eq__", "<genexpr>", "type_of_key", "<lambda>", "failure_of"]
    assert calls[1] == f"{place} <genexpr>"
    assert entry == {
        "level": "critical",
        "event": "it_failed",
        "message": f"It failed: ValueError at {place}",
        "group": "codechat",
        "error": "ValueError",
    }


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("namespace", ["sessionworker.a", "twisted.internet.base"])
def test_the_text_of_an_exception_is_never_said(form: str, namespace: str) -> None:
    failure = failure_in_the_package()
    [line] = lines_of(form, lambda source: source.failure("It failed", failure, event="it_failed"), namespace)
    assert "ValueError at sessionworker/names.py" in line
    assert SECRET not in line


def test_a_failure_that_the_package_has_no_part_in_has_its_innermost_place() -> None:
    failure = failure_of(lambda: json.loads("{secret"))
    entry = entry_of(lambda source: source.failure("It failed", failure, event="it_failed"))
    assert entry["error"] == "json.decoder.JSONDecodeError"
    assert re.fullmatch(r"json/decoder\.py:\d+", entry["place"])
    assert entry["calls"][0].startswith(f"{entry['place']} ")


def test_files_of_libraries_are_named_without_their_folders() -> None:
    failure = failure_of(lambda: serverFromString(None, "nonsense"))
    entry = entry_of(lambda source: source.failure("It failed", failure, event="it_failed"))
    assert re.fullmatch(r"twisted/internet/endpoints\.py:\d+", entry["place"])


def test_an_error_of_the_system_has_its_code() -> None:
    failure = failure_of(lambda: Path("/proc/self/mem").read_bytes())
    assert entry_of(lambda source: source.failure("It failed", failure, event="it_failed"))["error"] == "OSError (EIO)"


def test_a_failure_without_a_place_is_said_too() -> None:
    failure = Failure(KeyError(SECRET))
    assert text_of(lambda source: source.failure("It failed", failure, event="it_failed")) == (
        "critical [it_failed] It failed: KeyError"
    )


def test_an_endless_recursion_is_a_line_of_bearable_length() -> None:
    def recur() -> None:
        recur()

    entry = entry_of(lambda source: source.failure("It failed", failure_of(recur), event="it_failed"))
    assert len(entry["calls"]) == MOST_CALLS


# What others say


@pytest.mark.parametrize("level", [LogLevel.debug, LogLevel.info])
def test_what_others_say_of_their_daily_work_is_left_out(level: Any) -> None:
    assert (
        lines_of("text", lambda source: source.emit(level, "Starting factory", event="x"), "twisted.internet.protocol")
        == []
    )
    assert (
        lines_of("text", lambda source: source.emit(level, "Starting factory"), "sessionworker.http.site.WorkerSite")
        == []
    )
    assert said_to_all(lambda: old_log.msg("(TCP Port 5656 Closed)")) == []


@pytest.mark.parametrize("level", [LogLevel.warn, LogLevel.error, LogLevel.critical])
def test_what_others_warn_of_is_kept_without_their_fields(level: Any) -> None:
    def say(source: Logger) -> None:
        source.emit(level, "Could not accept: {reason}", reason="EMFILE", source=object())

    for namespace in ("twisted.internet.tcp.Port", "sessionworker.http.site.WorkerSite"):
        message = "Could not accept: EMFILE"
        assert entry_of(say, namespace) == {"level": level.name, "event": "other", "message": message}


def test_what_says_nothing_is_no_line() -> None:
    assert lines_of("text", lambda source: source.error(None), "twisted.a") == []


def test_a_failure_of_others_has_no_values_in_its_text() -> None:
    failure = Failure(KeyError(SECRET))

    def say(source: Logger) -> None:
        source.failure("Disabling {observer} due to {log_failure}.", failure, observer=SECRET)

    assert text_of(say, "twisted.logger") == "critical [other] Disabling … due to ….: KeyError"
    nothing = "critical [other] Something failed: KeyError"
    assert text_of(lambda source: source.failure("", failure), "twisted.a") == nothing
    assert text_of(lambda source: source.failure("{", failure), "twisted.a") == nothing


def test_a_failure_in_the_old_log_of_twisted_is_one_line_too() -> None:
    failure = Failure(KeyError(SECRET))
    assert said_to_all(lambda: old_log.err(failure, "Of a file")) == ["critical [other] Of a file: KeyError"]
    assert said_to_all(lambda: old_log.err(failure)) == ["critical [other] Something failed: KeyError"]
    assert said_to_all(lambda: old_log.msg("It went wrong", isError=True)) == ["critical [other] It went wrong"]


def test_a_failure_that_nobody_handles_is_one_line() -> None:
    def forget() -> None:
        fail(failure_in_the_package())
        gc.collect()

    [line] = said_to_all(forget)
    assert line.startswith("critical [other] Something failed: ValueError at sessionworker/names.py:")
    assert SECRET not in line


# Where the lines go


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
        write = WholeLines(writer.fileno())
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
            WholeLines(writer.fileno())(b"a line\n")


def test_a_full_disk_is_no_matter() -> None:
    with Path("/dev/full").open("wb", buffering=0) as full:
        write = WholeLines(full.fileno())
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
        write = WholeLines(writer.fileno())
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
    files: list[LogFile] = []
    from_full_path = LogFile.fromFullPath

    def note(name: str) -> LogFile:
        files.append(from_full_path(name))
        return files[-1]

    monkeypatch.setattr(LogFile, "fromFullPath", note)
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
def test_a_log_file_that_cannot_be_rotated_is_no_matter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError

    log = open_log(twistd_options(logfile=str(tmp_path / "log")), "text", None)
    assert log is not None
    monkeypatch.setattr(LogFile, "shouldRotate", lambda _: True)
    monkeypatch.setattr(os, "rename", refuse)
    for _ in range(3):
        log({"log_time": 0.0, "log_namespace": "sessionworker.a", "log_format": "Hello.", "event": "greeting"})


# A worker


def test_a_start_that_fails_unforeseen_is_one_line_and_status_1(monkeypatch: pytest.MonkeyPatch) -> None:
    def break_down() -> int:
        raise ValueError(SECRET)

    monkeypatch.setattr(service, "raise_open_files_limit", break_down)
    options = Options()
    options.parseOptions([])

    def start() -> None:
        with pytest.raises(SystemExit) as end:
            WorkerService(None, options.settings).startService()
        assert end.value.code == 1

    [line] = said_to_all(start)
    assert line.startswith(
        "critical [start_failed] The start failed in a way that the worker did not foresee: "
        "ValueError at sessionworker/service.py:"
    )
    assert SECRET not in line


@contextmanager
def running(
    store: Path,
    *options: str,
    twistd: Sequence[str] = (),
    shell: str = "",
    environment: Mapping[str, str] | None = None,
) -> Iterator[Running]:
    """Run a worker whose output goes through pipes, or where `shell` sends it. After the block it is gone."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(SETTINGS_PREFIXES)}
    port = free_port()
    listen = f"tcp:{port}:interface=127.0.0.1"
    command = [str(Path(sys.executable).with_name("twistd")), "-n", "--pidfile=", *twistd, "sessionworker"]
    command += ["--listen", listen, "--store", str(store), *options]
    process = subprocess.Popen(
        ["/bin/sh", "-c", f'exec "$0" "$@" {shell}', *command],
        env={**inherited, "GLOBAL_AUTH_TOKEN": "the-token", **(environment or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        yield Running(process, port)
    finally:
        process.kill()
        process.communicate()


class Running:
    """A worker as a process, and the two ends of its output."""

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self.process = process
        self.port = port

    def wait_until_it_listens(self) -> None:
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                return socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE).close()
            except ConnectionRefusedError:
                assert self.process.poll() is None, self.process.communicate()
                assert time.monotonic() < deadline
                time.sleep(0.02)

    def ask(self, token: str) -> int:
        """Ask for the instances of a group that is not there, and return the answer's status."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE) as connection:
            return ask_over(connection, "GET", "/session/a/list-instances", token=token).status

    def stop(self) -> tuple[str, str]:
        """Stop it; return what it wrote to standard output and to standard error."""
        self.process.send_signal(signal.SIGTERM)
        output, complaints = self.process.communicate(timeout=PATIENCE)
        assert self.process.returncode == 0, complaints
        return output.decode(), complaints.decode()


def expected_lines(store: Path, port: int) -> list[dict[str, Any]]:
    """What a worker says that is started, asked with a wrong token, and stopped: with HTTP_LOGS, but for the times."""
    address = f"tcp:{port}:interface=127.0.0.1"
    source = "the variable GLOBAL_AUTH_TOKEN"
    path = "/session/a/list-instances"
    refusal = "A client at 127.0.0.1 was refused: it sends no token, or not this worker's."
    about = f"This is sessionworker {VERSION} (Twisted {TWISTED}, Python {PYTHON})."
    return [
        {"event": "starting", "message": about, "version": VERSION, "twisted": TWISTED, "python": PYTHON},
        {"event": "listening", "message": f"Listening at {address}.", "endpoint": address},
        {"event": "serving", "message": f"Serving the store {store}.", "store": str(store)},
        {"event": "token_in_force", "message": f"The token is in {source}.", "source": source},
        {"level": "warn", "event": "token_refused", "message": refusal, "address": "127.0.0.1"},
        {"event": "request", "message": f"GET {path} 401", "method": "GET", "path": path, "status": 401},
        {"event": "stopped", "message": "Stopped; everything that was acknowledged is stored."},
    ]


def said_by_a_worker(store: Path, *options: str, environment: Mapping[str, str]) -> tuple[list[str], int]:
    """The lines of a worker that is started, asked with a wrong token, and stopped; and its port."""
    with running(store, *options, "--http-logs", environment=environment) as worker:
        worker.wait_until_it_listens()
        assert worker.ask("wr0ng") == 401
        output, complaints = worker.stop()
    assert complaints == ""
    assert output.endswith("\n")
    return output.removesuffix("\n").split("\n"), worker.port


def test_a_worker_says_these_lines_and_nothing_else(tmp_path: Path) -> None:
    lines, port = said_by_a_worker(tmp_path / "store", environment={})
    expected = [
        f"{entry.get('level', 'info'):<5} [{entry['event']}] {entry['message']}"
        for entry in expected_lines(tmp_path / "store", port)
    ]
    assert [line[len("2026-11-26T17:00:00.123Z ") :] for line in lines] == expected
    assert all(TIME.match(line) for line in lines)


@pytest.mark.parametrize("chosen", [["--log-format=json"], []])
def test_a_worker_says_the_same_as_json(tmp_path: Path, chosen: list[str]) -> None:
    environment = {} if chosen else {"SESSIONWORKER_LOG_FORMAT": "json"}
    lines, port = said_by_a_worker(tmp_path / "store", *chosen, environment=environment)
    entries = [json.loads(line) for line in lines]
    assert all(TIME.fullmatch(entry.pop("time")) for entry in entries)
    assert entries == [{"level": "info", **entry} for entry in expected_lines(tmp_path / "store", port)]


def test_a_worker_whose_output_nobody_reads_any_more_goes_on(tmp_path: Path) -> None:
    with running(tmp_path / "store", "--http-logs") as worker:
        worker.wait_until_it_listens()
        assert worker.process.stdout is not None
        worker.process.stdout.close()
        assert [worker.ask(token) for token in ("wr0ng", "the-token", "wr0ng")] == [401, 404, 401]
        assert worker.stop() == ("", "")


@pytest.mark.parametrize("shell", [">/dev/full", ">&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_a_worker_whose_output_is_full_or_closed_goes_on(tmp_path: Path, shell: str) -> None:
    with running(tmp_path / "store", "--http-logs", shell=shell) as worker:
        worker.wait_until_it_listens()
        assert [worker.ask(token) for token in ("wr0ng", "the-token", "wr0ng")] == [401, 404, 401]
        assert worker.stop() == ("", "")


def test_what_makes_no_sense_is_said_in_a_sentence_in_each_format(tmp_path: Path) -> None:
    with running(tmp_path / "store", "--threads", "x", "--log-format", "json") as worker:
        output, complaints = worker.process.communicate(timeout=PATIENCE)
    sentence = b"sessionworker: --threads: it must be a whole number from 1 to 64.\n"
    assert (output, complaints, worker.process.returncode) == (b"", sentence, 1)


def test_a_log_file_of_twistd_has_the_same_lines_and_is_rotated_on_sigusr1(tmp_path: Path) -> None:
    file, old = tmp_path / "log", tmp_path / "log.1"
    with running(tmp_path / "store", "--http-logs", twistd=["--logfile", str(file)]) as worker:
        worker.wait_until_it_listens()
        worker.ask("wr0ng")
        worker.process.send_signal(signal.SIGUSR1)
        deadline = time.monotonic() + PATIENCE
        while not (old.exists() and file.exists()) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert worker.stop() == ("", "")
    names = [
        [found[2] for line in part.read_text().splitlines() if (found := LINE.fullmatch(line))] for part in (old, file)
    ]
    expected = [entry["event"] for entry in expected_lines(tmp_path / "store", worker.port)]
    assert names == [expected[:-1], expected[-1:]]
    assert sum(len(part.read_text().splitlines()) for part in (old, file)) == len(expected)


def test_a_log_file_that_cannot_be_opened_stops_the_start_with_one_line(tmp_path: Path) -> None:
    file = tmp_path / "missing" / "log"
    with running(tmp_path / "store", twistd=["--logfile", str(file)]) as worker:
        output, complaints = worker.process.communicate(timeout=PATIENCE)
    assert worker.process.returncode == 1
    assert (output, complaints.decode()) == (
        b"",
        f"sessionworker: The log file {file} cannot be opened: No such file or directory.\n",
    )


def test_a_daemon_that_does_not_start_says_why_in_its_log_and_ends_with_status_1(tmp_path: Path) -> None:
    (tmp_path / "store").touch()
    program = str(Path(sys.executable).with_name("twistd"))
    command = [program, "--pidfile=", "--logfile", "log", "sessionworker", "--store", str(tmp_path / "store")]
    done = subprocess.run(command, cwd=tmp_path, timeout=PATIENCE, check=False, capture_output=True, text=True)
    assert done.returncode == 1
    assert "The worker did not start." in done.stderr
    last = LINE.fullmatch((tmp_path / "log").read_text().splitlines()[-1])
    assert last
    assert last[2] == "not_started"


@pytest.mark.parametrize("option", ["--syslog", "--logger=tests.test_logs.another_log"])
def test_a_log_that_is_asked_for_by_name_takes_the_place_of_this_one(tmp_path: Path, option: str) -> None:
    with running(tmp_path / "store", twistd=[option], environment={"PYTHONPATH": str(REPOSITORY)}) as worker:
        worker.wait_until_it_listens()
        worker.ask("wr0ng")
        output, complaints = worker.stop()
    assert complaints == ""
    assert output == "" if option == "--syslog" else "stopped" in output.splitlines()


def another_log() -> ILogObserver:
    """An observer that an operator names on twistd's command line: it writes the events' names."""
    names = sys.stdout

    @provider(ILogObserver)
    def observe(event: dict[str, Any]) -> None:
        print(event.get("event"), file=names, flush=True)

    observer: ILogObserver = observe
    return observer


# The names of the events


def test_every_line_has_a_name() -> None:
    nameless = set()
    for path in (REPOSITORY / "sessionworker").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            is_said = isinstance(node, ast.Call) and re.match(r"(self\.)?_log\.", ast.unparse(node.func))
            if is_said and "event=" not in ast.unparse(node):
                nameless.add(ast.unparse(node))
    # These are logged as `other` until they have names.
    assert nameless == {"_log.warn(NO_GROUP)", "self._log.error('{line}', line=line)"}
