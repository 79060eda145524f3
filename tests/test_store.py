"""The file store: what every store promises, and what it promises besides of its files, bounds and faults."""

from __future__ import annotations

import errno
import os
import re
import stat
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from itertools import count
from pathlib import Path
from random import Random
from shutil import rmtree
from threading import Event, Semaphore, Thread
from types import FrameType
from typing import Any

import pytest

from sessionworker.errors import NoSpace, NoSuchInstance, StartError, StoreUnavailable, WorkerError
from sessionworker.names import SessionFile
from sessionworker.stores import files, state
from sessionworker.stores.files import FileStore
from sessionworker.stores.interface import (
    UNKNOWN,
    Change,
    CreateGroup,
    CreateInstance,
    Delete,
    DropInstance,
    Store,
    Write,
)
from tests.powercut import Disk, recording
from tests.store_contract import CREDS, Place, StoreContract, commit, create, kinds, read_and_recall, value_of

SEGMENT = 4096
"""Bytes of a segment of the journal in most tests: small, so that a short test fills several."""

_numbers = count()


def kill(folder: Path) -> None:
    """Close every file that is open below `folder`, as the kernel does for a process that `kill -9` ends."""
    for handle in list(Path("/proc/self/fd").iterdir()):
        with suppress(FileNotFoundError):  # the one that listed them
            if str(handle.readlink()).startswith(f"{folder}/"):
                os.close(int(handle.name))


class FilePlace:
    """A folder for a file store."""

    def __init__(self, folder: Path, *, sync: bool = False) -> None:
        self.folder = folder
        self._sync = sync

    def open(self) -> FileStore:
        return FileStore(self.folder, sync=self._sync, segment_size=SEGMENT)

    def settle(self, store: Store) -> None:
        assert isinstance(store, FileStore)
        store.checkpoint()

    def kill(self, store: Store) -> None:
        assert isinstance(store, FileStore)
        kill(self.folder)

    def fresh(self) -> FilePlace:
        return FilePlace(self.folder.with_name(f"{self.folder.name}-{next(_numbers)}"), sync=self._sync)


class TestFileStore(StoreContract):
    """The file store keeps every store's promises."""

    @pytest.fixture
    def place(self, tmp_path: Path) -> Iterator[Place]:
        yield FilePlace(tmp_path / "store")
        kill(tmp_path / "store")


# Tools


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder for a store; what is open below it is closed at the end."""
    yield tmp_path / "store"
    kill(tmp_path / "store")


@pytest.fixture
def reports() -> list[str]:
    """The lines for the operator."""
    return []


def start(folder: Path, reports: list[str] | None = None, *, sync: bool = True) -> FileStore:
    """Open a store with small segments."""
    report = reports.append if reports is not None else lambda _: None
    return FileStore(folder, sync=sync, report=report, segment_size=SEGMENT)


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder with its bytes, but for those that go away meanwhile."""
    found = {}
    for path in sorted(folder.rglob("*")):
        with suppress(FileNotFoundError, IsADirectoryError):
            found[str(path.relative_to(folder))] = path.read_bytes()
    return found


def session_files(folder: Path) -> dict[str, bytes]:
    """Every file that is not the worker's own, with its bytes."""
    groups = [path.name for path in folder.iterdir() if path.is_dir() and path.name != ".sessionworker"]
    found = {f"{group}/{name}": value for group in groups for name, value in contents(folder / group).items()}
    return {name: value for name, value in found.items() if "/.versions/" not in name and "/.aside/" not in name}


def has_files(folder: Path, expected: dict[str, bytes]) -> bool:
    """Whether these are the session files."""
    return session_files(folder) == expected


def journal_files(folder: Path) -> dict[str, bytes]:
    """The files of the journal, with their bytes; those that are ready for use are none."""
    found = contents(folder / ".sessionworker" / "journal")
    return {name: value for name, value in found.items() if name.endswith(".segment")}


def wait_for(condition: Callable[[], bool], what: str) -> None:
    """Wait until a condition holds, which it must within 20 seconds."""
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end, f"waited in vain: {what}"
        time.sleep(0.002)


def path_of(path: Any) -> str:
    """The path that a function of `os` is about, by its first argument."""
    return str(Path(f"/proc/self/fd/{path}").readlink()) if isinstance(path, int) else str(path)


