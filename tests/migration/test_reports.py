"""A report for programs: whoever reads it can say it in another language."""

from __future__ import annotations

from string import Formatter

import msgspec
import pytest

from sessionworker.migration.notes import TOLD, Note
from sessionworker.migration.reports import Report, Told


@pytest.mark.parametrize("code", TOLD)
def test_what_stands_in_the_text_of_a_note_is_in_the_report(code: str) -> None:
    details = {name: f"<{name}>" for _, name, _, _ in Formatter().parse(TOLD[code].english) if name}
    note = Note(code, details)
    document = Report("", is_dry=True, accounts=[Told("g", "i", "", notes=[note])], notes=[note]).document()
    read = msgspec.json.decode(msgspec.json.encode(document))
    for [one] in (read["notes"], read["accounts"][0]["notes"]):
        assert (one["code"], one["level"], one["text"]) == (code, note.level.value, note.text())
        assert Note(one["code"], one.get("details", {})).text("pt-BR") == note.text("pt-BR")
