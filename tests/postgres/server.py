"""A PostgreSQL that a test starts, stops, kills and pauses."""

from __future__ import annotations

import signal
import time
from collections.abc import Mapping
from typing import Self
from urllib.parse import quote, urlencode

from tests.ports import free_port
from tests.postgres.processes import POLL_SECONDS, children_of, has_ended, send, stop, wait_until_ended
from tests.postgres.room import Room

PARAMETERS: Mapping[str, str | int] = {
    # Nothing here outlives the machine. What was committed is there after each kill all the same.
    "fsync": "off",
    "full_page_writes": "off",
    "shared_buffers": "16MB",
    "listen_addresses": "127.0.0.1",
    "dynamic_shared_memory_type": "mmap",  # in the folder; a killed server would leave any other on the machine
    "cluster_name": "sessionworker-tests",
}
"""What is unlike PostgreSQL's own defaults. For what is measured, give `fsync` and `full_page_writes` as "on"."""

STATUS_LINE = 7
"""Of postmaster.pid, counted from 0: whether connections are taken."""


class ServerError(Exception):
    """A server did not do what was awaited of it. The message ends with its log."""


class Server:
    """A cluster in a room, on a port of its own, which it keeps. As a context manager it runs inside, and not after."""

    def __init__(
        self, room: Room, parameters: Mapping[str, str | int] | None = None, *, copy_of: Server | None = None
    ) -> None:
        """Make the cluster: an empty one, or a standby of another one, which must run.

        `parameters` go over `PARAMETERS`. Both are asked at each start, and can be changed between two.
        """
        self.room = room
        self.port = free_port()
        self.parameters: dict[str, str | int] = {**PARAMETERS, **(parameters or {})}
        self.folder = room.new_folder()
        self.data = self.folder / "data"
        self.log_file = self.folder / "log"
        self.pid = 0  # the postmaster's; 0 while none is known to run
        if copy_of is None:
            room.copy_cluster(self.folder)
        else:
            options = ["--pgdata", str(self.data), "--dbname", copy_of.url(), "--write-recovery-conf", "--no-sync"]
            room.run(self.log_file, "pg_basebackup", *options, "--checkpoint=fast")

    def __enter__(self) -> Self:
        """Start it, and wait until it takes connections."""
        self.start()
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        """Kill it if it runs. An error that passes gets its log as a note."""
        if error is not None:
            error.add_note(f"The server's log:\n{self.log}")
        self.kill()

    @property
    def log(self) -> str:
        """All that it has said, over all its starts."""
        return self.log_file.read_text(errors="replace") if self.log_file.exists() else ""

    @property
    def processes(self) -> list[int]:
        """The postmaster and all that it has started."""
        return [self.pid, *children_of(self.pid)] if self.pid else []

    def url(self, database: str = "postgres", **options: str) -> str:
        """Return where a database is, for a superuser; `options` are libpq's, such as `connect_timeout`."""
        return _url(f"postgres:{self.room.password}@127.0.0.1:{self.port}", database, options)

    def socket_url(self, database: str = "postgres", **options: str) -> str:
        """Return where a database is over the server's Unix socket, which asks for no password."""
        return _url("postgres@", database, {"host": str(self.folder), "port": str(self.port), **options})

    def start(self, seconds: float = 60) -> None:
        """Start it, and return when it takes connections; it is killed if it does not."""
        self.start_only()
        self.wait_until_ready(seconds)

    def start_only(self) -> None:
        """Start it, and return at once."""
        if self.pid:
            raise ServerError("this server is running already")
        parameters = {**self.parameters, "port": self.port, "unix_socket_directories": self.folder}
        options = [word for name, value in parameters.items() for word in ("-c", f"{name}={value}")]
        self.pid = self.room.start(self.log_file, "postgres", "-D", str(self.data), *options)

    def wait_until_ready(self, seconds: float = 60) -> None:
        """Return when it takes connections; it is killed if it does not."""
        deadline = time.monotonic() + seconds
        while not self._is_ready():
            if has_ended(self.pid):
                self.pid = 0
                raise self._error("the server ended before it took connections")
            if time.monotonic() > deadline:
                self.kill()
                raise self._error(f"the server took no connections within {seconds} s")
            time.sleep(POLL_SECONDS)

    def stop(self, how: signal.Signals = signal.SIGINT, seconds: float = 60) -> None:
        """Let it end: "fast" (SIGINT), "smart" when all have left (SIGTERM), or "immediate" as if killed (SIGQUIT)."""
        pids = self.processes
        send(how, pids[:1])
        wait_until_ended(pids, seconds)
        self.pid = 0

    def restart(self) -> None:
        """Let it end, and start it again."""
        self.stop()
        self.start()

    def kill(self) -> None:
        """End all its processes at once, as a crash does."""
        self.pause()  # so that none starts another meanwhile
        pids = self.processes
        send(signal.SIGKILL, pids)
        wait_until_ended(pids, 10)
        self.pid = 0

    def pause(self) -> None:
        """Stop all its processes where they are: connections stay, and nothing answers."""
        stop([self.pid] if self.pid else [])
        stop(children_of(self.pid) if self.pid else [])

    def go_on(self) -> None:
        """Let it go on after `pause`."""
        send(signal.SIGCONT, reversed(self.processes))

    def _is_ready(self) -> bool:
        """Whether it says so, in a file that is this start's and no earlier one's."""
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        ready = len(lines) > STATUS_LINE and lines[STATUS_LINE].strip() in {"ready", "standby"}
        return ready and lines[0] == str(self.pid)

    def _error(self, what: str) -> ServerError:
        return ServerError(f"{what}. Its log:\n{self.log}")


def _url(place: str, database: str, options: Mapping[str, str]) -> str:
    after = f"?{urlencode(options, quote_via=quote)}" if options else ""
    return f"postgresql://{place}/{quote(database)}{after}"
