"""One notice, sent to an address: a POST that is signed, and whatever may become of it."""

from __future__ import annotations

import time
from base64 import b64encode
from hashlib import sha256
from hmac import digest
from typing import Any

import msgspec
from treq.client import HTTPClient
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import ConnectingCancelledError
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from twisted.web.client import Agent, BrowserLikePolicyForHTTPS, HTTPConnectionPool
from twisted.web.http_headers import Headers
from twisted.web.iweb import IResponse

from sessionworker.client.network import NETWORK_ERRORS, reason_of
from sessionworker.webhook.waiting import Notice

ANSWER_SECONDS = 10.0
"""How long a receiver may take, from the connection to the end of its answer."""

MOST_OF_ANSWER = 64 * 1024
"""Bytes of an answer that are let pass; nobody reads them. Of a longer one the connection is closed."""

KEEP_IDLE_SECONDS = 2
"""How long a connection is kept for the next notice: shorter than any receiver does, so that none closes it first."""

OK = range(200, 300)


class NotTaken(Exception):
    """A notice was not taken. The text says why, and may follow a colon."""


class Post:
    """Sends notices to one address. An address that speaks TLS has to have a certificate that the system trusts."""

    def __init__(self, reactor: Any, address: str, secret: bytes | None) -> None:
        """Sign with `secret`, if there is one."""
        self._reactor = reactor
        self._address = address
        self._secret = secret
        self._pool = HTTPConnectionPool(reactor)
        self._pool.maxPersistentPerHost = 1
        self._pool.cachedConnectionTimeout = KEEP_IDLE_SECONDS
        agent = Agent(reactor, BrowserLikePolicyForHTTPS(), connectTimeout=ANSWER_SECONDS, pool=self._pool)
        self._http = HTTPClient(agent)

    def __call__(self, notice: Notice) -> Deferred[None]:
        """Send one. Fails with NotTaken; cancelled, it hangs up."""
        body = msgspec.json.encode(notice)
        headers = sign(notice.id, int(time.time()), body, self._secret)
        sent = Deferred.fromCoroutine(self._send(body, Headers({name: [text] for name, text in headers.items()})))
        sent.addTimeout(ANSWER_SECONDS, self._reactor, onTimeoutCancel=_time_is_up)
        return sent.addErrback(_not_taken)

    async def _send(self, body: bytes, headers: Headers) -> None:
        response: IResponse = await self._http.post(
            self._address, data=body, headers=headers, allow_redirects=False, unbuffered=True
        )
        rest = _Rest()
        response.deliverBody(rest)
        await rest.ended  # or the connection could not be used again
        if response.code not in OK:
            raise NotTaken(f"it answered with {response.code}")

    def close(self) -> None:
        """Close connections that nobody uses."""
        self._pool.closeCachedConnections()


def sign(name: str, seconds: int, body: bytes, secret: bytes | None) -> dict[str, str]:
    """Return the headers of a notice, as https://www.standardwebhooks.com has them: an id, the time, and a signature.

    Signed is the id, a dot, the time in seconds since 1970, a dot, and the body, with HMAC-SHA256.
    """
    headers = {"Content-Type": "application/json", "User-Agent": "sessionworker"}
    headers |= {"webhook-id": name, "webhook-timestamp": str(seconds)}
    if secret is not None:
        signed = digest(secret, f"{name}.{seconds}.".encode() + body, sha256)
        headers["webhook-signature"] = f"v1,{b64encode(signed).decode()}"
    return headers


def _time_is_up(_: object, seconds: float) -> None:
    raise NotTaken(f"there was no answer within {seconds:g} s")


def _not_taken(failure: Failure) -> Failure:
    """Say in words why a notice was not taken; what nobody foresaw stays as it is."""
    error = failure.value
    if isinstance(error, (CancelledError, ConnectingCancelledError, *NETWORK_ERRORS)):
        return Failure(NotTaken(reason_of(error).rstrip(".")))
    return failure


class _Rest(Protocol):
    """Lets the body of an answer pass. Cancelling `ended` closes the connection."""

    def __init__(self) -> None:
        self.ended: Deferred[None] = Deferred(lambda _: self._hang_up())
        self._size = 0

    def dataReceived(self, data: bytes) -> None:
        self._size += len(data)
        if self._size > MOST_OF_ANSWER:
            self._hang_up()

    def connectionLost(self, _reason: Failure = connectionDone) -> None:
        if not self.ended.called:  # however it ended: the status was said
            self.ended.callback(None)

    def _hang_up(self) -> None:
        if self.transport is not None:
            self.transport.loseConnection()
