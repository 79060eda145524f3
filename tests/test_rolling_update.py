"""Workers on one database are replaced one after the other, each new one first, and no request fails."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import TypeAlias

import pytest

from tests.deployment.proxies import running
from tests.ports import free_port
from tests.postgres.databases import Databases
from tests.postgres.server import Server
from tests.process import WorkerProcess
from tests.rolling import Client
from tests.tools import require, show_figure

pytestmark = pytest.mark.slow

CLIENTS = 8

LEFT_SECONDS = 0.2
"""How long before a worker is told to stop nobody is sent to it any more. Swarm waits 2 s for that."""

NGINX = """
daemon off; pid {folder}/pid; events {{}}
http {{
    client_body_temp_path {folder}/1; proxy_temp_path {folder}/2; fastcgi_temp_path {folder}/3;
    uwsgi_temp_path {folder}/4; scgi_temp_path {folder}/5; access_log off;
    upstream sessionworker {{ {servers} keepalive 32; keepalive_timeout 60s; }}
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://sessionworker; proxy_http_version 1.1; proxy_set_header Connection "";
        }}
    }}
}}
"""


Way: TypeAlias = Callable[[Path, list[WorkerProcess], list[WorkerProcess]], AbstractContextManager[Callable[[], int]]]


@contextmanager
def straight(_folder: Path, _workers: list[WorkerProcess], serving: list[WorkerProcess]) -> Iterator[Callable[[], int]]:
    """A connection goes to one worker, as with Swarm's and Kubernetes' own balancing."""
    yield lambda: random.choice(serving).port


@contextmanager
def through_nginx(
    folder: Path, workers: list[WorkerProcess], _serving: list[WorkerProcess]
) -> Iterator[Callable[[], int]]:
    """A request goes to one worker; nginx has connections of its own, and goes to another where none can be made."""
    port = free_port()
    servers = "".join(f"server 127.0.0.1:{worker.port} max_fails=0;" for worker in workers)
    (folder / "nginx.conf").write_text(NGINX.format(folder=folder, servers=servers, port=port))
    command = [require("nginx"), "-p", str(folder), "-c", "nginx.conf", "-e", str(folder / "start.log")]
    with running(command, folder, port):
        yield lambda: port


@pytest.mark.parametrize("way", [straight, through_nginx])
def test_no_request_fails_while_each_worker_is_replaced(postgres: Server, tmp_path: Path, way: Way) -> None:
    with ExitStack() as stack:
        databases = stack.enter_context(Databases(postgres))
        url = stack.enter_context(databases.fresh_database())
        workers = [WorkerProcess(url, token="the-token") for _ in range(6)]
        for worker in workers:
            stack.callback(worker.close)
            worker.start()
        for worker in workers:
            worker.wait_until_ready(60)
        serving = workers[:3]
        port = stack.enter_context(way(tmp_path, workers, serving))
        is_over = threading.Event()
        clients = [Client(port, "the-token", number, is_over) for number in range(CLIENTS)]
        for client in clients:
            client.start()
        seconds = []
        try:
            for old, new in zip(workers[:3], workers[3:], strict=True):
                serving.append(new)
                time.sleep(0.4)
                serving.remove(old)
                time.sleep(LEFT_SECONDS)
                began = time.monotonic()
                assert old.terminate() == 0
                seconds.append(time.monotonic() - began)
        finally:
            time.sleep(0.4)
            is_over.set()
            for client in clients:
                client.join(30)
        failed = [failure for client in clients for failure in client.failed]
        answered = sum(client.answered for client in clients)
        assert failed == []
        assert [failure for worker in workers for failure in worker.failures] == []
    assert answered > 100
    name = getattr(way, "__name__", "").replace("_", " ")
    show_figure(
        f"three workers replaced under {CLIENTS} clients, {name}: {answered} requests, "
        f"failed {len(failed)}; each stopped within {max(seconds):.1f} s"
    )
