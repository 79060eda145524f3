"""Every page as a browser shows it: in both languages, in the light and in the dark, with scripts and without."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from playwright.sync_api import Route

from sessionworker.page.languages import LANGUAGES
from tests.markers.marks import KEYS, VALUE
from tests.page.beside import CHANGED, IDS, OPERATOR, REFUSED, VIEWER, WAITING, WELL, WorkerWithPage, instance, sign_in
from tests.page.browser import PHONE, WIDE, Browser, Scheme, Scripts, Tab
from tests.process import REPOSITORY
from tests.tools import show_figure

LARGEST_PAGE, LARGEST_STATIC = 60_000, 48 * 1024


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorkerWithPage]:
    """A worker in which there is something of everything; tests that change it have one of their own."""
    with WorkerWithPage(tmp_path_factory.mktemp("beside") / "store") as running:
        running.fill()
        running.break_creds()
        yield running
        assert running.failures == []


def pages(tab: Tab, *, may_change: bool = True) -> Iterator[tuple[str, int]]:
    """The address of each page, with its status; some are only known by their links."""
    yield from (("/ui/", 200), ("/ui/instances", 200), ("/ui/instances?page=2&sort=name", 200))
    yield from (("/ui/instances?q=nobody", 200), ("/ui/instances?q=test", 200))
    yield from (("/ui/health", 200), ("/ui/events", 200), ("/ui/settings", 200), ("/ui/report", 200))
    yield from ((instance(name), 200) for name in (WELL, CHANGED, REFUSED, WAITING))
    yield from ((instance(IDS[0], "evolution"), 200), (instance(IDS[9], "evolution"), 200))
    yield from (("/ui/nowhere", 404), (instance("nobody"), 404), (f"{instance(WELL)}/drop", 200 if may_change else 403))
    yield "/ui/trash", 200
    if not may_change:
        return
    yield from ((path, 200) for path in links(tab, instance(CHANGED), "/versions/"))
    yield from ((path, 200) for path in links(tab, "/ui/trash", "/restore") + links(tab, "/ui/trash", "/purge"))


def links(tab: Tab, path: str, part: str) -> list[str]:
    """Return where the links of a page lead whose addresses have a part; the first of them."""
    tab.go(path)
    found: list[str] = [
        link.evaluate("one => one.pathname") for link in tab.page.query_selector_all(f"main a[href*='{part}']")
    ]
    assert found
    return found[:1]


WAYS: list[tuple[Scheme, Scripts, str, tuple[int, int]]] = [
    ("light", "run", OPERATOR, WIDE),
    ("dark", "empty", OPERATOR, WIDE),
    ("light", "empty", OPERATOR, PHONE),
    ("dark", "run", OPERATOR, PHONE),
    ("light", "run", VIEWER, PHONE),
    ("dark", "run", VIEWER, WIDE),
]

NARROW = (320, 640)
"""As a page of 1280 is that is made four times as large (WCAG 2.2, 1.4.10)."""

COLOURFUL = {"/ui/", "/ui/instances", "/ui/trash", instance(CHANGED), instance(REFUSED), f"{instance(WELL)}/drop"}
"""Pages that have all there is between them."""


@pytest.mark.parametrize(("language", "number"), [("en", 0), ("pt-BR", 1)])
def test_nobody_is_kept_from_reading_and_using_any_page(
    browser: Browser, node_client: None, worker: WorkerWithPage, full: bool, language: str, number: int
) -> None:
    """In one language and the light all of them, in the other one and the dark those that have everything; or all."""
    count = 0
    for scheme, scripts, token, size in WAYS if full else WAYS[number : number + 1]:
        with browser.tab(worker.origin, language=language, scheme=scheme, scripts=scripts, size=size) as tab:
            tab.go("/ui/", status=401)
            found = [f"/ui/login: {one}" for one in tab.axe()]
            sign_in(tab, token)
            for path, status in pages(tab, may_change=token == OPERATOR):
                if full or number == 0 or path in COLOURFUL:
                    tab.go(path, status)
                    assert tab.page.get_attribute("html", "lang") == language
                    found += [f"{path}: {one}" for one in tab.axe()]
                    count += 1
            assert not found, "\n".join(found)
            assert max(tab.sizes.values()) <= LARGEST_PAGE, tab.sizes
    show_figure(f"pages in {language}: {count} times axe found nothing; the largest {max(tab.sizes.values()):,} bytes")


def test_every_page_is_whole_without_scripts(browser: Browser, worker: WorkerWithPage, full: bool) -> None:
    for language in ("pt-BR", "en") if full else ("pt-BR",):
        with browser.tab(worker.origin, language=language, scripts="off") as tab:
            sign_in(tab)
            for path, status in pages(tab):
                if full or path in COLOURFUL:
                    tab.go(path, status)
                    assert tab.page.inner_text("main h1").strip()


def test_no_page_is_wider_than_a_phone(browser: Browser, worker: WorkerWithPage, full: bool) -> None:
    for language in LANGUAGES if full else ("pt-BR",):
        with browser.tab(worker.origin, size=NARROW, language=language) as tab:
            sign_in(tab)
            wide = {}
            for path, status in pages(tab):
                if full or path in COLOURFUL:
                    tab.go(path, status)
                    width = tab.page.evaluate("document.documentElement.scrollWidth")
                    if width > NARROW[0]:
                        wide[path] = width
            assert wide == {}


PLANTED = {
    '<p style="color: red">': "style-src",
    "<script>1</script>": "script-src",
    '<img src="not-there.svg" alt="">': "404",
    '<img src="http://127.0.0.1:9/x.svg" alt="">': "img-src",
    VALUE: "a value in an answer",
    KEYS[0]: "a phone number in an answer",
    OPERATOR: "the token 'admin' in an answer",
}


def test_what_goes_wrong_on_a_page_of_the_worker_is_noticed(browser: Browser, worker: WorkerWithPage) -> None:
    """All other tests are as good as that: here it is planted, and the page's own policy stands."""
    with browser.tab(worker.origin, is_at_fault=True) as tab:
        sign_in(tab)
        assert tab.troubles() == []
        assert tab.heard().found() == []
        answer = tab.context.request.get(f"{worker.origin}/ui/settings", headers={"Cookie": cookies_of(tab)})
        head = {name: value for name, value in answer.headers.items() if name != "content-length"}
        for planted, said in PLANTED.items():
            body = answer.text().replace("</main>", f"{planted}</main>")
            tab.context.unroute_all()
            tab.context.route("**/ui/settings", partial(_answer, headers=head, body=body))
            before = len(tab.troubles()) + len(tab.heard().found())
            tab.go("/ui/settings")
            tab.page.wait_for_load_state("networkidle")
            assert len(tab.troubles()) + len(tab.heard().found()) > before, planted
            assert any(said in one for one in tab.troubles() + tab.heard().found()), planted


def _answer(route: Route, **said: Any) -> None:
    route.fulfill(**said)


def cookies_of(tab: Tab) -> str:
    return "; ".join(f"{one['name']}={one['value']}" for one in tab.context.cookies())


def test_all_files_that_pages_load_are_small() -> None:
    static = REPOSITORY / "sessionworker" / "page" / "static"
    sizes = [file.stat().st_size for file in static.iterdir()]
    show_figure(f"static files of the page: {sum(sizes):,} bytes")
    assert 0 < sum(sizes) <= LARGEST_STATIC
