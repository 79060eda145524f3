"""What is done on the page in a browser, and what the store, its files and the worker's own routes say of it then."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.accounts import calling
from tests.page.beside import CHANGED, DROPPED, OPERATOR, WELL, WorkerWithPage, instance, sign_in
from tests.page.browser import Browser, Scripts, Tab
from tests.page.served import served
from tests.page.visiting import OPERATOR as OPERATOR_IN_MEMORY
from tests.page.whole import whole_page
from tests.tools import show_figure

pytestmark = pytest.mark.usefixtures("at_length")

IDLE_MINUTES = 30


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorkerWithPage]:
    """Each test that changes it has instances of its own in it."""
    with WorkerWithPage(tmp_path_factory.mktemp("down") / "store") as running:
        running.fill()
        yield running
        assert running.failures == []


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Do all of it without scripts, too, with `--full`."""
    if "scripts" in metafunc.fixturenames:
        metafunc.parametrize("scripts", ["run", "off"] if metafunc.config.getoption("--full") else ["run"])


def asked(worker: WorkerWithPage, path: str) -> Any:
    """Ask the worker's own port, as an operator."""
    connection = HTTPConnection("127.0.0.1", worker.port, timeout=20)
    connection.request("GET", path, headers={"apikey": OPERATOR})
    answer = connection.getresponse()
    said = answer.read()
    connection.close()
    return json.loads(said) if answer.status < 300 else answer.status


def held(worker: WorkerWithPage, name: str, key: str = "creds") -> Any:
    with calling(worker) as caller:
        status, value = caller.call("GET", f"/session/codechat/{name}/{key}")
    return value if status == 200 else status


def summary(worker: WorkerWithPage, name: str) -> Any:
    found = asked(worker, "/admin/groups/codechat/instances")
    return next((one for one in found if one["instance"] == name), None)


def press(tab: Tab, name: str) -> None:
    """Press a button, as soon as it is there."""
    tab.page.get_by_role("button", name=name, exact=True).click()


def test_a_label_and_older_creds_are_in_the_store(browser: Browser, worker: WorkerWithPage, scripts: Scripts) -> None:
    with browser.tab(worker.origin, scripts=scripts) as tab:
        sign_in(tab, path=instance(CHANGED))
        tab.page.get_by_label("What people call it").fill(f"Suporte <{scripts}>")
        press(tab, "Save")
        expect(tab.page.locator("h1")).to_contain_text(f"Suporte <{scripts}> {CHANGED}")
        assert summary(worker, CHANGED)["label"] == f"Suporte <{scripts}>"
        before = asked(worker, f"/admin/groups/codechat/instances/{CHANGED}/versions")
        value = held(worker, CHANGED)
        wanted = next(one for one in before if one["identity"] != before[0]["identity"])
        tab.page.locator("tr", has_text=wanted["identity"]).get_by_role("link").first.click()
        tab.page.get_by_label("It is stopped in the API.").check()
        press(tab, "Make current")
        tab.page.wait_for_url(f"**{instance(CHANGED)}")
        after = asked(worker, f"/admin/groups/codechat/instances/{CHANGED}/versions")
        assert [one["identity"] for one in after if one["isCurrent"]] == [wanted["identity"]]
        assert held(worker, CHANGED) != value
        assert before[0]["identity"] in [one["identity"] for one in after]
        [event] = [one for one in asked(worker, "/admin/events") if one["event"] == "version_restored"][-1:]
        assert (event["instance"], event["by"]) == (CHANGED, "127.0.0.1")


def test_what_is_dropped_is_gone_and_whole_when_it_is_back(
    browser: Browser, worker: WorkerWithPage, scripts: Scripts
) -> None:
    value = held(worker, WELL)
    assert isinstance(value, bytes)
    with browser.tab(worker.origin, scripts=scripts) as tab:
        sign_in(tab, path=instance(WELL))
        tab.page.get_by_role("link", name="Drop…").click()
        tab.page.get_by_label(f"Type {WELL} to go on").fill(WELL)
        tab.page.get_by_label("It is stopped in the API.").check()
        press(tab, "Drop")
        tab.page.wait_for_url("**/ui/trash")
        assert summary(worker, WELL) is None
        assert held(worker, WELL) == 404
        assert not (worker.store / "codechat" / WELL).exists()
        assert WELL in [one["instance"] for one in asked(worker, "/admin/drops")]
        tab.page.get_by_role("link", name=f"Bring back… {WELL}").click()
        press(tab, "Bring back")
        tab.page.wait_for_url(f"**{instance(WELL)}")
        assert held(worker, WELL) == value
        assert WELL not in [one["instance"] for one in asked(worker, "/admin/drops")]


