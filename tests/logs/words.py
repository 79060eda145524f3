"""What the log says of what it is told."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from twisted.logger import Logger, globalLogPublisher

from sessionworker.logs import Lines

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
