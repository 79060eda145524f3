"""Who is signed in at the page, and the codes that sign in once. In memory alone: a restart ends all of it."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from hashlib import sha256
from hmac import compare_digest
from secrets import token_bytes, token_urlsafe

from twisted.internet.interfaces import IReactorTime

from sessionworker.access import Role

IDLE_SECONDS = 30 * 60.0
"""A session ends when nobody asked for anything with it for so long."""

LONGEST_SECONDS = 12 * 3600.0
"""A session ends after so long, whatever it is used for."""

MOST_SESSIONS = 25
"""Sessions there may be; the one that was idle longest goes for a further one."""

CODE_SECONDS = 60.0
"""For how long a code signs in."""

MOST_CODES = 25
"""Codes there may be; the oldest goes for a further one."""

SECRET_BYTES = 32


@dataclass(eq=False)
class Session:
    """Somebody who is signed in."""

    role: Role
    csrf: str
    """Stands in each form that this session is shown: another page cannot know it."""
    opened_at: float
    """When, by the clock of the sessions."""
    hides_names: bool = False
    """Whether it is shown marks in the place of names: for a screenshot."""
    marks_key: bytes = field(default_factory=lambda: token_bytes(SECRET_BYTES))
    """With what marks are made: no other session has the same ones."""

    def is_own(self, csrf: str) -> bool:
        """Tell whether what came with a form is what this session was shown."""
        return compare_digest(_as_bytes(csrf), self.csrf.encode())


@dataclass
class _Kept:
    session: Session
    used_at: float


class Sessions:
    """All who are signed in. Of the secret that a browser shows in its cookie, only the SHA-256 is kept."""

    def __init__(self, clock: IReactorTime) -> None:
        """Begin with none, on a clock that nobody sets."""
        self._clock = clock
        self._kept: dict[Hashable, _Kept] = {}  # the one that was used longest ago first

    def __len__(self) -> int:
        """Return how many there are."""
        self._let_go()
        return len(self._kept)

    def open(self, role: Role) -> tuple[str, Session]:
        """Begin a session; return the secret that finds it again, and itself."""
        self._let_go()
        if len(self._kept) >= MOST_SESSIONS:
            del self._kept[next(iter(self._kept))]
        now = self._clock.seconds()
        secret, session = token_urlsafe(SECRET_BYTES), Session(role, token_urlsafe(SECRET_BYTES), now)
        self._kept[_digest_of(secret)] = _Kept(session, now)
        return secret, session

    def find(self, secret: str, *, is_used: bool = True) -> Session | None:
        """Return the session of a secret, which is used by that; None where there is none, or no longer.

        What a page asks for by itself is no use of it, or none would end on a screen that nobody looks at.
        """
        self._let_go()
        kept = self._kept.get(digest := _digest_of(secret))
        if kept is None:
            return None
        if is_used:
            kept.used_at = self._clock.seconds()
            self._kept[digest] = self._kept.pop(digest)
        return kept.session

    def close(self, session: Session) -> None:
        """End a session, if it has not ended."""
        self._kept = {digest: kept for digest, kept in self._kept.items() if kept.session is not session}

    def close_all(self) -> None:
        """End all sessions."""
        self._kept.clear()

    def _let_go(self) -> None:
        now = self._clock.seconds()
        self._kept = {
            digest: kept
            for digest, kept in self._kept.items()
            if now - kept.used_at < IDLE_SECONDS and now - kept.session.opened_at < LONGEST_SECONDS
        }


class Codes:
    """Codes of which each signs in once, soon. Only their SHA-256 is kept."""

    def __init__(self, clock: IReactorTime) -> None:
        """Begin with none."""
        self._clock = clock
        self._made: dict[Hashable, tuple[Role, float]] = {}

    def make(self, role: Role) -> str:
        """Return a new code that signs in with a role."""
        if len(self._made) >= MOST_CODES:
            del self._made[next(iter(self._made))]
        code = token_urlsafe(SECRET_BYTES)
        self._made[_digest_of(code)] = role, self._clock.seconds()
        return code

    def take(self, code: str) -> Role | None:
        """Return the role of a code, which is worth nothing from then on; None for one that is worth nothing."""
        role, made_at = self._made.pop(_digest_of(code), (None, 0.0))
        return role if self._clock.seconds() - made_at < CODE_SECONDS else None

    def forget_all(self) -> None:
        """Make all codes worth nothing."""
        self._made.clear()


def _digest_of(secret: str) -> Hashable:
    return sha256(_as_bytes(secret)).digest()


def _as_bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")  # whatever a stranger may send