def test_what_is_erased_is_erased_once_its_name_is_typed(
    browser: Browser, worker: WorkerWithPage, scripts: Scripts
) -> None:
    name = f"{DROPPED}-{scripts}"
    with calling(worker) as caller:
        caller.call("POST", "/session/codechat", {"instance": name})
        caller.call("DELETE", f"/session/codechat/{name}")
    [drop] = [one["drop"] for one in asked(worker, "/admin/drops") if one["instance"] == name]
    assert [path for path in worker.store.rglob("*") if drop in path.name]
    with browser.tab(worker.origin, scripts=scripts) as tab:
        tab.expect(409)
        sign_in(tab, path="/ui/trash")
        tab.page.get_by_role("link", name=f"Erase… {name}").click()
        for typed in (f"{name}-", name):
            assert drop in [one["drop"] for one in asked(worker, "/admin/drops")]
            tab.page.get_by_label(f"Type {name} to go on").fill(typed)
            press(tab, "Erase for good")
            if typed != name:
                expect(tab.page.get_by_role("alert").last).to_have_text("What was typed is not its name.")
        tab.page.wait_for_url("**/ui/trash")
        assert drop not in [one["drop"] for one in asked(worker, "/admin/drops")]
        assert not [path for path in worker.store.rglob("*") if drop in path.name]
        expect(tab.page.locator("main")).not_to_contain_text(name)


def test_a_checkpoint_brings_into_the_files_what_was_written_last(
    browser: Browser, worker: WorkerWithPage, scripts: Scripts
) -> None:
    file = worker.store / "codechat" / WELL / "pre-key-9"
    with browser.tab(worker.origin, scripts=scripts) as tab, calling(worker) as caller:
        sign_in(tab, path="/ui/settings")
        for number in range(50):  # the files follow by themselves now and then
            value = {"data": json.dumps({"number": number, "scripts": scripts})}
            assert caller.call("POST", f"/session/codechat/{WELL}/pre-key-9", value)[0] < 300
            if not file.exists() or json.loads(file.read_bytes()) != json.loads(value["data"]):
                break
        else:
            pytest.fail("what is written is in the files at once")
        press(tab, "Make a checkpoint")
        tab.page.wait_for_load_state()
        assert json.loads(file.read_bytes()) == json.loads(value["data"])


def test_a_form_that_is_not_of_this_session_does_nothing_and_says_so(browser: Browser, worker: WorkerWithPage) -> None:
    with browser.tab(worker.origin) as tab:
        tab.expect(403)
        sign_in(tab, path="/ui/settings")
        tab.page.evaluate("document.querySelector('form[action$=everywhere] [name=csrf]').value += 'x'")
        with tab.page.expect_navigation() as went:
            press(tab, "Sign out everywhere")
        assert went.value.status == 403
        expect(tab.page.locator("main")).to_contain_text("This form was shown before you signed in.")
        assert tab.axe() == []
        tab.go("/ui/settings")  # nobody was signed out


def test_whoever_is_signed_out_everywhere_is_out_at_the_next_click(
    browser: Browser, worker: WorkerWithPage, scripts: Scripts
) -> None:
    with browser.tab(worker.origin, scripts=scripts) as tab, browser.tab(worker.origin, scripts="off") as another:
        another.expect(401)
        sign_in(another, path=instance(WELL))
        sign_in(tab, path="/ui/settings")
        press(tab, "Sign out everywhere")
        tab.page.wait_for_selector("#sign-in")
        another.page.get_by_role("link", name="Drop…").click()
        another.page.wait_for_selector("#sign-in")
        assert [one for one in tab.context.cookies() if one["name"].startswith("sw-session-")] == []
        sign_in_again(another, OPERATOR)
        another.page.wait_for_url(f"**{instance(WELL)}**")


def sign_in_again(tab: Tab, token: str) -> None:
    """Type the token where a page led to it, and be where it leads back to."""
    tab.page.fill("#token", token)
    tab.page.click("#sign-in button")
    tab.page.wait_for_selector("nav")


def test_a_session_ends_when_nobody_clicks_though_the_page_is_open(browser: Browser, tmp_path: Path) -> None:
    with whole_page(tmp_path / "store") as page, served(page) as origin, browser.tab(origin) as tab:
        tab.expect(401)
        tab.page.clock.install()
        tab.go("/ui/", status=401)
        sign_in_again(tab, OPERATOR_IN_MEMORY)
        page.clock.advance(60 * (IDLE_MINUTES - 1))
        tab.page.get_by_role("link", name="Events", exact=True).click()  # that is a click
        tab.page.wait_for_url("**/ui/events")
        for _ in range(2):
            page.clock.advance(60 * (IDLE_MINUTES / 2 - 1))
            with tab.page.expect_response("**/ui/events") as refreshed:
                tab.page.clock.run_for(6_000)
            assert refreshed.value.status == 200
        page.clock.advance(180)
        tab.page.get_by_role("link", name="Health", exact=True).click()
        tab.page.wait_for_selector("#sign-in")
        assert tab.page.url == f"{origin}/ui/health"
        sign_in_again(tab, OPERATOR_IN_MEMORY)
        expect(tab.page.locator("h1")).to_have_text("Health")
        page.clock.advance(60 * IDLE_MINUTES)
        tab.page.clock.run_for(6_000)  # and it is seen without a click
        tab.page.wait_for_selector("#sign-in")
    show_figure(f"a session in Chromium: over after {IDLE_MINUTES} minutes without a click, though the page refreshes")
