"""Requests that are well formed, for whatever and with whatever in their headers."""

from __future__ import annotations

import json
from typing import NamedTuple

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from tests.test_gate import METRICS, NO_ROUTES, ROUTES

OPEN = {("OPTIONS", "/ping"), ("GET", "/health"), ("HEAD", "/health")}
"""What docs/protocol.md says that needs no token."""

KNOWN_METHODS = st.sampled_from(["GET", "HEAD", "POST", "DELETE", "GET", "POST", "OPTIONS", "PUT", "PATCH", "TRACE"])
METHODS = (
    KNOWN_METHODS | KNOWN_METHODS | st.text(st.sampled_from("GETgetCONECT!#$%&'*+-.^_`|~09"), min_size=1, max_size=9)
)
"""Tokens, as RFC 9110 calls them (section 5.6.2)."""

REAL = sorted(
    {path for _, path, _ in [*ROUTES, *METRICS]}
    | {"/ping", "/health", "/admin/overview", "/admin/events?after=1", "/admin/encryption", "/admin/encryption/rewrite"}
    | {"/session/support/sales/creds", "/session/support", "/session/support/list-instances", "/session/support/sales"}
    | {"/admin/groups/codechat", "/admin/drops/codechat/sales/1700000000000-0"}
)
NEARLY_REAL = sorted({path for _, path, _ in NO_ROUTES if path.startswith("/")})

VISIBLE = st.characters(min_codepoint=0x21, max_codepoint=0x7E)
ODD_PIECES = [
    "/",
    "//",
    "/.",
    "/..",
    "%2F",
    "%2f",
    "%5C",
    "\\",
    "%00",
    ";a=b",
    "?",
    "?apikey=x",
    "#",
    "%",
    "%25",
    "%FF",
]
STARTS = [*[""] * 12, "http://worker", "HTTPS://u:p@worker:1", "http://", "/", "/x/..", "//worker", "."]


@st.composite
def spelled(draw: DrawFn, path: str) -> str:
    """A path, with some of its letters as escapes, once or twice."""
    escaped = draw(st.sets(st.integers(0, len(path) - 1), max_size=3)) if path else set()
    form = draw(st.sampled_from(["%{:02x}", "%{:02X}", "%25{:02x}"]))
    return "".join(form.format(ord(one)) if place in escaped else one for place, one in enumerate(path))


@st.composite
def targets(draw: DrawFn) -> str:
    """What a request is for: a route in some spelling, near one, or nothing."""
    if draw(st.integers(0, 9)) == 9:
        return draw(st.sampled_from(["*", "worker:5656", "session", "http://worker"]) | st.text(VISIBLE, min_size=1))
    path = draw(st.sampled_from(REAL) | st.sampled_from(REAL) | st.sampled_from(NEARLY_REAL))
    if draw(st.integers(0, 2)) == 2:
        path = draw(spelled(path))
    for _ in range(draw(st.sampled_from([0, 0, 0, 1, 2]))):
        place = draw(st.integers(0, len(path)))
        path = path[:place] + draw(st.sampled_from(ODD_PIECES)) + path[place:]
    return draw(st.sampled_from(STARTS)) + path


@st.composite
def spellings(draw: DrawFn, name: str) -> str:
    """A name as it may stand in a path: each byte as it is, where it can be, or as an escape."""
    plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~!$&'()*+,;=:@"
    escapes = st.sampled_from(["%{:02x}", "%{:02X}"])
    spelled = ""
    for byte in name.encode():
        is_plain = chr(byte) in plain and draw(st.integers(0, 3)) > 0
        spelled += chr(byte) if is_plain else draw(escapes).format(byte)
    return spelled


class Sent(NamedTuple):
    """A request."""

    method: str
    target: str
    version: str
    headers: list[tuple[str, str]]
    body: bytes

    @property
    def data(self) -> bytes:
        """The same as it goes over the wire."""
        lines = [f"{self.method} {self.target} HTTP/{self.version}", "Host: worker"]
        lines += [f"{name}: {value}" for name, value in self.headers]
        return "\r\n".join([*lines, "", ""]).encode("latin-1") + self.body


BODIES: tuple[object, ...] = ({"group": "support"}, {"group": "codechat"}, {"instance": "new"}, {"data": "{}"}, {}, [])

OTHER_HEADERS = st.lists(
    st.sampled_from(
        [
            ("Authorization", "Basic YTpi"),
            ("Cookie", "apikey=x"),
            ("X-Forwarded-For", "127.0.0.1"),
            ("X-Original-URL", "/ping"),
            ("X-Rewrite-URL", "/health"),
            ("X-HTTP-Method-Override", "OPTIONS"),
            ("Connection", "close, apikey"),
            ("Expect", "100-continue"),
            ("Upgrade", "h2c"),
            ("Origin", "null"),
            ("Access-Control-Request-Method", "GET"),
        ]
    ),
    max_size=2,
)


@st.composite
def requests(draw: DrawFn, shown: SearchStrategy[list[tuple[str, str]]]) -> Sent:
    """A request that shows something in the place of a token."""
    body = json.dumps(draw(st.sampled_from(BODIES))).encode() if draw(st.booleans()) else b""
    headers = draw(st.permutations([*draw(shown), *draw(OTHER_HEADERS)]))
    if body:
        headers = [*headers, ("Content-Length", str(len(body)))]
    method, target = draw(METHODS), draw(targets())
    if draw(st.integers(0, 9)) == 9:  # or nearly what is open
        method, target = draw(st.sampled_from(sorted(OPEN)))
        target = draw(st.sampled_from(["{}", "http://worker{}", "{}/", "/{}", "{}?a", "{}#"])).format(target)
    return Sent(method, target, draw(st.sampled_from(["1.1", "1.1", "1.0"])), headers, body)
