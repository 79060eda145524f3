"""What is the matter with an instance, and what a person does about it: in the words of the store, and in ours."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from msgspec import Struct

from sessionworker.errors import (
    ConditionFailed,
    HeldElsewhere,
    LabelNotAllowed,
    NameNotAllowed,
    NoSpace,
    Overloaded,
    StoreUnavailable,
    WorkerError,
)


class Remedy(Enum):
    """What a person does; templates have a text for each."""

    CREDS = "creds"
    """Bring good `creds` back."""
    FOLDER = "folder"
    """Put its folder back, or let the worker read it."""
    TWO_FOLDERS = "two folders"
    """Move one of them elsewhere."""
    RESTART = "restart"
    """Start the worker again."""
    ROOM = "room"
    """Let its files follow."""
    LOG = "log"
    """Look into the worker's log: more is not known here."""


UNREADABLE = "its folder cannot be read: {reason}"
"""The reason is one of PROBLEMS or SYSTEM, or other words of the system."""

SYSTEM: Mapping[str, Remedy] = {
    "Input/output error": Remedy.FOLDER,
    "Is a directory": Remedy.FOLDER,
    "No such file or directory": Remedy.FOLDER,
    "Not a directory": Remedy.FOLDER,
    "Permission denied": Remedy.FOLDER,
    "Read-only file system": Remedy.ROOM,
    "Too many levels of symbolic links": Remedy.FOLDER,
    "Too many open files": Remedy.LOG,
}
"""What Linux says where a disk or its permissions refuse something (glibc's strerror), and what is done about it."""

PROBLEMS: Mapping[str, Remedy] = {
    "its creds are broken, and no older version is left": Remedy.CREDS,
    "its folder could not be looked at when the worker started, and the journal holds changes of it; start it again": (
        Remedy.RESTART
    ),
    "two folders have its name": Remedy.TWO_FOLDERS,
    "two folders have its id": Remedy.TWO_FOLDERS,
    "another instance has its id": Remedy.TWO_FOLDERS,
    "another folder stands in its place": Remedy.FOLDER,
    "it was made for another instance": Remedy.FOLDER,
    "its folder has more than one id": Remedy.FOLDER,
    "it has more than one id": Remedy.FOLDER,
    "it could not be made": Remedy.LOG,
    NoSpace.message: Remedy.ROOM,
    StoreUnavailable.message: Remedy.ROOM,
}
"""What the store says of instances and groups, and what is done about it."""


_REFUSED = (
    WorkerError,
    NameNotAllowed,
    LabelNotAllowed,
    HeldElsewhere,
    ConditionFailed,
    Overloaded,
    StoreUnavailable,
    NoSpace,
)

REFUSALS = frozenset(one.message for one in _REFUSED)
"""What the worker says where it does not do what a person asked the page for; others are shown in English."""

_REASONS = {**PROBLEMS, **SYSTEM}

TRANSLATED = _REASONS.keys() | REFUSALS


class Told(Struct, frozen=True):
    """A problem, taken apart."""

    text: str
    """Which is translated; empty for what only the store has words for."""
    reason: str
    """Stands in the text, or for it."""
    remedy: Remedy


def explain(problem: str) -> Told:
    """Take apart what the store says of an instance or a group."""
    if problem in PROBLEMS:
        return Told(problem, "", PROBLEMS[problem])
    start = UNREADABLE.partition("{")[0]
    if problem.startswith(start):
        reason = problem.removeprefix(start)
        return Told(UNREADABLE, reason, _REASONS.get(reason, Remedy.FOLDER))
    return Told("", problem, Remedy.LOG)
