"""What of an account is taken, and what is told of the rest: the rules that every reader of texts has in common."""

from __future__ import annotations

from sessionworker.errors import NameNotAllowed
from sessionworker.migration.encodings import NotReadable, has_buffers_of_numbers, take_plain_buffers, take_text
from sessionworker.migration.found import Reading, Skipped
from sessionworker.migration.notes import Note
from sessionworker.names import CREDS, check_key

NULL = b"null"


class Collector:
    """Collects the values of one account as they are read."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.skipped = Skipped()
        self._values: dict[str, bytes] = {}
        self._notes: list[Note] = []

    def note(self, code: str, **details: str) -> None:
        """Say something of the account."""
        self._notes.append(Note(code, details))

    def add(self, key: str, value: bytes | None, name: str = "") -> None:
        """Take a value if it is one. `name` is what it is called where it lies, if that is another one; None is null.

        `creds` are taken whatever they are: that they cannot be read is worse than that there are none, and a judge
        says so.
        """
        name = name or key
        try:
            check_key(key)
        except NameNotAllowed:
            self.skipped.add("skipped_name", shown(name))
            return
        if key in self._values:
            self.skipped.add("skipped_double", shown(name))
            return
        if key != CREDS:
            code = _why_not(value)
            if code:
                self.skipped.add(code, shown(name))
                return
        self._values[key] = NULL if value is None else value

    def reading(self) -> Reading:
        """Return all that was collected, in the form that Baileys 7 reads."""
        if has_buffers_of_numbers(self._values.get(CREDS, b"")):
            self._rewrite_buffers()
        return Reading(self._values, [*self._notes, *self.skipped.notes()])

    def _rewrite_buffers(self) -> None:
        values, self._values = self._values, {}
        for key, value in values.items():
            try:
                self._values[key] = take_plain_buffers(value)
            except NotReadable:
                if key == CREDS:
                    self._values[key] = b""
                else:
                    self.skipped.add("skipped_unreadable", key)
        self.note("buffers_rewritten")


def shown(name: str) -> str:
    """Return a name as it can be shown: without what no terminal can, or should, write."""
    return "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in name)


def _why_not(value: bytes | None) -> str:
    """Return the code for a value that is none; empty for one that is."""
    if value is None or value.strip() == NULL:
        return "skipped_null"
    if not value.strip():
        return "skipped_empty"
    try:
        take_text(value)
    except NotReadable:
        return "skipped_unreadable"
    return ""
