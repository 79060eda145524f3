"""Answers that are not the worker's own: none makes a key look empty, and none is believed."""

from __future__ import annotations

import traceback

import pytest

from sessionworker import errors
from sessionworker.client import (
    BodyTooLarge,
    Client,
    ConnectionFailed,
    NotFound,
    Refused,
    Unavailable,
    UnexpectedAnswer,
)
from sessionworker.http.answers import error_body
from tests.client.scripted import Script, ScriptedConnection, answer_a_part, scripted_server
from tests.client.waiting import wait_until
from tests.server import TOKEN, RunningWorker, asynchronous


def answer_without_an_end(connection: ScriptedConnection, number: int) -> None:
    connection.send(b'HTTP/1.1 200 OK\r\n\r\n{"secret":')
    connection.close()


def answer_what_is_not_http(connection: ScriptedConnection, number: int) -> None:
    connection.send(b'{"secret":1}\r\n\r\n')


@asynchronous
@pytest.mark.parametrize("script", [answer_a_part, answer_without_an_end, answer_what_is_not_http])
async def test_half_an_answer_is_none_and_is_not_shown(script: Script) -> None:
    async with scripted_server(script) as server, Client(server.url, TOKEN) as client:
        with pytest.raises(ConnectionFailed) as failed:
            await client.read("codechat", "sales", "creds")
        assert "secret" not in "".join(traceback.format_exception(failed.value))
        await wait_until(lambda: not server.open)


HTML = b"<html>Bad Gateway</html>"


@asynchronous
@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (404, HTML, NotFound),
        (404, b'{"statusCode":404,"error":"Not Found","message":["Something is missing."]}', NotFound),
        (404, error_body(errors.NotFound()), NotFound),
        (413, HTML, BodyTooLarge),
        (502, HTML, Refused),
        (500, b"", Refused),
        (500, b'{"message":"text"}', Refused),
        (500, b'{"message":["\xff"]}', Refused),
        (500, b"[" * 100_000, Refused),
        (500, b'{"more":' + b"[" * 100_000, Refused),
        (503, HTML, Unavailable),
        (599, HTML, Refused),
        (204, b"", UnexpectedAnswer),
        (206, b"{}", UnexpectedAnswer),
        (302, HTML, Refused),
    ],
)
async def test_no_answer_but_the_workers_own_makes_a_key_look_empty(
    status: int, body: bytes, expected: type[Refused]
) -> None:
    def script(connection: ScriptedConnection, number: int) -> None:
        if status == 204:
            connection.send(b"HTTP/1.1 204 No Content\r\n\r\n")
        else:
            connection.answer(status, body, "Location: /elsewhere", "Retry-After: Fri, 31 Dec 1999 23:59:59 GMT")

    async with scripted_server(script) as server, Client(server.url, TOKEN) as client:
        with pytest.raises(Refused) as refused:
            await client.read("codechat", "sales", "creds")
        assert type(refused.value) is expected
        assert refused.value.status == status
        assert refused.value.retry_after is None
        assert len(server.requests) == 1


@asynchronous
@pytest.mark.parametrize("body", [b"{}", b"[1]", b"null", b"", b'["\xff"]', b'["a"'])
async def test_a_server_that_is_no_worker_is_noticed(body: bytes) -> None:
    async with (
        scripted_server(lambda connection, _: connection.answer(200, body)) as server,
        Client(server.url, TOKEN) as client,
    ):
        for call in (
            client.ping(),
            client.health(),
            client.instances("codechat"),
            client.describe("codechat"),
            client.versions("codechat", "sales"),
            client.restore_instance("codechat", "sales", "1-0", "another"),
            client.drops(),
            client.write("codechat", "sales", "creds", "{}"),
        ):
            with pytest.raises(UnexpectedAnswer):
                await call


@asynchronous
async def test_a_redirect_is_not_followed_so_that_the_token_goes_nowhere_else(worker: RunningWorker) -> None:
    def script(connection: ScriptedConnection, number: int) -> None:
        connection.answer(307, b"", f"Location: {worker.url}/ping")

    async with scripted_server(script) as server, Client(server.url, TOKEN) as client:
        with pytest.raises(Refused) as refused:
            await client.ping()
        assert refused.value.status == 307
        assert not worker.site.channels
