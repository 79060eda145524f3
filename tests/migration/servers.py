"""Servers that tests read: a Redis and a MariaDB, each in a folder of its own and on a port of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pymysql
import redis

from tests.ports import free_port
from tests.tools import require

SECONDS = 60
PASSWORD = "pass@w:rd/#1"
"""What has to be escaped in a URL, and never to be shown."""
ESCAPED_PASSWORD = "pass%40w%3Ard%2F%231"

_ENDS_WITH_US = "import ctypes, os, sys; ctypes.CDLL(None).prctl(1, 9); os.execv(sys.argv[1], sys.argv[1:])"
"""Starts a program that is killed when the tests are."""


@contextmanager
def redis_server(folder: Path) -> Iterator[str]:
    """Run a Redis, and give its URL, without the number of a database."""
    port = free_port()
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    command = [require("redis-server"), *options, "--requirepass", PASSWORD]
    with _running(command, folder / "redis.log"):
        with redis.Redis(port=port, password=PASSWORD) as client:
            _wait(client.ping, redis.RedisError)
        yield f"redis://default:{ESCAPED_PASSWORD}@127.0.0.1:{port}"


@contextmanager
def mariadb_server(folder: Path) -> Iterator[str]:
    """Run a MariaDB, and give its URL, without a database."""
    port = free_port()
    data = folder / "data"
    user = ["--user=root"] if os.geteuid() == 0 else []
    program = require("mariadbd")
    make = [
        require("mariadb-install-db"),
        "--no-defaults",
        f"--datadir={data}",
        *user,
        "--auth-root-authentication-method=normal",
    ]
    subprocess.run(
        [*make, "--skip-test-db", "--innodb-log-file-size=4M"], check=True, capture_output=True, timeout=SECONDS
    )
    options = [f"--datadir={data}", f"--port={port}", "--bind-address=127.0.0.1", f"--socket={folder}/s", *user]
    options += ["--innodb-flush-log-at-trx-commit=0", "--innodb-buffer-pool-size=16M", "--innodb-log-file-size=4M"]
    with _running([program, "--no-defaults", "--skip-networking=0", *options], folder / "mariadb.log"):

        def connect() -> None:
            if not (folder / "s").exists():  # else the driver leaves a socket to the collector of garbage
                raise pymysql.OperationalError
            with mariadb(f"{folder}/s") as cursor:
                cursor.execute(f"CREATE USER reader@'%' IDENTIFIED BY '{PASSWORD}'")
                cursor.execute("GRANT ALL ON *.* TO reader@'%'")

        _wait(connect, pymysql.MySQLError)
        yield f"mysql://reader:{ESCAPED_PASSWORD}@127.0.0.1:{port}"


@contextmanager
def mariadb(socket: str) -> Iterator[Any]:
    """Give a cursor of somebody who may write."""
    connection = pymysql.connect(unix_socket=socket, user="root", charset="utf8mb4", autocommit=True)
    try:
        with connection.cursor() as cursor:
            yield cursor
    finally:
        connection.close()


@contextmanager
def _running(command: list[str], log: Path) -> Iterator[None]:
    with log.open("wb") as file:
        process = subprocess.Popen([sys.executable, "-c", _ENDS_WITH_US, *command], stdout=file, stderr=file)
    try:
        yield
    except BaseException as error:
        error.add_note(f"The server's log:\n{log.read_text(errors='replace')}")
        raise
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait(SECONDS)


def _wait(ask: Callable[[], Any], errors: type[Exception]) -> None:
    deadline = time.monotonic() + SECONDS
    while True:
        try:
            ask()
        except errors:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return
