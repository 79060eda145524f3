"""A disk that hangs or dies is a refusal in time."""

from __future__ import annotations

import errno

from sessionworker.web import api
from tests.broken_files.breaking import disk_error
from tests.memory import Worker
from tests.overload.words import CREDS, GOOD, begin, refused_at_once


def test_a_check_of_creds_that_hangs_is_a_refusal_in_time(worker: Worker) -> None:
    with worker.held_up("check_creds") as held:
        connection = begin(worker, "POST", "/session/codechat", {"instance": "sales"})
        worker.reactor.run_one_call()  # the create is committed
        held.wait_until_called()
        worker.reactor.advance(api.CREATE_SECONDS - 0.1)
        assert connection.answers_so_far() == []
        worker.reactor.advance(0.2)
        assert "Try again" in refused_at_once(connection).message
    while worker.offload.under_way:
        worker.reactor.run_one_call()
    assert worker.ask("POST", "/session/codechat", {"instance": "sales"}).status == 204
    assert worker.ask("GET", CREDS).body.decode() == GOOD


def test_a_create_that_waits_for_a_commit_that_hangs_is_a_refusal_in_time(worker: Worker) -> None:
    with worker.held_up("commit") as held:
        connection = begin(worker, "POST", "/session/codechat", {"instance": "sales"})
        held.wait_until_called()
        worker.reactor.advance(api.CREATE_SECONDS + 0.1)
        refused_at_once(connection)
    while worker.offload.under_way:
        worker.reactor.run_one_call()
    assert worker.ask("POST", "/session/codechat", {"instance": "sales"}).status == 204


def test_creds_are_answered_after_a_create_though_the_disk_dies(worker: Worker) -> None:
    assert worker.ask("POST", "/session/codechat", {"instance": "sales"}).status == 204
    with disk_error(errno.EIO), worker.held_up("read", "commit"):
        for _ in range(3):
            [answer] = begin(worker, "GET", CREDS).answers_so_far()
            assert (answer.status, answer.body.decode()) == (200, GOOD)


def test_a_create_on_a_disk_that_is_dead_is_a_refusal(worker: Worker) -> None:
    with disk_error(errno.EIO):
        answer = worker.ask("POST", "/session/codechat", {"instance": "sales"})
        assert answer.status == 503
    assert worker.ask("POST", "/session/codechat", {"instance": "sales"}).status == 204
