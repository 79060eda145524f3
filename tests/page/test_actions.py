"""What can be done on the page reaches the store, asks before, and can be undone as it says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from http.client import BadStatusLine
from pathlib import Path

import pytest
from twisted.internet.defer import Deferred

from sessionworker.page.actions import NOT_TYPED
from sessionworker.page.languages import Speaking
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
def person(page: Whole) -> Browser:
    return operator(page)


def dropped(page: Whole, person: Browser) -> str:
    """Drop an instance, and return the path of what lies in the trash."""
    page.do(DropInstance("codechat", "sales"))
    [path] = re.findall(r'href="\./(trash/[^"]*)/restore"', person.visit("/ui/trash").body)
    return f"/ui/{path}"


def test_a_drop_asks_for_the_name_and_whether_it_is_stopped_and_comes_back(page: Whole, person: Browser) -> None:
    csrf = person.visit(DROP).hidden("csrf")
    for wrong in ({"stopped": "yes"}, {"typed": "sale", "stopped": "yes"}, {"typed": "sales"}):
        assert person.hand_in(DROP, csrf=csrf, **wrong).status == 409
        assert page.store.instances("codechat") == ["sales"]
    done = person.hand_in(DROP, csrf=csrf, typed="sales", stopped="yes")
    assert person.follow(done, DROP) == "/ui/trash"
    assert page.store.instances("codechat") == []
    [path] = re.findall(r'href="\./(trash/[^"]*)/restore"', person.visit("/ui/trash").body)
    back = person.hand_in(f"/ui/{path}/restore", csrf=csrf, name="sales")
    assert person.follow(back, f"/ui/{path}/restore") == "/ui/instances/codechat/sales"
    assert page.store.instances("codechat") == ["sales"]


def test_what_is_wrong_is_told_in_the_language_of_who_asks(page: Whole) -> None:
    person = operator(page, "pt-BR")
    csrf = person.visit(DROP).hidden("csrf")
    body = person.hand_in(DROP, csrf=csrf, typed="sale", stopped="yes").body
    assert str(Speaking("pt-BR").say(NOT_TYPED)) in body
    assert NOT_TYPED not in body


def test_one_whose_name_is_taken_is_asked_for_another(page: Whole, person: Browser) -> None:
    path = f"{dropped(page, person)}/restore"
    page.make("codechat", "sales")
    csrf = person.visit(path).hidden("csrf")
    refused = person.hand_in(path, csrf=csrf, name="sales")
    assert refused.status == 409
    assert 'value="sales-before"' in refused.body
    assert "There is an instance of this name." in refused.body
    assert person.hand_in(path, csrf=csrf, name="a/b").status == 409
    done = person.hand_in(path, csrf=csrf, name="sales-before")
    assert person.follow(done, path) == "/ui/instances/codechat/sales-before"
    assert page.store.instances("codechat") == ["sales", "sales-before"]


def test_what_is_erased_is_gone(page: Whole, person: Browser) -> None:
    path = f"{dropped(page, person)}/purge"
    asked = person.visit(path)
    assert "This cannot be undone." in asked.body
    csrf = asked.hidden("csrf")
    assert person.hand_in(path, csrf=csrf).status == 409
    assert len(page.store.drops()) == 1
    assert person.hand_in(path, csrf=csrf, typed="sales").status == 303
    assert page.store.drops() == []
    assert person.hand_in(path, csrf=csrf, typed="sales").status == 404


def test_a_checkpoint_brings_what_waits_into_its_files(page: Whole, person: Browser, tmp_path: Path) -> None:
    file = tmp_path / "store" / "codechat" / "sales" / "creds"
    assert not file.exists()
    csrf = person.visit("/ui/settings").hidden("csrf")
    assert person.hand_in("/ui/checkpoint", csrf=csrf).status == 303
    assert file.exists()


def test_a_label_is_kept_shown_and_searched(page: Whole, person: Browser) -> None:
    one = "/ui/instances/codechat/sales"
    csrf = person.visit(one).hidden("csrf")
    done = person.hand_in(f"{one}/label", csrf=csrf, label=" Loja <Centro> ")
    assert person.follow(done, f"{one}/label") == one
    assert [row.label for row in page.store.describe("codechat")] == ["Loja <Centro>"]
    for path in ("/ui/instances?q=centro", one, f"{one}/drop"):
        assert "Loja &lt;Centro&gt;" in person.visit(path).body
    assert person.hand_in(f"{one}/label", csrf=csrf, label="a" * 101).status == 400
    assert person.hand_in(f"{one}/label", csrf=csrf, label="").status == 303
    assert [row.label for row in page.store.describe("codechat")] == [""]


def test_what_was_done_is_seen_at_once(page: Whole, person: Browser) -> None:
    assert ">sales<" in person.visit("/ui/instances").body
    csrf = person.visit(DROP).hidden("csrf")
    person.hand_in(DROP, csrf=csrf, typed="sales", stopped="yes")
    assert ">sales<" not in person.visit("/ui/instances").body


def test_what_was_done_for_a_browser_that_went_away_is_seen_at_once(
    page: Whole, person: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ">sales<" in person.visit("/ui/instances").body
    csrf = person.visit(DROP).hidden("csrf")
    waiting: Deferred[None] = Deferred()
    monkeypatch.setattr(page.here, "commit", lambda _: waiting)
    with pytest.raises(BadStatusLine):  # it hears of nothing
        person.hand_in(DROP, csrf=csrf, typed="sales", stopped="yes")
    page.store.commit([DropInstance("codechat", "sales")])
    waiting.callback(None)
    assert ">sales<" not in person.visit("/ui/instances").body


@pytest.mark.parametrize("path", [DROP, "/ui/checkpoint", "/ui/trash/codechat/sales/x/purge", "/ui/logout-everywhere"])
def test_nothing_is_done_for_who_is_not_signed_in_or_shows_no_token_of_the_form(
    page: Whole, person: Browser, path: str
) -> None:
    stranger = Browser(page)
    assert stranger.hand_in(path, csrf="x", typed="sales", stopped="yes").status == 401
    assert person.hand_in(path, csrf="x", typed="sales", stopped="yes").status == 403
    own = person.visit("/ui/").hidden("csrf")
    assert person.hand_in(path, origin="http://vps:8080", csrf=own, typed="sales", stopped="yes").status == 403
    assert page.store.instances("codechat") == ["sales"]
    assert person.visit("/ui/").status == 200
