"""The proxies of the examples in the operations; only addresses and files are other ones here."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from http import HTTPStatus
from http.client import HTTPConnection
from pathlib import Path

from tests.daemon.certificates import make_authority, make_certificate
from tests.documents.reading import blocks, read
from tests.ports import free_port
from tests.tools import require

PATIENCE = 30.0


class Pair:
    """Two proxies: `near` takes plain HTTP and speaks TLS to `far`, which stands in front of a worker."""

    def __init__(self, folder: Path, kind: str, worker_port: int) -> None:
        self.folder = folder
        self.worker_port = worker_port
        self.near, self.far = free_port(), free_port()
        self._start = {"nginx": self._nginx, "caddy": self._caddy, "traefik": self._traefik}[kind]
        authority = make_authority("somebody")
        (folder / "authority.pem").write_text(authority.pem)
        for name, text in zip(("privkey.pem", "fullchain.pem"), make_certificate(authority), strict=True):
            (folder / name).write_text(text)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Run both until the block ends, from when the worker can be reached through them."""
        with ExitStack() as stack:
            for side, port in (("far", self.far), ("near", self.near)):
                (self.folder / side).mkdir()
                stack.enter_context(self._start(side, port))
            end = time.monotonic() + PATIENCE
            # Traefik listens before it has read what to do, and answers by itself until then: 404, 500 or 502.
            while (status := self._health()) != HTTPStatus.OK:
                assert time.monotonic() < end, f"{status}: {self.said()}"
                time.sleep(0.02)
            yield

    def _health(self) -> int:
        with closing(HTTPConnection("127.0.0.1", self.near, timeout=PATIENCE)) as connection:
            connection.request("GET", "/health")
            return connection.getresponse().status

    def said(self) -> str:
        """All that both wrote down."""
        return "".join(path.read_text(errors="replace") for path in self.folder.rglob("*.log"))

    def _placed(self, text: str, side: str) -> str:
        """Put a file of the documentation into the place of this test."""
        port = {"far": self.worker_port, "near": self.near}[side]
        for documented, ours in (
            ("10.0.0.5:5657", f"127.0.0.1:{self.far}"),
            ("worker.example.com:5657", f"localhost:{self.far}"),
            ("worker.example.com", "localhost"),
            ("127.0.0.1:5656", f"127.0.0.1:{port}"),
            ("http://:5656", f"http://:{port}"),
            ("bind 10.0.0.5", "bind 127.0.0.1"),
            ("/etc/ssl/certs/ca-certificates.crt", str(self.folder / "authority.pem")),
            ("/etc/traefik/sessionworker.yaml", str(self.folder / side / "sessionworker.yaml")),
            ("/var/log/nginx/sessionworker.log", str(self.folder / side / "error.log")),
        ):
            text = text.replace(documented, ours)
        text = re.sub(r"/etc/\w+/(?:\w+/)?(privkey|fullchain)\.pem", rf"{self.folder}/\1.pem", text)
        assert not re.search(r"/etc/|5656|5657|example", text)
        return text

    @contextmanager
    def _nginx(self, side: str, port: int) -> Iterator[None]:
        folder = self.folder / side
        kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        places = "".join(f"{kind}_temp_path {folder / kind};\n" for kind in kinds)
        server = self._placed(documented("nginx")[["far", "near"].index(side)], side)
        (folder / "nginx.conf").write_text(
            f"daemon off; pid {folder / 'pid'}; events {{}} http {{ {places} {server} }}"
        )
        command = [require("nginx"), "-p", str(folder), "-c", "nginx.conf", "-e", str(folder / "start.log")]
        with running(command, folder, port):
            for kind in kinds:
                (folder / kind).rmdir()  # so that a body which is to be kept in a file is an error
            yield

    @contextmanager
    def _caddy(self, side: str, port: int) -> Iterator[None]:
        folder = self.folder / side
        (folder / "Caddyfile").write_text(self._placed(documented("caddyfile")[["far", "near"].index(side)], side))
        command = [require("caddy"), "run", "--adapter", "caddyfile", "--config", str(folder / "Caddyfile")]
        variables = {"HOME": str(folder), "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
        with running(command, folder, port, {**variables, "SSL_CERT_FILE": str(self.folder / "authority.pem")}):
            yield

    @contextmanager
    def _traefik(self, side: str, port: int) -> Iterator[None]:
        folder = self.folder / side
        static, far, near = [block for block in documented("yaml") if "entryPoints" in block]
        if side == "near":
            static = static.replace("10.0.0.5:5657", "127.0.0.1:5656")
        (folder / "traefik.yaml").write_text(self._placed(static, side))
        (folder / "sessionworker.yaml").write_text(self._placed({"far": far, "near": near}[side], side))
        command = [require("traefik"), f"--configFile={folder / 'traefik.yaml'}"]
        with running(command, folder, port, {"SSL_CERT_FILE": str(self.folder / "authority.pem")}):
            yield


def documented(language: str) -> list[str]:
    return blocks(read("docs/operations.md"), language)


@contextmanager
def running(command: list[str], folder: Path, port: int, variables: Mapping[str, str] | None = None) -> Iterator[None]:
    """Run a program that listens, until the block ends."""
    with (folder / "output.log").open("wb") as output:
        process = subprocess.Popen(
            command, cwd=folder, env={**os.environ, **(variables or {})}, stdout=output, stderr=output
        )
    try:
        end = time.monotonic() + PATIENCE
        while not listens(port):
            assert process.poll() is None, (folder / "output.log").read_text()
            assert time.monotonic() < end
            time.sleep(0.02)
        yield
    finally:
        process.terminate()
        process.wait(PATIENCE)


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
