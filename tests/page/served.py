"""A page in memory that a real browser can look at: in states that no worker is brought into by asking for it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from unittest.mock import patch

from tests.page.whole import Whole

_CONNECTION = {"transfer-encoding", "content-length", "connection", "date", "server"}


@contextmanager
def served(page: Whole) -> Iterator[str]:
    """Have a page at an address, which is returned. It answers in one thread, one request after another."""

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            answer = page.ask(self.command, self.path, dict(self.headers.items()), body, address="127.0.0.1")
            said = answer.body.encode()
            self.send_response(answer.status)
            for name, value in answer.headers.headers.items():
                if name.lower() not in _CONNECTION:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        do_HEAD = do_POST = do_GET

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Answers) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@contextmanager
def minutes_ago(minutes: float) -> Iterator[None]:
    """Let what is done now have been done then."""
    then = time.time_ns() - int(minutes * 60e9)
    with patch("time.time_ns", lambda: then):
        yield
