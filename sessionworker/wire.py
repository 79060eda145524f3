"""What goes over the wire in the same form on both ends: the answers that programs read."""

from __future__ import annotations

from msgspec import Struct


class InstanceSummary(Struct, frozen=True, rename="camel", omit_defaults=True):
    """What an instance holds."""

    instance: str
    files: int
    bytes: int
    last_write: int
    """Milliseconds since 1970, 0 if nothing was written."""
    types: dict[str, int]
    """How many files there are of each type of key."""
    problem: str = ""
    """What is the matter with it, in words; empty where nothing is."""


class VersionSummary(Struct, frozen=True, rename="camel"):
    """One version of an instance's `creds`."""

    version: str
    when: int
    """Milliseconds since 1970."""
    identity: str
    """A short hash: the same for two versions of the same identity; empty where the `creds` were deleted."""
    bytes: int
    is_pinned: bool
    """Whether it is kept for good, as the newest of its identity."""
    is_current: bool


class DropSummary(Struct, frozen=True, rename="camel", omit_defaults=True):
    """An instance that was dropped and can be brought back."""

    group: str
    instance: str
    drop: str
    when: int
    """Milliseconds since 1970."""
    files: int
    bytes: int
    problem: str = ""
    """What is the matter with it, in words; empty where nothing is."""


class WellForm(Struct, frozen=True):
    """The answer to a health check."""

    status: str


class ErrorForm(Struct, frozen=True, rename="camel", kw_only=True):
    """Every error; programs look at the status alone, people read the rest."""

    status_code: int = 0
    error: str = ""
    message: list[str]


WELL = "ok"
"""What a health check is answered."""

PONG = b"pong"
"""The answer to a ping. An API ends itself at its start if it is another one."""
