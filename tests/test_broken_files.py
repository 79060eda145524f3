"""Session files that are broken on the disk: no client is told that an identity is not there when it was.

A client asks to create its instance before each connect, and takes a refusal of that for a reason to wait. After a 204
it asks for its `creds`, and makes a new identity unless it gets them.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sessionworker.disk import NotAFile, opened_folder, read_file
from tests.answers import Answer
from tests.memory import Worker
from tests.test_admin import CREDS, SALES, counted, creds, save

GOOD = creds(3)
"""The newest `creds` that were whole."""


def truncate(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-1])


def empty(file: Path) -> None:
    file.write_bytes(b"")


def fill_with_nuls(file: Path) -> None:
    file.write_bytes(bytes(file.stat().st_size))


def put_a_folder_in_its_place(file: Path) -> None:
    file.unlink()
    file.mkdir()
    (file / "something").write_text("of somebody")


def put_a_link_in_its_place(file: Path) -> None:
    elsewhere = file.parent.parent / "elsewhere"
    elsewhere.write_text(creds(9, registration=666))
    file.unlink()
    file.symlink_to(elsewhere)


def put_a_link_to_nowhere_in_its_place(file: Path) -> None:
    file.unlink()
    file.symlink_to(file.parent / "nowhere")


def put_a_pipe_in_its_place(file: Path) -> None:
    file.unlink()
    os.mkfifo(file)


def put_json_that_is_no_object_in_its_place(file: Path) -> None:
    file.write_text("null")


def remove(file: Path) -> None:
    file.unlink()


BREAKS = [
    truncate,
    empty,
    fill_with_nuls,
    put_a_folder_in_its_place,
    put_a_link_in_its_place,
    put_a_link_to_nowhere_in_its_place,
    put_a_pipe_in_its_place,
    remove,
]


@contextmanager
def disk_error(number: int, *names: str) -> Iterator[None]:
    """Have the disk refuse to read the files of these names, or all files of the group if there are none."""
    usual = os.open

    def open_or_fail(path: str, flags: int, *arguments: int, dir_fd: int | None = None) -> int:
        folder = "" if dir_fd is None else Path(f"/proc/self/fd/{dir_fd}").readlink()
        is_read = not flags & (os.O_WRONLY | os.O_RDWR | os.O_DIRECTORY)
        if is_read and "/codechat/" in f"{folder}/{path}" and (not names or Path(path).name in names):
            raise OSError(number, os.strerror(number), path)
        return usual(path, flags, *arguments, dir_fd=dir_fd)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "open", open_or_fail)
        yield


@pytest.fixture(params=["", "pre-key-1"], ids=["alone", "with-other-keys"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A store that has an instance with three versions of its creds, and perhaps another key."""
    with Worker(tmp_path / "store") as worker:
        worker.ask("POST", "/session/codechat", {"instance": "sales"})
        save(worker, creds(1), creds(2), GOOD)
        if request.param:
            assert worker.ask("POST", f"{SALES}/{request.param}", {"data": "{}"}).status == 204
    return tmp_path / "store"


def file_of(store: Path, key: str = "creds") -> Path:
    return store / "codechat" / "sales" / key


def aside(store: Path) -> list[Path]:
    folder = file_of(store, ".sessionworker/broken")
    return list(folder.iterdir()) if folder.is_dir() else []


def look_of(path: Path) -> tuple[int, int, int]:
    """What tells a file from another, and whether it was written to."""
    status = path.lstat()
    return status.st_ino, status.st_size, status.st_mtime_ns


def create(worker: Worker) -> Answer:
    return worker.ask("POST", "/session/codechat", {"instance": "sales"})


# creds, with a good older version


