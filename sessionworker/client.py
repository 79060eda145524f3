"""A client of the worker for Python programs on Twisted: the verbs of the wire as `async` methods.

    async with Client("http://127.0.0.1:5656", token) as client:
        await client.create_instance("codechat", "sales")
        await client.write("codechat", "sales", "creds", '{"registered":true}')
        value = await client.read("codechat", "sales", "creds")

What an operator may ask is here too: what is stored, older versions of `creds`, and instances that were dropped.

A call that the worker refused raises a `Refused`, and one that brought no answer a `NoAnswer`. None of them holds the
token, or the value of a session file.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Self, TypeVar
from urllib.parse import quote, urlsplit

import msgspec
from OpenSSL.SSL import Error as TlsError
from treq.client import HTTPClient
from twisted.internet.defer import CancelledError, Deferred, DeferredSemaphore
from twisted.internet.error import ConnectError, ConnectingCancelledError, ConnectionClosed, DNSLookupError
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from twisted.web.client import (
    Agent,
    HTTPConnectionPool,
    RequestGenerationFailed,
    RequestTransmissionFailed,
    ResponseDone,
    ResponseFailed,
)
from twisted.web.http import PotentialDataLoss
from twisted.web.http_headers import Headers
from twisted.web.iweb import IAgent, IResponse

from sessionworker import errors
from sessionworker.stores.interface import DropSummary, InstanceSummary, VersionSummary

TIME_LIMIT_SECONDS = 30.0
"""How long a call may take, from the moment it is made to the last byte of its answer, unless the program says else."""

CONNECTIONS = 64
"""Connections that a client opens at most, unless the program says else; further calls wait for one of them."""

KEEP_IDLE_SECONDS = 20
"""How long a connection is kept for the next call. The worker closes it after 75 s, and must not be the first: a
`POST` that crosses with the close is lost, and is not tried again."""

_NETWORK_ERRORS = (
    ConnectError,
    ConnectionClosed,
    DNSLookupError,
    PotentialDataLoss,
    RequestGenerationFailed,
    RequestTransmissionFailed,
    ResponseFailed,
)

_NOT_THE_FORM = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)  # what decoding raises

_HARMLESS_ERRORS = (ConnectError, ConnectionClosed, DNSLookupError, TlsError)

T = TypeVar("T")


class ClientError(Exception):
    """A call that did not succeed."""


class NoAnswer(ClientError):
    """No whole answer came. Whether the worker made a change that it was asked for is not known."""


class ConnectionFailed(NoAnswer):
    """No connection could be made, or it was lost."""


class TimedOut(NoAnswer):
    """The call took longer than the client's time limit."""


class Refused(ClientError):
    """The worker, or something in front of it, answered with another status than that of success.

    `status` is the HTTP status, `message` the sentence that came with it. `retry_after` is the number of seconds after
    which the worker asked to be tried again, or None.
    """

    def __init__(self, status: int, message: str, retry_after: int | None = None) -> None:
        """Keep what was answered."""
        super().__init__(status, message, retry_after)
        self.status = status
        self.message = message
        self.retry_after = retry_after

    def __str__(self) -> str:
        """Show the status and the sentence."""
        return f"{self.status}: {self.message}"


class NotAllowed(Refused):
    """A name that is not allowed, or a value that is not JSON (400)."""


class Unauthorized(Refused):
    """The token is not the worker's (401)."""


class NotFound(Refused):
    """There is nothing under the name that was given (404)."""


class NoSuchGroup(NotFound):
    """A group that nobody created."""


class NoSuchInstance(NotFound):
    """An instance that nobody created, or that was dropped."""


class NoSuchKey(NotFound):
    """A key that holds nothing. `read` gives None for it."""


class NoSuchVersion(NotFound):
    """A version of `creds` that does not exist, or is not kept any more."""


class NoSuchDrop(NotFound):
    """A dropped instance that does not exist, or is not kept any more."""


class NameTaken(Refused):
    """An instance cannot be brought back under a name that another one has (409)."""


class BodyTooLarge(Refused):
    """A value over the worker's limit (413)."""


class Unavailable(Refused):
    """The worker has too much to do, or its store cannot be used now (503). `retry_after` says when to come back."""


class NoSpace(Refused):
    """The worker's disk is full (507). The key still holds what it held."""


