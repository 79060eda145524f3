"""The client for Python programs, against the real Site on a real port, and against servers that misbehave."""

from __future__ import annotations

import json
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar
from unittest.mock import Mock

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from twisted.internet import reactor as installed_reactor
from twisted.internet.defer import CancelledError, Deferred, ensureDeferred, gatherResults, maybeDeferred
from twisted.internet.interfaces import IAddress, IHostnameResolver
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.internet.task import deferLater
from twisted.python.failure import Failure
from twisted.web.client import Agent
from zope.interface import directlyProvides

from sessionworker import errors
from sessionworker.client import (
    BodyTooLarge,
    Client,
    ClientError,
    ConnectionFailed,
    NameTaken,
    NoSpace,
    NoSuchDrop,
    NoSuchGroup,
    NoSuchInstance,
    NoSuchVersion,
    NotAllowed,
    NotFound,
    Refused,
    TimedOut,
    Unauthorized,
    Unavailable,
    UnexpectedAnswer,
    exchange,
)
from sessionworker.client.exchange import KEEP_IDLE_SECONDS
from sessionworker.http.answers import error_body
from sessionworker.http.limits import IDLE_SECONDS
from sessionworker.names import check_key
from sessionworker.stores.files.store import FileStore
from tests.server import MIB, TOKEN, RunningWorker, asynchronous, asynchronous_fixture, running_worker

reactor: Any = installed_reactor

T = TypeVar("T")


def start(call: Awaitable[T]) -> Deferred[T]:
    """Make a call without waiting for it."""
    return ensureDeferred(call)  # type: ignore[arg-type]


async def wait_until(condition: Callable[[], bool], seconds: float = 3) -> None:
    deadline = reactor.seconds() + seconds
    while not condition():
        assert reactor.seconds() < deadline, "what was waited for did not happen"
        await deferLater(reactor, 0.005)


@asynchronous_fixture(autouse=True)
async def _nothing_is_left_in_the_reactor() -> AsyncIterator[None]:
    def content() -> set[object]:
        return {*reactor.getDelayedCalls(), *reactor.getReaders(), *reactor.getWriters()}

    before = content()
    yield
    await wait_until(lambda: content() <= before)


@asynchronous_fixture()
async def worker(tmp_path: Path) -> AsyncIterator[RunningWorker]:
    async with running_worker(tmp_path / "store") as running:
        yield running


@asynchronous_fixture()
async def client(worker: RunningWorker) -> AsyncIterator[Client]:
    """A client of a worker that has the instance 'sales' in the group 'codechat', and nothing else."""
    async with Client(worker.url, worker.token) as opened:
        await opened.create_instance("codechat", "sales")
        yield opened


# The verbs


@asynchronous
async def test_a_ping_is_answered_whatever_the_token(worker: RunningWorker) -> None:
    async with Client(worker.url, "another-token") as client:
        await client.ping()


@asynchronous
async def test_a_slash_after_the_url_does_not_matter(worker: RunningWorker) -> None:
    async with Client(worker.url + "/", worker.token) as client:
        await client.ping()
        await client.create_group("codechat")


@asynchronous
async def test_groups_and_instances_are_created_and_listed_in_order(client: Client) -> None:
    await client.create_group("evolution")
    assert await client.instances("evolution") == []
    for instance in ("b", "a", "c", "a"):
        await client.create_instance("evolution", instance)
    assert await client.instances("evolution") == ["a", "b", "c"]
    assert await client.instances("codechat") == ["sales"]


@asynchronous
async def test_a_value_is_written_read_overwritten_and_deleted(client: Client) -> None:
    assert await client.read("codechat", "sales", "creds") is None
    await client.write("codechat", "sales", "creds", '{"registered": false}')
    assert await client.read("codechat", "sales", "creds") == b'{"registered": false}'
    await client.write("codechat", "sales", "creds", b'{"registered": true}')
    assert await client.read("codechat", "sales", "creds") == b'{"registered": true}'
    await client.delete("codechat", "sales", "creds")
    assert await client.read("codechat", "sales", "creds") is None
    await client.delete("codechat", "sales", "creds")


