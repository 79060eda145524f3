"""The report of an import that somebody opens, read as far as the page shows it.

It is a file like any other: what is in it is shown as text, is cut where it is long, and leads to pages here alone.
"""

from __future__ import annotations

from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache
from operator import itemgetter
from string import Formatter
from typing import Annotated

import msgspec
from markupsafe import escape
from msgspec import Meta, Raw, Struct

from sessionworker.errors import NameNotAllowed
from sessionworker.migration.notes import TOLD, Language, Level, Note
from sessionworker.migration.reports import THERE, State
from sessionworker.migration.words import place_in_order
from sessionworker.names import check_name
from sessionworker.page.listing import A_PAGE
from sessionworker.page.rendering import path_of

MOST_BYTES = 52_000
"""Of the rows of a page, with all that is around them; the rest of it has less than 5,000."""

A_ROW, A_NOTE = 400, 140
"""Bytes of a row, and of a note, besides what the report says."""

MOST_NOTES = 10
"""Notes of an account, and of the source, that are shown."""

LONGEST, LONGEST_NAME = 1_000, 400
"""Bytes of a note, and of a name or a place, as they stand in a page."""

MOST_PARTS = 400_000
"""Commas of a file: so many things it may hold. A report of the largest size has 250,000; a file that was made to have
millions would take all of the processor, as nothing interrupts a decoder."""

LONGEST_DETAILS = 64 * 2**10
"""Bytes of a note's details, which are read at once."""

NOT_A_REPORT = "This file is no report: it has to be what <code>--report</code> has written, whole and unchanged."
OTHER_VERSION = (
    "This report is of another version of sessionworker. With this one, <code>--dry-run</code> writes it anew and "
    "changes nothing."
)


class NotShownError(Exception):
    """Why a file is not shown: a text of the page, in English."""


class _Note(Struct, frozen=True):
    code: str
    details: Raw = Raw(b"{}")


_Number = Annotated[int, Meta(ge=0, le=2**63 - 1)]


class _Account(Struct, frozen=True):
    group: str
    instance: str
    origin: str
    label: str
    state: str
    keys: _Number
    bytes: _Number
    notes: Sequence[Raw]


class _Report(Struct, frozen=True, rename="camel"):
    source: str
    dry_run: bool
    notes: Sequence[Raw]
    accounts: Sequence[Raw]
    """Each is read by itself, as notes are: thousands at once would keep all other threads waiting."""


class ShownNote(Struct, frozen=True):
    """What is said of an account, or of the source."""

    level: Level
    text: str
    accept: str
    """What an operator types to have it all the same; empty where that is no question."""


class Row(Struct, frozen=True):
    """An account."""

    group: str
    instance: str
    label: str
    origin: str
    state: State
    keys: int
    bytes: int
    is_here: bool
    """Whether it came into the worker, and may have a page."""
    notes: Sequence[ShownNote]
    further: int
    """Notes that are not shown."""

    @property
    def size(self) -> int:
        """About the bytes that it takes on the page."""
        texts = (self.group, self.instance, self.label, self.origin)
        link = len(path_of(self.group, self.instance)) if self.is_here else 0
        return A_ROW + link + sum(map(_size_of, texts)) + _size_of_notes(self.notes)


class Shown(Struct, frozen=True):
    """A part of a report."""

    source: str
    is_dry: bool
    counts: Mapping[State, int]
    all: int
    """Accounts."""
    first: int
    """The number of the first row."""
    rows: Sequence[Row]
    notes: Sequence[ShownNote]
    """Of the source as a whole."""
    further: int
    """Notes of it that are not shown."""

    @property
    def last(self) -> int:
        """The number of the last row."""
        return self.first + len(self.rows) - 1

    @property
    def next(self) -> int:
        """The number of the row that is shown next: after the last one, the first."""
        return self.last % max(1, self.all) + 1


_report, _account = msgspec.json.Decoder(_Report), msgspec.json.Decoder(_Account)
_note, _details = msgspec.json.Decoder(_Note), msgspec.json.Decoder(dict[str, str])


