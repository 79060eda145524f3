"""Large answers in memory are bounded: whoever asks past that waits for a turn, and who reads nothing loses it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import Mock

import pytest

from sessionworker.errors import Overloaded
from sessionworker.http import limits
from sessionworker.http.room import Answers
from tests.answers import Answer
from tests.memory import Connection, Worker, request
from tests.overload.words import CREDS, SALES, begin, refused_at_once

LARGE = {f"k{number}": "x" * 100_000 for number in range(3)}
MOST = 700_000
MANY = {"keys": list(LARGE)}
ANSWER = {"values": LARGE}
ONE = f"{SALES}/k0"


@pytest.fixture
def worker(store: Path) -> Iterator[Worker]:
    """A worker that may have two of the answers in memory, and remembers none of the values."""
    with Worker(store) as running:
        assert running.ask("POST", SALES, {"changes": LARGE}).status == 204
    with Worker(store) as running:
        running.site.answers = Answers(MOST)
        yield running


def stuck(worker: Worker, method: str, path: str, body: object = None) -> Connection:
    """Ask on a connection that reads nothing."""
    connection = worker.connect()
    connection.transport.is_stuck = True
    connection.send(request(method, path, body))
    return connection


def work(worker: Worker) -> None:
    """Let the threads answer all that they were asked."""
    while worker.offload.under_way:
        worker.reactor.run_one_call()
    worker.flush()


def read_on(worker: Worker, connections: list[Connection]) -> None:
    """Have clients read what they are given, and those whose turn comes by that."""
    for connection in connections:
        connection.transport.is_stuck = False
    for _ in connections:
        worker.flush()
    worker.settle()


def ask(worker: Worker, method: str, path: str, body: object = None) -> Answer:
    """Ask beside those that are stuck, and read the answer."""
    connection = begin(worker, method, path, body)
    work(worker)
    [answer] = connection.answers_so_far(method)
    return answer


def held(connections: list[Connection]) -> int:
    """Bytes of answers that are in memory for connections."""
    requests = [one for connection in connections for one in connection.channel.requests]
    return sum(memoryview(one._large._rest.obj).nbytes for one in requests if one._large is not None)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [("POST", SALES, MANY), ("GET", ONE, None), ("POST", SALES, {"keys": ["k0"]})],
    ids=["many keys", "one key", "one of many"],
)
@pytest.mark.parametrize("is_remembered", [True, False])
def test_answers_that_nobody_reads_take_no_more_than_their_bound(
    worker: Worker, method: str, path: str, body: object, is_remembered: bool
) -> None:
    if is_remembered:
        worker.ask("POST", SALES, MANY)
    connections = [stuck(worker, method, path, body) for _ in range(12)]
    work(worker)
    assert MOST / 2 < held(connections) <= MOST
    assert worker.site.answers.bytes == held(connections)
    read_on(worker, connections)
    assert worker.site.answers.bytes == 0
    answers = [answer for one in connections for answer in one.answers(method)]
    assert {answer.status for answer in answers} == {200}
    assert {answer.body for answer in answers} == {worker.ask(method, path, body).body}


def test_names_that_nobody_reads_are_bounded_too(worker: Worker) -> None:
    names = [f"name-{number}-{'x' * 100}" for number in range(3_000)]
    assert worker.ask("POST", SALES, {"changes": dict.fromkeys(names, 1)}).status == 204
    connections = [stuck(worker, "POST", SALES, {"list": "name-"}) for _ in range(5)]
    work(worker)
    assert MOST / 2 < held(connections) <= MOST
    read_on(worker, connections)
    for connection in connections:
        assert len(connection.answers("POST")[0].json["keys"]) == len(names)


def test_what_cannot_wait_for_its_turn_is_refused(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker.metrics, "text", lambda: b"x" * 70_000)
    connections = [stuck(worker, "GET", "/metrics") for _ in range(MOST // 70_000)]
    refused_at_once(begin(worker, "GET", "/metrics"))
    assert ask(worker, "HEAD", "/metrics").status == 200
    connections[0].close()
    assert begin(worker, "GET", "/metrics").answers_so_far()[0].status == 200


def test_an_answer_over_the_bound_is_given_when_no_other_is_under_way(worker: Worker) -> None:
    worker.site.answers = Answers(200_000)
    other = stuck(worker, "GET", ONE)
    work(worker)
    waiting = begin(worker, "POST", SALES, MANY)
    work(worker)
    assert waiting.answers_so_far("POST") == []
    other.transport.is_stuck = False
    assert [answer.json for answer in waiting.answers("POST")] == [ANSWER]
    assert worker.site.answers.bytes == 0


def test_a_small_answer_waits_for_nobody(worker: Worker) -> None:
    connections = [stuck(worker, "POST", SALES, MANY) for _ in range(3)]
    work(worker)
    assert ask(worker, "GET", f"{SALES}/k8").body == b"8"
    assert ask(worker, "POST", SALES, {"keys": ["k8", "creds"]}).json["values"]["k8"] == 8
    assert len(connections) == 3


def test_who_waits_too_long_is_refused_in_words(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "TURN_SECONDS", 7.0)
    connections = [stuck(worker, "POST", SALES, MANY) for _ in range(2)]
    work(worker)
    waiting = begin(worker, "POST", SALES, MANY)
    work(worker)
    for connection in connections:  # they read something, again and again
        connection.transport.is_stuck = False
        connection.transport.takes = 30_000
    for _ in range(6):
        worker.advance(1)
    assert waiting.answers_so_far("POST") == []
    worker.advance(1)
    refused_at_once(waiting)
    assert waiting.is_open
    assert all(connection.transport.connected for connection in connections)


def test_who_reads_nothing_while_others_wait_is_let_go(worker: Worker) -> None:
    connections = [stuck(worker, "POST", SALES, MANY) for _ in range(2)]
    work(worker)
    worker.advance(limits.STUCK_SECONDS + 20)
    assert all(connection.transport.connected for connection in connections)  # nobody waits
    waiting = [begin(worker, "POST", SALES, MANY) for _ in range(2)]
    work(worker)
    worker.advance(3)
    assert not any(connection.transport.connected for connection in connections)
    worker.settle()
    assert [connection.answers("POST")[0].json for connection in waiting] == [ANSWER] * 2
    assert worker.site.answers.bytes == 0


def test_who_only_came_is_not_let_go_for_who_waits(worker: Worker) -> None:
    connections = [stuck(worker, "POST", SALES, MANY) for _ in range(2)]
    work(worker)
    begin(worker, "POST", SALES, MANY)
    work(worker)
    worker.advance(limits.STUCK_SECONDS - 1)
    assert all(connection.transport.connected for connection in connections)


def test_those_who_wait_have_their_turns_in_order_and_who_comes_later_does_not_overtake(worker: Worker) -> None:
    worker.site.answers = Answers(MOST + 50_000)  # room for two answers and a small one
    first = stuck(worker, "POST", SALES, MANY)
    work(worker)
    large = stuck(worker, "POST", SALES, {"keys": [*MANY["keys"], "k8"]})
    work(worker)
    third = begin(worker, "POST", SALES, MANY)
    work(worker)
    small = begin(worker, "GET", ONE)
    work(worker)
    assert third.answers_so_far("POST") == []
    assert small.answers_so_far() == []
    assert worker.site.answers.bytes == held([first, large])
    first.transport.is_stuck = False
    for _ in range(3):
        work(worker)
    assert [answer.json for answer in third.answers_so_far("POST")] == [ANSWER]
    assert small.answers_so_far()[0].status == 200


@pytest.mark.parametrize("when", ["waiting", "asking again", "reading"])
def test_who_hangs_up_leaves_its_room_and_its_turn_to_others(worker: Worker, when: str) -> None:
    first = [stuck(worker, "POST", SALES, MANY) for _ in range(2)]
    work(worker)
    gone = [stuck(worker, "POST", SALES, MANY) for _ in range(3)]
    work(worker)
    if when == "waiting":
        for connection in gone:
            connection.close()
    for connection in first:
        connection.close()
    if when == "asking again":
        for connection in gone:
            connection.close()
    work(worker)
    for connection in gone:
        connection.close()
    work(worker)
    assert worker.site.answers.bytes == 0
    assert worker.ask("POST", SALES, MANY).json == ANSWER


def test_more_than_may_wait_are_refused_at_once(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MOST_TURNS", 2)
    connections = [stuck(worker, "POST", SALES, MANY) for _ in range(4)]
    work(worker)
    refused = begin(worker, "POST", SALES, MANY)
    work(worker)
    refused_at_once(refused)
    read_on(worker, connections)
    assert {connection.answers("POST")[0].status for connection in connections} == {200}


@pytest.mark.parametrize(("method", "path", "body"), [("GET", CREDS, None), ("POST", SALES, {"keys": ["creds"]})])
def test_a_read_of_creds_waits_for_no_other_one(worker: Worker, method: str, path: str, body: object) -> None:
    creds = {"me": "x" * 200_000}
    assert worker.ask("POST", CREDS, {"data": json.dumps(creds)}).status == 204
    connections = [stuck(worker, "POST", SALES, MANY) for _ in range(4)]  # two of them wait
    work(worker)
    assert ask(worker, method, path, body).status == 200
    more = [stuck(worker, method, path, body) for _ in range(9)]
    work(worker)
    assert held([*connections, *more]) <= 2 * MOST


def test_a_turn_that_ends_in_an_error_gives_its_room_back(worker: Worker) -> None:
    first = [stuck(worker, "POST", SALES, MANY) for _ in range(2)]
    work(worker)
    waiting = begin(worker, "POST", SALES, MANY)
    work(worker)
    assert ask(worker, "DELETE", SALES).status == 200
    for connection in first:
        connection.close()
    assert [answer.status for answer in waiting.answers("POST")] == [404]
    assert worker.site.answers.bytes == 0


def test_many_turns_that_end_at_once_are_no_deep_recursion() -> None:
    answers = Answers(100)
    first, *others = [Mock() for _ in range(limits.MOST_TURNS + 1)]
    came: list[Mock] = []

    def go_on(_: None, request: Mock) -> None:
        came.append(request)
        answers.leave(request)

    assert answers.take(first, 100)
    for other in others:
        answers.wait(other, 100, now=0.0).addCallback(go_on, other)
    answers.leave(first)
    assert came == others
    assert answers.bytes == 0


def test_an_answer_that_became_larger_meanwhile_waits_once_more() -> None:
    answers = Answers(100)
    one, other = Mock(), Mock()
    assert answers.take(one, 60)
    assert answers.take(other, 30)
    assert answers.take(one, 70)
    assert not answers.take(one, 71)
    turn = answers.wait(one, 71, now=0.0)
    assert (turn.called, answers.bytes) == (False, 30)
    answers.leave(other)
    assert (turn.called, answers.bytes) == (True, 71)
    assert answers.wait(one, 500, now=0.0).called  # alone it waits for nobody


def test_who_waits_is_refused_when_it_is_late() -> None:
    answers = Answers(100)
    one, other = Mock(), Mock()
    assert answers.take(one, 100)
    refused: list[object] = []
    answers.wait(other, 100, now=5.0).addErrback(lambda failure: refused.append(failure.value))
    answers.every_second(5.0 + limits.TURN_SECONDS - 0.1)
    assert refused == []
    answers.leave(one)
    assert answers.bytes == 100
    answers.leave(other)
    assert answers.take(one, 100)
    answers.wait(other, 100, now=5.0).addErrback(lambda failure: refused.append(failure.value))
    answers.every_second(5.0 + limits.TURN_SECONDS)
    assert [type(error) for error in refused] == [Overloaded]
