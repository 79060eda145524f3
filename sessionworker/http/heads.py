"""The head of a request that came in one piece: its first line and its headers.

A client sends the same headers with each request, but for the length of the body, and perhaps a number of its own for
each request. What Twisted has read of them once is used again: reading them line by line took half of the time from a
request's arrival to its commit.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from twisted.web.http_headers import Headers

from sessionworker.http.limits import LONGEST_LENGTH, MOST_HEADERS

MOST_KNOWN = 1024
"""Sets of headers that are remembered."""

MOST_LAYOUTS = 64
"""Sets of headers that are remembered without the credential: a stranger who shows many is refused with less work."""

LARGEST_HEAD = 4096
"""Bytes of a head that is looked at here; a larger one is read line by line."""

_request_line = re.compile(rb"(DELETE|GET|HEAD|POST) (/[!->@-~]*) HTTP/1\.1\r\n")  # without a query
_length = re.compile(rb"\r\ncontent-length: ?([0-9]{1,12})(?=\r\n)", re.IGNORECASE)
# Headers that say who asks or what about, with anything in them that a header may hold. They decide nothing here. Their
# names have an end: a stranger's of 4 KiB, made of these words, took 38 ms to look through.
_of_no_matter = re.compile(
    rb"\r\n(?:[a-z0-9-]{0,40}(?:trace|request|correlation|span|session)[a-z0-9-]{0,40}|baggage|b3|user-agent|referer"
    rb"|date|cookie|x-forwarded-[a-z]+|x-real-ip|forwarded|via|accept(?:-[a-z]+)?): ?[ -~]*(?=\r\n)",
    re.IGNORECASE,
)


class Head(NamedTuple):
    """A head as it came."""

    method: bytes
    path: bytes
    lines: bytes
    """Of headers, without the length, each after its line end."""
    length: int
    """Of the body, in bytes."""
    end: int
    """Of the head, in bytes from the request's beginning."""


def read_head(data: bytes) -> Head | None:
    """Return the head that `data` begins with, or None if it is not whole, or of another form than the clients send."""
    found = _request_line.match(data, 0, LARGEST_HEAD)
    end = data.find(b"\r\n\r\n", 0, LARGEST_HEAD) + 4
    if found is None or end < found.end() or data.count(b"\r\n", found.end(), end) - 1 > MOST_HEADERS:
        return None
    start = found.end() - 2
    length = _length.search(data, start, end)
    if length is None:
        return Head(found[1], found[2], data[start:end], 0, end)
    lines = data[start : length.start()] + data[length.end() : end]
    return Head(found[1], found[2], lines, int(length[1]), end)


def means_nothing(line: bytes) -> bool:
    """Tell whether a header is a length or a coding that nobody can mean (RFC 9112, section 6.3)."""
    name, _, value = (part.strip() for part in line.lower().partition(b":"))
    is_endless = name == b"content-length" and len(value) > LONGEST_LENGTH
    return is_endless or (name == b"transfer-encoding" and value == b"identity")


class KnownHeaders:
    """What Twisted has read of lines of headers."""

    def __init__(self, credential: bytes) -> None:
        """Know nothing. `credential` is the name of the header that says who asks."""
        self._credential = credential
        self._shown = re.compile(rb"\r\n%b: ?([!-~]+)(?=\r\n)" % credential, re.IGNORECASE)
        self._known: dict[bytes, Headers] = {}
        self._layouts: dict[bytes, Headers] = {}

    def __len__(self) -> int:
        """Return how many sets of headers are known."""
        return len(self._known)

    def get(self, head: Head) -> Headers | None:
        """Return what was read of the same lines before, or of lines that differ in nothing that matters."""
        known = self._known.get(head.lines) or self._known.get(_of_no_matter.sub(b"", head.lines))
        return known or self._with_another_credential(head)

    def _with_another_credential(self, head: Head) -> Headers | None:
        found = None if head.length else self._shown.search(head.lines)  # nothing of a stranger's body is to be kept
        layout = found and self._layouts.get(_without(found, head.lines))
        if not found or layout is None:
            return None
        headers = layout.copy()
        headers.setRawHeaders(self._credential, [found[1]])
        return headers

    def add(self, head: Head, headers: Headers, *, is_strange: bool) -> None:
        """Remember what was read of lines of headers, unless they ask for more than to be answered.

        Of a stranger's nothing but how they look without the credential.

        Nor is it remembered where a line is continued in the next one: so what is left where a line in the middle is
        taken out is never mistaken for such a continuation. Nor where a length is left in the lines, in a spelling that
        `read_head` does not take out: so of a request with two of them none is ever overlooked.
        """
        is_continued = b"\r\n " in head.lines or b"\r\n\t" in head.lines
        has_length = b"\r\ncontent-length:" in head.lines.lower()
        asks_for_more = headers.hasHeader(b"Expect") or headers.hasHeader(b"Transfer-Encoding")
        if is_continued or has_length or asks_for_more or len(headers.getRawHeaders(b"Host", ())) != 1:
            return
        found = self._shown.search(head.lines)
        if found and len(headers.getRawHeaders(self._credential, ())) == 1:  # of two, one would be overlooked
            _put(self._layouts, _without(found, head.lines), headers, MOST_LAYOUTS)
        for lines in {head.lines, _of_no_matter.sub(b"", head.lines)} if not is_strange else ():
            _put(self._known, lines, headers, MOST_KNOWN)


def _without(found: re.Match[bytes], lines: bytes) -> bytes:
    return lines[: found.start()] + lines[found.end() :]


def _put(known: dict[bytes, Headers], lines: bytes, headers: Headers, most: int) -> None:
    if len(known) >= most and lines not in known:
        del known[next(iter(known))]  # the oldest
    known[lines] = headers
