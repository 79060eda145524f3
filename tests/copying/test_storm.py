"""Copies of a large store that are killed, and go on, to files and back; and how long those after them take."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import pytest

from sessionworker.errors import StartError
from sessionworker.names import SessionFile
from sessionworker.stores.changes import Batch, CreateInstance, Write
from sessionworker.stores.interface import Store
from tests import warm
from tests.contract.words import commit, creds, drop, write
from tests.copying.ends import End, FileEnd, Make
from tests.tools import show_figure

KILLED_AT = (0.2, 0.4, 0.6)
"""Shares of the instances that are there when a copy is killed."""


def fill(store: Store, instances: int, keys: int) -> None:
    """Put so many keys into each of some instances."""
    for number in range(instances):
        group, name = f"group {number % 7}", f"instance {number}"
        changes = [
            Write(f"pre-key-{key}", b'{"of": "%d %d", "x": "%s"}' % (number, key, b"x" * 200)) for key in range(keys)
        ]
        changes.append(Write("creds", creds(1, number)))
        commit(store, CreateInstance(group, name), Batch(group, name, tuple(changes)))
    drop(store, SessionFile("group 0", "instance 0", "creds"))


def words(source: End, target: End) -> list[str]:
    """What is typed for a copy."""
    return ["copy", "--json", source.address, target.address]


def finish(source: End, target: End) -> tuple[dict[str, Any], float]:
    """Copy to the end; return the result, and the seconds that it took."""
    begun = time.monotonic()
    done = warm.run(warm.COMMANDS, words(source, target), os.environ, seconds=1_000)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout), time.monotonic() - begun


def count(end: End) -> int:
    """How many instances lie in a target."""
    if isinstance(end, FileEnd):
        return sum(1 for path in end.folder.glob("group*/*") if path.name != ".sessionworker")
    try:
        return int(end.execute("SELECT count(*) FROM {instance}")[0][0])
    except Exception:  # noqa: BLE001 - there are no tables yet
        return 0


def kill_on_the_way(source: End, target: End, instances: int) -> None:
    """Kill copies, each of which comes farther."""
    for share in KILLED_AT:
        with Path(os.devnull).open("rb") as nothing, TemporaryFile() as said:
            files = (nothing.fileno(), said.fileno(), said.fileno())
            process = warm.warm().start(warm.COMMANDS, words(source, target), os.environ, files)
            while count(target) < share * instances:
                assert process.poll() is None, (said.seek(0), said.read())
                time.sleep(0.01)
            process.kill()
            assert process.wait(10) == -signal.SIGKILL
        with pytest.raises(StartError, match="holds a part of a copy"):
            target.worker()


def test_copies_that_are_killed_go_on_to_files_and_back(make: Make, full: bool) -> None:
    instances, keys = (1_000, 200) if full else (200, 20)
    source, files, back = make("postgres"), make("files"), make("postgres")
    worker = source.worker()
    fill(worker, instances, keys)
    worker.close()
    kill_on_the_way(source, files, instances)
    there, _ = finish(source, files)
    assert 0 < there["equal"] < there["written"] + there["equal"] == instances
    assert there["source"] == there["target"]
    assert there["target"]["files"] == instances * (keys + 1)
    kill_on_the_way(files, back, instances)
    returned, _ = finish(files, back)
    assert returned["target"] == there["source"]

    # Whole ones, from nothing, for how long they take; and those after a few changes
    fresh_files, fresh_rows = make("files"), make("postgres")
    _, seconds_to_files = finish(source, fresh_files)
    _, seconds_to_rows = finish(fresh_files, fresh_rows)
    for one, other in ((source, fresh_files), (files, back)):
        worker = one.worker()
        commit(worker, write(SessionFile("group 1", "instance 1", "pre-key-1"), b"7"))
        worker.close()
        again, seconds = finish(one, other)
        assert (again["written"], again["equal"]) == (1, instances - 1)
        if one is source:
            seconds_again_to_files = seconds
        else:
            seconds_again_to_rows = seconds
    show_figure(
        f"copy of {instances * (keys + 1):,} session files in {instances:,} instances: PostgreSQL to files "
        f"{seconds_to_files:.1f} s, files to PostgreSQL {seconds_to_rows:.1f} s, with one of them changed "
        f"{seconds_again_to_files:.1f} s and {seconds_again_to_rows:.1f} s; killed 3 times in each direction, and equal"
    )
