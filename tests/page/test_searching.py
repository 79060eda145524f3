"""The search over 5,000 instances, in a browser."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest
from playwright.sync_api import Locator, expect

from sessionworker.stores.changes import CreateGroup, CreateInstance, DropInstance, LabelInstance
from sessionworker.stores.files.store import FileStore
from tests.page.beside import WorkerWithPage, instance, sign_in
from tests.page.browser import Browser, Tab
from tests.tools import show_figure

COUNT = 5_000
A_PAGE = 50
MOST_MILLISECONDS = 1_000
DELAY = 200
"""Milliseconds that the script waits for further keys."""

IDS = [f"3f0a9c12-7be4-4d51-9f3e-{number:012x}" for number in range(COUNT)]
DROPPED = "3f0a9c12-7be4-4d51-9f3e-gone"

_NOTE_TIMES = """() => {
  const noted = window.noted = []
  const said = () => document.querySelector('#found [role=status]').textContent
  let last = said(), typed = 0
  document.getElementById('q').addEventListener('input', () => { typed = performance.now() })
  new MutationObserver(() => {
    if (said() === last) return
    last = said()
    noted.push(performance.now() - typed)
  }).observe(document.querySelector('main'), { childList: true, subtree: true })
}"""


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorkerWithPage]:
    """A worker with 5,000 instances, of which one in a hundred has a label."""
    folder = tmp_path_factory.mktemp("searching") / "store"
    with closing(FileStore(folder, sync=False)) as store:
        store.commit([CreateGroup("evolution")])
        made = [CreateInstance("evolution", name) for name in (*IDS, DROPPED)]
        assert store.commit(made) == [None] * len(made)
        store.commit([LabelInstance("evolution", name, f"Loja {name[-3:]}") for name in IDS[::100]])
        store.commit([DropInstance("evolution", DROPPED)])
    with WorkerWithPage(folder) as running:
        yield running
        assert running.failures == []


def status(tab: Tab) -> Locator:
    return tab.page.locator("#found [role=status]")


def rows(tab: Tab) -> Locator:
    return tab.page.locator("#found tbody tr")


def found(text: str) -> list[str]:
    """What has to be found."""
    return [
        name for place, name in enumerate(IDS) if text in name or (place % 100 == 0 and text in f"loja {name[-3:]}")
    ]


def test_whoever_types_sees_what_matches_and_how_many_in_less_than_a_second(
    browser: Browser, worker: WorkerWithPage
) -> None:
    with browser.tab(worker.origin) as tab:
        sign_in(tab, path="/ui/instances")
        expect(status(tab)).to_have_text("5,000 of 5,000 instances")
        expect(rows(tab)).to_have_count(A_PAGE)
        tab.page.evaluate(_NOTE_TIMES)
        for text in ("0abc", "loja 3", "00f"):
            tab.page.keyboard.press("/")
            expect(tab.page.locator("#q")).to_be_focused()
            tab.page.keyboard.type(text)
            expect(status(tab)).to_have_text(f"{len(found(text)):,} of 5,000 instances")
            expect(rows(tab)).to_have_count(min(A_PAGE, len(found(text))))
            tab.page.keyboard.press("Escape")
            expect(status(tab)).to_have_text("5,000 of 5,000 instances")
            expect(rows(tab)).to_have_count(A_PAGE)
            assert tab.page.url == f"{worker.origin}/ui/instances"
            tab.page.evaluate("document.activeElement.blur()")
        times: list[float] = tab.page.evaluate("window.noted")
        assert len(times) >= 6
        tab.page.fill("#q", f"https://evolution.example:8080/manager/instance/{IDS[1234]}/dashboard")
        expect(status(tab)).to_have_text("1 of 5,000 instances")
        assert IDS[1234] in rows(tab).inner_text()
        tab.page.fill("#q", DROPPED)
        expect(tab.page.locator("#found .empty")).to_have_text(f"Nothing matches {DROPPED}. In the trash: 1")
    show_figure(
        f"search over {COUNT:,} instances in Chromium, from the last key until the list shows: "
        f"{min(times):.0f} to {max(times):.0f} ms, {DELAY} ms of which it waits for further keys"
    )
    assert sorted(times)[len(times) // 2] < MOST_MILLISECONDS


@pytest.mark.usefixtures("at_length")
def test_back_and_forward_lead_to_what_was_searched_and_chosen(browser: Browser, worker: WorkerWithPage) -> None:
    with browser.tab(worker.origin) as tab:
        sign_in(tab)
        tab.page.get_by_role("link", name="Instances").first.click()
        tab.page.locator("#q").press_sequentially("0abc")
        expect(rows(tab)).to_have_count(len(found("0abc")))
        rows(tab).get_by_role("link", name=found("0abc")[0]).click()
        tab.page.wait_for_url(f"**{instance(found('0abc')[0], 'evolution')}")
        tab.page.go_back()
        expect(status(tab)).to_have_text(f"{len(found('0abc')):,} of 5,000 instances")
        expect(tab.page.locator("#q")).to_have_value("0abc")
        tab.page.go_forward()
        tab.page.wait_for_url(f"**{instance(found('0abc')[0], 'evolution')}")
        tab.page.go_back()
        expect(rows(tab)).to_have_count(len(found("0abc")))
        tab.page.go_back()
        expect(tab.page.locator("h1")).to_have_text("Overview")


@pytest.mark.usefixtures("at_length")
def test_a_list_is_searched_and_turned_over_without_scripts(browser: Browser, worker: WorkerWithPage) -> None:
    text = "3e-0000000000"  # of the first 256
    with browser.tab(worker.origin, scripts="off") as tab:
        sign_in(tab, path="/ui/instances")
        tab.page.fill("#q", text)
        tab.page.select_option("#group", "evolution")
        tab.page.select_option("#sort", "name")
        tab.page.get_by_role("button", name="Show").click()
        expect(status(tab)).to_have_text("256 of 5,000 instances")
        seen = []
        for _ in range(6):
            seen += [one.split()[-2] for one in rows(tab).locator("th").all_inner_texts()]
            if tab.page.get_by_role("link", name="Next").count():
                tab.page.get_by_role("link", name="Next").click()
        assert sorted(seen) == IDS[:256]
        expect(tab.page.locator("#q")).to_have_value(text)
        tab.page.go_back()
        expect(tab.page.locator(".pages span")).to_have_text("Page 5 of 6")
        tab.page.fill("#search", f"https://evolution.example/manager/instance/{IDS[77]}/dashboard")
        tab.page.press("#search", "Enter")
        expect(status(tab)).to_have_text("1 of 5,000 instances")
        assert IDS[77] in rows(tab).inner_text()
