"""What is read of a file that somebody opens as a report, be it none."""

from __future__ import annotations

import json
import tracemalloc
from codecs import BOM_UTF8
from string import Formatter
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markupsafe import escape

from sessionworker.migration.notes import TOLD, Language, Level, Note
from sessionworker.migration.reports import State
from sessionworker.page.listing import A_PAGE
from sessionworker.page.reported import (
    LONGEST,
    MOST_BYTES,
    MOST_NOTES,
    NOT_A_REPORT,
    OTHER_VERSION,
    NotShownError,
    Shown,
    cut,
    read_report,
)
from sessionworker.page.uploads import LARGEST
from tests.page.reports import many, report, several, told
from tests.tools import show_figure


def shown(data: bytes, first: int = 1, language: Language = "en") -> Shown:
    return read_report(data, first, language)


def changed(**others: Any) -> bytes:
    """A report of one account, of which something is another thing."""
    document = json.loads(report(told("sales", notes=[Note("not_paired")])))
    document["accounts"][0] |= others
    return json.dumps(document).encode()


def test_what_needs_a_person_comes_first_and_all_is_counted() -> None:
    found = shown(several())
    assert [row.state for row in found.rows][:2] == [State.FAILED, State.LEFT_OUT]
    assert [row.instance for row in found.rows][2:] == sorted(row.instance for row in found.rows[2:])
    assert found.counts == {
        State.IMPORTED: 1,
        State.EQUAL: 1,
        State.READY: 1,
        State.LEFT_OUT: 1,
        State.FAILED: 1,
    }
    assert list(found.counts) == [state for state in State if state in found.counts]
    assert (found.source, found.is_dry, found.all, found.first, found.last) == ("instances", False, 5, 1, 5)
    assert {row.instance for row in found.rows if row.is_here} == {"sales", "old"}


@pytest.mark.parametrize("language", ["en", "pt-BR"])
@pytest.mark.parametrize("code", TOLD)
def test_every_note_is_said_in_the_language_of_the_page(code: str, language: Language) -> None:
    details = {name: f"<{name}>" for _, name, _, _ in Formatter().parse(TOLD[code].english) if name}
    note = Note(code, details)
    [row] = shown(report(told("sales", notes=[note]), notes=[note]), language=language).rows
    [said] = row.notes
    assert (said.level, said.text) == (note.level, note.text(language))
    assert said.accept == (code.replace("_", "-") if note.level is Level.QUESTION else "")


@pytest.mark.parametrize("state", State)
def test_a_state_leads_to_the_page_of_an_instance_where_the_account_came_in(state: State) -> None:
    [row] = shown(report(told("sales", state))).rows
    assert row.is_here == (state in {State.IMPORTED, State.EQUAL, State.MADE_EMPTY})
    [odd] = shown(report(told("..", state))).rows
    assert not odd.is_here


def test_as_many_are_shown_as_fit_and_the_others_from_a_number_on() -> None:
    data = many(230)
    seen, first = [], 1
    while True:
        found = shown(data, first)
        assert sum(row.size for row in found.rows) <= MOST_BYTES
        assert (found.all, found.first, found.last) == (230, first, first + len(found.rows) - 1)
        seen += [row.instance for row in found.rows]
        first = found.next
        if first == 1:
            break
        assert first == found.last + 1
    assert len(seen) == len(set(seen)) == 230
    assert len(shown(report(*(told(f"n{number}") for number in range(60)))).rows) == A_PAGE


@pytest.mark.parametrize(("asked", "first"), [(0, 1), (-5, 1), (3, 3), (5, 5), (6, 1), (10**6, 1)])
def test_what_is_asked_for_is_shown_or_the_first_where_there_are_fewer(asked: int, first: int) -> None:
    found = shown(several(), asked)
    assert (found.first, found.last) == (first, 5)
    assert (shown(report(), asked).first, shown(report(), asked).last) == (1, 0)