def read_report(data: bytes, first: int, language: Language) -> Shown:
    """Return what of a report fits on a page, from an account on. Raises NotShownError. To be called in a thread."""
    try:
        whole = _as_utf8(data)
        if whole.count(b",") > MOST_PARTS:
            raise NotShownError(NOT_A_REPORT)
        report = _report.decode(whole)
        _check(report.notes)
        order = _order_of(report.accounts)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        raise NotShownError(NOT_A_REPORT) from None
    counted = Counter(state for _, _, state in order)
    first = first if 1 <= first <= len(order) else 1  # the number may be that of another, longer report
    said = _said(report.notes, language)
    rows: list[Row] = []
    room = MOST_BYTES - _size_of_notes(said)
    for _, at, _ in order[first - 1 : first - 1 + A_PAGE]:
        row = _row(_account.decode(report.accounts[at]), language)
        room -= row.size
        if rows and room < 0:
            break
        rows.append(row)
    return Shown(
        source=cut(report.source, LONGEST_NAME),
        is_dry=report.dry_run,
        counts={state: counted[state] for state in State if counted[state]},
        all=len(order),
        first=first,
        rows=rows,
        notes=said,
        further=len(report.notes) - len(said),
    )


def _order_of(accounts: Sequence[Raw]) -> list[tuple[tuple[int, str, str], int, State]]:
    """Return accounts in the order in which they are shown: of thousands the places alone. Raises as `_read_note`."""
    order = []
    for at, raw in enumerate(accounts):
        one = _account.decode(raw)
        _check(one.notes)
        state = _state_of(one)
        order.append((place_in_order(state, one.group, one.instance), at, state))
    return sorted(order, key=itemgetter(0, 1))


def _check(notes: Sequence[Raw]) -> None:
    """See that all notes can be said. Raises NotShownError, and what a decoder raises."""
    for raw in notes:
        _read_note(raw)


def _read_note(raw: Raw) -> Note:
    """Return a note that can be said. Raises NotShownError, and what a decoder raises."""
    one = _note.decode(raw)
    if len(one.details) > LONGEST_DETAILS:
        raise NotShownError(NOT_A_REPORT)
    details = _details.decode(one.details)
    if not (one.code in TOLD and details.keys() >= _needs(one.code)):
        raise NotShownError(OTHER_VERSION)
    return Note(one.code, details)


def _state_of(one: _Account) -> State:
    """Return the state of an account. Raises NotShownError."""
    try:
        return State(one.state)
    except ValueError:
        raise NotShownError(OTHER_VERSION) from None


def cut(text: str, most: int) -> str:
    """Return a text that takes no more than so many bytes on a page, but for the sign that it was cut."""
    shown = text[:most]
    while (size := _size_of(shown)) > most:
        shown = shown[: len(shown) * most // size]
    return text if len(shown) == len(text) else f"{shown}…"


def _row(one: _Account, language: Language) -> Row:
    state, said = _state_of(one), _said(one.notes, language)
    return Row(
        group=cut(one.group, LONGEST_NAME),
        instance=cut(one.instance, LONGEST_NAME),
        label=cut(one.label, LONGEST_NAME),
        origin=cut(one.origin, LONGEST_NAME),
        state=state,
        keys=one.keys,
        bytes=one.bytes,
        is_here=state in THERE and _are_names(one.group, one.instance),
        notes=said,
        further=len(one.notes) - len(said),
    )


def _said(notes: Sequence[Raw], language: Language) -> list[ShownNote]:
    said = []
    for one in map(_read_note, notes[:MOST_NOTES]):
        accept = one.code.replace("_", "-") if one.level is Level.QUESTION else ""
        said.append(ShownNote(one.level, cut(one.text(language), LONGEST), accept))
    return said


@cache
def _needs(code: str) -> frozenset[str]:
    """Return what a note's text has to be given."""
    told = TOLD[code]
    return frozenset(
        name for text in (told.english, told.portuguese) for _, name, _, _ in Formatter().parse(text) if name
    )


def _are_names(group: str, instance: str) -> bool:
    try:
        check_name("group", group)
        check_name("instance", instance)
    except NameNotAllowed:
        return False
    return True


def _as_utf8(data: bytes) -> bytes:
    """Return a text without the mark that some programs begin it with; a shell of Windows writes UTF-16, too."""
    if data.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
        return data.decode("utf-16").encode()
    return data.removeprefix(BOM_UTF8)


def _size_of(text: str) -> int:
    return len(escape(text).encode())


def _size_of_notes(notes: Sequence[ShownNote]) -> int:
    return sum(A_NOTE + _size_of(note.text) for note in notes)