@pytest.mark.parametrize("break_it", BREAKS)
def test_broken_creds_are_replaced_by_the_newest_good_version_before_the_client_asks_for_them(
    store: Path, break_it: Callable[[Path], None]
) -> None:
    break_it(file_of(store))
    found = os.lstat(file_of(store)).st_ino if os.path.lexists(file_of(store)) else None
    with Worker(store) as worker:
        assert create(worker).status == 204
        answer = worker.ask("GET", CREDS)
        assert (answer.status, answer.body.decode()) == (200, GOOD)
        assert (counted(worker, "creds_restored"), counted(worker, "creds_lost")) == (1, 0)
        [line] = [line for line in worker.reports if "newest good version" in line]
        assert "'sales'" in line
        assert "'codechat'" in line
        assert "private-1" not in "".join(worker.reports)
        assert create(worker).status == 204  # it is mended
        assert counted(worker, "creds_restored") == 1
    assert file_of(store).read_text() == GOOD
    if found is not None:
        assert [path.lstat().st_ino for path in aside(store)] == [found]  # nothing was thrown away
    with Worker(store) as worker:
        assert create(worker).status == 204
        assert worker.ask("GET", CREDS).body.decode() == GOOD
        assert counted(worker, "creds_restored") == 0


def test_a_link_in_the_place_of_creds_is_not_followed(store: Path) -> None:
    put_a_link_in_its_place(file_of(store))
    with Worker(store) as worker:
        answer = worker.ask("GET", CREDS)  # also by a client that creates nothing
        assert (answer.status, answer.body.decode()) == (200, GOOD)


@pytest.mark.parametrize("break_it", BREAKS)
def test_creds_that_break_under_the_running_worker_are_mended_at_the_next_create(
    store: Path, break_it: Callable[[Path], None]
) -> None:
    with Worker(store) as worker:
        assert create(worker).status == 204
        break_it(file_of(store))
        assert worker.ask("GET", CREDS).body.decode() == GOOD
        assert create(worker).status == 204
        assert counted(worker, "creds_restored") == 1
        assert worker.ask("GET", CREDS).body.decode() == GOOD
    assert file_of(store).read_text() == GOOD


def test_creds_that_are_no_object_are_replaced_at_create(store: Path) -> None:
    put_json_that_is_no_object_in_its_place(file_of(store))
    with Worker(store) as worker:
        assert create(worker).status == 204
        assert worker.ask("GET", CREDS).body.decode() == GOOD


def test_the_newest_version_that_is_good_is_taken(store: Path) -> None:
    empty(file_of(store))
    newest = max(file_of(store, ".sessionworker/versions").iterdir())
    fill_with_nuls(newest)
    with Worker(store) as worker:
        assert create(worker).status == 204
        assert worker.ask("GET", CREDS).body.decode() == creds(2)


@pytest.mark.parametrize("number", [errno.EIO, errno.EACCES])
def test_creds_that_the_disk_will_not_read_are_replaced_too(store: Path, number: int) -> None:
    with Worker(store) as worker, disk_error(number, "creds"):
        assert create(worker).status == 204
        assert worker.ask("GET", CREDS).body.decode() == GOOD
        assert counted(worker, "creds_restored") >= 1


@pytest.mark.parametrize("number", [errno.EIO, errno.EACCES, errno.EMFILE])
def test_a_disk_that_reads_nothing_is_a_refusal_and_afterwards_all_is_well(store: Path, number: int) -> None:
    with Worker(store) as worker:
        with disk_error(number):
            assert create(worker).status == 503
            assert worker.ask("GET", CREDS).status == 503
        assert create(worker).status == 204
        assert worker.ask("GET", CREDS).body.decode() == GOOD
    assert aside(store) == []


# creds, with nothing left


@pytest.mark.parametrize("break_it", [break_it for break_it in BREAKS if break_it is not remove])
def test_broken_creds_without_an_older_version_are_a_refusal_of_the_create_and_stay_where_they_are(
    store: Path, break_it: Callable[[Path], None]
) -> None:
    break_it(file_of(store))
    shutil.rmtree(file_of(store, ".sessionworker/versions"))
    before = look_of(file_of(store))
    with Worker(store) as worker:
        for _ in range(2):
            answer = create(worker)
            assert answer.status == 503
            assert answer.header("retry-after") is not None
            assert "credentials of this instance" in answer.message
            assert worker.ask("GET", CREDS).status == 503
        assert counted(worker, "creds_lost") >= 2
        assert counted(worker, "creds_restored") == 0
        assert any("no older version is left" in line for line in worker.reports)
        # Who looks after it brings them back from a backup,
        worker.store.checkpoint()
        assert look_of(file_of(store)) == before
        if file_of(store).is_dir() and not file_of(store).is_symlink():
            shutil.rmtree(file_of(store))
        else:
            file_of(store).unlink()
        file_of(store).write_text(GOOD)
        assert create(worker).status == 204
        assert worker.ask("GET", CREDS).body.decode() == GOOD


