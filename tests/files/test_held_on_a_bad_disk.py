"""What is held for others' sake ends whatever the disk does: it is stored, or refused and may be sent again."""

from __future__ import annotations

import errno
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from sessionworker.errors import NoSpace, StoreUnavailable, WorkerError
from sessionworker.names import SessionFile
from sessionworker.offload import Offload
from sessionworker.stores.changes import Batch, Write
from sessionworker.stores.files.limits import Limits
from sessionworker.stores.files.store import FileStore
from tests.contract.words import CREDS, SUPPORT, create, creds, read_all, write
from tests.defects.calls import Call, about
from tests.defects.faults import Disk, disk_of
from tests.files.words import FILES, SEGMENTS, gauge, start, start_after_kill
from tests.reactor import LONGEST_WAIT, Reactor

FEW = Limits(lag_seconds=3600, waiting_files=100)
"""Few files may wait, and none follows before somebody asks for it."""

BATCHES = 4
OTHER_KEY = SUPPORT._replace(key="other")


def batch(number: int) -> Batch:
    """Twenty new keys: after sixty that wait, too many for one instance."""
    return Batch("codechat", "sales", tuple(Write(f"k{20 * number + each}", b"%d" % number) for each in range(20)))


def files_of(number: int) -> list[SessionFile]:
    return [CREDS._replace(key=change.key) for change in batch(number).changes]


class Hanging:
    """A disk some of whose calls wait until it is well again."""

    def __init__(self, wanted: Callable[[Call], bool]) -> None:
        self._wanted = wanted
        self.hangs = threading.Event()
        self.is_well = threading.Event()

    def meet(self, call: Call) -> None:
        if self._wanted(call):
            self.hangs.set()
            assert self.is_well.wait(LONGEST_WAIT)


class Rig:
    """A store on a disk that may fail, behind what holds batches."""

    def __init__(self, folder: Path, disk: Disk) -> None:
        self.disk = disk
        self.store: FileStore = start(folder, sync=True, limits=FEW)
        create(self.store, CREDS, SUPPORT)
        self.reactor = Reactor()
        self.offload = Offload(self.reactor, self.store, threads=2)
        self.offload.start()

    def send(self, *batches: Batch) -> list[Deferred[object]]:
        return [self.offload.commit(one) for one in batches]  # type: ignore[misc]  # whatever it is told

    def outcomes(self, sent: list[Deferred[object]]) -> list[type[BaseException] | None]:
        """Wait until all have ended, and return what each came to."""
        found: list[type[BaseException] | None] = []
        for one in sent:
            ended: list[object] = []
            one.addBoth(ended.append)
            while not ended:
                self.reactor.run_one_call()
            found.append(ended[0].type if isinstance(ended[0], Failure) else None)
        return found

    def assert_nothing_waits(self) -> None:
        """See that no count is left of what has ended."""
        holding, turns = self.offload._holding, self.offload._turns
        assert (self.offload.under_way, self.offload.waiting_bytes) == (0, 0)
        assert (holding._names, holding._bytes, holding._held) == (0, 0, {})
        assert turns.are_free

    def stop(self) -> None:
        stopped: list[object] = []
        self.offload.stop().addBoth(stopped.append)
        while not stopped:
            self.reactor.run_one_call()
        assert stopped == [None]


@contextmanager
def rig_in(folder: Path) -> Iterator[Rig]:
    with disk_of(folder) as disk:
        rig = Rig(folder, disk)
        try:
            yield rig
        finally:
            rig.stop()


def held(rig: Rig) -> list[Deferred[object]]:
    """Fill an instance's share, and send what is held then. No file may follow meanwhile."""
    assert rig.outcomes(rig.send(batch(0), batch(1), batch(2), write(SUPPORT, creds(1)))) == [None] * 4
    sent = rig.send(*(batch(3 + number) for number in range(BATCHES)))
    assert rig.offload._holding._held
    return sent


BAD_DISKS: dict[str, tuple[Callable[[Disk], AbstractContextManager[object]], type[WorkerError]]] = {
    "full": (Disk.full, NoSpace),
    "full for files": (lambda disk: disk.failing(errno.ENOSPC, about(FILES)), NoSpace),
    "broken for files": (lambda disk: disk.failing(errno.EIO, about(FILES)), StoreUnavailable),
    "full for everything": (lambda disk: disk.failing(errno.ENOSPC), NoSpace),
    "broken for everything": (lambda disk: disk.failing(errno.EIO), StoreUnavailable),
}


@pytest.mark.parametrize(("bad", "refusal"), BAD_DISKS.values(), ids=BAD_DISKS)
def test_what_is_held_while_the_disk_fails_is_refused_and_taken_once_it_is_well(
    folder: Path, bad: Callable[[Disk], AbstractContextManager[object]], refusal: type[WorkerError]
) -> None:
    with rig_in(folder) as rig:
        may_save = Hanging(about(FILES))
        with rig.disk.ruled(may_save):
            sent = held(rig)
            assert may_save.hangs.wait(LONGEST_WAIT)
            with bad(rig.disk):
                may_save.is_well.set()
                assert rig.outcomes(sent) == [refusal] * BATCHES
                rig.assert_nothing_waits()
        rig.store.checkpoint()
        again = [batch(3 + number) for number in range(BATCHES)]
        assert rig.outcomes(rig.send(*again, write(OTHER_KEY, b"1"))) == [None] * (BATCHES + 1)
        rig.assert_nothing_waits()
        everything = [file for number in range(3 + BATCHES) for file in files_of(number)]
        expected = [b"%d" % number for number in range(3 + BATCHES) for _ in range(20)]
        assert read_all(rig.store, *everything, SUPPORT, OTHER_KEY) == [*expected, creds(1), b"1"]
    store = start_after_kill(folder)
    assert read_all(store, *everything, SUPPORT, OTHER_KEY) == [*expected, creds(1), b"1"]
    store.close()


@pytest.mark.parametrize("where", [FILES, SEGMENTS], ids=["its files", "the journal"])
def test_what_is_held_while_the_disk_hangs_is_stored_once_it_does_not(folder: Path, where: str) -> None:
    with rig_in(folder) as rig:
        may_save, hanging = Hanging(about(FILES)), Hanging(about(where))
        with rig.disk.ruled(may_save):
            sent = held(rig)
            with rig.disk.ruled(hanging):
                late = rig.send(*(write(OTHER_KEY, b"%d" % number) for number in range(3)))
                may_save.is_well.set()
                assert hanging.hangs.wait(LONGEST_WAIT)
                hanging.is_well.set()
                assert rig.outcomes([*sent, *late]) == [None] * (BATCHES + 3)
        rig.assert_nothing_waits()
        assert gauge(rig.store, "unwritten_files") <= 100
        everything = [file for number in range(3 + BATCHES) for file in files_of(number)]
        expected = [b"%d" % number for number in range(3 + BATCHES) for _ in range(20)]
    store = start_after_kill(folder)
    assert read_all(store, *everything, OTHER_KEY) == [*expected, b"2"]
    store.close()
