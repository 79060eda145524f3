"""The worker's own files may hold anything: the start stops with one line, or the worker does without them."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from shutil import copytree, rmtree

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.strategies import DataObject

from sessionworker.errors import StartError
from sessionworker.events import Event
from sessionworker.names import SessionFile
from sessionworker.stores.changes import Batch, CreateGroup, CreateInstance, DropInstance, Write
from sessionworker.stores.files.store import FileStore
from sessionworker.stores.seal import KEY_BYTES, Key, KeyRing
from tests.fuzz.changed import changed
from tests.fuzz.conftest import Tries

RING = KeyRing([Key(b"k" * KEY_BYTES)])
FILE = SessionFile("g", "i", "creds")
DEEP = b'{"x":' + b"[" * 60_000
"""Skipped, for nobody asks for it; one bracket after the other by a call of its own."""


def fill(folder: Path, ring: KeyRing | None) -> None:
    """Make a store in which each of the worker's own files is there."""
    store = FileStore(folder, sync=False, ring=ring)
    batch = Batch("g", "i", (Write("creds", b'{"me":1}'), Write("a", b"1")))
    assert store.commit([CreateInstance("g", "i"), CreateInstance("g", "j"), batch, DropInstance("g", "j")])
    store.close()


class Place:
    """A store, some of whose own files hold something else."""

    def __init__(self, folder: Path, ring: KeyRing | None) -> None:
        self.ring = ring
        self._clean = folder / "clean"
        self.store = folder / "store"
        fill(self._clean, ring)
        self.ours = self.store / ".sessionworker"

    @property
    def files(self) -> list[str]:
        """Those of the worker's own files that hold something."""
        own = self._clean / ".sessionworker"
        return sorted(path.name for path in own.iterdir() if path.is_file() and path.stat().st_size)

    def begin(self) -> None:
        rmtree(self.store, ignore_errors=True)
        copytree(self._clean, self.store)

    def start(self) -> str:
        """Start on it and see that it does what it did; return the reason where the start stops."""
        reports: list[Event] = []
        try:
            store = FileStore(self.store, sync=False, ring=self.ring, report=reports.append)
        except StartError as stop:
            return str(stop)
        assert store.read(FILE) == b'{"me":1}'
        assert store.groups() == ["g"]
        assert store.commit([CreateGroup("h")]) == [None]
        for answer in (store.events(-1), store.overview(), store.describe("g"), store.drops()):
            msgspec.json.encode(answer)
        store.checkpoint()
        store.close()
        assert [report for report in reports if report.level == "error"] == []
        return ""


@pytest.fixture(params=[None, RING], ids=["plain", "sealed"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    return Place(tmp_path, request.param)


def test_files_of_its_own_that_hold_anything_stop_the_start_or_are_done_without(
    place: Place, tries: Tries, cases: Counter[str]
) -> None:
    files = [name for name in place.files if name != "lock"]
    assert {"events", "summary"} <= set(files)

    @tries(25)
    @given(st.sampled_from(files), st.data())
    def try_one(name: str, data: DataObject) -> None:
        place.begin()
        path = place.ours / name
        path.write_bytes(data.draw(st.one_of(changed(path.read_bytes()), changed(path.read_bytes()), st.binary())))
        said = place.start()
        assert not said or name == "seals"
        assert "\n" not in said
        cases["stopped the start" if said else "done without"] += 1

    try_one()


# What was found


@pytest.mark.parametrize("data", [DEEP, b'{"keys":["\xff"]}', b'{"keys":["\\ud800"]}', b"\xff", b"", b"null"])
def test_a_statement_that_is_none_stops_the_start_with_what_to_do(place: Place, data: bytes) -> None:
    place.begin()
    (place.ours / "seals").write_bytes(data)
    assert "Put that back from a backup" in place.start()


@pytest.mark.parametrize("number", [2**63, 2**64, 2**70, -(2**63), -(2**70)])
def test_events_with_odd_numbers_are_told_or_forgotten(place: Place, number: int) -> None:
    place.begin()
    event = {"number": number, "when": number, "event": "x", "group": "", "instance": "", "by": "", "message": "y"}
    (place.ours / "events").write_bytes(str([event]).replace("'", '"').encode())
    assert place.start() == ""


def test_a_pipe_in_the_place_of_a_file_of_its_own_is_not_waited_for(place: Place) -> None:
    for name in ("events", "summary"):
        place.begin()
        (place.ours / name).unlink()
        os.mkfifo(place.ours / name)
        place.start()
