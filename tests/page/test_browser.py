"""The nets that all other tests in the browser hang in: each catches what it is there for."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.markers.marks import VALUE
from tests.page.browser import PHONE, Browser, Scheme

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' http://127.0.0.1:9; connect-src 'self'"
)

HEAD = (
    '<!doctype html><html lang="en"><head><title>Toy</title><meta name="viewport" content="width=device-width">'
    '<link rel="icon" href="/icon.svg"><link rel="stylesheet" href="/style.css">'
)
END = '</head><body><main><h1>Toy</h1><p id="seen">as it came</p></main></body></html>'

FILES = {
    "/icon.svg": ("image/svg+xml", '<svg xmlns="http://www.w3.org/2000/svg"/>'),
    "/style.css": (
        "text/css",
        """:root { background: #fff }
        @media (prefers-color-scheme: dark) { :root { background: #111; color: #eee } .pale { color: #333 } }""",
    ),
    "/good.mjs": (
        "text/javascript",
        'document.querySelector("#seen").textContent = `${navigator.language} ${innerWidth}`;',
    ),
    "/fails.mjs": ("text/javascript", "nothing.there();"),
    "/says.mjs": ("text/javascript", 'console.error("m4rk");'),
    "/secret.mjs": ("text/javascript", 'await fetch("/secret");'),
    "/asks.mjs": ("text/javascript", 'fetch("/not-there");'),
}


def script(name: str) -> str:
    return f'<script type="module" src="/{name}.mjs"></script>'


PAGES = {
    "/good": HEAD + script("good") + END,
    "/fails": HEAD + script("fails") + END,
    "/says": HEAD + script("says") + END,
    "/asks": HEAD + script("asks") + END,
    "/secret": HEAD + END.replace("Toy", VALUE),
    "/asks-for-secret": HEAD + script("secret") + END,
    "/inline-script": HEAD + "<script>1</script>" + END,
    "/inline-style": HEAD + END.replace("<p ", '<p style="color: red" '),
    "/elsewhere": HEAD + END.replace("</main>", '<img src="http://127.0.0.1:9/x" alt="x"></main>'),
    "/no-label": HEAD + END.replace("</main>", "<input></main>"),
    "/pale": HEAD + END.replace("<p ", '<p class="pale" '),
    "/small": HEAD + END.replace("</main>", '<a href="#a">a</a><br><a href="#b">b</a></main>'),
}


class _Answers(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        content_type, text = FILES.get(self.path) or ("text/html", PAGES.get(self.path, ""))
        self.send_response(200 if text else 404)
        self.send_header("Content-Security-Policy", POLICY)
        self.send_header("Content-Type", content_type)
        self.end_headers()
        self.wfile.write((text or "Nothing is here.").encode())

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def origin() -> Iterator[str]:
    """A site of toy pages."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Answers) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_page_without_a_fault_has_none(browser: Browser, node_client: None, origin: str) -> None:
    with browser.tab(origin) as tab:
        tab.go("/good")
        assert tab.page.inner_text("#seen") == "en-US 1280"
        assert tab.axe() == []
        assert f"{origin}/good.mjs" in tab.addresses


WRONG = {
    "/fails": "nothing is not defined",
    "/says": "m4rk",
    "/asks": "404",
    "/inline-script": "script-src",
    "/inline-style": "style-src",
    "/elsewhere": "another host: http://127.0.0.1:9/x",
}


def test_what_goes_wrong_in_a_page_is_noticed(browser: Browser, origin: str) -> None:
    with browser.tab(origin, is_at_fault=True) as tab:
        noticed = 0
        for path, said in WRONG.items():
            tab.go(path)
            tab.page.wait_for_load_state("networkidle")
            new = tab.troubles()[noticed:]
            assert any(said in trouble for trouble in new), (path, new)
            noticed += len(new)


def test_what_the_policy_forbids_is_noticed_without_scripts_too(browser: Browser, origin: str) -> None:
    with browser.tab(origin, scripts="off", is_at_fault=True) as tab:
        tab.go("/inline-style")
        assert tab.page.inner_text("#seen") == "as it came"
        assert any("style-src" in trouble for trouble in tab.troubles()), tab.troubles()


@pytest.mark.parametrize(
    ("path", "said"), [("/says", "m4rk"), ("/inline-script", "script-src"), ("/secret", "a value")]
)
def test_a_tab_fails_for_what_went_wrong_in_it_and_for_what_is_secret(
    browser: Browser, origin: str, path: str, said: str
) -> None:
    def look() -> None:
        with browser.tab(origin) as tab:
            tab.go(path)
            tab.page.wait_for_load_state("networkidle")

    with pytest.raises(AssertionError, match=said):
        look()


def test_what_a_script_asks_for_and_what_opens_besides_is_looked_at_too(browser: Browser, origin: str) -> None:
    with browser.tab(origin, is_at_fault=True) as tab:
        tab.go("/asks-for-secret")
        tab.page.wait_for_load_state("networkidle")
        assert any("a value in an answer" in one for one in tab.heard().found())
    with browser.tab(origin, is_at_fault=True) as tab:
        tab.context.new_page().goto(f"{origin}/says")
        tab.page.wait_for_timeout(100)
        assert any("m4rk" in trouble for trouble in tab.troubles())


def test_a_status_that_was_expected_is_no_trouble(browser: Browser, origin: str) -> None:
    with browser.tab(origin) as tab:
        tab.go("/nothing", status=404)


@pytest.mark.parametrize(("path", "rule"), [("/no-label", "label"), ("/small", "target-size")])
def test_axe_finds_what_it_is_there_for(browser: Browser, node_client: None, origin: str, path: str, rule: str) -> None:
    with browser.tab(origin) as tab:
        tab.go(path)
        assert any(found.startswith(f"{rule}:") for found in tab.axe()), tab.axe()


@pytest.mark.parametrize(("scheme", "count"), [("light", 0), ("dark", 1)])
def test_a_page_is_looked_at_in_the_dark_too(
    browser: Browser, node_client: None, origin: str, scheme: Scheme, count: int
) -> None:
    with browser.tab(origin, scheme=scheme) as tab:
        tab.go("/pale")
        assert [found.partition(":")[0] for found in tab.axe()] == ["color-contrast"] * count


def test_axe_looks_at_a_page_whose_scripts_do_nothing(browser: Browser, node_client: None, origin: str) -> None:
    with browser.tab(origin, scripts="empty") as tab:
        tab.go("/good")
        assert tab.page.inner_text("#seen") == "as it came"
        assert tab.axe() == []
        tab.go("/no-label")
        assert tab.axe()


def test_a_tab_has_its_language_and_its_size(browser: Browser, origin: str) -> None:
    with browser.tab(origin, language="pt-BR", size=PHONE) as tab:
        tab.go("/good")
        assert tab.page.inner_text("#seen") == "pt-BR 360"


def test_no_loop_runs_in_the_tests_own_thread_while_a_browser_does(browser: Browser) -> None:
    def in_the_tests_thread() -> None:
        asyncio.run(asyncio.sleep(0))

    with ThreadPoolExecutor(1) as elsewhere:
        elsewhere.submit(in_the_tests_thread).result(10)
    assert threading.current_thread() is not threading.main_thread()
