"""What stands in a folder's place, or is missing there, is never taken for "no keys", and never others' trouble."""

from __future__ import annotations

import errno
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path

import pytest

from sessionworker.errors import NoSuchGroup, StoreUnavailable, WorkerError
from tests.answers import Answer
from tests.defects.calls import about, naming
from tests.defects.faults import disk_of
from tests.defects.store import (
    CREDS,
    Store,
    check_creds,
    checkpoint,
    close,
    create,
    creating,
    creds,
    drop_group,
    file_of,
    groups,
    is_done,
    kill,
    open_store,
    read,
    try_checkpoint,
    versions_folder,
    write,
    writing,
)
from tests.memory import Worker

KEY = file_of("session-1")
OTHER = file_of("session-1", "b")
"""A session file of another instance."""

HOLDS_NOTHING = "This key holds nothing."


def paired(folder: Path) -> None:
    """Leave a store with an instance that has creds."""
    store = open_store(folder)
    create(store)
    write(store, CREDS, creds(7))
    close(store)


def create_by_http(worker: Worker) -> Answer:
    return worker.ask("POST", "/session/g", {"instance": "a"})


def creds_by_http(worker: Worker) -> Answer:
    return worker.ask("GET", "/session/g/a/creds")


# Missing


def rename(path: Path) -> None:
    path.rename(path.parent.parent / "elsewhere")


def put_a_dangling_link_there(path: Path) -> None:
    rename(path)
    path.symlink_to(path.parent / "nowhere")


@pytest.mark.parametrize("level", ["instance", "group"])
@pytest.mark.parametrize("take_away", [shutil.rmtree, rename, put_a_dangling_link_there])
def test_an_instance_whose_folder_is_gone_is_refused_and_not_taken_for_a_new_one(
    folder: Path, take_away: Callable[[Path], None], level: str
) -> None:
    paired(folder)
    gone = folder / "g" / "a" if level == "instance" else folder / "g"
    with Worker(folder) as worker:
        take_away(gone)
        for _ in range(2):
            assert create_by_http(worker).status == 503
            assert HOLDS_NOTHING not in creds_by_http(worker).body.decode()
        assert [line for line in worker.reports if "'a'" in line]


def test_an_instance_whose_folder_is_there_again_goes_on(folder: Path) -> None:
    paired(folder)
    with Worker(folder) as worker:
        (folder / "g" / "a").rename(folder / "elsewhere")
        assert create_by_http(worker).status == 503
        (folder / "elsewhere").rename(folder / "g" / "a")
        assert create_by_http(worker).status == 204
        assert creds_by_http(worker).body == creds(7)


@pytest.mark.parametrize("error", [errno.EIO, errno.EACCES], ids=["EIO", "EACCES"])
def test_a_healthy_folder_is_not_moved_aside_wherever_the_disk_failed_once(folder: Path, error: int) -> None:
    for number in count(1):
        root = folder / str(number)
        paired(root)
        store = open_store(root)
        with disk_of(root) as disk, disk.failing(error, at=number) as fault:
            is_done(store, writing(KEY, b"1"))
            try_checkpoint(store)
            with suppress(WorkerError):
                check_creds(store)
        assert read(store, CREDS) == creds(7), fault.where
        kill(root)
        store = open_store(root)
        check_creds(store)
        assert read(store, CREDS) == creds(7), fault.where
        close(store)
        if not fault.hits:
            assert number > 1
            return


# Links


def test_a_link_in_the_place_of_an_instance_s_folder_is_not_followed(folder: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "creds").write_bytes(creds(666, registration=666))
    (folder / "g").mkdir(parents=True)
    (folder / "g" / "a").symlink_to(elsewhere)
    store = open_store(folder)
    with pytest.raises(WorkerError):
        read(store, CREDS)
    with pytest.raises(WorkerError):
        check_creds(store)
    with suppress(WorkerError):
        write(store, KEY, b"1")
    try_checkpoint(store)
    with suppress(WorkerError):
        close(store)
    assert [path.name for path in elsewhere.iterdir()] == ["creds"]


