"""What a connection and its requests may cost, in seconds and bytes."""

from __future__ import annotations

from sessionworker.errors import Overloaded

IDLE_SECONDS = 75.0
"""How long a connection may be silent between requests. Node keeps an idle one for 5 s, and so is never reset."""

LAST_SECONDS = 1.0
"""How long a connection that was just used may be silent once the worker was told to stop. Whoever asks in a tight row
is told with an answer that it is the last one; else a request may meet the end of its connection on the way."""

HEADER_SECONDS = 10.0
"""How long a request's headers may take, and the first request of a new connection."""

BODY_SECONDS = 30.0
"""How long a request's body may take, besides one second for each `SLOWEST_BODY` bytes."""

SLOWEST_BODY = 64 * 1024
"""Bytes a second that a client must send of a large body."""

READ_SECONDS = 75.0
"""How long a client may take to read the next part of an answer; it may read the whole as slowly as that."""

FAREWELL_SECONDS = 5.0
"""How long a client that was refused, or told to go, may take to read what it was told."""

TRUSTED_BODY = 64 * 1024
"""Bytes of a body that are read before the token is looked at, so that a refused client can keep its connection."""

MOST_BODY_BYTES = 256 * 2**20
"""Bytes of bodies that may be in memory at once, besides one body of any size that is allowed."""

MOST_ANSWER_BYTES = 64 * 2**20
"""Bytes of large answers that may be in memory at once, or one of any size; twice as many with those of `creds`."""

TURN_SECONDS = 10.0
"""How long a request may wait until there is room for its answer."""

STUCK_SECONDS = 5.0
"""How long a client may read nothing of a large answer while others wait until there is room for theirs."""

MOST_TURNS = 1_000
"""Requests that may wait for that; further ones are refused."""

MOST_TURNED_AWAY = 100
"""Connections over the bound that are told so at the same time; further ones are closed without a word, for each of
them is an open file."""

STRANGER_SECONDS = 1.0
"""For how long a connection that has shown no right token keeps its place where all are taken. In a storm of clients
each has the time to ask."""

MOST_HEADERS = 100
"""Headers that a request may have."""

LONGEST_LENGTH = 1000
"""Digits that the length of a body may have: more than any body's, and fewer than Python refuses to read."""

NEVER = float("inf")


class Bodies:
    """Bytes of bodies in memory, of all connections."""

    def __init__(self, most: int = MOST_BODY_BYTES) -> None:
        """Allow `most` bytes."""
        self._most = most
        self.bytes = 0

    def take(self, size: int, *, besides: int) -> Overloaded | None:
        """Count `size` more bytes of a body, of which `besides` are here already; or return why they may not come.

        A negative size gives bytes back.
        """
        if size > 0 and self.bytes != besides and self.bytes + size > self._most:
            return Overloaded()
        self.bytes += size
        return None
