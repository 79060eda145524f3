"""While a store goes from one key to another, what still has its older name is there all the same."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from sessionworker.errors import WorkerError
from sessionworker.stores.changes import Batch, CreateInstance, Write
from sessionworker.stores.files.folder import Folder
from sessionworker.stores.seal import OVERHEAD, KeyRing
from tests.contract.words import CREDS, KEY, commit, create, creds, write
from tests.files.sealed import (
    FIRST,
    FIRST_AGAIN,
    SECOND,
    STEPS,
    everything_written,
    fill,
    nothing_else,
    rewrite,
    sealed_folder,
)
from tests.files.words import folder_of, own_folder, start, start_after_kill


@pytest.mark.parametrize("rings", STEPS.values(), ids=STEPS)
def test_no_new_instance_is_made_beside_a_folder_that_came_back_under_its_older_name(
    folder: Path, rings: list[KeyRing | None]
) -> None:
    fill(folder, rings[0])
    path = folder_of(folder) if rings[0] is None else sealed_folder(folder, rings[0])
    away = folder.parent / "away"
    path.rename(away)
    store = start(folder, ring=rings[1])
    away.rename(folder / store._parts.catalogue.groups[CREDS.group].folders[0] / path.name)
    assert store.commit([CreateInstance(CREDS.group, CREDS.instance)]) != [None]
    store.close()


@pytest.mark.parametrize("rings", STEPS.values(), ids=STEPS)
def test_no_new_group_is_made_beside_a_folder_that_came_back_under_its_older_name(
    folder: Path, rings: list[KeyRing | None]
) -> None:
    fill(folder, rings[0])
    path = folder_of(folder).parent if rings[0] is None else sealed_folder(folder, rings[0]).parent
    away = folder.parent / "away"
    path.rename(away)
    create_other = start(folder, ring=rings[0])
    create(create_other, CREDS._replace(group="other"))
    create_other.close()
    store = start(folder, ring=rings[1])
    away.rename(path)
    assert store.commit([CreateInstance(CREDS.group, CREDS.instance)]) != [None]
    store.close()


def test_a_large_value_that_had_become_a_file_before_the_key_changed_is_not_called_lost(folder: Path) -> None:
    fill(folder, FIRST)
    said: list[str] = []
    store = start(folder, ring=FIRST)
    value = b'"' + b"x" * 3_000_000 + b'"'
    commit(store, write(KEY, b"1"))  # which adopts it
    store.checkpoint()
    commit(store, store.prepare(Batch(CREDS.group, CREDS.instance, (Write(KEY.key, value),))))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Folder, "sync", lambda _: (_ for _ in ()).throw(OSError(errno.EIO, "an error")))
        with pytest.raises(WorkerError):
            store.checkpoint()
    store = start_after_kill(folder, said, ring=SECOND)
    store.checkpoint()
    assert store.read(KEY) == value
    assert not [text for text in said if "is nowhere" in text]
    store.close()


def test_what_tells_a_long_name_stays_when_it_had_to_be_written_anew(folder: Path) -> None:
    key = CREDS._replace(key="long " * 30)
    store = start(folder, ring=FIRST)
    create(store, CREDS)
    commit(store, write(CREDS, creds(1)), write(key, b"1"))
    store.close()
    start(folder, ring=SECOND).close()
    [told] = (own_folder(folder) / "names").iterdir()
    told.write_bytes(b"broken")
    store = start(folder, ring=FIRST_AGAIN)
    commit(store, write(key, b"2"))
    store.checkpoint()
    rewrite(store)
    assert nothing_else(store)
    store.close()
    assert told.exists()


@pytest.mark.parametrize("place", [".sessionworker/broken", ".aside"])
@pytest.mark.parametrize(
    "name", ["1795446697263-session-5511999999999.0", "of session-5511999999999.0", "5511999999999"]
)
def test_what_0_1_0_or_somebody_set_aside_is_sealed_under_whatever_name(folder: Path, place: str, name: str) -> None:
    fill(folder)
    (folder_of(folder) / place).mkdir()
    (folder_of(folder) / place / name).write_bytes(b'{"noiseKey')
    store = start(folder, ring=FIRST)
    rewrite(store)
    assert nothing_else(store)
    store.close()
    written = everything_written(folder)
    assert b'{"noiseKey' not in written
    assert b"5511999999999" not in written
    [_] = folder.rglob("broken/*")


def test_a_good_file_is_not_removed_for_a_broken_one_that_has_the_newer_name(folder: Path) -> None:
    fill(folder)
    path = folder_of(folder) / KEY.key
    before = path.read_bytes()
    store = start(folder, ring=FIRST)
    rewrite(store)
    store.close()
    ours = sealed_folder(folder, FIRST)
    [sealed] = (file for file in ours.iterdir() if file.is_file() and file.stat().st_size == len(before) + OVERHEAD)
    sealed.write_bytes(sealed.read_bytes()[:-1] + b"?")
    (ours / KEY.key).write_bytes(before)
    store = start(folder, ring=KeyRing(FIRST.keys, admits_plain=True))
    rewrite(store)
    store.close()
    store = start(folder, ring=FIRST)
    assert store.read(KEY) == before
    store.close()
