"""Workers whose standard output and standard error are read apart."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.daemon.twistd import PATIENCE, ask_over
from tests.ports import free_port
from tests.process import SETTINGS_PREFIXES, WITHOUT_PAGE


@contextmanager
def running(
    store: Path,
    *options: str,
    twistd: Sequence[str] = (),
    shell: str = "",
    environment: Mapping[str, str] | None = None,
) -> Iterator[Running]:
    """Run a worker whose output goes through pipes, or where `shell` sends it. After the block it is gone."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(SETTINGS_PREFIXES)}
    port = free_port()
    listen = f"tcp:{port}:interface=127.0.0.1"
    command = [str(Path(sys.executable).with_name("twistd")), "-n", "--pidfile=", *twistd, "sessionworker"]
    command += ["--listen", listen, "--store", str(store), *options]
    process = subprocess.Popen(
        ["/bin/sh", "-c", f'exec "$0" "$@" {shell}', *command],
        env={**inherited, **WITHOUT_PAGE, "GLOBAL_AUTH_TOKEN": "the-token", **(environment or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        yield Running(process, port)
    finally:
        process.kill()
        process.communicate()


class Running:
    """A worker as a process, and the two ends of its output."""

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self.process = process
        self.port = port

    def wait_until_it_listens(self) -> None:
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                return socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE).close()
            except ConnectionRefusedError:
                assert self.process.poll() is None, self.process.communicate()
                assert time.monotonic() < deadline
                time.sleep(0.02)

    def ask(self, token: str) -> int:
        """Ask for the instances of a group that is not there, and return the answer's status."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE) as connection:
            return ask_over(connection, "GET", "/session/a/list-instances", token=token).status

    def stop(self) -> tuple[str, str]:
        """Stop it; return what it wrote to standard output and to standard error."""
        self.process.send_signal(signal.SIGTERM)
        output, complaints = self.process.communicate(timeout=PATIENCE)
        assert self.process.returncode == 0, complaints
        return output.decode(), complaints.decode()
