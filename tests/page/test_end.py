"""The page's share of the worker's files, and its end with the worker."""

from __future__ import annotations

import os
import re
import signal
import socket
import time
from contextlib import closing
from pathlib import Path

import pytest

from sessionworker.page.bounds import MOST_SOCKETS
from sessionworker.service import OTHER_FILES
from tests.daemon.twistd import PATIENCE, ask, read_to_end, wait_until
from tests.ports import free_port
from tests.process import WorkerProcess
from tests.tools import show_figure

pytestmark = pytest.mark.slow


def is_closed(port: int) -> bool:
    """Whether nobody listens at a port."""
    with closing(socket.socket()) as connection:
        return connection.connect_ex(("127.0.0.1", port)) != 0


def test_what_is_under_way_at_a_stop_is_answered_and_what_is_silent_is_not_waited_for(tmp_path: Path) -> None:
    port = free_port()
    with WorkerProcess(tmp_path / "store", "--ui-listen", f"tcp:{port}:interface=127.0.0.1") as worker:
        head = f"POST /ui/login HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Length: 7\r\n\r\ntoken="
        silent, busy = (socket.create_connection(("127.0.0.1", port), PATIENCE) for _ in range(2))
        with closing(silent), closing(busy):
            silent.sendall(f"GET /ui/ HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
            assert silent.recv(100).startswith(b"HTTP/1.1 401 ")
            busy.sendall(head.encode())
            time.sleep(1.5)
            os.kill(worker.pid, signal.SIGTERM)
            wait_until(lambda: is_closed(port))
            time.sleep(1.5)  # the worker's own connections are gone
            busy.sendall(b"x")
            said = read_to_end(busy)
            assert (said.startswith(b"HTTP/1.1 403 "), said.endswith(b"0\r\n\r\n")) == (True, True)
            start = time.monotonic()
            assert worker.wait_until_ended() == 0
        assert worker.failures == []
        show_figure(f"the page at a stop: ended {time.monotonic() - start:.2f} s after its last answer")


@pytest.mark.parametrize("is_page", [True, False])
def test_files_are_kept_for_the_connections_of_the_page(tmp_path: Path, is_page: bool) -> None:
    place = f"tcp:{free_port()}:interface=127.0.0.1" if is_page else "off"
    files = OTHER_FILES + MOST_SOCKETS + 10
    worker = WorkerProcess(tmp_path / "store", "--ui-listen", place)
    worker.before = ("/bin/sh", "-c", f'ulimit -n {files}; exec "$0" "$@"')
    with worker:
        text = ask(worker, "GET", "/metrics").body.decode()
        found = re.search(r"^sessionworker_limit_connections (\d+)", text, re.MULTILINE)
        assert found is not None, text
        assert int(found[1]) == (10 if is_page else 10 + MOST_SOCKETS)
