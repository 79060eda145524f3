"""What can be done on the page reaches the store, asks before, and can be undone as it says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from sessionworker.stores.changes import DropInstance
from tests.page.visiting import Browser
from tests.page.whole import Whole, operator, whole_page

DROP = "/ui/instances/codechat/sales/drop"


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Whole]:
    with whole_page(tmp_path / "store") as whole:
        whole.make("codechat", "sales")
        yield whole


@pytest.fixture
def browser(page: Whole) -> Browser:
    return operator(page)


def dropped(page: Whole, browser: Browser) -> str:
    """Drop an instance, and return the path of what lies in the trash."""
    page.do(DropInstance("codechat", "sales"))
    [path] = re.findall(r'href="\./(trash/[^"]*)/restore"', browser.visit("/ui/trash").body)
    return f"/ui/{path}"


def test_a_drop_asks_for_the_name_and_whether_it_is_stopped_and_comes_back(page: Whole, browser: Browser) -> None:
    csrf = browser.visit(DROP).hidden("csrf")
    for wrong in ({"stopped": "yes"}, {"typed": "sale", "stopped": "yes"}, {"typed": "sales"}):
        assert browser.hand_in(DROP, csrf=csrf, **wrong).status == 409
        assert page.store.instances("codechat") == ["sales"]
    done = browser.hand_in(DROP, csrf=csrf, typed="sales", stopped="yes")
    assert browser.follow(done, DROP) == "/ui/trash"
    assert page.store.instances("codechat") == []
    [path] = re.findall(r'href="\./(trash/[^"]*)/restore"', browser.visit("/ui/trash").body)
    back = browser.hand_in(f"/ui/{path}/restore", csrf=csrf, name="sales")
    assert browser.follow(back, f"/ui/{path}/restore") == "/ui/instances/codechat/sales"
    assert page.store.instances("codechat") == ["sales"]


def test_one_whose_name_is_taken_is_asked_for_another(page: Whole, browser: Browser) -> None:
    path = f"{dropped(page, browser)}/restore"
    page.make("codechat", "sales")
    csrf = browser.visit(path).hidden("csrf")
    refused = browser.hand_in(path, csrf=csrf, name="sales")
    assert refused.status == 409
    assert 'value="sales-before"' in refused.body
    assert "There is an instance of this name." in refused.body
    assert browser.hand_in(path, csrf=csrf, name="a/b").status == 409
    done = browser.hand_in(path, csrf=csrf, name="sales-before")
    assert browser.follow(done, path) == "/ui/instances/codechat/sales-before"
    assert page.store.instances("codechat") == ["sales", "sales-before"]


def test_what_is_erased_is_gone(page: Whole, browser: Browser) -> None:
    path = f"{dropped(page, browser)}/purge"
    asked = browser.visit(path)
    assert "This cannot be undone." in asked.body
    csrf = asked.hidden("csrf")
    assert browser.hand_in(path, csrf=csrf).status == 409
    assert len(page.store.drops()) == 1
    assert browser.hand_in(path, csrf=csrf, typed="sales").status == 303
    assert page.store.drops() == []
    assert browser.hand_in(path, csrf=csrf, typed="sales").status == 404


def test_a_checkpoint_brings_what_waits_into_its_files(page: Whole, browser: Browser, tmp_path: Path) -> None:
    file = tmp_path / "store" / "codechat" / "sales" / "creds"
    assert not file.exists()
    csrf = browser.visit("/ui/settings").hidden("csrf")
    assert browser.hand_in("/ui/checkpoint", csrf=csrf).status == 303
    assert file.exists()


def test_what_was_done_is_seen_at_once(page: Whole, browser: Browser) -> None:
    assert ">sales<" in browser.visit("/ui/instances").body
    csrf = browser.visit(DROP).hidden("csrf")
    browser.hand_in(DROP, csrf=csrf, typed="sales", stopped="yes")
    assert ">sales<" not in browser.visit("/ui/instances").body


@pytest.mark.parametrize("path", [DROP, "/ui/checkpoint", "/ui/trash/codechat/sales/x/purge", "/ui/logout-everywhere"])
def test_nothing_is_done_for_who_is_not_signed_in_or_shows_no_token_of_the_form(
    page: Whole, browser: Browser, path: str
) -> None:
    stranger = Browser(page)
    assert stranger.hand_in(path, csrf="x", typed="sales", stopped="yes").status == 401
    assert browser.hand_in(path, csrf="x", typed="sales", stopped="yes").status == 403
    own = browser.visit("/ui/").hidden("csrf")
    assert browser.hand_in(path, origin="http://vps:8080", csrf=own, typed="sales", stopped="yes").status == 403
    assert page.store.instances("codechat") == ["sales"]
    assert browser.visit("/ui/").status == 200
