"""What each page says, in each state, in both languages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from sessionworker.errors import StoreUnavailable
from sessionworker.page.known import BRIEF_SECONDS, LONGEST_SECONDS
from sessionworker.page.languages import LANGUAGES
from sessionworker.page.series import STEP_SECONDS
from sessionworker.stores.changes import CreateGroup, CreateInstance, DropInstance, LabelInstance
from sessionworker.stores.files.overview import MOST_PROBLEMS
from sessionworker.wire import DropSummary
from tests.migration.examples import awaiting_code, paired_creds, unpaired_creds
from tests.page.visiting import VIEWER, Browser
from tests.page.whole import Whole, operator, whole_page

PAGES = ("/ui/", "/ui/instances", "/ui/trash", "/ui/health", "/ui/events", "/ui/settings")


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Whole]:
    with whole_page(tmp_path / "store") as whole:
        yield whole


def text_of_page(body: str) -> str:
    """What somebody reads."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", body.partition("<main")[2].partition("</main>")[0]))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_of_an_empty_worker_says_so(page: Whole, language: str) -> None:
    browser = operator(page, language)
    for path in PAGES:
        answer = browser.visit(path)
        assert answer.status == 200, path
        assert f'<html lang="{language}">' in answer.body
    said = text_of_page(browser.visit("/ui/").body)
    wanted = {
        "en": ("Nothing needs you.", "No group yet", "○ No API has connected yet."),
        "pt-BR": ("Nada precisa de você.", "Nenhum grupo ainda", "○ Nenhuma API se conectou ainda."),
    }
    for text in (*wanted[language], "PROVIDER_HOST=vps", "PROVIDER_PORT=5656", "PROVIDER_PREFIX"):
        assert text in said


@pytest.mark.parametrize(
    ("place", "host", "port"),
    [
        ("tcp:8484:interface=127.0.0.1", "127.0.0.1", "8484"),
        ("tcp:port=7000", "vps", "7000"),
        ("unix:/run/w", "vps", "5656"),
    ],
)
def test_an_api_is_given_the_address_at_which_this_worker_listens(
    tmp_path: Path, place: str, host: str, port: str
) -> None:
    with whole_page(tmp_path / "store", SESSIONWORKER_LISTEN=place) as page:
        said = text_of_page(operator(page).visit("/ui/").body)
        assert f"PROVIDER_HOST={host} PROVIDER_PORT={port} PROVIDER_PREFIX" in said


def test_an_instance_of_another_identity_is_on_the_first_page_and_leads_to_its_versions(page: Whole) -> None:
    page.make("codechat", "sales")
    page.make("codechat", "support")
    page.write("codechat", "sales", creds=paired_creds("another", "5511888888888"))
    browser = operator(page)
    first = browser.visit("/ui/").body
    said = text_of_page(first)
    assert "Needs attention (1)" in said
    assert "! another identity sales codechat" in said
    assert 'href="./instances/codechat/sales#what"' in first
    one = browser.visit("/ui/instances/codechat/sales").body
    assert one.count("/versions/") == 1  # of two, one is the current one
    assert "Somebody paired this instance anew" in text_of_page(one)


def test_what_somebody_has_seen_to_needs_no_attention_any_more(page: Whole) -> None:
    page.make("codechat", "sales")
    page.write("codechat", "sales", creds=paired_creds("another"))
    browser = operator(page)
    [path] = re.findall(r'href="([^"]*/versions/[^"]*)"', browser.visit("/ui/instances/codechat/sales").body)
    path = f"/ui/instances/codechat/sales/versions/{path.rpartition('/')[2]}"
    asked = browser.visit(path)
    assert "Stop this instance in the API first" in asked.body
    assert browser.hand_in(path, csrf=asked.hidden("csrf")).status == 409  # "it is stopped" was not ticked
    done = browser.hand_in(path, csrf=asked.hidden("csrf"), stopped="yes")
    assert browser.follow(done, path) == "/ui/instances/codechat/sales"
    assert "Nothing needs you." in browser.visit("/ui/").body
    versions = page.store.versions("codechat", "sales")
    assert versions[0].identity == versions[-1].identity != versions[1].identity


