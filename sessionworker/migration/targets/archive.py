"""The worker's own archive as a target."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO

from sessionworker.migration.archives.encryption import Lock
from sessionworker.migration.archives.records import ArchiveError
from sessionworker.migration.archives.writing import writing, writing_file
from sessionworker.migration.notes import Note
from sessionworker.migration.readers.collecting import shown
from sessionworker.migration.targets.target import TargetError


class ArchiveTarget:
    """An archive, to a file or a stream. A file takes its place once it is finished. All methods raise TargetError."""

    takes_all = True

    def __init__(self, place: Path | BinaryIO, lock: Lock, *, is_compressed: bool) -> None:
        """Begin it."""
        self.shown = shown(str(place)) if isinstance(place, Path) else "the standard output"
        self._stack = ExitStack()
        with self._told():
            opened = (
                writing_file(place, lock, is_compressed=is_compressed)
                if isinstance(place, Path)
                else writing(place, lock, is_compressed=is_compressed)
            )
            self._writer = self._stack.enter_context(opened)

    def write(self, account_name: str, group: str, values: Mapping[str, bytes], label: str = "") -> list[Note]:
        """Add an account, also an empty one. One that fails is the last: a part of it may be written."""
        with self._told():
            self._writer.add(group, account_name, values, label)
        return []

    def finish(self) -> None:
        """Put it into its place."""
        with self._told():
            self._writer.finish()
            self._stack.close()

    def close(self) -> None:
        """Let go of it."""
        with self._told():
            self._stack.close()

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except ArchiveError as error:
            raise TargetError(str(error)) from None
        except OSError as error:
            raise TargetError(f"{self.shown} cannot be written: {error.strerror}.") from None
