"""The addresses of a name, asked for in a thread that nobody waits for: the system may take a minute to say nothing.

Twisted's own resolver asks in the reactor's threads, and the end of the process waits for them.
"""

# ruff: noqa: N803 - the names of arguments are those of Twisted's interface

from __future__ import annotations

import socket
from collections.abc import Sequence
from contextlib import suppress
from threading import Thread
from typing import Any

from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.interfaces import IAddress, IHostnameResolver, IHostResolution, IResolutionReceiver
from zope.interface import implementer

KINDS = {socket.AF_INET: IPv4Address, socket.AF_INET6: IPv6Address}


@implementer(IHostResolution)
class _Resolution:
    def __init__(self, name: str) -> None:
        self.name = name

    def cancel(self) -> None:
        """Do nothing: whoever gave up listens no longer."""


@implementer(IHostnameResolver)
class Addresses:
    """Asks the system, as Twisted's resolver does."""

    def __init__(self, reactor: Any) -> None:
        """Tell in the thread of `reactor`."""
        self._reactor = reactor

    def resolveHostName(
        self,
        resolutionReceiver: IResolutionReceiver,
        hostName: str,
        portNumber: int = 0,
        addressTypes: Sequence[type[IAddress]] | None = None,
        transportSemantics: str = "TCP",
    ) -> IHostResolution:
        """Begin to ask, and return at once."""
        wanted = [kind for kind, form in KINDS.items() if addressTypes is None or form in addressTypes]
        resolution = _Resolution(hostName)
        resolutionReceiver.resolutionBegan(resolution)

        def ask() -> None:
            found: list[IPv4Address | IPv6Address] = []
            with suppress(OSError, UnicodeError):
                for kind, *_, place in socket.getaddrinfo(hostName, portNumber, type=socket.SOCK_STREAM):
                    if kind in wanted:
                        found.append(KINDS[kind](transportSemantics, *place[:2]))
            self._reactor.callFromThread(tell, found)

        def tell(found: Sequence[IPv4Address | IPv6Address]) -> None:
            for address in found:
                resolutionReceiver.addressResolved(address)
            resolutionReceiver.resolutionComplete()

        Thread(target=ask, name="addresses", daemon=True).start()
        return resolution
