"""A large answer, sent as fast as the client reads it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.interfaces import IPushProducer, ISSLTransport
from twisted.web.http import HTTPChannel
from zope.interface import implementer

from sessionworker.http.ports import Channel

SMALL_ANSWER = 64 * 1024
"""Bytes of an answer that is sent at once; a larger one is sent in pieces of this size."""


@implementer(IPushProducer)
class LargeAnswer:
    """Hands a channel one piece after another, and none while the client reads nothing."""

    def __init__(self, channel: Channel, data: bytes, taken: Callable[[], None]) -> None:
        """Prepare to send `data`, and to call `taken` when the last piece was handed over."""
        self._channel = channel
        self._rest = memoryview(data)
        self._taken = taken
        self._is_paused = False

    def begin(self) -> None:
        """Send what the client takes."""
        self._channel.registerProducer(self, True)
        self._send()

    def resumeProducing(self) -> None:
        """Send more: the client has read."""
        self._is_paused = False
        self._send()

    def pauseProducing(self) -> None:
        """Wait: the client does not read as fast."""
        self._is_paused = True

    def stopProducing(self) -> None:
        """Forget the rest: the client is gone."""
        self._is_paused = True
        self._rest = memoryview(b"")  # a part of it would keep all of it

    def _send(self) -> None:
        while self._rest and not self._is_paused:
            piece, self._rest = bytes(self._rest[:SMALL_ANSWER]), self._rest[SMALL_ANSWER:]
            self._channel.send_more(piece)
        if not self._rest and not self._is_paused:
            self._channel.unregisterProducer()
            self._taken()


def say_last(channel: HTTPChannel, answer: bytes) -> None:
    """Send the last answer of a connection whose client may not have sent all, and close the worker's side of it.

    A close with unread bytes in the socket is a reset, which can overtake the answer: the write side is closed first,
    and what comes is thrown away until the client closes or is late (RFC 9112, 9.6). TLS does so, too.
    """
    transport: Any = channel.transport
    transport.write(answer)
    if ISSLTransport.providedBy(transport):
        channel.loseConnection()
    else:
        transport.loseWriteConnection()