def test_of_many_notes_some_are_shown_and_the_others_counted() -> None:
    notes = [Note("not_paired")] * (MOST_NOTES + 7)
    found = shown(report(told("sales", notes=notes), notes=notes))
    [row] = found.rows
    assert (len(row.notes), row.further) == (len(found.notes), found.further) == (MOST_NOTES, 7)


def test_what_is_long_is_cut() -> None:
    long = Note("refused_by_worker", {"reason": "&" * 10**4})
    accounts = [told("&" * 10**5, State.FAILED, [long] * 20, label="😀" * 10**5) for _ in range(10)]
    found = shown(report(*accounts, notes=[long] * 20, source="<" * 10**5))
    assert len(found.rows) == 3
    assert sum(row.size for row in found.rows) <= MOST_BYTES - MOST_NOTES * LONGEST
    assert all(len(escape(note.text).encode()) <= LONGEST + 3 for note in found.rows[0].notes)


@given(st.text(), st.integers(1, 50))
def test_a_text_that_is_cut_takes_no_more_than_it_may(text: str, most: int) -> None:
    found = cut(text, most)
    assert found == text or len(escape(found[:-1]).encode()) <= most
    assert found == text or (text.startswith(found[:-1]) and found.endswith("…"))
    assert (found == text) == (len(escape(text).encode()) <= most)


NO_REPORTS = [
    b"",
    b"{",
    b"null",
    b"[]",
    b"{}",
    b"\x89PNG\r\n\x1a\n\x00",
    b"\xff\xfe",
    b"\xff\xfe\x00\xd8",
    b'{"source": 1, "dryRun": false, "notes": [], "accounts": []}',
    b'{"source": "", "dryRun": false, "notes": [], "accounts": {}}',
    b'{"source": "\\ud800", "dryRun": false, "notes": [], "accounts": []}',
    b'{"source": "", "dryRun": false, "notes": [{"code": ["not_paired"]}], "accounts": []}',
    b'{"source": "", "dryRun": false, "notes": [], "accounts": [1]}',
    several()[:-10],
    several() + several(),
    b"[" * LARGEST,
    b'{"source":' * (LARGEST // 10),
    b'{"source": "", "dryRun": false, "notes": [], "accounts": [' + b"[" * (LARGEST - 100),
    changed(keys=-1),
    changed(keys=10**400),
    changed(bytes="1"),
    changed(notes=[{"code": "not_paired", "details": {"count": 1}}]),
    changed(notes=None),
    changed(instance=None),
    changed(state=None),
]


@pytest.mark.parametrize("data", NO_REPORTS, ids=lambda data: ascii(data[:40]))
def test_what_is_no_report_is_said_to_be_none(data: bytes) -> None:
    with pytest.raises(NotShownError, match=NOT_A_REPORT):
        shown(data)


@pytest.mark.parametrize(
    "data",
    [
        changed(state="teleported"),
        changed(state=""),
        changed(notes=[{"code": "made_up", "level": "warning", "text": "x"}]),
        changed(notes=[{"code": "creds_missing", "level": "failure", "text": "x"}]),  # details as of before
        changed(notes=[{"code": "creds_missing", "details": {"counts": "1"}}]),
    ],
)
def test_what_says_what_nobody_here_knows_is_of_another_version(data: bytes) -> None:
    with pytest.raises(NotShownError, match=OTHER_VERSION):
        shown(data)


def test_what_a_report_has_besides_is_left_out() -> None:
    [row] = shown(changed(more={"deep": [1, 2]}, digest=7, notes=[{"code": "not_paired", "text": "x"}])).rows
    assert row.notes[0].text == TOLD["not_paired"].english


@pytest.mark.parametrize("written", [BOM_UTF8 + several(), several().decode().encode("utf-16")], ids=["mark", "utf-16"])
def test_what_a_shell_of_windows_makes_of_a_report_is_one(written: bytes) -> None:
    assert shown(written) == shown(several())


_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=5,
)
_notes = st.lists(
    st.fixed_dictionaries(
        {"code": st.sampled_from([*TOLD, "made_up", "{0.__class__}"])},
        optional={
            "details": st.dictionaries(st.sampled_from(["count", "names", "self", "{x}"]), st.text(max_size=5))
            | _values
        },
    ),
    max_size=3,
)
_states = st.sampled_from([state.value for state in State])