class UnexpectedAnswer(Refused):
    """An answer that says success, but not in the worker's words: the URL is probably not a worker's."""


_BY_STATUS: dict[int, type[Refused]] = {
    HTTPStatus.BAD_REQUEST: NotAllowed,
    HTTPStatus.UNAUTHORIZED: Unauthorized,
    HTTPStatus.NOT_FOUND: NotFound,
    HTTPStatus.CONFLICT: NameTaken,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: BodyTooLarge,
    HTTPStatus.SERVICE_UNAVAILABLE: Unavailable,
    HTTPStatus.INSUFFICIENT_STORAGE: NoSpace,
}

# A 404 tells what is missing by its sentence alone. One that is not known here stays a NotFound: nobody may take it for
# a key that holds nothing, and make a new identity in its place.
_BY_MESSAGE: dict[str, type[NotFound]] = {
    errors.NoSuchGroup.message: NoSuchGroup,
    errors.NoSuchInstance.message: NoSuchInstance,
    errors.NoSuchKey.message: NoSuchKey,
    errors.NoSuchVersion.message: NoSuchVersion,
    errors.NoSuchDrop.message: NoSuchDrop,
}


class Client:
    """One worker, seen from a program.

    Every method but `close` is one call, and raises `Refused` or `NoAnswer`. Calls may be made at the same time; two
    that are under way together reach the worker in any order, so wait for a write before the next one of the same key.
    `write` and the `create_...` and `restore_...` calls are not repeated when the connection that they used turns out
    to be dead, because they may have arrived; the others are tried once more.

    As an asynchronous context manager, a client is closed after the block.
    """

    def __init__(
        self,
        url: str,
        token: str,
        *,
        time_limit: float = TIME_LIMIT_SECONDS,
        connections: int = CONNECTIONS,
        agent: IAgent | None = None,
        reactor: Any = None,
    ) -> None:
        """Prepare to call the worker at `url`, for example `http://127.0.0.1:5656`; nothing is sent yet.

        `time_limit` is in seconds, for each call as a whole. `connections` is how many calls may be under way at once;
        others wait, and that counts as part of their time. `agent` replaces the client's own connections, for example
        to reach a Unix socket; closing them is then not the client's business. Raises ValueError for a URL or a token
        that cannot be used.
        """
        if reactor is None:
            from twisted.internet import reactor  # noqa: PLC0415 - importing it installs it
        self._reactor = reactor
        self._url = _check_url(url)
        self._token = _check_token(token)
        self._time_limit = time_limit
        self._turns = DeferredSemaphore(connections)
        self._pool: HTTPConnectionPool | None = None
        if agent is None:
            self._pool = HTTPConnectionPool(reactor)
            self._pool.maxPersistentPerHost = connections
            self._pool.cachedConnectionTimeout = KEEP_IDLE_SECONDS
            agent = Agent(reactor, pool=self._pool)
        self._http = HTTPClient(agent)
        self._closed = False

    def __repr__(self) -> str:
        """Show the URL; never the token."""
        return f"<Client of {self._url}>"

    async def __aenter__(self) -> Self:
        """Nothing to do: connections are opened when they are needed."""
        return self

    async def __aexit__(self, *exception: object) -> None:
        """Close the client."""
        await self.close()

    async def ping(self) -> None:
        """Return if a worker answers at the URL. The token is not looked at."""
        body = await self._call("OPTIONS", "/ping")
        if body != b"pong":
            raise UnexpectedAnswer(HTTPStatus.OK, "The answer to a ping is not 'pong'.")

    async def health(self) -> None:
        """Return if the worker's store takes writes and reads now. The token is not looked at. Raises Unavailable."""
        if _decode(await self._call("GET", "/health"), _HealthForm).status != "ok":
            raise UnexpectedAnswer(HTTPStatus.OK, "The answer to a health check is not 'ok'.")

    async def create_group(self, group: str) -> None:
        """Make a group, if it does not exist."""
        await self._call("POST", "/session", body={"group": group}, success=HTTPStatus.NO_CONTENT)

    async def create_instance(self, group: str, instance: str) -> None:
        """Make an instance, and its group, if they do not exist."""
        await self._call("POST", _path(group), body={"instance": instance}, success=HTTPStatus.NO_CONTENT)

    async def instances(self, group: str) -> list[str]:
        """Return the names of a group's instances, sorted. Raises NoSuchGroup, too."""
        return _decode(await self._call("GET", _path(group) + "/list-instances"), list[str])

    async def write(self, group: str, instance: str, key: str, value: bytes | str) -> None:
        """Store a JSON text over whatever the key held. It is kept as it is given, byte for byte.

        Raises NoSuchInstance or NoSuchGroup, too, and ValueError for bytes that are not UTF-8.
        """
        path = _path(group, instance, key)
        await self._call("POST", path, body={"data": _as_text(value)}, success=HTTPStatus.NO_CONTENT)

    async def read(self, group: str, instance: str, key: str) -> bytes | None:
        """Return the JSON text that a key holds, in UTF-8, or None if it holds nothing.

        Raises NoSuchInstance or NoSuchGroup, too.
        """
        try:
            return await self._call("GET", _path(group, instance, key))
        except NoSuchKey:
            return None

    async def delete(self, group: str, instance: str, key: str) -> None:
        """Remove what a key holds, if anything."""
        await self._call("DELETE", _path(group, instance, key))

    async def drop_instance(self, group: str, instance: str) -> None:
        """Remove an instance with all its keys, if it exists. For a while, `restore_instance` brings it back."""
        await self._call("DELETE", _path(group, instance))

    # What an operator asks

    async def groups(self) -> list[str]:
        """Return the names of all groups, sorted."""
        return _decode(await self._call("GET", "/admin/groups"), list[str])

    async def drop_group(self, group: str) -> None:
        """Remove a group, each of its instances as `drop_instance` does.

        Raises NoSuchGroup, too: also where a first try arrived and its answer was lost.
        """
        await self._call("DELETE", _escape("/admin/groups", group))

    async def describe(self, group: str) -> list[InstanceSummary]:
        """Return what each instance of a group holds, sorted by name. Raises NoSuchGroup, too."""
        return _decode(await self._call("GET", _escape("/admin/groups", group, "instances")), list[InstanceSummary])

    async def versions(self, group: str, instance: str) -> list[VersionSummary]:
        """Return the versions of an instance's `creds` that are kept, newest first.

        Raises NoSuchInstance or NoSuchGroup, too.
        """
        path = _escape("/admin/groups", group, "instances", instance, "versions")
        return _decode(await self._call("GET", path), list[VersionSummary])

    async def restore_version(self, group: str, instance: str, version: str) -> None:
        """Make an older version of an instance's `creds` the current one. What it replaces is kept as a version.

        Raises NoSuchVersion, NoSuchInstance or NoSuchGroup, too.
        """
        path = _escape("/admin/groups", group, "instances", instance, "versions", version, "restore")
        await self._call("POST", path, success=HTTPStatus.NO_CONTENT)

    async def checkpoint(self) -> None:
        """Have the worker bring all that was acknowledged into its files, so that a copy of its store is up to date."""
        await self._call("POST", "/admin/checkpoint", success=HTTPStatus.NO_CONTENT)

    async def drops(self) -> list[DropSummary]:
        """Return the instances that were dropped and can be brought back, newest first."""
        return _decode(await self._call("GET", "/admin/drops"), list[DropSummary])

    async def restore_instance(self, group: str, instance: str, drop: str, name: str | None = None) -> None:
        """Bring an instance back that was dropped, under its own name or under another one in the same group.

        `drop` tells it from others of its name that were dropped; see `drops`. Raises NameTaken or NoSuchDrop, too.
        """
        body = msgspec.UNSET if name is None else {"instance": name}
        path = _escape("/admin/drops", group, instance, drop, "restore")
        await self._call("POST", path, body=body, success=HTTPStatus.NO_CONTENT)

    async def close(self) -> None:
        """Let the calls that are under way end, and close the connections. Further calls raise RuntimeError."""
        if self._closed:
            return
        self._closed = True
        for _ in range(self._turns.limit):  # who has every turn is alone
            await self._turns.acquire()
        if self._pool is not None:
            await self._pool.closeCachedConnections()

    async def _call(
        self, method: str, path: str, *, body: object = msgspec.UNSET, success: int = HTTPStatus.OK
    ) -> bytes:
        """Make one call within the time limit, and return the body of its answer. `body` is sent as JSON."""
        if self._closed:
            raise RuntimeError("This client was closed.")
        exchange = Deferred.fromCoroutine(self._exchange(method, path, body))
        # `treq`'s own time limit ends with the headers of the answer: a body that stalls would be awaited for ever.
        exchange.addTimeout(self._time_limit, self._reactor, onTimeoutCancel=_time_is_up)
        status, retry_after, answer = await exchange
        if status != success:
            raise _refusal(status, retry_after, answer)
        return answer

    async def _exchange(self, method: str, path: str, body: object) -> tuple[int, str | None, bytes]:
        """Send a request, and return the status, the header `Retry-After` and the body of its answer."""
        data = None if body is msgspec.UNSET else _encode(body)
        headers = Headers({"apikey": [self._token], "Content-Type": ["application/json"]})
        async with self._turns:
            try:
                response: IResponse = await self._http.request(
                    method,
                    self._url + path,
                    headers=headers,
                    data=data,
                    allow_redirects=False,  # the token is for this worker alone
                    unbuffered=True,  # or treq keeps a second copy of each body
                )
                reader = _BodyReader()
                response.deliverBody(reader)
                answer = await reader.finished
            except (CancelledError, ConnectingCancelledError, *_NETWORK_ERRORS) as error:
                if _is_cancellation(error):
                    raise CancelledError from None
                raise ConnectionFailed(f"No answer from {self._url}: {_reason(error)}") from None
        retry_after = (response.headers.getRawHeaders("Retry-After") or [None])[0]
        return response.code, retry_after, answer


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


