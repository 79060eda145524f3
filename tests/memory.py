"""The whole worker inside the test's process: real site, gate, tree, threads and store, but no sockets and no waiting.

A connection is two byte strings, and time passes when the test says so. What is sent arrives at once and in the order
in which the test sent it; `settle` then waits for the threads, and for nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue
from threading import Event
from typing import Any, Literal, Self

import pytest
from twisted.internet.address import IPv4Address
from twisted.internet.error import ConnectionAborted, ConnectionDone
from twisted.internet.interfaces import ILoggingContext, IProducer, IPushProducer, ITCPTransport
from twisted.internet.task import Clock
from twisted.logger import LogEvent, LogLevel, eventAsText, globalLogPublisher
from twisted.python.failure import Failure
from zope.interface import implementer

from sessionworker.errors import WorkerError
from sessionworker.http.channel import WorkerChannel
from sessionworker.names import SessionFile
from sessionworker.offload import LONGEST_QUEUE, Offload
from sessionworker.stores.changes import Batch, Entry, PurgeDrop
from sessionworker.stores.files.store import FileStore
from sessionworker.stores.interface import Unknown
from sessionworker.stores.rules.versions import Keep
from sessionworker.web.build import CONNECTIONS, build_site
from sessionworker.web.metrics import Metrics
from sessionworker.wire import DropSummary, InstanceSummary, VersionSummary
from tests.answers import Answer, read_answers
from tests.server import TOKEN

PACKET = 64 * 1024
"""Bytes that a transport of Twisted reads at a time at most, and those that it keeps to be sent before it is full."""

LONGEST_WAIT = 20.0
"""Seconds after which a thread that does not answer is a failure."""


class Reactor(Clock):
    """A clock that moves by hand, and takes calls from threads."""

    def __init__(self) -> None:
        super().__init__()
        self._calls: SimpleQueue[tuple[Callable[..., object], tuple[object, ...]]] = SimpleQueue()

    def callFromThread(self, callable: Callable[..., object], *args: object) -> None:  # noqa: A002 - its name
        self._calls.put((callable, args))

    def run_one_call(self) -> None:
        """Run what a thread asked for next, waiting for it if need be."""
        function, arguments = self._calls.get(timeout=LONGEST_WAIT)
        function(*arguments)


class RecordingStore(FileStore):
    """A store that notes what it is asked."""

    def __init__(self, folder: Path, **options: Any) -> None:
        self.calls: list[object] = []
        super().__init__(folder, sync=False, segment_size=2**16, **options)

    def prepare(self, batch: Batch) -> Batch:
        self.calls.append(batch)
        return super().prepare(batch)

    def commit(self, entries: Sequence[Entry]) -> list[WorkerError | None]:
        self.calls += entries
        return super().commit(entries)

    def read(self, file: SessionFile) -> bytes | None:
        self.calls.append(file)
        return super().read(file)

    def recall(self, file: SessionFile) -> bytes | Literal[Unknown.UNKNOWN] | None:
        self.calls.append(file)
        return super().recall(file)

    def groups(self) -> list[str]:
        self.calls.append("groups")
        return super().groups()

    def instances(self, group: str) -> list[str]:
        self.calls.append(group)
        return super().instances(group)

    def describe(self, group: str) -> list[InstanceSummary]:
        self.calls.append(group)
        return super().describe(group)

    def versions(self, group: str, name: str) -> list[VersionSummary]:
        self.calls.append((group, name))
        return super().versions(group, name)

    def read_version(self, group: str, name: str, version: str) -> bytes:
        self.calls.append((group, name, version))
        return super().read_version(group, name, version)

    def drops(self) -> list[DropSummary]:
        self.calls.append("drops")
        return super().drops()

    def checkpoint(self) -> None:
        self.calls.append("checkpoint")
        super().checkpoint()

    def drops_before(self, when: int) -> list[PurgeDrop]:
        self.calls.append("drops before")
        return super().drops_before(when)

    def check_creds(self, group: str, name: str) -> None:
        self.calls.append((group, name))
        super().check_creds(group, name)

    def check(self) -> None:
        self.calls.append("check")
        super().check()


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
        """The client ends its side, and still reads."""
        self._channel.readConnectionLost()

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


class Connection:
    """The client's end of a connection."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        channel = worker.site.buildProtocol(IPv4Address("TCP", "127.0.0.1", 50000))
        assert isinstance(channel, WorkerChannel)
        self.channel = channel
        self.transport = Transport(self.channel)
        self.channel.makeConnection(self.transport)

    def send(self, data: bytes) -> None:
        """Send bytes, and let the worker take them as far as it can without its threads."""
        if self.transport.connected:
            self.transport.arrive(data)
        self._worker.flush()

    def end_sending(self) -> None:
        """End the client's side, as shutdown(2) does; what the worker still says is read."""
        self.transport.end_sending()
        self._worker.flush()

    def answers_so_far(self, *methods: str) -> list[Answer]:
        """Return the answers that came at once or before, waiting for no thread."""
        self._worker.flush()
        return read_answers(bytes(self.transport.received), methods)

    def close(self) -> None:
        """Hang up."""
        self.transport.go_away()

    def answers(self, *methods: str) -> list[Answer]:
        """Return the answers that came so far, to requests with these methods (GET where none is given)."""
        self._worker.settle()
        return read_answers(bytes(self.transport.received), methods)

    @property
    def is_open(self) -> bool:
        """Whether the worker has neither closed the connection nor ended its side of it."""
        return self.transport.connected and not self.transport.ended_writing


