"""The whole worker inside the test's process: real site, gate, tree, threads and store, but no sockets and no waiting.

A connection is two byte strings, and time passes when the test says so. What is sent arrives at once and in the order
in which the test sent it; `settle` then waits for the threads, and for nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue
from threading import Event
from typing import Any, Self

import pytest
from twisted.internet.address import IPv4Address
from twisted.logger import LogEvent, LogLevel, eventAsText, globalLogPublisher

from sessionworker.access import Access, Role, Token
from sessionworker.certificates import Certificates
from sessionworker.http.channel import WorkerChannel
from sessionworker.offload import LONGEST_QUEUE, Offload
from sessionworker.stores.rules.versions import Keep
from sessionworker.web.build import CONNECTIONS, build_site
from sessionworker.web.metrics import Metrics
from sessionworker.web.page_links import PageLinks
from tests.answers import Answer, read_answers
from tests.openapi.description import check_status
from tests.reactor import LONGEST_WAIT, Reactor
from tests.recording import RecordingStore
from tests.server import TOKEN
from tests.transport import Transport


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

    def wait_until_called(self, seconds: float = LONGEST_WAIT) -> None:
        """Wait until a thread hangs that did not when this was called before. Raises Empty if none does."""
        self._called.get(timeout=seconds)

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
        hosts: frozenset[str] | None = None,
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
        self.access = Access([Token(Role.API, TOKEN.encode())])
        self.metrics = Metrics()
        self.store = RecordingStore(
            folder,
            report=lambda event: self.reports.append(event.text),
            observe_sync=self.metrics.sync,
            observe_checkpoint=self.metrics.checkpoint,
            keep=keep,
        )
        self.offload = Offload(self.reactor, self.store, threads=2, longest_queue=longest_queue)
        self.links = PageLinks()
        self.links.lead_to("tcp:5657:interface=127.0.0.1", lambda: "a-code")
        self.site = build_site(
            self.offload,
            self.access,
            metrics=self.metrics,
            links=self.links,
            body_size=body_size,
            connections=connections,
            hosts=hosts,
            http_logs=http_logs,
            reactor=self.reactor,
        )
        certificates = Certificates(self.reactor, self.metrics.certificate_stays)
        self.metrics.watch(
            self.store.figures,
            self.offload.gauges,
            self.site.figures,
            certificates.figures,
            self.store.room,
            lambda: {"drops_kept_seconds": 30 * 86_400, "webhook_waiting": 0},
        )
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
        """Ask one thing, as a client does, on a connection of its own. A body that is not bytes is sent as JSON.

        The answer has to have a status that docs/openapi.yaml describes.
        """
        [answer] = self.raw(request(method, path, body, token=token, headers=headers), method)
        check_status(method, path, answer.status)
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
