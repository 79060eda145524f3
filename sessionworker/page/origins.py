"""Whether a request that changes something comes from the page itself, as far as the browser says.

A cookie knows no ports: what another program serves on the same machine may have the browser post to the page, and the
cookie goes with it, SameSite or not. So the browser is asked where the request comes from. It says `Sec-Fetch-Site` to
HTTPS and to localhost alone; elsewhere it says `Origin`. What says neither is no browser, or one that is too old.
"""

from __future__ import annotations

from typing import Protocol

from twisted.web.http_headers import Headers

_default_ports = {"http": ":80", "https": ":443"}


class HasHeaders(Protocol):
    """A request, as far as it matters here."""

    requestHeaders: Headers


def is_from_this_page(request: HasHeaders) -> bool:
    """Tell whether a request comes from a page of the same scheme, host and port that it asks."""
    headers = request.requestHeaders
    if headers.hasHeader(b"Sec-Fetch-Site"):
        return _only(headers, b"Sec-Fetch-Site") == "same-origin"
    origin, host = _only(headers, b"Origin"), _only(headers, b"Host")
    if not origin or not host:
        return False
    scheme, _, rest = origin.lower().partition("://")
    if scheme not in _default_ports:  # "null" is what a page without an origin says
        return False
    port = _default_ports[scheme]
    asked = host.lower().removesuffix(port)
    return bool(asked) and rest.removesuffix(port) == asked


def _only(headers: Headers, name: bytes) -> str | None:
    """Return the one value of a header; None where there is none, or where there are several."""
    values = headers.getRawHeaders(name, [])
    return values[0].decode("latin-1").strip() if len(values) == 1 else None
