"""Accounts that each lie in a place of their own, as one source: what the sources in files have in common."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from msgspec import Struct, structs

from sessionworker.errors import NameNotAllowed
from sessionworker.migration.found import Account, Reading, Skipped, SourceError
from sessionworker.migration.notes import Note
from sessionworker.migration.readers.collecting import shown
from sessionworker.migration.readers.folder import Layout, read_folder
from sessionworker.names import CREDS, check_name


class Place(Struct, frozen=True):
    """Where an account lies, and how it is read."""

    account: Account
    read: Callable[[], Reading]
    written: float = 0
    """When its creds were written for the last time, in seconds since the epoch."""


class Places:
    """A source of accounts that each lie in a place of their own."""

    def __init__(self, where: Path, places: Iterable[Place], notes: Iterable[Note]) -> None:
        """Take the places that were found, and what is to be said of the rest."""
        self.shown = shown(str(where))
        self._places = {place.account.origin: place for place in _with_doubles_noted(list(places))}
        self._notes = list(notes)

    def accounts(self) -> list[Account]:
        """Return all accounts, sorted by their names."""
        found = [place.account for place in self._places.values()]
        return sorted(found, key=lambda one: (one.name, one.group, one.origin))

    def notes(self) -> list[Note]:
        """Return what is to be said of what is no account."""
        return list(self._notes)

    def read(self, account: Account) -> Reading:
        """Read all that an account holds."""
        return self._places[account.origin].read()

    def close(self) -> None:
        """Let go of nothing: nothing is open."""


def _with_doubles_noted(places: list[Place]) -> list[Place]:
    by_name: dict[tuple[str, str], list[Place]] = defaultdict(list)
    for place in places:
        by_name[place.account.group, place.account.name].append(place)
    return [_noted(place, by_name[place.account.group, place.account.name]) for place in places]


def _noted(place: Place, all_of_name: list[Place]) -> Place:
    if len(all_of_name) == 1:
        return place
    others = ", ".join(sorted(other.account.origin for other in all_of_name if other is not place))
    newest = max(all_of_name, key=lambda other: other.written).account.origin
    note = Note("same_name", {"others": others, "name": place.account.name, "newest": newest})
    return structs.replace(place, account=structs.replace(place.account, notes=(*place.account.notes, note)))


class Contents(Struct):
    """What a folder holds, without what is hidden."""

    folders: list[Path]
    files: list[str]


def contents_of(path: Path) -> Contents:
    """List a folder, sorted. Raises SourceError."""
    try:
        found = sorted(path.iterdir())
        folders = [one for one in found if one.is_dir() and not one.name.startswith(".")]
    except FileNotFoundError:
        raise SourceError(f"{shown(str(path))} is not there.") from None
    except NotADirectoryError:
        raise SourceError(f"{shown(str(path))} is no folder.") from None
    except OSError as error:
        raise SourceError(f"{shown(str(path))} cannot be read: {error.strerror}.") from error
    names = {one.name for one in found if not one.name.startswith(".")}
    return Contents(folders, sorted(names - {folder.name for folder in folders}))


class Finding:
    """Collects the accounts of a place, and what is to be said of the rest."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.skipped = Skipped()
        self.notes: list[Note] = []
        self._places: list[Place] = []
        self._origins: Counter[str] = Counter()

    def add(self, account: Account, read: Callable[[], Reading], creds: Path) -> None:
        """Add an account, or note that its name, or its group's, is not allowed."""
        try:
            check_name("instance", account.name)
            if account.group:
                check_name("group", account.group)
        except NameNotAllowed:
            self.skipped.add("names_left", account.origin)
            return
        self._origins[account.origin] += 1
        number = self._origins[account.origin]
        if number > 1:  # they differ in what cannot be shown
            account = structs.replace(account, origin=f"{account.origin} ({number})")
        self._places.append(Place(account, read, _written_at(creds)))

    def add_folder(
        self,
        folder: Path,
        layout: Layout,
        *,
        name: str,
        group: str = "",
        use_bak: bool = False,
        notes: tuple[Note, ...] = (),
    ) -> None:
        """Add the account that lies in a folder."""
        account = Account(name=name, origin=shown(str(folder)), group=group, notes=notes)
        self.add(account, lambda: read_folder(folder, layout, use_bak=use_bak), folder / f"{CREDS}{layout.ending}")

    @property
    def has_any(self) -> bool:
        """Whether there is an account."""
        return bool(self._places)

    @property
    def are_empty(self) -> bool:
        """Whether no account holds anything."""
        return all(place.account.is_empty for place in self._places)

    def source(self, where: Path, instance: str = "") -> Places:
        """Return what was found. `instance` is the name that the operator gives the only account."""
        if instance and len(self._places) != 1:
            raise SourceError(f"--instance names one account, and there are {len(self._places)}; leave it out.")
        return Places(where, self._places, [*self.notes, *self.skipped.notes()])


def _written_at(path: Path) -> float:
    with suppress(OSError):
        return path.stat().st_mtime
    return 0
