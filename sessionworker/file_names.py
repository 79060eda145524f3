"""The file name that a name has, and back.

A name is its own file name. `%XX` stands for the bytes that a file name cannot hold, and for what would be mistaken:
`/`, NUL, `%` in a name that would be read as another one, and the first letter of a name that is not free: one that
begins like the worker's own, or the folders that ext4 keeps at the root of each volume, and 0.1.0 in each instance. So
a folder of session-manager is used in place, and can be given back: its files have the names that the keys have.
"""

from __future__ import annotations

import re
from urllib.parse import unquote

from sessionworker.errors import NameNotAllowed

OURS = ".sessionworker"
"""What the names of the worker's own files and folders begin with, wherever they lie."""

LONGEST_FILE_NAME = 255
"""Bytes that one file name may have on Linux (NAME_MAX, see pathconf(3))."""

_NO_NAME = ("", ".", "..")
_NOT_FREE = ("lost+found", ".versions", ".aside")  # the last two are 0.1.0's own, in each instance
_to_escape = re.compile(r"[/\x00%]")
_plain = re.compile(r"[A-Za-z0-9_@:+=,~-][A-Za-z0-9_@:+=,~.-]{0,199}").fullmatch


def encode_name(name: str) -> str:
    """Give the file name for `name`. Raises NameNotAllowed for text that UTF-8 cannot hold (lone surrogates)."""
    if _plain(name) and name != "lost+found":
        return name
    try:
        name.encode()
    except UnicodeEncodeError:
        raise NameNotAllowed("A name must be text that UTF-8 can hold.") from None
    if "/" not in name and "\x00" not in name and decode_name(name) == name:
        return name
    encoded = _to_escape.sub(_escape, name)
    if _is_not_free(encoded):
        return f"%{ord(encoded[0]):02X}{encoded[1:]}"
    return encoded


def decode_name(file_name: str) -> str | None:
    """Give the name that a file name stands for, or None if it stands for none: not UTF-8, or not free.

    Spellings with more escapes than are needed are understood: 0.1.0 and session-manager made such names. Escapes that
    no name can come from stand for themselves: session-manager makes a folder under whatever name it is told.
    """
    if _is_not_free(file_name) or file_name in _NO_NAME:
        return None
    try:
        file_name.encode()
    except UnicodeEncodeError:
        return None
    try:
        name = unquote(file_name, errors="strict") if "%" in file_name else file_name
    except UnicodeDecodeError:
        return file_name
    return file_name if name in _NO_NAME else name


def _is_not_free(file_name: str) -> bool:
    return file_name.startswith(OURS) or file_name in _NOT_FREE


def _escape(match: re.Match[str]) -> str:
    return f"%{ord(match[0]):02X}"
