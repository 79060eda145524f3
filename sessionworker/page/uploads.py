"""Files that come to the page: one form has one. Whoever is signed in may send it, and few of them are here at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.web.server import Request

LARGEST = 8 * 2**20
"""Bytes of a body with a file: the report of 5,000 accounts that have three notes each has 7 MiB."""

MOST_DROPPED = 64 * 2**20
"""Bytes of a body that is larger still, of which nothing is kept: a browser reads no answer before it has sent all."""

MOST_FILES = 2
"""Large bodies that are here at once; for a further one the oldest is hung up on."""


class Uploads:
    """Those that are under way."""

    def __init__(self, may_send: Callable[[Request], bool]) -> None:
        """Admit the requests of which `may_send` says so: their heads have come, and no more."""
        self._may_send = may_send
        self._under_way: dict[Request, None] = {}

    def admit(self, request: Request) -> bool:
        """Tell whether a request may be large; it counts as long as its body is here."""
        if not self._may_send(request):
            return False
        if len(self._under_way) >= MOST_FILES:
            oldest: Any = next(iter(self._under_way))
            self.leave(oldest)
            oldest.channel.forceAbortClient()
        self._under_way[request] = None
        request.notifyFinish().addBoth(lambda _: self.leave(request))
        return True

    def leave(self, request: Request) -> None:
        """Count a request no longer."""
        self._under_way.pop(request, None)
