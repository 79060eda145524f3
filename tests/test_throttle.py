"""Wrong tokens are answered late after a few, and no right one ever is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.address import IPv6Address
from twisted.logger import LogEvent, globalLogPublisher

from sessionworker.web import throttle
from sessionworker.web import watching as watching_module
from sessionworker.web.metrics import Metrics
from sessionworker.web.throttle import AT_ONCE, LATE_SECONDS, MOST_ADDRESSES, REFILL_SECONDS, Throttle
from sessionworker.web.watching import Watching, network_of
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


class From:
    """A request that was refused, from an address."""

    method, path, uri, code, requestHeaders, is_strange = b"GET", b"/", b"/", 401, None, False

    def __init__(self, host: str) -> None:
        self._host = host

    def getClientAddress(self) -> IPv6Address:
        return IPv6Address("TCP", self._host, 50000)


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


def test_of_those_that_are_late_together_each_leaves_a_turn_to_others() -> None:
    reactor, order = Reactor(), list[str]()
    throttle_of_all = Throttle(reactor)
    for _ in range(AT_ONCE + 3):
        throttle_of_all.call("192.0.2.7", order.append, "late")
    del order[:AT_ONCE]
    for _ in range(3):
        reactor.callLater(LATE_SECONDS, order.append, "somebody else")
    reactor.advance(LATE_SECONDS)
    assert order == ["late", *["somebody else"] * 3, "late", "late"]


def test_what_cannot_be_answered_holds_no_other_answer_up() -> None:
    reactor, order = Reactor(), list[str]()
    throttle_of_all = Throttle(reactor)
    for _ in range(AT_ONCE):
        throttle_of_all.call("192.0.2.7", str)
    throttle_of_all.call("192.0.2.7", int, "no number")
    throttle_of_all.call("192.0.2.7", order.append, "the next")
    for _ in range(2):
        with suppress(ValueError):
            reactor.advance(LATE_SECONDS)
    assert order == ["the next"]


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


@pytest.mark.parametrize("header", [("Transfer-Encoding", "chunked"), ("Content-Length", "100000")])
def test_who_is_refused_before_the_body_came_waits_as_long(worker: Worker, header: tuple[str, str]) -> None:
    guessing = [worker.connect() for _ in range(AT_ONCE + 2)]
    for connection in guessing:
        connection.send(request("POST", "/session/codechat", token="wrong", headers=[header]))
    assert [len(connection.answers_so_far()) for connection in guessing] == [1] * AT_ONCE + [0, 0]
    guessing.pop().close()
    last = guessing[-1]
    last.send(b"5\r\nhello\r\n0\r\n\r\n" + request("GET", "/metrics"))
    worker.advance(LATE_SECONDS)
    assert [answer.status for answer in last.answers_so_far()] == [401]
    assert not last.is_open


def test_a_network_of_ipv6_has_one_account_as_one_address_of_ipv4_has() -> None:
    networks: list[str] = []
    for network in (
        ["2001:db8:0:1::1", "2001:db8:0:1:ffff:ffff:ffff:ffff"],
        ["2001:db8:0:2::1"],
        ["fe80::1%2"],
        ["10.0.0.7", "::ffff:10.0.0.7"],
        ["::ffff:10.0.0.8"],
    ):
        assert len({network_of(From(address)) for address in network}) == 1
        networks.append(network_of(From(network[0])))
    assert len(set(networks)) == len(networks)


def test_whoever_has_many_addresses_does_not_fill_the_log() -> None:
    reactor = Reactor()
    said: list[LogEvent] = []
    watching = Watching(reactor, Metrics(), http_logs=False)
    observer: Any = said.append
    globalLogPublisher.addObserver(observer)
    try:
        for _ in range(3):
            for number in range(watching_module.MOST_ADDRESSES + 100):
                watching.answered(From(f"2001:db8:{number:x}::1"), 0.0)
        assert len(said) == watching_module.MOST_ADDRESSES
        reactor.advance(watching_module.SILENT_SECONDS)
        watching.answered(From("2001:db8::1"), 0.0)
        assert len(said) == watching_module.MOST_ADDRESSES + 1
        assert len(watching._said) == 1
    finally:
        globalLogPublisher.removeObserver(observer)


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