class HeldUp:
    """A store that hangs."""

    def __init__(self) -> None:
        self._called: SimpleQueue[None] = SimpleQueue()
        self._goes_on = Event()

    def hold(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Make a function that waits until `let_go` before it does what `function` does."""

        def wait(*arguments: object) -> Any:
            self._called.put(None)
            assert self._goes_on.wait(LONGEST_WAIT)
            return function(*arguments)

        return wait

    def wait_until_called(self) -> None:
        """Wait until a thread hangs that did not when this was called before."""
        self._called.get(timeout=LONGEST_WAIT)

    def let_go(self) -> None:
        """Let everything go on, now and from now on."""
        self._goes_on.set()


class Worker:
    """A worker on a folder; as a context manager it is stopped at the end, and must have had no failure unforeseen."""

    def __init__(
        self,
        folder: Path,
        *,
        body_size: int = 32 * 2**20,
        http_logs: bool = True,
        longest_queue: int = LONGEST_QUEUE,
        connections: int = CONNECTIONS,
        keep: Keep = Keep(),  # noqa: B008 - it is frozen
    ) -> None:
        self.folder = folder
        self.token = TOKEN
        self.reactor = Reactor()
        self.log: list[str] = []
        self.failures: list[str] = []
        self._observer: Any = self._note  # a function will do, whatever its type says
        self.reports: list[str] = []
        """What the store told the operator."""
        self.metrics = Metrics()
        self.store = RecordingStore(
            folder,
            report=self.reports.append,
            observe_sync=self.metrics.sync,
            keep=keep,
        )
        self.offload = Offload(self.reactor, self.store, threads=2, longest_queue=longest_queue)
        self.site = build_site(
            self.offload,
            TOKEN.encode(),
            metrics=self.metrics,
            body_size=body_size,
            connections=connections,
            http_logs=http_logs,
            reactor=self.reactor,
        )
        self.metrics.watch(self.store.figures, self.offload.gauges, self.site.figures, self.store.room)
        self._connections: list[Connection] = []

    def __enter__(self) -> Self:
        globalLogPublisher.addObserver(self._observer)
        self.offload.start()
        self.site.doStart()
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()
        globalLogPublisher.removeObserver(self._observer)
        assert self.failures == []

    def stop(self) -> None:
        """Hang up everywhere, let the threads finish and close the store."""
        for connection in self._connections:
            connection.close()
        self.site.doStop()
        stopped: list[object] = []
        self.offload.stop().addBoth(stopped.append)
        while not stopped:
            self.reactor.run_one_call()
        assert stopped == [None]

    def connect(self) -> Connection:
        """Open a connection."""
        connection = Connection(self)
        self._connections.append(connection)
        return connection

    def flush(self) -> None:
        """Let every connection take and give what it can."""
        for connection in self._connections:
            connection.transport.flush()
        self._connections = [known for known in self._connections if known.transport.connected]

    def settle(self) -> None:
        """Wait until every request that came whole is answered."""
        self.flush()
        while any(connection.channel._handlingRequest for connection in self._connections):
            self.reactor.run_one_call()
            self.flush()

    @contextmanager
    def held_up(self, *methods: str) -> Iterator[HeldUp]:
        """Have the store hang in some of its methods until the block ends."""
        held = HeldUp()
        with pytest.MonkeyPatch.context() as patch:
            for method in methods:
                patch.setattr(self.store, method, held.hold(getattr(self.store, method)))
            try:
                yield held
            finally:
                held.let_go()

    def advance(self, seconds: float) -> None:
        """Let time pass, second by second."""
        self.reactor.pump([1.0] * int(seconds) + [seconds % 1])
        self.flush()

    def raw(self, data: bytes, *methods: str) -> list[Answer]:
        """Send bytes on a connection of their own, and return the answers to them."""
        connection = self.connect()
        connection.send(data)
        answers = connection.answers(*methods)
        connection.close()
        return answers

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        token: str | None = TOKEN,
        headers: Sequence[tuple[str, str]] = (),
    ) -> Answer:
        """Ask one thing, as a client does, on a connection of its own. A body that is not bytes is sent as JSON."""
        [answer] = self.raw(request(method, path, body, token=token, headers=headers), method)
        return answer

    def _note(self, event: LogEvent) -> None:
        text = eventAsText(event, includeTimestamp=False)
        self.log.append(text)
        if event["log_level"] >= LogLevel.error:
            self.failures.append(text)


def request(
    method: str,
    path: str,
    body: Any = None,
    *,
    token: str | None = TOKEN,
    headers: Sequence[tuple[str, str]] = (),
    version: str = "1.1",
) -> bytes:
    """Write a request down as it goes over the wire. A body that is not bytes is sent as JSON."""
    if body is not None and not isinstance(body, bytes):
        body = json.dumps(body).encode()
    lines = [f"{method} {path} HTTP/{version}", "Host: worker"]
    lines += [f"apikey: {token}"] if token is not None else []
    lines += [f"{name}: {value}" for name, value in headers]
    if body is not None:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + (body or b"")
