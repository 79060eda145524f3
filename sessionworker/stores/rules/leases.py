"""Who may write an instance: anybody, or one owner alone, as long as its lease lives.

A lease is one program's. Two that use one WhatsApp account at a time are disconnected by WhatsApp in turns (440), and
what they write meanwhile fits neither of them.
"""

from __future__ import annotations

import secrets

from msgspec import Struct
from msgspec.structs import replace

from sessionworker.errors import HeldElsewhere

LEASE_SECONDS = 30.0
"""How long an owner has an instance after what it asked for last."""


class Lease(Struct, frozen=True, gc=False):
    """What an owner is told of its lease."""

    id: str
    """The same as long as the lease was renewed in time: while it is, nobody else has written."""


class Tenure(Struct, frozen=True, gc=False):
    """Who has an instance, or had it last."""

    owner: str
    lease: Lease
    until: float
    """In seconds of a clock that nobody sets."""

    def is_live(self, now: float) -> bool:
        """Tell whether the lease has not ended."""
        return now < self.until


def _new_lease() -> Lease:
    return Lease(secrets.token_hex(8))


def let_in(tenure: Tenure | None, owner: str, now: float) -> Tenure | HeldElsewhere | None:
    """Return the tenure of an owner that asks for a change, or the reason for which it is refused.

    Whoever names no owner, which is the empty one, has none.
    """
    if tenure is not None and tenure.is_live(now):
        if owner != tenure.owner:
            return HeldElsewhere(tenure.until - now)
        return replace(tenure, until=now + LEASE_SECONDS)
    return Tenure(owner, _new_lease(), now + LEASE_SECONDS) if owner else None


def renamed(tenure: Tenure) -> Tenure:
    """Return a tenure after somebody else wrote what its owner may remember: its lease has another id."""
    return replace(tenure, lease=_new_lease())


def let_go(tenure: Tenure | None, owner: str | None, now: float) -> Tenure | HeldElsewhere | None:
    """Return what is left of a tenure that its owner, or an operator (None), ends; or the reason for a refusal."""
    if tenure is None or not tenure.is_live(now):
        return tenure
    if owner is not None and owner != tenure.owner:
        return HeldElsewhere(tenure.until - now)
    return replace(tenure, until=now)
