"""Clients that a worker must survive, as a program of its own: its work is not to slow down who measures.

    GLOBAL_AUTH_TOKEN=... python -m tests.storm steady PORT SECONDS CLIENTS
    GLOBAL_AUTH_TOKEN=... python -m tests.storm writers PORT SECONDS CLIENTS
    GLOBAL_AUTH_TOKEN=... python -m tests.storm slow PORT SECONDS CLIENTS

`steady` clients each send a write of 1.3 kB when the last one is answered. `writers` do the same, and connect again at
once when they were refused; one in twenty sends 4 MiB, one in fifty announces more than is allowed, and one in thirty
hangs up without waiting for the answer.

`slow` clients open a connection, send a byte of a header every few seconds, and connect again when they are cut off;
`ready` is printed when all of them are connected for the first time.

At the end one line of JSON is printed.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import socket
import sys
import time
from collections import Counter
from itertools import count
from typing import Any

from tests.answers import read_answers

SMALL = json.dumps({"data": json.dumps({"pad": "x" * 1300})}).encode()
LARGE = json.dumps({"data": json.dumps({"pad": "x" * 4 * 2**20})}).encode()
TOO_LARGE = 40 * 2**20
BYTE_SECONDS = 3.0
"""How often a slow client sends a byte."""

CONNECTS_A_SECOND = 2500

ARRIVING_SECONDS = 60.0
"""How long slow clients may take until all of them are there: a machine may have other things to do."""

SOURCES = 32
"""Addresses of the loopback network that connections come from: one has 28,000 ports, each in use for a minute."""

_numbers = count()


class State:
    """What all clients share."""

    def __init__(self, port: int, seconds: float) -> None:
        self.port = port
        self.head = f"apikey: {os.environ['GLOBAL_AUTH_TOKEN']}\r\nHost: worker\r\n".encode()
        self.counts: Counter[str] = Counter()
        self.ends = time.monotonic() + seconds

    @property
    def is_over(self) -> bool:
        return time.monotonic() > self.ends


async def connect(state: State) -> socket.socket:
    """Open a connection, from one of many addresses. Raises OSError."""
    connection = socket.socket()
    try:
        connection.setblocking(False)
        connection.setsockopt(socket.SOL_IP, 24, 1)  # IP_BIND_ADDRESS_NO_PORT: the port is chosen when it connects
        connection.bind((f"127.0.1.{1 + next(_numbers) % SOURCES}", 0))
        async with asyncio.timeout(20):
            await asyncio.get_running_loop().sock_connect(connection, ("127.0.0.1", state.port))
    except BaseException:
        connection.close()
        raise
    return connection


async def connect_at_last(state: State) -> socket.socket | None:
    """Try to connect until it succeeds; return None when the storm is over."""
    while not state.is_over:
        try:
            return await connect(state)
        except (OSError, TimeoutError):
            state.counts["not connected"] += 1
            await asyncio.sleep(0.1)
    return None


class Writer:
    """A client with a write ready at any time. If it is rude, it may be one of those that ask too much."""

    def __init__(self, state: State, number: int, *, rude: bool) -> None:
        self._state = state
        self._body = LARGE if rude and number % 20 == 1 else SMALL
        self._announced = TOO_LARGE if rude and number % 50 == 2 else len(self._body)
        self._hangs_up = rude and number % 30 == 3
        self._path = f"/session/storm/busy/key-{number}".encode()
        self._loop = asyncio.get_running_loop()

    async def run(self) -> None:
        while connection := await connect_at_last(self._state):
            with connection:
                try:
                    await self._use(connection)
                except (OSError, TimeoutError) as error:
                    self._state.counts[f"{type(error).__name__} before an answer"] += 1

    async def _use(self, connection: socket.socket) -> None:
        head = b"POST %s HTTP/1.1\r\n%sContent-Length: %d\r\n\r\n" % (self._path, self._state.head, self._announced)
        while not self._state.is_over:
            self._state.counts["requests"] += 1
            sending = asyncio.ensure_future(self._loop.sock_sendall(connection, head + self._body))
            try:
                if self._hangs_up:
                    await sending
                    self._state.counts["hung up"] += 1
                    return
                status, is_last = await self._read_answer(connection)
            finally:
                sending.cancel()
                await asyncio.gather(sending, return_exceptions=True)
            self._state.counts[str(status)] += 1
            if is_last:
                return

    async def _read_answer(self, connection: socket.socket) -> tuple[int, bool]:
        """Read one answer, strictly, and tell whether the connection is to be closed."""
        data = b""
        async with asyncio.timeout(60):
            while True:
                head, end, body = data.partition(b"\r\n\r\n")
                length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0] or 0)
                if end and len(body) >= length:
                    break
                more = await self._loop.sock_recv(connection, 65536)
                if not more:
                    raise ConnectionResetError
                data += more
        [answer] = read_answers(data, ["POST"])
        if answer.status == 503:
            assert answer.header("retry-after")
        return answer.status, answer.header("connection") == "close"


class Slow:
    """A client that never comes to the end of its headers."""

    def __init__(self, state: State, number: int) -> None:
        self._state = state
        self._number = number
        self._loop = asyncio.get_running_loop()

    async def run(self) -> None:
        await asyncio.sleep(self._number / CONNECTS_A_SECOND)
        is_first = True
        while connection := await connect_at_last(self._state):
            self._state.counts["open"] += 1
            self._state.counts["connects"] += 1
            self._state.counts["arrived"] += is_first
            is_first = False
            with connection:
                await self._dawdle(connection)
            self._state.counts["open"] -= 1
            self._state.counts["cut off"] += not self._state.is_over

    async def _dawdle(self, connection: socket.socket) -> None:
        try:
            await self._loop.sock_sendall(connection, b"GET /session/storm/busy/creds HTTP/1.1\r\nx-slow: ")
            while not self._state.is_over:
                try:
                    async with asyncio.timeout(BYTE_SECONDS):
                        if not await self._loop.sock_recv(connection, 4096):
                            return
                except TimeoutError:
                    await self._loop.sock_sendall(connection, b"x")
        except OSError:
            return


async def storm(kind: str, port: int, seconds: float, clients: int) -> dict[str, Any]:
    state = State(port, ARRIVING_SECONDS if kind == "slow" else seconds)
    tasks = []
    for number in range(clients):
        client = Slow(state, number) if kind == "slow" else Writer(state, number, rude=kind == "writers")
        tasks.append(asyncio.ensure_future(client.run()))
    if kind == "slow":
        while state.counts["arrived"] < clients and not state.is_over:  # noqa: ASYNC110 - nothing to hurry for
            await asyncio.sleep(0.05)
        print("ready", flush=True)
        state.ends = time.monotonic() + seconds
    done, late = await asyncio.wait(tasks, timeout=seconds + 90)
    for task in late:
        task.cancel()
    problems = [repr(task.exception()) for task in done if task.exception()]
    return {"counts": dict(state.counts), "late": len(late), "problems": problems[:3]}


if __name__ == "__main__":
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    print(json.dumps(asyncio.run(storm(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4])))))
