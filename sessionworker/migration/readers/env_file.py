"""Reads a file of settings as Node's `dotenv` does, which APIs read theirs with."""

from __future__ import annotations

import re
from pathlib import Path

from sessionworker.migration.found import SourceError
from sessionworker.migration.readers.collecting import shown

_line = re.compile(
    r"""
    ^[ \t]* (?:export[ \t]+)? (?P<name>[\w.-]+)
    (?: [ \t]*=[ \t]* | :[ \t]+ )
    (?P<value> '(?:\\'|[^'])*' | "(?:\\"|[^"])*" | `(?:\\`|[^`])*` | [^\#\r\n]* )
    [ \t]* (?:\#.*)? $
    """,
    re.MULTILINE | re.VERBOSE,
)


def read_env_file(path: Path) -> dict[str, str]:
    """Return the settings in a file. Raises SourceError."""
    try:
        text = path.read_text(encoding="utf-8-sig", errors="replace")
    except OSError as error:
        raise SourceError(f"{shown(str(path))} cannot be read: {error.strerror}.") from None
    return settings_in(text)


def settings_in(text: str) -> dict[str, str]:
    """Return the settings in a text. Nothing is put in for a `${NAME}`."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    return {found["name"]: _value(found["value"].strip()) for found in _line.finditer(lines)}


def _value(value: str) -> str:
    quote = value[:1]
    if quote not in {"'", '"', "`"} or len(value) < len("''") or value[-1] != quote:
        return value
    inner = value[1:-1]
    return inner.replace("\\n", "\n").replace("\\r", "\r") if quote == '"' else inner