def test_a_refused_instance_says_why_and_what_to_do(tmp_path: Path) -> None:
    with whole_page(tmp_path) as before:
        before.make("codechat", "lost & found")
    folder = tmp_path / "codechat" / "lost & found"
    for file in (folder / "creds", *(folder / ".sessionworker" / "versions").iterdir()):
        file.write_bytes(b"{")
    with whole_page(tmp_path, SESSIONWORKER_STORE=str(tmp_path)) as page:
        with pytest.raises(StoreUnavailable):
            page.store.check_creds("codechat", "lost & found")
        browser = operator(page)
        assert "needs a person" in text_of_page(browser.visit("/ui/").body)
        said = text_of_page(browser.visit(f"/ui/instances/codechat/{quote('lost & found')}").body)
        portuguese = operator(page, "pt-BR")
        for path in ("/ui/", f"/ui/instances/codechat/{quote('lost & found')}"):
            assert "as creds dela estão quebradas" in text_of_page(portuguese.visit(path).body)
    assert "its creds are broken, and no older version is left" in said
    assert "sessionworker import archive BACKUP --only &#39;codechat/lost &amp; found&#39;" in said
    assert "A drop can be undone." in said
    assert f"Its creds go into {tmp_path}/codechat/lost &amp; found/creds ." in said


def test_all_that_need_a_person_are_counted_where_few_are_named(tmp_path: Path) -> None:
    count = MOST_PROBLEMS + 10
    with whole_page(tmp_path) as before:
        for number in range(count):
            before.make("codechat", f"n{number}")
    for number in range(count):
        folder = tmp_path / "codechat" / f"n{number}"
        for file in (folder / "creds", *(folder / ".sessionworker" / "versions").iterdir()):
            file.write_bytes(b"{")
    with whole_page(tmp_path) as page:
        for number in range(count):
            with pytest.raises(StoreUnavailable):
                page.store.check_creds("codechat", f"n{number}")
        assert f"Needs attention ({count})" in text_of_page(operator(page).visit("/ui/").body)


@pytest.mark.parametrize(
    ("language", "one", "two"),
    [
        ("en", "1 was written within a day 0 need a person", "2 were written within a day 0 need a person"),
        ("pt-BR", "1 nunca foi pareada", "2 nunca foram pareadas"),
    ],
)
def test_one_is_counted_as_one(page: Whole, language: str, one: str, two: str) -> None:
    page.make("codechat", "sales", **{"pre-key-1": {"a": "b"}})
    assert one in text_of_page(operator(page, language).visit("/ui/").body)
    page.make("codechat", "support", **{"pre-key-1": {"a": "b"}})
    assert two in text_of_page(operator(page, language).visit("/ui/").body)


def test_the_list_is_searched_filtered_and_a_page_at_a_time(page: Whole) -> None:
    page.do(CreateGroup("evolution"), *(CreateInstance("evolution", f"n{number:03}") for number in range(120)))
    page.make("codechat", "sales")
    browser = operator(page)

    def names(query: str) -> list[str]:
        body = browser.visit(f"/ui/instances{query}").body
        return re.findall(r'<th scope="row"><a href="[^"]*">([^<]*)</a>', body)

    assert len(names("")) == 50
    assert names("?sort=name&page=3") == [f"n{number:03}" for number in range(99, 120)]
    assert names("?q=N11") == ["n110", "n111", "n112", "n113", "n114", "n115", "n116", "n117", "n118", "n119"]
    assert names("?group=codechat") == ["sales"]
    assert names("?state=well") == ["sales"]
    assert names("?q=http%3A%2F%2Fmanager%2Fmanager%2Finstance%2Fn042%2Fdashboard") == ["n042"]
    assert names("?q=nobody") == []
    assert "Nothing matches nobody ." in text_of_page(browser.visit("/ui/instances?q=nobody").body)
    assert names("?page=99&state=nonsense&sort=nonsense") == names("?page=3")
    assert "121 of 121 instances" in text_of_page(browser.visit("/ui/instances").body)


