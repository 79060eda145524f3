"""The names of keys that are remembered are bounded, and counted out with their instances."""

from __future__ import annotations

from pathlib import Path

import pytest

from sessionworker.names import SessionFile
from sessionworker.stores.changes import CreateInstance
from sessionworker.stores.files import copies
from sessionworker.stores.seal import Seal
from tests.contract.words import CREDS, commit, create, drop, purge, read_and_recall, value_of, write
from tests.files.sealed import FIRST
from tests.files.words import gauge, start


def key(number: int) -> SessionFile:
    return CREDS._replace(key=f"k{number}")


def test_the_names_that_are_known_are_bounded(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = start(folder)
    instances = [f"i{number}" for number in range(10)]
    for name in instances:
        commit(store, CreateInstance("g", name))
        commit(store, *(write(SessionFile("g", name, f"k{number}"), b"1") for number in range(20)))
    store.close()
    monkeypatch.setattr(copies, "MOST_KNOWN_NAMES", 50)
    store = start(folder)
    most = 0.0
    for _ in range(2):
        for name in instances:
            for number in range(30):
                found = read_and_recall(store, SessionFile("g", name, f"k{number}"))
                assert found == (b"1" if number < 20 else None)
            most = max(most, gauge(store, "cached_key_names"))
    assert 40 <= most <= 50
    store.close()


def test_the_names_that_are_written_are_bounded_too(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copies, "MOST_KNOWN_NAMES", 50)
    store = start(folder)
    create(store)
    written = [CREDS._replace(key=f"pre-key-{number}") for number in range(200)]
    for file in written:
        commit(store, write(file, value_of(file)))
        assert gauge(store, "cached_key_names") <= 50
    store.checkpoint()
    assert [store.read(file) for file in written] == [value_of(file) for file in written]
    store.close()


def test_the_names_that_are_known_are_counted_out_with_their_instances(folder: Path) -> None:
    store = start(folder)
    for _ in range(3):
        create(store)
        commit(store, *(write(key(number), b"1") for number in range(20)))
        assert gauge(store, "cached_key_names") == 20
        dropped = drop(store)
        assert gauge(store, "cached_key_names") == 0
        store.checkpoint()
        assert gauge(store, "cached_key_names") == 0
        commit(store, purge(dropped))
    store.close()


def test_nobody_opens_all_sealed_names_to_save_one_value(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # A worker with 1,000 instances of 1,000 keys took 20 s to stop.
    store = start(folder, ring=FIRST)
    create(store)
    commit(store, *(write(key(number), b"1") for number in range(50)))
    store.close()
    store = start(folder, ring=FIRST)
    opened = list[str]()
    open_name = Seal.open_name

    def noting(seal: Seal, sealed: str, *place: bytes) -> str:
        opened.append(sealed)
        return open_name(seal, sealed, *place)

    monkeypatch.setattr(Seal, "open_name", noting)
    commit(store, write(key(1), b"2"))
    store.close()
    assert len(opened) < 10
    store = start(folder, ring=FIRST)
    assert [store.read(key(number)) for number in range(3)] == [b"1", b"2", b"1"]
    store.close()
