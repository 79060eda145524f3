"""A folder that kept its name at a start, since the disk failed then: a key is not let go of while it needs it."""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path

import pytest

from sessionworker.events import Event
from sessionworker.stores.files.store import FileStore
from sessionworker.stores.seal import KeyRing
from tests.contract.words import CREDS, commit, creds, drops_of, read_all, restore
from tests.defects.calls import Call, about
from tests.defects.faults import disk_of
from tests.files.sealed import KEYS, NEW, OLD, PLAIN_AGAIN, SECOND, alone, rewrite, sealed_store
from tests.files.words import SEGMENT

WAYS = {"to another key": SECOND, "to plain": PLAIN_AGAIN}
PLACES: dict[str, Callable[[Call], bool]] = {
    "a group": lambda call: call.function == "rename" and all("/" not in path for path in call.paths),
    "a dropped instance": about(r"^\.sessionworker/dropped/[^/]*$", "rename"),
    "the proof of a dropped instance": about(r"^\.sessionworker/dropped/.*/id-", "rename"),
}


def start(folder: Path, ring: KeyRing | None, said: list[Event] | None = None) -> FileStore:
    """Open a store; what it tells the operator is added to `said`."""
    return FileStore(folder, report=(said if said is not None else []).append, segment_size=SEGMENT, ring=ring)


def left_behind(folder: Path, ring: KeyRing, place: str, say: list[Event]) -> FileStore:
    """Start a store with another key, while the disk lets nobody rename something."""
    with disk_of(folder) as disk, disk.failing(errno.EIO, PLACES[place]) as fault:
        store = start(folder, ring, say)
    assert fault.hits
    return store


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("way", WAYS)
def test_the_key_is_still_asked_for_and_what_is_left_is_named(folder: Path, way: str, place: str) -> None:
    said: list[Event] = []
    sealed_store(folder).close()
    with disk_of(folder) as disk, disk.failing(errno.EIO, PLACES[place]):
        store = left_behind(folder, WAYS[way], place, said)
        rewrite(store)
    assert "rewritten" not in {event.name for event in said}
    assert "rewriting_stuck" in {event.name for event in said}
    assert KEYS[0].name in store.encryption().keys
    store.close()


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("way", WAYS)
def test_after_another_start_it_goes_on_and_all_is_there(folder: Path, way: str, place: str) -> None:
    sealed_store(folder).close()
    store = left_behind(folder, WAYS[way], place, [])
    rewrite(store)
    store.close()
    store = start(folder, WAYS[way])
    rewrite(store)
    store.close()
    store = start(folder, alone(WAYS[way]))
    assert read_all(store, CREDS) == [creds(2)]
    commit(store, restore(drops_of(store, OLD)[0], "new"))
    assert read_all(store, NEW) == [creds(1, 3)]
    store.close()


def test_a_folder_whose_name_no_key_opens_is_named_too(folder: Path) -> None:
    sealed_store(folder).close()
    said: list[Event] = []
    (folder / ".sessionworker=aaaa").mkdir()
    store = start(folder, SECOND, said)
    rewrite(store)
    store.close()
    assert "rewritten" not in {event.name for event in said}
    assert any(event.name == "rewriting_stuck" and "=aaaa" in event.text for event in said)
    (folder / ".sessionworker=aaaa").rmdir()
    store = start(folder, SECOND, said)
    rewrite(store)
    assert "rewritten" in {event.name for event in said}
    store.close()
