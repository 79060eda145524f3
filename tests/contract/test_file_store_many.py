"""Many keys of the file store are read as of one moment, whatever is committed and saved meanwhile."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from threading import Event

import pytest

from sessionworker.errors import NoSuchInstance
from sessionworker.stores.changes import Write
from sessionworker.stores.files import many
from tests.contract.file_place import SMALL, start
from tests.contract.words import CREDS, changes, commit, create, drop, restore
from tests.files.sealed import FIRST

KEYS = [f"k{number}" for number in range(40)]


@pytest.fixture
def eager() -> Iterator[None]:
    """Threads take turns far more often than they would: the writer does not wait for the readers' turns to end."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(0.00002)
    yield
    sys.setswitchinterval(usual)


@pytest.mark.slow
@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize("is_sealed", [True, False])
def test_no_batch_is_seen_in_part(folder: Path, monkeypatch: pytest.MonkeyPatch, is_sealed: bool, full: bool) -> None:
    monkeypatch.setattr(many, "MOST_TRIES", 10**6)  # more batches come here in a moment than clients could send
    store = start(folder, limits=SMALL, ring=FIRST if is_sealed else None)
    create(store)
    commit(store, changes(*(Write(key, b"0") for key in KEYS)))
    is_over = Event()

    def write() -> None:
        for number in range(300 if full else 150):
            commit(store, changes(*(Write(key, b"%d" % number) for key in KEYS)))
            if number % 7 == 0:
                store.checkpoint()
            if number % 30 == 29:
                commit(store, restore(drop(store)))
            is_over.wait(0.001)  # a client waits for its answer
        is_over.set()

    def read() -> set[int]:
        seen = set()
        while not is_over.is_set():
            with suppress(NoSuchInstance):  # it is dropped for a moment
                seen.add(len(set(store.read_many(CREDS.group, CREDS.instance, KEYS, 10_000).values())))
                whole, broken = store.whole(CREDS.group, CREDS.instance, 10_000)
                seen.add(len(set(whole.values())) if len(whole) == len(KEYS) and not broken else 0)
        return seen

    with ThreadPoolExecutor(3) as pool:
        readers = [pool.submit(read) for _ in range(2)]
        pool.submit(write).result()
        assert [reader.result() for reader in readers] == [{1}, {1}]
    store.close()
