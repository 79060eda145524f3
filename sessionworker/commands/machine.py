"""What `doctor` asks of this machine: folders, the disk, files of secrets, limits. Nothing here changes anything."""

from __future__ import annotations

import os
import re
import stat
import time
from collections.abc import Iterator
from contextlib import suppress
from enum import Enum
from pathlib import Path
from urllib.parse import urlsplit

from msgspec import Struct

from sessionworker.commands.given import OURS
from sessionworker.commands.showing import number, size, spelled

SYNCS = 100
"""How often the disk is made to write, and at most for how long."""
SYNC_SECONDS = 3.0

SLOW_SYNC = 0.05
"""Seconds for one half of the syncs: each write of an API waits that long."""

LEAST_ROOM = 0.05
"""Share of a disk's bytes or files that has to be left."""

LEAST_FILES = 1700
"""Open files without which fewer than 1,000 connections fit: an API opens as many at once."""

VOLATILE = {"tmpfs", "ramfs"}
NETWORK = {"nfs", "nfs4", "cifs", "smb3", "fuse.sshfs", "9p", "fuse.glusterfs", "ceph"}


class Mark(Enum):
    """What a line means."""

    WELL = "✔"
    WRONG = "✖"
    NOTE = "·"


class Line(Struct):
    """One thing that was looked at."""

    mark: Mark
    what: str
    said: str
    """How it is; where it is wrong, what to do."""


def exists(path: Path) -> bool:
    """Tell whether something is there, as far as this user may see."""
    try:
        path.stat()
    except OSError:
        return False
    return True


def look_at_store(store: Path) -> Iterator[Line]:
    """Tell about the folder of a store, and its disk."""
    try:
        found = store.stat()
        ours = (store / OURS).stat()
    except FileNotFoundError:
        yield Line(Mark.WRONG, "store", f"there is none in {store}: a worker makes one at its first start there")
        return
    except OSError as error:
        yield Line(Mark.WRONG, "store", f"{store} cannot be used: {error.strerror}. Run this as the worker's user")
        return
    me = os.geteuid()
    if ours.st_uid != me:
        yield Line(
            Mark.WRONG,
            "store",
            f"{store} is of the user {ours.st_uid}, and this is {me}: run this as the worker's user",
        )
        return
    if not os.access(store, os.R_OK | os.W_OK | os.X_OK) or not stat.S_IMODE(found.st_mode) & stat.S_IWUSR:
        yield Line(Mark.WRONG, "store", f"{store} cannot be written by its user: chmod u+rwx {store}")
        return
    yield Line(Mark.WELL, "store", f"{store} is a folder that this user may write")
    if stat.S_IMODE(ours.st_mode) & (stat.S_IRWXG | stat.S_IRWXO):
        yield Line(Mark.WRONG, "store", f"others may look into {store / OURS}: chmod 700 {store / OURS}")
    yield from _look_at_folders(store, me)
    yield from _look_at_disk(store)


def _look_at_folders(store: Path, me: int) -> Iterator[Line]:
    """Tell which folders of groups and instances the worker cannot use."""
    count, wrong = 0, []
    for group in _folders_in(store):
        for folder in (group, *_folders_in(group)):
            count += 1
            try:
                found = folder.stat()
                is_usable = found.st_uid == me and found.st_mode & stat.S_IRWXU == stat.S_IRWXU
            except OSError:
                is_usable = False
            if not is_usable:
                wrong.append(folder)
    for folder in wrong[:10]:
        name = spelled(*folder.relative_to(store).parts)
        yield Line(Mark.WRONG, "folders", f"{name} is not this user's to read and write: chown and chmod u+rwx it")
    if len(wrong) > len(wrong[:10]):
        yield Line(Mark.WRONG, "folders", f"so are {len(wrong) - 10:,} more")
    if not wrong:
        yield Line(Mark.WELL, "folders", f"all {count:,} of groups and instances can be used")


def _folders_in(folder: Path) -> list[Path]:
    try:
        with os.scandir(folder) as found:
            return sorted(Path(one) for one in found if one.is_dir(follow_symlinks=False) and one.name != OURS)
    except OSError:
        return []


def _look_at_disk(store: Path) -> Iterator[Line]:
    kind = _kind_of_disk(store)
    if kind in VOLATILE:
        yield Line(
            Mark.WRONG, "disk", f"{store} lies in memory ({kind}): nothing of it survives the machine's next start"
        )
    elif kind in NETWORK:
        yield Line(Mark.NOTE, "disk", f"{store} lies on a network ({kind}): only one worker may ever have it")
    yield from look_at_room(os.statvfs(store))
    yield _time_syncs(store / OURS)


