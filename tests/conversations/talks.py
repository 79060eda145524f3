"""Whole requests, with bodies and faults, and what is said on a connection."""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import pairwise

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from tests.conversations.heads import (
    INSTANCE,
    connections,
    expectations,
    lengths,
    odd_codings,
    odd_hosts,
    odd_lines,
    odd_methods,
    odd_targets,
    odd_tokens,
    odd_versions,
    plain_lines,
    plain_methods,
    plain_targets,
)
from tests.server import TOKEN


@dataclass(frozen=True)
class Talk:
    """What a client says on one connection, and how it ends."""

    requests: tuple[bytes, ...]
    sent: int
    """Bytes of all requests together that are sent before it ends."""
    ending: str
    """What the client does then."""
    cuts: tuple[int, ...]
    """Where the bytes are cut when they are sent in pieces."""

    def one_by_one(self) -> list[bytes]:
        """The bytes that are sent, one request at a time."""
        pieces, left = [], self.sent
        for request in self.requests:
            pieces.append(request[:left])
            left -= len(pieces[-1])
        return [piece for piece in pieces if piece]

    def whole(self) -> list[bytes]:
        """The bytes that are sent, all at once."""
        return [b"".join(self.requests)[: self.sent]]

    def in_pieces(self) -> list[bytes]:
        """The bytes that are sent, cut anywhere."""
        [data] = self.whole()
        places = sorted({0, len(data), *(cut % len(data) for cut in self.cuts)})
        return [data[start:end] for start, end in pairwise(places)]


STAYS, ENDS_SENDING, HANGS_UP, HANGS_UP_AT_ONCE = "stays", "ends sending", "hangs up", "hangs up at once"


# Bodies

SMUGGLED = (
    f'POST {INSTANCE}/smuggled HTTP/1.1\r\nHost: worker\r\napikey: {TOKEN}\r\nContent-Length: 12\r\n\r\n{{"data":"1"}}'
)

plain_bodies = st.sampled_from([json.dumps({"data": value}) for value in ('{"a": 1}', "{}", "1")])
odd_bodies = st.sampled_from(
    [
        "",
        json.dumps({"group": "codechat"}),
        json.dumps({"instance": "sales"}),
        json.dumps({"instance": "other"}),
        json.dumps({"data": SMUGGLED}),
        json.dumps({"data": json.dumps("x" * 5000)}),
        "nothing of JSON",
        "\r\n",
        SMUGGLED,
        "0\r\n\r\n",
        "0\r\n\r\n" + SMUGGLED,
    ]
)


@st.composite
def chunks(draw: DrawFn, body: str) -> str:
    """A body in chunks, of which not all are as they should be."""
    middle = draw(st.integers(0, len(body)))
    text = ""
    for part in filter(None, (body[:middle], body[middle:])):
        forms = ["{:x}", "{:X}", "{:x};a=b", '{:x};a="b;c"', "000{:x}"]
        odd_forms = [
            "{:x} ",
            " {:x}",
            "+{:x}",
            "0x{:x}",
            "{:x} ;a",
            "{:x};\0",
            "{:x};\n",
            "{:x}\n",
            "-{:x}",
            "{:x}_0",
            "{}",
        ]
        form = draw(st.one_of(st.sampled_from(forms), st.sampled_from(odd_forms)))
        size = draw(st.sampled_from([len(part)] * 8 + [len(part) + 1, len(part) - 1, 10**17]))
        text += form.format(size) + "\r\n" + part + draw(st.sampled_from(["\r\n"] * 9 + ["\n", "", "x"]))
    ends = ["0\r\n\r\n", "000\r\n\r\n", "0;a=b\r\n\r\n", "0\r\nTrailer: a\r\n\r\n", f"0\r\napikey: {TOKEN}\r\n\r\n"]
    odd_ends = ["0\r\nContent-Length: 5\r\n\r\n", "0\r\n", "0\n\n", "0\r\n\0\r\n\r\n", "", "0\r\n\r\n\r\n", "g\r\n\r\n"]
    return text + draw(st.one_of(st.sampled_from(ends), st.sampled_from(odd_ends)))


# Whole requests

SPELLINGS = (
    "{}: {}",
    "{}:{}",
    "{}:  {}",
    "{}:\t{}",
    "{}: {} ",
    "{}: 0{}",
    "{}: 000000000000{}",
    "{}:\r\n {}",
    "{} : {}",
)
"""How a header may be written that stands there twice."""

