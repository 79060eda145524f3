"""A page in memory, and those who come to it: requests are bytes, and time passes when the test says so."""

from __future__ import annotations

import re
from collections.abc import Mapping
from http.client import HTTPResponse
from io import BytesIO
from typing import Any, NamedTuple, Self, cast
from urllib.parse import urlencode, urljoin, urlsplit

from twisted.internet.address import IPv4Address
from twisted.internet.defer import execute
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import ISSLTransport
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.logger import LogEvent, globalLogPublisher
from twisted.python.failure import Failure
from twisted.web.server import Request
from zope.interface import directlyProvides

from sessionworker.access import Access, Role, Token
from sessionworker.page.looking import Looking
from sessionworker.page.signing_in import SigningIn
from sessionworker.page.site import Routes, build_page
from sessionworker.web.metrics import Metrics

HOST = "vps:5657"
OPERATOR, VIEWER, API = "an-operators-token", "a-viewers-token", "an-apis-token"
TOKENS = [Token(Role.ADMIN, OPERATOR.encode()), Token(Role.VIEW, VIEWER.encode()), Token(Role.API, API.encode())]

BOUNDARY = "----WebKitFormBoundaryfPSqhQNRV3zKvxOV"

SHOWN = "what is for those who are signed in"


def form_with(content: bytes, **fields: str) -> bytes:
    """The body of a form with a file, as Chromium makes it."""
    parts = [f'Content-Disposition: form-data; name="{name}"\r\n\r\n{value}'.encode() for name, value in fields.items()]
    head = b'Content-Disposition: form-data; name="file"; filename="import.json"\r\nContent-Type: application/json'
    parts.append(head + b"\r\n\r\n" + content)
    edge = f"--{BOUNDARY}".encode()
    return b"".join(edge + b"\r\n" + part + b"\r\n" for part in parts) + edge + b"--\r\n"


class Transport(StringTransport):
    """The worker's end of a connection."""

    is_cut = False

    def abortConnection(self) -> None:
        """Hang up at once."""
        self.is_cut = True

    def setTcpNoDelay(self, is_on: bool) -> None:
        """Nothing is held back here."""


class Answer(NamedTuple):
    """What a browser gets."""

    status: int
    headers: HTTPResponse
    body: str

    @property
    def cookies(self) -> list[str]:
        """Those that are to be set, as they are written."""
        return self.headers.headers.get_all("Set-Cookie", [])

    def hidden(self, name: str) -> str:
        """The value of a hidden field."""
        found = re.search(rf'<input type="hidden" name="{name}" value="([^"]*)">', self.body)
        assert found is not None
        return found[1]


class Page:
    """A page with two routes of its own: one that is looked at, and one that changes something."""

    waits = 0.0  # how much time passes before an answer is taken

    _observer: Any  # a function will do, whatever its type says

    def __init__(self, tokens: list[Token] = TOKENS) -> None:
        self.clock = Clock()
        self.access = Access(tokens)
        self.metrics = Metrics()
        self.signing_in = SigningIn(self.clock, self.access, self.metrics, "a store")
        self.changes = 0
        self.events: list[LogEvent] = []
        self.site = build_page(self.clock, self.signing_in, cast("Looking", None), execute, self._add)

    def _add(self, routes: Routes) -> None:
        @routes.app.route("/ui/", methods=["GET"])
        @routes.app.route("/ui/instances/<group>/<name>", methods=["GET"])
        def look(request: Request, **_names: str) -> bytes:
            session = self.signing_in.session_of(request)
            if session is None:
                return self.signing_in.ask(request)
            return f'{SHOWN} <input type="hidden" name="csrf" value="{session.csrf}">'.encode()

        @routes.app.route("/ui/change", methods=["POST"])
        def change(request: Request) -> bytes:
            if self.signing_in.check_change(request) is None:
                return self.signing_in.refuse(request)
            self.changes += 1
            return b"changed"

    def __enter__(self) -> Self:
        self._observer = self.events.append
        globalLogPublisher.addObserver(self._observer)
        return self

    def __exit__(self, *_: object) -> None:
        globalLogPublisher.removeObserver(self._observer)

    def logged(self, name: str) -> list[LogEvent]:
        """The events of a name."""
        return [event for event in self.events if event.get("event") == name]

    def logins(self) -> dict[str, int]:
        """What came of trying to sign in, as the metrics have it."""
        found = re.findall(
            r'^sessionworker_logins_total\{result="(\w+)"\} (\d+)', self.metrics.text().decode(), re.MULTILINE
        )
        return {result: int(count) for result, count in found if count != "0"}

    def ask(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: bytes = b"",
        *,
        address: str = "10.0.0.7",
        is_tls: bool = False,
    ) -> Answer:
        """Send one request."""
        transport = Transport(peerAddress=IPv4Address("TCP", address, 50_000))
        if is_tls:
            directlyProvides(transport, ISSLTransport)
        channel: Any = self.site.buildProtocol(transport.getPeer())
        channel.makeConnection(transport)
        lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
        channel.dataReceived("\r\n".join(lines).encode("latin-1") + body)
        self.clock.advance(self.waits)
        channel.connectionLost(Failure(ConnectionDone()))
        reader = cast("Any", BytesIO(transport.value()))
        reader.makefile = lambda *_: reader
        response = HTTPResponse(reader, method=method)
        response.begin()
        return Answer(response.status, response, response.read().decode())


