"""The token is sent and never shown; a token or a URL that makes no sense is refused at once."""

from __future__ import annotations

import traceback
from pathlib import Path

import pytest
from twisted.python.failure import Failure

from sessionworker.client import (
    Client,
    ClientError,
)
from tests.client.scripted import ScriptedConnection, answer_a_part, say_nothing, scripted_server, stall_in_the_body
from tests.server import TOKEN, asynchronous, running_worker


@asynchronous
async def test_the_token_is_in_the_request_and_in_no_text_that_a_program_might_log(tmp_path: Path) -> None:
    token = "THE-SECRET"
    texts = []

    async def fail(client: Client) -> None:
        texts.extend([repr(client), str(client)])
        with pytest.raises(ClientError) as failed:
            await client.write("codechat", "sales", "creds", '{"private":1}')
        texts.append("".join(traceback.format_exception(failed.value)))
        texts.extend([repr(failed.value), str(failed.value), Failure(failed.value).getTraceback()])

    for script in (say_nothing, stall_in_the_body, lambda connection, _: connection.abort(), answer_a_part):
        async with scripted_server(script) as server, Client(server.url, token, time_limit=0.1) as client:
            await fail(client)
            assert f"apikey: {token}\r\n".encode() in server.requests[0].replace(b"Apikey", b"apikey")
    async with Client(server.url, token) as client:
        await fail(client)
    async with running_worker(tmp_path) as worker, Client(worker.url, token) as client:
        await fail(client)
    assert len(texts) == 36
    for text in texts:
        assert token not in text
        assert "private" not in text.replace("""'{"private":1}'""", "")  # this test's own source, in a traceback


@pytest.mark.parametrize("token", ["", " xyzzy", "xyzzy ", "abc\n", "abc\r\nX: y", "t\u00f6ken", "abc\x00"])
def test_a_token_that_cannot_be_sent_is_refused_and_not_shown(token: str) -> None:
    with pytest.raises(ValueError, match="token must be") as refused:
        Client("http://127.0.0.1:5656", token)
    assert not token or token not in "".join(traceback.format_exception_only(refused.value))


@pytest.mark.parametrize(
    "url",
    [
        "",
        "127.0.0.1:5656",
        "ftp://host",
        "http://",
        "http:///path",
        "http://user:secret@host",
        "http://host/?a",
        "http://h#f",
        "http://host:port",
        "http://host:0",
    ],
)
def test_a_url_that_makes_no_sense_is_refused_and_not_shown(url: str) -> None:
    with pytest.raises(ValueError, match="The URL") as refused:
        Client(url, TOKEN)
    assert "secret" not in str(refused.value)


@asynchronous
async def test_a_url_may_have_a_path_in_front() -> None:
    def script(connection: ScriptedConnection, number: int) -> None:
        connection.answer(200, b"[]")

    async with scripted_server(script) as server, Client(server.url + "/worker/", TOKEN) as client:
        assert await client.instances("codechat") == []
        assert server.requests[0].startswith(b"GET /worker/session/codechat/list-instances HTTP/1.1\r\n")
