r"""Bodies with half an emoji (`"\ud83d"`) take ten times as long to be read, and a thread takes that time."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest

from sessionworker import values
from sessionworker.web import many_bodies
from sessionworker.web.bodies import QUICK_BODY
from tests.memory import Worker, request
from tests.protocol.words import SALES

HALVES = r'"\ud83d' + "x" * QUICK_BODY + r'\ud83d"'
MANY = f'{{"changes":{{"k":{HALVES}}}}}'
ONE = json.dumps({"data": HALVES})


@pytest.fixture
def threads(monkeypatch: pytest.MonkeyPatch) -> set[int]:
    """The threads in which something was read slowly."""
    seen: set[int] = set()

    def watch(module: Any, name: str) -> None:
        function = getattr(module, name)

        def run(text: bytes) -> Any:
            seen.add(threading.get_ident())
            return function(text)

        monkeypatch.setattr(module, name, run)

    watch(many_bodies, "members_of")
    watch(values, "without_surrogates")
    return seen


@pytest.mark.parametrize(("path", "body"), [(SALES, MANY), (f"{SALES}/k", ONE)], ids=["many", "one"])
def test_a_body_that_is_read_slowly_is_read_in_a_thread(
    worker: Worker, threads: set[int], path: str, body: str
) -> None:
    assert worker.ask("POST", path, body.encode()).status == 204
    assert worker.ask("GET", f"{SALES}/k").body == HALVES.encode()
    assert threads
    assert threading.get_ident() not in threads


@pytest.mark.parametrize(("path", "body"), [(SALES, MANY), (f"{SALES}/k", ONE)], ids=["many", "one"])
def test_what_comes_after_a_body_that_is_read_slowly_is_made_later(worker: Worker, path: str, body: str) -> None:
    connection = worker.connect()
    for number in range(20):
        connection.send(request("POST", path, body.encode()))
        connection.send(request("POST", f"{SALES}/k", {"data": str(number)}))
    assert {answer.status for answer in connection.answers(*["POST"] * 40)} == {204}
    assert worker.ask("GET", f"{SALES}/k").body == b"19"


def test_keys_that_are_asked_for_may_hold_a_half_beside_them(worker: Worker, threads: set[int]) -> None:
    assert worker.ask("POST", f"{SALES}/k", {"data": "7"}).status == 204
    body = f'{{"keys":["k"],"other":{HALVES}}}'
    assert worker.ask("POST", SALES, body.encode()).json == {"values": {"k": 7}}
    assert threading.get_ident() not in threads


def test_a_small_one_needs_no_thread(worker: Worker, threads: set[int]) -> None:
    assert worker.ask("POST", SALES, rb'{"changes":{"k":"\ud83d"}}').status == 204
    assert threads == {threading.get_ident()}
