"""Names are looked up beside the reactor, and what becomes of it is told in the reactor."""

from __future__ import annotations

import socket
from threading import get_ident
from typing import Any

import pytest
from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IHostnameResolver, IResolutionReceiver
from zope.interface import implementer
from zope.interface.verify import verifyObject

from sessionworker.webhook.addresses import Addresses
from tests.client.waiting import reactor
from tests.server import asynchronous


@implementer(IResolutionReceiver)
class Receiver:
    def __init__(self) -> None:
        self.found: list[Any] = []
        self.complete: Deferred[int] = Deferred()

    def resolutionBegan(self, resolutionInProgress: Any) -> None:  # noqa: N803 - its name
        self.name = resolutionInProgress.name

    def addressResolved(self, address: Any) -> None:
        self.found.append(address)

    def resolutionComplete(self) -> None:
        self.complete.callback(get_ident())


BOTH = [
    (socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("::1", 5678, 0, 0)),
    (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 5678)),
    (socket.AF_UNIX, socket.SOCK_STREAM, 6, "", "/a"),
]


def know(monkeypatch: pytest.MonkeyPatch, found: list[Any]) -> list[int]:
    threads: list[int] = []

    def answer(*_: object, **__: object) -> list[Any]:
        threads.append(get_ident())
        if not found:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return found

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    return threads


@asynchronous
async def test_all_addresses_of_a_name_are_told_in_the_reactor(monkeypatch: pytest.MonkeyPatch) -> None:
    threads = know(monkeypatch, BOTH)
    receiver = Receiver()
    resolution = Addresses(reactor).resolveHostName(receiver, "n8n", 5678)
    assert receiver.name == resolution.name == "n8n"
    assert await receiver.complete == get_ident()
    assert receiver.found == [IPv6Address("TCP", "::1", 5678), IPv4Address("TCP", "127.0.0.1", 5678)]
    assert threads != [get_ident()]
    resolution.cancel()


@asynchronous
async def test_only_the_kinds_that_are_asked_for_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    know(monkeypatch, BOTH)
    receiver = Receiver()
    Addresses(reactor).resolveHostName(receiver, "n8n", 5678, [IPv4Address])
    await receiver.complete
    assert receiver.found == [IPv4Address("TCP", "127.0.0.1", 5678)]


@asynchronous
async def test_of_a_name_that_nobody_knows_nothing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    know(monkeypatch, [])
    receiver = Receiver()
    Addresses(reactor).resolveHostName(receiver, "n8n", 5678)
    await receiver.complete
    assert receiver.found == []


def test_it_is_what_twisted_asks_for() -> None:
    assert verifyObject(IHostnameResolver, Addresses(reactor))