class Fault:
    """Functions of `os` that fail while the fault is on, for the paths that it is about.

    `acts` tells whether the function does its work before it fails, as a sync does that fails half way.
    """

    def __init__(
        self, patch: pytest.MonkeyPatch, error: int, concerns: str, *functions: str, acts: bool = False
    ) -> None:
        self.hits = 0
        self._calls = 0
        self._fails: range | None = None
        self._error = error
        self._concerns = re.compile(concerns)
        self._acts = acts
        for name in functions:
            patch.setattr(os, name, self._failing(getattr(os, name)))

    def _failing(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(path: Any, *arguments: Any, **named: Any) -> Any:
            if self._fails is None or not self._concerns.search(path_of(path)):
                return real(path, *arguments, **named)
            self._calls += 1
            if self._calls not in self._fails:
                return real(path, *arguments, **named)
            self.hits += 1
            if self._acts:
                real(path, *arguments, **named)
            raise OSError(self._error, os.strerror(self._error), path_of(path))

        return call

    @contextmanager
    def on(self) -> Iterator[None]:
        """Let every call fail, of which there must be one at least."""
        self._fails = range(1, 1_000_000)
        yield
        self._fails = None
        assert self.hits, "the fault was never met: the test shows nothing"

    @contextmanager
    def at(self, number: int) -> Iterator[None]:
        """Let one call fail, counted from 1; `hits` tells then whether there was such a call."""
        self._fails, self._calls, self.hits = range(number, number + 1), 0, 0
        yield
        self._fails = None


SEGMENTS = r"/journal/\d+\.segment$"
"""Where the journal's records are."""

FILES = r"/codechat(/|$)"
"""Where the session files are."""


# Its files


def test_a_value_is_one_plain_file_with_exactly_its_bytes(folder: Path) -> None:
    store = start(folder)
    values = {"creds": b'{"me": 1}', "AA/+on==": b'"x"', "a b": b" []\n", ".x": b"{}", "ação": b"1", "%": b"2"}
    create(store)
    commit(store, *(Write(CREDS._replace(key=key), value) for key, value in values.items()))
    store.close()
    assert session_files(folder) == {
        "codechat/sales/creds": b'{"me": 1}',
        "codechat/sales/AA%2F+on==": b'"x"',
        "codechat/sales/a%20b": b" []\n",
        "codechat/sales/%2Ex": b"{}",
        "codechat/sales/a%C3%A7%C3%A3o": b"1",
        "codechat/sales/%25": b"2",
    }


def test_files_and_folders_are_for_their_owner_alone(folder: Path) -> None:
    store = start(folder)
    create(store)
    commit(store, Write(CREDS, b"1"), CreateInstance("codechat", "support"), DropInstance("codechat", "support"))
    store.checkpoint()
    commit(store, Write(CREDS, b"2"))
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in folder.rglob("*")}
    assert len(modes) > 6
    assert {oct(mode) for path, mode in modes.items() if path.is_dir()} == {"0o700"}
    assert {oct(mode) for path, mode in modes.items() if path.is_file()} == {"0o600"}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    store.close()


@pytest.fixture
def old_folder(folder: Path) -> Path:
    """A folder as session-manager leaves it: named as the keys stood in the URL, escapes and all."""
    instance = folder / "codechat" / "sales"
    instance.mkdir(parents=True)
    for name, value in {"creds": "{}", "a%20b%3A": "1", "AA%2FBB": "2", "sender-key-1@g.us::1_1::5": "3"}.items():
        (instance / name).write_text(value)
    return folder


OLD_VALUES = {"creds": b"{}", "a b:": b"1", "AA/BB": b"2", "sender-key-1@g.us::1_1::5": b"3"}


def test_a_folder_of_session_manager_is_read_in_place(old_folder: Path) -> None:
    for _ in range(2):
        store = start(old_folder)
        assert store.instances("codechat") == ["sales"]
        assert {key: read_and_recall(store, CREDS._replace(key=key)) for key in OLD_VALUES} == OLD_VALUES
        store.close()
    assert len(session_files(old_folder)) == len(OLD_VALUES)


@pytest.mark.parametrize("key", OLD_VALUES)
@pytest.mark.parametrize("is_read_first", [False, True], ids=["not read", "read"])
def test_a_key_of_session_manager_is_deleted_for_good(old_folder: Path, key: str, *, is_read_first: bool) -> None:
    file = CREDS._replace(key=key)
    store = start(old_folder)
    if is_read_first:
        assert store.read(file) == OLD_VALUES[key]
    commit(store, Delete(file))
    store.checkpoint()
    assert read_and_recall(store, file) is None
    store.close()
    store = start(old_folder)
    assert read_and_recall(store, file) is None
    store.close()


@pytest.mark.parametrize("key", OLD_VALUES)
def test_a_key_of_session_manager_is_overwritten_for_good(old_folder: Path, key: str) -> None:
    file = CREDS._replace(key=key)
    store = start(old_folder)
    commit(store, Write(file, b'"new"'))
    store.checkpoint()
    commit(store, Delete(file))
    store.close()
    store = start(old_folder)
    assert read_and_recall(store, file) is None
    store.close()
    assert len(session_files(old_folder)) == len(OLD_VALUES) - 1


def test_files_that_are_not_ours_are_left_alone(folder: Path) -> None:
    strange = folder / "codechat" / "sales" / os.fsdecode(b"\xff%FF")
    strange.parent.mkdir(parents=True)
    strange.write_bytes(b"?")
    (folder / "README").write_bytes(b"!")
    store = start(folder)
    assert store.instances("codechat") == ["sales"]
    assert read_and_recall(store, CREDS) is None
    store.close()
    assert strange.read_bytes() == b"?"
    assert (folder / "README").read_bytes() == b"!"


# Its owner


def test_a_second_owner_is_told_in_one_line(folder: Path) -> None:
    store = start(folder)
    with pytest.raises(StartError) as refusal:
        start(folder)
    assert str(refusal.value) == f"The store {folder} is in use by another worker."
    create(store)
    store.close()
    start(folder).close()


def test_a_folder_that_cannot_be_made_stops_the_start_in_one_line(folder: Path) -> None:
    folder.write_bytes(b"a file is in its place")
    with pytest.raises(StartError) as refusal:
        start(folder)
    assert str(refusal.value).startswith(f"The store {folder} cannot be used: ")
    assert "\n" not in str(refusal.value)


