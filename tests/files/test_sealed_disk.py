"""What somebody who may write to the disk, and has no key, can do to a sealed store: he is noticed, or changes nothing.

What no seal prevents is tested too, and stands in docs/security.md: an older value of the same key, and what is gone.
"""

from __future__ import annotations

import random
import re
import shutil
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from sessionworker.errors import NoSuchInstance, StartError, StoreUnavailable
from sessionworker.names import SessionFile
from sessionworker.stores.changes import Batch
from sessionworker.stores.files.codec import SEALED, Sealed
from sessionworker.stores.files.store import FileStore
from sessionworker.stores.seal import OVERHEAD, KeyRing, Seal
from tests.contract.words import (
    CREDS,
    KEY,
    OTHER_KEY,
    SUPPORT,
    commit,
    create,
    creds,
    drop,
    drops_of,
    restore,
    versions,
    write,
)
from tests.files.sealed import FIRST, KEYS, SECOND, rewrite
from tests.files.words import contents, id_of, kill, own_folder, start, start_after_kill, tried, try_checkpoint
from tests.no_long_names import NoLongNames
from tests.tools import show_figure

OLD = SUPPORT._replace(instance="old")
NEW = OLD._replace(instance="new")
KINDS = ("journal", "whole", "versions", "id-", "seals", "events")
ORDINARY = re.compile("^What is written is|did not end cleanly")
VALUES: dict[SessionFile, set[bytes]] = {
    CREDS: {creds(1), creds(2), creds(3)},
    KEY: {b"1", b"2"},
    OTHER_KEY: {b"10"},
    SUPPORT: {creds(1, 2)},
    SUPPORT._replace(key=KEY.key): {b"11"},
    NEW: {creds(1, 3)},
}


def filled(folder: Path) -> FileStore:
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


def all_answers(store: FileStore) -> dict[object, object]:
    """What a store answers of all that there is, or was; what was dropped is brought back for that."""
    for dropped in drops_of(store, OLD):
        store.commit([restore(dropped, NEW.instance)])
    answers: dict[object, object] = {file: tried(partial(store.read, file)) for file in VALUES}
    for file in (CREDS, SUPPORT, NEW):
        found = tried(partial(versions, store, file))
        for one in found if isinstance(found, list) else []:
            version = one.version.partition("-")[2]  # without the time
            answers[file, version] = tried(partial(store.read_version, file.group, file.instance, one.version))
    return answers


def assert_nothing_wrong(answers: dict[object, object]) -> None:
    """No key answers anything that was not its own value at some time."""
    for file, values in VALUES.items():
        answer = answers.get(file)
        assert answer in values or answer in {None, StoreUnavailable, NoSuchInstance}, file


def make_repairs(store: FileStore) -> None:
    """Have repairs made that a store asks for."""

    def make(batch: Batch) -> None:
        store.commit([batch])

    store.on_repair(make)


def started(folder: Path, said: list[str]) -> FileStore | None:
    """Start a sealed store after a kill, with somebody who makes repairs; None if it is refused."""
    try:
        store = start_after_kill(folder, said, ring=FIRST)
    except StartError as refusal:
        said.append(str(refusal))
        return None
    make_repairs(store)
    return store


def after(folder: Path, change: Callable[[Path], object]) -> tuple[dict[object, object], list[str]]:
    """What a copy of a store answers after a change of its files, and what it says that is out of the ordinary."""
    copied, said = folder.with_name("copied"), list[str]()
    shutil.copytree(folder, copied)
    change(copied)
    store = started(copied, said)
    answers = all_answers(store) if store is not None else {}
    if store is not None:
        try_checkpoint(store)
        store.close()
    kill(copied)
    shutil.rmtree(copied)
    return answers, [text for text in said if not ORDINARY.search(text)]


# Bits that rot, or are made to


