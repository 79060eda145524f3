"""The token: where it comes from, and how one is made."""

from __future__ import annotations

import os
import re
import secrets
from pathlib import Path

from sessionworker.disk import opened_folder
from sessionworker.errors import StartError
from sessionworker.settings import Settings

TOKEN_FILE_NAME = "token"  # noqa: S105 - a file's name

_sendable = re.compile(r"[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?").fullmatch


def find_token(settings: Settings, ours: Path) -> tuple[bytes, Path | None]:
    """Return the token, and the file that it was read from if it was read from one.

    `ours` is the worker's own folder inside the store, where a token is made if none was given. Raises StartError for
    a token that no client could send in a header, or a file that cannot be read.
    """
    if settings.token is not None:
        return _check(settings.token, "GLOBAL_AUTH_TOKEN"), None
    path = settings.token_file or ours / TOKEN_FILE_NAME
    try:
        if settings.token_file is None and not path.exists():
            _make(path)
        return _check(path.read_text().strip(), f"The token file {path}"), path
    except UnicodeDecodeError:
        raise StartError(f"The token file {path} is not text.") from None
    except OSError as error:
        raise StartError(f"The token file {path} cannot be used: {error.strerror}.") from None


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


def _check(token: str, source: str) -> bytes:
    if not _sendable(token):
        raise StartError(f"{source} must hold one token: printable ASCII, no space at its ends, not empty.")
    return token.encode("ascii")
