"""What a group, an instance and a key may be called."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import NamedTuple

from sessionworker.errors import LabelNotAllowed, NameNotAllowed
from sessionworker.file_names import LONGEST_FILE_NAME, encode_name

_plain = re.compile(r"[A-Za-z0-9_@:+=,~-][A-Za-z0-9_@:+=,~.-]{0,199}").fullmatch

_SURELY_SHORT = LONGEST_FILE_NAME // 4 - 1
"""Characters that fit into a file name, whatever they are. 5,000 odd names are looked at in half of the time so."""

KEY_TYPES = (
    "app-state-sync-key",
    "app-state-sync-version",
    "creds",
    "device-list",
    "identity-key",
    "lid-mapping",
    "pre-key",
    "sender-key-memory",  # before sender-key, which it begins with
    "sender-key",
    "session",
    "tctoken",
)
"""The types of keys that Baileys 6 and 7 write: a key is `creds`, or one of the others, a dash and an id."""


LONGEST_LABEL = 100
"""Characters of what an operator calls an instance."""

_NOT_IN_LABELS = {"Cc", "Cs", "Zl", "Zp"}
"""Unicode's categories of what controls something, of half a character, and of what ends a line."""

_TURNING = {*"\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"}
"""What turns the direction of all that follows: it would change how the rest of a page or a line reads."""

CREDS = "creds"
"""The key of an account's identity. It is the one that must never be lost."""


class SessionFile(NamedTuple):
    """One session file: the place of one value."""

    group: str
    instance: str
    key: str


@lru_cache(maxsize=4096)
def check_name(what: str, name: str) -> str:
    """Return the name of a group or an instance if it is allowed.

    `what` is "group" or "instance", for the message. Raises NameNotAllowed.
    """
    if not name:
        raise NameNotAllowed(f"The name of {_article(what)} cannot be empty.")
    if name in {".", ".."} or "/" in name or "\x00" in name:
        raise NameNotAllowed(f"The name of {_article(what)} cannot be '.' or '..', or hold a slash or NUL.")
    _check_length(what, name)
    return name


def check_key(key: str) -> str:
    """Return `key` if it is allowed: slashes are, anywhere, but not `.` or `..` between them. Raises NameNotAllowed."""
    if _plain(key):
        return key
    if not key:
        raise NameNotAllowed("A key cannot be empty.")
    if "\x00" in key:
        raise NameNotAllowed("A key cannot hold NUL.")
    if "." in key and not {".", ".."}.isdisjoint(key.split("/")):
        raise NameNotAllowed("A key cannot hold '.' or '..' as one of its parts.")
    _check_length("key", key)
    return key


def check_label(label: str) -> str:
    """Return what an operator calls an instance, if that is allowed, without spaces at its ends; it may be empty.

    Raises LabelNotAllowed.
    """
    if len(label) > LONGEST_LABEL or not _TURNING.isdisjoint(label):
        raise LabelNotAllowed
    if any(unicodedata.category(character) in _NOT_IN_LABELS for character in label):
        raise LabelNotAllowed
    return label.strip()


def type_of_key(key: str) -> str:
    """Return the type of a key, or "other"."""
    return next((kind for kind in KEY_TYPES if key == kind or key.startswith(f"{kind}-")), "other")


def _article(what: str) -> str:
    return f"an {what}" if what[0] in "aeiou" else f"a {what}"


def _check_length(what: str, name: str) -> None:
    if len(name) <= _SURELY_SHORT and (name.isascii() or name.isprintable()):  # no lone surrogate is printable
        return
    # Escapes make none shorter. Asked first: to look for them in a name of a whole body took 30 ms.
    if len(name) > LONGEST_FILE_NAME or len(encode_name(name).encode()) > LONGEST_FILE_NAME:
        raise NameNotAllowed(
            f"The name of {_article(what)} is too long: with its escapes it may have {LONGEST_FILE_NAME} bytes."
        )
