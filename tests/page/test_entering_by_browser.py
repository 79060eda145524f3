"""The way in, and what others try, with a browser that does what browsers do: over plain HTTP and under a name.

There a browser says `Origin` alone, and to its own address `Sec-Fetch-Site`, too.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.commands.typed import asked
from tests.page.beside import OPERATOR, WELL, WorkerWithPage, instance, sign_in
from tests.page.browser import Browser, Tab
from tests.tools import show_figure

pytestmark = pytest.mark.slow

NAMES = ["vps.test", "127.0.0.1"]


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorkerWithPage]:
    """A worker with some instances."""
    with WorkerWithPage(tmp_path_factory.mktemp("entering") / "store") as running:
        running.fill()
        yield running
        assert running.failures == []


class Others(ThreadingHTTPServer):
    """Another program of the same machine, or of another one; what it shows is what it is told to."""

    shows = ""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Shows)
        self.cookies: list[str] = []


class _Shows(BaseHTTPRequestHandler):
    server: Others

    def do_GET(self) -> None:
        self.server.cookies += self.headers.get_all("Cookie", [])
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(f"<!doctype html><title>Another</title>{self.server.shows}".encode())

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def others() -> Iterator[Others]:
    with Others() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def at(worker: WorkerWithPage, name: str) -> str:
    return f"http://{name}:{worker.page_port}"


def posted(tab: Tab) -> list[dict[str, str]]:
    """The headers of all forms that a tab sends from now on."""
    found: list[dict[str, str]] = []
    tab.page.on("request", lambda request: found.append(request.all_headers()) if request.method == "POST" else None)
    return found


@pytest.mark.parametrize("name", NAMES)
def test_somebody_signs_in_and_out(browser: Browser, worker: WorkerWithPage, name: str) -> None:
    with browser.tab(at(worker, name)) as tab:
        sent = posted(tab)
        sign_in(tab, path=instance(WELL))
        assert tab.page.url == at(worker, name) + instance(WELL)
        [cookie] = [one for one in tab.context.cookies() if one["name"].startswith("sw-session-")]
        assert (cookie["path"], cookie["httpOnly"], cookie["sameSite"]) == ("/ui", True, "Strict")
        tab.page.click(".who button")
        tab.page.wait_for_selector("#sign-in")
        assert tab.page.url == at(worker, name) + "/ui/login"
        assert [one for one in tab.context.cookies() if one["name"].startswith("sw-session-")] == []
        tab.go("/ui/", status=401)
        assert [one["origin"] for one in sent] == [at(worker, name)] * 2
        assert all(("sec-fetch-site" in one) == (name == "127.0.0.1") for one in sent)


@pytest.mark.parametrize("name", NAMES)
def test_another_port_of_the_same_host_has_no_cookie_and_does_nothing(
    browser: Browser, worker: WorkerWithPage, others: Others, name: str
) -> None:
    """The cookie goes with its form, for it is the same site; suppose that it knows the token of the forms, too."""
    with browser.tab(at(worker, name)) as tab:
        tab.expect(403, f"http://{name}:{others.server_port}")
        sign_in(tab)
        csrf = tab.page.input_value("input[name=csrf]")
        for path in ("/ui/logout-everywhere", "/ui/logout", "/ui/checkpoint", "/ui/login"):
            others.shows = (
                f'<form method="post" action="{at(worker, name)}{path}"><input name="csrf" value="{escape(csrf)}">'
                f'<input name="token" value="{OPERATOR}"><button>Look at my pictures</button></form>'
            )
            tab.page.goto(f"http://{name}:{others.server_port}/")
            sent = posted(tab)
            with tab.page.expect_navigation() as navigated:
                tab.page.click("button")
            response = navigated.value
            assert (path, response.status) == (path, 403)
            assert path == "/ui/login" or "sw-session-" in sent[0]["cookie"]
        assert others.cookies == []
        tab.go("/ui/")
    show_figure(f"attack in Chromium: a form of another port of {name}, with the cookie and its form's token: 403")


def test_whoever_follows_a_link_is_known_again(browser: Browser, worker: WorkerWithPage, others: Others) -> None:
    """The browser keeps the cookie back for what comes from another site."""
    for name in NAMES:
        with browser.tab(at(worker, name)) as tab:
            tab.expect(401, f"http://elsewhere.test:{others.server_port}")
            sign_in(tab)
            wanted = at(worker, name) + instance(WELL)
            others.shows = f'<a href="{wanted}">Look at this one</a>'
            tab.page.goto(f"http://elsewhere.test:{others.server_port}/")
            tab.page.click("a")
            tab.page.wait_for_selector("nav")
            assert tab.page.url == wanted
            stranger = tab.context.new_page()
            tab.context.clear_cookies()
            stranger.goto(f"http://elsewhere.test:{others.server_port}/")
            stranger.click("a")
            stranger.wait_for_load_state("networkidle")
            assert stranger.is_visible("#sign-in")


def test_a_link_signs_in_once_and_its_code_stays_nowhere(browser: Browser, worker: WorkerWithPage) -> None:
    done = asked(worker, "ui", SESSIONWORKER_ADMIN_TOKEN=OPERATOR)
    path, _, code = done.stdout.strip().removeprefix(worker.origin).partition("#once=")
    assert code
    with browser.tab(worker.origin) as tab:
        tab.page.goto(f"{worker.origin}{path}#once={code}")
        tab.page.wait_for_selector("nav")
        assert tab.page.url == f"{worker.origin}/ui/"
        assert not [address for address in tab.addresses if code in address.partition("#")[0]]
        tab.page.go_back()
        assert code not in tab.page.url
    with browser.tab(worker.origin) as tab:
        tab.expect(401)
        tab.page.goto(f"{worker.origin}{path}#once={code}")
        tab.page.wait_for_selector("#problem")
        assert "used already" in tab.page.inner_text("#problem")
