"""The worker's end of a connection that has no socket."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from twisted.internet.address import IPv4Address
from twisted.internet.error import ConnectionAborted, ConnectionDone
from twisted.internet.interfaces import ILoggingContext, IProducer, IPushProducer, ITCPTransport
from twisted.python.failure import Failure
from zope.interface import implementer

from sessionworker.http.channel import WorkerChannel

PACKET = 64 * 1024
"""Bytes that a transport of Twisted reads at a time at most, and those that it keeps to be sent before it is full."""


@implementer(ITCPTransport, IPushProducer, ILoggingContext)
class Transport:
    """The worker's end of a connection, with the manners of Twisted's TCP transport."""

    disconnecting = False

    def __init__(self, channel: WorkerChannel) -> None:
        self._channel = channel
        self._arriving = b""
        self._leaving = bytearray()
        self._reading = True
        self._ends_writing = False
        self._is_end_coming = False
        self._producer: Any = None
        self._is_full = False
        self.received = bytearray()
        """What has reached the client."""
        self.takes = 2**40
        """Bytes that the client takes at a time."""
        self._takes = self.takes
        self.is_stuck = False
        """Whether the client takes nothing, so that only a cut ends the connection."""
        self.connected = True
        self.ended_writing = False
        self.aborted = False

    def arrive(self, data: bytes) -> None:
        """Bytes come from the client."""
        self._arriving += data
        self._move()

    def go_away(self) -> None:
        """The client closes its end."""
        self._lose(Failure(ConnectionDone()))

    def end_sending(self) -> None:
        """The client ends its side, and still reads. The worker hears of it behind all that came before."""
        self._is_end_coming = True
        self._move()

    def flush(self) -> None:
        """Bring what was written to the client, and close what was to be closed after it."""
        if not self.connected or (self.is_stuck and not self.aborted):
            return
        if self.aborted:
            self._lose(Failure(ConnectionAborted()))
            return
        self._takes = self.takes
        self._deliver()
        while self._is_full and not self._leaving:
            self._is_full = False
            if self._producer is not None:
                self._producer.resumeProducing()
            self._deliver()
        if self._leaving:
            return
        self.ended_writing = self.ended_writing or self._ends_writing
        if self.disconnecting:
            self._lose(Failure(ConnectionDone()))
        else:
            self._move()

    def _deliver(self) -> None:
        if not self.ended_writing:
            self.received += self._leaving[: self._takes]
        taken = min(self._takes, len(self._leaving))
        del self._leaving[:taken]
        self._takes -= taken

    @property
    def waiting(self) -> int:
        """Bytes that wait to be sent."""
        return len(self._leaving)

    def _put(self, data: bytes) -> None:
        self._leaving += data
        if self._producer is not None and len(self._leaving) > PACKET:
            self._is_full = True
            self._producer.pauseProducing()

    def _move(self) -> None:
        while self._arriving and self._reading and self.connected and not self.disconnecting:
            packet, self._arriving = self._arriving[:PACKET], self._arriving[PACKET:]
            self._channel.dataReceived(packet)
        if self._is_end_coming and self._reading and self.connected and not self.disconnecting:
            self._is_end_coming = False
            self._channel.readConnectionLost()

    def _lose(self, reason: Failure) -> None:
        if self.connected:
            self.connected = False
            producer, self._producer = self._producer, None
            if producer is not None:
                producer.stopProducing()
            self._channel.connectionLost(reason)

    # What Twisted calls, by its names

    def write(self, data: bytes) -> None:
        self._put(data)

    def writeSequence(self, data: Iterable[bytes]) -> None:
        self._put(b"".join(data))

    def loseConnection(self) -> None:
        self.disconnecting = True

    def loseWriteConnection(self) -> None:
        self._ends_writing = True

    def abortConnection(self) -> None:
        self.aborted = True

    def pauseProducing(self) -> None:
        self._reading = False

    def resumeProducing(self) -> None:
        self._reading = True

    def stopProducing(self) -> None:
        self.loseConnection()

    def registerProducer(self, producer: IProducer, streaming: bool) -> None:
        assert streaming
        self._producer = producer

    def unregisterProducer(self) -> None:
        self._producer = None

    def setTcpNoDelay(self, enabled: bool) -> None:
        """Nothing to do."""

    def getTcpNoDelay(self) -> bool:
        return True

    def setTcpKeepAlive(self, enabled: bool) -> None:
        """Nothing to do."""

    def getTcpKeepAlive(self) -> bool:
        return False

    def getHost(self) -> IPv4Address:
        return IPv4Address("TCP", "127.0.0.1", 5656)

    def getPeer(self) -> IPv4Address:
        return IPv4Address("TCP", "127.0.0.1", 50000)

    def logPrefix(self) -> str:
        return "memory"
