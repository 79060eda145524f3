"""The head of a request that came in one piece: its first line and its headers.

A client sends the same headers with each request, but for the length of the body. What Twisted has read of them once is
used again: reading them line by line took half of the time from a request's arrival to its commit.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from twisted.web.http_headers import Headers

MOST_KNOWN = 1024
"""Sets of headers that are remembered: for each client as many as its bodies have lengths, and one without a body."""

LARGEST_HEAD = 4096
"""Bytes of a head that is looked at here; a larger one is read line by line."""

_request_line = re.compile(rb"(DELETE|GET|HEAD|POST) (/[!->@-~]*) HTTP/1\.1\r\n")  # without a query


class Head(NamedTuple):
    """A head as it came."""

    method: bytes
    path: bytes
    lines: bytes  # of headers
    end: int  # of the head, in bytes from the request's beginning


class Known(NamedTuple):
    """What is known of some lines of headers."""

    headers: Headers
    length: int  # of the body, in bytes


def read_head(data: bytes) -> Head | None:
    """Return the head that `data` begins with, or None if it is not whole, or of another form than the clients send."""
    found = _request_line.match(data, 0, LARGEST_HEAD)
    end = data.find(b"\r\n\r\n", 0, LARGEST_HEAD) + 4
    if found is None or end < found.end():
        return None
    return Head(found[1], found[2], data[found.end() : end], end)


class KnownHeaders:
    """What Twisted has read of lines of headers."""

    def __init__(self) -> None:
        """Know nothing."""
        self._known: dict[bytes, Known] = {}
        self.get = self._known.get

    def __len__(self) -> int:
        """Return how many sets of headers are known."""
        return len(self._known)

    def add(self, lines: bytes, headers: Headers, length: int) -> None:
        """Remember what was read of lines of headers."""
        if len(self._known) >= MOST_KNOWN:
            self._known.clear()
        self._known[lines] = Known(headers, length)
