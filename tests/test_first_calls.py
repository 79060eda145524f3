"""The first calls of both APIs, byte for byte as they send them: they start, or stop where that is safe.

An API ends itself unless its first two calls succeed, the second with any 2xx. Then it lists its instances. It creates
each before it reads its `creds`, and connects only if that succeeded. Whatever `creds` it cannot read, it makes anew.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.answers import Answer
from tests.memory import Connection, Worker
from tests.server import TOKEN

CREDS = '{"me":{"id":"5511999999999:1@s.whatsapp.net"}}'


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[Worker]:
    with Worker(tmp_path / "store") as running:
        yield running


def as_axios_writes_it(method: str, path: str, body: Any, token: str | None, connection: str) -> bytes:
    """A request as axios 1.15 sends it from Node 20; a variable that is not set leaves no trace in it."""
    text = b"" if body is None else json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()
    lines = [f"{method} {path} HTTP/1.1", "Accept: application/json, text/plain, */*"]
    lines += ["Content-Type: application/json"] if text else []
    lines += [f"apikey: {token}"] if token is not None else []
    lines += ["User-Agent: axios/1.15.2"]
    lines += [f"Content-Length: {len(text)}"] if text else []
    lines += ["Accept-Encoding: gzip, compress, deflate, br", "Host: 127.0.0.1:5656", f"Connection: {connection}"]
    return "\r\n".join([*lines, "", ""]).encode() + text


def in_a_url(prefix: str) -> str:
    """A prefix in a path, where Node's URL escapes it."""
    return quote(prefix, safe="!$&'()*+,;=:@[]|~^\\")


class Api:
    """One of the APIs, with what its variables say. Without a prefix, JavaScript says `undefined` in its place."""

    def __init__(
        self, worker: Worker, prefix: str | None, token: str | None = TOKEN, connection: str = "keep-alive"
    ) -> None:
        self._worker = worker
        self._token = token
        self._header = connection
        self._connection: Connection | None = None
        self.first_body = {} if prefix is None else {"group": prefix}
        self.base = f"/session/{in_a_url('undefined' if prefix is None else prefix)}"

    def ask(self, method: str, path: str, body: Any = None) -> Answer:
        """Ask on the connection that is open, or on a new one."""
        if self._connection is None or not self._connection.is_open:
            self._connection = self._worker.connect()
        before = len(self._connection.answers())
        token = self._token if path != "/ping" else None
        self._connection.send(as_axios_writes_it(method, path, body, token, self._header))
        [answer] = self._connection.answers()[before:]
        return answer

    def starts(self) -> bool:
        """Make the first two calls; tell whether it goes on then."""
        pong = self.ask("OPTIONS", "/ping")
        if pong.status != 200 or pong.body != b"pong":
            return False
        return 200 <= self.ask("POST", "/session", self.first_body).status < 300

    def instances(self) -> Any:
        """List the instances, as it does behind the first two calls; None where that fails, which ends nothing."""
        answer = self.ask("GET", f"{self.base}/list-instances")
        return answer.json if answer.status == 200 else None

    def connects(self, instance: str) -> bool:
        """Create an instance, as before each connect; tell whether it goes on then."""
        return 200 <= self.ask("POST", self.base, {"instance": instance}).status < 300

    def creds(self, instance: str) -> Answer:
        return self.ask("GET", f"{self.base}/{instance}/creds")

    def saves(self, instance: str, text: str) -> bool:
        return self.ask("POST", f"{self.base}/{instance}/creds", {"data": text}).status == 204


PREFIXES = {
    "whatsapp-api's": "codechat",
    "Evolution's own": "evolution",
    "not set": None,
    "in quotation marks": '"codechat"',
    "with a space and accents": "Loja São 1",
    "with dots and signs": "a.b_c-d@e:f+g",
}
"""What PROVIDER_PREFIX may be. Evolution says `evolution` where it is not set, whatsapp-api says nothing."""


