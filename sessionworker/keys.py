"""The keys that a store is sealed with: where they come from, and how one is made.

A key is 32 random bytes, written in base64. A file has one in each line, the first of which is the one that seals; what
begins with # is for people. A line `plain` stands for no seal at all: as the first one it has the store unsealed, after
a key it has what is plain taken for a value until all is sealed.
"""

from __future__ import annotations

import os
from base64 import b64decode, b64encode
from pathlib import Path

from sessionworker.checks import shown
from sessionworker.disk import opened_folder
from sessionworker.errors import StartError
from sessionworker.options import KEY_VARIABLE
from sessionworker.settings import Source
from sessionworker.stores.seal import KEY_BYTES, Key, KeyRing

PLAIN = "plain"

HEAD = """\
# The keys of a sessionworker: the first one seals, any opens. Whoever reads them and the store can take over its
# WhatsApp accounts; without them nobody can read it any more, you included. Keep a copy elsewhere.
"""


def find_keys(source: Source) -> KeyRing | None:
    """Return the keys that are given, or None where none is. Raises StartError for what is none."""
    if source.value is not None:
        return read_keys(source.value, KEY_VARIABLE)
    if source.file is None:
        return None
    return read_keys(_read(source.file), f"the key file {source.file}")


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except UnicodeDecodeError:
        raise StartError(f"The key file {path} is not text.") from None
    except OSError as error:
        raise StartError(f"The key file {shown(path)} cannot be read: {error.strerror}.") from None


def read_keys(text: str, source: str) -> KeyRing:
    """Return the keys in a text, one a line. Raises StartError; what it says never holds a key."""
    lines = [(number, line.strip()) for number, line in enumerate(text.splitlines(), 1)]
    said = [(number, line) for number, line in lines if line and not line.startswith("#")]
    keys = [_read_key(line, f"Line {number} of {source}") for number, line in said if line != PLAIN]
    if not keys:
        raise StartError(f"There is no key in {source}. 'sessionworker-key make' writes one.")
    if len({key.name for key in keys}) < len(keys):
        raise StartError(f"Two keys in {source} are the same.")
    is_plain_first = said[0][1] == PLAIN
    return KeyRing(keys, writes_plain=is_plain_first, admits_plain=any(line == PLAIN for _, line in said))


def _read_key(line: str, source: str) -> Key:
    try:
        return Key(b64decode(line, validate=True))
    except ValueError:
        raise StartError(
            f"{source} is no key: one is {KEY_BYTES} random bytes in base64, as 'openssl rand -base64 32' writes them."
        ) from None


def make_key(path: Path) -> Key:
    """Put a new key in front of those in a file, which is made if it is missing; whole or not at all.

    Raises StartError where there is something else in the file, or OSError.
    """
    lines = HEAD.splitlines()
    if path.exists():
        text = _read(path)
        read_keys(text, f"the key file {path}")
        lines = text.splitlines()
    secret = os.urandom(KEY_BYTES)
    said = [number for number, line in enumerate(lines) if line.strip() and not line.strip().startswith("#")]
    lines.insert(said[0] if said else len(lines), b64encode(secret).decode())
    _write(path, "\n".join(lines) + "\n")
    return Key(secret)


def _write(path: Path, text: str) -> None:
    temporary = path.with_name(f".{path.name}.new")
    temporary.unlink(missing_ok=True)
    try:
        _write_new(temporary, path, text)
        temporary.rename(path)
    except BaseException:  # else keys would lie about in it
        temporary.unlink(missing_ok=True)
        raise
    with opened_folder(str(path.parent)) as folder:
        os.fsync(folder)


def _write_new(temporary: Path, path: Path, text: str) -> None:
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(text)
        file.flush()
        os.fchmod(file.fileno(), 0o600)  # whatever the umask
        if path.exists():  # who may read it stays as it was
            status = path.stat()
            os.fchmod(file.fileno(), status.st_mode & 0o777)
            os.fchown(file.fileno(), status.st_uid, status.st_gid)
        os.fsync(file.fileno())
