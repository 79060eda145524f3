"""A process that starts servers for a test process, and ends them with it: also when that is killed.

`python -m tests.postgres.keeper FOLDER [UID GID]`. Each line of its standard input is an order, in JSON, which it
answers with a number: an id of a process, or the status of one that was waited for. Where its input ends, nobody is
left who could want a server: all processes are killed, and the folder is removed. It is the parent of all of them, or
becomes it when one loses its own, so it finds them.
"""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from tests.postgres.processes import POLL_SECONDS, descendants_of, send

PR_SET_CHILD_SUBREAPER = 36
"""See prctl(2)."""

IPC_RMID = 0
"""See shmctl(2)."""

SHARED_MEMORY_LINE = 6
"""Of a postmaster.pid, counted from 0: the key and the id of a System V segment."""


def start(
    command: list[str], log: str, user: int | None, group: int | None, network: str | None
) -> subprocess.Popen[bytes]:
    """Start a program, as a user and in a network if they are given, with nothing of our environment."""
    if network is not None:  # which only root may enter
        command = ["/usr/bin/nsenter", f"--net={network}", f"--setuid={user}", f"--setgid={group}", "--", *command]
        user = group = None
    with Path(log).open("ab") as output:
        return subprocess.Popen(
            command,
            cwd="/",
            env={"LC_ALL": "C", "PATH": os.defpath},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            user=user,
            group=group,
            extra_groups=None if user is None else [],
            umask=0o077,
        )


def end_all() -> None:
    """Kill all that was started here, and what that has started."""
    while pids := descendants_of(os.getpid()):
        send(signal.SIGKILL, pids)
        time.sleep(POLL_SECONDS)
        forget_the_ended()


def forget_the_ended() -> None:
    """Ask for the status of all that have ended: until then a server takes an earlier one of its folder for alive."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def remove_shared_memory(folder: Path, user: int | None) -> None:
    """Remove what killed servers had no time to: else the machine keeps it until it is started again."""
    files = [path.read_text().splitlines() for path in folder.glob("*/data/postmaster.pid")]
    segments = [int(lines[SHARED_MEMORY_LINE].split()[1]) for lines in files if len(lines) > SHARED_MEMORY_LINE]
    if user is not None:
        os.seteuid(user)  # only who made it may, and root with more rights than it has in a container
    for segment in segments:
        ctypes.CDLL(None).shmctl(segment, IPC_RMID, None)
    os.seteuid(os.getuid())


def main(folder: Path, user: int | None = None, group: int | None = None) -> None:
    """Do what is ordered until nobody is left who could."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    started = []  # kept, for Python complains of each that is let go of and still runs
    is_waiting = False
    signal.signal(signal.SIGCHLD, lambda *_: None if is_waiting else forget_the_ended())
    for line in sys.stdin:
        order = json.loads(line)
        is_waiting = order["wait"]
        process = start(order["command"], order["log"], user, group, order["network"])
        started.append(process)
        print(process.wait() if is_waiting else process.pid, flush=True)
        is_waiting = False
        forget_the_ended()
    end_all()
    remove_shared_memory(folder, user)
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(int, sys.argv[2:]))