@st.composite
def _nearly_reports(draw: st.DrawFn) -> bytes:
    """Documents that have the form of a report, in which some things are others."""
    texts = {name: st.text(max_size=30) for name in ("group", "instance", "origin", "label")}
    numbers = {name: st.integers(-1, 2**64) for name in ("keys", "bytes")}
    account = st.fixed_dictionaries({**texts, **numbers, "state": _states, "notes": _notes})
    document: Any = {
        "source": draw(st.text()),
        "dryRun": draw(st.booleans()),
        "notes": draw(_notes),
        "accounts": draw(st.lists(account, max_size=4)),
    }
    for _ in range(draw(st.integers(0, 2))):
        place: Any = draw(st.sampled_from([document, *document["accounts"]])) if document["accounts"] else document
        place[draw(st.sampled_from([*place]))] = draw(_values)
        if not isinstance(document.get("accounts"), list) or not all(
            isinstance(one, dict) and one for one in document["accounts"]
        ):
            break
    return json.dumps(document).encode()


@settings(max_examples=300)
@given(_nearly_reports() | st.binary(), st.integers(-3, 10), st.sampled_from(["en", "pt-BR"]))
def test_whatever_a_file_holds_it_is_shown_or_refused(data: bytes, first: int, language: Language) -> None:
    try:
        found = shown(data, first, language)
    except NotShownError:
        return
    accounts = msgspec.json.decode(data)["accounts"]
    assert found.all == len(accounts) == sum(found.counts.values())
    assert len(found.rows) == found.last - found.first + 1
    if found.all <= A_PAGE and found.first == 1:
        assert sorted(row.state.value for row in found.rows) == sorted(one["state"] for one in accounts)


def test_a_report_of_five_thousand_accounts_is_not_too_large() -> None:
    data = many(5_000)
    show_figure(f"report of 5,000 accounts with three notes each: {len(data):,} bytes of {LARGEST:,} that are taken")
    assert len(data) < LARGEST
    found = shown(data)
    assert (found.all, found.first) == (5_000, 1)


_NOTE = b'{"code":"not_paired"}'
_LEAST = b'{"group":"g","instance":"i","origin":"","label":"","state":"failed","keys":0,"bytes":0,"notes":[%b]}'
_AROUND = b'{"source":"","dryRun":false,"notes":[%b],"accounts":[%b]}'


def _as_many(piece: bytes) -> bytes:
    """As much of something as a file may have."""
    return b",".join([piece] * ((LARGEST - 500) // (len(piece) + 1)))


_DETAILS = b",".join(b'"%015x":""' % number for number in range(LARGEST // 21 - 50))


@pytest.mark.parametrize(
    "data",
    [
        _AROUND % (b"", _as_many(b"0")),
        _AROUND % (b"", _as_many(_LEAST % b"")),
        _AROUND % (_as_many(_NOTE), b""),
        _AROUND % (b"", _LEAST % _as_many(_NOTE)),
        _AROUND % (b"", _LEAST % (b'{"code":"not_paired","details":{%b}}' % _DETAILS)),
    ],
    ids=["numbers", "accounts", "notes of the source", "notes of an account", "details"],
)
def test_a_file_of_very_many_things_takes_little_more_than_it_has_bytes(data: bytes) -> None:
    """And little time at once: as long as a decoder makes millions of them no other thread of the worker goes on."""
    assert len(data) <= LARGEST
    tracemalloc.start()
    try:
        shown(data)
    except NotShownError as error:
        assert str(error) == NOT_A_REPORT  # noqa: PT017 - one of them may well be shown
    finally:
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert most < 5 * LARGEST
