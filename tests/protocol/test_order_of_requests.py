"""Requests are answered in their order, in whatever pieces they come, and whoever hangs up."""

from __future__ import annotations

import pytest

from sessionworker.stores.changes import Batch, Write
from tests.memory import Worker, request
from tests.protocol.words import CREDS, OLD_VALUE, SALES, assert_store_is_as_it_was


def test_two_writes_of_one_key_are_applied_in_the_order_in_which_they_arrived(worker: Worker) -> None:
    connections = [worker.connect() for _ in range(8)]
    for number in range(200):
        connections[number % 8].send(request("POST", CREDS, {"data": f'{{"n":{number}}}'}))
        if number % 8 == 7:
            worker.settle()
            assert worker.ask("GET", CREDS).json == {"n": number}
    written = [call.changes for call in worker.store.calls if isinstance(call, Batch)]
    assert written == [(Write("creds", b'{"n":%d}' % number),) for number in range(200)]


def test_requests_sent_without_waiting_are_answered_in_order(worker: Worker) -> None:
    connection = worker.connect()
    for number in range(20):
        path = f"{SALES}/k{number}"
        connection.send(request("POST", path, {"data": str(number)}) + request("GET", path))
    connection.send(request("HEAD", CREDS) + request("GET", "/nothing") + request("GET", f"{SALES}/k0"))
    answers = connection.answers(*["POST", "GET"] * 20, "HEAD")
    assert [answer.status for answer in answers] == [204, 200] * 20 + [200, 404, 200]
    assert [answer.body for answer in answers[1:40:2]] == [str(number).encode() for number in range(20)]
    assert connection.is_open


@pytest.mark.parametrize("size", [1, 7])
def test_a_request_may_come_in_the_smallest_pieces(worker: Worker, size: int) -> None:
    data = request("POST", CREDS, {"data": '{"a":"é"}'}) + request("GET", CREDS)
    connection = worker.connect()
    for start in range(0, len(data), size):
        connection.send(data[start : start + size])
    assert [answer.status for answer in connection.answers()] == [204, 200]


def test_http_1_0_without_a_host_is_answered_and_the_connection_closed(worker: Worker) -> None:
    connection = worker.connect()
    connection.send(request("GET", CREDS, version="1.0").replace(b"Host: worker\r\n", b""))
    [answer] = connection.answers()
    assert (answer.status, answer.body) == (200, OLD_VALUE)
    assert not connection.is_open


# Clients that go away


def test_a_client_that_hangs_up_after_a_write_does_not_undo_it_and_holds_nothing_up(worker: Worker) -> None:
    connections = [worker.connect() for _ in range(20)]
    for number, connection in enumerate(connections):
        connection.send(request("POST", f"{SALES}/k{number}", {"data": str(number)}))
        connection.close()
    assert worker.ask("POST", f"{SALES}/last", {"data": "1"}).status == 204
    for number in range(20):
        assert worker.ask("GET", f"{SALES}/k{number}").body == str(number).encode()


def test_a_client_that_hangs_up_while_it_is_answered_does_no_harm(worker: Worker) -> None:
    for method, path in [("GET", CREDS), ("GET", "/session/codechat/list-instances"), ("DELETE", CREDS)] * 10:
        connection = worker.connect()
        connection.send(request(method, path))
        connection.close()
    assert worker.ask("GET", "/session/codechat/list-instances").json == ["sales"]


def test_a_client_that_hangs_up_inside_of_a_request_changes_nothing(worker: Worker) -> None:
    data = request("POST", CREDS, {"data": '{"new":1}'})
    for length in range(len(data)):
        connection = worker.connect()
        connection.send(data[:length])
        connection.close()
    assert worker.store.calls == []
    assert_store_is_as_it_was(worker)
