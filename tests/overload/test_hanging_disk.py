"""A disk that hangs or dies is a refusal in time."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from sessionworker.web import api
from tests.broken_files.breaking import disk_error
from tests.memory import Worker, request
from tests.overload.words import CREDS, GOOD, begin, refused_at_once

NOT_IN_TIME = "The store did not answer in time. Try again in a moment."


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


@contextmanager
def held(worker: Worker) -> Iterator[None]:
    """Have a batch of the instance held until the block ends."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(worker.offload._holding, "admits", lambda *_: False)
        patch.setattr(type(worker.store.waiting), "is_crowded", True)
        yield
    worker.store.waiting.freed()


def test_a_create_comes_after_what_is_held_of_its_instance_so_that_its_client_reads_what_it_sent(
    worker: Worker,
) -> None:
    with held(worker):
        writing = begin(worker, "POST", CREDS, {"data": '{"me":"new"}'})
        creating = begin(worker, "POST", "/session/codechat", {"instance": "sales"})
        other = begin(worker, "POST", "/session/codechat", {"instance": "support"})
        while not other.answers_so_far():
            worker.reactor.run_one_call()
        assert creating.answers_so_far() == []
    assert [answer.status for answer in (*creating.answers(), *writing.answers())] == [204, 204]
    assert worker.ask("GET", CREDS).body == b'{"me":"new"}'


def test_a_create_that_what_is_held_keeps_waiting_is_a_refusal_in_time_and_takes_no_lease(worker: Worker) -> None:
    with held(worker):
        writing = begin(worker, "POST", CREDS, {"data": '{"me":"new"}'})
        creating = worker.connect()
        creating.send(request("POST", "/session/codechat", {"instance": "sales"}, headers=[("owner", "one")]))
        worker.reactor.advance(api.CREATE_SECONDS - 0.1)
        assert creating.answers_so_far() == []
        worker.reactor.advance(0.2)
        refusal = refused_at_once(creating)
        assert (refusal.message, refusal.header("lease")) == (NOT_IN_TIME, None)
        assert writing.answers_so_far() == []
    assert [answer.status for answer in writing.answers()] == [204]
    again = worker.ask("POST", "/session/codechat", {"instance": "sales"}, headers=[("owner", "other")])
    assert (again.status, bool(again.header("lease"))) == (204, True)
    assert worker.offload.under_way == worker.offload.waiting_bytes == 0


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
