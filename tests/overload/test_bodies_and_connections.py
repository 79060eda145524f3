"""Bodies in memory and open connections are bounded."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sessionworker.access import Role, Token
from sessionworker.http import limits
from sessionworker.http.limits import Bodies
from tests.memory import Worker, request
from tests.overload.words import CHUNKED, CREDS, GOOD, SALES, begin, refused_at_once
from tests.server import TOKEN


def announced(size: int) -> bytes:
    return request("POST", f"{SALES}/large", headers=[("Content-Length", str(size))])


def test_more_bodies_than_memory_may_hold_are_refused_before_they_come(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker.site.bodies = Bodies(250_000)
    body = json.dumps({"data": '"' + "x" * 149_984 + '"'}).encode()
    first, second = worker.connect(), worker.connect()
    first.send(announced(len(body)) + body[:1000])
    second.send(announced(len(body)))
    assert refused_at_once(second).header("connection") == "close"
    assert not second.is_open
    small = begin(worker, "POST", f"{SALES}/small", {"data": "1"})
    assert [answer.status for answer in small.answers()] == [204]
    first.send(body[1000:])
    assert [answer.status for answer in first.answers()] == [204]
    assert worker.ask("POST", f"{SALES}/large", body).status == 204
    assert worker.site.bodies.bytes == 0


@pytest.mark.parametrize("token", [None, "wrong"])
def test_strangers_take_no_room_from_those_who_have_a_token(worker: Worker, token: str | None) -> None:
    worker.site.bodies = Bodies(250_000)
    length = ("Content-Length", str(limits.TRUSTED_BODY))
    strangers = [worker.connect() for _ in range(8)]
    for stranger in strangers:
        stranger.send(request("POST", f"{SALES}/creds", token=token, headers=[length]) + b"x" * 60_000)
    assert worker.site.bodies.bytes == 0
    assert not any(stranger.channel.requests[-1].body for stranger in strangers)
    assert worker.ask("POST", f"{SALES}/small", {"data": "1"}).status == 204
    for stranger in strangers:
        stranger.send(b"x" * (limits.TRUSTED_BODY - 60_000))
        assert [answer.status for answer in stranger.answers()] == [401]
        assert stranger.is_open


def test_a_token_that_comes_in_force_while_a_body_comes_makes_nothing_of_it(worker: Worker) -> None:
    late = worker.connect()
    body = json.dumps({"data": "1"}).encode()
    asked = request("POST", f"{SALES}/late", body, token="new")
    late.send(asked[:-5])
    worker.access.replace([Token(Role.API, TOKEN.encode()), Token(Role.API, b"new")])
    late.send(asked[-5:] + asked)
    assert [answer.status for answer in late.answers()] == [401, 204]


def test_a_body_of_unknown_length_is_counted_as_it_comes(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    worker.site.bodies = Bodies(250_000)
    first, second = worker.connect(), worker.connect()
    for connection in (first, second):
        connection.send(CHUNKED)
    chunk = b"c350\r\n" + b"x" * 50_000 + b"\r\n"
    for _ in range(3):
        first.send(chunk)
    for _ in range(2):
        second.send(chunk)
    assert second.answers_so_far() == []
    second.send(chunk)
    refused_at_once(second)
    assert not second.is_open


@pytest.mark.parametrize("how", [announced(150_000), CHUNKED + b"24990\r\n"])
def test_a_client_that_hangs_up_or_is_cut_off_leaves_its_room_to_others(
    worker: Worker, monkeypatch: pytest.MonkeyPatch, how: bytes
) -> None:
    worker.site.bodies = Bodies(160_000)
    for end in ("hang up", "be late", "end sending"):
        connection = worker.connect()
        connection.send(how + b"x" * 100_000)
        assert worker.site.bodies.bytes >= 100_000
        refused = worker.connect()
        refused.send(announced(100_000))
        refused_at_once(refused)
        if end == "hang up":
            connection.close()
        elif end == "end sending":
            connection.end_sending()
        else:
            worker.advance(limits.BODY_SECONDS + 10)
        assert worker.site.bodies.bytes == 0
    body = json.dumps({"data": '"' + "x" * 149_984 + '"'}).encode()
    assert worker.ask("POST", f"{SALES}/large", body).status == 204


# Connections


def test_more_connections_than_may_be_open_are_refused_with_an_answer(store: Path) -> None:
    with Worker(store, connections=3) as worker:
        idle = [worker.connect() for _ in range(3)]
        for connection in idle:
            connection.send(request("GET", CREDS))
        refused = worker.connect()
        answer = refused_at_once(refused)
        assert answer.header("connection") == "close"
        assert "connections" in answer.message
        refused.send(request("POST", CREDS, {"data": "2"}))
        assert len(refused.answers_so_far()) == 1
        for connection in idle:  # those that were there first go on
            connection.send(request("GET", CREDS))
            assert connection.answers("GET")[-1].body.decode() == GOOD
        refused.close()
        idle[0].close()
        assert worker.ask("GET", CREDS).body.decode() == GOOD


def test_strangers_who_take_all_connections_make_room_for_who_comes_with_a_token(store: Path) -> None:
    with Worker(store, connections=3) as worker:
        known = worker.connect()
        known.send(request("GET", CREDS))
        strangers = [worker.connect() for _ in range(2)]
        strangers[0].send(b"GET /session/")
        strangers[1].send(request("GET", CREDS, token="wrong"))
        refused_at_once(worker.connect())  # they may only just have come
        worker.advance(limits.STRANGER_SECONDS)
        assert worker.ask("GET", CREDS).status == 200
        assert [stranger.is_open for stranger in strangers] == [False, True]
        more = []
        for _ in range(9):
            worker.advance(limits.STRANGER_SECONDS)
            more.append(worker.connect())
        worker.advance(limits.STRANGER_SECONDS)
        assert worker.ask("GET", CREDS).status == 200
        known.send(request("GET", CREDS))
        assert [answer.status for answer in known.answers("GET", "GET")] == [200, 200]
        assert sum(stranger.is_open for stranger in more) <= 2
        assert len(worker.site.channels) <= 3
