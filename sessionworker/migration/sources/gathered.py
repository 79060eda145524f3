"""Accounts that were found on a server, as one source."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager

from msgspec import Struct, structs

from sessionworker.errors import NameNotAllowed
from sessionworker.migration.found import Account, Reading, Skipped
from sessionworker.migration.notes import Note
from sessionworker.migration.readers.collecting import shown
from sessionworker.names import check_name


class Entry(Struct, frozen=True):
    """An account, and how it is read."""

    account: Account
    read: Callable[[], Reading]


class Gathered:
    """A source of accounts that are known when it is opened."""

    def __init__(self, where: str, entries: Iterable[Entry], notes: Iterable[Note], resources: ExitStack) -> None:
        """Take what was found; `resources` are closed with it."""
        self.shown = where
        skipped = Skipped()
        allowed = [entry for entry in entries if _is_allowed(entry.account.name, skipped)]
        self._entries = {entry.account.origin: entry for entry in with_doubles_noted(allowed)}
        self._notes = [*notes, *skipped.notes()]
        self._resources = resources

    def accounts(self) -> list[Account]:
        """Return all accounts, sorted by their names."""
        found = (entry.account for entry in self._entries.values())
        return sorted(found, key=lambda one: (one.name, one.group, one.origin))

    def notes(self) -> list[Note]:
        """Return what is to be said of what is no account."""
        return list(self._notes)

    def read(self, account: Account) -> Reading:
        """Read all that an account holds."""
        return self._entries[account.origin].read()

    def close(self) -> None:
        """Let go of the servers."""
        self._resources.close()


@contextmanager
def kept() -> Iterator[ExitStack]:
    """Give a block what its source is to keep open. If the block fails, that is closed."""
    resources = ExitStack()
    try:
        yield resources
    except BaseException:
        resources.close()
        raise


def with_doubles_noted(entries: list[Entry]) -> list[Entry]:
    """Return accounts with a note of each other, where several have one name."""
    by_name: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        by_name[entry.account.name].append(entry)
    return [_noted(entry, by_name[entry.account.name]) for entry in entries]


def _noted(entry: Entry, all_of_name: list[Entry]) -> Entry:
    if len(all_of_name) == 1:
        return entry
    account = entry.account
    others = ", ".join(sorted(other.account.origin for other in all_of_name if other is not entry))
    note = Note("same_name_there", {"others": others, "name": account.name})
    return Entry(structs.replace(account, notes=(*account.notes, note)), entry.read)


def _is_allowed(name: str, skipped: Skipped) -> bool:
    try:
        check_name("instance", name)
    except NameNotAllowed:
        skipped.add("names_left", shown(name) or '""')
        return False
    return True
