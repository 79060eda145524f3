"""Measure the page: `python -m benchmarks.page`. It needs the packages of the tests, and Node.

A worker gets thousands of instances. Then each page is asked for, and a client writes through the APIs' own code at a
fixed rate: alone, and while ten browsers have the first page and the list open, and refresh them.
"""

from __future__ import annotations

import argparse
import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple
from urllib.parse import urlencode

from benchmarks.figures import MIB, resident_bytes
from benchmarks.moving.beside import Beside
from tests.migration.examples import paired_creds
from tests.node_packages import install_node_packages
from tests.ports import free_port
from tests.process import LoadedAnew, WorkerProcess

GROUP = "evolution"

REFRESH_SECONDS = 5.0
"""How often an open page asks."""

SETTLE_SECONDS = 8.0
"""After which all that was written is in its files."""

TYPING_SECONDS = 2.0
"""How long somebody takes for a token."""

PATHS = ("", "instances", "instances?sort=name", "instances?q=0000001", "events", "trash", "health", "settings")


class Asked(NamedTuple):
    """An answer."""

    milliseconds: float
    """Until its first byte."""
    size: int


class Visitor:
    """A browser that is signed in."""

    def __init__(self, worker: WorkerProcess, port: int) -> None:
        """Sign in."""
        self._connection = HTTPConnection(worker.host, port, timeout=60)
        self._headers = {"Host": f"{worker.host}:{port}", "Sec-Fetch-Site": "same-origin", "X-Refresh": "1"}
        form = {"Content-Type": "application/x-www-form-urlencoded", **self._headers}
        self._connection.request("POST", "/ui/login", urlencode({"token": worker.token}), form)
        answer = self._connection.getresponse()
        answer.read()
        self._headers["Cookie"] = answer.headers["Set-Cookie"].partition(";")[0]

    def visit(self, path: str) -> Asked:
        """Ask for a page."""
        begun = time.perf_counter()
        self._connection.request("GET", f"/ui/{path}", headers=self._headers)
        answer = self._connection.getresponse()
        first = answer.read(1)
        milliseconds = (time.perf_counter() - begun) * 1000
        size = len(first + answer.read())
        if answer.status != 200:
            raise RuntimeError(f"{path}: {answer.status}")
        return Asked(milliseconds, size)

    def go_away(self, seconds: float) -> None:
        """Look at nothing for so long: the browser hangs up."""
        self._connection.close()
        time.sleep(seconds)


def fill(worker: WorkerProcess, count: int) -> None:
    """Make instances, each with its creds."""

    def make(first: int) -> None:
        connection = HTTPConnection(worker.host, worker.port, timeout=60)
        headers = {"apikey": worker.token, "Content-Type": "application/json"}
        for number in range(first, count, 16):
            name = f"{number:08x}-1111-4222-8333-944444444444"
            creds = {"data": json.dumps(paired_creds(str(number)))}
            for path, body in ((f"/{GROUP}", {"instance": name}), (f"/{GROUP}/{name}/creds", creds)):
                connection.request("POST", f"/session{path}", json.dumps(body), headers)
                connection.getresponse().read()

    connection = HTTPConnection(worker.host, worker.port)
    connection.request(
        "POST",
        "/session",
        json.dumps({"group": GROUP}),
        {"apikey": worker.token, "Content-Type": "application/json"},
    )
    connection.getresponse().read()
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(make, range(16)))


@contextmanager
def open_pages(worker: WorkerProcess, port: int, count: int) -> Iterator[list[Asked]]:
    """Have so many browsers with a page open each, which refresh; give what they were answered."""
    ended = threading.Event()
    answers: list[Asked] = []

    def look(number: int) -> None:
        visitor = Visitor(worker, port)
        path = ("", "instances")[number % 2]
        ended.wait(REFRESH_SECONDS * number / count)
        while not ended.is_set():
            answers.append(visitor.visit(path))
            ended.wait(REFRESH_SECONDS)

    with ThreadPoolExecutor(count) as pool:
        looking = [pool.submit(look, number) for number in range(count)]
        try:
            yield answers
        finally:
            ended.set()
            for one in looking:
                one.result()


