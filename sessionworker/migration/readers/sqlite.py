"""Reads a SQLite database as it is at one moment, and leaves nothing beside it.

SQLite keeps files of its own beside a database: `-wal` holds what is not in it yet, `-journal` what has to be undone.
Who opens a database that nobody has open makes such files, even to read it, so it is read in a copy then. One that is
open elsewhere is read in its place: a copy of it would not be of one moment.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from sessionworker.migration.found import SourceError

MAGIC = b"SQLite format 3\0"

PATIENCE = 5.0
"""Seconds to wait for a write to end."""

_WAL = 2
"""What the header says at this place of a database that has a write-ahead log."""
_WRITE_VERSION = 18

_BESIDE = ("-wal", "-journal")


def is_database(path: Path) -> bool:
    """Tell whether a file is a SQLite database."""
    return _head(path).startswith(MAGIC)


@contextmanager
def opened_database(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a database for a block, in which it does not change. Raises SourceError, also for what the block finds.

    Texts are bytes: some writers' are not UTF-8.
    """
    with ExitStack() as stack:
        try:
            if not is_database(path):
                raise SourceError(f"{path} is no SQLite database.")
            yield _in_its_place(path, stack) or _in_a_copy(path, stack)
        except sqlite3.Error as error:
            raise SourceError(f"{path} cannot be read as a SQLite database: {error}.") from error
        except OSError as error:
            raise SourceError(f"{path} cannot be read: {error.strerror}.") from error


def _in_its_place(path: Path, stack: ExitStack) -> sqlite3.Connection | None:
    """Open a database where it lies, if that makes no file; None where it does, or where a crash has to be undone."""
    if _has_log(path) and not Path(f"{path}-shm").exists():
        return None
    with ExitStack() as own:
        try:
            connection = own.enter_context(_connected(path, "mode=ro"))
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_BUSY:
                raise
            return None
        stack.enter_context(own.pop_all())
    return connection


def _in_a_copy(path: Path, stack: ExitStack) -> sqlite3.Connection:
    copy = Path(stack.enter_context(TemporaryDirectory(prefix="sessionworker-")), "copy.db")
    shutil.copyfile(path, copy)
    for ending in _BESIDE:
        with suppress(FileNotFoundError):
            shutil.copyfile(f"{path}{ending}", f"{copy}{ending}")
    return stack.enter_context(_connected(copy, "mode=rw"))


def tables_of(connection: sqlite3.Connection) -> set[str]:
    """Return the names of a database's tables."""
    rows = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
    return {text_of(name) for (name,) in rows}


def text_of(value: object) -> str:
    """Return what a column holds as text."""
    return bytes_of(value).decode(errors="surrogateescape")


def bytes_of(value: object) -> bytes:
    """Return what a column holds as bytes: of one and the same column, some rows are texts and some are blobs."""
    if isinstance(value, bytes):
        return value
    return b"" if value is None else str(value).encode()


def _has_log(path: Path) -> bool:
    return _head(path)[_WRITE_VERSION : _WRITE_VERSION + 1] == bytes([_WAL])


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(100)


@contextmanager
def _connected(path: Path, how: str) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?{how}", uri=True, timeout=PATIENCE, isolation_level=None)
    try:
        connection.text_factory = bytes
        connection.execute("BEGIN")
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()  # the moment is that of the first question
        yield connection
    finally:
        connection.close()