class Browser:
    """A browser, as far as it matters here: it keeps cookies, and says where a form comes from as browsers do.

    It has the page below `prefix`, which a proxy takes away.
    """

    def __init__(
        self, page: Page, *, base: str = f"http://{HOST}", prefix: str = "", address: str = "10.0.0.7"
    ) -> None:
        self.page = page
        self.base = base
        self.prefix = prefix
        self.address = address
        self.cookies: dict[str, tuple[str, str]] = {}
        """Path and value by the name."""

    @property
    def _tells_sites(self) -> bool:
        return self.base.startswith("https:") or urlsplit(self.base).hostname in {"localhost", "127.0.0.1"}

    def visit(self, path: str) -> Answer:
        """Go to an address that was typed."""
        return self._ask("GET", path, {"Sec-Fetch-Site": "none"} if self._tells_sites else {})

    def ask_and_wait(self, path: str, seconds: float) -> Answer:
        """Go to an address that answers only after a while."""
        self.page.waits = seconds
        try:
            return self.visit(path)
        finally:
            self.page.waits = 0.0

    def hand_in(self, path: str, origin: str | None = None, **fields: str) -> Answer:
        """Send a form that was shown by a page at `origin`: by this one, if none is given."""
        return self.send(path, "application/x-www-form-urlencoded", urlencode(fields).encode(), origin)

    def hand_in_file(self, path: str, content: bytes, origin: str | None = None, **fields: str) -> Answer:
        """Send a form with a file."""
        return self.send(path, f"multipart/form-data; boundary={BOUNDARY}", form_with(content, **fields), origin)

    def send(self, path: str, content_type: str, body: bytes, origin: str | None = None) -> Answer:
        """Send what a form at `origin` may have made."""
        origin = origin or self.base
        headers = {"Origin": origin, "Content-Type": content_type}
        if self._tells_sites:
            is_same_host = urlsplit(origin).hostname == urlsplit(self.base).hostname
            site = "same-origin" if origin == self.base else "same-site" if is_same_host else "cross-site"
            headers["Sec-Fetch-Site"] = site
        return self._ask("POST", path, headers, body)

    def sign_in(self, token: str, origin: str | None = None, **fields: str) -> Answer:
        """Type a token."""
        return self.hand_in("/ui/login", origin, token=token, **fields)

    def cookie_line(self, path: str) -> str:
        """What the browser would say of its cookies to a path (RFC 6265, 5.4)."""
        return "; ".join(
            f"{name}={value}"
            for name, (where, value) in self.cookies.items()
            if path == where or path.startswith(f"{where.rstrip('/')}/")
        )

    def follow(self, answer: Answer, path: str) -> str:
        """Return to which path an answer to `path` leads."""
        assert answer.status == 303
        whole = urlsplit(urljoin(f"{self.base}{self.prefix}{path}", str(answer.headers.headers["Location"])))
        assert f"{whole.scheme}://{whole.netloc}" == self.base
        assert whole.path.startswith(f"{self.prefix}/")
        return whole.path.removeprefix(self.prefix) + (f"?{whole.query}" if whole.query else "")

    def _ask(self, method: str, path: str, headers: dict[str, str], body: bytes = b"") -> Answer:
        headers["Host"] = urlsplit(self.base).netloc
        if body:
            headers["Content-Length"] = str(len(body))
        if line := self.cookie_line(f"{self.prefix}{path}"):
            headers["Cookie"] = line
        answer = self.page.ask(method, path, headers, body, address=self.address)
        for cookie in answer.cookies:
            self._keep(cookie, f"{self.prefix}{path}")
        return answer

    def _keep(self, cookie: str, path: str) -> None:
        first, *rest = cookie.split("; ")
        name, _, value = first.partition("=")
        attributes = {one.partition("=")[0].lower(): one.partition("=")[2] for one in rest}
        where = attributes.get("path") or path.rpartition("/")[0] or "/"  # RFC 6265, 5.1.4
        if attributes.get("max-age") == "0":
            if self.cookies.get(name, ("", ""))[0] == where:
                del self.cookies[name]
        else:
            assert "secure" not in attributes or self.base.startswith("https:")
            self.cookies[name] = where, value
