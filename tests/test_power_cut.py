"""A crash after any system call of the store: what was acknowledged is there, and nothing else is half there.

A story of commits of all kinds is recorded once, call by call; then the store is opened on what a crash after each call
leaves. It must be in the state after the last acknowledged commit, or in that after the one which was under way:
instances and all their values, what was dropped and can be brought back, and the newest `creds` of each identity.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import pytest

from sessionworker.names import CREDS, SessionFile
from sessionworker.stores.files import FileStore
from sessionworker.stores.interface import (
    Change,
    CreateGroup,
    CreateInstance,
    Delete,
    DropGroup,
    DropInstance,
    DropSummary,
    RestoreInstance,
    Write,
)
from sessionworker.values import read_creds
from tests.powercut import Disk, Operation, recording
from tests.tools import show_figure

SEGMENT = 4096  # bytes; small, so that a short story fills several
STEPS = 50
SEEDS, SEEDS_IN_CI = range(1, 9), range(1, 3)
MEMORY = Path("/dev/shm")  # noqa: S108 - a file system in memory, where Linux has one

GROUPS = ["g", "h"]
NAMES = ["one", "two", "three"]
KEYS = ["session-5511.0", "app-state-sync-key-AA/b+=", "k"]

HARMLESS = {
    "kill": {"sync", "sync folder", "sync all"},
    "power cut": {"write", "truncate", "create", "mkdir", "unlink", "rmdir", "rename"},
    "torn": set(),
}
"""After these operations a crash leaves exactly what it would have left before them: nothing new is to be seen.

What was not synced is what a power cut forgets, and a process that is killed needs no sync.
"""


@dataclass(frozen=True)
class Instance:
    """An instance's values, and the newest `creds` of each identity that it ever had."""

    values: Mapping[str, bytes] = field(default_factory=dict)
    identities: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True)
class State:
    """What a store holds. Drops are in the order in which they were made, each with the instance's name."""

    groups: frozenset[str] = frozenset()
    instances: Mapping[tuple[str, str], Instance] = field(default_factory=dict)
    drops: tuple[tuple[str, str, Instance], ...] = ()


def follow(state: State, changes: list[Change], restored: int | None = None) -> State:
    """The state that changes lead to, in as few words as possible. `restored` is the place of the drop brought back."""
    groups, instances, drops = set(state.groups), dict(state.instances), list(state.drops)
    for change in changes:
        match change:
            case CreateGroup(group):
                groups.add(group)
            case CreateInstance(group, name):
                groups.add(group)
                instances.setdefault((group, name), Instance())
            case DropInstance(group, name) if (group, name) in instances:
                drops.append((group, name, instances.pop((group, name))))
            case DropGroup(group):
                drops += [(group, name, instances.pop((at, name))) for at, name in sorted(instances) if at == group]
                groups.discard(group)
            case RestoreInstance(group, _, _, name):
                assert restored is not None
                groups.add(group)
                instances[group, name] = drops.pop(restored)[2]
            case Write(file, value) if (file.group, file.instance) in instances:
                instance = instances[file.group, file.instance]
                creds = read_creds(value) if file.key == CREDS else None
                identities = {**instance.identities, creds.identity: value} if creds else instance.identities
                instances[file.group, file.instance] = Instance({**instance.values, file.key: value}, identities)
            case Delete(file) if (file.group, file.instance) in instances:
                instance = instances[file.group, file.instance]
                values = {key: value for key, value in instance.values.items() if key != file.key}
                instances[file.group, file.instance] = Instance(values, instance.identities)
            case _:
                pass
    return State(frozenset(groups), instances, tuple(drops))


# The story


def make_creds(random: Random, number: int) -> bytes:
    """`creds` of one of three identities."""
    identity = random.choice([1, 1, 1, 2, 3])
    fields = {
        "registrationId": identity,
        "noiseKey": {"private": f"noise {identity}"},
        "signedIdentityKey": {"public": f"key {identity}"},
        "nextPreKeyId": number,
        "pad": "x" * random.randrange(400),
    }
    return json.dumps(fields).encode()


