"""`kill -9` at random moments under batches: each was made whole or not at all, and the next start listens at once."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random, randrange
from typing import Any

import pytest

from tests.accounts import GROUP, Caller, Interrupted, calling
from tests.process import WorkerProcess
from tests.tools import show_figure

pytestmark = pytest.mark.slow

ROUNDS, ROUNDS_IN_CI = 100, 4

SIZES = (1, 7, 100, 812, 2000, 2000)
"""How many new keys each client writes with one batch."""

COMMON = [f"common-{number}" for number in range(20)]
"""Keys that are written over with each batch."""

BATCHES_KEPT = 3

LARGE = 1_200_000
"""Bytes of a value that is stored beside the commits of others."""

START_SECONDS = 2.0


def keys_of(batch: int, size: int) -> list[str]:
    return [f"lid-mapping-{batch}-{number}" for number in range(size)]


class Client:
    """Sends one batch after another, and knows which was the last that was acknowledged."""

    def __init__(self, number: int) -> None:
        self.path = f"/session/{GROUP}/client-{number}"
        self.size = SIZES[number]
        self.acknowledged = 0
        self.is_under_way = False

    def changes_of(self, batch: int) -> dict[str, Any]:
        old = batch - BATCHES_KEPT
        changes: dict[str, Any] = dict.fromkeys(COMMON, batch)
        changes |= dict.fromkeys(keys_of(batch, self.size), batch)
        changes |= dict.fromkeys(keys_of(old, self.size) if old > 0 else ())
        if self.size == 1:
            changes["large"] = f"{batch}{'x' * LARGE}"
        return changes

    def work(self, worker: WorkerProcess) -> None:
        """Send batches until the worker is killed."""
        with calling(worker) as caller:
            while True:
                batch = self.acknowledged + 1
                self.is_under_way = True
                try:
                    answer = caller.call("POST", self.path, {"changes": self.changes_of(batch)})
                except Interrupted:
                    return
                assert answer == (204, b"")
                self.acknowledged, self.is_under_way = batch, False

    def check(self, worker: WorkerProcess) -> list[str]:
        """Return what is not as it was left, in words. What was under way counts from now on, if it was made."""
        with calling(worker) as caller:
            values = self._values(caller)
            found = values["common-0"] or 0
            self.is_under_way, was_under_way = False, self.is_under_way
            if found not in ({self.acknowledged, self.acknowledged + 1} if was_under_way else {self.acknowledged}):
                return [f"{self.path}: batch {found} is there, and {self.acknowledged} was acknowledged"]
            self.acknowledged = found
            torn = [key for key, value in values.items() if value != (found or None)]
            expected = {key for batch in range(max(1, found - 2), found + 1) for key in keys_of(batch, self.size)}
            if found:
                expected |= {*COMMON, *(["large"] if self.size == 1 else ())}
            there = self._names(caller)
            large = caller.get(f"{self.path}/large") if "large" in there else ""
            return [
                *(f"{self.path}: {key} is not of batch {found}" for key in torn),
                *(f"{self.path}: {key} is missing" for key in expected - there),
                *(f"{self.path}: {key} is not to be there" for key in there - expected),
                *([] if not large or large.rstrip("x") == str(found) else [f"{self.path}: large is not of {found}"]),
            ]

    def _values(self, caller: Caller) -> dict[str, Any]:
        status, body = caller.call("POST", self.path, {"keys": COMMON})
        assert status == 200
        values: dict[str, Any] = json.loads(body)["values"]
        return values

    def _names(self, caller: Caller) -> set[str]:
        names: list[str] = []
        more = True
        while more:
            status, body = caller.call("POST", self.path, {"list": "", "after": names[-1] if names else ""})
            assert status == 200
            page = json.loads(body)
            names += page["keys"]
            more = page["more"]
        return set(names)


def test_kill_9_under_batches_loses_nothing_acknowledged_and_tears_none(tmp_path: Path, full: bool) -> None:
    rounds = ROUNDS if full else ROUNDS_IN_CI
    seed = randrange(10**6)
    print(f"seed {seed}")
    random = Random(seed)
    clients = [Client(number) for number in range(len(SIZES))]
    slowest = 0.0
    with WorkerProcess(tmp_path / "store") as worker, ThreadPoolExecutor(len(clients)) as pool:
        with calling(worker) as caller:
            for client in clients:
                assert caller.call("POST", f"/session/{GROUP}", {"instance": client.path.rpartition("/")[2]})[0] == 204
        for number in range(rounds):
            killer = threading.Timer(random.uniform(0.1, 2.0), worker.kill)
            killer.start()
            list(pool.map(lambda client: client.work(worker), clients))
            killer.join()
            worker.start()
            slowest = max(slowest, worker.wait_until_ready())
            wrong = [line for lines in pool.map(lambda client: client.check(worker), clients) for line in lines]
            assert not wrong, f"round {number}: " + "\n".join(wrong[:20])
        assert worker.terminate() == 0
        assert worker.failures == []
    acknowledged = sum(client.acknowledged for client in clients)
    assert acknowledged > rounds * len(clients)
    if full:
        assert slowest < START_SECONDS
    show_figure(
        f"kill -9 under batches of 1 to 2,000 new keys, {rounds} rounds: {acknowledged} batches acknowledged, "
        f"lost 0, torn 0; the slowest start listened after {slowest:.2f} s"
    )
