"""What may wait for the store is bounded, in calls and in bytes."""

from __future__ import annotations

from pathlib import Path

import pytest

from sessionworker import offload
from tests.memory import Worker, request
from tests.overload.words import CREDS, GOOD, SALES, begin, refused_at_once


def test_more_calls_than_may_wait_are_refused_at_once_and_what_was_accepted_is_done(store: Path) -> None:
    with Worker(store, longest_queue=5) as worker:
        with worker.held_up("commit") as held:
            accepted = [begin(worker, "POST", f"{SALES}/new{number}", {"data": "1"}) for number in range(5)]
            held.wait_until_called()
            for method, path, body in (
                ("POST", f"{SALES}/more", {"data": "1"}),
                ("POST", CREDS, {"data": "1"}),
                ("DELETE", f"{SALES}/k1", None),
                ("DELETE", SALES, None),
                ("GET", f"{SALES}/k1", None),
                ("POST", "/session", {"group": "more"}),
                ("POST", "/session/codechat", {"instance": "sales"}),
                ("GET", "/session/codechat/list-instances", None),
                ("GET", "/admin/groups", None),
            ):
                answer = refused_at_once(begin(worker, method, path, body))
                assert answer.message
        worker.settle()
        assert [connection.answers()[0].status for connection in accepted] == [204] * 5
        assert worker.ask("GET", f"{SALES}/new4").body == b"1"
        assert worker.ask("GET", f"{SALES}/more").status == 404
        assert worker.ask("GET", f"{SALES}/k1").body == b"1"
        assert worker.ask("GET", CREDS).body.decode() == GOOD


def test_reads_of_creds_are_the_last_to_be_refused(store: Path) -> None:
    with Worker(store, longest_queue=4) as worker:
        with worker.held_up("read") as held:
            others = [begin(worker, "GET", f"{SALES}/k{number}") for number in range(4)]
            held.wait_until_called()
            refused_at_once(begin(worker, "GET", f"{SALES}/k5"))
            reads = [begin(worker, "GET", CREDS) for _ in range(4)]
            assert [connection.answers_so_far() for connection in reads] == [[]] * 4
            refused_at_once(begin(worker, "GET", CREDS))
            refused_at_once(begin(worker, "GET", f"{SALES}/k5"))
        worker.settle()
        assert [connection.answers()[0].body for connection in others] == [b"0", b"1", b"2", b"3"]
        assert [connection.answers()[0].body.decode() for connection in reads] == [GOOD] * 4


def test_what_memory_knows_is_answered_however_much_waits(store: Path) -> None:
    with Worker(store, longest_queue=2) as worker:
        assert worker.ask("POST", "/session/codechat", {"instance": "sales"}).status == 204
        with worker.held_up("commit") as held:
            for number in range(2):
                begin(worker, "POST", f"{SALES}/new{number}", {"data": "1"})
            held.wait_until_called()
            [answer] = begin(worker, "GET", CREDS).answers_so_far()
            assert (answer.status, answer.body.decode()) == (200, GOOD)
            [answer] = begin(worker, "GET", f"{SALES}/nothing-there").answers_so_far()
            assert answer.status == 404


def test_more_bytes_than_may_wait_are_refused_at_once(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(offload, "MOST_WAITING_BYTES", 100_000)
    large, small = {"data": '"' + "x" * 59_998 + '"'}, {"data": '"' + "x" * 998 + '"'}
    with worker.held_up("commit") as held:
        accepted = [begin(worker, "POST", f"{SALES}/large", large)]
        held.wait_until_called()
        refused_at_once(begin(worker, "POST", f"{SALES}/larger", large))
        accepted.append(begin(worker, "POST", f"{SALES}/small", small))
        assert accepted[-1].answers_so_far() == []
        assert worker.offload.waiting_bytes == 61_000
    worker.settle()
    assert [connection.answers()[0].status for connection in accepted] == [204, 204]
    assert worker.offload.waiting_bytes == 0
    assert worker.ask("POST", f"{SALES}/larger", large).status == 204


def test_a_value_larger_than_all_that_may_wait_is_taken_when_nothing_waits(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(offload, "MOST_WAITING_BYTES", 1000)
    assert worker.ask("POST", f"{SALES}/large", {"data": '"' + "x" * 50_000 + '"'}).status == 204


def test_a_worker_that_is_only_busy_is_well(store: Path) -> None:
    with Worker(store, longest_queue=3) as worker:
        worker.ask("POST", "/session/codechat", {"instance": "sales"})
        with worker.held_up("commit") as held:
            writes = [worker.connect() for _ in range(5)]
            for number, connection in enumerate(writes):
                connection.send(request("POST", f"/session/codechat/sales/pre-key-{number}", {"data": "1"}))
            held.wait_until_called()
            health = worker.connect()
            health.send(request("GET", "/health", token=None))
            assert health.answers_so_far() == []
        assert [answer.status for answer in health.answers()] == [200]
        assert {answer.status for connection in writes for answer in connection.answers()} == {204, 503}
