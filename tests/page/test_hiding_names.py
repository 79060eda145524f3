"""Names can be hidden for a screenshot: whoever posts one gives away none of his customers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from hashlib import sha256
from html import unescape
from pathlib import Path

import pytest

from sessionworker.errors import StoreUnavailable
from sessionworker.migration.reports import State
from sessionworker.stores.changes import DropInstance, LabelInstance, PurgeDrop
from tests.migration.examples import paired_creds
from tests.page.reports import report, told
from tests.page.visiting import VIEWER, Browser
from tests.page.whole import Whole, operator, whole_page

NAMES = ("Sapataria", "Padaria", "name-of-one", "name-of-another", "name-of-a-third", "Clínica Sul")
GROUP = "Cl%C3%ADnica%20Sul"
PATHS = ("", "instances", f"instances/{GROUP}/name-of-one", "trash", "events", "settings")
MARK = re.compile("•••• [0-9a-f]+")


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Whole]:
    with whole_page(tmp_path / "store") as whole:
        for name in NAMES[2:5]:
            whole.make("Clínica Sul", name)
        whole.do(LabelInstance("Clínica Sul", "name-of-one", "Sapataria"))
        whole.do(LabelInstance("Clínica Sul", "name-of-a-third", "Padaria"))
        whole.write("Clínica Sul", "name-of-another", creds=paired_creds("another"))
        whole.do(DropInstance("Clínica Sul", "name-of-a-third"))
        yield whole


def seen(browser: Browser, path: str) -> str:
    """What of a page is on a screen, or is read out: no addresses, and nothing that a form sends unseen."""
    return on_screen(browser.visit(f"/ui/{path}").body)


def on_screen(body: str) -> str:
    """What of a page is on a screen, or is read out."""
    unseen = r' (?:href|action)="[^"]*"|<input type="hidden"[^>]*>|<option value="[^"]*"'
    return unescape(re.sub(r"</?\w+", "", re.sub(unseen, "", body)))


def marks_on(browser: Browser) -> set[str]:
    """The marks that are shown."""
    return {mark for path in PATHS for mark in MARK.findall(seen(browser, path))}


def switch(browser: Browser, hide: str, path: str = "") -> str:
    """Hide names, or show them again; return where that leads to."""
    csrf = browser.visit("/ui/settings").hidden("csrf")
    answer = browser.hand_in("/ui/names", csrf=csrf, hide=hide, next=f"/ui/{path}")
    return browser.follow(answer, "/ui/names")


def test_no_page_shows_a_name_where_they_are_hidden_until_they_are_shown_again(page: Whole) -> None:
    browser, other = operator(page), operator(page)
    whole = "".join(seen(browser, path) for path in PATHS)
    assert all(name in whole for name in NAMES)
    assert switch(browser, "yes", "trash") == "/ui/trash"
    for path in PATHS:
        assert [name for name in NAMES if name in seen(browser, path)] == [], path
    assert len(marks_on(browser)) == len(NAMES)  # so they are told apart
    assert "Sapataria" not in browser.visit(f"/ui/instances/{GROUP}/name-of-one").body  # nor in a field
    assert "Sapataria" in seen(other, "instances")
    assert switch(browser, "no") == "/ui/"
    assert "Sapataria" in seen(browser, "instances")


def test_a_question_names_what_it_is_about(page: Whole) -> None:
    browser = operator(page)
    switch(browser, "yes")
    assert "name-of-one" in seen(browser, f"instances/{GROUP}/name-of-one/drop")


def test_who_may_only_look_may_hide_names_and_who_is_not_signed_in_is_asked_to_be(page: Whole) -> None:
    browser = Browser(page)
    assert browser.hand_in("/ui/names", hide="yes").status == 401
    browser.sign_in(VIEWER)
    assert browser.hand_in("/ui/names", csrf="none", hide="yes").status == 403
    assert "Sapataria" in seen(browser, "instances")
    switch(browser, "yes")
    assert "Sapataria" not in seen(browser, "instances")


def test_it_leads_to_no_other_site(page: Whole) -> None:
    browser = operator(page)
    csrf = browser.visit("/ui/settings").hidden("csrf")
    answer = browser.hand_in("/ui/names", csrf=csrf, hide="yes", next="//elsewhere.example/")
    assert browser.follow(answer, "/ui/names") == "/ui/"


def test_a_mark_says_to_nobody_whether_a_guess_is_right_and_is_the_same_as_long_as_a_session_lasts(page: Whole) -> None:
    first, second = operator(page), operator(page)
    for browser in (first, second):
        switch(browser, "yes")
    marks = marks_on(first)
    assert marks.isdisjoint(f"•••• {sha256(name.encode()).hexdigest()[:size]}" for name in NAMES for size in range(65))
    assert marks.isdisjoint(marks_on(second))
    switch(first, "no")
    switch(first, "yes")
    assert marks_on(first) == marks


def test_marks_are_long_enough_for_those_of_a_page_to_differ(page: Whole) -> None:
    browser = operator(page)
    switch(browser, "yes")
    assert all(16 ** len(mark.partition(" ")[2]) > 100 * 100**2 for mark in marks_on(browser))


def test_what_takes_most_room_is_not_named_where_names_are_hidden(page: Whole) -> None:
    page.room.update(writes_refused=1.0, store_free_bytes=0.0, store_size_bytes=1e9)
    [drop] = page.store.drops()
    page.do(PurgeDrop(drop.group, drop.instance, drop.drop))
    browser = operator(page)
    switch(browser, "yes")
    for path in PATHS:
        assert [name for name in NAMES if name in seen(browser, path)] == [], path


def test_what_is_to_be_done_about_one_that_is_refused_names_it_nowhere(page: Whole, tmp_path: Path) -> None:
    page.store.close()
    folder = tmp_path / "store" / "Clínica Sul" / "name-of-one"
    for file in (folder / "creds", *(folder / ".sessionworker" / "versions").iterdir()):
        file.write_bytes(b"{")
    with whole_page(folder.parents[1], SESSIONWORKER_STORE=str(folder.parents[1])) as again:
        with pytest.raises(StoreUnavailable):
            again.store.check_creds("Clínica Sul", "name-of-one")
        browser = operator(again)
        assert "--only 'Clínica Sul/name-of-one'" in seen(browser, PATHS[2])
        switch(browser, "yes")
        for path in PATHS:
            assert [name for name in NAMES if name in seen(browser, path)] == [], path


def test_of_a_report_its_notes_alone_have_names(page: Whole) -> None:
    browser = operator(page)
    switch(browser, "yes")
    accounts = [told("name-of-one", state, label="Sapataria") for state in State]
    csrf = browser.visit("/ui/report").hidden("csrf")
    body = browser.hand_in_file("/ui/report", report(*accounts, source="/apis/Sapataria/name-of-one"), csrf=csrf).body
    assert [name for name in (*NAMES, "codechat") if name in on_screen(body)] == []
    switch(browser, "no")
    csrf = browser.visit("/ui/report").hidden("csrf")
    body = browser.hand_in_file("/ui/report", report(*accounts, source="/apis/Sapataria/name-of-one"), csrf=csrf).body
    assert "/apis/Sapataria/name-of-one" in on_screen(body)
