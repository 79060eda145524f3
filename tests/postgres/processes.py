"""Looking at processes that are not our children, and stopping them all at once."""

from __future__ import annotations

import os
import select
import signal
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

POLL_SECONDS = 0.002


def children_of(*parents: int) -> list[int]:
    """Return the processes that these have started, and that nobody has waited for."""
    pids = [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]
    return [pid for pid in pids if (parts := _status(pid)) and int(parts[1]) in parents]


def descendants_of(parent: int) -> list[int]:
    """Return the processes that one has started, with all that those have."""
    found, generation = [], [parent]
    while generation := children_of(*generation):
        found += generation
    return found


def has_ended(pid: int) -> bool:
    """Whether there is no such process, or nothing of it but its status."""
    parts = _status(pid)
    return not parts or parts[0] in "ZX"


def is_stopped(pid: int) -> bool:
    """Whether a process does nothing until it is continued, or has ended."""
    return has_ended(pid) or _status(pid)[:1] == ["T"]


def _status(pid: int) -> list[str]:
    """Return what /proc says after a process's name, which may hold anything: its state, its parent, and more."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []


def send(wanted: signal.Signals, pids: Iterable[int]) -> None:
    """Send a signal to those that are still there."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, wanted)


def stop(pids: Iterable[int], seconds: float = 10) -> None:
    """Stop processes, and return when all of them stand still."""
    pids = list(pids)
    send(signal.SIGSTOP, pids)
    deadline = time.monotonic() + seconds
    while not all(is_stopped(pid) for pid in pids):
        if time.monotonic() > deadline:
            raise TimeoutError(f"some of {pids} do not stop")
        time.sleep(POLL_SECONDS)


def wait_until_ended(pids: Iterable[int], seconds: float) -> None:
    """Return when processes have ended. Raises TimeoutError if one has not by then."""
    deadline = time.monotonic() + seconds
    for pid in pids:
        try:
            handle = os.pidfd_open(pid)
        except ProcessLookupError:
            continue
        try:
            if not select.select([handle], [], [], max(0.0, deadline - time.monotonic()))[0]:
                raise TimeoutError(f"process {pid} has not ended after {seconds} s")
        finally:
            os.close(handle)