# Its end and its start


def test_after_a_clean_end_the_files_hold_everything_and_the_journal_nothing(folder: Path, reports: list[str]) -> None:
    store = start(folder)
    create(store)
    commit(store, *(Write(CREDS._replace(key=f"k{number}"), b"%d" % number * 300) for number in range(50)))
    commit(store, Delete(CREDS._replace(key="k7")))
    store.close()
    assert session_files(folder) == {
        f"codechat/sales/k{number}": b"%d" % number * 300 for number in range(50) if number != 7
    }
    assert journal_files(folder) == {}
    start(folder, reports).close()
    assert reports == []


@pytest.mark.parametrize("sync", [True, False], ids=["fsync=always", "fsync=never"])
def test_a_kill_loses_nothing_and_is_reported(folder: Path, reports: list[str], *, sync: bool) -> None:
    store = start(folder, sync=sync)
    create(store)
    for number in range(40):
        commit(store, Write(CREDS, b"%d" % number * 50))
    kill(folder)
    store = start(folder, reports, sync=sync)
    assert len(reports) == 1
    assert "did not end cleanly" in reports[0]
    assert (folder / "codechat" / "sales" / "creds").read_bytes() == b"39" * 50
    assert read_and_recall(store, CREDS) == b"39" * 50
    store.close()


def test_what_is_committed_after_a_start_that_followed_a_kill_survives_the_next_kill(folder: Path) -> None:
    store = start(folder)
    create(store)
    for number in range(6):
        commit(store, Write(CREDS, b"%d" % number))
        kill(folder)
        store = start(folder)
        assert store.read(CREDS) == b"%d" % number
    store.close()


def test_unfinished_files_of_a_crash_are_swept(folder: Path) -> None:
    store = start(folder)
    create(store)
    commit(store, Write(CREDS, b"1"))
    store.checkpoint()
    commit(store, Write(CREDS, b"2"))
    kill(folder)
    (folder / "codechat" / "sales" / ".sessionworker-0").write_bytes(b"unfinish")
    start(folder).close()
    assert session_files(folder) == {"codechat/sales/creds": b"2"}


def test_an_unfinished_file_of_an_earlier_crash_stops_no_checkpoint(folder: Path) -> None:
    store = start(folder)
    create(store)
    store.close()
    for number in range(2000):  # as in a copy of a running store, made without its journal
        (folder / "codechat" / "sales" / f".sessionworker-{number}").write_bytes(b"unfinish")
    store = start(folder)
    commit(store, Write(CREDS, b"2"))
    store.checkpoint()
    store.close()
    assert (folder / "codechat" / "sales" / "creds").read_bytes() == b"2"


# Its bounds


@contextmanager
def maintained(store: FileStore) -> Iterator[None]:
    """Let the store do its background work in a thread; the store is closed at the end."""
    thread = Thread(target=store.maintain)
    thread.start()
    try:
        yield
    finally:
        store.close()
        thread.join(20)
    assert not thread.is_alive()


def test_a_file_lags_behind_for_a_moment_only(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "LAG_SECONDS", 0.02)
    store = start(folder, sync=False)
    with maintained(store):
        create(store)
        for value in (b"1", b"2", b"3"):
            commit(store, Write(CREDS, value))
            wait_for(partial(has_files, folder, {"codechat/sales/creds": value}), "the file follows")


def test_without_background_work_the_files_wait_for_the_journal_s_bounds_alone(folder: Path) -> None:
    store = start(folder, sync=False)
    create(store)
    commit(store, Write(CREDS, b"1"))
    assert session_files(folder) == {}
    assert read_and_recall(store, CREDS) == b"1"
    store.close()


def test_a_full_segment_wakes_the_background_work(folder: Path) -> None:
    store = start(folder, sync=False)  # its background work comes by itself after LAG_SECONDS only
    begun = time.monotonic()
    with maintained(store):
        create(store)
        commit(store, Write(CREDS, b'"%b"' % (b"x" * 2 * SEGMENT)))
        wait_for(lambda: session_files(folder) != {}, "the file follows")
    assert time.monotonic() - begun < files.LAG_SECONDS


def test_the_journal_is_bounded_and_a_commit_that_would_pass_it_waits_for_the_files(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "LARGEST_JOURNAL", 20_000)
    store = start(folder, sync=False)
    create(store)
    largest = 0
    for number in range(200):
        commit(store, Write(CREDS, b"%03d" % number * 300))
        largest = max(largest, sum(map(len, journal_files(folder).values())))
    assert 20_000 < largest < 20_000 + 1000 + SEGMENT
    assert read_and_recall(store, CREDS) == b"199" * 300
    store.close()


def test_the_values_that_wait_for_their_files_are_bounded(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "LARGEST_BACKLOG", 20_000)
    store = start(folder, sync=False)
    create(store)
    most_waiting = 0
    for number in range(200):
        commit(store, Write(CREDS._replace(key=f"k{number}"), b'"%b"' % (b"x" * 998)))
        most_waiting = max(most_waiting, number + 1 - len(session_files(folder)))
    assert 20 <= most_waiting <= 22
    store.close()


