"""Wrong tokens are answered late after a few, and no right one ever is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sessionworker.web import throttle
from sessionworker.web.throttle import AT_ONCE, LATE_SECONDS, MOST_ADDRESSES, REFILL_SECONDS, Throttle
from tests.memory import Connection, Worker, request
from tests.reactor import Reactor


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """As patient as it is, not as in other tests."""
    monkeypatch.setattr(throttle, "AT_ONCE", AT_ONCE)


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[Worker]:
    with Worker(tmp_path / "store") as running:
        yield running


def show(connection: Connection, token: str) -> None:
    connection.send(request("GET", "/session/codechat/list-instances", token=token))


def test_the_first_wrong_tokens_are_answered_at_once_and_the_next_ones_late(worker: Worker) -> None:
    guessing = worker.connect()
    for _ in range(AT_ONCE + 1):
        show(guessing, "wrong")
    assert len(guessing.answers_so_far()) == AT_ONCE
    worker.advance(LATE_SECONDS)
    answers = guessing.answers_so_far()
    assert [answer.status for answer in answers] == [401] * (AT_ONCE + 1)


def test_the_right_token_is_answered_at_once_from_the_same_address(worker: Worker) -> None:
    guessing, other = worker.connect(), worker.connect()
    for _ in range(AT_ONCE * 3):
        show(guessing, "wrong")
    other.send(request("GET", "/metrics"))
    assert [answer.status for answer in other.answers_so_far()] == [200]
    worker.advance(60 * LATE_SECONDS)
    assert len(guessing.answers_so_far()) == AT_ONCE * 3


def test_who_hangs_up_meanwhile_is_no_matter(worker: Worker) -> None:
    for _ in range(AT_ONCE + 5):
        guessing = worker.connect()
        show(guessing, "wrong")
        guessing.close()
    worker.advance(2 * LATE_SECONDS)


def test_an_address_is_trusted_again_after_a_while_and_others_are_all_the_time() -> None:
    reactor = Reactor()
    called: list[str] = []
    throttle = Throttle(reactor)
    for _ in range(AT_ONCE + 2):
        throttle.call("10.0.0.1", called.append, "first")
    throttle.call("10.0.0.2", called.append, "other")
    assert called == ["first"] * AT_ONCE + ["other"]
    reactor.advance(LATE_SECONDS)
    assert called.count("first") == AT_ONCE + 2
    called.clear()
    reactor.advance(2 * REFILL_SECONDS)
    for _ in range(4):
        throttle.call("10.0.0.1", called.append, "again")
    assert called == ["again"] * 2


def test_only_so_many_addresses_are_remembered() -> None:
    throttle = Throttle(Reactor())
    for number in range(MOST_ADDRESSES + 100):
        throttle.call(str(number), lambda: None)
    assert len(throttle._accounts) == MOST_ADDRESSES
