"""A token opens what it was given out for, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sessionworker.access import Access, Role, Token
from tests.memory import Worker
from tests.test_gate import METRICS, ROUTES

API, ADMIN, VIEW, OF_SUPPORT = "for-an-api", "for-an-operator", "to-look", "for-support"
ALL = [
    Token(Role.API, API.encode()),
    Token(Role.API, OF_SUPPORT.encode(), frozenset({"support"})),
    Token(Role.ADMIN, ADMIN.encode()),
    Token(Role.VIEW, VIEW.encode()),
]

LOOKING = ("GET", "HEAD")


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[Worker]:
    with Worker(tmp_path / "store") as running:
        for group in ("codechat", "support"):
            running.ask("POST", "/session", {"group": group})
            running.ask("POST", f"/session/{group}", {"instance": "sales"})
            running.ask("POST", f"/session/{group}/sales/creds", {"data": '{"a":1}'})
        running.access.replace(ALL)
        running.store.calls.clear()
        yield running


def opens(worker: Worker, token: str, method: str, path: str, body: Any = None) -> bool:
    """Whether a token opens something; where not, it is told so, and the store is asked nothing."""
    worker.store.calls.clear()
    answer = worker.ask(method, path, body, token=token)
    assert answer.status != 401
    if answer.status == 403:
        assert worker.store.calls == []
        assert method == "HEAD" or answer.message.startswith("This token ")
    return answer.status != 403


@pytest.mark.parametrize(("method", "path", "body"), [*ROUTES, *METRICS])
def test_each_route_opens_to_its_roles_alone(worker: Worker, method: str, path: str, body: Any) -> None:
    is_session = path.startswith("/session")
    assert opens(worker, API, method, path, body) is is_session
    assert opens(worker, VIEW, method, path, body) is (not is_session and method in LOOKING)
    assert opens(worker, ADMIN, method, path, body) is not is_session


@pytest.mark.parametrize(("method", "path", "body"), [*ROUTES, *METRICS])
def test_without_an_operators_token_an_apis_opens_everything_and_one_for_some_groups_does_not(
    worker: Worker, method: str, path: str, body: Any
) -> None:
    worker.access.replace([token for token in ALL if token.role is Role.API])
    assert opens(worker, API, method, path, body)
    assert not opens(worker, OF_SUPPORT, method, path, body)


SPELLINGS = [
    "codechat",
    "%63odechat",
    "codecha%74",
    "support%2Dx",
    "Support",
    "support%20",
    "%20support",
    "",
    "support%00",
]


@pytest.mark.parametrize("group", SPELLINGS)
@pytest.mark.parametrize(
    ("method", "rest", "body"),
    [
        ("POST", "", {"instance": "sales"}),
        ("GET", "/list-instances", None),
        ("DELETE", "/sales", None),
        ("POST", "/sales/creds", {"data": "{}"}),
        ("GET", "/sales/creds", None),
        ("HEAD", "/sales/creds", None),
        ("DELETE", "/sales/creds", None),
        ("GET", "/sales/../../support/sales/creds", None),
        ("PUT", "/sales/creds", None),
        ("GET", "/", None),
    ],
)
def test_a_token_for_some_groups_opens_no_other_in_whatever_spelling(
    worker: Worker, group: str, method: str, rest: str, body: Any
) -> None:
    assert not opens(worker, OF_SUPPORT, method, f"/session/{group}{rest}", body)


@pytest.mark.parametrize("token", [API, VIEW, ADMIN, OF_SUPPORT])
@pytest.mark.parametrize(("method", "path", "body"), [*ROUTES, *METRICS])
def test_a_route_in_another_spelling_is_none_whatever_the_token(
    worker: Worker, token: str, method: str, path: str, body: Any
) -> None:
    for place in (1, 2, len(path.split("/", 2)[1])):  # each letter of its first word can be written as an escape
        answer = worker.ask(method, f"{path[:place]}%{ord(path[place]):02x}{path[place + 1 :]}", body, token=token)
        assert answer.status == 404
    assert worker.store.calls == []


def test_a_token_for_some_groups_makes_and_uses_these(worker: Worker) -> None:
    assert opens(worker, OF_SUPPORT, "POST", "/session", {"group": "support"})
    assert not opens(worker, OF_SUPPORT, "POST", "/session", {"group": "codechat"})
    assert worker.ask("GET", "/session/support/sales/creds", token=OF_SUPPORT).json == {"a": 1}
    assert worker.ask("GET", "/session/s%75pport/sales/creds", token=OF_SUPPORT).json == {"a": 1}
    assert worker.ask("GET", "/session/support/list-instances", token=OF_SUPPORT).json == ["sales"]


def test_what_is_nowhere_is_told_to_any_token(worker: Worker) -> None:
    for token in (API, ADMIN, VIEW, OF_SUPPORT):
        assert worker.ask("GET", "/nothing", token=token).status == 404
        assert worker.ask("GET", "/health", token=token).status == 200


def test_tokens_are_replaced_at_once_also_on_connections_that_are_open(worker: Worker) -> None:
    connection = worker.connect()
    head = "GET /session/codechat/sales/creds HTTP/1.1\r\nHost: a\r\napikey: {}\r\n\r\n"
    for token, others in ((API, "new"), ("new", API)):
        for shown, status in ((token, 200), (others, 401)):
            connection.send(head.format(shown).encode())
            assert connection.answers("GET")[-1].status == status
        worker.access.replace([Token(Role.API, b"new")])


def test_a_role_of_its_own_is_of_its_own() -> None:
    access = Access(ALL)
    assert access.grant_of(b"") is None
    assert access.grant_of(API.encode() + b" ") is None
    assert Access([]).grant_of(b"") is None
