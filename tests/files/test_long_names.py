"""A name that is too long to be sealed into a file name is kept, listed and rewritten as any other."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from sessionworker.errors import StoreUnavailable
from sessionworker.names import SessionFile
from sessionworker.stores.files.codec import LONG, LONGEST_SEALED
from sessionworker.stores.files.store import FileStore
from sessionworker.stores.seal import KeyRing
from tests.contract.words import commit, create, creds, delete, drop, drops_of, read_all, restore, write
from tests.files.sealed import FIRST, SECOND, SECOND_ALONE, STEPS, alone, everything_written, rewrite
from tests.files.words import own_folder, start, start_after_kill

LONG_NAME = "55119" + "9" * 245
ACCENTS = "ã" * 125
SHARED = "session-" + "5" * 240
LONGEST = SessionFile(LONG_NAME, ACCENTS, "creds")
FILES = [LONGEST, *(LONGEST._replace(key=f"{SHARED}{number}") for number in range(3))]
VALUES = [creds(1), b"0", b"1", b"2"]


def filled(folder: Path, ring: KeyRing | None) -> FileStore:
    """A store in which a group, an instance and three keys have long names, the keys nearly the same one."""
    store = start(folder, ring=ring)
    create(store, LONGEST, LONGEST._replace(instance="short"))
    commit(store, *(write(file, value) for file, value in zip(FILES, VALUES, strict=True)))
    store.checkpoint()
    return store


def assert_whole(store: FileStore, group: str = LONG_NAME) -> None:
    """Everything that was stored is there, and is listed."""
    assert store.groups() == [group]
    assert sorted(store.instances(group)) == ["short", ACCENTS]
    assert read_all(store, *(file._replace(group=group) for file in FILES)) == VALUES
    [files] = [one.files for one in store.describe(group) if one.instance == ACCENTS]
    assert files in {len(FILES), None}


@pytest.mark.parametrize("rings", STEPS.values(), ids=STEPS)
def test_it_is_there_whatever_all_is_sealed_with(folder: Path, rings: list[KeyRing | None]) -> None:
    store = filled(folder, rings[0])
    assert_whole(store)
    for _, ring in pairwise(rings):
        store = start_after_kill(folder, ring=ring)
        assert_whole(store)
        rewrite(store)
        assert_whole(store)
        store.close()
        is_sealed = ring is not None and not ring.writes_plain
        assert (b"55555" in everything_written(folder)) is not is_sealed
        assert (LONG.encode() in everything_written(folder)) is is_sealed
        names = own_folder(folder) / "names"
        assert len(list(names.iterdir())) == (5 if is_sealed else 0)
        store = start(folder, ring=alone(ring))
        assert_whole(store)
    store.close()


def test_it_can_be_dropped_brought_back_and_deleted(folder: Path) -> None:
    store = filled(folder, FIRST)
    drop(store, LONGEST)
    store = start_after_kill(folder, ring=FIRST)
    [dropped] = drops_of(store, LONGEST)
    again = LONGEST._replace(instance="é" * 120)
    commit(store, restore(dropped, again.instance))
    store.checkpoint()
    store = start_after_kill(folder, ring=FIRST)
    assert sorted(store.instances(LONG_NAME)) == ["short", again.instance]
    assert read_all(store, *(file._replace(instance=again.instance) for file in FILES)) == VALUES
    commit(store, delete(FILES[1]._replace(instance=again.instance)))
    store.close()
    store = start(folder, ring=FIRST)
    assert read_all(store, *(file._replace(instance=again.instance) for file in FILES)) == [VALUES[0], None, b"1", b"2"]
    store.close()


def created_again_without_names(folder: Path) -> FileStore:
    """A store in which what tells the long names was lost, after a client has asked for its instance again."""
    filled(folder, FIRST).close()
    for path in (own_folder(folder) / "names").iterdir():
        path.write_bytes(b"junk")
    store = start(folder, ring=FIRST)
    create(store, LONGEST)
    return store


def test_what_tells_it_can_be_lost_without_a_value_going_with_it(folder: Path) -> None:
    store = created_again_without_names(folder)
    assert read_all(store, *FILES) == VALUES
    with pytest.raises(StoreUnavailable, match="The name of one of this instance's keys cannot be opened"):
        store.whole(*LONGEST[:2], 10_000)  # nobody takes it for all there is
    store.close()


def test_the_older_key_is_needed_as_long_as_a_long_name_of_a_file_under_it_is_lost(folder: Path) -> None:
    created_again_without_names(folder).close()
    said: list[str] = []
    store = start(folder, said, ring=SECOND)
    rewrite(store)
    assert store.encryption().keys != [store.encryption().key]
    assert any("no key opens the name of its file" in line for line in said), said
    assert read_all(store, *FILES) == VALUES
    commit(store, *(write(file, value) for file, value in zip(FILES, VALUES, strict=True)))
    store.checkpoint()
    rewrite(store)
    assert store.encryption().keys == [store.encryption().key]
    store.close()
    store = start(folder, ring=SECOND_ALONE)
    assert_whole(store)
    store.close()


@pytest.mark.parametrize("length", range(LONGEST_SEALED - 1, LONGEST_SEALED + 3))
def test_where_long_begins_nothing_is_too_long(folder: Path, length: int) -> None:
    file = SessionFile("g" * length, "i" * length, "k" * length)
    store = start(folder, ring=SECOND)
    create(store, file)
    commit(store, write(file, b"1"))
    store.close()
    store = start(folder, ring=SECOND)
    assert store.groups() == ["g" * length]
    assert store.instances("g" * length) == ["i" * length]
    assert store.read(file) == b"1"
    assert (own_folder(folder) / "names").exists() is (length > LONGEST_SEALED)
    store.close()
