"""A start that meets trouble with one thing goes on with the rest, and throws nothing away."""

from __future__ import annotations

import errno
from functools import partial
from pathlib import Path

from sessionworker.errors import StoreUnavailable
from sessionworker.names import SessionFile
from tests.contract.words import CREDS, KEY, SUPPORT, commit, create, creds, delete, read_all, write
from tests.defects.calls import about
from tests.defects.faults import disk_of
from tests.files.sketches import leave_files
from tests.files.words import folder_of, kill, own_folder, start, tried


def test_a_full_disk_and_an_instance_that_is_nowhere_do_not_stop_the_start(folder: Path, reports: list[str]) -> None:
    store = start(folder)
    create(store, CREDS, SUPPORT)
    commit(store, write(CREDS, creds(1)), write(SUPPORT, creds(2)))
    kill(folder)
    folder_of(folder).rename(folder.parent / "elsewhere")
    with disk_of(folder) as disk, disk.failing(errno.ENOSPC, about("^.sessionworker/new/", "mkdir")):
        store = start(folder, reports)
        assert read_all(store, SUPPORT) == [creds(2)]
    kill(folder)
    (folder.parent / "elsewhere").rename(folder_of(folder))
    store = start(folder)
    assert read_all(store, CREDS, SUPPORT) == [creds(1), creds(2)]
    store.close()


def test_one_error_of_the_disk_makes_no_instance_lost_that_was_renamed_while_nobody_ran(folder: Path) -> None:
    for number in range(1, 12):
        root = folder / str(number)
        store = start(root)
        create(store, CREDS, SUPPORT)
        commit(store, write(CREDS, creds(1)), write(SUPPORT, creds(2)))
        kill(root)
        for name in ("sales", "support"):
            (root / "codechat" / name).rename(root / "codechat" / f"{name}-2")
        with disk_of(root) as disk, disk.failing(errno.EIO, about("/dropped$", "open"), at=number) as fault:
            store = start(root)
        for file, value in ((CREDS, creds(1)), (SUPPORT, creds(2))):
            renamed = file._replace(instance=f"{file.instance}-2")
            assert tried(partial(store.read, renamed)) in (value, StoreUnavailable)
        store.close()
        assert list((own_folder(root) / "lost").iterdir()) == []
        store = start(root)
        assert read_all(store, *(file._replace(instance=f"{file.instance}-2") for file in (CREDS, SUPPORT))) == [
            creds(1),
            creds(2),
        ]
        store.close()
        if not fault.hits:
            break


def test_what_somebody_put_into_the_journal_s_folder_is_left_there(folder: Path) -> None:
    start(folder).close()
    (own_folder(folder) / "journal" / "0001.segment.damaged").write_bytes(b"kept by a person")
    (own_folder(folder) / "journal" / "notes").mkdir()
    store = start(folder)
    create(store)
    store.close()
    assert (own_folder(folder) / "journal" / "0001.segment.damaged").read_bytes() == b"kept by a person"


def test_a_key_that_0_1_0_kept_beside_its_own_folder_is_read_and_written(folder: Path) -> None:
    versions = SessionFile("codechat", "sales", ".versions")
    leave_files(folder_of(folder), {"creds": creds(1), "%2Eversions": b'"of 0.1.0"'})
    leave_files(folder_of(folder) / ".versions", {"1699999999999-0.0123456789ab.3": creds(3)})
    store = start(folder)
    repairs: list[object] = []
    store.on_repair(repairs.append)
    assert read_all(store, versions, CREDS) == [b'"of 0.1.0"', creds(1)]
    assert repairs == []
    commit(store, write(KEY, b"1"))
    store.checkpoint()
    assert read_all(store, versions, CREDS) == [b'"of 0.1.0"', creds(1)]
    commit(store, write(versions, b"2"), write(CREDS, creds(2)))
    store.checkpoint()
    store.close()
    store = start(folder)
    assert read_all(store, versions, CREDS) == [b"2", creds(2)]
    commit(store, delete(versions))
    store.checkpoint()
    assert read_all(store, versions) == [None]
    store.close()
