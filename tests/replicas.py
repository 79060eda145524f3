"""Several workers on one database, behind one address that asks them in turn."""

from __future__ import annotations

import http.client
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count, cycle
from threading import Lock, Thread

from tests.postgres.network import Machine
from tests.process import ProcessError, WorkerProcess

PATIENCE = 30.0


class Replicas:
    """Workers on one database. What a test does to one worker is done here to all of them, or to the next."""

    def __init__(self, workers: list[WorkerProcess], port: int) -> None:
        self.workers = workers
        self.token = workers[0].token
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self._turns = cycle(workers)

    def next(self) -> WorkerProcess:
        """Return the worker whose turn it is."""
        return next(self._turns)

    def kill(self) -> None:
        """Kill all of them at once."""
        for worker in self.workers:
            worker.kill()

    def start(self) -> None:
        """Start those that do not run."""
        for worker in self.workers:
            if not worker.running:
                worker.start()

    def wait_until_ready(self) -> None:
        """Wait until all of them answer."""
        for worker in self.workers:
            worker.wait_until_ready()

    def start_at_last(self, seconds: float = 60) -> None:
        """Start those that do not run, again and again as a service manager does, until all of them answer."""
        deadline = time.monotonic() + seconds
        while True:
            self.start()
            try:
                return self.wait_until_ready()
            except ProcessError:
                if time.monotonic() > deadline:
                    raise

    @property
    def failures(self) -> list[str]:
        """What nobody foresaw, of all of them."""
        return [line for worker in self.workers for line in worker.failures]


class Distributor(ThreadingHTTPServer):
    """Asks workers in turn, request by request; one that takes no connection is passed over.

    Where none takes one, callers wait for so many seconds as it has `patience`.
    """

    daemon_threads = True
    request_queue_size = 1024

    def __init__(self, patience: float) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.patience = patience
        self._lock = Lock()
        self._workers: list[WorkerProcess] = []
        self._turns = count()

    def distribute(self, workers: list[WorkerProcess]) -> None:
        """Ask these from now on."""
        with self._lock:
            self._workers = workers

    def _next_workers(self) -> list[WorkerProcess]:
        """Return all workers, first the one whose turn it is."""
        with self._lock:
            turn = next(self._turns) % max(1, len(self._workers))
            return self._workers[turn:] + self._workers[:turn]

    def ask(
        self, method: str, path: str, body: bytes, headers: dict[str, str]
    ) -> tuple[int, list[tuple[str, str]], bytes]:
        """Return what a worker answers, or 502."""
        deadline = time.monotonic() + self.patience
        while True:
            for worker in self._next_workers():
                with suppress(ConnectionRefusedError):
                    return self._ask(worker, method, path, body, headers)
            if time.monotonic() >= deadline:
                return 502, [], b""
            time.sleep(0.01)

    @staticmethod
    def _ask(
        worker: WorkerProcess, method: str, path: str, body: bytes, headers: dict[str, str]
    ) -> tuple[int, list[tuple[str, str]], bytes]:
        """Ask one. Raises ConnectionRefusedError where nothing listens."""
        with closing(http.client.HTTPConnection(worker.host, worker.port, timeout=PATIENCE)) as connection:
            connection.connect()
            try:
                connection.request(method, path, body or None, headers)
                answer = connection.getresponse()
                return answer.status, answer.getheaders(), answer.read()
            except (OSError, http.client.HTTPException):
                return 502, [], b""  # it may have been done: nobody asks twice


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Distributor

    def handle_one_request(self) -> None:
        self.raw_requestline = self.rfile.readline(65537)
        if not self.raw_requestline or not self.parse_request():
            self.close_connection = True
            return
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {name: value for name, value in self.headers.items() if name.lower() not in {"connection", "host"}}
        status, answered, data = self.server.ask(self.command, self.path, body, headers)
        self.send_response_only(status)
        for name, value in answered:
            if name.lower() not in {"connection", "content-length", "transfer-encoding", "keep-alive"}:
                self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


@contextmanager
def distributing(patience: float = 0) -> Iterator[Distributor]:
    """Run what asks workers in turn; none are there at first."""
    with Distributor(patience) as distributor:
        serving = Thread(target=distributor.serve_forever, kwargs={"poll_interval": 0.05})
        serving.start()
        try:
            yield distributor
        finally:
            distributor.shutdown()
            serving.join(PATIENCE)


@contextmanager
def replicas(store: str, number: int = 3, machine: Machine | None = None) -> Iterator[Replicas]:
    """Run some workers on a database, and what asks them in turn; the last one on a machine, if one is given."""
    with ExitStack() as stack:
        distributor = stack.enter_context(distributing())
        workers = [WorkerProcess(store)]
        workers += [WorkerProcess(store, token=workers[0].token) for _ in range(number - 1)]
        if machine is not None:
            workers[-1].before, workers[-1].host = machine.enter, machine.address
        for worker in workers:
            stack.enter_context(worker)
        distributor.distribute(workers)
        yield Replicas(workers, distributor.server_address[1])
