"""Two programs that write one instance in turns are noticed by their addresses; whoever moves is not."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress

from sessionworker.stores.rules.peers import IN_TURNS_SECONDS, MOST_PEERS, SILENT_SECONDS, Peers
from tests.contract.clock import Clock, stopped_clock
from tests.memory import Worker
from tests.process import WorkerProcess
from tests.transport import Transport

A, B, C, D, E = (f"10.0.0.{number}" for number in range(1, 6))
SALES = "/session/codechat/sales"


def noticed(*writes: tuple[float, str]) -> list[tuple[float, list[str]]]:
    """When what is said after writes at some seconds, each from an address."""
    peers = Peers()
    said = [(seconds, peers.wrote(address, seconds)) for seconds, address in writes]
    return [(seconds, in_turns) for seconds, in_turns in said if in_turns]


def every_second(*addresses: str) -> list[tuple[float, str]]:
    return list(enumerate(addresses, start=1000))


# The rule


def test_an_address_that_comes_back_after_another_is_noticed() -> None:
    assert noticed(*every_second(A, A, B, B, A)) == [(1004, [A, B])]


@pytest.mark.parametrize(
    "addresses",
    [[A] * 9, [A, B], [A, A, B, B, B], [A, B, C, D, E], [A, B, C, D, E, A]],
    ids=["one", "moved", "moved and writes on", "moved again and again", "too many between"],
)
def test_whoever_does_not_come_back_is_not_noticed(addresses: list[str]) -> None:
    assert noticed(*every_second(*addresses)) == []


def test_an_address_comes_back_behind_several_others() -> None:
    assert noticed(*every_second(A, B, C, D, A)) == [(1004, [A, B, C, D])]
    assert MOST_PEERS == 4


def test_those_that_wrote_before_it_did_are_not_among_them() -> None:
    assert noticed(*every_second(C, A, B, A)) == [(1003, [A, B])]


@pytest.mark.parametrize(("seconds", "expected"), [(IN_TURNS_SECONDS, [A, B]), (IN_TURNS_SECONDS + 0.1, [])])
def test_an_address_has_to_come_back_within_a_minute_of_its_last_write(seconds: float, expected: list[str]) -> None:
    writes = [(0.0, A), (500.0, A), (501.0, B), (500.0 + seconds, A)]
    assert [in_turns for _, in_turns in noticed(*writes)] == ([expected] if expected else [])


def test_it_is_said_once_a_minute() -> None:
    writes = [(float(second), A if second % 2 else B) for second in range(1000, 1200)]
    assert [seconds for seconds, _ in noticed(*writes)] == [1002.0 + SILENT_SECONDS * minute for minute in range(4)]


@pytest.mark.parametrize("same", [("127.0.0.1", "::1"), ("10.0.0.1", "::ffff:10.0.0.1"), ("::1", "::ffff:127.0.0.1")])
def test_addresses_that_are_known_to_be_one_peers_are_one(same: tuple[str, str]) -> None:
    one, other = same
    assert noticed(*every_second(one, other, one, other, other)) == []
    assert [in_turns for _, in_turns in noticed(*every_second(one, B, other))] != []
    assert [in_turns for _, in_turns in noticed(*every_second(B, one, other, B))] != []


# The worker


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[Worker]:
    with Worker(tmp_path / "store") as running:
        assert running.ask("POST", "/session/codechat", {"instance": "sales"}).status == 204
        yield running


@pytest.fixture
def clock() -> Iterator[Clock]:
    with stopped_clock() as stopped:
        yield stopped


def write_from(
    worker: Worker,
    peer: str,
    *,
    path: str = f"{SALES}/creds",
    method: str = "POST",
    body: object = None,
    headers: Sequence[tuple[str, str]] = (),
) -> int:
    """Ask for something from an address, and return the status."""
    kind = IPv6Address if ":" in peer else IPv4Address
    address = UNIXAddress(b"/run/worker") if peer == "unix" else kind("TCP", peer, 50_000)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Transport, "getPeer", lambda _: address)
        wanted = {"data": "{}"} if body is None and method == "POST" else body
        return worker.ask(method, path, wanted, headers=headers).status


def counted(worker: Worker) -> int:
    return worker.store.figures().counts["written_in_turns"]


def test_two_that_write_in_turns_are_a_line_an_event_and_a_count(worker: Worker, clock: Clock) -> None:
    for peer in (A, B, A, B, A):
        assert write_from(worker, peer) == 204
        clock.seconds += 1
    text = (
        f"Writes of instance 'sales' in group 'codechat' come in turns from {A} and {B}. If these are two programs "
        "with one account, WhatsApp disconnects them in turns (440): stop one of them."
    )
    assert worker.reports == [text]
    [event] = worker.ask("GET", "/admin/events").json
    assert (event["event"], event["group"], event["instance"]) == ("written_in_turns", "codechat", "sales")
    assert event["message"] == text
    assert "sessionworker_written_in_turns_total 1.0\n" in worker.ask("GET", "/metrics").body.decode()
    clock.seconds += SILENT_SECONDS
    for peer in (B, A, B):
        write_from(worker, peer)
    assert counted(worker) == 2


def test_each_kind_of_change_counts_and_nothing_else_does(worker: Worker) -> None:
    def ask_for_other_things() -> None:
        bodies: list[object] = [{"changes": {}}, {"keys": ["creds"]}, {"list": ""}]
        for body in bodies:
            assert write_from(worker, B, path=SALES, body=body) in {200, 204}
        assert write_from(worker, B, path="/session/codechat", body={"instance": "sales"}) == 204
        assert write_from(worker, B, path="/session/codechat", body={"instance": "another"}) == 204
        assert write_from(worker, B, path="/session/codechat/another/creds") == 204
        assert write_from(worker, B, body={"data": "[]"}) == 400
        assert write_from(worker, B, method="GET") == 200
        assert write_from(worker, B, path=f"{SALES}/nothing", method="DELETE") == 200

    write_from(worker, A)
    ask_for_other_things()
    write_from(worker, A)
    assert counted(worker) == 0
    for number, (method, path, body) in enumerate(
        (
            ("POST", f"{SALES}/creds", {"data": "{}"}),
            ("POST", SALES, {"changes": {"a": 1}}),
            ("POST", f"{SALES}/large", {"data": json.dumps("x" * 2**20)}),
            ("DELETE", f"{SALES}/large", None),
        )
    ):
        with stopped_clock() as clock:
            clock.seconds += number * 1000
            write_from(worker, A)
            assert write_from(worker, B, path=path, method=method, body=body) in {200, 204}
            write_from(worker, A)
        assert counted(worker) == number + 1, method


def test_owners_are_told_apart_by_their_leases_and_not_by_their_addresses(worker: Worker) -> None:
    for peer in (A, B, A, B):
        assert write_from(worker, peer, headers=[("owner", "one")]) == 204
    assert counted(worker) == 0


def test_the_loopback_is_one_peer_and_a_unix_socket_another(worker: Worker) -> None:
    for peer in ("127.0.0.1", "::1", "127.0.0.1", "unix", "unix"):
        write_from(worker, peer)
    assert counted(worker) == 0
    write_from(worker, "::1")
    assert counted(worker) == 1
    assert "come in turns from 127.0.0.1 and a Unix socket." in worker.reports[0]


def test_an_instance_that_is_brought_back_begins_anew(worker: Worker) -> None:
    write_from(worker, A)
    write_from(worker, B)
    worker.ask("DELETE", SALES)
    [drop] = worker.ask("GET", "/admin/drops").json
    assert worker.ask("POST", f"/admin/drops/codechat/sales/{drop['drop']}/restore").status == 204
    write_from(worker, A)
    assert counted(worker) == 0


@pytest.mark.slow
def test_two_addresses_that_write_to_a_real_worker_are_noticed(tmp_path: Path) -> None:
    with WorkerProcess(tmp_path / "store") as worker:

        def ask(source: str, path: str, body: object) -> int:
            connection = http.client.HTTPConnection("127.0.0.1", worker.port, timeout=10, source_address=(source, 0))
            connection.request("POST", path, json.dumps(body), {"apikey": worker.token})
            status = connection.getresponse().status
            connection.close()
            return status

        assert ask("127.0.0.1", "/session/codechat", {"instance": "sales"}) == 204
        for source in ("127.0.0.1", "127.0.0.2", "127.0.0.1"):
            assert ask(source, f"{SALES}/creds", {"data": "{}"}) == 204
        assert worker.terminate() == 0
        assert "come in turns from 127.0.0.1 and 127.0.0.2." in worker.output
