"""What instances hold is told, or said not to be known, where nothing was written down, or it cannot be read."""

from __future__ import annotations

from pathlib import Path

import pytest

from sessionworker.errors import WorkerError
from sessionworker.stores.files import overview
from tests.contract.words import KEY, SUPPORT, commit, drop, summary, write
from tests.defects.calls import about
from tests.defects.faults import disk_of
from tests.files.holding import OFTEN, SIZE, drop_told, filled, holds
from tests.files.words import QUICK, error_of, maintained, own_folder, start, wait_for


def test_of_what_takes_too_long_to_count_no_number_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = filled(folder)
    drop(store, SUPPORT)
    store.close()
    (own_folder(folder) / "summary").unlink()
    monkeypatch.setattr(overview, "LONGEST_COUNT", -1.0)
    store = start(folder, limits=QUICK)
    told = summary(store)
    assert (told.files, told.bytes, told.last_write, told.types, told.problem) == (None, None, None, {}, "")
    assert drop_told(store) == (None, None)
    assert store.overview().last_writes["unknown"] == 1
    with maintained(store):
        wait_for(lambda: holds(store) == (2, SIZE + 5), "for the background to have counted")
        assert store.overview().last_writes["day"] == 1


@pytest.mark.parametrize(
    "written",
    [b"", b"\x00" * 100, b"{", b"[]\n[]", b'{"format":2,"types":[]}\n[]', b'{"format":1}\n\xff', b"\n\n", b"[" * 9999],
)
def test_a_summary_that_cannot_be_read_is_passed_over(folder: Path, written: bytes) -> None:
    store = filled(folder)
    store.close()
    (own_folder(folder) / "summary").write_bytes(written)
    store = start(folder)
    assert holds(store) == (2, SIZE + 5)
    store.close()


def test_a_summary_that_cannot_be_written_is_said_once_and_hinders_nothing(folder: Path) -> None:
    reports: list[str] = []
    store = filled(folder, limits=OFTEN)
    store.close()
    store = start(folder, reports, limits=OFTEN)
    commit(store, write(KEY, b"1"))
    with disk_of(folder) as disk, disk.failing(28, about(r"\.sessionworker/summary"), lasts=True):
        for number in range(3):
            commit(store, write(KEY, b"%d" % number))
            assert error_of(store.checkpoint, WorkerError) is None
    assert len([line for line in reports if "could not be written down" in line]) == 1
    assert not list(own_folder(folder).glob("*.new"))
    store.close()
