"""Wrong tokens, a thousand a second from one address, lock nobody out and slow nobody down who has the right one."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median, quantiles

import pytest

from tests.answers import read_answers
from tests.daemon.twistd import ask
from tests.memory import request
from tests.process import REPOSITORY, WorkerProcess
from tests.tools import show_figure

pytestmark = [pytest.mark.slow, pytest.mark.alone]

RATE = 1000
OTHER_ADDRESS = "127.0.0.2"
PACE = 0.005


@contextmanager
def flooded(worker: WorkerProcess, address: str) -> Iterator[None]:
    """Have a worker shown wrong tokens from an address for a block."""
    command = [sys.executable, "-m", "tests.daemon.flooding", str(worker.port), address, str(RATE)]
    with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) as flood:
        assert flood.stdout is not None
        try:
            assert flood.stdout.readline() == "at it\n"
            yield
        finally:
            flood.terminate()
        assert int(flood.stdout.readline()) > 0.8 * RATE


def seconds_of_reads(worker: WorkerProcess, count: int) -> list[float]:
    """Read with the right token, again and again at an even pace, and return how long each took."""
    seconds = []
    asked = request("GET", "/session/codechat/sales/creds", token=worker.token)
    with socket.create_connection(("127.0.0.1", worker.port), timeout=10) as connection:
        for _ in range(count):
            begun = time.perf_counter()
            connection.sendall(asked)
            [answer] = read_answers(connection.recv(2**16), ["GET"])
            seconds.append(time.perf_counter() - begun)
            assert answer.status == 200
            time.sleep(PACE)
    return seconds


def ninety_ninth(worker: WorkerProcess, count: int) -> float:
    """Return below how many seconds 99 of 100 reads took."""
    return quantiles(seconds_of_reads(worker, count), n=100)[98]


def test_who_has_the_right_token_is_neither_locked_out_nor_slowed_down(tmp_path: Path, *, full: bool) -> None:
    rounds, count = (5, 2000) if full else (1, 200)
    addresses = {"the same address": "127.0.0.1", "another": OTHER_ADDRESS}
    quiet, beside = list[float](), {who: list[float]() for who in addresses}
    with WorkerProcess(tmp_path / "store") as worker:
        ask(worker, "POST", "/session/codechat", {"instance": "sales"})
        ask(worker, "POST", "/session/codechat/sales/creds", {"data": "{}"})
        for _ in range(rounds):  # in turns, so that what else the machine does meets all alike
            quiet.append(ninety_ninth(worker, count))
            for who, address in addresses.items():
                with flooded(worker, address):
                    beside[who].append(ninety_ninth(worker, count))
    for who, seconds in beside.items():
        text = f"{median(seconds) * 1000:.2f} ms beside {RATE} wrong tokens a second from {who}"
        show_figure(f"p99 of reads with the right token: {text}, {median(quiet) * 1000:.2f} without")
    for seconds in beside.values():
        assert median(seconds) < (1.5 * median(quiet) if full else max(10 * median(quiet), 0.1))
