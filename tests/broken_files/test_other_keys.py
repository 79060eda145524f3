"""Another key that is broken is not there, and is kept for a person to look at."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from sessionworker.disk import NotAFile, opened_folder, read_file
from tests.admin.words import SALES, counted
from tests.broken_files.breaking import BREAKS, aside, create, disk_error, file_of, look_of, put_a_folder_in_its_place
from tests.memory import Worker


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


def test_who_reads_all_of_an_instance_is_told_how_many_are_broken(store: Path) -> None:
    with Worker(store) as worker:
        worker.ask("POST", SALES, {"changes": {"a": 1, "b": 2, "c": 3}})
    for name in ("a", "b"):
        file_of(store, name).write_bytes(b"{")
    with Worker(store) as worker:
        answered = worker.ask("POST", SALES, {"whole": True}).json
        assert (answered["texts"].keys() & {"a", "b", "c"}, answered["broken"]) == ({"c"}, 2)
        for most_left in (1, 0):  # each repair is only made where nothing was changed since its read
            worker.ask("POST", f"{SALES}/other", {"data": "1"})  # after the repairs, which nobody waits for
            assert worker.ask("POST", SALES, {"whole": True}).json.get("broken", 0) <= most_left


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
