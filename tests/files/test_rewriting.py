"""A store goes from plain to a key, from one key to another, and back: nothing is lost, and nothing is left behind."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from sessionworker.errors import StartError
from sessionworker.stores.changes import Batch, LabelInstance
from sessionworker.stores.files.codec import SEALED
from sessionworker.stores.files.store import FileStore
from sessionworker.stores.seal import OVERHEAD, KeyRing, is_sealed
from tests.contract.words import (
    CREDS,
    KEY,
    OTHER_KEY,
    SUPPORT,
    commit,
    create,
    creds,
    delete,
    drop,
    drops_of,
    kept,
    read_all,
    restore,
    versions,
    write,
)
from tests.files.sealed import (
    FIRST,
    KEYS,
    PLAIN_AGAIN,
    SECOND,
    SECOND_ALONE,
    STEPS,
    alone,
    everything_written,
    rewrite,
)
from tests.files.words import contents, folder_of, kill, own_folder, start, start_after_kill

OLD = SUPPORT._replace(instance="old")
SECRETS = re.compile(rb"noiseKey|registrationId|5511999999999|pre-key|codechat|sales|support|\bold\b|a secret")


def filled(folder: Path, ring: KeyRing | None) -> FileStore:
    """A store that has something of everything."""
    store = start(folder, ring=ring)
    create(store, CREDS, SUPPORT, OLD)
    commit(store, write(CREDS, creds(1)), write(CREDS, creds(2)), write(KEY, b'"a secret"'), write(OTHER_KEY, b"1"))
    commit(store, write(SUPPORT, creds(1, 2)), write(OLD, creds(1, 3)), write(OLD._replace(key="x"), b'"a secret"'))
    commit(store, *(LabelInstance(*file[:2], f"a secret {file.instance}") for file in (CREDS, OLD)))
    store.checkpoint()
    drop(store, OLD)
    commit(store, delete(OTHER_KEY), write(KEY._replace(key="pre-key-7"), b"7"))
    return store


def everything(store: FileStore) -> list[object]:
    """All that a store with something of everything answers."""
    values = read_all(store, CREDS, KEY, OTHER_KEY, KEY._replace(key="pre-key-7"), SUPPORT)
    told = [drop._replace(problem="") if hasattr(drop, "_replace") else drop for drop in store.drops()]
    labels = [(one.instance, one.label) for one in store.describe("codechat")]
    return [values, kept(store), [one.version for one in versions(store)], told, labels]


@pytest.mark.parametrize("end", ["kill", "close"])
@pytest.mark.parametrize("rings", STEPS.values(), ids=STEPS)
def test_everything_is_there_and_nothing_is_left_under_what_was_before(
    folder: Path, rings: list[KeyRing | None], end: str
) -> None:
    store = filled(folder, rings[0])
    before = everything(store)
    for _, ring in pairwise(rings):
        if end == "close":
            store.close()
        store = start_after_kill(folder, ring=ring)
        assert everything(store) == before
        rewrite(store)
        assert store._parts.rewriting.progress.done == store._parts.rewriting.progress.total == 3
        assert everything(store) == before
        store.close()
        written = everything_written(folder)
        if ring is not None and not ring.writes_plain:
            assert SECRETS.search(written) is None
            others = [key for key in KEYS if key is not ring.keys[0]]
            assert not any(b"\0sw1" + key.id in written for key in others)
        else:
            assert b"\0sw1" not in written
            assert SEALED.encode() not in written
        store = start(folder, ring=alone(ring))
        assert everything(store) == before
    commit(store, restore(drops_of(store, OLD)[0], "new"))
    assert read_all(store, OLD._replace(instance="new"), OLD._replace(instance="new", key="x")) == [
        creds(1, 3),
        b'"a secret"',
    ]
    store.close()


def test_what_was_set_aside_is_sealed_too(folder: Path) -> None:
    store = filled(folder, None)
    store.close()
    (folder_of(folder) / KEY.key).write_bytes(b'{"a secret')
    (folder_of(folder) / "session-5511999999999.1").mkdir()
    store = start(folder)
    store.on_repair(lambda batch: commit(store, batch))
    assert store.read(KEY) is None
    assert store.read(KEY._replace(key="session-5511999999999.1")) is None
    store.close()
    assert len(list((own_folder(folder_of(folder)) / "broken").iterdir())) == 2
    store = start(folder, ring=FIRST)
    rewrite(store)
    store.close()
    [broken] = [path for path in folder.rglob("broken/*") if path.is_file()]
    assert is_sealed(broken.read_bytes())
    assert b"5511999999999.0" not in everything_written(folder)
    store = start(folder, ring=PLAIN_AGAIN)
    rewrite(store)
    store.close()
    [broken] = [path for path in folder.rglob("broken/*") if path.is_file()]
    assert broken.read_bytes() == b'{"a secret'
    assert broken.name.endswith(KEY.key)


@pytest.mark.parametrize("what", ["a folder", "junk"])
def test_creds_that_are_broken_when_they_are_rewritten_come_from_their_newest_version(folder: Path, what: str) -> None:
    filled(folder, None).close()
    path = folder_of(folder) / CREDS.key
    path.unlink()
    path.mkdir() if what == "a folder" else path.write_bytes(b"\0sw1junk")
    store = start(folder, ring=FIRST)
    rewrite(store)
    assert store.read(CREDS) == creds(2)
    store.close()
    store = start(folder, ring=FIRST)
    assert store.read(CREDS) == creds(2)
    store.close()


@pytest.mark.parametrize("steps", range(1, 25))
def test_it_goes_on_after_a_kill_with_what_is_left(folder: Path, steps: int) -> None:
    store = filled(folder, None)
    before = everything(store)
    store.close()
    for ring in (FIRST, FIRST, SECOND, SECOND, SECOND):
        store = start_after_kill(folder, ring=ring)
        asked: list[Batch] = []
        store.on_repair(asked.append)
        store._parts.rewriting.begin()
        for _ in range(steps):
            store._parts.rewriting.go_on(0.0)
            commit(store, *asked)
            asked.clear()
        assert everything(store) == before
        store._parts.rewriting.end()  # in this process it would close what is not its own any more
    store = start_after_kill(folder, ring=SECOND)
    rewrite(store)
    assert everything(store) == before
    store.close()
    store = start(folder, ring=SECOND_ALONE)
    assert everything(store) == before
    store.close()


REFUSED: dict[str, Callable[[], KeyRing | None]] = {
    "no key": lambda: None,
    "another key": lambda: KeyRing(KEYS[2:]),
    "one of two": lambda: SECOND_ALONE,
}


@pytest.mark.parametrize("ring", REFUSED.values(), ids=REFUSED)
def test_a_start_without_a_key_that_is_needed_is_refused_and_changes_nothing(
    folder: Path, ring: Callable[[], KeyRing | None]
) -> None:
    filled(folder, FIRST).close()
    store = start(folder, ring=SECOND)
    commit(store, write(KEY, b"9"))
    kill(folder)
    before = contents(folder)
    with pytest.raises(StartError, match=f"encrypted with the key.* {KEYS[0].name}"):
        start(folder, ring=ring())
    assert contents(folder) == before
    store = start(folder, ring=SECOND)
    assert store.read(KEY) == b"9"
    store.close()


@pytest.mark.parametrize("what", ["gone", "said to be plain", "junk"])
def test_what_says_with_which_keys_is_believed_of_nobody_without_one(folder: Path, what: str) -> None:
    filled(folder, FIRST).close()
    path = own_folder(folder) / "seals"
    match what:
        case "gone":
            path.unlink()
        case "said to be plain":
            path.write_bytes(path.read_bytes().replace(b'"plain":false', b'"plain":true'))
        case "junk":
            path.write_bytes(b"{")
    for ring in (FIRST, None):
        with pytest.raises(StartError):
            start(folder, ring=ring)


def test_what_is_plain_is_taken_for_no_value_of_a_store_that_was_never_plain(folder: Path) -> None:
    store = filled(folder, FIRST)
    store.close()
    sizes = {path: path.stat().st_size for path in folder.glob(".sessionworker=*/*/.sessionworker=*")}
    creds_file = next(path for path, size in sizes.items() if size == len(creds(2)) + OVERHEAD)
    creds_file.write_bytes(creds(9, 9))
    store = start(folder, ring=FIRST)
    assert store.read(CREDS) != creds(9, 9)
    assert store.read(SUPPORT) != creds(9, 9)
    store.close()


@pytest.mark.parametrize("more", [0, 40], ids=["one segment", "more segments"])
def test_the_older_key_is_needed_as_long_as_the_journal_holds_what_is_nowhere_else(folder: Path, more: int) -> None:
    store = start(folder, ring=FIRST)
    create(store, OLD)
    commit(store, *(write(OLD._replace(key=f"k{number}"), b"1" * 600) for number in range(1 + more)))
    kill(folder)
    shutil.rmtree(next(path for path in folder.glob(f"{SEALED}*/{SEALED}*") if path.is_dir()))
    store = start(folder, ring=SECOND)
    for _ in range(100):
        store._parts.rewriting.begin()
        store._parts.rewriting.go_on(0.0)
    assert KEYS[0].name in store.encryption().keys
    rewrite(store)
    assert store.encryption().keys == [KEYS[1].name]
    start_after_kill(folder, ring=SECOND_ALONE).close()


def test_a_key_that_never_sealed_anything_can_be_taken_away_again(folder: Path) -> None:
    store = filled(folder, FIRST)
    before = everything(store)
    store.close()
    start(folder, ring=KeyRing([KEYS[1], KEYS[0]], writes_plain=True)).close()
    for ring in (PLAIN_AGAIN, FIRST):
        store = start(folder, ring=ring)
        assert everything(store) == before
        store.close()
