"""Reads that take much memory wait for each other, and are not made for nobody."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from queue import Empty
from unittest.mock import Mock

import pytest
from twisted.internet.defer import Deferred, fail, succeed
from twisted.python.failure import Failure

from sessionworker.errors import NoSuchInstance, Overloaded
from sessionworker.stores.interface import AllValues
from sessionworker.web import many_keys
from sessionworker.web.one_at_a_time import MOST_WAITING, OneAtATime
from tests.memory import Worker, request

SALES = "/session/codechat/sales"


class Reads:
    """Reads that end when a test says so."""

    def __init__(self) -> None:
        self.reads = OneAtATime()
        self.begun: list[Deferred[bytes]] = []
        self.answers: list[object] = []

    def ask(self, *, is_wanted: Callable[[], bool] = lambda: True) -> None:
        self.reads.read(self._begin, is_wanted).addBoth(self.answers.append)

    def _begin(self) -> Deferred[bytes]:
        self.begun.append(Deferred())
        return self.begun[-1]


def test_the_next_one_begins_when_the_one_before_has_its_answer() -> None:
    reads = Reads()
    for _ in range(3):
        reads.ask()
    for number in range(3):
        assert len(reads.begun) == number + 1
        reads.begun[number].callback(b"%d" % number)
        assert reads.answers == [b"0", b"1", b"2"][: number + 1]
    reads.ask()
    assert len(reads.begun) == 4


def test_one_that_fails_holds_up_nobody() -> None:
    reads = Reads()
    reads.ask()
    reads.ask()
    reads.begun[0].errback(NoSuchInstance())
    reads.begun[1].callback(b"1")
    [failure, answer] = reads.answers
    assert isinstance(failure, Failure)
    assert isinstance(failure.value, NoSuchInstance)
    assert answer == b"1"


def test_one_that_nobody_wants_any_more_is_not_begun() -> None:
    reads = Reads()
    wanted = [True, True, False, True]
    for number in range(4):
        reads.ask(is_wanted=partial(wanted.__getitem__, number))
    wanted[1] = False
    reads.begun[0].callback(b"0")
    assert len(reads.begun) == 2
    reads.begun[1].callback(b"3")
    assert reads.answers == [b"0", b"", b"", b"3"]


def test_one_that_has_room_for_its_answer_is_the_next() -> None:
    reads, answers = OneAtATime(), list[bytes]()
    held: Deferred[bytes] = Deferred()
    reads.read(lambda: held, lambda: True)
    for number in range(MOST_WAITING):
        reads.read(partial(succeed, b"%d" % number), lambda: True).addCallback(answers.append)
    reads.read(lambda: succeed(b"with room"), lambda: True, is_next=True).addCallback(answers.append)
    held.callback(b"")
    assert answers == [b"with room", *(b"%d" % number for number in range(MOST_WAITING))]


def test_more_than_may_wait_are_refused_and_those_that_have_gone_do_not_count() -> None:
    reads = Reads()
    is_wanted = True
    for _ in range(MOST_WAITING + 1):
        reads.ask(is_wanted=lambda: is_wanted)
    reads.ask()
    [refused] = reads.answers
    assert isinstance(refused, Failure)
    assert isinstance(refused.value, Overloaded)
    is_wanted = False
    reads.ask()
    reads.begun[0].callback(b"")
    assert len(reads.begun) == 2


def returned(end: Deferred[bytes]) -> Deferred[bytes]:
    return end


def test_many_that_end_at_once_do_not_end_in_each_other() -> None:
    reads = OneAtATime()
    held: Deferred[bytes] = Deferred()
    reads.read(lambda: held, lambda: True)
    ends = [succeed(b"") if number % 2 else fail(Overloaded()) for number in range(MOST_WAITING)]
    answers: list[object] = []
    for end in ends:
        reads.read(partial(returned, end), lambda: True).addBoth(answers.append)
    held.callback(b"")
    assert len(answers) == MOST_WAITING


def test_whole_instances_are_read_one_at_a_time_and_others_do_not_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Worker(tmp_path / "store") as worker:
        for instance in ("sales", "support"):
            assert worker.ask("POST", "/session/codechat", {"instance": instance}).status == 204
        assert worker.ask("POST", SALES, {"changes": {"a": 1}}).status == 204
        whole, read = worker.store.whole, list[str]()

        def count(group: str, instance: str, most_bytes: int) -> AllValues:
            read.append(instance)
            return whole(group, instance, most_bytes)

        monkeypatch.setattr(worker.store, "whole", count)
        with worker.held_up("whole") as held:
            connections = [worker.connect() for _ in range(3)]
            for connection in connections:
                connection.send(request("POST", SALES, {"whole": True}))
            held.wait_until_called()
            for path, body, status in (
                ("/session/codechat/support/b", {"data": "2"}, 204),
                ("/session/codechat/support", {"keys": ["a", "b"]}, 200),  # which takes one of the two threads
            ):
                other = worker.connect()
                other.send(request("POST", path, body))
                while not (answers := other.answers_so_far("POST")):
                    worker.reactor.run_one_call()
                assert [one.status for one in answers] == [status]
            with pytest.raises(Empty):
                held.wait_until_called(0.2)
            connections[1].close()
        found = [one for connection in connections[::2] for one in connection.answers("POST")]
        assert [one.json for one in found] == [{"texts": {"a": "1"}}] * 2
        assert read == ["sales", "sales"]


def test_nothing_is_made_of_what_was_read_for_a_client_that_has_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Worker(tmp_path / "store") as worker:
        assert worker.ask("POST", "/session/codechat", {"instance": "sales"}).status == 204
        make = Mock(wraps=many_keys.texts_form)
        monkeypatch.setattr(many_keys, "texts_form", make)
        with worker.held_up("whole") as held:
            connection = worker.connect()
            connection.send(request("POST", SALES, {"whole": True}))
            held.wait_until_called()
            connection.close()
        assert worker.ask("POST", SALES, {"whole": True}).json == {"texts": {}}
        assert make.call_count == 1
