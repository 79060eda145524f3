"""The list of instances: searched, filtered, sorted, and a page of it at a time."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, TypeVar
from urllib.parse import unquote, urlsplit

from msgspec import Struct

from sessionworker.stores.rules.versions import DAY

T = TypeVar("T")

A_PAGE = 50
"""Rows of a page."""

SILENT = 14 * DAY
"""Milliseconds without a write after which an instance counts as silent."""

LARGEST = 5
"""What takes most room is named, where there is none left."""

STATES = ("trouble", "identity", "unpaired", "silent", "well")
"""What a row may be, what needs a person first."""

SORTS = ("state", "name", "written", "files", "size")

_LONGEST_NUMBER = 7

_IN_A_MANAGER = re.compile(r"/manager/instance/([^/]+)").search
"""Evolution API's manager has the id under which it stores in its address."""


class Row(Struct, frozen=True, gc=False):
    """An instance."""

    group: str
    name: str
    label: str
    state: str
    """One of STATES."""
    files: int | None
    bytes: int | None
    last_write: int | None
    """Milliseconds since 1970; 0 or None where it is not known."""
    types: Mapping[str, int]
    problem: str


class Rows:
    """All instances, counted and sorted once for all who look: with thousands that takes as long as many writes."""

    def __init__(self, rows: Sequence[Row], groups: Sequence[str]) -> None:
        """Take them, and the names of all groups."""
        self.groups = groups
        self.by_place = {(row.group, row.name): row for row in rows}
        self.counts = Counter(row.state for row in rows)
        self._sorted = {SORTS[0]: sorted(rows, key=_keys[SORTS[0]])}

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.by_place)

    def sorted(self, sort: str) -> Sequence[Row]:
        """Return all of them in an order of SORTS."""
        if sort not in self._sorted:
            self._sorted[sort] = sorted(self.by_place.values(), key=_keys[sort])
        return self._sorted[sort]


class Query(Struct, frozen=True):
    """What is looked for."""

    text: str = ""
    group: str = ""
    state: str = ""
    sort: str = "state"
    number: int = 1
    """Of the page, from 1 on."""


class Page(Struct, Generic[T], frozen=True):
    """Some of those that were found."""

    rows: Sequence[T]
    found: int
    number: int
    count: int
    """Of pages, 1 at least."""


def read_query(arguments: Mapping[str, str]) -> Query:
    """Return what a URL asks for; what makes no sense is left out."""
    return Query(
        text=_searched(arguments.get("q", "").strip()),
        group=arguments.get("group", ""),
        state=state if (state := arguments.get("state", "")) in STATES else "",
        sort=sort if (sort := arguments.get("sort", "")) in SORTS else SORTS[0],
        number=read_number(arguments.get("page", "")),
    )


def read_number(text: str) -> int:
    """Return the number of a page, 1 for what is none."""
    is_number = text.isascii() and text.isdigit() and len(text) < _LONGEST_NUMBER
    return max(1, int(text)) if is_number else 1


def _searched(text: str) -> str:
    """Return what is searched for: of an address of Evolution's manager the id in it."""
    if "://" in text:
        try:
            found = _IN_A_MANAGER(urlsplit(text).path)
        except ValueError:
            return text
        if found is not None:
            return unquote(found[1])
    return text


def select(rows: Rows, query: Query) -> Page[Row]:
    """Return a page of the rows that a query asks for."""
    wanted = query.text.casefold()
    found = rows.sorted(query.sort)
    if query.group:
        found = [row for row in found if row.group == query.group]
    if query.state:
        found = [row for row in found if row.state == query.state]
    if wanted:
        found = [row for row in found if is_called(row.name, row.label, wanted)]
    return page_of(found, query.number)


def is_called(name: str, label: str, wanted: str) -> bool:
    """Tell whether a text, without capitals, is in a name or a label."""
    return wanted in name.casefold() or wanted in label.casefold()


def page_of(found: Sequence[T], number: int) -> Page[T]:
    """Return a page of a list: the last one where there are not so many."""
    count = max(1, -(-len(found) // A_PAGE))
    number = min(max(1, number), count)
    return Page(found[(number - 1) * A_PAGE : number * A_PAGE], len(found), number, count)


_order = {state: place for place, state in enumerate(STATES)}
_keys: Mapping[str, Callable[[Row], Any]] = {
    "state": lambda row: (_order[row.state], -(row.last_write or 0), row.group, row.name),
    "name": lambda row: (row.group, (row.label or row.name).casefold(), row.name),
    "written": lambda row: (-(row.last_write or 0), row.group, row.name),
    "files": lambda row: (-(row.files or 0), row.group, row.name),
    "size": lambda row: (-(row.bytes or 0), row.group, row.name),
}


class Large(Struct, frozen=True):
    """Something that takes room on the disk."""

    what: str
    """A "group", the "trash" or the "journal"."""
    name: str
    bytes: int


def largest(rows: Rows, in_trash: int, in_journal: int) -> list[Large]:
    """Return what takes most room, the largest first."""
    groups: Counter[str] = Counter()
    for row in rows.by_place.values():
        groups[row.group] += row.bytes or 0
    found = [Large("group", name, size) for name, size in groups.items()]
    found += [Large("trash", "", in_trash), Large("journal", "", in_journal)]
    return sorted(found, key=lambda one: -one.bytes)[:LARGEST]


def state_of(problem: str, *, has_new_identity: bool, has_creds: bool, silent: int | None) -> str:
    """Return what of STATES an instance is. `silent` are the milliseconds since its last write, None if not known."""
    if problem:
        return "trouble"
    if has_new_identity:
        return "identity"
    if not has_creds:
        return "unpaired"
    return "silent" if silent is not None and silent > SILENT else "well"