def _path(group: str, *names: str) -> str:
    """Return the path of a group, an instance or a key."""
    return _escape("/session", group, *names)


def _escape(start: str, *names: str) -> str:
    """Return the path of `names` below `start`. Each name is escaped as a whole, slashes included."""
    try:
        return "/".join((start, *(quote(name, safe="") for name in names)))
    except UnicodeEncodeError:
        raise ValueError("A name must be text that UTF-8 can hold.") from None


def _as_text(value: bytes | str) -> str:
    if isinstance(value, str):
        return value
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise ValueError("A value must be JSON, in UTF-8.") from None


def _encode(body: object) -> bytes:
    try:
        return msgspec.json.encode(body)
    except UnicodeEncodeError:
        raise ValueError("A name and a value must be text that UTF-8 can hold.") from None


def _decode(body: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=kind)
    except _NOT_THE_FORM:
        raise UnexpectedAnswer(HTTPStatus.OK, "The answer is not of the form that was expected.") from None


class _HealthForm(msgspec.Struct):
    status: str


class _ErrorForm(msgspec.Struct):
    """The part of an error's JSON form that the status does not tell."""

    message: list[str]


def _refusal(status: int, retry_after: str | None, body: bytes) -> Refused:
    try:
        message = " ".join(msgspec.json.decode(body, type=_ErrorForm).message)
    except _NOT_THE_FORM:
        message = "This answer is not in a worker's form: something else answers at the URL."
    kind = UnexpectedAnswer if status < HTTPStatus.MULTIPLE_CHOICES else _BY_STATUS.get(status, Refused)
    if kind is NotFound:
        kind = _BY_MESSAGE.get(message, NotFound)
    return kind(status, message, int(retry_after) if retry_after and retry_after.isdecimal() else None)


def _time_is_up(_: object, seconds: float) -> None:
    raise TimedOut(f"The worker did not answer within {seconds:g} s.")


def _is_cancellation(error: BaseException) -> bool:
    """Tell whether an error says that the program itself gave the call up."""
    if isinstance(error, (CancelledError, ConnectingCancelledError)):
        return True
    return any(_is_cancellation(reason.value) for reason in getattr(error, "reasons", ()))


def _reason(error: BaseException) -> str:
    """Return the innermost reason of a network error, in words.

    Of an answer that is not HTTP only the kind of the fault is told: Twisted quotes what came, which may be a value.
    """
    while reasons := getattr(error, "reasons", None):
        error = reasons[0].value
    return str(error) if isinstance(error, _HARMLESS_ERRORS) else type(error).__name__


def _check_url(url: str) -> str:
    """Return `url` without a slash at its end. Raises ValueError."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("The URL must begin with http:// or https://, and name a host.")
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise ValueError("The URL cannot hold a user, a query or a fragment.")
    return url.rstrip("/")


def _check_token(token: str) -> str:
    """Return `token` if it can be sent in a header. Raises ValueError."""
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise ValueError("The token must be printable ASCII, without spaces or line ends, and not empty.")
    return token
