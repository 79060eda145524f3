"""What those who come to the page may cost."""

from __future__ import annotations

import tempfile
from typing import Any

import pytest
from twisted.internet.address import IPv4Address
from twisted.internet.error import ConnectionDone
from twisted.internet.protocol import Factory, Protocol
from twisted.python.failure import Failure

from sessionworker.page.bounds import MOST_BYTES, MOST_CONNECTIONS, FewConnections
from tests.page.visiting import HOST, Page, Transport

CLIENT = IPv4Address("TCP", "10.0.0.7", 50_000)


def begun(page: Page, head: str) -> tuple[Any, Transport]:
    """A connection on which the head of a form has come."""
    transport = Transport(peerAddress=CLIENT)
    channel: Any = page.site.buildProtocol(CLIENT)
    channel.makeConnection(transport)
    lines = ["POST /ui/login HTTP/1.1", f"Host: {HOST}", f"Origin: http://{HOST}", head, "", ""]
    channel.dataReceived("\r\n".join(lines).encode())
    return channel, transport


@pytest.fixture(autouse=True)
def _no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing that comes is written to a disk: Twisted's own request would write what is large, or has no length."""

    def refuse() -> None:
        raise AssertionError

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)


@pytest.mark.parametrize("head", [f"Content-Length: {MOST_BYTES}", "Transfer-Encoding: chunked"])
def test_what_is_small_enough_is_answered(head: str) -> None:
    channel, transport = begun(Page(), head)
    body = b"token=" + b"a" * (MOST_BYTES - 6)
    channel.dataReceived(body if "Length" in head else b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body))
    assert transport.value().startswith(b"HTTP/1.1 401 ")
    channel.connectionLost(Failure(ConnectionDone()))


@pytest.mark.parametrize("head", ["Content-Length: 1000000000", "Transfer-Encoding: chunked"])
def test_what_is_too_large_is_hung_up_on(head: str) -> None:
    channel, transport = begun(Page(), head)
    assert transport.value() == b""
    chunk = b"a" * 1024 if "Length" in head else b"400\r\n" + b"a" * 1024 + b"\r\n"
    cut_at = []
    for number in range(1, MOST_BYTES // 1024 + 2):
        channel.dataReceived(chunk)
        cut_at += [number] if transport.is_cut else []
    assert cut_at == [MOST_BYTES // 1024 + 1]
    channel.connectionLost(Failure(ConnectionDone()))


def test_there_is_room_for_so_many_connections() -> None:
    site = FewConnections(Factory.forProtocol(Protocol))
    opened = []
    for _ in range(MOST_CONNECTIONS):
        protocol: Any = site.buildProtocol(CLIENT)
        protocol.makeConnection(Transport())
        opened.append(protocol)
    site.buildProtocol(CLIENT).makeConnection(Transport())
    assert [one.transport.is_cut for one in opened] == [True] + [False] * (MOST_CONNECTIONS - 1)
    opened[0].connectionLost(Failure(ConnectionDone()))
    opened[1].connectionLost(Failure(ConnectionDone()))
    site.buildProtocol(CLIENT).makeConnection(Transport())
    assert [one for one in opened if one.transport.is_cut] == opened[:1]
