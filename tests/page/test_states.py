"""What the page says when all is not well, or nothing is there yet: in a browser, and for everybody."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sessionworker.page.languages import LANGUAGES
from sessionworker.page.series import STEP_SECONDS
from sessionworker.stores.changes import CreateGroup
from tests.page.browser import Browser, Scheme, Tab
from tests.page.screenshots import DOCS, PAGES, name_of
from tests.page.served import served
from tests.page.visiting import OPERATOR, VIEWER
from tests.page.whole import Whole, whole_page

GIB = 2**30


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Whole]:
    with whole_page(tmp_path / "store") as whole:
        yield whole


def sign_in(tab: Tab, token: str) -> None:
    tab.go("/ui/", status=401)
    tab.page.fill("#token", token)
    tab.page.click("#sign-in button")
    tab.page.wait_for_selector("nav")


def empty(_page: Whole) -> None:
    pass


def full_disk(page: Whole) -> None:
    page.make("codechat", "sales")
    page.room.update(writes_refused=1.0, store_free_bytes=0.0, store_size_bytes=80.0 * GIB)


def little_room(page: Whole) -> None:
    page.make("codechat", "sales")
    page.room.update(store_free_bytes=1.0 * GIB, store_size_bytes=80.0 * GIB)


def connected(page: Whole) -> None:
    page.do(CreateGroup("codechat"))


def slow_disk(page: Whole) -> None:
    for _ in range(7):
        page.clock.advance(STEP_SECONDS)
        page.metrics.sync(0.21, 1)
        page.built.take_sample()


def late(page: Whole) -> None:
    page.here.hangs = True
    page.clock.advance(31)
    page.waits = 1.0


SAID: dict[Callable[[Whole], None], tuple[str, str]] = {
    empty: ("No group yet", "Nenhum grupo ainda"),
    connected: ("An API has connected", "Uma API se conectou"),
    full_disk: ("Writes are refused since", "estão sendo recusadas desde"),
    little_room: ("The disk is nearly full", "O disco está quase cheio"),
    slow_disk: ("The disk is slow: a sync takes 210 ms", "O disco está lento: um sync leva 210 ms"),
    late: ("The store has not answered for", "O armazenamento não responde há"),
}


@pytest.mark.parametrize("state", SAID, ids=lambda state: state.__name__)
def test_each_state_is_told_to_everybody(
    browser: Browser, node_client: None, page: Whole, full: bool, state: Callable[[Whole], None]
) -> None:
    ways: list[tuple[str, Scheme]] = [("en", "light"), ("pt-BR", "dark"), ("en", "dark"), ("pt-BR", "light")]
    chosen = list(SAID).index(state)
    with served(page) as origin:
        for number, (language, scheme) in enumerate(ways if full else ways[chosen : chosen + 1]):
            with browser.tab(origin, language=language, scheme=scheme) as tab:
                tab.expect(503)
                sign_in(tab, VIEWER if (number + chosen) % 2 else OPERATOR)
                if number == 0:
                    state(page)
                tab.go("/ui/")
                assert SAID[state][language != "en"] in tab.page.inner_text("body")
                assert tab.axe() == []


def test_the_documents_name_pictures_that_the_command_makes() -> None:
    made = {name_of(page, language) for page in (*PAGES, "phone") for language in LANGUAGES}
    named = {name for path in DOCS.glob("page*.md") for name in re.findall(r"page-[\w-]+\.png", path.read_text())}
    assert named
    assert named <= made