def main() -> None:
    """Measure, and print what was found."""
    parser = argparse.ArgumentParser(prog="benchmarks.page", description=__doc__)
    parser.add_argument("--instances", type=int, default=5_000, help="[%(default)s]")
    parser.add_argument("--browsers", type=int, default=10, help="[%(default)s]")
    parser.add_argument("--seconds", type=float, default=40, help="of writes, with pages and without [%(default)s]")
    parser.add_argument("--rounds", type=int, default=3, help="of both, in turns [%(default)s]")
    parser.add_argument("--idle", type=float, default=100, help="seconds in which nobody looks [%(default)s]")
    parser.add_argument("--output", type=Path, default=Path("benchmarks/results"), help="folder [%(default)s]")
    options = parser.parse_args()
    install_node_packages()
    options.output.mkdir(parents=True, exist_ok=True)
    port = free_port()
    page = {"SESSIONWORKER_UI_LISTEN": f"tcp:{port}:interface=127.0.0.1"}
    with TemporaryDirectory(dir=options.output) as name:
        for what, variables in (("without the page", {}), ("with it", page)):
            with LoadedAnew(Path(name) / what, environment=variables) as worker:
                time.sleep(2)
                print(f"memory at rest {what}: {resident_bytes(worker.pid) / MIB:.1f} MiB")
        with LoadedAnew(Path(name) / "store", environment=page) as worker:
            fill(worker, options.instances)
            time.sleep(SETTLE_SECONDS)
            print(f"{options.instances:,} instances: {resident_bytes(worker.pid) / MIB:.1f} MiB")
            _come_to_the_list(worker, port)
            visitor = Visitor(worker, port)
            _ask_for_each(visitor)
            visitor.go_away(options.idle)
            late = visitor.visit("instances")
            print(f"the list, after {options.idle:.0f} s in which nobody looked: {late.milliseconds:.1f} ms")
            with Beside(worker) as beside:
                beside.look_for(2)
                for _ in range(options.rounds):
                    _write(beside, "writes alone", options.seconds)
                    with open_pages(worker, port, options.browsers) as answers:
                        _write(beside, f"beside {options.browsers} open pages", options.seconds)
                    slowest = max(one.milliseconds for one in answers)
                    print(f"  {len(answers)} refreshes, slowest first byte {slowest:.0f} ms")
            print(f"afterwards: {resident_bytes(worker.pid) / MIB:.1f} MiB")


def _come_to_the_list(worker: WorkerProcess, port: int) -> None:
    """Have somebody come to the list as the first of all, who has to sign in before."""
    connection = HTTPConnection(worker.host, port, timeout=60)
    connection.request("GET", "/ui/instances")
    if connection.getresponse().status != 401:
        raise RuntimeError("whoever is not signed in sees the list")
    time.sleep(TYPING_SECONDS)
    print(f"the list, as the first look of all: {Visitor(worker, port).visit('instances').milliseconds:.1f} ms")


def _ask_for_each(visitor: Visitor) -> None:
    print(f"{'page':>24}  {'first':>8}  {'again':>8}  {'bytes':>7}   (first byte, ms)")
    for path in PATHS:
        first = visitor.visit(path)
        time.sleep(3)  # what was answered is too old by then
        again = visitor.visit(path)
        print(f"{'/ui/' + path:>24}  {first.milliseconds:8.1f}  {again.milliseconds:8.1f}  {again.size:7,}")


def _write(beside: Beside, what: str, seconds: float) -> None:
    seen = beside.look_for(seconds)
    print(
        f"{what:>24}: {len(seen.latencies)} writes, p50 {seen.at(0.5):.2f} ms, p99 {seen.at(0.99):.2f} ms,"
        f" max {seen.at(1):.2f} ms"
    )


if __name__ == "__main__":
    main()
