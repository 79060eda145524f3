"""What somebody who may write to the disk, and has no key, can do to a sealed store: he is noticed, or changes nothing.

What no seal prevents is tested too, and stands in docs/security.md: an older value of the same key, and what is gone.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from sessionworker.errors import StoreUnavailable
from sessionworker.names import SessionFile
from sessionworker.stores.files.codec import SEALED, Sealed
from sessionworker.stores.seal import OVERHEAD, KeyRing, Seal
from tests.contract.words import (
    CREDS,
    KEY,
    OTHER_KEY,
    SUPPORT,
    commit,
    create,
    creds,
    write,
)
from tests.files.sealed import FIRST, KEYS, SECOND, make_repairs, rewrite, sealed_store
from tests.files.words import id_of, kill, own_folder, start, start_after_kill, tried
from tests.no_long_names import NoLongNames

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
    sealed_store(folder)
    change = partial(exchange, file_of(folder, KEY), file_of(folder, OTHER_KEY))
    assert answers_after(folder, change, KEY, OTHER_KEY, CREDS) == [None, None, creds(2)]


def test_creds_exchanged_with_another_value_come_from_their_newest_version(folder: Path) -> None:
    sealed_store(folder)
    change = partial(exchange, file_of(folder, KEY), file_of(folder, CREDS))
    assert answers_after(folder, change, KEY, CREDS) == [None, creds(2)]


def test_the_values_of_a_key_of_two_instances_that_are_exchanged_are_both_broken(folder: Path) -> None:
    sealed_store(folder)
    other = SUPPORT._replace(key=KEY.key)
    assert file_of(folder, KEY).name != file_of(folder, other).name  # which tells nobody that they are of one key

    def change() -> None:
        one, two = file_of(folder, KEY), file_of(folder, other)
        a, b = one.read_bytes(), two.read_bytes()
        one.write_bytes(b)
        two.write_bytes(a)

    assert answers_after(folder, change, KEY, other) == [None, None]


def test_two_instances_whose_folders_are_exchanged_are_both_refused(folder: Path) -> None:
    sealed_store(folder)
    change = partial(exchange, path_of(folder, "codechat", "sales"), path_of(folder, "codechat", "support"))
    assert answers_after(folder, change, CREDS, KEY, SUPPORT) == [StoreUnavailable] * 3
    assert answers_after(folder, change, CREDS, KEY, SUPPORT) == [creds(2), b"2", creds(1, 2)]


@pytest.mark.parametrize("what", ["an instance", "a group"])
def test_a_folder_with_a_name_that_no_key_opens_there_is_said(folder: Path, what: str) -> None:
    sealed_store(folder)
    kill(folder)
    path = path_of(folder, "codechat") if what == "a group" else path_of(folder, "codechat", "sales")
    path.rename(path.with_name(f"{SEALED}{'a' * 40}"))
    said: list[str] = []
    store = start_after_kill(folder, said, ring=FIRST)
    assert [text for text in said if "has a name that no key opens there" in text]
    assert tried(partial(store.read, CREDS)) is not None  # no such instance, or group; never "holds nothing"
    kill(folder)


def test_a_copy_of_an_instance_in_the_place_of_another_is_refused(folder: Path) -> None:
    sealed_store(folder)
    one, other = path_of(folder, "codechat", "sales"), path_of(folder, "codechat", "support")

    def change() -> None:
        shutil.rmtree(other)
        shutil.copytree(one, other)

    assert answers_after(folder, change, SUPPORT, CREDS) == [StoreUnavailable, creds(2)]


def test_a_value_under_another_keys_seal_is_broken(folder: Path) -> None:
    sealed_store(folder)
    kill(folder)
    other = folder.with_name("others")
    store = start(other, ring=KeyRing(KEYS[1:2]))
    create(store, CREDS)
    commit(store, write(KEY, b"9"))
    store.close()
    [theirs] = [path for path in other.glob("*/*/.sessionworker=*") if path.stat().st_size == OVERHEAD + 1]
    assert answers_after(folder, lambda: shutil.copy(theirs, file_of(folder, KEY)), KEY) == [None]


def test_an_older_version_is_no_value_of_creds(folder: Path) -> None:
    sealed_store(folder)
    ours = own_folder(path_of(folder, "codechat", "sales")) / "versions"
    oldest = min(ours.iterdir())
    change = partial(shutil.copy, oldest, file_of(folder, CREDS))
    assert answers_after(folder, change, CREDS) == [creds(2)]


def test_an_older_file_of_the_same_key_is_taken_for_its_value(folder: Path) -> None:
    sealed_store(folder)
    kill(folder)
    old_key, old_creds = with_older(folder, KEY, b"3", b"4"), with_older(folder, CREDS, creds(3), creds(4))

    def change() -> None:
        file_of(folder, KEY).write_bytes(old_key)
        file_of(folder, CREDS).write_bytes(old_creds)

    assert answers_after(folder, change, KEY, CREDS) == [b"3", creds(3)]  # which no seal of one value can prevent


def test_what_was_written_under_a_key_that_is_gone_is_no_value_any_more(folder: Path) -> None:
    sealed_store(folder)
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