def flipped(name: str, bit: int, folder: Path) -> None:
    """Change one bit of a file in a folder."""
    data = bytearray((folder / name).read_bytes())
    data[bit // 8] ^= 1 << bit % 8
    (folder / name).write_bytes(data)


@pytest.mark.slow
def test_one_bit_changed_in_any_file_is_noticed_or_changes_nothing(folder: Path, *, full: bool) -> None:
    store = filled(folder)
    commit(store, write(CREDS, creds(3)), write(OTHER_KEY, b"10"), write(SUPPORT, creds(1, 2)))  # in the journal alone
    kill(folder)
    expected, said = after(folder, lambda _: None)
    assert said == []
    files = [(name, len(data)) for name, data in contents(folder).items() if data]
    draws, noticed, harmless = random.Random(1), Counter[str](), Counter[str]()
    while noticed.total() < (1000 if full else 40):
        name, size = draws.choice(files)
        answers, said = after(folder, partial(flipped, name, draws.randrange(size * 8)))
        assert_nothing_wrong(answers)
        assert said or answers == expected, name  # else it was room that is not used, or written anew
        kind = next((part for part in KINDS if part in name), "values")
        (noticed if said else harmless)[kind] += 1
    show_figure(f"one bit changed in a sealed store: noticed {dict(noticed)}, of no meaning {dict(harmless)}")


# What is put somewhere else, or comes back


def path_of(folder: Path, *names: str) -> Path:
    """The path of a group, of an instance in it, or of its key."""
    found = folder
    for name, place in zip(names, (("group",), ("instance", names[0]), ("key",)), strict=False):
        codec = Sealed(Seal(KEYS[:1]), NoLongNames())
        bound = place if place != ("key",) else ("key", id_of(found))
        found /= codec.encode_name(name, *bound)
    assert found.exists()
    return found


def file_of(folder: Path, file: SessionFile) -> Path:
    """The path of a session file."""
    return path_of(folder, *file)


def exchange(one: Path, other: Path) -> None:
    """Exchange two files, or folders."""
    aside = one.with_name("aside")
    one.rename(aside)
    other.rename(one)
    aside.rename(other)


def with_older(folder: Path, file: SessionFile, *values: bytes) -> bytes:
    """Write values to a key, one after the other, and return the file of the first of them."""
    store = start_after_kill(folder, ring=FIRST)
    files = []
    for value in values:
        commit(store, write(file, value))
        store.checkpoint()
        files.append(file_of(folder, file).read_bytes())
    kill(folder)
    return files[0]


def answers_after(folder: Path, change: Callable[[], object], *files: SessionFile) -> list[object]:
    """Change a store that nobody has open, and return what some keys answer then."""
    kill(folder)
    change()
    store = start_after_kill(folder, ring=FIRST)
    make_repairs(store)
    answers = [tried(partial(store.read, file)) for file in files]
    kill(folder)
    return answers


def test_two_values_of_an_instance_that_are_exchanged_are_both_broken(folder: Path) -> None:
    filled(folder)
    change = partial(exchange, file_of(folder, KEY), file_of(folder, OTHER_KEY))
    assert answers_after(folder, change, KEY, OTHER_KEY, CREDS) == [None, None, creds(2)]


def test_creds_exchanged_with_another_value_come_from_their_newest_version(folder: Path) -> None:
    filled(folder)
    change = partial(exchange, file_of(folder, KEY), file_of(folder, CREDS))
    assert answers_after(folder, change, KEY, CREDS) == [None, creds(2)]


def test_the_values_of_a_key_of_two_instances_that_are_exchanged_are_both_broken(folder: Path) -> None:
    filled(folder)
    other = SUPPORT._replace(key=KEY.key)
    assert file_of(folder, KEY).name != file_of(folder, other).name  # which tells nobody that they are of one key

    def change() -> None:
        one, two = file_of(folder, KEY), file_of(folder, other)
        a, b = one.read_bytes(), two.read_bytes()
        one.write_bytes(b)
        two.write_bytes(a)

    assert answers_after(folder, change, KEY, other) == [None, None]


def test_two_instances_whose_folders_are_exchanged_are_both_refused(folder: Path) -> None:
    filled(folder)
    change = partial(exchange, path_of(folder, "codechat", "sales"), path_of(folder, "codechat", "support"))
    assert answers_after(folder, change, CREDS, KEY, SUPPORT) == [StoreUnavailable] * 3
    assert answers_after(folder, change, CREDS, KEY, SUPPORT) == [creds(2), b"2", creds(1, 2)]


def test_a_copy_of_an_instance_in_the_place_of_another_is_refused(folder: Path) -> None:
    filled(folder)
    one, other = path_of(folder, "codechat", "sales"), path_of(folder, "codechat", "support")

    def change() -> None:
        shutil.rmtree(other)
        shutil.copytree(one, other)

    assert answers_after(folder, change, SUPPORT, CREDS) == [StoreUnavailable, creds(2)]


def test_a_value_under_another_keys_seal_is_broken(folder: Path) -> None:
    filled(folder)
    kill(folder)
    other = folder.with_name("others")
    store = start(other, ring=KeyRing(KEYS[1:2]))
    create(store, CREDS)
    commit(store, write(KEY, b"9"))
    store.close()
    [theirs] = [path for path in other.glob("*/*/.sessionworker=*") if path.stat().st_size == OVERHEAD + 1]
    assert answers_after(folder, lambda: shutil.copy(theirs, file_of(folder, KEY)), KEY) == [None]


def test_an_older_version_is_no_value_of_creds(folder: Path) -> None:
    filled(folder)
    ours = own_folder(path_of(folder, "codechat", "sales")) / "versions"
    oldest = min(ours.iterdir())
    change = partial(shutil.copy, oldest, file_of(folder, CREDS))
    assert answers_after(folder, change, CREDS) == [creds(2)]


def test_an_older_file_of_the_same_key_is_taken_for_its_value(folder: Path) -> None:
    filled(folder)
    kill(folder)
    old_key, old_creds = with_older(folder, KEY, b"3", b"4"), with_older(folder, CREDS, creds(3), creds(4))

    def change() -> None:
        file_of(folder, KEY).write_bytes(old_key)
        file_of(folder, CREDS).write_bytes(old_creds)

    assert answers_after(folder, change, KEY, CREDS) == [b"3", creds(3)]  # which no seal of one value can prevent


def test_what_was_written_under_a_key_that_is_gone_is_no_value_any_more(folder: Path) -> None:
    filled(folder)
    kill(folder)
    old = with_older(folder, KEY, b"3", b"4")
    name = file_of(folder, KEY)
    store = start_after_kill(folder, ring=SECOND)
    rewrite(store)
    store.close()
    assert not name.exists()
    codec = Sealed(Seal(KEYS[1:2]), NoLongNames())
    [group] = [path for path in folder.iterdir() if path.name.startswith(SEALED)]
    instance = group / codec.encode_name("sales", "instance", "codechat")
    (instance / codec.encode_name(KEY.key, "key", id_of(instance))).write_bytes(old)
    store = start(folder, ring=KeyRing(KEYS[1:2]))
    assert store.read(KEY) is None
    store.close()
