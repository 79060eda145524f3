"""The report of an import, opened in a real browser: with scripts and without, in the light and in the dark."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from sessionworker.page.reporting import PATH
from sessionworker.page.uploads import LARGEST
from tests.page.beside import VIEWER, WELL, WorkerWithPage, instance, sign_in
from tests.page.browser import PHONE, WIDE, Browser, Scheme, Tab
from tests.page.reports import HOSTILE, many, several
from tests.page.test_in_browser import LARGEST_PAGE


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorkerWithPage]:
    """One that knows an instance of the report."""
    with WorkerWithPage(tmp_path_factory.mktemp("beside") / "store") as running:
        running.fill()
        yield running
        assert running.failures == []


def choose(tab: Tab, folder: Path, content: bytes) -> bytes:
    """Choose a file, send it, and return the page that comes."""
    file = folder / "import.json"
    file.write_bytes(content)
    tab.page.set_input_files("#file", file)
    with tab.page.expect_response(lambda one: one.request.method == "POST") as found:
        tab.page.click("form.filter button")
    tab.page.wait_for_load_state()
    return found.value.body()


@pytest.mark.parametrize(("language", "scheme", "size"), [("en", "light", WIDE), ("pt-BR", "dark", PHONE)])
def test_a_report_is_opened_and_leads_to_an_instance(
    browser: Browser,
    node_client: None,
    worker: WorkerWithPage,
    tmp_path: Path,
    language: str,
    scheme: Scheme,
    size: tuple[int, int],
) -> None:
    with browser.tab(worker.origin, language=language, scheme=scheme, size=size) as tab:
        sign_in(tab, VIEWER, "/ui/instances")
        tab.page.click("main a[href$='report']")
        tab.page.wait_for_url(f"{worker.origin}{PATH}")
        found = []
        tab.expect(400)
        for content in (b"{", many(5_000), several()):
            assert len(choose(tab, tmp_path, content)) <= LARGEST_PAGE
            found += [f"{content[:20]!r}: {one}" for one in tab.axe()]
            assert (tab.page.locator("tbody tr").count() > 0) == (content != b"{")
            assert tab.page.evaluate("document.documentElement.scrollWidth") <= size[0]
        assert found == []
        assert HOSTILE in tab.page.inner_text("main")
        tab.page.click(f"tbody a[href$='{WELL}']")
        tab.page.wait_for_url(f"{worker.origin}{instance(WELL)}")
        expect(tab.page.locator("h1")).to_contain_text(WELL)
        assert tab.troubles() == []


def test_a_report_is_opened_without_scripts(browser: Browser, worker: WorkerWithPage, tmp_path: Path) -> None:
    with browser.tab(worker.origin, language="pt-BR", scripts="off") as tab:
        sign_in(tab, path=PATH)
        choose(tab, tmp_path, many(200))
        assert tab.page.input_value("#from") != "1"
        before = tab.page.locator("tbody tr").first.inner_text()
        choose(tab, tmp_path, many(200))
        expect(tab.page.locator("tbody tr").first).not_to_have_text(before)
        tab.expect(413)
        choose(tab, tmp_path, several() + b" " * LARGEST)
        assert "grande demais" in tab.page.get_by_role("alert").inner_text()
        assert tab.troubles() == []