@asynchronous
async def test_an_instance_is_dropped_with_its_keys(client: Client) -> None:
    await client.write("codechat", "sales", "creds", "{}")
    await client.drop_instance("codechat", "sales")
    assert await client.instances("codechat") == []
    with pytest.raises(NoSuchInstance):
        await client.read("codechat", "sales", "creds")
    await client.drop_instance("codechat", "sales")
    await client.create_instance("codechat", "sales")
    assert await client.read("codechat", "sales", "creds") is None


@asynchronous
async def test_a_worker_that_is_well_says_so_whatever_the_token(worker: RunningWorker) -> None:
    async with Client(worker.url, "another-token") as client:
        await client.health()


# What an operator asks


def creds(number: int, registration: int = 1) -> str:
    identity = {"registrationId": registration, "noiseKey": {"public": "a"}, "signedIdentityKey": {"public": "b"}}
    return json.dumps({**identity, "nextPreKeyId": number})


@asynchronous
async def test_groups_are_listed_described_and_dropped(client: Client) -> None:
    await client.create_group("evolution")
    assert await client.groups() == ["codechat", "evolution"]
    await client.write("codechat", "sales", "creds", creds(1))
    await client.write("codechat", "sales", "pre-key-1", "{}")
    [sales] = await client.describe("codechat")
    assert (sales.instance, sales.files, sales.types) == ("sales", 2, {"creds": 1, "pre-key": 1})
    assert sales.bytes == len(creds(1)) + 2
    assert sales.last_write > 1_600_000_000_000
    assert await client.describe("evolution") == []
    await client.drop_group("codechat")
    assert await client.groups() == ["evolution"]
    for call in (client.drop_group("codechat"), client.describe("codechat"), client.versions("codechat", "sales")):
        with pytest.raises(NoSuchGroup):
            await call


@asynchronous
async def test_an_older_version_becomes_the_current_one_and_what_it_replaces_stays(client: Client) -> None:
    assert await client.versions("codechat", "sales") == []
    for text in (creds(1), creds(2), creds(1, registration=2)):
        await client.write("codechat", "sales", "creds", text)
    new, good, _ = await client.versions("codechat", "sales")
    assert (new.is_current, good.is_current) == (True, False)
    assert (new.is_pinned, good.is_pinned) == (True, True)
    assert new.identity != good.identity
    assert new.when > good.when > 1_600_000_000_000
    assert good.bytes == len(creds(2))
    await client.restore_version("codechat", "sales", good.version)
    assert await client.read("codechat", "sales", "creds") == creds(2).encode()
    assert new.version in {version.version for version in await client.versions("codechat", "sales")}
    with pytest.raises(NoSuchVersion):
        await client.restore_version("codechat", "sales", "1700000000000-0.0123456789ab.1")
    for call in (client.versions("codechat", "nobody"), client.restore_version("codechat", "nobody", good.version)):
        with pytest.raises(NoSuchInstance):
            await call


@asynchronous
async def test_a_checkpoint_brings_what_was_written_into_its_files(client: Client, worker: RunningWorker) -> None:
    await client.write("codechat", "sales", "creds", creds(1))
    await client.checkpoint()
    assert (worker.folder / "codechat" / "sales" / "creds").read_text() == creds(1)


@asynchronous
async def test_a_dropped_instance_is_brought_back_under_its_own_name_or_another(client: Client) -> None:
    assert await client.drops() == []
    await client.write("codechat", "sales", "creds", creds(1))
    await client.drop_instance("codechat", "sales")
    [drop] = await client.drops()
    assert (drop.group, drop.instance, drop.files, drop.bytes) == ("codechat", "sales", 1, len(creds(1)))
    assert drop.when > 1_600_000_000_000
    await client.create_instance("codechat", "sales")
    with pytest.raises(NameTaken) as refused:
        await client.restore_instance("codechat", "sales", drop.drop)
    assert refused.value.status == 409
    await client.restore_instance("codechat", "sales", drop.drop, "ação 100%")
    assert await client.instances("codechat") == ["ação 100%", "sales"]
    assert await client.read("codechat", "ação 100%", "creds") == creds(1).encode()
    with pytest.raises(NoSuchDrop):
        await client.restore_instance("codechat", "sales", drop.drop, "another")
    await client.drop_instance("codechat", "ação 100%")
    [drop] = [drop for drop in await client.drops() if drop.instance == "ação 100%"]
    await client.restore_instance(drop.group, drop.instance, drop.drop)
    assert await client.read("codechat", "ação 100%", "creds") == creds(1).encode()


