"""A crash after any system call of the store: what was acknowledged is there, and nothing else is half there."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from random import Random
from typing import Any

import pytest

from sessionworker.names import SessionFile
from sessionworker.stores.files import FileStore
from sessionworker.stores.interface import Change, CreateGroup, CreateInstance, Delete, DropInstance, Write
from tests.powercut import Disk, recording

SEGMENT = 4096  # bytes; small, so that a short story fills several
State = dict[tuple[str, str], dict[str, bytes]]


def story(random: Random) -> list[list[Change] | None]:
    """Commits of all kinds, in no particular order; None is a checkpoint."""
    instances = ["one", "two", "three"]
    steps: list[list[Change] | None] = [[CreateGroup("g")], [CreateInstance("g", name) for name in instances]]
    for number in range(60):
        changes: list[Change] = []
        for _ in range(random.randrange(1, 4)):
            name = random.choice(instances)
            file = SessionFile("g", name, random.choice(["creds", "session-5511.0", "app-state-sync-key-AA/b+=", "k"]))
            changes.append(
                random.choice(
                    [
                        Write(file, b'{"n":%d,"pad":"%s"}' % (number, b"x" * random.randrange(600))),
                        Write(file, b"[%d]" % number),
                        Write(file, b'"%d"' % number),
                        Delete(file),
                        CreateInstance("g", name),
                        DropInstance("g", name) if random.random() < 0.4 else CreateInstance("g", name),
                    ]
                )
            )
        steps.append(changes)
        if random.random() < 0.12:
            steps.append(None)
    return steps


def follow(state: State, changes: list[Change]) -> State:
    """The state that the changes lead to, in as few words as possible."""
    state = {instance: dict(values) for instance, values in state.items()}
    for change in changes:
        match change:
            case CreateInstance(group, name):
                state.setdefault((group, name), {})
            case DropInstance(group, name):
                state.pop((group, name), None)
            case Write(file, value) if (file.group, file.instance) in state:
                state[file.group, file.instance][file.key] = value
            case Delete(file) if (file.group, file.instance) in state:
                state[file.group, file.instance].pop(file.key, None)
            case _:
                pass
    return state


KEYS = ["creds", "session-5511.0", "app-state-sync-key-AA/b+=", "k"]


def look(store: FileStore) -> State:
    groups = ["g"] if "g" in store._groups else []
    state: State = {}
    for group in groups:
        for name in store.instances(group):
            found = {key: store.read(SessionFile(group, name, key)) for key in KEYS}
            state[group, name] = {key: value for key, value in found.items() if value is not None}
    return state


def abandon(store: FileStore) -> None:
    """Let go of a store as a killed process does."""
    os.close(store._lock)


@pytest.mark.parametrize("how", ["kill", "power cut", "torn"])
@pytest.mark.parametrize("seed", [1, 2])
def test_a_crash_after_any_system_call_loses_nothing_acknowledged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str, seed: int, capsys: Any
) -> None:
    root = tmp_path / "disk"
    root.mkdir()
    states: list[State] = [{}]
    with recording(root, monkeypatch) as operations:
        store = FileStore(root / "store", segment_size=SEGMENT)
        for changes in story(Random(seed)):
            if changes is None:
                store.checkpoint()
                continue
            # What the commit may leave if it is cut off: all of it or nothing.
            states.append(follow(states[-1], changes))
            store.commit(changes)
            operations.append(("acknowledged", len(states) - 1))
        store.close()
    disk = Disk(root)
    random = Random(seed)
    acknowledged = cuts = 0
    left = tmp_path / "left"
    for operation in operations:
        disk.do(operation)
        if operation[0] == "acknowledged":
            acknowledged = operation[1]
        shutil.rmtree(left, ignore_errors=True)
        disk.leave(left, how, random)
        again = FileStore(
            left / "store", segment_size=SEGMENT, sync=False
        )  # what a second crash does is not asked here
        found = look(again)
        assert found in states[acknowledged : acknowledged + 2], f"after {operation[0]}, cut {cuts}"
        if cuts % 3 == 0:  # what is written after a crash survives the next one
            more = [CreateInstance("g", "later"), Write(SessionFile("g", "later", "k"), b"[1]")]
            assert again.commit(more) == [None, None]
            abandon(again)
            again = FileStore(left / "store", segment_size=SEGMENT, sync=False)
            assert look(again) == found | {("g", "later"): {"k": b"[1]"}}
            assert again.commit([DropInstance("g", "later")]) == [None]
        again.close()
        cuts += 1
        if cuts % 5 == 0:  # what was brought into the files is there without a journal
            reopened = FileStore(left / "store", segment_size=SEGMENT, sync=False)
            assert look(reopened) == found
            reopened.close()
    with capsys.disabled():
        print(f"\n{how}, seed {seed}: {cuts} cuts, {acknowledged} commits, acknowledged changes lost 0")
