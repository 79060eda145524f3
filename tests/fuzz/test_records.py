"""A record that says anything stops the start, or leads to a store that answers; and to nothing outside of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from shutil import copytree, rmtree
from typing import Any
from zlib import crc32

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.strategies import DataObject

from sessionworker.errors import StartError, WorkerError
from sessionworker.names import SessionFile
from sessionworker.stores.changes import CreateInstance
from sessionworker.stores.files import segments
from sessionworker.stores.files.store import FileStore
from tests.fuzz.changed import ODD_NUMBERS, changed
from tests.fuzz.conftest import Tries

SALT = b"a salt of a test"
OTHER_ID = "f" * 32
OUTSIDE = "../../../../outside/secret"
TEXTS = st.sampled_from(["", ".", "..", "a\0b", "x" * 300, "../..", OUTSIDE, "/etc", ".sessionworker", "é", "\udcff"])
NUMBERS = st.sampled_from([*ODD_NUMBERS, -1, -(2**63)]) | st.integers(-3, 3)


class Place:
    """A store with one instance, whose journal holds what a test puts there; and something that lies beside it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._clean = folder / "clean"
        store = FileStore(self._clean, sync=False)
        store.commit([CreateInstance("g", "i")])
        store.close()
        [self.id] = [path.name[3:35] for path in (self._clean / "g" / "i" / ".sessionworker").glob("id-*")]
        self.store = folder / "store"

    def begin(self, *payloads: bytes) -> None:
        """Have the journal hold these records, and nothing else anywhere."""
        for name in ("store", "outside"):
            rmtree(self._folder / name, ignore_errors=True)
        copytree(self._clean, self.store)
        (self._folder / "outside").mkdir()
        (self._folder / "outside" / "secret").write_text("1")
        mark, data = crc32(SALT), segments._pack_head(1, 1, SALT)
        for number, payload in enumerate(payloads, 1):
            data += segments._pack_record_head(mark, number, payload) + payload
        (self.store / ".sessionworker" / "journal" / segments.name_of(1)).write_bytes(data + segments.END)

    def start(self) -> str:
        """Open the store, ask it all that a worker asks, and close it; tell what came of it."""
        reports: list[str] = []
        try:
            store = FileStore(self.store, sync=False, report=lambda event: reports.append(event.text))
        except StartError as stop:
            said = str(stop)
        else:
            said = self._use(store)
        assert "\n" not in said
        assert [report for report in reports if "not foreseen" in report] == []
        assert sorted(path.name for path in self._folder.iterdir()) == ["clean", "outside", "store"]
        assert (self._folder / "outside" / "secret").read_text() == "1"
        return said

    def _use(self, store: FileStore) -> str:
        refused = 0
        for call in calls(store):
            try:
                call()
            except WorkerError:
                refused += 1
        store.close()
        return "refused something" if refused else "answered"


def calls(store: FileStore) -> Iterator[Callable[[], object]]:
    yield store.checkpoint
    yield store.overview
    yield store.drops
    yield lambda: store.events(-1)
    for group in store.groups():
        yield lambda group=group: store.describe(group)  # type: ignore[misc]
        for name in store.instances(group):
            yield lambda group=group, name=name: store.versions(group, name)  # type: ignore[misc]
            for key in ("creds", "a"):
                file = SessionFile(group, name, key)
                yield lambda file=file: store.recall(file)  # type: ignore[misc]
                yield lambda file=file: store.read(file)  # type: ignore[misc]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def mostly(right: st.SearchStrategy[Any], odd: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Nine times out of ten the first of two."""
    return st.integers(0, 9).flatmap(lambda number: odd if number == 9 else right)


