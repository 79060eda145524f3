"""Who may do what: the tokens in force, and what each of them opens."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from hmac import compare_digest
from typing import NamedTuple

from sessionworker.errors import Forbidden


class Right(Enum):
    """What a route asks for."""

    STORE = "store"
    """To write, read and drop session files: `/session`."""
    LOOK = "look"
    """To see what an operator sees: what reads of `/admin`, and `/metrics`."""
    CHANGE = "change"
    """To do what an operator does: what changes something of `/admin`."""


class Role(Enum):
    """What a token is given out for."""

    API = "api"
    """An API that keeps its accounts here."""
    ADMIN = "admin"
    """An operator."""
    VIEW = "view"
    """Somebody who may look, and change nothing."""


RIGHTS: Mapping[Role, frozenset[Right]] = {
    Role.API: frozenset({Right.STORE}),
    Role.ADMIN: frozenset({Right.LOOK, Right.CHANGE}),
    Role.VIEW: frozenset({Right.LOOK}),
}

_refusals = {
    Right.STORE: "This token is not for session files: an API's is.",
    Right.LOOK: "This token is for session files alone. Operators have one of their own.",
    Right.CHANGE: "This token changes nothing of /admin: the operator's does.",
}


class Token(NamedTuple):
    """A token that somebody was given."""

    role: Role
    secret: bytes
    groups: frozenset[str] | None = None
    """Those that an API may use; None for all."""


class Grant(NamedTuple):
    """What somebody may do who showed a token."""

    rights: frozenset[Right]
    groups: frozenset[str] | None = None
    """The groups whose session files are meant; None for all."""

    def check(self, right: Right) -> None:
        """Raise Forbidden, unless a right is among them."""
        if right not in self.rights:
            raise Forbidden(_refusals[right])

    def check_group(self, group: str) -> None:
        """Raise Forbidden, unless a group is among those that are meant."""
        if self.groups is not None and group not in self.groups:
            raise Forbidden("This token is for other groups.")


class Access:
    """The tokens in force. They may be replaced while requests are answered."""

    def __init__(self, tokens: Iterable[Token]) -> None:
        """Begin with some tokens, no two of them with the same secret."""
        self._grants: Sequence[tuple[bytes, Grant]] = ()
        self.changes = 0
        """How often other tokens than before were put in force: what was opened with one of those holds no longer."""
        self.replace(tokens)

    def replace(self, tokens: Iterable[Token]) -> None:
        """Put others in force. Where no operator has one, an API's that is for all groups opens everything."""
        tokens = list(tokens)
        has_admin = any(token.role is Role.ADMIN for token in tokens)
        grants = [(token.secret, _grant_of(token, has_admin=has_admin)) for token in tokens]
        self.changes += grants != self._grants
        self._grants = grants

    def grant_of(self, shown: bytes) -> Grant | None:
        """Return what a token opens, or None for one that is not in force. Takes as long for each that is as long."""
        found = None
        for secret, grant in self._grants:
            if compare_digest(shown, secret):
                found = grant
        return found


def _grant_of(token: Token, *, has_admin: bool) -> Grant:
    if token.role is Role.API and token.groups is None and not has_admin:
        return Grant(frozenset(Right))
    return Grant(RIGHTS[token.role], token.groups)
