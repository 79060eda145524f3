"""Cookies that the page gives, and what browsers show of them.

They have no path: a browser gives each that of the folder that it came from, `/ui`, below whatever path a proxy has put
all of this. So they are set and taken away by what lies directly below `/ui/` alone.
"""

from __future__ import annotations

from collections.abc import Iterator

from twisted.web.server import Request

MOST_SHOWN = 10
"""Cookies of one name that are looked at."""


def shown(request: Request, name: bytes) -> Iterator[str]:
    """Yield what a browser shows as a cookie.

    There may be several: what another program serves on the same machine may have set one of the same name, for another
    path, and nobody is to be signed out by that.
    """
    found = 0
    for line in request.requestHeaders.getRawHeaders(b"Cookie", ()):
        for cookie in line.split(b";"):
            known, _, value = cookie.strip().partition(b"=")
            if known == name and value:
                found += 1
                if found > MOST_SHOWN:
                    return
                yield value.decode("latin-1")


def set_cookie(request: Request, name: bytes, secret: str, seconds: float | None = None) -> None:
    """Have a browser show a secret with each request, for so long, or until it is closed; for 0 seconds: no longer."""
    request.addCookie(
        name,
        secret.encode(),
        max_age=None if seconds is None else str(int(seconds)).encode(),
        secure=_is_over_tls(request),
        httpOnly=True,
        sameSite="strict",
    )


def _is_over_tls(request: Request) -> bool:
    """Tell whether a browser came over TLS, be it to a proxy: it says so itself, with each form."""
    return request.isSecure() or (request.getHeader(b"origin") or b"").lower().startswith(b"https:")