def test_an_instance_whose_creds_are_lost_can_be_dropped_and_paired_again(store: Path) -> None:
    empty(file_of(store))
    shutil.rmtree(file_of(store, ".sessionworker/versions"))
    with Worker(store) as worker:
        assert create(worker).status == 503
        assert worker.ask("DELETE", SALES).status == 200
        assert create(worker).status == 204
        assert worker.ask("GET", CREDS).status == 404
        save(worker, creds(1, registration=2))
        assert worker.ask("GET", CREDS).body.decode() == creds(1, registration=2)


def test_creds_that_were_deleted_are_not_brought_back(store: Path) -> None:
    with Worker(store) as worker:
        assert worker.ask("DELETE", CREDS).status == 200
    with Worker(store) as worker:
        for _ in range(2):
            assert create(worker).status == 204
            assert worker.ask("GET", CREDS).status == 404
        assert counted(worker, "creds_restored") == counted(worker, "creds_lost") == 0


def test_an_instance_that_was_never_paired_is_created_again_without_ado(tmp_path: Path) -> None:
    for _ in range(2):
        with Worker(tmp_path / "store") as worker:
            for _ in range(2):
                assert create(worker).status == 204
                assert worker.ask("GET", CREDS).status == 404
            assert worker.reports == []


# After a 204


def test_what_was_checked_is_answered_whatever_the_disk_does_next(store: Path) -> None:
    with Worker(store) as worker:
        assert create(worker).status == 204
        shutil.rmtree(store / "codechat")
        with disk_error(errno.EIO):
            for _ in range(3):
                assert worker.ask("GET", CREDS).body.decode() == GOOD


def test_what_was_brought_back_is_answered_whatever_the_disk_does_next(store: Path) -> None:
    empty(file_of(store))
    with Worker(store) as worker:
        assert create(worker).status == 204
        with disk_error(errno.EIO):
            assert worker.ask("GET", CREDS).body.decode() == GOOD


# Other keys


@pytest.mark.parametrize("break_it", BREAKS)
def test_another_key_that_is_broken_is_404_and_what_stood_there_is_kept_for_a_person(
    tmp_path: Path, break_it: Callable[[Path], None]
) -> None:
    store = tmp_path / "store"
    path = f"{SALES}/session-5511987654321.0"
    with Worker(store) as worker:
        create(worker)
        worker.ask("POST", path, {"data": '{"a":1}'})
    file = file_of(store, "session-5511987654321.0")
    break_it(file)
    found = look_of(file) if os.path.lexists(file) else None
    with Worker(store) as worker:
        for _ in range(2):
            assert worker.ask("GET", path).status == 404
        worker.ask("POST", f"{SALES}/other", {"data": "1"})  # after the repair, which nobody waits for
        assert worker.ask("POST", "/admin/checkpoint").status == 204
        if found is not None:
            [kept] = aside(store)
            assert look_of(kept) == found
            assert "session" in kept.name
            assert counted(worker, "files_set_aside") == 1
            [line] = worker.reports
            assert "of type session" in line
            assert "5511987654321" not in line
        assert worker.ask("POST", path, {"data": "2"}).status == 204
        assert worker.ask("GET", path).body == b"2"
    assert file.read_bytes() == b"2"


def test_a_key_that_the_disk_will_not_read_now_is_503_and_not_taken_for_broken(store: Path) -> None:
    with Worker(store) as worker:
        worker.ask("POST", f"{SALES}/session-1.0", {"data": "1"})
    with Worker(store) as worker:
        with disk_error(errno.EIO, "session-1.0"):
            assert worker.ask("GET", f"{SALES}/session-1.0").status == 503
        assert worker.ask("GET", f"{SALES}/session-1.0").body == b"1"
        assert counted(worker, "read_errors") == 1
    assert aside(store) == []


def test_what_is_no_file_is_not_left_open(store: Path) -> None:
    put_a_folder_in_its_place(file_of(store))
    before = len(list(Path("/proc/self/fd").iterdir()))
    with opened_folder(str(file_of(store).parent)) as folder:
        for _ in range(20):
            with pytest.raises(NotAFile):
                read_file("creds", folder)
    assert len(list(Path("/proc/self/fd").iterdir())) == before