def test_a_link_that_was_put_in_the_place_of_an_instance_s_folder_is_not_written_through(folder: Path) -> None:
    paired(folder)
    store = open_store(folder)
    assert read(store, KEY) is None
    elsewhere = folder.with_name("elsewhere")
    (folder / "g" / "a").rename(elsewhere)
    (folder / "g" / "a").symlink_to(elsewhere)
    with suppress(WorkerError):
        write(store, KEY, b"1")
    try_checkpoint(store)
    assert not (elsewhere / KEY.key).exists()
    with pytest.raises(StoreUnavailable):
        check_creds(store)


# Folders of others


@contextmanager
def unreadable(folder: Path, name: str) -> Iterator[None]:
    """Have a folder that only root may read; a test may run as root, which may read everything."""
    (folder / name).mkdir(mode=0o700)
    with disk_of(folder) as disk:
        wanted = about(f"^{re.escape(name)}(/|$)", "open", "scandir", "listdir")
        with disk.failing(errno.EACCES, wanted):
            yield


def test_an_unreadable_lost_and_found_does_not_stop_the_start(folder: Path) -> None:
    paired(folder)
    with unreadable(folder, "lost+found"):
        store = open_store(folder)
        assert groups(store) == ["g"]
        assert read(store, CREDS) == creds(7)
        write(store, KEY, b"1")
        close(store)


def test_lost_and_found_is_no_group_and_cannot_be_dropped(folder: Path) -> None:
    paired(folder)
    (folder / "lost+found" / "#12").mkdir(parents=True)
    store = open_store(folder)
    assert groups(store) == ["g"]
    with pytest.raises(NoSuchGroup):
        drop_group(store, "lost+found")
    close(store)
    assert (folder / "lost+found" / "#12").is_dir()


# One instance that cannot be written


def others_go_on(folder: Path, store: Store, ending: Callable[[], None]) -> None:
    """Write to another instance, make a new one, end the store and start it again."""
    write(store, OTHER, b"2")
    create(store, "h2", "c")
    try_checkpoint(store)
    write(store, OTHER, b"3")
    ending()
    store = open_store(folder)
    assert read(store, OTHER) == b"3"
    write(store, OTHER, b"4")
    create(store, "h2", "d")
    close(store)
    assert (folder / "g" / "b" / OTHER.key).read_bytes() == b"4"


def two_instances(folder: Path) -> Store:
    """A store with two instances, each with a session file."""
    store = open_store(folder)
    for name in ("a", "b"):
        create(store, instance=name)
        write(store, file_of("session-1", name), b"1")
    checkpoint(store)
    return store


@pytest.mark.parametrize("ending", ["kill", "clean"])
def test_a_folder_that_cannot_be_written_stops_neither_others_nor_the_next_start(folder: Path, ending: str) -> None:
    store = two_instances(folder)
    with disk_of(folder) as disk, disk.failing(errno.EACCES, naming("^g/a/")):
        write(store, KEY, b"2")
        try_checkpoint(store)
        others_go_on(folder, store, lambda: kill(folder) if ending == "kill" else close(store))
    store = open_store(folder)
    assert read(store, KEY) == b"2"
    checkpoint(store)
    assert (folder / "g" / "a" / KEY.key).read_bytes() == b"2"
    close(store)


@pytest.mark.parametrize("ending", ["kill", "clean"])
def test_a_file_in_the_place_of_the_versions_stops_neither_others_nor_the_next_start(folder: Path, ending: str) -> None:
    store = two_instances(folder)
    shutil.rmtree(versions_folder(folder), ignore_errors=True)
    versions_folder(folder).parent.mkdir(exist_ok=True)
    versions_folder(folder).write_bytes(b"of somebody")
    acknowledged = is_done(store, writing(CREDS, creds(1)))
    try_checkpoint(store)
    others_go_on(folder, store, lambda: kill(folder) if ending == "kill" else close(store))
    store = open_store(folder)
    if acknowledged:
        assert read(store, CREDS) == creds(1)
    close(store)


@pytest.mark.parametrize("ending", ["kill", "clean"])
def test_a_group_that_is_named_like_a_file_in_the_store_stops_neither_others_nor_the_next_start(
    folder: Path, ending: str
) -> None:
    store = two_instances(folder)
    (folder / "h").write_bytes(b"of somebody")
    is_done(store, creating("h", "a"))  # or refused
    try_checkpoint(store)
    others_go_on(folder, store, lambda: kill(folder) if ending == "kill" else close(store))
    assert (folder / "h").read_bytes() == b"of somebody"
