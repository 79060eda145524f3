"""How much each instance holds: counted once, then followed, for nobody can look at millions of files each time.

A tally is of the files alone; what was committed and is in no file yet is laid over it. A checkpoint takes an
instance's tally away before it changes its files, and gives the new one when all is done. Whatever others do to a
folder sets the time of its last change: then it is counted anew.

Now and then all tallies are written down, so that the next start need not count. A folder that was changed later, by a
worker that was killed or by somebody else, tells so by that time, too.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Mapping
from contextlib import suppress
from itertools import islice
from typing import TypeVar

import msgspec

from sessionworker.file_names import OURS
from sessionworker.stores.files.catalogue import Catalogue
from sessionworker.stores.files.instance import Instance, Told, Value
from sessionworker.stores.files.limits import Limits
from sessionworker.stores.files.locks import Locks
from sessionworker.stores.files.places import SUMMARY, Places
from sessionworker.stores.files.records import Large
from sessionworker.stores.files.tally import TYPES, Tally, counting, file_sizes

T = TypeVar("T")

ATTEMPTS = 3
"""How often a tally is asked for before the files are counted: a checkpoint may change them meanwhile."""

SETTLED_NANOSECONDS = 2 * 10**9
"""A folder that was changed later than that before its tally is written down may change again within the same tick of
the file system's clock, which is a second on some, and nobody would see it."""

LARGEST = 256 * 2**20
"""Bytes of a file of tallies that is read."""


_READABLE = stat.S_IRUSR | stat.S_IXUSR


