"""Stopped under full load."""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

from benchmarks.growth.bench import Bench, target_of
from benchmarks.report import Finding
from benchmarks.stores import GROUP, instance_name
from benchmarks.target import Connection, Target, write_body
from tests.process import WorkerProcess

STOP_CONNECTIONS, STOP_INSTANCES, STOP_LOAD_SECONDS = 64, 16, 5


@dataclass
class Written:
    """What one key may hold: the value acknowledged last, or the one that was under way."""

    acknowledged: str | None = None
    sent: str | None = None


async def _write_until_stopped(target: Target, number: int, keys: dict[str, Written]) -> None:
    """Write one new key after another through one connection, as in a history sync, until the worker closes it."""
    address = urlsplit(target.url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    instance = instance_name(number % STOP_INSTANCES)
    try:
        for count in itertools.count():
            path = f"{GROUP}/{instance}/lid-mapping-{number}-{count}"
            value = json.dumps({"count": count, "ratchet": "a" * 1200})
            body = write_body(value)
            head = f"POST /session/{path} HTTP/1.1\r\nHost: worker\r\napikey: {target.token}\r\n"
            head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
            written = keys.setdefault(path, Written())
            written.sent = value
            writer.write(head.encode() + body)
            answer = await reader.readuntil(b"\r\n\r\n")
            if not answer.startswith(b"HTTP/1.1 204"):
                return
            written.acknowledged = value
    except (asyncio.IncompleteReadError, OSError):
        return
    finally:
        writer.close()


async def _stop_under_load(worker: WorkerProcess, keys: dict[str, Written]) -> tuple[float, int]:
    """Return how many seconds the worker took to end after SIGTERM, and its exit status."""
    writers = [
        asyncio.create_task(_write_until_stopped(target_of(worker), number, keys)) for number in range(STOP_CONNECTIONS)
    ]
    await asyncio.sleep(STOP_LOAD_SECONDS)
    begun = time.monotonic()
    status = await asyncio.to_thread(worker.terminate, 60)
    seconds = time.monotonic() - begun
    await asyncio.wait_for(asyncio.gather(*writers), 30)
    return seconds, status


def stop_under_load(bench: Bench) -> list[Finding]:
    """Send SIGTERM while 64 connections write, and look for everything acknowledged in its plain file."""
    keys: dict[str, Written] = {}
    with bench.worker("stopped") as worker, bench.progress.step("SIGTERM under full load", STOP_LOAD_SECONDS):
        with Connection(target_of(worker)) as connection:
            for number in range(STOP_INSTANCES):
                connection.create(GROUP, instance_name(number))
        seconds, status = asyncio.run(_stop_under_load(worker, keys))
        wrong = 0
        for path, written in keys.items():
            file = worker.store / path
            value = file.read_text() if file.exists() else None
            wrong += value not in (written.acknowledged, written.sent)
    acknowledged = sum(written.acknowledged is not None for written in keys.values())
    return [
        Finding(
            "SIGTERM under full load: exit", f"{seconds:.2f} s, status {status}", "< 5 s", seconds < 5 and not status
        ),
        Finding(
            "SIGTERM under full load: files without what was acknowledged",
            f"{wrong} of {acknowledged:,} keys",
            "0",
            wrong == 0 and acknowledged > 0,
        ),
    ]