def look_at_room(room: os.statvfs_result) -> Iterator[Line]:
    """Tell how many bytes and files a disk has left."""
    free, whole = room.f_bavail * room.f_frsize, room.f_blocks * room.f_frsize
    mark = Mark.WRONG if free < LEAST_ROOM * whole else Mark.WELL
    yield Line(mark, "room", f"{size(free)} of {size(whole)} are free{', make some' if mark is Mark.WRONG else ''}")
    if room.f_files:
        mark = Mark.WRONG if room.f_favail < LEAST_ROOM * room.f_files else Mark.WELL
        yield Line(mark, "files", f"{number(room.f_favail)} of {number(room.f_files)} more can be made")


def _kind_of_disk(path: Path) -> str:
    """Return the kind of file system that a path lies on, or nothing."""
    found, longest = "", -1
    with suppress(OSError):
        for line in Path("/proc/self/mounts").read_text().splitlines():
            _, place, kind, *_ = line.split(" ")
            if path.resolve().is_relative_to(place) and len(place) >= longest:
                found, longest = kind, len(place)
    return found


def _time_syncs(folder: Path) -> Line:
    """Measure how long the disk takes to make 4 KiB durable, in a file that has no name and is gone with this."""
    try:
        file = os.open(folder, os.O_TMPFILE | os.O_RDWR, 0o600)
    except OSError as error:
        return Line(Mark.NOTE, "sync", f"its time was not measured: {error.strerror}")
    try:
        taken: list[float] = []
        until = time.monotonic() + SYNC_SECONDS
        while len(taken) < SYNCS and time.monotonic() < until:
            before = time.monotonic()
            os.write(file, bytes(4096))
            os.fdatasync(file)
            taken.append(time.monotonic() - before)
    except OSError as error:
        return Line(Mark.WRONG, "sync", f"the disk refuses to write: {error.strerror}")
    finally:
        os.close(file)
    taken.sort()
    half = taken[len(taken) // 2]
    said = f"half of {len(taken)} took under {half * 1000:.1f} ms, the longest {taken[-1] * 1000:.1f} ms"
    if half > SLOW_SYNC:
        return Line(Mark.WRONG, "sync", f"{said}: each write waits for one, so use a faster disk")
    return Line(Mark.WELL, "sync", said)


def look_at_secret(what: str, path: Path) -> Line:
    """Tell whether a file of secrets can be read, and by nobody else."""
    try:
        mode = path.stat().st_mode
        with path.open("rb"):
            pass
    except OSError as error:
        return Line(Mark.WRONG, what, f"the file {path} cannot be read: {error.strerror}")
    if stat.S_IMODE(mode) & (stat.S_IRWXG | stat.S_IRWXO):
        return Line(Mark.WRONG, what, f"others may read the file {path}: chmod 600 {path}")
    return Line(Mark.WELL, what, f"the file {path} can be read by its user alone")


def holder_of(store: Path) -> int | None:
    """Return the process that has a store, by the kernel's list of locks: taking the lock would be a change."""
    try:
        inode = (store / OURS / "lock").stat().st_ino
        locks = Path("/proc/locks").read_text()
    except OSError:
        return None
    for line in locks.splitlines():
        fields = line.split()
        if "FLOCK" in fields and "->" not in fields and fields[-3].rpartition(":")[2] == str(inode):
            return int(fields[-4])
    return None


def look_at_files(holder: int | None) -> Iterator[Line]:
    """Tell how many files the worker may have open: each connection is one."""
    text = ""
    for process in (holder, "self"):
        with suppress(OSError):
            text = Path(f"/proc/{process}/limits").read_text()
            break
    found = re.search(r"Max open files\s+\S+\s+(\d+|unlimited)", text)
    if found is None:
        return
    most = found[1]
    if most != "unlimited" and int(most) < LEAST_FILES:
        yield Line(Mark.WRONG, "open files", f"{most} at most, so few connections fit: raise LimitNOFILE, or ulimit -n")
    else:
        yield Line(Mark.WELL, "open files", f"{most} at most")


def is_local(url: str) -> bool:
    """Tell whether an address is this machine's."""
    return (urlsplit(url).hostname or "") in {"127.0.0.1", "::1", "localhost"}


def look_at_port(url: str) -> Iterator[Line]:
    """Tell who can get to the worker's port."""
    parts = urlsplit(url)
    if not is_local(url) or parts.scheme != "http":
        return
    port = f":{parts.port or 80:04X}"
    for file, everywhere in (("tcp", "00000000"), ("tcp6", "0" * 32)):
        with suppress(OSError):
            for line in Path(f"/proc/net/{file}").read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == "0A" and fields[1] == f"{everywhere}{port}":
                    said = (
                        f"{parts.port} listens to all networks of this machine, unencrypted: only APIs should get to it"
                    )
                    yield Line(Mark.NOTE, "port", said)
                    return
    yield Line(Mark.WELL, "port", f"{parts.port} listens where it was told to, and not to every network")
