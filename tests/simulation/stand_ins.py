"""What stands in for the modules `time`, `secrets`, `uuid`, `fcntl` and `shutil` in a store under simulation."""

from __future__ import annotations

import errno
import stat
import uuid
from collections.abc import Callable
from random import Random

from tests.simulation.disk import Disk
from tests.simulation.operating import Operating
from tests.simulation.schedule import SECOND, Schedule
from tests.simulation.tree import refuse


class Time:
    """Stands in for the module `time`."""

    def __init__(self, schedule: Schedule) -> None:
        """Tell the clocks of a schedule."""
        self._schedule = schedule
        self.time_ns = schedule.wall_clock

    def time(self) -> float:
        """As time.time."""
        return self._schedule.wall_clock() / SECOND

    def monotonic_ns(self) -> int:
        """As time.monotonic_ns."""
        return self._schedule.now

    def monotonic(self) -> float:
        """As time.monotonic."""
        return self._schedule.now / SECOND

    perf_counter = monotonic
    perf_counter_ns = monotonic_ns

    def sleep(self, seconds: float) -> None:
        """As time.sleep."""
        self._schedule.block([], seconds)


class Secrets:
    """Stands in for the module `secrets`."""

    def __init__(self, random: Random) -> None:
        """Draw from the seed."""
        self.token_bytes = random.randbytes
        self.randbits = random.getrandbits
        self.choice = random.choice
        self.randbelow = random.randrange

    def token_hex(self, size: int = 32) -> str:
        """As secrets.token_hex."""
        return self.token_bytes(size).hex()


class Uuid:
    """Stands in for the module `uuid`."""

    UUID = uuid.UUID

    def __init__(self, random: Random) -> None:
        """Draw from the seed."""
        self._random = random

    def uuid4(self) -> uuid.UUID:
        """As uuid.uuid4."""
        return uuid.UUID(int=self._random.getrandbits(128), version=4)


class Fcntl:
    """Stands in for the module `fcntl`."""

    LOCK_SH, LOCK_EX, LOCK_NB, LOCK_UN = 1, 2, 4, 8

    def __init__(self, schedule: Schedule, disk: Callable[[], Disk]) -> None:
        """Lock files of the disk that there is now."""
        self._schedule = schedule
        self._disk = disk

    def flock(self, handle: int, operation: int) -> None:
        """As fcntl.flock, without waiting."""
        assert operation & self.LOCK_NB or operation == self.LOCK_UN, "nobody waits for a lock on a file here"
        self._schedule.pause()
        self._disk().flock(handle, exclusive=bool(operation & self.LOCK_EX))


class Shutil:
    """Stands in for the module `shutil`."""

    def __init__(self, system: Operating) -> None:
        """Make the calls of `system`."""
        self._system = system

    def rmtree(self, path: str, *, ignore_errors: bool = False) -> None:
        """As shutil.rmtree."""
        try:
            if self._system.path.islink(path):
                refuse(errno.ENOTDIR, path)
            for name in self._system.listdir(path):
                inner = f"{path}/{name}"
                if stat.S_ISDIR(self._system.lstat(inner).st_mode):
                    self.rmtree(inner, ignore_errors=ignore_errors)
                else:
                    self._system.unlink(inner)
            self._system.rmdir(path)
        except OSError:
            if not ignore_errors:
                raise
