"""The tokens: where they come from, and how one is made.

A variable holds one token. A file holds one in each line, so that a new one can be in force beside the old one. What
stands before the first colon of such a line are the groups that an API's token is for, with commas between them, each
escaped as in a path; `*` stands for all, for a token that has a colon itself.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote

from sessionworker.access import Role, Token
from sessionworker.checks import shown
from sessionworker.disk import opened_folder
from sessionworker.errors import NameNotAllowed, StartError
from sessionworker.names import check_name
from sessionworker.options import TOKEN_VARIABLES
from sessionworker.settings import Settings

TOKEN_FILE_NAME = "token"  # noqa: S105 - a file's name

ALL_GROUPS = "*"

_sendable = re.compile(r"[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?").fullmatch


class Found(NamedTuple):
    """The tokens that are in force."""

    tokens: Sequence[Token]
    file: Path | None
    """The file that an API's were read from, if they were."""


def find_tokens(settings: Settings, ours: Path | None, *, may_make: bool = True) -> Found:
    """Return the tokens, and the file that an API's were read from if they were.

    `ours` is the worker's own folder inside the store, if that has one: there a token is made, with `may_make`, if none
    was given to an API. Raises StartError for a token that no client could send in a header, one that stands for two
    things, or a file that cannot be read.
    """
    tokens = [token for role in Role for token in _given(role, settings)]
    file = settings.tokens[Role.API].file
    if not settings.tokens[Role.API].is_given:
        if ours is None:
            raise StartError(
                f"A token has to be given, in {TOKEN_VARIABLES[Role.API]} or a file: all workers on one database take "
                "the same, so none of them makes one."
            )
        file = ours / TOKEN_FILE_NAME
        tokens += read_tokens(Role.API, file, may_make=may_make)
    _check_apart(tokens)
    return Found(tokens, file)


def _given(role: Role, settings: Settings) -> Iterator[Token]:
    source = settings.tokens[role]
    if source.value is not None:
        yield Token(role, _secret(source.value, TOKEN_VARIABLES[role]))
    elif source.file is not None:
        yield from read_tokens(role, source.file)


def read_tokens(role: Role, path: Path, *, may_make: bool = False) -> list[Token]:
    """Return the tokens in a file, at least one; with `may_make` one is made if it is missing. Raises StartError."""
    try:
        if may_make and not path.exists():
            _make(path)
        text = path.read_text(encoding="utf-8-sig")  # editors on Windows put a mark before the first line
    except UnicodeDecodeError:
        raise StartError(f"The token file {path} is not text.") from None
    except OSError as error:
        raise StartError(f"The token file {shown(path)} cannot be used: {error.strerror}.") from None
    lines = [(number, line.strip()) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    if not lines:
        raise StartError(f"The token file {path} is empty.")
    return [_read_line(role, line, f"Line {number} of the token file {path}") for number, line in lines]


def _read_line(role: Role, line: str, source: str) -> Token:
    names, colon, secret = line.partition(":")
    if not colon or role is not Role.API:
        return Token(role, _secret(line, source))
    if names == ALL_GROUPS:
        return Token(role, _secret(secret, source))
    try:
        escaped = (name.strip() for name in names.split(","))
        groups = frozenset(check_name("group", unquote(name, errors="strict")) for name in escaped)
    except (NameNotAllowed, UnicodeDecodeError):
        raise StartError(
            f"{source} names groups before its colon that cannot be. A token that has a colon itself is written as "
            f"'{ALL_GROUPS}:' and the token."
        ) from None
    return Token(role, _secret(secret, source), groups)


def _check_apart(tokens: Sequence[Token]) -> None:
    """Raise StartError if one token stands for two things."""
    seen: dict[bytes, Token] = {}
    for token in tokens:
        other = seen.setdefault(token.secret, token)
        if other.role is not token.role:
            raise StartError(f"The same token is given out as {other.role.value} and as {token.role.value}.")
        if other.groups != token.groups:
            raise StartError("The same token is given out for different groups. Name all of them in one line.")


def _make(path: Path) -> None:
    """Write a new random token, whole or not at all, readable by the owner alone."""
    temporary = path.with_name(f".{path.name}.new")
    temporary.unlink(missing_ok=True)
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(secrets.token_urlsafe(32) + "\n")
        file.flush()
        os.fsync(file.fileno())
    temporary.rename(path)
    with opened_folder(str(path.parent)) as folder:
        os.fsync(folder)


def _secret(token: str, source: str) -> bytes:
    if not _sendable(token):
        raise StartError(f"{source} must hold one token: printable ASCII, no space at its ends, not empty.")
    return token.encode("ascii")