def make_changes(random: Random, number: int) -> list[Change]:
    """A commit of one to three changes of all kinds, in no particular order."""
    changes: list[Change] = []
    for _ in range(random.randrange(1, 4)):
        group, name = random.choice(["g", "g", "g", "h"]), random.choice(NAMES)
        kind = random.random()
        if kind < 0.30:
            changes.append(Write(SessionFile(group, name, CREDS), make_creds(random, number)))
        elif kind < 0.60:
            file = SessionFile(group, name, random.choice(KEYS))
            value = (
                random.choice([b'{"n":%d,"pad":"' + b"x" * random.randrange(600) + b'"}', b"[%d]", b'"%d"']) % number
            )
            changes.append(Write(file, value))
        elif kind < 0.70:
            changes.append(Delete(SessionFile(group, name, random.choice([*KEYS, CREDS]))))
        elif kind < 0.88:
            changes.append(CreateInstance(group, name))
        elif kind < 0.97:
            changes.append(DropInstance(group, name))
        else:
            changes.append(DropGroup(group))
    return changes


def tell(store: FileStore, random: Random, operations: list[Operation]) -> list[State]:
    """Do the story, and return the states that it went through, one for each commit."""
    states = [State()]

    def commit(changes: list[Change], restored: int | None = None) -> None:
        states.append(follow(states[-1], changes, restored))
        store.commit(changes)
        operations.append(("acknowledged", len(states) - 1))

    commit([CreateGroup("g")])
    commit([CreateInstance("g", name) for name in NAMES])
    for number in range(STEPS):
        kind = random.random()
        if kind < 0.10:
            store.checkpoint()
        elif kind < 0.22 and states[-1].drops:
            place = random.randrange(len(states[-1].drops))
            drop = drops_of(store)[place]
            taken = {name for group, name in states[-1].instances if group == drop.group}
            name = drop.instance if drop.instance not in taken else f"back-{number}"
            commit([RestoreInstance(drop.group, drop.instance, drop.drop, name)], place)
        elif kind < 0.27 and states[-1].instances:  # what an operator does who brings an older version back
            (group, name), instance = random.choice(list(states[-1].instances.items()))
            if instance.identities:
                value = random.choice(list(instance.identities.values()))
                version = next(v.version for v in store.versions(group, name) if v.bytes == len(value))
                commit([Write(SessionFile(group, name, CREDS), store.read_version(group, name, version))])
        else:
            commit(make_changes(random, number))
    return states


def drops_of(store: FileStore) -> list[DropSummary]:
    """What can be brought back, in the order in which it was dropped; those of one group by their names."""
    return sorted(store.drops(), key=lambda drop: (*map(int, drop.drop.split("-")), drop.group, drop.instance))


# What a crash left


def look_at_values(store: FileStore) -> dict[tuple[str, str], dict[str, bytes]]:
    found = {}
    for group in store.groups():
        for name in store.instances(group):
            values = {key: store.read(SessionFile(group, name, key)) for key in [CREDS, *KEYS]}
            found[group, name] = {key: value for key, value in values.items() if value is not None}
    return found


def look_at_identities(store: FileStore, group: str, name: str) -> dict[str, bytes]:
    """The newest version of each identity."""
    found: dict[str, bytes] = {}
    for version in store.versions(group, name):
        assert version.is_pinned == (bool(version.identity) and version.identity not in found)
        if version.is_pinned:
            found[version.identity] = store.read_version(group, name, version.version)
    return found


def find_state(store: FileStore, possible: list[State], where: str) -> State:
    """Return the one of the possible states that the store is in: groups, instances, values, drops and versions."""
    groups, values = frozenset(store.groups()), look_at_values(store)
    same = [
        state
        for state in possible
        if state.groups == groups and values == {place: dict(found.values) for place, found in state.instances.items()}
    ]
    assert same, f"{where}: found {values}, may be one of {possible}"
    drops = [(drop.group, drop.instance, drop.files, drop.bytes) for drop in drops_of(store)]
    versions = {place: look_at_identities(store, *place) for place in values}
    for state in same:
        dropped = [
            (group, name, len(found.values), sum(map(len, found.values.values()))) for group, name, found in state.drops
        ]
        identities = {place: dict(found.identities) for place, found in state.instances.items()}
        if (drops, versions) == (dropped, identities):
            return state
    raise AssertionError(f"{where}: found {drops} {versions}, may be one of {same}")


