"""A real browser: Chromium, driven by Playwright, in a thread of its own.

Playwright's plain functions run a loop of asyncio in the thread that calls them, and keep it running between two calls.
In the tests' own thread that would meet Twisted's reactor, and every test that runs asyncio. So one thread has the
browser, and tests that ask for the fixture `browser` are run in it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, ParamSpec, TypeVar
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, ConsoleMessage, Error, Page, Request, Response, expect, sync_playwright

from tests.markers.marks import Heard
from tests.process import NODE_PROGRAMS

P = ParamSpec("P")
R = TypeVar("R")

Scheme = Literal["light", "dark"]

Scripts = Literal["run", "off", "empty"]
"""Whether a page's scripts run, or are off as somebody may set it, where axe cannot run either; or come empty."""

WIDE, PHONE = (1280, 900), (360, 740)

MOST_MILLISECONDS = 30_000
"""How long Playwright waits for anything: machines that run tests are busy."""

expect.set_options(timeout=MOST_MILLISECONDS)

AXE = NODE_PROGRAMS / "node_modules/axe-core/axe.min.js"

_FAILED_LOAD = re.compile(r"the server responded with a status of (\d+)")

_WATCH_POLICY = """
document.addEventListener("securitypolicyviolation", (event) =>
  console.error(`policy of the content: ${event.effectiveDirective} ${event.blockedURI} ${event.sample}`));
"""

_RUN_AXE = """
async () => {
  const found = await axe.run(document, { rules: { "target-size": { enabled: true } }, resultTypes: ["violations"] });
  return found.violations.flatMap((one) => one.nodes.map((node) =>
    `${one.id}: ${one.help}: ${node.target.join(" ")}: ${node.failureSummary}`));
}
"""


class Tab:
    """One window with cookies of its own, which notes whatever goes wrong in it."""

    def __init__(self, context: BrowserContext, origin: str, *, can_run_scripts: bool) -> None:
        """Open an empty one, for the site at `origin`."""
        self.context = context
        self._can_run_scripts = can_run_scripts
        self.origin = origin
        self.page: Page = context.new_page()
        self.page.set_default_timeout(MOST_MILLISECONDS)
        self.addresses: list[str] = []
        """Of all requests."""
        self.shown: list[str] = []
        """Each answer as it came, with its head: also what a click led to, and what a script loaded."""
        self.sizes: dict[str, int] = {}
        """Bytes of each answer, by its address."""
        self._troubles: list[str] = []
        self._expected: set[int | str] = set()
        # Of the context, and so of what it opens besides this one.
        context.on("console", self._note_message)
        context.on("weberror", lambda error: self._troubles.append(f"an error in a script: {error.error}"))
        context.on("request", lambda request: self._note_request(request.url))
        context.on("requestfinished", self._note_answer)

    def go(self, path: str, status: int = 200) -> Response:
        """Open a page of the site, which answers with `status`."""
        self._expected.add(status)
        response = self.page.goto(self.origin + path)
        assert response is not None, path
        assert response.status == status, f"{path} answers {response.status}"
        return response

    def expect(self, *what: int | str) -> None:
        """Take answers with one of these statuses, whatever asked for them, and complaints with one of these texts."""
        self._expected.update(what)

    def troubles(self) -> list[str]:
        """Return what went wrong: what the console, a script or the policy complains of, and foreign requests."""
        return [trouble for trouble in self._troubles if not self._is_expected(trouble)]

    def heard(self) -> Heard:
        """Return all that came to it, to be searched for what is secret."""
        heard = Heard()
        for one in (*self.shown, self.page.content()):
            heard.note("an answer", one.encode())
        for address in self.addresses:
            heard.note("an address", address.encode())
        for cookie in self.context.cookies():
            heard.note("a cookie", repr(cookie).encode())
        return heard

    def axe(self) -> list[str]:
        """Return what axe-core finds that somebody could not read or use."""
        assert self._can_run_scripts, "it would never end"
        self.page.evaluate(AXE.read_text())
        found: list[str] = self.page.evaluate(_RUN_AXE)
        return found

    def _is_expected(self, trouble: str) -> bool:
        failed = _FAILED_LOAD.search(trouble)
        is_status = failed is not None and int(failed[1]) in self._expected
        return is_status or any(isinstance(one, str) and one in trouble for one in self._expected)

    def _note_message(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            where = message.page.url if message.page else "a page"
            self._troubles.append(f"{message.type} at {where}: {message.text}")

    def _note_request(self, address: str) -> None:
        self.addresses.append(address)
        parts = urlsplit(address)
        if f"{parts.scheme}://{parts.netloc}" != self.origin and parts.scheme not in {"data", "blob"}:
            self._troubles.append(f"a request to another host: {address}")

    def _note_answer(self, request: Request) -> None:
        if not request.url.startswith(f"{self.origin}/"):
            return
        try:
            response = request.response()
            assert response is not None, request.url
            head = "".join(f"{name}: {value}\n" for name, value in response.headers.items())
            self.shown.append(head)
            body = response.body()
        except Error:  # what leads elsewhere has none, and of what was left behind it is forgotten
            return
        self.sizes[response.url] = len(body)
        self.shown.append(body.decode())


class Browser:
    """A Chromium, and the thread that has it."""

    def __init__(self, executable: str) -> None:
        """Start it."""
        self._thread = ThreadPoolExecutor(1, "browser")
        self._executable = executable
        self.run(self._start)

    def run(self, function: Callable[P, R], *arguments: P.args, **named: P.kwargs) -> R:
        """Call a function in the browser's thread: whatever Playwright made belongs to that."""
        return self._thread.submit(function, *arguments, **named).result()

    def close(self) -> None:
        """End it, and the thread."""
        self.run(self._stop)
        self._thread.shutdown()

    @contextmanager
    def tab(
        self,
        origin: str,
        *,
        language: str = "en-US",
        scheme: Scheme = "light",
        scripts: Scripts = "run",
        size: tuple[int, int] = WIDE,
        is_at_fault: bool = False,
    ) -> Iterator[Tab]:
        """Open a tab with cookies of its own, and close it after. To be called in the browser's thread.

        It fails if anything went wrong in it, or came to it that is secret; unless pages are at fault on purpose.
        """
        context = self._chromium.new_context(
            locale=language,
            timezone_id="America/Sao_Paulo",
            color_scheme=scheme,
            java_script_enabled=scripts != "off",
            viewport={"width": size[0], "height": size[1]},
            service_workers="block",
        )
        try:
            context.add_init_script(_WATCH_POLICY)
            if scripts == "empty":
                context.route("**/*.mjs", lambda route: route.fulfill(body="", content_type="text/javascript"))
            tab = Tab(context, origin, can_run_scripts=scripts != "off")
            yield tab
            if not is_at_fault:
                wrong = tab.troubles() + tab.heard().found()
                assert not wrong, "\n".join(wrong)
        finally:
            context.close()

    def _start(self) -> None:
        self._playwright = sync_playwright().start()
        # A browser of root's, as in a container, has no sandbox: it would not start with one.
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        # Names that are this machine, and which a browser does not trust as it does its own address.
        arguments += ["--host-resolver-rules=MAP *.test 127.0.0.1"]
        self._chromium = self._playwright.chromium.launch(executable_path=self._executable, args=arguments)

    def _stop(self) -> None:
        self._chromium.close()
        self._playwright.stop()


def screenshot(tab: Tab, path: Path, *, full: bool = True, **options: Any) -> None:
    """Make a picture of what a tab shows."""
    tab.page.screenshot(path=path, full_page=full, animations="disabled", **options)