AWKWARD_KEYS = [
    "app-state-sync-key-AA/+on==",
    "a/b/c",
    "a//b",
    "/a",
    "a/",
    "a//",
    "/",
    "100%",
    "%2F",
    "%252F",
    "a+b c",
    "?q=1&r=2",
    "a#b",
    "a;b=c",
    "sender-key-1203@g.us::123_1::5",
    "ação",
    "会話/😀",
    "\N{COMBINING ACUTE ACCENT}e",
    ".hidden",
    "...",
    "a\\b",
    "\x01\x7f\n",
    "list-instances",
]


@asynchronous
async def test_awkward_keys_are_all_kept_apart(client: Client) -> None:
    for number, key in enumerate(AWKWARD_KEYS):
        await client.write("codechat", "sales", key, str(number))
    for number, key in enumerate(AWKWARD_KEYS):
        assert await client.read("codechat", "sales", key) == str(number).encode(), key
    for key in AWKWARD_KEYS:
        await client.delete("codechat", "sales", key)
        assert await client.read("codechat", "sales", key) is None, key


@asynchronous
@pytest.mark.parametrize("name", ["ação", "a b", "100%", "%2F", "a+b", "?q#f", "list-instances", "session"])
async def test_awkward_groups_and_instances_are_kept(client: Client, name: str) -> None:
    await client.create_instance(name, name)
    await client.write(name, name, "session-1", "1")
    assert await client.instances(name) == [name]
    assert await client.read(name, name, "session-1") == b"1"
    await client.drop_instance(name, name)
    assert await client.instances(name) == []


def is_allowed_key(key: str) -> bool:
    try:
        check_key(key)
    except errors.NameNotAllowed:
        return False
    return True


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)

one_worker_for_all_examples = settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@one_worker_for_all_examples
@given(
    key=st.text(min_size=1).filter(is_allowed_key), value=json_values, ascii_only=st.booleans(), spaced=st.booleans()
)
@asynchronous
async def test_any_json_under_any_key_comes_back_byte_for_byte(
    client: Client, key: str, value: object, *, ascii_only: bool, spaced: bool
) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only, indent=1 if spaced else None)
    await client.write("codechat", "sales", key, text)
    assert await client.read("codechat", "sales", key) == text.encode()


@asynchronous
@pytest.mark.parametrize(
    "text", [r'"\ud83d"', '{"b":1,"a":1,"a":2}', " [1.0, 1e400, -0]\n", '"/\\/\\u0000\u2028"', "null"]
)
async def test_json_that_a_parser_would_change_comes_back_unchanged(client: Client, text: str) -> None:
    await client.write("codechat", "sales", "k", text)
    assert await client.read("codechat", "sales", "k") == text.encode()
    await client.write("codechat", "sales", "k", text.encode())
    assert await client.read("codechat", "sales", "k") == text.encode()