class Tallies:
    """Tells what instances hold, in any thread; what says otherwise is called by the checkpointer."""

    def __init__(self, places: Places, catalogue: Catalogue, locks: Locks, limits: Limits) -> None:
        """Begin with none; `load` takes what was written down before."""
        self._places = places
        self._catalogue = catalogue
        self._locks = locks
        self._limits = limits
        self._dropped: dict[str, Tally] = {}  # by their paths, of drops that the catalogue does not know
        self._uncounted: Iterator[None] | None = None
        self._saved_at = time.monotonic()
        self.also: Callable[[Instance], object] = lambda _: None
        """What else is to be known of each instance before somebody asks for thousands. It may raise OSError."""
        self.also_of_dropped: Callable[[str], object] = lambda _: None
        """The same of each drop, by its path."""
        self.is_changed = False
        """Whether one is another than when they were written down; the checkpointer says so, too."""

    # Asking

    def of(self, instance: Instance, *, may_count: bool = True) -> Tally | None:
        """Return what an instance holds, what is in no file yet included; None where it would have to be counted first.

        Raises OSError.
        """
        self._catalogue.look_at(instance)
        told = instance.told
        if told is not None and told.holds_of(instance):
            return told.whole
        for _ in range(ATTEMPTS):
            writes = instance.writes  # before what waits is looked at
            tally, waiting, saves = self._look(instance)
            if tally is None or instance.problem or (waiting and not tally.is_plain):
                break  # where files have other names than ours, those of what waits may have, too
            whole, path, now = tally, instance.path, time.monotonic()
            if waiting:
                sizes = file_sizes(self._places.root, path, self._places.codec, instance.id, waiting)
                whole = tally.after(sizes, sizes_of(waiting))
            if not self._still_holds(tally, path, instance.folder):  # also for what was looked at just now
                break
            if instance.saves == saves:
                instance.told = Told(tally, now, writes, whole)
                return whole
        return _at_once(self._counting(instance)) if may_count else None

    def _look(self, instance: Instance) -> tuple[Tally | None, dict[str, Value], int]:
        with self._locks.state:
            is_odd = instance.broken or instance.saving_broken  # somebody changed files, and no names
            waiting = {**instance.saving, **instance.unsaved} if instance.saving or instance.unsaved else {}
            return None if is_odd else instance.tally, waiting, instance.saves

    def _still_holds(self, tally: Tally, path: str, folder: tuple[int, int] | None = None) -> bool:
        """Tell whether a folder is where it should be, can be read, and no name in it was changed since."""
        try:
            status = os.stat(path, dir_fd=self._places.root, follow_symlinks=False)
        except FileNotFoundError:  # it may be moved just now
            return False
        is_the_same = folder in {None, (status.st_dev, status.st_ino)} and status.st_ino == tally.inode
        return is_the_same and status.st_mtime_ns == tally.changed and status.st_mode & _READABLE == _READABLE

    def _counting(self, instance: Instance) -> Generator[None, None, Tally]:
        """Count some files of an instance with each step; return what it holds, what is in no file yet included."""
        with self._catalogue.open(instance) as folder:
            _, waiting, saves = self._look(instance)
            whole, rest = yield from counting(folder, waiting)
        with self._locks.state:
            if instance.saves == saves and not instance.is_being_saved:  # else it may be of neither before nor after
                instance.tally = whole
                self.is_changed = True
        return rest.after({}, sizes_of(waiting))

    def of_dropped(self, path: str, *, may_count: bool) -> Tally | None:
        """Return what an instance holds that was dropped and of which the catalogue knows nothing, as above."""
        tally = self._dropped.get(path)
        if tally is None or not self._still_holds(tally, path):
            if not may_count:
                return None
            with self._places.open(path) as folder:
                tally, _ = _at_once(counting(folder))
            self._dropped[path] = tally
            self.is_changed = True
        return tally

    def keep_only(self, paths: Collection[str]) -> None:
        """Forget drops that lie at other paths than these, which are all that there are."""
        for path in list(self._dropped):
            if path not in paths:
                self._dropped.pop(path, None)

    # Following what becomes of instances

    def dropped(self, instance: Instance) -> None:
        """Keep the tally of an instance that was dropped, before it is forgotten. Called with the state lock held."""
        if instance.tally is not None:
            self._dropped[instance.path] = instance.tally

    def back(self, instance: Instance, path: str) -> None:
        """Give an instance that was dropped, and lay at a path, its tally. Called by the committer."""
        tally = self._dropped.pop(path, None)
        with self._locks.state:
            if instance.tally is None and not instance.saves:
                instance.tally = tally

    def purged(self, path: str) -> None:
        """Forget what a drop held. Called by the committer."""
        self._dropped.pop(path, None)

    # In the background

    @property
    def is_needed(self) -> bool:
        """Whether there may be instances that were not counted yet."""
        return self._uncounted is not None

    def go_on(self, seconds: float) -> None:
        """Count some of the files that were not counted yet, and let others do something in between."""
        end = time.monotonic() + seconds
        with self._locks.counting:
            for _ in self._uncounted or ():
                if time.monotonic() > end:
                    return
            self._uncounted = None

    def _count_all(self) -> Iterator[None]:
        for instance in self._catalogue.live():
            with suppress(OSError):  # whoever asks is told
                if self.of(instance, may_count=False) is None:
                    yield from self._counting(instance)
                self.also(instance)
            yield
        for path in list(self._dropped):
            with suppress(OSError):
                self.also_of_dropped(path)
            yield

    def close(self) -> None:
        """Count no more."""
        with self._locks.counting:
            if isinstance(self._uncounted, Generator):
                self._uncounted.close()
            self._uncounted = None

    def save(self, *, is_last: bool, again: bool = False) -> None:
        """Write all down, if some changed and that was not done lately, or it is the last time. Raises OSError.

        With `again` it is done in any case.
        """
        now = time.monotonic()
        if not (self.is_changed or again) or (not is_last and now - self._saved_at < self._limits.summary_seconds):
            return
        self._saved_at, self.is_changed = now, False
        settled = time.time_ns() - SETTLED_NANOSECONDS
        try:
            self._places.replace_ours(SUMMARY, _encode(self._all(settled)))
        except BaseException:
            self.is_changed = True
            raise

    def _all(self, settled: int) -> Iterator[tuple[str, Tally]]:
        instances = self._catalogue.live() + list(self._catalogue.dropped.values())
        for path, tally in [*self._dropped.items(), *((one.path, one.tally) for one in instances)]:
            if tally is not None and tally.changed <= settled:
                yield path, tally

    def load(self) -> None:
        """Take what was written down, as far as it can be read: what is missing is counted."""
        try:
            tallies = _decode(self._places.read_ours(SUMMARY, LARGEST) or b"")
        except Exception:  # noqa: BLE001 - whatever somebody put there, it stops no start
            tallies = {}
        for instance in self._catalogue.live():
            instance.tally = tallies.pop(instance.path, None)
        self._dropped = {path: tally for path, tally in tallies.items() if path.startswith(f"{OURS}/")}
        self._uncounted = self._count_all()


def _at_once(steps: Generator[None, None, T]) -> T:
    """Do all steps of something, and return what they lead to."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            result: T = end.value
            return result


def sizes_of(values: Mapping[str, Value]) -> dict[str, int]:
    """Return the bytes of each of some values that wait, of those that are no deletion."""
    return {
        key: value.size if isinstance(value, Large) else len(value)
        for key, value in values.items()
        if value is not None
    }


_FORMAT = {"format": 2, "types": list(TYPES)}
"""The first line of what is written down; where it reads otherwise, another version wrote the rest."""

_AT_ONCE = 500
"""Tallies in a line: while one is encoded, no other thread runs."""


def _encode(tallies: Iterable[tuple[str, Tally]]) -> bytes:
    left, lines = iter(tallies), [msgspec.json.encode(_FORMAT)]
    while some := list(islice(left, _AT_ONCE)):
        lines.append(msgspec.json.encode(some))
    return b"\n".join(lines)


def _decode(written: bytes) -> dict[str, Tally]:
    """Return tallies by the paths of their folders. Raises msgspec.MsgspecError, or UnicodeDecodeError."""
    head, *lines = written.split(b"\n")
    if not head or msgspec.json.decode(head) != _FORMAT:
        return {}
    return {path: tally for line in lines for path, tally in _line.decode(line) if tally.is_possible}


_line = msgspec.json.Decoder(list[tuple[str, Tally]])
