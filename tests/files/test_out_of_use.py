"""An instance whose folder cannot be read is told of at a glance, from when that was noticed until it can be read."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from sessionworker.errors import StoreUnavailable
from sessionworker.stores.files.overview import MOST_LOOKS
from sessionworker.stores.files.store import FileStore
from tests.contract.words import CREDS, KEY, create, creds, write
from tests.defects.calls import about
from tests.defects.faults import disk_of
from tests.files.words import folder_of, start

UNREADABLE = "its folder cannot be read: "

FOLDER_OF_SALES = about(r"^codechat/sales(/|$)")


@pytest.fixture
def store(folder: Path) -> FileStore:
    """With an instance of which nothing is remembered."""
    store = start(folder)
    create(store, KEY)
    assert store.commit([write(CREDS, creds(1)), write(KEY, b"1")]) == [None, None]
    store.close()
    return start(folder)


def problems(store: FileStore) -> list[str]:
    """What a person is told of at a glance; the numbers say the same."""
    seen = store.overview()
    assert seen.states["refused"] == store.figures().gauges["instances_refused"] == len(seen.attention)
    return [f"{one.instance}: {one.problem}" for one in seen.attention]


def test_what_a_client_could_not_read_is_told_until_it_can_be_read(folder: Path, store: FileStore) -> None:
    assert problems(store) == []
    with disk_of(folder) as disk, disk.failing(errno.EACCES, FOLDER_OF_SALES):
        with pytest.raises(StoreUnavailable):
            store.read(KEY)
        for _ in range(2):
            assert problems(store) == [f"sales: {UNREADABLE}Permission denied"]
    assert problems(store) == []
    assert store.read(KEY) == b"1"


def test_what_could_not_be_listed_is_told_until_it_can_be(folder: Path, store: FileStore) -> None:
    place = folder_of(folder, KEY)
    place.rename(folder / "elsewhere")
    place.write_text("a file")
    assert [one.problem for one in store.describe("codechat")] == [f"{UNREADABLE}Not a directory"]
    assert problems(store) == [f"sales: {UNREADABLE}Not a directory"]
    place.unlink()
    (folder / "elsewhere").rename(place)
    assert problems(store) == []
    assert [one.problem for one in store.describe("codechat")] == [""]


def test_a_bad_disk_is_asked_for_no_more_than_some_of_them(folder: Path, store: FileStore) -> None:
    """Whoever looks at a glance has no time for more."""
    others = [KEY._replace(instance=f"n{number}") for number in range(30)]
    for file in others:
        create(store, file)
    with disk_of(folder) as disk, disk.failing(errno.EIO, about(r"^codechat/n\d+(/|$)")) as fault:
        assert sum(bool(one.problem) for one in store.describe("codechat")) == 30
        before = fault.calls
        assert len(problems(store)) == 30
        assert fault.calls - before == MOST_LOOKS
