"""Through each of the proxies of the operations an API reads what it wrote, and the proxy keeps nothing of it."""

from __future__ import annotations

import http.client
import json
import re
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from sessionworker.http.limits import IDLE_SECONDS
from tests.daemon.twistd import PATIENCE, SALES, ask
from tests.deployment.proxies import Pair, documented
from tests.process import WorkerProcess
from tests.tools import require

pytestmark = pytest.mark.slow

MIB = 2**20

KEYS = (
    "creds-1",
    "app-state-sync-key-AA%2FBB+on==",
    "AA%2fBB",
    "AA/BB//CC",
    "ends-with/",
    "sender-key-1@g.us::1_1::5",
    "a%3Ab",
    "per%25cent",
    "question%3Fmark",
    "ha%23sh",
    "back%5Cslash",
    "semi%3B;colon",
    "Loja%20S%C3%A3o",
    "%41%7E",
    "quotes'()*!$&,",
)


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorkerProcess]:
    with WorkerProcess(tmp_path_factory.mktemp("worker") / "store", "--body-size", "24") as running:
        yield running


@pytest.fixture(scope="module", params=["nginx", "caddy", "traefik"])
def proxies(
    request: pytest.FixtureRequest, worker: WorkerProcess, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Pair]:
    pair = Pair(tmp_path_factory.mktemp(request.param), request.param, worker.port)
    with pair.running():
        ask(worker, "DELETE", SALES)
        yield pair


class Api:
    """An API that reaches a worker through proxies, on one connection."""

    def __init__(self, connection: http.client.HTTPConnection, token: str) -> None:
        self._connection = connection
        self.token = token

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, bytes]:
        data = json.dumps(body) if body is not None else None
        self._connection.request(method, path, data, {"apikey": self.token})
        answer = self._connection.getresponse()
        return answer.status, answer.read()


@contextmanager
def connected(pair: Pair, token: str) -> Iterator[Api]:
    with closing(http.client.HTTPConnection("127.0.0.1", pair.near, timeout=PATIENCE)) as connection:
        yield Api(connection, token)


@pytest.fixture
def api(proxies: Pair, worker: WorkerProcess) -> Iterator[Api]:
    with connected(proxies, worker.token) as api:
        yield api


def test_each_name_of_a_key_goes_through_as_it_came(api: Api, worker: WorkerProcess) -> None:
    assert api.ask("POST", "/session", {"group": "codechat"})[0] == 204
    assert api.ask("POST", "/session/codechat", {"instance": "sales"})[0] == 204
    for number, key in enumerate(KEYS):
        assert api.ask("POST", f"{SALES}/{key}", {"data": str(number)})[0] == 204, key
    for number, key in enumerate(KEYS):
        if key != "app-state-sync-key-AA%2FBB+on==":
            assert ask(worker, "GET", f"{SALES}/{key}").body == str(number).encode(), key
        assert api.ask("GET", f"{SALES}/{key}") == (200, str(number).encode()), key
    assert api.ask("GET", f"{SALES}/AA%2FBB") == (200, b"2")
    for key in KEYS:
        assert api.ask("DELETE", f"{SALES}/{key}") == (200, b"null"), key
        assert ask(worker, "GET", f"{SALES}/{key}").status == 404, key


def test_nothing_that_would_be_cleaned_up_is_let_through_as_something_else(api: Api, worker: WorkerProcess) -> None:
    api.ask("POST", "/session/codechat", {"instance": "sales"})
    for path in (f"{SALES}/a/../b", f"{SALES}/..%2Fb", f"/{SALES}/k", f"{SALES}/%2e%2e/b"):
        assert api.ask("GET", path)[0] in {400, 404}, path
        assert api.ask("POST", path, {"data": "1"})[0] in {400, 404}, path
    assert ask(worker, "GET", "/session/codechat/list-instances").json == ["sales"]


def test_a_large_value_goes_through_and_comes_back(api: Api, proxies: Pair) -> None:
    api.ask("POST", "/session/codechat", {"instance": "sales"})
    value = json.dumps("x" * 20 * MIB)
    assert api.ask("POST", f"{SALES}/large", {"data": value})[0] == 204
    assert api.ask("GET", f"{SALES}/large") == (200, value.encode())
    assert "temporary" not in proxies.said()


def test_refusals_of_the_worker_come_through(api: Api) -> None:
    status, body = api.ask("GET", "/session/codechat/nobody/creds")
    assert (status, json.loads(body)["statusCode"]) == (404, 404)
    api.token = "wrong"
    status, body = api.ask("GET", "/admin/groups")
    assert (status, json.loads(body)["statusCode"]) == (401, 401)


def test_a_body_that_is_too_large_is_refused_by_the_worker_itself(
    proxies: Pair, worker: WorkerProcess, tmp_path: Path
) -> None:
    (tmp_path / "body").write_bytes(b"x" * 25 * MIB)
    command = [
        require("curl"),
        "--silent",
        "--show-error",
        "--header",
        f"apikey: {worker.token}",
        "--header",
        "Expect:",
    ]
    command += ["--data-binary", f"@{tmp_path / 'body'}", f"http://127.0.0.1:{proxies.near}{SALES}/k"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["statusCode"] == 413
    assert "larger than 24 MiB" in done.stdout


@pytest.mark.parametrize("kind", ["nginx", "caddy", "traefik"])
def test_a_proxy_that_gets_no_answer_writes_down_no_token_and_no_name_of_a_key(tmp_path: Path, kind: str) -> None:
    with WorkerProcess(tmp_path / "store") as worker:
        pair = Pair(tmp_path, kind, worker.port)
        with pair.running(), connected(pair, "t0ken-of-the-api") as api:
            worker.kill()
            assert api.ask("GET", f"{SALES}/session-5511999999999")[0] in {502, 503, 504}
            assert api.ask("POST", f"{SALES}/session-5511999999999", {"data": "1"})[0] in {502, 503, 504}
    assert "t0ken" not in pair.said()
    assert "5511999999999" not in pair.said()


def test_a_proxy_gives_up_its_connections_before_the_worker_does() -> None:
    said = [re.findall(r"(?:keepalive_timeout|keepalive|idleConnTimeout:) (\d+)s", block) for block in blocks_of_all()]
    assert [len(seconds) for seconds in said] == [1] * 6
    assert all(int(seconds[0]) < IDLE_SECONDS for seconds in said)


def blocks_of_all() -> list[str]:
    """What is said of connections to the worker, in each of the examples."""
    yaml = [block for block in documented("yaml") if "serversTransports" in block]
    return [*documented("nginx"), *documented("caddyfile"), *yaml]
