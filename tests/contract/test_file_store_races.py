"""Calls of the file store that meet one another, and an instance that is set apart."""

from __future__ import annotations

import errno
import os
import traceback
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from pathlib import Path

import pytest

from sessionworker import disk
from sessionworker.errors import NoSuchInstance, WorkerError
from sessionworker.stores.files.folder import Folder
from sessionworker.stores.files.instance import Instance
from sessionworker.stores.files.store import FileStore
from sessionworker.stores.files.version_files import VersionFiles
from sessionworker.stores.rules.versions import Keep, Version
from tests.contract.file_place import LARGE, SEGMENT, SMALL, start
from tests.contract.words import (
    CREDS,
    KEY,
    SUPPORT,
    commit,
    create,
    creds,
    drop,
    purge,
    versions,
    write,
)


@pytest.fixture
def stuck(monkeypatch: pytest.MonkeyPatch) -> None:
    """An instance whose files cannot be written: the one that most tests are about."""
    real = Folder.write

    def write_(self: Folder, values: Mapping[str, bytes]) -> None:
        if Path(f"/proc/self/fd/{self.handle}").readlink().name == KEY.instance:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        real(self, values)

    monkeypatch.setattr(Folder, "write", write_)


def try_checkpoint(store: FileStore) -> None:
    """Bring what was committed into the files, as far as that works."""
    with suppress(WorkerError):
        store.checkpoint()


def test_versions_are_listed_while_a_checkpoint_lets_some_of_them_go(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = start(folder, keep=Keep(newest=1, hours=0, days=0))
    create(store)
    commit(store, write(CREDS, creds(1)))
    store.checkpoint()
    commit(store, write(CREDS, creds(2)))
    real = VersionFiles.all

    def overtaken(self: VersionFiles) -> list[Version]:
        found = real(self)
        monkeypatch.undo()
        store.checkpoint()
        return found

    monkeypatch.setattr(VersionFiles, "all", overtaken)
    assert versions(store)[0].is_current
    store.close()


def test_two_checks_may_meet(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = start(folder)
    real = disk.remove_if_there
    threads = ThreadPoolExecutor()
    others: list[Future[None]] = []

    def overtaken(name: str, folder_: int) -> None:
        real(name, folder_)
        monkeypatch.undo()
        others.append(threads.submit(store.check))
        wait(others, timeout=0.2)

    monkeypatch.setattr("sessionworker.stores.files.store.remove_if_there", overtaken)
    store.check()
    assert [other.result(timeout=10) for other in others] == [None]
    threads.shutdown()
    store.close()


def test_a_reader_of_an_instance_that_is_dropped_and_erased_meanwhile_is_told_that_it_is_not_there(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = start(folder)
    create(store)
    commit(store, write(KEY, b"1"))
    store.close()
    store = start(folder)
    real = store._catalogue.find

    def overtaken(group: str, name: str) -> Instance:
        found = real(group, name)
        monkeypatch.undo()
        commit(store, purge(drop(store)))
        return found

    monkeypatch.setattr(store._catalogue, "find", overtaken)
    with pytest.raises(NoSuchInstance):
        store.read(KEY)
    assert store.figures().counts.get("read_errors", 0) == 0
    store.close()


def test_the_background_touches_no_folder_of_others_once_its_store_is_closed(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = start(folder)
    create(store)
    commit(store, write(KEY, b"1"))
    journal, run = store._parts.journal._folder, store._parts.checkpoints.run
    other = tmp_path / "other"
    other.mkdir()

    def overtaken() -> None:
        run()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(store._parts.checkpoints, "run", run)
            store.close()
        handle = os.open(other, os.O_RDONLY)  # somebody else opens something, and gets the same number
        if handle != journal:
            os.dup2(handle, journal)

    monkeypatch.setattr(store._parts.checkpoints, "run", overtaken)
    store._parts.background.try_checkpoint()
    assert list(other.iterdir()) == []


@pytest.mark.usefixtures("stuck")
def test_the_journal_takes_no_more_room_with_each_checkpoint_while_an_instance_is_set_apart(folder: Path) -> None:
    store = start(folder)
    create(store, CREDS, SUPPORT)
    commit(store, write(KEY, b'"%b"' % (b"x" * 10_000)))
    other = SUPPORT._replace(key="k")
    while store.figures().gauges["journal_bytes"] < SMALL.checkpoint_bytes // 2 + 1000:
        commit(store, write(other, b'"%b"' % (b"y" * 500)))
        try_checkpoint(store)
    before = store.figures().gauges["journal_disk_bytes"]
    for number in range(60):
        commit(store, write(other, b"%d" % number))
        try_checkpoint(store)
    assert store.figures().gauges["journal_disk_bytes"] < before + 10 * SEGMENT


@pytest.mark.usefixtures("stuck")
def test_what_refuses_the_writes_of_an_instance_does_not_hold_them_in_memory(folder: Path) -> None:
    store = start(folder)
    create(store)
    commit(store, write(KEY, b"1"))
    try_checkpoint(store)
    for _ in range(50):
        with pytest.raises(WorkerError) as refusal:
            store.prepare(write(KEY, b'"%b"' % (b"x" * LARGE)))
    assert len(traceback.extract_tb(refusal.value.__traceback__)) < 20
