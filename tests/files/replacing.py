"""What the tests of an instance that takes the place of another share."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from itertools import count
from pathlib import Path

from sessionworker.stores.files.store import FileStore
from sessionworker.stores.seal import KeyRing
from sessionworker.wire import DropSummary
from tests.contract.words import CREDS, KEY, SUPPORT, commit, create, creds, drop, read_all, restore, write
from tests.files.words import OURS, start

OLD, NEW = [creds(2), b'"old"', b'"waits"'], [creds(2, 2), b'"new"', None]
WAITING = KEY._replace(key="waits")
FILES = CREDS, KEY, WAITING
REPLACING = Path(OURS) / "replacing"


def prepare(folder: Path, *, is_settled: bool = False, ring: KeyRing | None = None) -> tuple[FileStore, DropSummary]:
    """Return a store with an instance that has something in the journal, and the drop of another one."""
    store = start(folder, sync=True, ring=ring)
    create(store, CREDS, SUPPORT)
    commit(store, write(CREDS, creds(1)), write(KEY, b'"old"'))
    commit(store, write(SUPPORT, creds(1, 2)), write(SUPPORT._replace(key=KEY.key), b'"new"'))
    store.checkpoint()
    commit(store, write(CREDS, creds(2)), write(WAITING, b'"waits"'), write(SUPPORT, creds(2, 2)))
    if is_settled:
        store.checkpoint()
    return store, drop(store, SUPPORT)


def look(store: FileStore) -> str:
    """Tell which one has the place; each is whole, and the other one is a drop that can be brought back."""
    assert store.instances("codechat") == ["sales"]
    held = read_all(store, *FILES)
    store.check_creds("codechat", "sales")
    assert held in (OLD, NEW)
    [dropped] = store.drops()
    assert dropped.instance == ("support" if held == OLD else "sales")
    assert (dropped.files, dropped.problem) == (2 if held == OLD else 3, "")
    return "old" if held == OLD else "new"


def look_and_go_on(store: FileStore, folder: Path, ring: KeyRing | None = None) -> str:
    """Do that; bring the other one back, too; write to both, and see that they are two after a start."""
    which = look(store)
    [dropped] = store.drops()
    other = SUPPORT._replace(instance="other")
    commit(store, restore(dropped, "other"))
    assert read_all(store, *(other._replace(key=file.key) for file in FILES)) == (NEW if which == "old" else OLD)
    commit(store, write(KEY, b'"1"'), write(other._replace(key=KEY.key), b'"2"'))
    store.close()
    store = start(folder, ring=ring)
    assert not (folder / REPLACING).exists()
    assert read_all(store, KEY, other._replace(key=KEY.key)) == [b'"1"', b'"2"']
    assert store.drops() == []
    store.close()
    return which


def roots(folder: Path) -> Iterator[tuple[int, Path]]:
    """Yield a number, and a folder for it that is removed afterwards, again and again."""
    for number in count(1):
        root = folder / str(number)
        yield number, root
        shutil.rmtree(root)
