"""`kill -9` at random moments, under all kinds of change at once: what was acknowledged is there after each restart.

Twenty accounts work at the same time, each for itself and one call after another. So what an account may find after a
crash is one of two states: the one after its last acknowledged change, or that with the change which was under way.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random, randrange
from typing import Any

import pytest

from tests.accounts import GROUP, Account, calling
from tests.process import WorkerProcess
from tests.tools import show_figure

pytestmark = pytest.mark.slow

ACCOUNTS = 20

ROUNDS, ROUNDS_IN_CI = 200, 10


def half_files(store: Path) -> list[str]:
    """Session files and versions of creds, those of dropped instances too, that are not whole JSON."""
    broken = []
    for path in store.rglob("*"):
        ours = [part for part in path.relative_to(store).parts if part.startswith(".")]
        is_plain = not ours or (ours == [".sessionworker"] and "dropped" in path.parts)
        is_version = path.parts[-3:-1] == (".sessionworker", "versions") and ".deleted." not in path.name
        if (is_plain or is_version) and path.is_file():
            try:
                json.loads(path.read_bytes())
            except ValueError:
                broken.append(str(path.relative_to(store)))
    return broken


def together(accounts: Iterable[Account], action: Any) -> list[Any]:
    with ThreadPoolExecutor(ACCOUNTS) as pool:
        return list(pool.map(action, accounts))


def test_kill_9_at_any_moment_loses_no_acknowledged_change_and_no_identity(tmp_path: Path, full: bool) -> None:
    rounds = ROUNDS if full else ROUNDS_IN_CI
    seed = randrange(10**6)  # another one in each run, and the same one where the run is given its seed again
    print(f"seed {seed}")
    random = Random(seed)
    accounts = [Account(number, Random(random.random())) for number in range(ACCOUNTS)]
    lost: list[str] = []
    identities_lost: list[str] = []
    starts = starts_killed = 0
    with WorkerProcess(tmp_path / "store") as worker:
        with calling(worker) as caller:
            assert caller.call("POST", "/session", {"group": GROUP})[0] == 204
        for number in range(rounds):
            killer = threading.Timer(random.uniform(0.02, 0.5), worker.kill)
            killer.start()
            together(accounts, lambda account: account.work(worker))
            killer.join()
            assert half_files(worker.store) == [], f"round {number}"
            if random.random() < 0.1:  # a crash while the journal of the last one is brought into the files
                worker.start()
                time.sleep(random.uniform(0.1, 0.5))
                worker.kill()
                starts_killed += 1
                assert half_files(worker.store) == [], f"round {number}, killed while it started"
            worker.start()
            worker.wait_until_ready()  # or this test fails: a start that fails is as bad as a loss
            starts += 1
            for wrong, gone in together(accounts, lambda account: account.check(worker)):
                lost += wrong
                identities_lost += gone
            assert not lost, f"round {number}: " + "\n".join(lost)
        assert worker.terminate() == 0
        assert worker.failures == []
    acknowledged = sum(account.acknowledged for account in accounts)
    assert acknowledged > rounds * ACCOUNTS
    identities = sum(
        len(instance.identities)
        for account in accounts
        for instance in [*account.state.instances.values(), *(instance for _, instance in account.state.drops)]
    )
    show_figure(
        f"kill -9, {rounds} rounds under mixed load of {ACCOUNTS} accounts ({starts_killed} more while starting): "
        f"{acknowledged} changes acknowledged, changes lost {len(lost)}, {identities} identities, identities lost "
        f"{len(identities_lost)}, starts failed {rounds - starts}"
    )
