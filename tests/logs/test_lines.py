"""An event is one line, with its time, level and name, whatever its text holds."""

from __future__ import annotations

import ast
import re
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from twisted.logger import Logger, LogLevel

from sessionworker.logs import FORMATS, Lines
from tests.logs.words import entry_of, lines_of, text_of
from tests.process import REPOSITORY


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


def test_every_line_has_a_name() -> None:
    nameless = set()
    for path in (REPOSITORY / "sessionworker").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            is_said = isinstance(node, ast.Call) and re.match(r"(self\.)?_log\.", ast.unparse(node.func))
            if is_said and "event=" not in ast.unparse(node):
                nameless.add(ast.unparse(node))
    assert nameless == set()
