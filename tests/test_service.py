"""What the service does by the clock."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from sessionworker.stores.files.store import FileStore
from tests.contract.words import CREDS, SUPPORT, commit, create, creds, drop, write
from tests.process import WorkerProcess

DAY_MS = 24 * 3_600_000


def days_ago(days: float) -> int:
    return int(time.time() * 1000 - days * DAY_MS)


def drop_days_ago(folder: Path, **when: float) -> None:
    """Leave a store whose instances were dropped so many days ago."""
    store = FileStore(folder)
    create(store, CREDS, SUPPORT)
    commit(store, write(CREDS, creds(1)), write(SUPPORT, creds(2)))
    dropped = {file.instance: drop(store, file).drop for file in (CREDS, SUPPORT)}
    store.close()
    for name, days in when.items():
        [path] = (folder / ".sessionworker" / "dropped").glob(f"*{dropped[name]}")
        path.rename(path.with_name(path.name.replace(dropped[name], f"{days_ago(days)}-{dropped[name][-8:]}")))


@pytest.mark.slow
def test_what_was_dropped_stays_for_as_many_days_as_asked_for(tmp_path: Path) -> None:
    drop_days_ago(tmp_path / "store", sales=8, support=6)
    with WorkerProcess(tmp_path / "store", "--keep-drops", "7") as worker:
        ends_at = time.monotonic() + 10
        while "dropped long ago" not in worker.output and time.monotonic() < ends_at:
            time.sleep(0.05)
        assert "Let go of 1 instances that were dropped long ago." in worker.output
        assert worker.terminate() == 0
    store = FileStore(tmp_path / "store")
    assert [found.instance for found in store.drops()] == ["support"]
    store.close()
