"""Whether a request comes from the page itself."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from twisted.web.http_headers import Headers

from sessionworker.page.origins import is_from_this_page


@dataclass
class Asked:
    requestHeaders: Headers


def asked(*headers: tuple[str, str]) -> Asked:
    made = Headers()
    for name, value in headers:
        made.addRawHeader(name, value)
    return Asked(made)


HOST = ("Host", "vps:5657")


@pytest.mark.parametrize(
    "headers",
    [
        [HOST, ("Sec-Fetch-Site", "same-origin")],
        [HOST, ("Sec-Fetch-Site", "same-origin"), ("Origin", "https://vps.example")],  # behind a proxy with TLS
        [HOST, ("Origin", "http://vps:5657")],
        [("Host", "VPS:5657"), ("Origin", "http://vps:5657")],
        [("Host", "vps"), ("Origin", "http://vps")],
        [("Host", "vps:443"), ("Origin", "https://vps")],
        [("Host", "[::1]:5657"), ("Origin", "http://[::1]:5657")],
    ],
)
def test_what_comes_from_this_page(headers: list[tuple[str, str]]) -> None:
    assert is_from_this_page(asked(*headers))


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [HOST],
        [HOST, ("Sec-Fetch-Site", "same-site")],  # another port of this host
        [HOST, ("Sec-Fetch-Site", "cross-site")],
        [HOST, ("Sec-Fetch-Site", "none")],  # nobody types a POST
        [HOST, ("Sec-Fetch-Site", "")],
        [HOST, ("Sec-Fetch-Site", "same-site"), ("Origin", "http://vps:5657")],
        [HOST, ("Sec-Fetch-Site", "same-origin"), ("Sec-Fetch-Site", "cross-site")],
        [HOST, ("Origin", "http://vps:8080")],
        [HOST, ("Origin", "http://vps")],
        [HOST, ("Origin", "http://evil:5657")],
        [HOST, ("Origin", "null")],
        [HOST, ("Origin", "")],
        [HOST, ("Origin", "vps:5657")],
        [HOST, ("Origin", "file://vps:5657")],
        [HOST, ("Origin", "http://vps:5657"), ("Origin", "http://evil")],
        [HOST, ("Host", "evil"), ("Origin", "http://vps:5657")],
        [("Origin", "http://vps:5657")],
        [("Host", ""), ("Origin", "http://")],
        [("Host", ":80"), ("Origin", "http://")],
        [("Host", "vps:80"), ("Origin", "https://vps")],
    ],
)
def test_what_does_not(headers: list[tuple[str, str]]) -> None:
    assert not is_from_this_page(asked(*headers))