FAULTS = ("\n", "\r", "\0", "\xff", " ", "\t", ":", "\r\n", "\r\n ", "\r\n\t", "\r\n\r\n")
"""What does not belong where it is put."""


ODDITIES = (
    *("method", "target", "version", "host", "token", "length", "body", "chunks"),
    *("connection", "expectation", "lines", "double", "continued", "order", "fault"),
)
"""What may be odd about a request."""


@st.composite
def requests(draw: DrawFn) -> bytes:
    """A request with its body; half of them have nothing odd."""
    odd = draw(st.one_of(st.just(set[str]()), st.sets(st.sampled_from(ODDITIES), min_size=1, max_size=2)))
    method = draw(odd_methods if "method" in odd else plain_methods)
    target = draw(odd_targets if "target" in odd else plain_targets)
    version = draw(odd_versions) if "version" in odd else "HTTP/1.1"
    body = draw(odd_bodies) if "body" in odd else draw(plain_bodies) if method == "POST" else ""
    framing = [f"Content-Length: {len(body)}"] if body or draw(st.booleans()) else []
    if "chunks" in odd:
        body = draw(chunks(body))
        framing = ["Transfer-Encoding: chunked"]
    if "length" in odd:
        framing = draw(st.lists(st.one_of(lengths(len(body)), lengths(len(body)), odd_codings), max_size=3))
    lines = draw(odd_hosts) if "host" in odd else ["Host: worker"]
    lines += draw(odd_tokens) if "token" in odd else [f"apikey: {TOKEN}"]
    lines += framing + draw(plain_lines)
    lines += draw(connections) if "connection" in odd else []
    lines += draw(expectations) if "expectation" in odd else []
    lines += draw(odd_lines) if "lines" in odd else []
    if "double" in odd and lines:
        name, _, value = draw(st.sampled_from([*lines, *framing])).partition(":")
        lines.append(draw(st.sampled_from(SPELLINGS)).format(name, value.strip()))
    lines = draw(st.permutations(lines)) if "order" in odd else lines
    if "continued" in odd:
        lines.insert(draw(st.integers(0, len(lines))), draw(st.sampled_from([" 1", "\t1", " ", f" {TOKEN}"])))
    head = "\r\n".join([f"{method} {target} {version}", *lines, "", ""])
    head = draw(with_a_fault(head)) if "fault" in odd else head
    return (head + body).encode("latin-1")


@st.composite
def with_a_fault(draw: DrawFn, head: str) -> str:
    """The same with something in it where it does not belong: before it, in the place of a line's end, or anywhere."""
    ends = [place for place, letter in enumerate(head) if letter == "\r"]
    place = draw(st.one_of(st.just(0), st.sampled_from(ends), st.integers(0, len(head))))
    return head[:place] + draw(st.sampled_from(FAULTS)) + head[place + (2 if place in ends else 0) :]


@st.composite
def talks(draw: DrawFn, most: int) -> Talk:
    """Up to so many requests on a connection."""
    number = draw(st.integers(1, most))
    said = tuple(draw(st.lists(requests(), min_size=number, max_size=number)))
    size = sum(map(len, said))
    ending = draw(st.sampled_from([STAYS, STAYS, ENDS_SENDING, HANGS_UP, HANGS_UP_AT_ONCE]))
    sent = size if draw(st.integers(0, 3)) < 3 else draw(st.integers(1, size))
    return Talk(said, sent, ending, tuple(draw(st.lists(st.integers(1, 40_000), max_size=6))))


def conversations() -> SearchStrategy[list[Talk]]:
    """One to six requests on a connection, and a few more on another one after it."""
    return st.tuples(talks(6), st.lists(talks(2), max_size=1)).map(lambda parts: [parts[0], *parts[1]])


def heads_near(data: bytes) -> set[bytes]:
    """Heads near a request's own: the token is the right one, and a line is left out, or all lines of one name.

    They are those of a GET, which is answered from memory.
    """
    lines = data.lstrip().partition(b"\r\n\r\n")[0].split(b"\r\n")[1:]
    lines = [f"apikey: {TOKEN}".encode() if _name(line) in {b"apikey", b"authorization"} else line for line in lines]
    near = [lines, *([*lines[:place], *lines[place + 1 :]] for place in range(min(len(lines), 10)))]
    near += [[line for line in lines if _name(line) != name] for name in {_name(line) for line in lines[:10]}]
    first = f"GET {INSTANCE}/creds HTTP/1.1".encode()
    return {b"\r\n".join([first, *some, b"", b""]) for some in near}


def _name(line: bytes) -> bytes:
    return line.partition(b":")[0].strip().lower()