@asynchronous
async def test_a_value_of_30_mib_comes_back_byte_for_byte(client: Client) -> None:
    value = b'"' + b"0123456789abcdef" * (30 * MIB // 16 - 1) + b'"'
    await client.write("codechat", "sales", "big", value)
    assert await client.read("codechat", "sales", "big") == value


@asynchronous
async def test_two_hundred_calls_at_once_share_the_connections(worker: RunningWorker) -> None:
    async with Client(worker.url, worker.token, connections=20) as client:
        await client.create_instance("codechat", "sales")
        await gatherResults([start(client.write("codechat", "sales", f"key-{n}", str(n))) for n in range(200)])
        used = set(worker.site.channels)
        assert 1 < len(used) <= 20
        values = await gatherResults([start(client.read("codechat", "sales", f"key-{n}")) for n in range(200)])
        assert values == [str(n).encode() for n in range(200)]
        assert worker.site.channels == used  # the reads came on the connections of the writes


# What the worker refuses


@asynchronous
async def test_a_wrong_token_is_refused_by_every_verb_but_ping_and_health(worker: RunningWorker) -> None:
    async with Client(worker.url, "another-token") as client:
        for call in (
            client.create_group("codechat"),
            client.create_instance("codechat", "sales"),
            client.instances("codechat"),
            client.write("codechat", "sales", "creds", "{}"),
            client.write("codechat", "sales", "creds", '"' + "x" * MIB + '"'),
            client.read("codechat", "sales", "creds"),
            client.delete("codechat", "sales", "creds"),
            client.drop_instance("codechat", "sales"),
            client.groups(),
            client.drop_group("codechat"),
            client.describe("codechat"),
            client.versions("codechat", "sales"),
            client.restore_version("codechat", "sales", "1-0.0123456789ab.1"),
            client.checkpoint(),
            client.drops(),
            client.restore_instance("codechat", "sales", "1-0"),
            client.restore_instance("codechat", "sales", "1-0", "another"),
        ):
            with pytest.raises(Unauthorized) as refused:
                await call
            assert refused.value.status == 401


@asynchronous
async def test_what_is_missing_is_told_apart(client: Client) -> None:
    assert await client.read("codechat", "sales", "creds") is None
    for call in (client.read("codechat", "unknown", "creds"), client.write("codechat", "unknown", "creds", "{}")):
        with pytest.raises(NoSuchInstance):
            await call
    for call in (client.read("unknown", "sales", "creds"), client.write("unknown", "sales", "creds", "{}")):
        with pytest.raises(NoSuchGroup):
            await call
    with pytest.raises(NoSuchGroup):
        await client.instances("unknown")
    await client.delete("codechat", "unknown", "creds")
    await client.drop_instance("codechat", "unknown")


@asynchronous
async def test_names_and_values_that_the_worker_does_not_take_are_refused(client: Client) -> None:
    await client.write("codechat", "sales", "creds", "{}")
    for call in (
        client.create_group(""),
        client.create_group("a/b"),
        client.create_instance("codechat", ".."),
        client.create_instance("code/chat", "sales"),
        client.drop_instance("codechat", "sales/creds"),
        client.write("codechat", "sales", "a/../b", "{}"),
        client.write("codechat", "sales", "k" * 256, "{}"),
        client.write("codechat", "sales", "creds", "{"),
        client.write("codechat", "sales", "creds", ""),
        client.write("codechat", "sales", "creds", b"\xef\xbb\xbf{}"),
        client.delete("codechat", "sales", ""),
        client.delete("codechat", "sales", ".."),
        client.drop_group("code/chat"),
        client.describe(".."),
        client.versions("codechat", "sales/creds"),
        client.restore_version("codechat", "..", "1-0.0123456789ab.1"),
        client.restore_instance("codechat", "sales", "1-0", "a/b"),
        client.restore_instance("codechat", "sales/creds", "1-0"),
    ):
        with pytest.raises(NotAllowed) as refused:
            await call
        assert refused.value.status == 400
        assert "form" not in refused.value.message  # the worker's own sentence
    assert await client.instances("codechat") == ["sales"]
    assert await client.read("codechat", "sales", "creds") == b"{}"


@asynchronous
async def test_text_that_utf_8_cannot_hold_is_not_sent(client: Client) -> None:
    for call in (
        client.create_group("\ud83d"),
        client.read("codechat", "sales", "\ud83d"),
        client.versions("codechat", "\ud83d"),
        client.restore_instance("codechat", "sales", "1-0", "\ud83d"),
        client.write("codechat", "sales", "creds", '"\ud83d"'),
        client.write("codechat", "sales", "creds", b'"\xff"'),
    ):
        with pytest.raises(ValueError, match="UTF-8"):
            await call


@asynchronous
async def test_a_value_over_the_limit_is_refused_and_the_client_goes_on(tmp_path: Path) -> None:
    async with running_worker(tmp_path, body_size=2 * MIB) as worker, Client(worker.url, worker.token) as client:
        await client.create_instance("codechat", "sales")
        await client.write("codechat", "sales", "creds", "{}")
        with pytest.raises(BodyTooLarge, match="2 MiB") as refused:
            await client.write("codechat", "sales", "creds", '"' + "x" * 4 * MIB + '"')
        assert refused.value.status == 413
        assert await client.read("codechat", "sales", "creds") == b"{}"


@asynchronous
async def test_a_worker_with_too_much_to_do_says_when_to_come_back(tmp_path: Path) -> None:
    async with running_worker(tmp_path, longest_queue=0) as worker, Client(worker.url, worker.token) as client:
        with pytest.raises(Unavailable) as refused:
            await client.create_group("codechat")
        assert (refused.value.status, refused.value.retry_after) == (503, 1)


class FailingStore(FileStore):
    """A store that refuses every change with `refusal`."""

    refusal: errors.WorkerError

    def commit(self, changes: Any) -> list[errors.WorkerError | None]:
        return [self.refusal for _ in changes]


@asynchronous
@pytest.mark.parametrize(
    ("refusal", "expected", "retry_after"),
    [
        (errors.NoSpace(), NoSpace, None),
        (errors.StoreUnavailable(), Unavailable, 5),
        (errors.WorkerError(), Refused, None),
    ],
)
async def test_what_the_store_cannot_do_reaches_the_program(
    tmp_path: Path, refusal: errors.WorkerError, expected: type[Refused], retry_after: int | None
) -> None:
    store = FailingStore(tmp_path)
    store.refusal = refusal
    async with running_worker(tmp_path, store=store) as worker, Client(worker.url, worker.token) as client:
        with pytest.raises(Refused) as refused:
            await client.create_group("codechat")
        assert type(refused.value) is expected
        assert refused.value.status == refusal.status
        assert refused.value.message == refusal.message
        assert str(refused.value) == f"{refusal.status.value}: {refusal.message}"
        assert refused.value.retry_after == retry_after


# Servers that are no worker, or a bad one


class ScriptedConnection(Protocol):
    """One connection to a `ScriptedServer`."""

    factory: ScriptedServer
    _received = b""

    def connectionMade(self) -> None:
        self.factory.connections.append(self)
        self.factory.open.add(self)

    def connectionLost(self, _: Failure = connectionDone) -> None:
        self.factory.open.discard(self)

    def dataReceived(self, data: bytes) -> None:
        self._received += data
        end = b"}" if self._received.startswith(b"POST") else b"\r\n\r\n"  # of the requests that these tests make
        if not self._received.endswith(end):
            return
        self.factory.requests.append(self._received)
        self._received = b""
        self.factory.script(self, len(self.factory.requests))

    def send(self, data: bytes) -> None:
        assert self.transport is not None
        self.transport.write(data)

    def answer(self, status: int, body: bytes, *headers: str) -> None:
        lines = [f"HTTP/1.1 {status} Whatever", *headers, f"Content-Length: {len(body)}", "", ""]
        self.send("\r\n".join(lines).encode() + body)

    def close(self) -> None:
        assert self.transport is not None
        self.transport.loseConnection()

    def abort(self) -> None:
        transport: Any = self.transport
        transport.abortConnection()


Script = Callable[[ScriptedConnection, int], object]


class ScriptedServer(Factory):
    """Hands each request, with its number, to a script."""

    noisy = False

    def __init__(self, script: Script) -> None:
        self.script = script
        self.requests: list[bytes] = []
        self.connections: list[ScriptedConnection] = []
        self.open: set[ScriptedConnection] = set()
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def buildProtocol(self, _: IAddress | None) -> Any:
        connection = ScriptedConnection()
        connection.factory = self
        return connection


@asynccontextmanager
async def scripted_server(script: Script) -> AsyncIterator[ScriptedServer]:
    server = ScriptedServer(script)
    listening = reactor.listenTCP(0, server, interface="127.0.0.1")
    server.port = listening.getHost().port
    try:
        yield server
    finally:
        await maybeDeferred(listening.stopListening)
        for connection in set(server.open):
            connection.abort()
        await wait_until(lambda: not server.open)


def say_nothing(connection: ScriptedConnection, number: int) -> None:
    pass


def stall_in_the_body(connection: ScriptedConnection, number: int) -> None:
    connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345")


def stall_in_the_headers(connection: ScriptedConnection, number: int) -> None:
    connection.send(b"HTTP/1.1 200 OK\r\nContent-")


def drip(connection: ScriptedConnection, number: int) -> None:
    """Send a byte of a long body each 20 ms, for ever."""
    connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n")

    def send_one() -> None:
        if connection in connection.factory.open:
            connection.send(b"1")
            reactor.callLater(0.02, send_one)

    send_one()


STALLS = [say_nothing, stall_in_the_headers, stall_in_the_body, drip]


@asynchronous
@pytest.mark.parametrize("script", STALLS)
async def test_a_call_ends_at_its_time_limit_and_its_connection_with_it(script: Script) -> None:
    async with scripted_server(script) as server, Client(server.url, TOKEN, time_limit=0.2) as client:
        for call in (
            lambda: client.read("codechat", "sales", "creds"),
            lambda: client.write("codechat", "sales", "creds", "{}"),
        ):
            began = reactor.seconds()
            with pytest.raises(TimedOut, match=r"0\.2 s"):
                await call()
            assert 0.15 < reactor.seconds() - began < 1
            await wait_until(lambda: not server.open)
        assert len(server.requests) == 2  # what took too long is not tried again


@asynchronous
async def test_a_large_value_that_is_not_taken_ends_at_the_time_limit() -> None:
    async with scripted_server(say_nothing) as server, Client(server.url, TOKEN, time_limit=0.3) as client:
        call = start(client.write("codechat", "sales", "creds", '"' + "x" * 20 * MIB + '"'))
        await wait_until(lambda: bool(server.open))
        transport: Any = next(iter(server.open)).transport
        transport.pauseProducing()
        with pytest.raises(TimedOut):
            await call
        transport.resumeProducing()
        await wait_until(lambda: not server.open)


@asynchronous
async def test_the_wait_for_a_connection_is_part_of_the_time() -> None:
    async with (
        scripted_server(say_nothing) as server,
        Client(server.url, TOKEN, time_limit=0.3, connections=1) as client,
    ):
        first = start(client.ping())
        await deferLater(reactor, 0.1)
        began = reactor.seconds()
        second = start(client.ping())
        with pytest.raises(TimedOut):
            await first
        with pytest.raises(TimedOut):
            await second
        assert reactor.seconds() - began < 0.6
        assert len(server.requests) <= 2


@asynchronous
@pytest.mark.parametrize("script", STALLS)
async def test_a_call_that_the_program_gives_up_is_cancelled_and_its_connection_closed(script: Script) -> None:
    async with scripted_server(script) as server, Client(server.url, TOKEN) as client:
        call = start(client.read("codechat", "sales", "creds"))
        await wait_until(lambda: len(server.requests) == 1)
        await deferLater(reactor, 0.02)
        call.cancel()
        with pytest.raises(CancelledError):
            await call
        await wait_until(lambda: not server.open)


@asynchronous
async def test_a_worker_that_is_not_there_is_told(tmp_path: Path) -> None:
    async with running_worker(tmp_path) as worker:
        url = worker.url
    async with Client(url, TOKEN) as client:
        for call in (client.ping(), client.write("codechat", "sales", "creds", "{}")):
            with pytest.raises(ConnectionFailed, match=rf"{url}: .*refused"):
                await call


@asynchronous
async def test_a_host_that_does_not_exist_is_told() -> None:
    def know_no_host(receiver: Any, *_: object, **__: object) -> None:
        receiver.resolutionBegan(None)
        receiver.resolutionComplete()

    name_service = Mock()
    name_service.resolveHostName = know_no_host
    directlyProvides(name_service, IHostnameResolver)
    usual = reactor.installNameResolver(name_service)
    try:
        async with Client("http://worker.example:5656", TOKEN) as client:
            with pytest.raises(ConnectionFailed, match=r"hostname lookup: worker\.example"):
                await client.ping()
    finally:
        reactor.installNameResolver(usual)


def close_instead_of_answering_the_second(connection: ScriptedConnection, number: int) -> None:
    if number == 2:
        connection.abort()
    elif connection.factory.requests[-1].startswith(b"POST"):
        connection.send(b"HTTP/1.1 204 No Content\r\n\r\n")
    else:
        connection.answer(200, b"pong" if connection.factory.requests[-1].startswith(b"OPTIONS") else b"1")


@asynchronous
async def test_a_read_on_a_connection_that_the_worker_closes_is_tried_again_on_another() -> None:
    async with scripted_server(close_instead_of_answering_the_second) as server, Client(server.url, TOKEN) as client:
        await client.ping()
        assert await client.read("codechat", "sales", "creds") == b"1"
        assert len(server.requests) == 3
        assert len(server.connections) == 2


@asynchronous
async def test_a_write_on_a_connection_that_the_worker_closes_is_not_repeated_but_told() -> None:
    async with scripted_server(close_instead_of_answering_the_second) as server, Client(server.url, TOKEN) as client:
        await client.ping()
        with pytest.raises(ConnectionFailed):
            await client.write("codechat", "sales", "creds", "{}")
        assert len(server.requests) == 2
        await client.write("codechat", "sales", "creds", "{}")
        assert len(server.connections) == 2


@asynchronous
async def test_connections_that_a_stopped_worker_closed_are_not_used_again(tmp_path: Path) -> None:
    async with running_worker(tmp_path) as worker:
        client = Client(worker.url, worker.token)
        await client.create_instance("codechat", "sales")
    with pytest.raises(ConnectionFailed, match="refused"):
        await client.write("codechat", "sales", "creds", "{}")
    await client.close()


def test_connections_are_given_up_long_before_the_worker_would_close_them() -> None:
    assert 2 * KEEP_IDLE_SECONDS <= IDLE_SECONDS


@asynchronous
async def test_idle_connections_are_closed_by_the_client(
    worker: RunningWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exchange, "KEEP_IDLE_SECONDS", 0.1)
    async with Client(worker.url, worker.token) as client:
        await client.ping()
        assert len(worker.site.channels) == 1
        await wait_until(lambda: not worker.site.channels)
        await client.ping()


def answer_a_part(connection: ScriptedConnection, number: int) -> None:
    connection.send(b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"secret":')
    connection.close()


def answer_without_an_end(connection: ScriptedConnection, number: int) -> None:
    connection.send(b'HTTP/1.1 200 OK\r\n\r\n{"secret":')
    connection.close()


def answer_what_is_not_http(connection: ScriptedConnection, number: int) -> None:
    connection.send(b'{"secret":1}\r\n\r\n')


@asynchronous
@pytest.mark.parametrize("script", [answer_a_part, answer_without_an_end, answer_what_is_not_http])
async def test_half_an_answer_is_none_and_is_not_shown(script: Script) -> None:
    async with scripted_server(script) as server, Client(server.url, TOKEN) as client:
        with pytest.raises(ConnectionFailed) as failed:
            await client.read("codechat", "sales", "creds")
        assert "secret" not in "".join(traceback.format_exception(failed.value))
        await wait_until(lambda: not server.open)


HTML = b"<html>Bad Gateway</html>"


@asynchronous
@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (404, HTML, NotFound),
        (404, b'{"statusCode":404,"error":"Not Found","message":["Something is missing."]}', NotFound),
        (404, error_body(errors.NotFound()), NotFound),
        (413, HTML, BodyTooLarge),
        (502, HTML, Refused),
        (500, b"", Refused),
        (500, b'{"message":"text"}', Refused),
        (500, b'{"message":["\xff"]}', Refused),
        (500, b"[" * 100_000, Refused),
        (500, b'{"more":' + b"[" * 100_000, Refused),
        (503, HTML, Unavailable),
        (599, HTML, Refused),
        (204, b"", UnexpectedAnswer),
        (206, b"{}", UnexpectedAnswer),
        (302, HTML, Refused),
    ],
)
async def test_no_answer_but_the_workers_own_makes_a_key_look_empty(
    status: int, body: bytes, expected: type[Refused]
) -> None:
    def script(connection: ScriptedConnection, number: int) -> None:
        if status == 204:
            connection.send(b"HTTP/1.1 204 No Content\r\n\r\n")
        else:
            connection.answer(status, body, "Location: /elsewhere", "Retry-After: Fri, 31 Dec 1999 23:59:59 GMT")

    async with scripted_server(script) as server, Client(server.url, TOKEN) as client:
        with pytest.raises(Refused) as refused:
            await client.read("codechat", "sales", "creds")
        assert type(refused.value) is expected
        assert refused.value.status == status
        assert refused.value.retry_after is None
        assert len(server.requests) == 1


