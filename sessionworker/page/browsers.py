"""Browsers in which somebody signed in, and as whom others are counted who fail to."""

from __future__ import annotations

from hashlib import sha256
from ipaddress import ip_address
from secrets import token_urlsafe

from twisted.internet.interfaces import IReactorTime
from twisted.web.server import Request

from sessionworker.page.attempts import Crowd, Who
from sessionworker.page.cookies import set_cookie, shown
from sessionworker.page.sessions import SECRET_BYTES
from sessionworker.web.watching import host_of, network_of

KNOWN_SECONDS = 30 * 24 * 3600.0
"""For how long a browser is known after somebody signed in, unless the worker starts again."""

MOST_KNOWN = 100
"""Browsers that are known; the one in which somebody signed in longest ago goes for a further one."""


class Browsers:
    """Knows a browser again by a cookie. It opens nothing: whoever stole it may fail as often as one more address."""

    def __init__(self, clock: IReactorTime, cookie: bytes) -> None:
        """Know none. `cookie` is the name of the cookie."""
        self._clock = clock
        self._cookie = cookie
        self._known: dict[str, float] = {}  # since when, by the SHA-256 of what each shows; the longest one first

    def __len__(self) -> int:
        """Return how many are known."""
        return len(self._known)

    def who(self, request: Request) -> Who:
        """Return as whom somebody is counted who fails to sign in."""
        for digest in self._shown(request):
            return Who(digest)
        return Who(network_of(request), _crowd_of(host_of(request)))

    def know(self, request: Request) -> None:
        """Know a browser from now on: somebody signed in."""
        for digest in self._shown(request):
            del self._known[digest]
        if len(self._known) >= MOST_KNOWN:
            del self._known[next(iter(self._known))]
        secret = token_urlsafe(SECRET_BYTES)
        self._known[_digest_of(secret)] = self._clock.seconds()
        set_cookie(request, self._cookie, secret, KNOWN_SECONDS)

    def _shown(self, request: Request) -> list[str]:
        """Return by which digests a browser is known."""
        now = self._clock.seconds()
        found = dict.fromkeys(map(_digest_of, shown(request, self._cookie)))
        return [one for one in found if one in self._known and now - self._known[one] < KNOWN_SECONDS]


def _digest_of(secret: str) -> str:
    return sha256(secret.encode()).hexdigest()


def _crowd_of(host: str) -> Crowd:
    """Return among whom an address is counted. What is none is a Unix socket: its other end is on this machine."""
    try:
        address = ip_address(host)
    except ValueError:
        return Crowd.NEAR
    address = getattr(address, "ipv4_mapped", None) or address
    return Crowd.FAR if address.is_global else Crowd.NEAR
