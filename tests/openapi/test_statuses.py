"""Each status that is described of an operation is one that it can be answered with, and in the form that is said."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from sessionworker.access import Role, Token
from sessionworker.errors import HeldElsewhere, NoSpace, NoSuchInstance, Overloaded
from sessionworker.web import gate
from tests.answers import Answer
from tests.memory import Worker
from tests.openapi.description import Operation, check_answer, document, operations, resolve
from tests.server import TOKEN

SMALL = 2**17
"""Bytes that a body may have here."""

ADMIN = "for-an-operator"

CREDS = "/session/codechat/sales/creds"
KEY = "/session/codechat/sales/pre-key-12"


MANY_KEYS = [Operation("POST", "/session/{group}/{instance}"), Operation("POST", "/session/{group}/list-instances")]


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[Worker]:
    """A worker that has what the examples name: an instance with a key, with versions, and one that was dropped."""
    with Worker(tmp_path / "store", body_size=SMALL, hosts=frozenset({"worker"})) as running:
        for name in ("list-instances", "sales"):
            assert running.ask("POST", "/session/codechat", {"instance": name}).status == 204
            for number in range(2):
                body = {"data": f'{{"number": {number}}}'}
                assert running.ask("POST", f"/session/codechat/{name}/creds", body).status == 204
        assert running.ask("POST", KEY, {"data": "[]"}).status == 204
        assert running.ask("DELETE", "/session/codechat/list-instances").status == 200
        yield running


class Asking:
    """What an operation is asked with; each way to make it fail changes something of that."""

    def __init__(self, worker: Worker, operation: Operation, patch: pytest.MonkeyPatch) -> None:
        self.worker = worker
        self.operation = operation
        self.patch = patch
        self.names = {
            "group": "codechat",
            "instance": "sales",
            "key": "pre-key-12",
            "version": worker.ask("GET", "/admin/groups/codechat/instances/sales/versions").json[1]["version"],
            "drop": worker.ask("GET", "/admin/drops").json[0]["drop"],
        }
        if operation.path.startswith("/admin/drops/"):
            self.names["instance"] = "list-instances"
        content = resolve(operation.described.get("requestBody", {})).get("content", {})
        self.body: Any = content["application/json"]["example"] if content else None
        self.token: str | None = TOKEN
        self.headers: list[tuple[str, str]] = []

    def ask(self) -> Answer:
        path = self.operation.path.format_map({name: quote(value, safe="") for name, value in self.names.items()})
        return self.worker.ask(self.operation.method, path, self.body, token=self.token, headers=self.headers)


def something_to_answer(asking: Asking) -> None:
    if asking.operation in MANY_KEYS:
        asking.body = {"keys": ["pre-key-12"]}


def something_to_do(asking: Asking) -> None:
    asking.headers.append(("owner", "host-1"))
    if asking.operation == MANY_KEYS[1]:  # it was dropped
        assert asking.worker.ask("POST", "/session/codechat", {"instance": "list-instances"}).status == 204


def ill_formed(asking: Asking) -> None:
    asking.headers.append(("Host", "another"))


def no_token(asking: Asking) -> None:
    asking.token = None
    if asking.operation.described.get("security") == []:
        asking.body = bytes(2**16 + 1)


def token_of_another(asking: Asking) -> None:
    asking.worker.access.replace([Token(Role.API, TOKEN.encode()), Token(Role.ADMIN, ADMIN.encode())])
    if asking.operation.path.startswith("/session"):
        asking.token = ADMIN


def nothing_there(asking: Asking) -> None:
    asking.names["group"] = "nowhere"
    asking.patch.setattr(asking.worker.links, "_make_code", None)
    if asking.operation == Operation("POST", "/session/{group}"):  # it is dropped before its creds are looked at
        asking.patch.setattr(asking.worker.store, "check_creds", raising(NoSuchInstance))


def name_taken(asking: Asking) -> None:
    asking.body = {"instance": "sales"}


def held_elsewhere(asking: Asking) -> None:
    if asking.operation.path.startswith("/session"):
        asking.patch.setattr(asking.worker.store, "commit", lambda entries: [HeldElsewhere(0.5) for _ in entries])
    else:
        name_taken(asking)


def too_large(asking: Asking) -> None:
    asking.body = bytes(SMALL + 1)


def by_another_name(asking: Asking) -> None:
    asking.patch.setattr(asking.worker.site.application, "_hosts", frozenset({"another"}))


def a_defect(asking: Asking) -> None:
    asking.patch.setattr(gate, "check_path", raising(RuntimeError))


def too_much(asking: Asking) -> None:
    asking.patch.setattr(asking.worker.site.bodies, "take", lambda *_, **__: Overloaded())


def full_disk(asking: Asking) -> None:
    asking.patch.setattr(asking.worker.store, "commit", lambda entries: [NoSpace() for _ in entries])
    asking.patch.setattr(asking.worker.store, "checkpoint", raising(NoSpace))


def raising(error: type[Exception]) -> Callable[..., None]:
    def fail(*_: object) -> None:
        raise error

    return fail


WAYS: dict[int, Callable[[Asking], None]] = {
    200: something_to_answer,
    204: something_to_do,
    400: ill_formed,
    401: no_token,
    403: token_of_another,
    404: nothing_there,
    409: held_elsewhere,
    413: too_large,
    421: by_another_name,
    500: a_defect,
    503: too_much,
    507: full_disk,
}


@pytest.mark.parametrize("operation", operations(), ids=lambda each: f"{each.method} {each.path}")
def test_each_status_that_is_described_is_answered_in_the_form_that_is_said(
    worker: Worker, operation: Operation
) -> None:
    for status in sorted(operation.statuses, reverse=True):  # what succeeds changes something
        with pytest.MonkeyPatch.context() as patch:
            asking = Asking(worker, operation, patch)
            WAYS[status](asking)
            answer = asking.ask()
        worker.access.replace([Token(Role.API, TOKEN.encode())])
        assert answer.status == status
        check_answer(answer, operation.response(status), is_head=operation.method == "HEAD")
    assert len(worker.failures) == 1  # the defect is logged
    worker.failures.clear()


def test_what_is_described_nowhere_is_answered_in_the_form_that_is_said(worker: Worker) -> None:
    responses = document()["components"]["responses"]
    nothing, not_allowed = worker.ask("GET", "/nothing"), worker.ask("PUT", CREDS)
    assert (nothing.status, not_allowed.status) == (404, 405)
    check_answer(nothing, responses["Nothing"])
    check_answer(not_allowed, responses["MethodNotAllowed"])


def test_the_methods_of_a_path_are_those_that_are_described(worker: Worker) -> None:
    names = {"group": "codechat", "instance": "sales", "key": "creds", "version": "1", "drop": "1"}
    for path in document()["paths"]:
        described = {operation.method for operation in operations() if operation.path == path}
        answer = worker.ask("PATCH", path.format_map(names))
        assert answer.status == 405
        assert {*(answer.header("allow") or "").split(", ")} == described


def test_a_status_of_a_value_is_checked_too() -> None:
    with pytest.raises(Exception, match="'there'"):
        check_answer(
            Answer(200, "OK", (("content-type", "application/json"),), b'"there"'),
            {"content": {"application/json": {"schema": {"type": "null"}}}},
        )
