"""Strangers who show one token after the other are refused with little work, and nothing is let in by that."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sessionworker.http import heads
from tests.memory import Worker, request
from tests.test_heads import CREDS, head, lines

__all__ = ["lines"]


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[Worker]:
    with Worker(tmp_path / "store") as running:
        running.ask("POST", "/session/codechat", {"instance": "sales"})
        yield running


def test_many_tokens_in_the_same_headers_are_not_read_line_by_line_each(worker: Worker, lines: list[bytes]) -> None:
    for number in range(10):
        asked = request("GET", CREDS, token=f"wrong-{number}", headers=[("X-Odd", "new")])
        assert [answer.status for answer in worker.raw(asked)] == [401]
    assert len([line for line in lines if line.startswith(b"GET")]) == 1
    assert [answer.status for answer in worker.raw(request("GET", CREDS, headers=[("X-Odd", "new")]))] == [404]


def test_of_two_tokens_none_is_overlooked_whatever_was_shown_before(worker: Worker) -> None:
    right = "the-token-of-the-tests"
    for tokens in (["wrong", "wrong"], [right, "wrong"], ["wrong", right], [right, right], [right, "wrong", "wrong"]):
        for _ in range(2):
            shown = (f"apikey: {token}" for token in tokens)
            assert [answer.status for answer in worker.raw(head(f"GET {CREDS} HTTP/1.1", "Host: a", *shown))] == [401]


def test_how_a_stranger_s_headers_look_is_remembered_within_a_bound(worker: Worker) -> None:
    for number in range(heads.MOST_LAYOUTS + 5):
        worker.raw(request("GET", CREDS, token="wrong", headers=[(f"X-{number}", "1")]))
    assert len(worker.site.known_headers._layouts) == heads.MOST_LAYOUTS
