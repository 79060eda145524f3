"""Names can be hidden for a screenshot: whoever posts one gives away none of his customers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from sessionworker.stores.changes import DropInstance, LabelInstance
from tests.migration.examples import paired_creds
from tests.page.visiting import VIEWER, Browser
from tests.page.whole import Whole, operator, whole_page

NAMES = ("Sapataria", "Padaria", "name-of-one", "name-of-another", "name-of-a-third")
PATHS = ("", "instances", "instances/codechat/name-of-one", "trash", "events", "settings")


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Whole]:
    with whole_page(tmp_path / "store") as whole:
        for name in NAMES[2:]:
            whole.make("codechat", name)
        whole.do(LabelInstance("codechat", "name-of-one", "Sapataria"))
        whole.do(LabelInstance("codechat", "name-of-a-third", "Padaria"))
        whole.write("codechat", "name-of-another", creds=paired_creds("another"))
        whole.do(DropInstance("codechat", "name-of-a-third"))
        yield whole


def seen(browser: Browser, path: str) -> str:
    """What of a page is on a screen: no addresses, and nothing that is typed."""
    return re.sub(r"<[^>]*>", "", browser.visit(f"/ui/{path}").body)


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
    marks = set(re.findall("•••• [0-9a-f]{4}", "".join(seen(browser, path) for path in PATHS)))
    assert len(marks) == len(NAMES)  # so they are told apart
    assert "Sapataria" not in browser.visit("/ui/instances/codechat/name-of-one").body  # nor in a field
    assert "Sapataria" in seen(other, "instances")
    assert switch(browser, "no") == "/ui/"
    assert "Sapataria" in seen(browser, "instances")


def test_a_question_names_what_it_is_about(page: Whole) -> None:
    browser = operator(page)
    switch(browser, "yes")
    assert "name-of-one" in seen(browser, "instances/codechat/name-of-one/drop")


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
