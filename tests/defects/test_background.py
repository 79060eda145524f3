"""The background work never dies in silence, and nobody waits for it for ever."""

from __future__ import annotations

from pathlib import Path

from tests.defects.calls import naming
from tests.defects.faults import disk_of
from tests.defects.store import (
    FEW_MAY_WAIT,
    create,
    file_of,
    is_done,
    open_store,
    run_background,
    write,
    writing,
)
from tests.defects.threads import Beside, wait_for

KEY = file_of("session-1")


def test_background_work_goes_on_after_something_unforeseen_and_says_it(folder: Path, reports: list[str]) -> None:
    store = open_store(folder, reports)
    create(store)
    unforeseen = ValueError("something that nobody foresaw")
    with disk_of(folder) as disk, run_background(store), disk.failing(unforeseen, naming("^g/a"), at=1) as fault:
        write(store, KEY, b"1")
        wait_for(lambda: fault.hits == 1, "the background work meets it")
        wait_for((folder / "g" / "a" / KEY.key).is_file, "the file follows", 3)
        assert reports


def test_no_commit_waits_for_ever_for_background_work_that_goes_wrong(folder: Path, reports: list[str]) -> None:
    store = open_store(folder, reports, **FEW_MAY_WAIT)
    create(store)

    def write_many() -> None:
        for number in range(20):
            is_done(store, writing(file_of(f"k{number}"), b"1"))  # or refused

    unforeseen = ValueError("something that nobody foresaw")
    with disk_of(folder) as disk, run_background(store), disk.failing(unforeseen, naming("^g/a")):
        many = Beside(write_many, seconds=4)
        is_over = many.is_over
    many.result()  # the store is closed, and nobody waits any more
    assert is_over, "a commit waits without an end"
    assert reports
