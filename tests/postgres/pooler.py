"""A pgbouncer between clients and a server."""

from __future__ import annotations

import signal
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Self

import psycopg

from tests.ports import free_port
from tests.postgres.processes import POLL_SECONDS, has_ended, send, wait_until_ended
from tests.postgres.server import Server
from tests.tools import require

SETTINGS = """\
[databases]
* = host=127.0.0.1 port={server.port} user=postgres password={server.room.password}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = {mode}
server_round_robin = {is_in_turn:d}
server_login_retry = 1
"""
"""By itself it tries again only after 15 s, where a server has let nobody in."""


class Pooler:
    """A pgbouncer in a server's room. As a context manager it runs inside, and not after."""

    def __init__(self, server: Server, mode: str, *, is_in_turn: bool = False) -> None:
        """Prepare one; it takes connections to the server in turn, or the one that was used last."""
        self._room = server.room
        self._folder = server.room.new_folder()
        self._port = free_port()
        self._settings = SETTINGS.format(server=server, port=self._port, mode=mode, is_in_turn=is_in_turn)
        self._server = server
        self._pid = 0

    def __enter__(self) -> Self:
        """Start it, and wait until it listens."""
        program = require("pgbouncer")
        file = self._folder / "pgbouncer.ini"
        file.write_text(self._settings)
        file.chmod(0o644)
        self._pid = self._room.start(self._folder / "log", program, str(file))
        end = time.monotonic() + 10
        while not self._listens():
            assert not has_ended(self._pid), self.log
            assert time.monotonic() < end, self.log
            time.sleep(POLL_SECONDS)
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        """End it. An error that passes gets its log as a note."""
        if error is not None:
            error.add_note(f"pgbouncer's log:\n{self.log}")
        send(signal.SIGKILL, [self._pid])
        wait_until_ended([self._pid], 10)

    @property
    def log(self) -> str:
        """All that it has said."""
        return (self._folder / "log").read_text(errors="replace")

    def url(self, database: str = "postgres") -> str:
        """Return where a database of the server is, through it."""
        return f"postgresql://postgres@127.0.0.1:{self._port}/{database}"

    def connect(self, count: int) -> None:
        """Have it make so many connections to the server, which it keeps."""
        with ExitStack() as stack, ThreadPoolExecutor(count + 1) as pool:
            clients = [stack.enter_context(psycopg.connect(self.url(), autocommit=True)) for _ in range(count)]
            list(pool.map(lambda client: client.execute("SELECT pg_sleep(0.3)"), clients))

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self._port)) == 0
