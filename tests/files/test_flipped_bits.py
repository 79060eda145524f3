"""One bit that rots in a sealed store, or is made to: it is noticed, or has no meaning."""

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
from sessionworker.stores.files.store import FileStore
from tests.contract.words import CREDS, KEY, OTHER_KEY, SUPPORT, commit, creds, drops_of, restore, versions, write
from tests.files.sealed import FIRST, NEW, OLD, make_repairs, sealed_store
from tests.files.words import contents, kill, start_after_kill, tried, try_checkpoint
from tests.tools import show_figure

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


def flipped(name: str, bit: int, folder: Path) -> None:
    """Change one bit of a file in a folder."""
    data = bytearray((folder / name).read_bytes())
    data[bit // 8] ^= 1 << bit % 8
    (folder / name).write_bytes(data)


@pytest.mark.slow
def test_one_bit_changed_in_any_file_is_noticed_or_changes_nothing(folder: Path, *, full: bool) -> None:
    store = sealed_store(folder)
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
