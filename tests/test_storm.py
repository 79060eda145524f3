"""Ten times more clients than are let in, and thousands that only hold connections: what a normal client sees of it.

How long an answer may take is measured against a second worker that nobody storms, asked at the same moments: whatever
else this machine has to do slows both.
"""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from statistics import quantiles

import pytest

from tests.process import REPOSITORY, TOKEN_VARIABLE, LoadedAnew, WorkerProcess
from tests.tools import show_figure

pytestmark = pytest.mark.slow

CONNECTIONS = 200
"""Connections that the overloaded worker takes; ten times as many clients come, and come again when refused."""

MOST_MEMORY = 400
"""MiB that the overloaded worker may use at its worst."""

SLOW_CLIENTS = 5000
BODY = json.dumps({"data": json.dumps({"pad": "x" * 1300})})


@contextmanager
def storm(worker: WorkerProcess, kind: str, seconds: float, clients: int) -> Iterator[subprocess.Popen[str]]:
    """Run clients in a process of their own; it is gone after the block."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.storm", kind, str(worker.port), str(seconds), str(clients)],
        cwd=REPOSITORY,
        env={**os.environ, TOKEN_VARIABLE: worker.token},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def result_of(process: subprocess.Popen[str], seconds: float) -> dict[str, int]:
    output, _ = process.communicate(timeout=seconds)
    assert process.returncode == 0
    result = json.loads(output.splitlines()[-1])
    assert result["problems"] == []
    assert result["late"] == 0
    counts: dict[str, int] = result["counts"]
    return counts


class NormalClient:
    """One client with one connection, one call after another."""

    def __init__(self, worker: WorkerProcess) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", worker.port, timeout=30)
        self._headers = {"apikey": worker.token, "Content-Type": "application/json"}
        self._count = 0

    def call(self, method: str, path: str, body: str | None = None) -> int:
        self._connection.request(method, path, body, self._headers)
        answer = self._connection.getresponse()
        answer.read()
        return answer.status

    def prepare(self) -> None:
        assert self.call("POST", "/session", '{"group": "storm"}') == 204
        for name in ("busy", "normal"):
            assert self.call("POST", "/session/storm", json.dumps({"instance": name})) == 204

    def milliseconds(self) -> float:
        """Write or read, in turn, and return how long the answer took."""
        self._count += 1
        path = f"/session/storm/normal/session-{self._count % 500}"
        method, body, expected = ("POST", BODY, {204}) if self._count % 2 else ("GET", None, {200, 404})
        begun = time.perf_counter()
        status = self.call(method, path, body)
        taken = 1000 * (time.perf_counter() - begun)
        assert status in expected
        return taken

    def close(self) -> None:
        self._connection.close()


@contextmanager
def normal_client(worker: WorkerProcess) -> Iterator[NormalClient]:
    client = NormalClient(worker)
    try:
        yield client
    finally:
        client.close()


def percentiles_99(seconds: float, *clients: NormalClient) -> list[float]:
    """Let clients ask in turn for so long, and return the 99th percentile of each in milliseconds."""
    ends = time.monotonic() + seconds
    taken: list[list[float]] = [[] for _ in clients]
    while time.monotonic() < ends:
        for client, times in zip(clients, taken, strict=True):
            times.append(client.milliseconds())
        time.sleep(0.01)
    return [quantiles(times, n=100)[98] for times in taken]


def memory(worker: WorkerProcess, what: str = "VmRSS") -> int:
    """The worker's memory in MiB; `VmHWM` is the most that it ever had."""
    lines = Path(f"/proc/{worker.pid}/status").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith(what))) // 1024


def is_as_calm(client: NormalClient, calm_client: NormalClient) -> bool:
    """Look for a second whether a client waits hardly longer than that of a worker which nobody storms."""
    ours, calm = percentiles_99(1, client, calm_client)
    return ours < max(3 * calm, 30)


def test_ten_times_more_clients_than_are_let_in_are_refused_with_503_and_leave_nothing_behind(
    tmp_path: Path, full: bool
) -> None:
    seconds = 30 if full else 5
    with (
        WorkerProcess(tmp_path / "calm") as calm,
        LoadedAnew(tmp_path / "store", "--connections", str(CONNECTIONS)) as worker,
    ):
        with normal_client(worker) as client, normal_client(calm) as calm_client:
            client.prepare()
            calm_client.prepare()
        at_rest = memory(worker)
        with storm(worker, "steady", 2, 64) as process:
            capacity = result_of(process, 120).get("204", 0) / 2
        with storm(worker, "writers", seconds, 10 * CONNECTIONS) as process:
            counts = result_of(process, seconds + 120)
        most = memory(worker, "VmHWM")
        with normal_client(worker) as client, normal_client(calm) as calm_client:
            recovered = next((second for second in range(1, 6) if is_as_calm(client, calm_client)), None)
        after = memory(worker)
        assert worker.terminate() == 0
        assert worker.failures == []
    answered = {status: number for status, number in counts.items() if status.isdigit()}
    show_figure(
        f"overload, {10 * CONNECTIONS} clients where {CONNECTIONS} are let in, {seconds} s: "
        f"{counts['requests'] / seconds:.0f} requests a second sent, {answered.get('204', 0) / seconds:.0f} writes a "
        f"second taken ({capacity:.0f} without the storm), answers {answered}, memory {at_rest} MiB before, {most} at "
        f"most, {after} after; a normal client is as well off as one of a calm worker in second {recovered}; {counts}"
    )
    assert answered.keys() <= {"204", "413", "503"}
    assert {"204", "413", "503"} <= answered.keys()
    assert most < MOST_MEMORY
    assert recovered is not None


@pytest.mark.parametrize("clients", [SLOW_CLIENTS])
def test_a_normal_client_is_served_beside_thousands_that_send_a_byte_now_and_then(
    tmp_path: Path, alone: Callable[[], AbstractContextManager[None]], full: bool, clients: int
) -> None:
    seconds = 30 if full else 4
    with (
        WorkerProcess(tmp_path / "calm") as calm,
        normal_client(calm) as calm_client,
        LoadedAnew(tmp_path / "store") as worker,
        normal_client(worker) as client,
    ):
        calm_client.prepare()
        client.prepare()
        with ExitStack() as stack:
            with alone():
                process = stack.enter_context(storm(worker, "slow", seconds + 2, clients))
                assert process.stdout is not None
                assert process.stdout.readline() == "ready\n"
                beside, without = percentiles_99(seconds, client, calm_client)
                held = sum(1 for _ in Path(f"/proc/{worker.pid}/fd").iterdir())
            counts = result_of(process, 120)
        most = memory(worker, "VmHWM")
        assert worker.terminate() == 0
        assert worker.failures == []
    show_figure(
        f"{clients} half-open slow clients, {held} files open in the worker, {seconds} s: a normal client's 99th "
        f"percentile {beside:.1f} ms ({without:.1f} at a worker without them), memory {most} MiB at most; {counts}"
    )
    assert held > 0.9 * clients
    assert beside < max(5 * without, 100)
