"""Whether two programs write one instance in turns, as far as their addresses tell.

One that is moved, or starts anew, comes from another address and stays there. One that comes *back* after another has
written meanwhile shares its account with that: WhatsApp disconnects them in turns (440).
"""

from __future__ import annotations

from msgspec import Struct, field

IN_TURNS_SECONDS = 60.0
"""Within so many seconds a peer has to come back."""

SILENT_SECONDS = 60.0
"""For how long nothing more is said of an instance."""

MOST_PEERS = 4
"""Peers of an instance that are remembered."""

_LOOPBACK = {"::1": "127.0.0.1"}
_MAPPED = "::ffff:"  # what comes over IPv4 to a socket of IPv6 (RFC 4291, section 2.5.5.2)


def _peer_of(address: str) -> str:
    """Return what stands for all addresses of one peer that are known to be one's."""
    return _LOOPBACK.get(address) or address.removeprefix(_MAPPED)


class Peers(Struct, gc=False):
    """The peers that wrote one instance lately. Times are in seconds of a clock that nobody sets."""

    latest: str = ""
    at: float = 0.0
    """When that one wrote last."""
    others: dict[str, float] = field(default_factory=dict)
    """When others wrote last, the latest of them at the end."""
    silent_until: float = 0.0

    def wrote(self, address: str, now: float) -> list[str]:
        """Note a write. Where a peer came back, and there is something to be said, return those that take turns."""
        peer = address if address == self.latest else _peer_of(address)
        if peer == self.latest:  # nearly always
            self.at = now
            return []
        before = self.others.pop(peer, None)
        if self.latest:
            self.others[self.latest] = self.at
        if len(self.others) == MOST_PEERS:
            del self.others[next(iter(self.others))]
        self.latest, self.at = peer, now
        if before is None or now - before > IN_TURNS_SECONDS or now < self.silent_until:
            return []
        self.silent_until = now + SILENT_SECONDS
        return sorted([peer, *(other for other, at in self.others.items() if at >= before)])
