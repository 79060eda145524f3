"""Requests of which some bytes were changed: answered or refused, at once, and never obeyed for a stranger."""

from __future__ import annotations

import re
import time
from collections import Counter
from itertools import pairwise

from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.strategies import DataObject

from sessionworker.http.heads import LARGEST_HEAD, KnownHeaders, read_head
from tests.fuzz.changed import changed, pieces_of
from tests.fuzz.conftest import API, Tries
from tests.memory import Worker, request

FILE = "/session/codechat/sales/a"
BODY = b'{"data":"1"}'
GOOD = (
    request("POST", FILE, BODY, token=API),
    request("GET", FILE, token=API, headers=[("traceparent", "00-1"), ("Accept", "*/*")]),
    request("DELETE", FILE, token=API),
    request("GET", "/admin/groups", token=None, headers=[("Authorization", f"Bearer {API}")]),
    request("POST", FILE, token=API, headers=[("Transfer-Encoding", "chunked")]) + b"c\r\n" + BODY + b"\r\n0\r\n\r\n",
    request("POST", "/session", {"group": "g"}, token=API, headers=[("Expect", "100-continue")], version="1.0"),
)
CUTS = st.lists(st.integers(1, 600), max_size=4)
MOST_SECONDS = 0.005
"""Of the processor, for the head of a request: what a stranger can have for 4 KiB."""


def split(data: bytes, cuts: list[int]) -> list[bytes]:
    """The same in pieces."""
    places = sorted({0, *(cut for cut in cuts if cut < len(data)), len(data)})
    return [data[begin:end] for begin, end in pairwise(places)]


def outcome_of(worker: Worker, pieces: list[bytes], known: KnownHeaders) -> tuple[bytes, bool]:
    """What comes back, and whether the connection is open then."""
    worker.site.known_headers = known
    connection = worker.connect()
    for piece in pieces:
        connection.send(piece)
    worker.settle()
    outcome = bytes(connection.transport.received), connection.is_open
    connection.close()
    return outcome


def statuses(received: bytes) -> list[int]:
    return [int(status) for status in re.findall(rb"^HTTP/1\.[01] (\d{3}) ", received, re.MULTILINE)]


def test_a_stranger_s_requests_of_which_bytes_were_changed_are_refused_alike_however_they_come(
    worker: Worker, tries: Tries, cases: Counter[str]
) -> None:
    known = KnownHeaders(b"apikey")
    for one in GOOD:
        outcome_of(worker, [one], known)
    assert len(known) > 0

    @tries(80)
    @given(st.lists(st.sampled_from(GOOD), min_size=1, max_size=3), CUTS, st.data())
    def try_one(good: list[bytes], cuts: list[int], data: DataObject) -> None:
        sent = data.draw(changed(b"".join(good).replace(API.encode(), b"x" * len(API))))
        worker.store.calls.clear()
        whole = outcome_of(worker, [sent], KnownHeaders(b"apikey"))
        assert outcome_of(worker, split(sent, cuts), KnownHeaders(b"apikey")) == whole
        assert outcome_of(worker, [sent], known) == whole
        assert set(statuses(whole[0])) <= {100, 400, 401}
        assert worker.store.calls == []
        cases.update(map(str, statuses(whole[0])) if whole[0] else ["no answer"])

    try_one()
    assert worker.failures == []


def test_requests_of_which_bytes_were_changed_are_answered_or_refused_as_foreseen(
    worker: Worker, tries: Tries, cases: Counter[str]
) -> None:
    @tries(80)
    @given(st.lists(st.sampled_from(GOOD), min_size=1, max_size=4), CUTS, st.data())
    def try_one(good: list[bytes], cuts: list[int], data: DataObject) -> None:
        sent = data.draw(changed(b"".join(good)))
        started = time.process_time()
        received, _ = outcome_of(worker, split(sent, cuts), worker.site.known_headers)
        assert time.process_time() - started < 1
        assert set(statuses(received)) <= {100, 200, 204, 400, 401, 403, 404, 405, 413}
        cases.update(map(str, statuses(received)) if received else ["no answer"])

    try_one()
    assert worker.failures == []


def seconds_to_look_through(data: bytes) -> float:
    """The processor's, for what is done with a head before anything is known of who sends it."""
    started = time.process_time()
    found = read_head(data)
    if found is not None:
        KnownHeaders(b"apikey").get(found)
    return time.process_time() - started


NAMES_OF_NO_MATTER = (b"trace", b"request", b"session", b"span", b"x-forwarded-", b"accept-", b"cookie", b"a", b"-")


def test_a_head_is_read_up_to_its_end_and_in_no_time(tries: Tries, cases: Counter[str]) -> None:
    heads = [one.partition(b"\r\n\r\n")[0] + b"\r\n\r\n" for one in GOOD]
    names = st.lists(st.sampled_from(NAMES_OF_NO_MATTER), max_size=8).map(b"".join)
    long = st.tuples(names, st.integers(1, 600), names, pieces_of(b"\r\n", b": ", b":"))
    odd = long.map(lambda part: b"GET / HTTP/1.1\r\nHost: a\r\n" + part[0] * part[1] + part[2] + part[3] + b"\r\n\r\n")

    @tries(200)
    @given(st.one_of(*(changed(head) for head in heads), st.binary(), odd))
    @example(b"GET / HTTP/1.1\r\nHost: a\r\n" + b"trace" * 780 + b"\r\n\r\n")
    @example(b"POST / HTTP/1.1\r\nContent-Length: 12\r\nHost: a\r\nContent-Length: 12\r\n\r\n")
    def try_one(data: bytes) -> None:
        assert any(seconds_to_look_through(data) < MOST_SECONDS for _ in range(5))
        found = read_head(data)
        if found is None:
            cases["left to the reading line by line"] += 1
            return
        head = data[: found.end]
        assert head.endswith(b"\r\n\r\n")
        assert head.count(b"\r\n\r\n") == 1
        assert found.end <= LARGEST_HEAD
        first = b"%b %b HTTP/1.1" % (found.method, found.path)
        rest = head.removeprefix(first)
        assert rest != head
        left = Counter(rest.split(b"\r\n")) - Counter(found.lines.split(b"\r\n"))  # of two lengths one is left there
        assert rest == found.lines or [int(line.partition(b":")[2]) for line in left] == [found.length]
        cases["read"] += 1

    try_one()
