"""The report of an import as a page that a person reads, keeps and prints: one file, which asks for nothing else."""

from __future__ import annotations

from collections.abc import Iterable
from xml.etree.ElementTree import Element, SubElement, tostring

from sessionworker.migration.notes import Language, Level, Note
from sessionworker.migration.reports import Report, State, Told
from sessionworker.migration.words import WORDS, Words, place_in_order

_STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 70rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; }
caption { text-align: left; font-weight: bold; padding: .5rem 0; }
th, td { text-align: left; vertical-align: top; padding: .4rem .8rem .4rem 0; border-top: 1px solid #8888; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
ul { margin: .3rem 0 0; padding-left: 1.2rem; }
code { overflow-wrap: anywhere; }
.FAILED strong, .FAILURE strong { color: light-dark(#a40000, #ff9a9a); }
.LEFT_OUT strong, .QUESTION strong { color: light-dark(#7a4b00, #ffcf70); }
"""


def page_of(report: Report, language: Language) -> bytes:
    """Return the page, in UTF-8."""
    words = WORDS[language]
    title = words["dry" if report.is_dry else "title"]
    html = Element("html", lang=language)
    head = SubElement(html, "head")
    SubElement(head, "meta", charset="utf-8")
    SubElement(head, "meta", name="viewport", content="width=device-width, initial-scale=1")
    _text(head, "title", title)
    _text(head, "style", _STYLE)
    body = SubElement(html, "body")
    _text(body, "h1", title)
    source = _text(body, "p", f"{words['from']} ")
    _text(source, "code", report.source)
    counts = [f"{report.count(state):,} {words[state.name]}" for state in State if report.count(state)]
    _text(body, "p", f"{', '.join(counts)}.")
    _add_table(body, report, words, language)
    if report.notes:
        _text(body, "h2", words["source"])
        _add_notes(body, report.notes, words, language)
    text: bytes = tostring(html, encoding="utf-8", method="html")
    return b"<!DOCTYPE html>\n" + text + b"\n"


def _add_table(body: Element, report: Report, words: Words, language: Language) -> None:
    table = SubElement(body, "table")
    _text(table, "caption", words["accounts"])
    row = SubElement(SubElement(table, "thead"), "tr")
    for name in ("instance", "state", "keys", "bytes", "origin"):
        _text(row, "th", words[name], scope="col", **_number(name))
    rows = SubElement(table, "tbody")
    for one in sorted(report.accounts, key=_place_in_order):
        row = SubElement(rows, "tr", {"class": one.state.name})
        cell = _text(row, "th", f"{one.group}/{one.instance}", scope="row")
        if one.label:
            _text(cell, "div", one.label)
        _add_notes(cell, one.notes, words, language)
        _text(SubElement(row, "td"), "strong", words[one.state.name])
        _text(row, "td", f"{one.keys:,}", **_number("keys"))
        _text(row, "td", f"{one.bytes:,}", **_number("bytes"))
        _text(SubElement(row, "td"), "code", one.origin)


def _place_in_order(one: Told) -> tuple[int, str, str]:
    return place_in_order(one.state, one.group, one.instance)


def _number(name: str) -> dict[str, str]:
    return {"class": "number"} if name in {"keys", "bytes"} else {}


def _add_notes(parent: Element, notes: Iterable[Note], words: Words, language: Language) -> None:
    notes = list(notes)
    if not notes:
        return
    items = SubElement(parent, "ul")
    for note in notes:
        item = SubElement(items, "li", {"class": note.level.name})
        level = _text(item, "strong", f"{words[note.level.name]}:")
        level.tail = f" {note.text(language)}"
        if note.level is Level.QUESTION:
            level.tail += f" {words['accept']} "
            _text(item, "code", f"--accept {note.code.replace('_', '-')}")


def _text(parent: Element, tag: str, text: str, **attributes: str) -> Element:
    element = SubElement(parent, tag, attributes)
    element.text = text
    return element
