"""What happened that an operator may want to know of: a line of the log, and of `GET /admin/events`."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from pathlib import PurePath
from typing import Literal, TypeAlias

from msgspec import Struct

Level: TypeAlias = Literal["info", "warn", "error"]


class Event(Struct, frozen=True):
    """Something that happened. Nothing of it ever is a token, a key, or a part of a value."""

    name: str
    """What kind of thing it was, for programs: snake_case, never changed. docs/operations.md lists them."""
    text: str
    """What it means, in sentences, for people."""
    group: str = ""
    """The group that it is about, if it is about one."""
    instance: str = ""
    """The instance in that group, if it is about one."""
    by: str = ""
    """The address of whoever asked for it, if somebody did and it is known."""
    level: Level = "error"


Report: TypeAlias = Callable[[Event], None]
"""Takes an event. May be called in any thread, waits for nothing, and never fails."""


def unforeseen(error: Exception) -> str:
    """Return what is told of an error that nobody foresaw: its kind and its place, for its text might hold a value."""
    where = traceback.extract_tb(error.__traceback__)[-1:]
    places = [f" in {PurePath(frame.filename).name}, line {frame.lineno}" for frame in where]
    return f"an error that was not foreseen, {type(error).__name__}{''.join(places)}"
