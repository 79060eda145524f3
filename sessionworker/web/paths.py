"""Raw paths: which route one belongs to, and which session file it names. They are read nowhere else."""

from __future__ import annotations

import re
from urllib.parse import unquote_to_bytes

from sessionworker.access import Right
from sessionworker.errors import NameNotAllowed, NotFound, RequestNotAllowed
from sessionworker.names import SessionFile, check_key, check_name

PARTS_BEFORE_KEY = 4
"""`/session/G/I/K` split at its slashes: an empty part, `session`, the group and the instance, then the key."""

EVENTS = b"/admin/events"
"""The one path that takes a query; see `read_after`."""

_after = re.compile(rb"(?:\?(?:after=([0-9]{0,18}))?)?").fullmatch

_any_slash = re.compile("/|%2f", re.IGNORECASE)


def is_session_file(path: bytes) -> bool:
    """Tell whether a raw path is one of a session file: `/session/G/I/K`, the last part with any slashes."""
    return path.startswith(b"/session/") and path.count(b"/") >= PARTS_BEFORE_KEY


def read_path(path: bytes) -> SessionFile:
    """Return the session file that a raw path names. Raises NameNotAllowed."""
    _, _, group, instance, key = path.split(b"/", PARTS_BEFORE_KEY)
    return SessionFile(
        check_name("group", _text(group)), check_name("instance", _text(instance)), check_key(_text(key))
    )


def is_instance(path: bytes) -> bool:
    """Tell whether a raw path is one of an instance: `/session/G/I`."""
    is_as_long = path.count(b"/") == PARTS_BEFORE_KEY - 1 and not path.endswith(b"/")
    return path.startswith(b"/session/") and is_as_long


def read_place(path: bytes) -> tuple[str, str]:
    """Return the group and the instance that a raw path names. Raises NameNotAllowed."""
    _, _, group, instance = path.split(b"/")
    return check_name("group", _text(group)), check_name("instance", _text(instance))


def _text(part: bytes) -> str:
    try:
        return (unquote_to_bytes(part) if b"%" in part else part).decode()
    except UnicodeDecodeError:
        raise NameNotAllowed("A path must be UTF-8, escaped as %XX.") from None


def read_after(uri: bytes) -> int:
    """Return the number in the query of EVENTS, -1 where there is none. Raises RequestNotAllowed."""
    query = _after(uri.removeprefix(EVENTS))
    if query is None:
        raise RequestNotAllowed("This path takes one query: ?after= and the number of an event.")
    return int(query[1] or -1)


def check_path(path: bytes, uri: bytes) -> None:
    """Refuse a raw path that means nothing here, or two things. Raises NotFound, RequestNotAllowed, NameNotAllowed."""
    if not path.startswith(b"/") or path.startswith(b"//"):
        raise NotFound
    if path not in {uri, b"/ping", EVENTS}:
        raise RequestNotAllowed("This path takes no query. A '?' in a key is sent as %3F.")
    if not path.isascii():
        raise RequestNotAllowed("A path holds ASCII only; anything else is sent as %XX, in UTF-8.")
    if b"%" in path:
        _check_escapes(path)


def _check_escapes(path: bytes) -> None:
    # The tree decodes before it routes, so an escaped slash in a name would make another name of what follows it.
    names = path if path.startswith(b"/admin/") else b"/".join(path.split(b"/", PARTS_BEFORE_KEY)[:PARTS_BEFORE_KEY])
    if b"%2f" in names.lower():
        raise NameNotAllowed("The name of a group or an instance cannot hold a slash.")
    try:
        unquote_to_bytes(path).decode()
    except UnicodeDecodeError:
        raise NameNotAllowed("A path must be UTF-8, escaped as %XX.") from None
    if b"%" in path.split(b"/", 2)[1]:
        raise NotFound  # the tree undoes escapes, and would find a route whose right nobody asked for


def route_of(path: bytes) -> str:
    """Return the route that a raw path belongs to, as the metrics name it."""
    if is_session_file(path):
        return "/session/G/I/K"
    if path in {b"/ping", b"/health", b"/metrics", b"/session"}:
        return path.decode()
    if path.startswith(b"/admin/"):
        return "/admin"
    if path.startswith(b"/session/"):
        if path.endswith(b"/list-instances"):
            return "/session/G/list-instances"
        return "/session/G/I" if is_instance(path) else "/session/G"
    return "other"


def right_to(method: bytes, path: bytes) -> Right | None:
    """Return the right that a method of a raw path asks for; None where any token will do, for nothing is there."""
    if path == b"/session" or path.startswith(b"/session/"):
        return Right.STORE
    if path == b"/metrics" or path.startswith(b"/admin/"):
        return Right.LOOK if method in {b"GET", b"HEAD"} else Right.CHANGE
    return None


def group_in(path: bytes) -> str | None:
    """Return the group that a raw path of `/session/` names, which `check_path` let pass; None where it names none."""
    return _text(path.split(b"/", 3)[2]) if path.startswith(b"/session/") else None


def loggable(path: bytes) -> str:
    """Return a raw path without what stands in the place of a key: that holds phone numbers."""
    if route_of(path) == "other":
        return "/..."  # where a proxy takes away the beginning of a path, a key may stand anywhere
    shown = path.decode("ascii", "backslashreplace")
    parts = _any_slash.split(shown, maxsplit=PARTS_BEFORE_KEY)
    return "/".join([*parts[:PARTS_BEFORE_KEY], "..."][: len(parts)])