def test_overwriting_a_value_that_waits_does_not_count_twice(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "LARGEST_BACKLOG", 20_000)
    store = start(folder, sync=False)
    create(store)
    for _ in range(100):
        commit(store, Write(CREDS._replace(key="session-1"), b'"%b"' % (b"x" * 998)))
    assert session_files(folder) == {}
    store.close()


def known_names(store: FileStore) -> int:
    return sum(len(one.known or ()) for instances in store._state.groups.values() for one in instances.values())


def test_the_names_that_are_known_are_bounded(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = start(folder, sync=False)
    instances = [f"i{number}" for number in range(10)]
    for name in instances:
        commit(store, CreateInstance("g", name))
        commit(store, *(Write(SessionFile("g", name, f"k{number}"), b"1") for number in range(20)))
    store.close()
    monkeypatch.setattr(state, "MOST_KNOWN_NAMES", 50)
    store = start(folder, sync=False)
    for _ in range(2):
        for name in instances:
            for number in range(30):
                value = read_and_recall(store, SessionFile("g", name, f"k{number}"))
                assert value == (b"1" if number < 20 else None)
            assert known_names(store) <= 50
    store.close()


def test_the_names_that_are_written_are_bounded_too(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state, "MOST_KNOWN_NAMES", 50)
    store = start(folder, sync=False)
    create(store)
    written = [CREDS._replace(key=f"pre-key-{number}") for number in range(500)]
    for file in written:
        commit(store, Write(file, value_of(file)))
    assert known_names(store) <= 100
    store.checkpoint()
    assert [store.read(file) for file in written] == [value_of(file) for file in written]
    store.close()


# What it knows without asking the disk


def test_a_key_that_does_not_exist_is_asked_of_the_disk_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = start(folder)
    create(store)
    commit(store, Write(CREDS, b"1"))
    store.close()
    store = start(folder)
    missing = CREDS._replace(key="session-1")
    assert store.recall(missing) is UNKNOWN
    assert store.read(missing) is None
    assert store.recall(missing) is None
    assert store.recall(CREDS._replace(key="session-2")) is None
    assert store.recall(CREDS) is UNKNOWN
    assert store.read(CREDS) == b"1"
    assert store.recall(CREDS) == b"1"
    store.close()


def test_recall_waits_for_nothing_and_touches_no_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = start(folder)
    create(store)
    commit(store, Write(CREDS, b"1"))
    answers: list[object] = []
    blocked = Blocked(monkeypatch, FILES, "mkdir")
    checkpoint = Thread(target=store.checkpoint)
    checkpoint.start()
    blocked.wait()  # and the checkpoint holds what it holds
    asking = Thread(target=lambda: answers.append(store.recall(CREDS)))
    asking.start()
    asking.join(20)
    assert answers == [b"1"]
    blocked.go_on()
    checkpoint.join(20)
    store.close()


class Blocked:
    """A function of `os` that stops, once, at the first path that it is about."""

    def __init__(self, patch: pytest.MonkeyPatch, concerns: str, function: str, *, error: int = 0) -> None:
        self._reached = Event()
        self._goes_on = Event()
        real = getattr(os, function)

        def call(path: Any, *arguments: Any, **named: Any) -> Any:
            if re.search(concerns, path_of(path)) and not self._reached.is_set():
                self._reached.set()
                assert self._goes_on.wait(20)
                if error:
                    raise OSError(error, os.strerror(error), path_of(path))
            return real(path, *arguments, **named)

        patch.setattr(os, function, call)

    def wait(self) -> None:
        """Wait until it is reached."""
        assert self._reached.wait(20)

    def go_on(self) -> None:
        """Let it go on, or fail with its error if it has one."""
        self._goes_on.set()


# Faults of the journal


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EDQUOT])
@pytest.mark.parametrize("acts", [False, True], ids=["nothing written", "all written"])
def test_without_room_in_the_journal_a_write_is_refused_and_goes_on_when_there_is_room(
    folder: Path, monkeypatch: pytest.MonkeyPatch, error: int, *, acts: bool
) -> None:
    store = start(folder)
    create(store)
    commit(store, Write(CREDS, b'"old"'))
    other = CREDS._replace(key="k")
    with Fault(monkeypatch, error, SEGMENTS, "pwritev", acts=acts).on():
        for _ in range(3):
            assert kinds(store.commit([Write(CREDS, b'"new"'), Write(other, b'"new"')])) == [NoSpace, NoSpace]
            assert read_and_recall(store, CREDS) == b'"old"'
            assert read_and_recall(store, other) is None
    commit(store, Write(other, b'"there is room"'))
    kill(folder)
    store = start(folder)
    assert read_and_recall(store, CREDS) == b'"old"'
    assert read_and_recall(store, other) == b'"there is room"'
    store.close()


