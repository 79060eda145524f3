"""Heads of requests: as clients send them, and as those do who try what a server makes of them.

A request is put together of text in Latin-1: whatever byte is to be sent can be written. The plain one comes first in
each choice, so an example that was found is shrunk towards ordinary HTTP.
"""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from tests.server import TOKEN

WRONG_TOKEN = "x" * len(TOKEN)
INSTANCE = "/session/codechat/sales"
KEYS = ("creds", "key-1", "key-2", "smuggled")


def some_of(*lines: str, least: int = 0, most: int = 2) -> SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(lines), min_size=least, max_size=most)


# The parts of a head

odd_hosts = some_of(
    "Host: worker", "hOsT: worker", "Host:", "Host : worker", "Host: a, b", "Host:\r\n worker", "Host: \xe9"
)

odd_tokens = some_of(
    f"apikey: {TOKEN}",
    f"ApiKey:{TOKEN}",
    f"apikey: {WRONG_TOKEN}",
    f"Authorization: Bearer {TOKEN}",
    f"authorization: bearer  {TOKEN} ",
    f"Authorization: Bearer {WRONG_TOKEN}",
    "Authorization: Basic eDp5",
    "Authorization:",
    "apikey:",
    f"apikey:\t{TOKEN}\t",
    f"apikey:\r\n {TOKEN}",
    f"apikey: {TOKEN}\r\n x",
    f"apikey : {TOKEN}",
    f" apikey: {TOKEN}",
    f"apikey: {TOKEN}, {TOKEN}",
    f"apikey: {TOKEN}\xff",
    f"apikey: {TOKEN}\0",
    f"X-Trace: {TOKEN}",
)


@st.composite
def lengths(draw: DrawFn, length: int) -> str:
    """A header about the length of a body that has `length` bytes, odd in one way or none."""
    name, colon, number, form = "Content-Length", ": ", length, "{}"
    match draw(st.integers(0, 5)):
        case 1:
            name = draw(st.sampled_from(["content-length", "CONTENT-LENGTH", "Content-Lengt\xc4", " Content-Length"]))
        case 2:
            colon = draw(st.sampled_from([":", ":  ", ":\t", " : ", "\t:", ":\r\n ", ""]))
        case 3:
            number = draw(st.sampled_from([0, length + 1, max(length - 1, 0), 10, 4000, 10**13]))
        case 4:
            forms = [
                "0{}",
                "{:015}",
                "+{}",
                "-{}",
                "{} ",
                "{}\t",
                "{0}, {0}",
                "{0},{0}",
                "{0} {0}",
                "{}\r\n 1",
                "0x{:x}",
            ]
            form = draw(st.sampled_from([*forms, "{}.0", "{}e1", "\xb2", "{}\0", "{}\xa0", "{:01001}", "'{}'", ""]))
    return name + colon + form.format(number)


odd_codings = st.sampled_from(
    [
        "Transfer-Encoding: chunked",
        "transfer-encoding:CHUNKED",
        "Transfer-Encoding: xchunked",
        "Transfer-Encoding: chunked, chunked",
        "Transfer-Encoding: gzip, chunked",
        "Transfer-Encoding: identity",
        "Transfer-Encoding: chunked;a=b",
        "Transfer-Encoding:",
        "Transfer-Encoding:\r\n chunked",
        "Transfer-Encoding : chunked",
        "Transfer-Encoding: \x0bchunked",
        "Transfer-Encoding: chun\0ked",
        "TE: chunked",
    ]
)

plain_lines = some_of(
    "Content-Type: application/json",
    "Accept: */*",
    "Accept:",
    "Accept: text/html\r\n ,x",
    "User-Agent: axios/1.7",
    "traceparent: 00-1-2-01",
    "X-Request-Id:7",
    "x-request-id: caf\xe9",
    "X-Session: \t",
    "Cookie: a=b; c",
    "X-Forwarded-For: 10.0.0.1",
    "Via : 1.1 proxy",
    "X-Odd:",
    "x-odd: two  words",
)

connections = some_of(
    "Connection: close",
    "connection: Keep-Alive",
    "Connection: keep-alive, close",
    "Connection: close, X-Odd",
    "Connection: upgrade",
    "Connection:",
    "Upgrade: h2c",
    least=1,
)

expectations = some_of("Expect: 100-continue", "expect: 100-Continue", "Expect: 200-ok", "Expect:", least=1)

odd_lines = some_of(
    "no colon",
    ": no name",
    "bad name: x",
    "X-\xff: high",
    "X-Nul: \0",
    "X-Bare: a\rb",
    "X-Long: " + "x" * 3900,
    "X-Long: " + "x" * 17_000,
    "\r\n".join(["X-Odd:"] * 98),
    "\r\n".join(["Accept:"] * 99),
    least=1,
)

# The first line

plain_methods = st.sampled_from(["GET", "POST", "DELETE"])
odd_methods = st.sampled_from(["HEAD", "OPTIONS", "PUT", "get", "BREW", "CONNECT", "G(T", ""])

plain_targets = st.sampled_from([f"{INSTANCE}/{key}" for key in KEYS[:3]])
odd_targets = st.one_of(
    st.builds(
        str.format,
        st.sampled_from(["http://worker{}", "HTTPS://a:b@other:1{}", "http://{}", "{}?a=b", "/{}", "{}/", "{}#a"]),
        plain_targets,
    ),
    st.sampled_from(
        [
            "/ping",
            "/session",
            "/session/codechat",
            "/session/codechat/list-instances",
            INSTANCE,
            "/session/codechat/%73ales/key-1",
            "/session/codechat/sales/k%2F\xe9",
            "/nothing",
            "http://worker",
            "http:///",
            "*",
            "worker:5656",
            "/a b",
            "",
        ]
    ),
)

odd_versions = st.sampled_from(["HTTP/1.0", "HTTP/1.0", "HTTP/2.0", "HTTP/0.9", "http/1.1", "HTTP/1.1 "])
