"""A client that ends its side after asking gets its answers; one that ends it before is gone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from twisted.internet import reactor as installed_reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import HostnameEndpoint, connectProtocol
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure

from tests.answers import read_answers
from tests.memory import Worker, request
from tests.overload.words import CHUNKED, CREDS, GOOD, SALES, begin
from tests.server import asynchronous, running_worker

reactor: Any = installed_reactor


def test_a_client_that_ends_its_side_after_asking_gets_its_answer(worker: Worker) -> None:
    connection = begin(worker, "POST", f"{SALES}/new", {"data": "7"})
    connection.end_sending()
    [answer] = connection.answers()
    assert answer.status == 204
    assert not connection.transport.connected
    for path in (f"{SALES}/new", CREDS, CREDS):  # from the disk, and from memory
        connection = begin(worker, "GET", path)
        connection.end_sending()
        assert [answer.status for answer in connection.answers()] == [200]
        assert not connection.transport.connected


def test_a_client_that_ends_its_side_after_several_requests_gets_all_their_answers(worker: Worker) -> None:
    connection = worker.connect()
    connection.send(b"".join(request("POST", f"{SALES}/new{number}", {"data": str(number)}) for number in range(3)))
    connection.end_sending()
    assert [answer.status for answer in connection.answers()] == [204, 204, 204]
    assert not connection.transport.connected


def test_a_client_that_ends_its_side_within_a_request_or_between_two_is_gone(worker: Worker) -> None:
    data = request("POST", f"{SALES}/new", {"data": "7"})
    for sent in (b"", data[:10], data[:-1], CHUNKED):
        connection = worker.connect()
        connection.send(sent)
        connection.end_sending()
        assert connection.answers() == []
        assert not connection.transport.connected
    assert worker.ask("GET", f"{SALES}/new").status == 404


def test_a_client_that_is_seen_to_end_its_side_while_its_last_answer_is_on_its_way_gets_it(worker: Worker) -> None:
    """The reactor reads from all that had something when it looked, also where that was answered meanwhile."""
    connection = worker.connect()
    connection.send(request("DELETE", f"{SALES}/k1", headers=[("Connection", "close")]))
    while not connection.transport.disconnecting:
        worker.reactor.run_one_call()
    assert connection.transport.waiting > 0
    connection.channel.readConnectionLost()
    [answer] = connection.answers()
    assert answer.status == 200
    assert not connection.transport.connected


class HalfClosing(Protocol):
    """Sends something, ends its side, and reads until the other side ends too."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._received = b""
        self.finished: Deferred[bytes] = Deferred()

    def connectionMade(self) -> None:
        transport: Any = self.transport
        transport.write(self._data)
        transport.loseWriteConnection()

    def dataReceived(self, data: bytes) -> None:
        self._received += data

    def connectionLost(self, _: Failure = connectionDone) -> None:
        self.finished.callback(self._received)


@asynchronous
async def test_over_a_real_connection_half_closed_clients_get_their_answers(tmp_path: Path) -> None:
    async with running_worker(tmp_path) as worker:
        endpoint = HostnameEndpoint(reactor, "127.0.0.1", worker.port)
        for method, path, body, status in (
            ("POST", "/session/codechat", {"instance": "sales"}, 204),
            ("POST", CREDS, {"data": GOOD}, 204),
            ("GET", CREDS, None, 200),
            ("GET", "/session/codechat/list-instances", None, 200),
        ):
            client = await connectProtocol(endpoint, HalfClosing(request(method, path, body)))
            [answer] = read_answers(await client.finished, [method])
            assert answer.status == status