@pytest.mark.parametrize("connection", ["keep-alive", "close"])  # of Node since 19, and before
@pytest.mark.parametrize("prefix", PREFIXES.values(), ids=PREFIXES)
def test_an_api_starts_pairs_and_starts_again(worker: Worker, prefix: str | None, connection: str) -> None:
    api = Api(worker, prefix, connection=connection)
    assert api.starts()
    assert api.instances() == ([] if prefix is not None else None)
    assert api.connects("sales")
    assert (api.creds("sales").status, api.creds("sales").message) == (404, "This key holds nothing.")
    assert api.saves("sales", CREDS)

    api = Api(worker, prefix, connection=connection)
    assert api.starts()
    assert api.instances() == ["sales"]
    assert api.connects("sales")
    answer = api.creds("sales")
    assert (answer.status, answer.header("content-type"), answer.body) == (200, "application/json", CREDS.encode())
    assert answer.header("connection") == (None if connection == "keep-alive" else "close")
    assert worker.ask("GET", "/admin/groups").json == ["undefined" if prefix is None else prefix]


def test_a_prefix_that_is_not_set_makes_nothing_by_itself_and_is_named_in_the_log(worker: Worker) -> None:
    api = Api(worker, None)
    assert api.starts()
    assert worker.ask("GET", "/admin/groups").json == []
    [warning] = [line for line in worker.log if "PROVIDER_PREFIX" in line]
    assert "'undefined'" in warning


@pytest.mark.parametrize("prefix", ["", "codechat/", "/codechat", "."])
def test_a_prefix_that_no_group_can_have_ends_the_api_at_its_start(worker: Worker, prefix: str) -> None:
    api = Api(worker, prefix)
    assert not api.starts()
    answer = api.ask("POST", "/session", api.first_body)
    assert answer.status == 400
    assert "PROVIDER_PREFIX" in answer.message
    assert worker.ask("GET", "/admin/groups").json == []


@pytest.mark.parametrize("token", [None, "B6D711FCDE4D4FD5936544120E713976", TOKEN.upper(), f"{TOKEN}, {TOKEN}"])
def test_an_api_with_no_token_or_a_wrong_one_ends_at_its_start_and_learns_nothing(
    worker: Worker, token: str | None
) -> None:
    paired = Api(worker, "evolution")
    assert paired.starts()
    assert paired.connects("sales")
    assert paired.saves("sales", CREDS)
    worker.store.calls.clear()
    api = Api(worker, "evolution", token)
    assert api.ask("OPTIONS", "/ping").body == b"pong"  # for which it sends none
    assert not api.starts()
    assert not api.connects("sales")
    for call in (
        ("POST", "/session", {"group": "evolution"}),
        ("POST", "/session", {}),
        ("GET", "/session/evolution/list-instances"),
        ("GET", "/session/evolution/sales/creds"),
        ("GET", "/session/evolution/sales/nothing"),
        ("POST", "/session/evolution/sales/creds", {"data": "{}"}),
        ("DELETE", "/session/evolution/sales/creds"),
        ("DELETE", "/session/evolution/sales"),
    ):
        answer = api.ask(*call)
        assert answer.status == 401, call
        assert answer.header("www-authenticate") is not None
    assert worker.store.calls == []
    assert len([line for line in worker.log if "was refused" in line]) == 1  # once a minute for an address
    assert paired.creds("sales").body == CREDS.encode()


def test_creds_that_cannot_be_read_stop_an_api_before_it_would_make_new_ones(tmp_path: Path) -> None:
    folder = tmp_path / "store"
    with Worker(folder) as first:
        api = Api(first, "codechat")
        assert api.starts()
        assert api.connects("sales")
        assert api.saves("sales", CREDS)
    instance = folder / "codechat" / "sales"
    for path in (instance / "creds", *(instance / ".sessionworker" / "versions").iterdir()):
        path.write_bytes(b"")
    with Worker(folder) as second:
        api = Api(second, "codechat")
        assert api.starts()
        assert api.instances() == ["sales"]
        assert not api.connects("sales")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/session", {"Group": "codechat"}),
        ("/session/codechat", {"Instance": "sales"}),
        ("/session/codechat/sales/creds", {"Data": "{}"}),
        ("/session/codechat/sales/creds", {"data": {"me": 1}}),  # as an object, not as text
        ("/session/codechat/sales/creds", {"data": "[]"}),
        ("/session/codechat/sales/creds", {"data": "null"}),
    ],
)
def test_a_body_that_session_manager_may_take_and_this_worker_does_not_is_400(
    worker: Worker, path: str, body: object
) -> None:
    api = Api(worker, "codechat")
    assert api.starts()
    assert api.connects("sales")
    assert api.ask("POST", path, body).status == 400
    assert api.creds("sales").status == 404
