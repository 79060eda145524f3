"""What an operator does: finds an account, brings one back, drops one; with the mouse, and with keys alone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.accounts import calling
from tests.markers.marks import PHONE, TOKENS, VALUE, WRONG_TOKEN
from tests.page.beside import CHANGED, DROPPED, IDS, VIEWER, WAITING, WELL, WorkerWithPage, instance, sign_in
from tests.page.browser import Browser, Tab

NOTHING = "Nothing needs you."


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorkerWithPage]:
    """Each test that changes it has instances of its own in it."""
    with WorkerWithPage(tmp_path_factory.mktemp("beside") / "store") as running:
        running.fill()
        yield running
        assert running.failures == []


def press(tab: Tab, *keys: str) -> None:
    for key in keys:
        tab.page.keyboard.press(key)


def focused(tab: Tab) -> str:
    """Return what has the focus, which has to be seen: an outline of two pixels at least, with nothing over it."""
    said, seen = tab.page.evaluate("""() => {
        const one = document.activeElement, style = getComputedStyle(one), where = one.getBoundingClientRect();
        if (one === document.body) return ['', 'nothing'];
        const over = document.elementFromPoint((where.left + where.right) / 2, (where.top + where.bottom) / 2);
        const is_drawn = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2;
        return [(one.labels?.[0]?.innerText ?? one.innerText ?? '').replace(/\\s+/g, ' ').trim(),
          !is_drawn ? 'no outline' : over && (one.contains(over) || over.contains(one)) ? 'all' : 'covered'];
    }""")
    assert not said or seen == "all", (said, seen)
    return str(said)


def tab_to(tab: Tab, text: str) -> None:
    """Press the tabulator until a text has the focus, and see that each place that has it shows that."""
    for _ in range(80):
        press(tab, "Tab")
        if focused(tab).startswith(text):
            return
    pytest.fail(f"'{text}' never has the focus")


def test_a_search_leaves_what_matches_and_nothing_else(browser: Browser, worker: WorkerWithPage) -> None:
    with browser.tab(worker.origin) as tab:
        sign_in(tab, path="/ui/instances")
        rows = tab.page.locator("#found tbody tr")
        expect(rows).to_have_count(50)
        tab.page.locator("#q").press_sequentially(IDS[7][-4:].upper())
        expect(rows).to_have_count(1)
        assert IDS[7] in rows.inner_text()
        assert tab.page.url == f"{worker.origin}/ui/instances?q={IDS[7][-4:].upper()}"
        press(tab, "Escape")
        expect(rows).to_have_count(50)
        tab.page.fill("#q", f"http://vps:8080/manager/instance/{IDS[8]}/dashboard")
        expect(rows).to_have_count(1)
        assert IDS[8] in rows.inner_text()
        tab.page.fill("#q", "nobody")
        expect(tab.page.locator("#found")).to_contain_text("Nothing matches nobody.")
        tab.page.fill("#q", "")
        tab.page.select_option("#group", "codechat")
        expect(tab.page.locator("#found")).to_contain_text(WELL)


def test_without_scripts_a_search_leaves_what_matches_too(browser: Browser, worker: WorkerWithPage) -> None:
    with browser.tab(worker.origin, scripts="off") as tab:
        sign_in(tab)
        tab.page.fill("#search", IDS[7])
        tab.page.press("#search", "Enter")
        expect(tab.page.locator("#found tbody tr")).to_have_count(1)


@pytest.mark.parametrize("scripts", ["run", "off"])
def test_an_account_with_another_identity_is_brought_back_in_less_than_five_clicks(
    browser: Browser, worker: WorkerWithPage, scripts: str
) -> None:
    name = {"run": CHANGED, "off": WELL}[scripts]
    worker.change_identity(name)
    with browser.tab(worker.origin, scripts="run" if scripts == "run" else "off") as tab:
        sign_in(tab)
        place = tab.page.locator("#attention li", has_text=name)
        for _ in range(20):  # what was seen a moment ago is shown first
            if place.count():
                break
            tab.page.wait_for_timeout(200)
            tab.go("/ui/")
        place.get_by_role("link", name="See versions").click()
        identities = tab.page.locator("tbody code[class^=identity]")
        current, *_ = identities.all_inner_texts()
        before = tab.page.locator("tbody tr", has=tab.page.locator("code")).filter(has_not_text=current)
        before.first.get_by_role("link", name="Make current").click()
        if scripts == "run":
            expect(tab.page.locator("dialog[open]")).to_be_visible()
            assert tab.axe() == []
        tab.page.get_by_label("It is stopped in the API.").click()
        tab.page.get_by_role("button", name="Make current").click()
        tab.page.wait_for_url(f"**{instance(name)}")
        assert identities.first.inner_text() != current
        tab.go("/ui/")
        expect(tab.page.locator("#attention")).not_to_contain_text(name)


def test_a_drop_is_made_and_taken_back_with_keys_alone(browser: Browser, worker: WorkerWithPage) -> None:
    with browser.tab(worker.origin) as tab:
        tab.go(instance(WAITING), status=401)
        expect(tab.page.locator("#token")).to_be_focused()  # by itself, soon after it is there
        tab.page.keyboard.type(TOKENS["admin"])
        press(tab, "Enter")
        tab.page.wait_for_selector("nav")
        tab_to(tab, "Skip to the content")
        press(tab, "Enter")
        expect(tab.page.locator("#main")).to_be_focused()
        tab_to(tab, "Drop")
        press(tab, "Enter")
        expect(tab.page.locator("dialog[open]")).to_be_visible()
        press(tab, "Escape")
        expect(tab.page.locator("dialog")).to_have_count(0)
        assert "Drop" in tab.page.evaluate("document.activeElement.innerText")
        press(tab, "Enter")
        expect(tab.page.locator("dialog[open]")).to_be_visible()
        expect(tab.page.locator("#typed")).to_be_focused()
        tab.page.keyboard.type(WAITING)
        tab_to(tab, "It is stopped in the API.")
        press(tab, "Space")
        tab_to(tab, "Drop")
        press(tab, "Enter")
        tab.page.wait_for_url("**/ui/trash")
        tab_to(tab, f"Bring back… {WAITING}")
        press(tab, "Enter")
        expect(tab.page.locator("dialog[open]")).to_be_visible()
        tab_to(tab, "Bring back")
        press(tab, "Enter")
        tab.page.wait_for_url(f"**{instance(WAITING)}")
        press(tab, "/")
        expect(tab.page.locator("#search")).to_be_focused()


def test_an_account_is_brought_back_from_the_sign_in_on_with_keys_alone(
    browser: Browser, worker: WorkerWithPage
) -> None:
    worker.change_identity(IDS[2], "evolution")
    with browser.tab(worker.origin, scheme="dark") as tab:
        tab.go("/ui/", status=401)
        expect(tab.page.locator("#token")).to_be_focused()
        assert focused(tab) == "Token"
        tab.page.keyboard.type(TOKENS["admin"])
        tab_to(tab, "Sign in")
        press(tab, "Enter")
        tab.page.wait_for_selector("nav")
        expect(tab.page.locator("#attention")).to_contain_text(IDS[2])
        tab_to(tab, f"See versions {IDS[2]}")
        press(tab, "Enter")
        tab.page.wait_for_url(f"**{instance(IDS[2], 'evolution')}#what")
        current = tab.page.locator("tbody code[class^=identity]").first.inner_text()
        tab_to(tab, "Make current…")
        press(tab, "Enter")
        expect(tab.page.locator("dialog[open]")).to_be_visible()
        assert focused(tab) == "It is stopped in the API."
        press(tab, "Space")
        tab_to(tab, "Make current")
        press(tab, "Enter")
        expect(tab.page.locator("tbody code[class^=identity]").first).not_to_have_text(current)
        assert tab.page.url == f"{worker.origin}{instance(IDS[2], 'evolution')}"


def test_one_whose_name_is_taken_comes_back_under_another(browser: Browser, worker: WorkerWithPage) -> None:
    with calling(worker) as caller:
        caller.call("POST", "/session/codechat", {"instance": DROPPED})
    with browser.tab(worker.origin) as tab:
        tab.expect(409)
        sign_in(tab, path="/ui/trash")
        tab.page.locator("tr", has_text=DROPPED).get_by_role("link", name="Bring back").click()
        tab.page.get_by_role("button", name="Bring back").click()
        expect(tab.page.locator("#new-name")).to_have_value(f"{DROPPED}-before")
        assert tab.axe() == []
        tab.page.get_by_role("button", name="Bring back").click()
        tab.page.wait_for_url(f"**{instance(f'{DROPPED}-before')}")


def test_what_is_new_is_shown_without_a_click_and_times_are_those_of_the_place(
    browser: Browser, worker: WorkerWithPage
) -> None:
    with browser.tab(worker.origin) as tab:
        tab.page.clock.install()
        sign_in(tab)
        assert all("UTC" not in text for text in tab.page.locator("time").all_inner_texts())
        before = tab.page.locator("#last li").first.inner_text()
        worker.change_identity(IDS[1], "evolution")
        for _ in range(20):
            tab.page.clock.run_for(6_000)
            if IDS[1] in tab.page.locator("#last").inner_text():
                break
            tab.page.wait_for_timeout(200)
        assert tab.page.locator("#last li").first.inner_text() != before


def test_a_session_that_is_over_leads_to_the_way_in_and_back(browser: Browser, worker: WorkerWithPage) -> None:
    with browser.tab(worker.origin) as tab:
        tab.page.clock.install()
        tab.expect(401)
        sign_in(tab, path="/ui/events")
        tab.context.clear_cookies()
        tab.page.clock.run_for(6_000)
        expect(tab.page.locator("#token")).to_be_visible()
        tab.page.fill("#token", VIEWER)
        tab.page.click("#sign-in button")
        expect(tab.page.locator("h1")).to_have_text("Events")
        assert tab.page.url == f"{worker.origin}/ui/events"
        tab.page.get_by_role("button", name="Sign out").click()
        expect(tab.page.locator("#token")).to_be_visible()
        tab.go("/ui/events", status=401)


def test_a_worker_that_is_gone_is_told_of_and_one_that_is_back_is_shown(browser: Browser, tmp_path: Path) -> None:
    with WorkerWithPage(tmp_path / "store") as worker, browser.tab(worker.origin) as tab:
        tab.page.clock.install()
        tab.expect(401, "ERR_CONNECTION_REFUSED")
        sign_in(tab)
        worker.kill()
        tab.page.clock.run_for(6_000)
        expect(tab.page.locator("#gone")).to_be_visible()
        expect(tab.page.locator("#gone")).to_contain_text("The worker has not answered since")
        assert tab.axe() == []
        worker.start()
        worker.wait_until_ready()
        for _ in range(50):
            tab.page.clock.run_for(3_000)
            if tab.page.locator("#token").count():
                break
            tab.page.wait_for_timeout(500)  # for it to answer: it is not to be given up meanwhile
        expect(tab.page.locator("#token")).to_be_visible()  # its sessions ended with it


def test_a_language_that_was_chosen_stays(browser: Browser, worker: WorkerWithPage) -> None:
    with browser.tab(worker.origin) as tab:
        sign_in(tab)
        tab.page.get_by_role("link", name="Português").click()
        expect(tab.page.locator("h1")).to_have_text("Visão geral")
        tab.go("/ui/trash")
        expect(tab.page.locator("h1")).to_have_text("Lixeira")


def test_after_five_wrong_tokens_somebody_waits_and_no_token_is_let_out(browser: Browser, tmp_path: Path) -> None:
    with WorkerWithPage(tmp_path / "store") as worker, browser.tab(worker.origin) as tab:
        tab.expect(401, 429)
        tab.go("/ui/", status=401)
        for number in range(6):
            tab.page.fill("#token", f"{WRONG_TOKEN}-{number}")
            tab.page.click("#sign-in button")
            expect(tab.page.locator("#problem")).to_contain_text("Too many tries" if number == 5 else "not a token")
        assert tab.axe() == []


@pytest.mark.slow
def test_what_is_secret_lies_in_the_store_that_all_this_looks_at(worker: WorkerWithPage) -> None:
    """The other tests look for it in pages, addresses, cookies and the log."""
    with calling(worker) as caller:
        found = [str(caller.get(f"/session/codechat/{WELL}/{key}")) for key in ("creds", f"lid-mapping-{PHONE}")]
    assert all(VALUE in text for text in found)
    assert PHONE in found[0]
    assert re.search(r"\[serving\]", worker.output)