@asynchronous
@pytest.mark.parametrize("body", [b"{}", b"[1]", b"null", b"", b'["\xff"]', b'["a"'])
async def test_a_server_that_is_no_worker_is_noticed(body: bytes) -> None:
    async with (
        scripted_server(lambda connection, _: connection.answer(200, body)) as server,
        Client(server.url, TOKEN) as client,
    ):
        for call in (
            client.ping(),
            client.health(),
            client.instances("codechat"),
            client.describe("codechat"),
            client.versions("codechat", "sales"),
            client.restore_instance("codechat", "sales", "1-0", "another"),
            client.drops(),
            client.write("codechat", "sales", "creds", "{}"),
        ):
            with pytest.raises(UnexpectedAnswer):
                await call


@asynchronous
async def test_a_redirect_is_not_followed_so_that_the_token_goes_nowhere_else(worker: RunningWorker) -> None:
    def script(connection: ScriptedConnection, number: int) -> None:
        connection.answer(307, b"", f"Location: {worker.url}/ping")

    async with scripted_server(script) as server, Client(server.url, TOKEN) as client:
        with pytest.raises(Refused) as refused:
            await client.ping()
        assert refused.value.status == 307
        assert not worker.site.channels


# The client itself


@asynchronous
async def test_the_token_is_in_the_request_and_in_no_text_that_a_program_might_log(tmp_path: Path) -> None:
    token = "THE-SECRET"
    texts = []

    async def fail(client: Client) -> None:
        texts.extend([repr(client), str(client)])
        with pytest.raises(ClientError) as failed:
            await client.write("codechat", "sales", "creds", '{"private":1}')
        texts.append("".join(traceback.format_exception(failed.value)))
        texts.extend([repr(failed.value), str(failed.value), Failure(failed.value).getTraceback()])

    for script in (say_nothing, stall_in_the_body, lambda connection, _: connection.abort(), answer_a_part):
        async with scripted_server(script) as server, Client(server.url, token, time_limit=0.1) as client:
            await fail(client)
            assert f"apikey: {token}\r\n".encode() in server.requests[0].replace(b"Apikey", b"apikey")
    async with Client(server.url, token) as client:
        await fail(client)
    async with running_worker(tmp_path) as worker, Client(worker.url, token) as client:
        await fail(client)
    assert len(texts) == 36
    for text in texts:
        assert token not in text
        assert "private" not in text.replace("""'{"private":1}'""", "")  # this test's own source, in a traceback


