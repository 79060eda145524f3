"""Erasing what was purged takes its time, and nobody waits for it."""

from __future__ import annotations

import errno
import threading
from pathlib import Path

from tests.contract.words import CREDS, KEY, commit, create, creds, drop, purge, read_all, write
from tests.defects.calls import about
from tests.defects.faults import disk_of
from tests.files.words import QUICK, maintained, start, try_checkpoint


def files_in_purged(folder: Path) -> int:
    return len([path for path in (folder / ".sessionworker" / "purged").rglob("*") if path.is_file()])


def test_a_purged_folder_that_cannot_be_emptied_keeps_no_other_one(folder: Path) -> None:
    store = start(folder)
    names = [KEY._replace(instance=f"instance-{number}") for number in range(6)]
    create(store, *names)
    commit(store, *(write(file, b'"x"') for file in names))
    store.checkpoint()
    commit(store, *(purge(drop(store, file)) for file in names))
    purged = sorted(path.name for path in (folder / ".sessionworker" / "purged").iterdir())
    with disk_of(folder) as disk, disk.failing(errno.EACCES, about(f"/purged/{purged[0]}", "unlink")):
        try_checkpoint(store)
        left = [name for name in purged if list((folder / ".sessionworker" / "purged" / name).rglob("key"))]
        assert left in ([], [purged[0]])
        emptied = [
            name
            for name in purged
            if not [path for path in (folder / ".sessionworker/purged" / name).rglob("*") if path.is_file()]
        ]
        assert len(emptied) >= len(purged) - 1
    store.checkpoint()
    assert files_in_purged(folder) == 0
    store.close()


def test_files_follow_and_checkpoints_end_while_something_large_is_erased(folder: Path) -> None:
    store = start(folder, limits=QUICK)
    create(store, KEY, CREDS._replace(instance="other"))
    commit(store, *(write(KEY._replace(key=f"pre-key-{number}"), b'"x"') for number in range(300)))
    store.checkpoint()
    may_go_on, has_begun = threading.Event(), threading.Event()

    class Held:
        """An erase that takes as long as the test wants it to."""

        def meet(self, call: object) -> None:
            if "purged" in str(getattr(call, "paths", "")) and getattr(call, "function", "") == "unlink":
                has_begun.set()
                may_go_on.wait(20)

    with disk_of(folder) as disk, disk.ruled(Held()), maintained(store):
        commit(store, purge(drop(store, KEY)))
        assert has_begun.wait(10)
        commit(store, write(CREDS._replace(instance="other"), creds(1)))
        checkpoint = threading.Thread(target=store.checkpoint)
        checkpoint.start()
        checkpoint.join(10)
        is_over = not checkpoint.is_alive()
        may_go_on.set()
        checkpoint.join()
        assert is_over
        assert (folder / "codechat" / "other" / "creds").read_bytes() == creds(1)
    store = start(folder)
    assert files_in_purged(folder) == 0
    assert read_all(store, CREDS._replace(instance="other")) == [creds(1)]
    store.close()
