"""A failure is one line with its type and its place, and never says what an exception holds."""

from __future__ import annotations

import gc
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import fail
from twisted.internet.endpoints import serverFromString
from twisted.logger import Logger, LogLevel
from twisted.python import log as old_log
from twisted.python.failure import Failure

from sessionworker.logs import FORMATS, MOST_CALLS
from sessionworker.names import type_of_key
from tests.logs.words import SECRET, entry_of, lines_of, said_to_all, text_of


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
    ours, tests = r"sessionworker/names\.py:\d+", r"tests/logs/test_failures\.py:\d+"
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