def parts(id_: str) -> st.SearchStrategy[list[Any]]:
    """What a record says, right in most of it."""
    keys = mostly(st.sampled_from(["a", "creds"]), TEXTS)
    values = st.sampled_from([b"1", b"", b'{"me":{"id":"1"}}', b"\xff", b"\x00sw1"])
    changes = st.one_of(
        st.tuples(st.just(1), keys, values),
        st.tuples(st.just(2), keys),
        st.tuples(
            st.just(3), values | st.none(), NUMBERS, mostly(st.just("6d4f50e4047f"), TEXTS), NUMBERS, st.booleans()
        ),
        st.tuples(st.just(4), keys, mostly(st.just("large-1-1"), TEXTS), NUMBERS),
        st.tuples(st.just(5), keys),
        mostly(st.tuples(st.just(2), keys), st.tuples(NUMBERS, keys)),
    )
    ids = mostly(st.sampled_from([id_, id_, OTHER_ID]), TEXTS)
    dropped = ".sessionworker/dropped/g~i~1795446697263-5d1f00aa"
    paths = mostly(st.sampled_from(["g/i", "g/other", dropped, ".sessionworker/new", ".sessionworker"]), TEXTS)
    return st.lists(st.tuples(ids, paths, st.lists(changes, max_size=3), NUMBERS), max_size=3)


def test_a_record_that_says_anything_ends_in_a_stop_or_in_a_store_that_answers(
    place: Place, tries: Tries, cases: Counter[str]
) -> None:
    @tries(32)
    @given(st.lists(parts(place.id), min_size=1, max_size=2), st.data())
    def try_one(records: list[list[Any]], data: DataObject) -> None:
        payloads = [encode(record) for record in records]
        if data.draw(st.booleans()):
            payloads[0] = data.draw(changed(payloads[0]))
        place.begin(*payloads)
        first = place.start()
        cases["stopped the start" if "ournal" in first else first] += 1
        place.start()  # with what the first one left

    try_one()


def encode(said: object) -> bytes:
    """Write a record down, with bytes that are no text in the place of a surrogate."""
    if isinstance(said, str):
        data = said.encode(errors="surrogateescape")
        return b"\xdb" + len(data).to_bytes(4, "big") + data
    if isinstance(said, list | tuple):
        return b"\xdd" + len(said).to_bytes(4, "big") + b"".join(map(encode, said))
    return msgspec.msgpack.encode(said)


# What was found

SAID = [
    *((1, key, b"1") for key in ("", ".", "..")),
    *((4, "a", name, 1) for name in ("", "..", "a\0", "large-/../../../../../outside/secret", OUTSIDE)),
    *((3, b"{}", 1, identity, 1, True) for identity in ("../../x", "\0")),
]


@pytest.mark.parametrize("change", SAID)
def test_a_change_that_leads_to_no_file_of_its_instance_stops_the_start(place: Place, change: tuple[Any, ...]) -> None:
    place.begin(encode([[place.id, "g/i", [change], 1]]))
    assert "cannot read" in place.start()


@pytest.mark.parametrize("id_", ["", "..", "a\0b", "../../../outside/new"])
def test_an_id_that_is_no_folder_s_name_stops_the_start(place: Place, id_: str) -> None:
    place.begin(encode([[id_, "g/i", [(1, "a", b"1")], 1]]))
    assert "cannot read" in place.start()


@pytest.mark.parametrize("path", ["", "/etc", "../outside", "g/../../outside", "g/./i", "g//i", "g/i/", "g/\0"])
def test_a_path_that_leads_out_of_the_store_or_nowhere_stops_the_start(place: Place, path: str) -> None:
    place.begin(encode([[place.id, path, [(1, "a", b"1")], 1]]))
    assert "cannot read" in place.start()


@pytest.mark.parametrize(
    "payload",
    [
        b"\x91" * 100_000,
        b"\x91\x95\xa1a\xa1a\x90\x01" + b"\x91" * 100_000 + b"\x01",
        b"\x91\x94\xa1\xff\xa1x\x90\x01",
        b"\x91\x94\xa3\xed\xa0\x80\xa1x\x90\x01",
        b"\xdd\xff\xff\xff\xff",
        b"\x91\x94\xdb\xff\xff\xff\xff",
        b"",
    ],
    ids=["deep", "deep in what is unknown", "no UTF-8", "a surrogate", "a long list", "a long text", "nothing"],
)
def test_a_record_that_is_none_stops_the_start(place: Place, payload: bytes) -> None:
    place.begin(payload)
    assert "cannot read" in place.start()