def test_the_list_asks_for_the_trash_only_where_something_is_searched(
    page: Whole, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is read as a whole: with 10,000 in it that takes half a second, each few seconds of an open list."""
    asked: list[str] = []

    def drops() -> list[DropSummary]:
        asked.append("drops")
        return []

    monkeypatch.setattr(page.store, "drops", drops)
    browser = operator(page)
    browser.visit("/ui/instances?state=well")
    assert asked == []
    browser.visit("/ui/instances?q=sal")
    assert asked == ["drops"]


@pytest.mark.parametrize("searched", ["sal", "centro"])
def test_what_is_searched_and_lies_in_the_trash_is_said(page: Whole, searched: str) -> None:
    page.make("codechat", "sales")
    page.do(LabelInstance("codechat", "sales", "Loja Centro"), DropInstance("codechat", "sales"))
    said = text_of_page(operator(page).visit(f"/ui/instances?q={searched}").body)
    assert f"Nothing matches {searched} . In the trash: 1" in said


@pytest.mark.parametrize(
    ("creds", "said"),
    [(paired_creds(), "yes"), (awaiting_code(), "a pairing code was asked for"), (unpaired_creds(), "no phone has")],
)
def test_how_far_a_pairing_has_come_is_told(page: Whole, creds: dict[str, object], said: str) -> None:
    page.make("codechat", "sales", creds=creds)
    assert said in text_of_page(operator(page).visit("/ui/instances/codechat/sales").body)


def test_a_store_that_hangs_is_told_and_what_was_seen_last_is_shown(page: Whole) -> None:
    page.make("codechat", "sales")
    browser = operator(page)
    assert "sales" in browser.visit("/ui/instances").body
    page.here.hangs = True
    page.clock.advance(31)
    answered = browser.ask_and_wait("/ui/instances", 1.0)
    assert "The store has not answered for 32 seconds." in answered.body
    assert "sales" in answered.body
    for path in PAGES:
        assert browser.ask_and_wait(path, 1.0).status == 200
    unknown = browser.ask_and_wait("/ui/instances/codechat/sales", 1.0)
    assert (unknown.status, "The store has not answered." in unknown.body) == (503, True)


def test_whoever_may_only_look_is_shown_no_button_and_changes_nothing(page: Whole) -> None:
    page.make("codechat", "sales")
    browser = Browser(page)
    assert browser.sign_in(VIEWER).status == 303
    for path in (*PAGES, "/ui/instances/codechat/sales"):
        body = browser.visit(path).body
        assert "You see everything that may be seen and can change nothing." in body
        root = "../../" if "sales" in path else "./"
        assert re.findall(r'<form method="post" action="([^"]*)"', body) == [f"{root}logout", f"{root}names"]
        assert "data-dialog" not in body
    assert browser.visit("/ui/instances/codechat/sales/drop").status == 403
    csrf = browser.visit("/ui/").hidden("csrf")
    refused = browser.hand_in("/ui/instances/codechat/sales/drop", csrf=csrf, typed="sales", stopped="yes")
    assert refused.status == 403
    assert page.store.instances("codechat") == ["sales"]


@pytest.mark.parametrize(
    "path", ["/ui/nowhere", "/ui/instances/codechat/nobody", "/ui/instances/no/where", "/ui/static/x.css"]
)
def test_what_is_not_there_is_said_so(page: Whole, path: str) -> None:
    page.make("codechat", "sales")
    answer = operator(page).visit(path)
    assert (answer.status, "There is nothing here." in answer.body) == (404, True)
    assert page.logged("page_failed") == []


def test_the_list_is_kept_new_while_somebody_is_signed_in_and_shown_at_once_when_it_is_opened(page: Whole) -> None:
    page.make("codechat", "sales")
    browser = operator(page)
    for _ in range(60):
        page.clock.advance(STEP_SECONDS)
        page.built.take_sample()
    browser.visit("/ui/events")  # what stands on each page is known, too
    page.here.hangs = True
    page.clock.advance(LONGEST_SECONDS)
    answer = browser.ask_and_wait("/ui/instances", BRIEF_SECONDS)
    found = text_of_page(answer.body).partition(" Show ")[2]
    assert found.startswith("1 of 1 instance As of 1 minute ago")


def test_the_list_is_asked_for_when_somebody_comes_and_not_while_nobody_is_there(
    page: Whole, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def groups() -> list[str]:
        asked.append("groups")
        return []

    monkeypatch.setattr(page.store, "groups", groups)
    for _ in range(60):
        page.clock.advance(STEP_SECONDS)
        page.built.take_sample()
    assert asked == []
    assert Browser(page).visit("/ui/instances").status == 401
    assert asked == ["groups"]