def assert_newest_version_is_current(store: FileStore, state: State) -> None:
    for (group, name), instance in state.instances.items():
        versions = store.versions(group, name)
        current = instance.values.get(CREDS)
        if current is None:
            assert not versions or not versions[0].identity  # they were deleted, and that is known to be meant
        else:
            assert versions[0].is_current
            assert store.read_version(group, name, versions[0].version) == current


def bring_everything_back(store: FileStore, state: State) -> State:
    """Restore every drop, each under a name of its own."""
    for number, drop in enumerate(drops_of(store)):
        change = RestoreInstance(drop.group, drop.instance, drop.drop, f"restored-{number}")
        assert store.commit([change]) == [None]
        state = follow(state, [change], 0)
    return state


def abandon(store: FileStore) -> None:
    """Let go of a store as a killed process does."""
    os.close(store._lock)


@pytest.fixture
def left() -> Iterator[Path]:
    """A folder for what a crash leaves; in memory if possible, for it is made anew for each of thousands of cuts."""
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
        yield Path(folder) / "left"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run one seed after another; with --full more of them."""
    if "seed" in metafunc.fixturenames:
        metafunc.parametrize("seed", SEEDS if metafunc.config.getoption("--full") else SEEDS_IN_CI)


@pytest.mark.parametrize("how", ["kill", "power cut", "torn"])
def test_a_crash_after_any_system_call_loses_nothing_acknowledged(
    tmp_path: Path, left: Path, monkeypatch: pytest.MonkeyPatch, how: str, seed: int
) -> None:
    root = tmp_path / "disk"
    root.mkdir()
    with recording(root, monkeypatch) as operations:
        store = FileStore(root / "store", segment_size=SEGMENT)
        states = tell(store, Random(seed), operations)
        store.close()
    disk, random = Disk(root), Random(seed)
    acknowledged = cuts = checked = drops = identities = 0
    for operation in operations:
        disk.do(operation)
        if operation[0] == "acknowledged":
            acknowledged = operation[1]
        cuts += 1
        if operation[0] in HARMLESS[how]:
            continue
        checked += 1
        shutil.rmtree(left, ignore_errors=True)
        disk.leave(left, how, random)
        found = check_what_is_left(left, states[acknowledged : acknowledged + 2], f"after {operation[0]}, cut {cuts}")
        drops += len(found.drops)
        identities += sum(len(instance.identities) for instance in found.instances.values())
    assert drops > 0
    assert identities > 0
    show_figure(
        f"{how}, seed {seed}: {cuts} cuts ({checked} that leave something new), {acknowledged} commits acknowledged; "
        f"looked at {drops} drops and {identities} identities; lost 0"
    )


def check_what_is_left(left: Path, possible: list[State], where: str) -> State:
    """Start on what a crash left, twice, and change it in between. What a crash does to that is not asked again."""

    def open_store() -> FileStore:
        return FileStore(left / "store", segment_size=SEGMENT, sync=False)

    store = open_store()
    found = find_state(store, possible, where)
    assert_newest_version_is_current(store, found)
    # What is changed after a crash survives the next one.
    later = SessionFile("g", "later", "k")
    changes: list[Change] = [CreateInstance("g", "later"), Write(later, b"[1]")]
    assert store.commit(changes) == [None, None]
    state = bring_everything_back(store, follow(found, changes))
    abandon(store)
    store = open_store()
    assert store.read(later) == b"[1]"
    assert store.commit([DropInstance("g", "later")]) == [None]
    after = follow(state, [DropInstance("g", "later")])
    values = {place: dict(instance.values) for place, instance in after.instances.items()}
    assert look_at_values(store) == values, where
    assert [drop.instance for drop in store.drops()] == ["later"]
    for (group, name), instance in after.instances.items():
        if name.startswith("restored-"):
            assert look_at_identities(store, group, name) == instance.identities, where
    store.close()
    return found
