"""What the page says when all is not well, or nothing is there yet: in a browser, and for everybody."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from sessionworker.page.actions import NAME_TAKEN, NOT_ALLOWED, NOT_STOPPED, NOT_TYPED
from sessionworker.page.attempts import AT_ONCE
from sessionworker.page.languages import LANGUAGES, Speaking, messages
from sessionworker.page.series import STEP_SECONDS
from sessionworker.stores.changes import CreateGroup, CreateInstance, DropInstance
from tests.page.browser import Browser, Scheme, Scripts, Tab
from tests.page.screenshots import DOCS, PAGES, name_of
from tests.page.served import served
from tests.page.visiting import API, OPERATOR, VIEWER
from tests.page.whole import Whole, whole_page
from tests.tools import show_figure

GIB = 2**30

WAYS: list[tuple[str, Scheme]] = [("en", "light"), ("pt-BR", "dark"), ("en", "dark"), ("pt-BR", "light")]

SCRIPTS: tuple[Scripts, ...] = ("run", "empty", "off")

TOO_MANY = {"en": "Too many tries.", "pt-BR": "Tentativas demais."}


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


def lost_folder(page: Whole) -> None:
    page.make("codechat", "sales")
    page.replace_folder("codechat", "sales")


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
    lost_folder: (
        "its folder cannot be read: Not a directory",
        "não foi possível ler a pasta: Não é um diretório",
    ),
    late: ("The store has not answered for", "O armazenamento não responde há"),
}


@pytest.mark.parametrize("state", SAID, ids=lambda state: state.__name__)
def test_each_state_is_told_to_everybody(
    browser: Browser, node_client: None, page: Whole, full: bool, state: Callable[[Whole], None]
) -> None:
    chosen = list(SAID).index(state)
    everyone: list[tuple[str, Scheme, Scripts]] = [(*way, scripts) for scripts in SCRIPTS for way in WAYS]
    ways = everyone if full else everyone[chosen % len(WAYS) :][:1]
    with served(page) as origin:
        for number, (language, scheme, scripts) in enumerate(ways):
            with browser.tab(origin, language=language, scheme=scheme, scripts=scripts) as tab:
                tab.expect(503)
                sign_in(tab, VIEWER if (number + chosen) % 2 else OPERATOR)
                if number == 0:
                    state(page)
                tab.go("/ui/")
                assert SAID[state][language != "en"] in tab.page.inner_text("body")
                assert scripts == "off" or tab.axe() == []
                if state is lost_folder:
                    tab.go("/ui/instances/codechat/sales")
                    assert ("Put the folder back", "Devolva a pasta")[language != "en"] in tab.page.inner_text("#what")
                    assert scripts == "off" or tab.axe() == []
    show_figure(f"the page in the state '{state.__name__}': looked at in {len(ways)} ways")


def fill_in(tab: Tab, path: str, **fields: str) -> None:
    """Hand in the form of a page, whatever the page thinks of what is in it."""
    tab.go(path)
    for name, value in fields.items():
        field = tab.page.locator(f"main [name={name}]")
        field.evaluate("(one, value) => { one.type === 'checkbox' ? one.checked = true : one.value = value }", value)
    with tab.page.expect_navigation():
        tab.page.locator("main form").evaluate("form => { form.noValidate = true; form.requestSubmit() }")


@pytest.mark.usefixtures("at_length")
def test_nobody_is_kept_from_reading_what_a_form_is_answered(browser: Browser, node_client: None, page: Whole) -> None:
    for name in ("sales", "test-7"):
        page.make("codechat", name)
    page.do(DropInstance("codechat", "test-7"), CreateInstance("codechat", "test-7"))
    [drop] = page.store.drops()
    one, dropped = "/ui/instances/codechat/sales", f"/ui/trash/codechat/test-7/{drop.drop}"
    steps: list[tuple[str, dict[str, str], str]] = [
        ("/ui/login", {"token": "wrong"}, "That is not a token of this worker."),
        ("/ui/login", {"token": API}, "That token is an API's."),
        ("/ui/login", {"code": "used"}, "That link was used already"),
        ("/ui/login", {"token": OPERATOR}, "Overview"),
        (f"{one}/drop", {"typed": "sale", "stopped": "yes"}, NOT_TYPED),
        (f"{one}/drop", {"typed": "sales"}, NOT_STOPPED),
        (f"{one}/drop", {"typed": "sales", "stopped": "yes", "csrf": "x"}, "That was refused."),
        (f"{dropped}/restore", {"name": "test-7"}, NAME_TAKEN),
        (f"{dropped}/restore", {"name": "a/b"}, NOT_ALLOWED),
        (f"{dropped}/purge", {"typed": "7"}, NOT_TYPED),
    ]
    count = 0
    with served(page) as origin:
        for language, scheme in WAYS:
            say = Speaking(language).say
            with browser.tab(origin, language=language, scheme=scheme, scripts="empty") as tab:
                tab.expect(401, 403, 409, 429)
                for path, fields, said in steps:
                    fill_in(tab, path, **fields)
                    text = next(text for text in messages("pt-BR") if text.startswith(said))
                    assert say(text).striptags() in tab.page.inner_text("body"), said
                    assert tab.axe() == []
                    count += 1
            with browser.tab(origin, language=language, scheme=scheme, scripts="empty") as tab:
                tab.expect(401, 429)
                for _ in range(AT_ONCE + 1):
                    fill_in(tab, "/ui/login", token="wrong")
                expect(tab.page.locator("#problem")).to_contain_text(TOO_MANY[language])
                assert tab.axe() == []
                count += 1
            page.clock.advance(600)
    show_figure(f"answers to forms: {count} times axe found nothing")


def test_the_documents_name_pictures_that_the_command_makes() -> None:
    made = {name_of(page, language) for page in (*PAGES, "phone") for language in LANGUAGES}
    named = {name for path in DOCS.glob("page*.md") for name in re.findall(r"page-[\w-]+\.png", path.read_text())}
    assert named
    assert named <= made
