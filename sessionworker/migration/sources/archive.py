"""The worker's own archive as a source: what `export archive` and `backup` write."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from sessionworker.migration.archives.encryption import Unlock
from sessionworker.migration.archives.reading import Instance, Reader
from sessionworker.migration.archives.records import ArchiveError
from sessionworker.migration.found import Account, Reading, SourceError
from sessionworker.migration.notes import Note
from sessionworker.migration.readers.collecting import shown


def open_archive(place: Path, *, identities: Path | None = None, passphrase: str = "") -> ArchiveSource:
    """Open an archive; `identities` is a file with keys of age. Raises SourceError."""
    return ArchiveSource(place, Unlock(identities, passphrase))


class ArchiveSource:
    """An archive. Accounts come in the order in which they lie there, and are read forwards."""

    def __init__(self, place: Path, unlock: Unlock) -> None:
        """Read it once, to see that it is whole, and what is in it. Raises SourceError."""
        self.shown = shown(str(place))
        self._place = place
        self._unlock = unlock
        self._reader: Reader | None = None
        self._left: Iterator[Instance] = iter(())
        self._accounts: list[Account] = []
        try:
            self._look()
        finally:
            self.close()

    def _look(self) -> None:
        for one in self._all():
            origin = f"{shown(one.group)}/{shown(one.name)}"
            damaged = {"archive_damaged": not one.is_whole, "label_damaged": one.label is None}
            notes = tuple(Note(code) for code, is_so in damaged.items() if is_so)
            account = Account(one.name, origin, one.group, one.label or "", is_empty=not one.values, notes=notes)
            self._accounts.append(account)

    def accounts(self) -> list[Account]:
        """Return all accounts."""
        return self._accounts

    def notes(self) -> list[Note]:
        """Return nothing: all is said of the accounts."""
        return []

    def read(self, account: Account) -> Reading:
        """Read an account: in their order all of them are read in one go. Raises SourceError."""
        for is_again in (False, True):
            for one in self._all() if is_again else self._left:
                if (one.group, one.name) == (account.group, account.name):
                    if one.is_whole or Note("archive_damaged") in account.notes:
                        return Reading(one.values)
                    break  # it was whole when it was looked at
        raise SourceError(f"{self.shown} has changed meanwhile.")

    def close(self) -> None:
        """Let go of the file."""
        self._left = iter(())
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    def _all(self) -> Iterator[Instance]:
        self.close()
        try:
            self._reader = Reader(self._place, self._unlock)
            self._left = self._told(self._reader.instances())
        except ArchiveError as error:
            raise SourceError(str(error)) from None
        return self._left

    def _told(self, instances: Iterator[Instance]) -> Iterator[Instance]:
        try:
            yield from instances
        except ArchiveError as error:
            raise SourceError(str(error)) from None