def test_a_record_that_is_cut_short_is_finished_or_undone(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = start(folder)
    create(store)
    real = os.pwritev
    monkeypatch.setattr(
        os, "pwritev", lambda handle, buffers, *rest: real(handle, [b"".join(map(bytes, buffers))[:100]], *rest)
    )
    commit(store, Write(CREDS, b"1" * 1000))
    calls = count()

    def fails_at_the_third(handle: int, buffers: list[bytes], *rest: int) -> int:
        if next(calls) == 2:
            raise OSError(errno.ENOSPC, "full")
        return real(handle, [b"".join(map(bytes, buffers))[:100]], *rest)

    monkeypatch.setattr(os, "pwritev", fails_at_the_third)
    assert kinds(store.commit([Write(CREDS, b"2" * 1000)])) == [NoSpace]
    commit(store, Write(CREDS._replace(key="k"), b"3" * 1000))
    monkeypatch.undo()
    kill(folder)
    store = start(folder)
    assert read_and_recall(store, CREDS) == b"1" * 1000
    assert read_and_recall(store, CREDS._replace(key="k")) == b"3" * 1000
    store.close()


@pytest.mark.parametrize("acts", [False, True], ids=["nothing written", "all written"])
@pytest.mark.parametrize("ending", ["kill", "clean"])
def test_after_a_failed_sync_every_change_is_refused_until_the_store_is_opened_again(
    folder: Path, monkeypatch: pytest.MonkeyPatch, reports: list[str], ending: str, *, acts: bool
) -> None:
    store = start(folder, reports)
    create(store)
    commit(store, Write(CREDS, b'"old"'))
    with Fault(monkeypatch, errno.EIO, SEGMENTS, "pwritev", acts=acts).at(1):
        assert kinds(store.commit([Write(CREDS, b'"new"')])) == [StoreUnavailable]
    # The disk works again, and yet nobody knows what it holds.
    for change in (
        Write(CREDS, b'"newer"'),
        Delete(CREDS),
        DropInstance("codechat", "sales"),
        CreateInstance("codechat", "support"),
        CreateGroup("other"),
    ):
        assert kinds(store.commit([change])) == [StoreUnavailable]
    assert read_and_recall(store, CREDS) == b'"old"'
    assert "start the worker again" in reports[-1]
    kill(folder) if ending == "kill" else store.close()
    store = start(folder)
    assert store.instances("codechat") == ["sales"]
    assert read_and_recall(store, CREDS) == b'"old"'
    commit(store, Write(CREDS, b'"works again"'))
    store.close()


def test_in_a_broken_store_the_reason_is_the_same_for_each_change_of_a_commit(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = start(folder)
    create(store)
    with Fault(monkeypatch, errno.EIO, SEGMENTS, "pwritev").at(1):
        store.commit([Write(CREDS, b'"new"')])
    changes: list[Change] = [DropInstance("codechat", "sales"), Write(CREDS, b"1")]  # the drop is not made, so...
    assert kinds(store.commit(changes)) == [StoreUnavailable, StoreUnavailable]
    store.close()


# Faults of the files


@pytest.mark.parametrize("function", ["write", "open", "rename", "fdatasync"])
@pytest.mark.parametrize(("error", "refusal"), [(errno.ENOSPC, NoSpace), (errno.EIO, StoreUnavailable)])
def test_while_the_files_cannot_follow_writes_are_refused_and_the_rest_goes_on(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    reports: list[str],
    function: str,
    error: int,
    refusal: type[WorkerError],
) -> None:
    monkeypatch.setattr(files, "LAG_SECONDS", 0.01)
    store = start(folder, reports)
    support, old = CREDS._replace(instance="support"), CREDS._replace(key="old")
    create(store)
    create(store, support)
    commit(store, Write(CREDS, b"1"), Write(old, b"1"))
    store.checkpoint()
    with maintained(store):
        with Fault(monkeypatch, error, r"/codechat/sales/", function).on():
            commit(store, Write(CREDS, b"2"))
            wait_for(lambda: store.commit([Write(CREDS, b"2")]) != [None], "a write is refused")
            assert (
                kinds(store.commit([Write(CREDS, b'"x"'), CreateInstance("codechat", "new"), CreateGroup("x")]))
                == [refusal] * 3
            )
            assert read_and_recall(store, CREDS) == b"2"
            assert read_and_recall(store, old) == b"1"
            commit(store, Delete(old), DropInstance("codechat", "support"), CreateInstance("codechat", "sales"))
            assert read_and_recall(store, old) is None
            assert store.instances("codechat") == ["sales"]
            assert (folder / "codechat" / "sales" / "creds").read_bytes() == b"1"
        wait_for(lambda: store.commit([Write(CREDS, b"3")]) == [None], "writes are accepted")
        wait_for(lambda: session_files(folder) == {"codechat/sales/creds": b"3"}, "the files follow")
    assert len(reports) == 2  # one line when it begins, one when it ends


@pytest.mark.parametrize("function", ["mkdir", "open", "write", "fdatasync", "rename", "fsync", "unlink", "pwritev"])
@pytest.mark.parametrize("concerns", [FILES, "/dropped", "/journal"], ids=["files", "dropped", "journal"])
@pytest.mark.parametrize("acts", [False, True], ids=["not done", "done"])
@pytest.mark.parametrize("ending", ["kill", "clean"])
def test_a_checkpoint_that_fails_anywhere_loses_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch, function: str, concerns: str, ending: str, *, acts: bool
) -> None:
    fault = Fault(monkeypatch, errno.EIO, concerns, function, acts=acts and function not in {"open", "write"})
    expected = {"creds": b"1", "gone": None, "new": b'"n"', "late": None}
    for nth in range(1, 100):
        place = folder / str(nth)
        store = start(place)
        gone, old = CREDS._replace(key="gone"), CREDS._replace(instance="old")
        create(store)
        create(store, old)
        commit(store, Write(gone, b"0"), Write(old, b"0"))
        store.checkpoint()
        commit(store, Write(CREDS, b"1"), Delete(gone), DropInstance("codechat", "old"))
        create(store, CREDS._replace(group="codechat2", instance="fresh"))
        commit(store, Write(CREDS._replace(key="new"), b'"n"'), Write(CREDS._replace(key="late"), b"1"))
        with fault.at(nth), suppress(OSError, WorkerError):
            store.checkpoint()
        if not fault.hits:
            kill(place)
            return
        commit(store, Delete(CREDS._replace(key="late")))
        assert {key: read_and_recall(store, CREDS._replace(key=key)) for key in expected} == expected
        kill(place) if ending == "kill" else store.close()
        store = start(place)
        assert store.instances("codechat") == ["sales"]
        assert store.instances("codechat2") == ["fresh"]
        assert {key: read_and_recall(store, CREDS._replace(key=key)) for key in expected} == expected
        store.close()
        assert session_files(place) == {"codechat/sales/creds": b"1", "codechat/sales/new": b'"n"'}
    pytest.fail("the fault is met at every call: it has no end")


@pytest.mark.parametrize("concerns", [FILES, "/dropped"], ids=["files", "dropped"])
def test_after_a_failed_sync_of_a_folder_a_power_cut_loses_nothing(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, concerns: str
) -> None:
    fault = Fault(monkeypatch, errno.EIO, concerns, "fsync")
    support = CREDS._replace(instance="support")
    for nth in range(1, 100):
        root = tmp_path / f"disk {nth}"
        root.mkdir()
        with recording(root, monkeypatch) as operations:
            store = start(root / "store")
            create(store, support)
            commit(store, Write(support, b"0"))
            store.checkpoint()
            create(store)
            commit(store, Write(CREDS, b"1"), DropInstance("codechat", "support"))
            with fault.at(nth), suppress(OSError, WorkerError):
                store.checkpoint()
            store.checkpoint()
            store.close()
        if not fault.hits:
            assert nth > 1
            return
        disk = Disk(root)
        for operation in operations:
            disk.do(operation)
        disk.leave(tmp_path / f"left {nth}", "power cut", Random(1))
        store = start(tmp_path / f"left {nth}" / "store")
        assert store.instances("codechat") == ["sales"], f"sync {nth}"
        assert read_and_recall(store, CREDS) == b"1"
        store.close()
    pytest.fail("the fault is met at every call: it has no end")


@pytest.mark.parametrize("function", ["open", "listdir"])
@pytest.mark.parametrize("error", [errno.EIO, errno.EMFILE, errno.EACCES])
def test_what_the_disk_does_not_give_is_said_to_be_unavailable_and_never_to_be_missing(
    folder: Path, monkeypatch: pytest.MonkeyPatch, function: str, error: int
) -> None:
    store = start(folder)
    create(store)
    commit(store, Write(CREDS, b"1"), Write(CREDS._replace(key="session-1"), b"2"))
    store.close()
    store = start(folder)

    def fail(path: Any, *arguments: Any, **named: Any) -> Any:
        raise OSError(error, os.strerror(error), str(path))

    with monkeypatch.context() as patch:
        if function == "listdir":
            patch.setattr(os, "listdir", fail)
            patch.setattr(os, "scandir", fail)
        else:
            patch.setattr(os, "open", fail)
            patch.setattr("builtins.open", fail)
        for key in ("creds", "session-1"):
            with pytest.raises(StoreUnavailable):
                store.read(CREDS._replace(key=key))
    assert read_and_recall(store, CREDS) == b"1"
    assert read_and_recall(store, CREDS._replace(key="session-1")) == b"2"
    store.close()


def test_what_the_store_reports_holds_no_key_and_no_value(
    folder: Path, monkeypatch: pytest.MonkeyPatch, reports: list[str]
) -> None:
    store = start(folder, reports)
    file = CREDS._replace(key="the-key")
    create(store)
    for functions, concerns in [(("rename",), FILES), (("pwritev",), SEGMENTS)]:
        commit(store, Write(file, b'"the-value"'))
        with Fault(monkeypatch, errno.EIO, concerns, *functions).on():
            store.commit([Write(file, b'"the-value"')])
            with suppress(OSError, WorkerError):
                store.checkpoint()
            store.close()
        kill(folder)
        store = start(folder, reports)
    store.close()
    assert len(reports) >= 3
    assert not [line for line in reports if "the-key" in line or "the-value" in line]


# Hands that reach into its folder


def test_dropping_an_instance_whose_folder_someone_removed_holds_nothing_up(folder: Path) -> None:
    store = start(folder)
    create(store)
    commit(store, Write(CREDS, b"1"))
    store.checkpoint()
    rmtree(folder / "codechat" / "sales")
    commit(store, DropInstance("codechat", "sales"))
    store.checkpoint()
    assert store.instances("codechat") == []
    create(store)
    commit(store, Write(CREDS, b"2"))
    store.close()
    assert session_files(folder) == {"codechat/sales/creds": b"2"}


def test_writing_to_an_instance_whose_folder_someone_removed_makes_it_again(folder: Path) -> None:
    store = start(folder)
    create(store)
    commit(store, Write(CREDS, b"1"))
    store.checkpoint()
    rmtree(folder / "codechat")
    commit(store, Write(CREDS._replace(key="k"), b"2"))
    store.checkpoint()
    store.close()
    assert session_files(folder) == {"codechat/sales/k": b"2"}


def test_a_folder_in_the_place_of_one_file_does_not_hold_up_the_others(folder: Path) -> None:
    store = start(folder)
    create(store)
    (folder / "codechat" / "sales").mkdir(parents=True, exist_ok=True)
    (folder / "codechat" / "sales" / "k").mkdir()
    other = CREDS._replace(instance="support")
    create(store, other)
    commit(store, Write(CREDS._replace(key="k"), b"1"), Write(CREDS, b"2"), Write(other, b"3"))
    with suppress(OSError, WorkerError):
        store.checkpoint()
    store.close()
    assert session_files(folder)["codechat/support/creds"] == b"3"


@pytest.mark.parametrize("step", [0, -3600])
def test_a_clock_that_stands_still_or_goes_back_brings_no_dropped_instance_back(
    folder: Path, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    now = time.time_ns()
    for number in range(3):
        monkeypatch.setattr(time, "time_ns", partial(int, now + number * step * 10**9))
        store = start(folder)
        create(store)
        commit(store, Write(CREDS, b"%d" % number))
        store.close()
        store = start(folder)
        commit(store, DropInstance("codechat", "sales"))
        store.close()
        store = start(folder)
        assert store.instances("codechat") == []
        store.close()


# Races


class Stopped:
    """A call in a thread of its own that stops before some lines, or instructions, of the store's code.

    They are counted from 1, in the order in which the call comes to them. So what others do at each is certain.
    """

    def __init__(self, call: Callable[[], Any], *stops: int, by_instruction: bool = False) -> None:
        self.result: Any = None
        self.stops = 0
        """How often it has stopped so far."""
        self._call = call
        self._at = stops
        self._passed = 0
        self._event = "opcode" if by_instruction else "line"
        self._has_stopped = Semaphore(0)
        self._may_go_on = Semaphore(0)
        self._thread = Thread(target=self._run)
        self._thread.start()
        assert self._has_stopped.acquire(timeout=20)

    def _run(self) -> None:
        sys.settrace(self._trace)
        try:
            self.result = self._call()
        finally:
            sys.settrace(None)
            self._has_stopped.release()

    def _trace(self, frame: FrameType, event: str, _: object) -> Any:
        if not frame.f_code.co_filename.endswith(("/stores/files.py", "/stores/state.py", "/stores/memory.py")):
            return None
        frame.f_trace_opcodes = self._event == "opcode"
        if event == self._event:
            self._passed += 1
            if self._passed in self._at:
                self.stops += 1
                self._has_stopped.release()
                assert self._may_go_on.acquire(timeout=20)
        return self._trace

    def go_on(self) -> None:
        """Let it go on to its next stop, or to its end."""
        self._may_go_on.release()
        assert self._has_stopped.acquire(timeout=20)

    def finish(self) -> Any:
        """Let it go on to its end, and return what it returned."""
        self._may_go_on.release(len(self._at))
        self._thread.join(20)
        assert not self._thread.is_alive()
        return self.result


def overtake(call: Callable[[], Any]) -> Thread:
    """Make a call in a thread of its own; wait for its end, or for a moment if it waits for a lock that is held."""
    thread = Thread(target=call)
    thread.start()
    thread.join(0.03)
    return thread


def read_into(store: Store, seen: dict[SessionFile, bytes | None], *wanted: SessionFile) -> None:
    """Read session files into a dict."""
    seen.update({file: store.read(file) for file in wanted})


@pytest.fixture
def many(folder: Path) -> Iterator[tuple[FileStore, Iterator[SessionFile]]]:
    """A store that has read no value yet, but knows its names; and files in it that hold "old"."""
    names = [CREDS._replace(key=f"k{number}") for number in range(1500)]
    store = start(folder, sync=False)
    create(store)
    commit(store, *(Write(file, b'"old"') for file in names))
    store.close()
    store = start(folder, sync=False)
    assert store.read(CREDS) is None
    yield store, iter(names)
    store.close()


def test_a_read_that_is_overtaken_anywhere_by_a_commit_and_later_by_a_checkpoint_leaves_no_old_value(
    many: tuple[FileStore, Iterator[SessionFile]],
) -> None:
    store, names = many
    pairs = 0
    for first in range(1, 100):
        for second in range(first + 1, 100):
            file = next(names)
            read = Stopped(partial(store.read, file), first, second)
            commit(store, Write(file, b'"new"'))
            if read.stops:
                read.go_on()
            checkpoint = overtake(store.checkpoint)
            assert read.finish() in {b'"old"', b'"new"'}
            checkpoint.join(20)
            assert store.read(file) == b'"new"', f"the read was overtaken at its lines {first} and {second}"
            pairs += 1
            if read.stops < 2:
                break
        if not read.stops:
            break
    assert pairs > 100


def test_a_read_that_begins_within_a_commit_and_ends_after_a_checkpoint_leaves_no_old_value(
    many: tuple[FileStore, Iterator[SessionFile]],
) -> None:
    store, names = many
    pairs = 0
    for outer in range(1, 200):
        for inner in range(1 + outer % 6, 200, 6):
            file = next(names)
            commit_ = Stopped(partial(commit, store, Write(file, b'"new"')), outer)
            read = Stopped(partial(store.read, file), inner)
            commit_.finish()
            checkpoint = overtake(store.checkpoint)
            assert read.finish() in {b'"old"', b'"new"'}
            checkpoint.join(20)
            assert store.read(file) == b'"new"', f"commit stopped at its line {outer}, read at its line {inner}"
            pairs += 1
            if not read.stops:
                break
        if not commit_.stops:
            break
    assert pairs > 100


def test_a_read_sees_what_was_acknowledged_while_a_checkpoint_fails(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = start(folder, sync=False)
    create(store)
    commit(store, Write(CREDS, b'"old"'))
    store.checkpoint()
    commit(store, Write(CREDS, b'"new"'))
    stops = 0
    for number in range(1, 1000):
        with monkeypatch.context() as patch:
            blocked = Blocked(patch, r"/codechat/sales/\.sess", "open", error=errno.EIO)
            checkpoint = Thread(target=lambda: suppressing(store.checkpoint))
            checkpoint.start()
            blocked.wait()
            recall = Stopped(lambda: store.recall(CREDS), number, by_instruction=True)
            blocked.go_on()
            checkpoint.join(20)
            assert recall.finish() == b'"new"', f"stopped at its instruction {number}"
        if not recall.stops:
            break
        stops += 1
    assert stops > 20
    store.close()


def suppressing(call: Callable[[], object]) -> None:
    with suppress(OSError, WorkerError):
        call()


def test_a_checkpoint_that_is_overtaken_anywhere_by_reads_and_a_commit_shows_no_old_value(folder: Path) -> None:
    store = start(folder, sync=False)
    large = CREDS._replace(key="large")  # too large to be remembered: it is in its file or nowhere
    create(store)
    stops = 0
    for number in range(1, 1000):
        values = {CREDS: b"%d" % number, large: b'"%b"' % (b"%d" % number * 200_000)}
        commit(store, *(Write(file, value) for file, value in values.items()))
        checkpoint = Stopped(store.checkpoint, number)
        seen: dict[SessionFile, bytes | None] = {}
        reading = overtake(partial(read_into, store, seen, *values))
        committing = overtake(partial(commit, store, Write(CREDS, b"[%d]" % number)))
        assert checkpoint.finish() is None
        reading.join(20)
        committing.join(20)
        assert seen[large] == values[large]
        assert seen[CREDS] in {values[CREDS], b"[%d]" % number}
        assert store.read(CREDS) == b"[%d]" % number
        if not checkpoint.stops:
            break
        stops += 1
    assert stops > 30
    store.close()


def test_a_drop_that_is_overtaken_anywhere_shows_nothing_of_the_old_instance(folder: Path) -> None:
    store = start(folder, sync=False)
    stops = 0
    for number in range(1, 1000):
        create(store)
        commit(store, Write(CREDS, b'"old"'))
        store.checkpoint()
        commit(store, DropInstance("codechat", "sales"))
        commit(store, CreateInstance("codechat", "sales"))
        checkpoint = Stopped(store.checkpoint, number)
        seen: dict[SessionFile, bytes | None] = {}
        reading = overtake(partial(read_into, store, seen, CREDS))
        assert checkpoint.finish() is None
        reading.join(20)
        assert seen == {CREDS: None}
        assert store.read(CREDS) is None
        commit(store, DropInstance("codechat", "sales"))
        if not checkpoint.stops:
            break
        stops += 1
    assert stops > 30
    store.close()


def test_readers_beside_commits_checkpoints_and_drops_see_what_was_current(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "LAG_SECONDS", 0.001)
    interval = sys.getswitchinterval()
    store = start(folder, sync=False)
    create(store)
    begun = acknowledged = 0
    is_over = Event()
    wrong: list[str] = []
    reads = [0, 0, 0]
    padding = b"x" * 3000

    def read(reader: int) -> None:
        while not is_over.is_set():
            at_least = acknowledged
            try:
                value = (store.read(CREDS) or b"0.").strip(b'"')
            except NoSuchInstance:
                continue
            finally:
                at_most = begun
            number, _, rest = value.partition(b".")
            is_dropped = at_most // 10 > (at_least - 1) // 10  # a new instance holds nothing
            if not (at_least <= int(number) <= at_most or (not int(number) and is_dropped)):
                wrong.append(f"read {int(number)} between {at_least} and {at_most}")
            if int(number) and rest != padding:
                wrong.append("a torn value")
            reads[reader] += 1

    readers = [Thread(target=read, args=[number]) for number in range(len(reads))]
    with maintained(store):
        sys.setswitchinterval(1e-5)
        try:
            for reader in readers:
                reader.start()
            end = time.monotonic() + 1.5
            while time.monotonic() < end:
                begun += 1
                if begun % 10 == 0:
                    commit(store, DropInstance("codechat", "sales"), CreateInstance("codechat", "sales"))
                else:
                    commit(store, Write(CREDS, b'"%d.%b"' % (begun, padding)))
                    acknowledged = begun
        finally:
            is_over.set()
            for reader in readers:
                reader.join(20)
            sys.setswitchinterval(interval)
    assert wrong[:5] == []
    assert min(reads) > 10
    assert begun > 10
