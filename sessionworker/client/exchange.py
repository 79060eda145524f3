"""One exchange with the worker: a request that is sent, and the whole of its answer."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import msgspec
from treq.client import HTTPClient
from twisted.internet.defer import CancelledError, Deferred, DeferredSemaphore
from twisted.internet.error import ConnectingCancelledError
from twisted.internet.protocol import Protocol, connectionDone
from twisted.internet.task import deferLater
from twisted.python.failure import Failure
from twisted.web.client import Agent, HTTPConnectionPool, ResponseDone
from twisted.web.http_headers import Headers
from twisted.web.iweb import IAgent, IResponse

from sessionworker.client.errors import ConnectionFailed, Overloaded, TimedOut, refusal_of
from sessionworker.client.network import NETWORK_ERRORS, reason_of

KEEP_IDLE_SECONDS = 20
"""How long a connection is kept for the next call. The worker closes it after 75 s, and must not be the first: a
`POST` that crosses with the close is lost, and is not tried again."""

LONGEST_OWNER = 128
"""Characters of the name of an owner."""


class Exchanges:
    """Makes calls of one worker, so many at a time."""

    def __init__(
        self,
        url: str,
        token: str,
        *,
        owner: str,
        time_limit: float,
        patience: float,
        connections: int,
        agent: IAgent | None,
        reactor: Any,
    ) -> None:
        """Prepare to call; see `Client`. Raises ValueError."""
        if reactor is None:
            from twisted.internet import reactor  # noqa: PLC0415 - importing it installs it
        self._reactor = reactor
        self.url = _check_url(url)
        self._headers = {"apikey": [_check_token(token)], "Content-Type": ["application/json"]}
        if owner:
            self._headers["owner"] = [_check_owner(owner)]
        self.has_owner = bool(owner)
        self._time_limit = time_limit
        self._patience = patience
        self._turns = DeferredSemaphore(connections)
        self._pool: HTTPConnectionPool | None = None
        if agent is None:
            self._pool = HTTPConnectionPool(reactor)
            self._pool.maxPersistentPerHost = connections
            self._pool.cachedConnectionTimeout = KEEP_IDLE_SECONDS
            agent = Agent(reactor, pool=self._pool)
        self._http = HTTPClient(agent)
        self._closed = False

    async def close(self) -> None:
        """Let the calls that are under way end, and close the connections. Further calls raise RuntimeError."""
        if self._closed:
            return
        self._closed = True
        for _ in range(self._turns.limit):  # who has every turn is alone
            await self._turns.acquire()
        if self._pool is not None:
            await self._pool.closeCachedConnections()

    async def call(
        self, method: str, path: str, *, body: object = msgspec.UNSET, success: int = HTTPStatus.OK
    ) -> bytes:
        """Make one call within the time limit, and return the body of its answer. `body` is sent as JSON."""
        _, answer = await self._answer_to(method, path, body, success)
        return answer

    async def change(self, path: str, body: object) -> str | None:
        """Make one call that changes something, and return the id of the owner's lease, if the client has an owner."""
        headers, _ = await self._answer_to("POST", path, body, HTTPStatus.NO_CONTENT)
        return _first(headers, "lease")

    async def _answer_to(self, method: str, path: str, body: object, success: int) -> tuple[Headers, bytes]:
        """Make a call, and again where the worker has too much to do and says when to come back."""
        until = self._reactor.seconds() + self._patience
        while True:
            try:
                return await self._answer_at_once(method, path, body, success)
            except Overloaded as refusal:
                wait = refusal.retry_after or 1
                if self._reactor.seconds() + wait > until:
                    raise
            await deferLater(self._reactor, wait)

    async def _answer_at_once(self, method: str, path: str, body: object, success: int) -> tuple[Headers, bytes]:
        if self._closed:
            raise RuntimeError("This client was closed.")
        exchange = Deferred.fromCoroutine(self._exchange(method, path, body))
        # `treq`'s own time limit ends with the headers of the answer: a body that stalls would be awaited for ever.
        exchange.addTimeout(self._time_limit, self._reactor, onTimeoutCancel=_time_is_up)
        status, headers, answer = await exchange
        if status != success:
            raise refusal_of(status, _first(headers, "Retry-After"), answer)
        return headers, answer

    async def _exchange(self, method: str, path: str, body: object) -> tuple[int, Headers, bytes]:
        """Send a request, and return the status, the headers and the body of its answer."""
        data = None if body is msgspec.UNSET else _encode(body)
        headers = Headers(self._headers)
        async with self._turns:
            try:
                response: IResponse = await self._http.request(
                    method,
                    self.url + path,
                    headers=headers,
                    data=data,
                    allow_redirects=False,  # the token is for this worker alone
                    unbuffered=True,  # or treq keeps a second copy of each body
                )
                reader = _BodyReader()
                response.deliverBody(reader)
                answer = await reader.finished
            except (CancelledError, ConnectingCancelledError, *NETWORK_ERRORS) as error:
                if _is_cancellation(error):
                    raise CancelledError from None
                raise ConnectionFailed(f"No answer from {self.url}: {reason_of(error)}") from None
        return response.code, response.headers, answer


class _BodyReader(Protocol):
    """Collects the body of an answer. Cancelling `finished` closes the connection; treq's own reader leaves it open."""

    def __init__(self) -> None:
        self.finished: Deferred[bytes] = Deferred(self._give_up)
        self._pieces: list[bytes] = []

    def dataReceived(self, data: bytes) -> None:
        self._pieces.append(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if self.finished.called:
            return
        if reason.check(ResponseDone):
            self.finished.callback(b"".join(self._pieces))
        else:
            self.finished.errback(reason)

    def _give_up(self, _: Deferred[bytes]) -> None:
        if self.transport is not None:
            self.transport.loseConnection()


def _first(headers: Headers, name: str) -> str | None:
    found = headers.getRawHeaders(name)
    return found[0] if found else None


def _encode(body: object) -> bytes:
    try:
        return msgspec.json.encode(body)
    except UnicodeEncodeError:
        raise ValueError("A name and a value must be text that UTF-8 can hold.") from None


def _time_is_up(_: object, seconds: float) -> None:
    raise TimedOut(f"The worker did not answer within {seconds:g} s.")


def _is_cancellation(error: BaseException) -> bool:
    """Tell whether an error says that the program itself gave the call up."""
    if isinstance(error, (CancelledError, ConnectingCancelledError)):
        return True
    return any(_is_cancellation(reason.value) for reason in getattr(error, "reasons", ()))


def _check_url(url: str) -> str:
    """Return `url` without a slash at its end. Raises ValueError."""
    try:
        parts = urlsplit(url)
        is_one = parts.port != 0 and parts.scheme in {"http", "https"} and bool(parts.hostname)
    except ValueError:  # a port that is no number
        is_one = False
    if not is_one:
        raise ValueError("The URL must begin with http:// or https://, and name a host.")
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise ValueError("The URL cannot hold a user, a query or a fragment.")
    return url.rstrip("/")


def _check_owner(owner: str) -> str:
    """Return `owner` if it is one. Raises ValueError."""
    if len(owner) > LONGEST_OWNER or not all("!" <= character <= "~" for character in owner):
        raise ValueError(f"The owner must be 1 to {LONGEST_OWNER} visible ASCII characters.")
    return owner


def _check_token(token: str) -> str:
    """Return `token` if it can be sent in a header. Raises ValueError."""
    if not token or not token.isascii() or not token.isprintable() or token != token.strip():
        raise ValueError("The token must be printable ASCII, with no space at its ends, and not empty.")
    return token