@pytest.mark.parametrize("token", ["", " xyzzy", "xyzzy ", "abc\n", "abc\r\nX: y", "t\u00f6ken", "abc\x00"])
def test_a_token_that_cannot_be_sent_is_refused_and_not_shown(token: str) -> None:
    with pytest.raises(ValueError, match="token must be") as refused:
        Client("http://127.0.0.1:5656", token)
    assert not token or token not in "".join(traceback.format_exception_only(refused.value))


@pytest.mark.parametrize(
    "url",
    [
        "",
        "127.0.0.1:5656",
        "ftp://host",
        "http://",
        "http:///path",
        "http://user:secret@host",
        "http://host/?a",
        "http://h#f",
    ],
)
def test_a_url_that_makes_no_sense_is_refused_and_not_shown(url: str) -> None:
    with pytest.raises(ValueError, match="The URL") as refused:
        Client(url, TOKEN)
    assert "secret" not in str(refused.value)


@asynchronous
async def test_a_url_may_have_a_path_in_front() -> None:
    def script(connection: ScriptedConnection, number: int) -> None:
        connection.answer(200, b"[]")

    async with scripted_server(script) as server, Client(server.url + "/worker/", TOKEN) as client:
        assert await client.instances("codechat") == []
        assert server.requests[0].startswith(b"GET /worker/session/codechat/list-instances HTTP/1.1\r\n")


@asynchronous
async def test_closing_lets_calls_end_and_takes_no_new_ones(worker: RunningWorker) -> None:
    client = Client(worker.url, worker.token, connections=3)
    await client.create_instance("codechat", "sales")
    writes = [start(client.write("codechat", "sales", f"key-{n}", str(n))) for n in range(10)]
    closed = client.close()
    await closed
    assert all(write.called for write in writes)
    await gatherResults(writes)
    await wait_until(lambda: not worker.site.channels)
    with pytest.raises(RuntimeError, match="closed"):
        await client.ping()
    await client.close()
    async with Client(worker.url, worker.token) as another:
        assert await another.read("codechat", "sales", "key-9") == b"9"


@asynchronous
async def test_a_program_can_bring_an_agent_of_its_own(worker: RunningWorker) -> None:
    asked = []

    class CountingAgent(Agent):
        def request(self, method: bytes, uri: bytes, *arguments: Any, **options: Any) -> Any:
            asked.append(method)
            return super().request(method, uri, *arguments, **options)

    async with Client(worker.url, worker.token, agent=CountingAgent(reactor), reactor=reactor) as client:
        await client.ping()
        await client.create_group("codechat")
    assert asked == [b"OPTIONS", b"POST"]
