"""Clients that keep their connections, while the workers behind them are replaced one after the other."""

from __future__ import annotations

import http.client
import random
import select
import threading
import time
from collections.abc import Callable

PATIENCE = 20.0


class Client(threading.Thread):
    """Writes and reads, one request after the other, on a connection that it keeps as long as it may.

    As Node and nginx do it, it takes no connection for the next request that has been ended meanwhile; and it asks
    nothing twice.
    """

    def __init__(self, port: Callable[[], int], token: str, number: int, is_over: threading.Event) -> None:
        super().__init__()
        self._port = port
        self._headers = {"apikey": token, "Content-Type": "application/json"}
        self._path = f"/session/codechat/instance-{number}"
        self._is_over = is_over
        self._moment = random.Random(number)
        self._connection: http.client.HTTPConnection | None = None
        self.answered = 0
        self.connections = 0
        self.failed: list[str] = []

    def run(self) -> None:
        self._ask("POST", "/session/codechat", f'{{"instance": "{self._path.rpartition("/")[2]}"}}', 204)
        number = 0
        while not self._is_over.is_set():
            number += 1
            self._ask("POST", f"{self._path}/key", f'{{"data": "{number}"}}', 204)
            answer = self._ask("GET", f"{self._path}/key", None, 200)
            if answer not in {None, b"%d" % number}:
                self.failed.append(f"read {answer!r}, wrote {number}")
            if number % 10 == 0:
                time.sleep(self._moment.uniform(0, 0.05))
        if self._connection is not None:
            self._connection.close()

    def _ask(self, method: str, path: str, body: str | None, status: int) -> bytes | None:
        connection = self._connected()
        try:
            connection.request(method, path, body, self._headers)
            answer = connection.getresponse()
            data = answer.read()
        except (OSError, http.client.HTTPException) as error:
            self.failed.append(f"{method}: {type(error).__name__} after {self.answered} answers")
            connection.close()
            return None
        self.answered += 1
        if answer.status != status:
            self.failed.append(f"{method}: {answer.status} {data!r}")
        return data

    def _connected(self) -> http.client.HTTPConnection:
        kept = self._connection
        if kept is not None and kept.sock is not None and not select.select([kept.sock], [], [], 0)[0]:
            return kept
        if kept is not None:
            kept.close()
        self.connections += 1
        self._connection = http.client.HTTPConnection("127.0.0.1", self._port(), timeout=PATIENCE)
        return self._connection
