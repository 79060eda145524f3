"""What the tests of sealed stores share: keys, the ways from one to another, and what is written on the disk."""

from __future__ import annotations

import re
from pathlib import Path

from sessionworker.stores.changes import Batch
from sessionworker.stores.files.store import FileStore
from sessionworker.stores.seal import KEY_BYTES, Key, KeyRing
from tests.contract.words import CREDS, KEY, OTHER_KEY, SUPPORT, commit, create, creds, drop, write
from tests.files.words import contents, start

KEYS = [Key(bytes([number]) * KEY_BYTES) for number in range(3)]
OLD = SUPPORT._replace(instance="old")
NEW = OLD._replace(instance="new")

LONG = SUPPORT._replace(instance="long " * 30)

NO_RING = None
FIRST, SECOND = KeyRing(KEYS[:1]), KeyRing([KEYS[1], KEYS[0]])
FIRST_AGAIN = KeyRing([KEYS[0], KEYS[1]])
SECOND_ALONE, PLAIN_AGAIN = KeyRing([KEYS[1]]), KeyRing(KEYS[:1], writes_plain=True)

STEPS: dict[str, list[KeyRing | None]] = {
    "to a key": [NO_RING, FIRST],
    "to another key": [FIRST, SECOND],
    "to plain": [FIRST, PLAIN_AGAIN],
    "all the way": [NO_RING, FIRST, SECOND, KeyRing(KEYS[1:2], writes_plain=True)],
}


def alone(ring: KeyRing | None) -> KeyRing | None:
    """What is enough to open a store once it was rewritten."""
    return None if ring is None or ring.writes_plain else KeyRing(ring.keys[:1])


def rewrite(store: FileStore) -> None:
    """Have all rewritten, in one thread that commits, saves and rewrites in turns."""
    asked: list[Batch] = []
    store.on_repair(asked.append)
    rewriting = store._parts.rewriting
    rewriting.begin()
    for _ in range(2000):
        rewriting.go_on(0.0)
        commit(store, *asked)
        asked.clear()
        store.checkpoint()
        if not rewriting.is_running:
            return
    raise AssertionError("it goes on for ever")


def everything_written(folder: Path) -> bytes:
    """All names and all bytes of a store's files, those apart that hold nothing of it."""
    apart = re.compile(r"\.sessionworker/(lock|probe|seals)$")
    files = {name: data for name, data in contents(folder).items() if not apart.search(name)}
    return b"\0".join(name.encode() + b"\0" + data for name, data in files.items())


def sealed_store(folder: Path) -> FileStore:
    """A sealed store that has something of everything, in files and in the journal."""
    store = start(folder, ring=FIRST)
    create(store, CREDS, SUPPORT, OLD)
    commit(store, write(CREDS, creds(1)), write(KEY, b"1"), write(OTHER_KEY, b"10"), write(SUPPORT, creds(1, 2)))
    commit(store, write(OLD, creds(1, 3)), write(SUPPORT._replace(key=KEY.key), b"11"))
    store.checkpoint()
    drop(store, OLD)
    commit(store, write(CREDS, creds(2)), write(KEY, b"2"))
    store.checkpoint()
    return store


def make_repairs(store: FileStore) -> None:
    """Have repairs made that a store asks for."""

    def make(batch: Batch) -> None:
        store.commit([batch])

    store.on_repair(make)


def fill(folder: Path, ring: KeyRing | None = None) -> None:
    """Make a store with four instances, all in their files, and close it."""
    store = start(folder, ring=ring)
    for number, file in enumerate((CREDS, SUPPORT, OLD, LONG), 1):
        create(store, file)
        commit(store, write(file, creds(1, number)))
    commit(store, write(KEY, b'"a value"'))
    store.close()


def nothing_else(store: FileStore) -> bool:
    """Whether a store says that nothing is in it but what it writes now."""
    said = store.encryption()
    return said.keys == ([said.key] if said.key else []) and said.plain == (not said.key)


def sealed_folder(folder: Path, ring: KeyRing) -> Path:
    """The folder of an instance of a store that is closed."""
    store = start(folder, ring=ring)
    path = folder / store._parts.catalogue.find(CREDS.group, CREDS.instance).path
    store.close()
    return path
