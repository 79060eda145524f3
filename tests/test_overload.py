"""Too much of everything: refused at once and in words, while what was accepted is carried out."""

from __future__ import annotations

import errno
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from twisted.internet import reactor as installed_reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import HostnameEndpoint, connectProtocol
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure

from sessionworker import offload
from sessionworker.http import limits
from sessionworker.http.limits import Bodies
from sessionworker.web import api
from tests.answers import Answer, read_answers
from tests.memory import Connection, Worker, request
from tests.server import asynchronous, running_worker
from tests.test_broken_files import disk_error

reactor: Any = installed_reactor

SALES = "/session/codechat/sales"
CREDS = f"{SALES}/creds"
GOOD = '{"me":"old"}'


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A store that has an instance with creds and some keys, none of which its next worker remembers."""
    with Worker(tmp_path / "store") as worker:
        worker.ask("POST", "/session/codechat", {"instance": "sales"})
        worker.ask("POST", CREDS, {"data": GOOD})
        for number in range(9):
            worker.ask("POST", f"{SALES}/k{number}", {"data": str(number)})
    return tmp_path / "store"


@pytest.fixture
def worker(store: Path) -> Iterator[Worker]:
    with Worker(store, body_size=200_000) as running:
        yield running


def begin(worker: Worker, method: str, path: str, body: Any = None) -> Connection:
    """Ask, and wait for nothing."""
    connection = worker.connect()
    connection.send(request(method, path, body))
    return connection


def refused_at_once(connection: Connection) -> Answer:
    """Assert that a request was answered 503, without a thread having done anything."""
    [answer] = connection.answers_so_far()
    assert answer.status == 503
    assert int(answer.header("retry-after") or "missing") > 0
    return answer


# The queue


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


# Bodies in memory


def announced(size: int) -> bytes:
    return request("POST", f"{SALES}/large", headers=[("Content-Length", str(size))])


CHUNKED = request("POST", f"{SALES}/large", headers=[("Transfer-Encoding", "chunked")])


def test_more_bodies_than_memory_may_hold_are_refused_before_they_come(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker.site.bodies = Bodies(250_000)
    body = json.dumps({"data": '"' + "x" * 149_984 + '"'}).encode()
    first, second = worker.connect(), worker.connect()
    first.send(announced(len(body)) + body[:1000])
    second.send(announced(len(body)))
    assert refused_at_once(second).header("connection") == "close"
    assert not second.is_open
    small = begin(worker, "POST", f"{SALES}/small", {"data": "1"})
    assert [answer.status for answer in small.answers()] == [204]
    first.send(body[1000:])
    assert [answer.status for answer in first.answers()] == [204]
    assert worker.ask("POST", f"{SALES}/large", body).status == 204
    assert worker.site.bodies.bytes == 0


def test_a_body_of_unknown_length_is_counted_as_it_comes(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    worker.site.bodies = Bodies(250_000)
    first, second = worker.connect(), worker.connect()
    for connection in (first, second):
        connection.send(CHUNKED)
    chunk = b"c350\r\n" + b"x" * 50_000 + b"\r\n"
    for _ in range(3):
        first.send(chunk)
    for _ in range(2):
        second.send(chunk)
    assert second.answers_so_far() == []
    second.send(chunk)
    refused_at_once(second)
    assert not second.is_open


@pytest.mark.parametrize("how", [announced(150_000), CHUNKED + b"24990\r\n"])
def test_a_client_that_hangs_up_or_is_cut_off_leaves_its_room_to_others(
    worker: Worker, monkeypatch: pytest.MonkeyPatch, how: bytes
) -> None:
    worker.site.bodies = Bodies(160_000)
    for end in ("hang up", "be late", "end sending"):
        connection = worker.connect()
        connection.send(how + b"x" * 100_000)
        assert worker.site.bodies.bytes >= 100_000
        refused = worker.connect()
        refused.send(announced(100_000))
        refused_at_once(refused)
        if end == "hang up":
            connection.close()
        elif end == "end sending":
            connection.end_sending()
        else:
            worker.advance(limits.BODY_SECONDS + 10)
        assert worker.site.bodies.bytes == 0
    body = json.dumps({"data": '"' + "x" * 149_984 + '"'}).encode()
    assert worker.ask("POST", f"{SALES}/large", body).status == 204


# Connections


def test_more_connections_than_may_be_open_are_refused_with_an_answer(store: Path) -> None:
    with Worker(store, connections=3) as worker:
        idle = [worker.connect() for _ in range(3)]
        for connection in idle:
            connection.send(request("OPTIONS", "/ping"))
        refused = worker.connect()
        answer = refused_at_once(refused)
        assert answer.header("connection") == "close"
        assert "connections" in answer.message
        refused.send(request("POST", CREDS, {"data": "2"}))
        assert len(refused.answers_so_far()) == 1
        for connection in idle:  # those that were there first go on
            connection.send(request("GET", CREDS))
            assert connection.answers("OPTIONS")[-1].body.decode() == GOOD
        refused.close()
        idle[0].close()
        assert worker.ask("GET", CREDS).body.decode() == GOOD


# Clients that end their side


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


# A disk that hangs, or dies


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
