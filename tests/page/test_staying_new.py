"""What a script keeps new on a page, and what it says when it cannot: in a browser whose clock the test moves."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from sessionworker.stores.changes import CreateGroup, CreateInstance, DropInstance
from tests.page.browser import Browser, Tab
from tests.page.served import served
from tests.page.test_states import sign_in
from tests.page.visiting import OPERATOR
from tests.page.whole import Whole, whole_page

REFRESH, PATIENCE = 5_000, 10_000


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Whole]:
    with whole_page(tmp_path / "store") as whole:
        yield whole


def enter(tab: Tab, path: str = "/ui/") -> None:
    """Be at a page, at a time of the test's own."""
    tab.page.clock.install()
    sign_in(tab, OPERATOR)
    tab.go(path)


@pytest.mark.usefixtures("at_length")
def test_a_page_waits_for_the_first_api_and_turns_green_when_it_connects(browser: Browser, page: Whole) -> None:
    with served(page) as origin, browser.tab(origin) as tab:
        enter(tab)
        empty = tab.page.locator("#empty")
        expect(empty).to_contain_text("○ No API has connected yet.")
        page.do(CreateGroup("codechat"))
        tab.page.clock.run_for(REFRESH)
        expect(empty.locator(".good")).to_contain_text("✔ An API has connected.")
        expect(empty).not_to_contain_text("PROVIDER")
        page.do(CreateInstance("codechat", "sales"))
        tab.page.clock.run_for(REFRESH)
        expect(empty).to_have_text("")


def test_while_no_answer_comes_what_was_there_stays_and_it_is_said_how_old_it_is(browser: Browser, page: Whole) -> None:
    page.make("codechat", "sales")
    with served(page) as origin, browser.tab(origin) as tab:
        tab.expect("ERR_FAILED")
        enter(tab)
        age, gone, cards = (tab.page.locator(one) for one in (".asof", "#gone", "#cards"))
        before = cards.inner_text()
        tab.context.route("**/ui/", lambda _route: None)  # it is heard, and not answered
        tab.page.clock.run_for(REFRESH)
        expect(cards).to_have_attribute("aria-busy", "true")
        expect(age).to_have_text("As of 5 seconds ago")
        expect(age).not_to_have_class("asof old")
        expect(gone).to_be_hidden()
        tab.page.clock.run_for(PATIENCE + 1_000)
        expect(age).to_have_text("As of 16 seconds ago")
        expect(age).to_have_class("asof old")
        assert tab.axe() == []
        expect(gone).to_contain_text("The worker has not answered since")
        expect(cards).to_have_attribute("aria-busy", "false")
        expect(tab.page.get_by_role("button", name="Sign out")).to_be_disabled()
        assert cards.inner_text() == before
        tab.context.unroute("**/ui/")
        tab.page.clock.run_for(2 * REFRESH + 100)
        expect(gone).to_be_hidden()
        expect(age).not_to_have_class("asof old")
        expect(tab.page.get_by_role("button", name="Sign out")).to_be_enabled()


@pytest.mark.usefixtures("at_length")
def test_what_a_proxy_answers_in_the_place_of_the_worker_is_no_answer(browser: Browser, page: Whole) -> None:
    page.make("codechat", "sales")
    with served(page) as origin, browser.tab(origin) as tab:
        tab.expect(502)
        enter(tab)
        tab.context.route("**/ui/", lambda route: route.fulfill(status=502, body="<h1>Bad gateway</h1>"))
        tab.page.clock.run_for(REFRESH)
        expect(tab.page.locator("#gone")).to_be_visible()


@pytest.mark.usefixtures("at_length")
def test_an_instance_that_is_gone_is_no_worker_that_is_gone(browser: Browser, page: Whole) -> None:
    page.make("codechat", "sales")
    with served(page) as origin, browser.tab(origin) as tab:
        tab.expect(404)
        enter(tab, "/ui/instances/codechat/sales")
        page.do(DropInstance("codechat", "sales"))
        with tab.page.expect_response("**/sales") as answered:
            tab.page.clock.run_for(REFRESH)
        assert answered.value.status == 404
        tab.page.clock.run_for(1_000)
        expect(tab.page.locator("#gone")).to_be_hidden()
        tab.page.get_by_role("link", name="Drop…").click()
        expect(tab.page.get_by_label("Type sales to go on")).to_be_visible()


@pytest.mark.usefixtures("at_length")
def test_a_question_that_cannot_be_asked_leaves_the_page_where_it_is(browser: Browser, page: Whole) -> None:
    page.make("codechat", "sales")
    with served(page) as origin, browser.tab(origin) as tab:
        tab.expect("ERR_CONNECTION_REFUSED")
        enter(tab, "/ui/instances/codechat/sales")
        tab.context.route("**/drop", lambda route: route.abort("connectionrefused"))
        tab.page.get_by_role("link", name="Drop…").click()
        expect(tab.page.locator("#gone")).to_contain_text("The worker has not answered since")
        expect(tab.page.locator("h1")).to_contain_text("sales")
        assert tab.page.url == f"{origin}/ui/instances/codechat/sales"


@pytest.mark.usefixtures("at_length")
def test_what_has_to_be_typed_elsewhere_is_copied(browser: Browser, page: Whole) -> None:
    with served(page) as origin, browser.tab(origin) as tab:
        tab.context.grant_permissions(["clipboard-read", "clipboard-write"])
        enter(tab)
        tab.page.get_by_role("button", name="Copy").click()
        expect(tab.page.locator(".copy")).to_have_text("Copied")
        assert "PROVIDER_ENABLED=true\nPROVIDER_HOST=" in tab.page.evaluate("navigator.clipboard.readText()")
        tab.page.clock.run_for(REFRESH)
        expect(tab.page.locator(".copy")).to_have_count(1)
