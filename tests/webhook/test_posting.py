"""One notice over the network: signed, never redirected, never awaited for long."""

from __future__ import annotations

import hmac
import json
import time
from base64 import b64encode
from hashlib import sha256
from typing import Any

import msgspec
import pytest
from twisted.internet.endpoints import TCP4ServerEndpoint
from twisted.internet.protocol import Factory, Protocol
from twisted.web.http import Request
from twisted.web.server import NOT_DONE_YET

from sessionworker.webhook import posting
from sessionworker.webhook.posting import MOST_OF_ANSWER, NotTaken, Post
from sessionworker.webhook.waiting import Notice
from tests.client.waiting import reactor, start, wait_until
from tests.ports import free_port
from tests.server import asynchronous
from tests.webhook.receiving import never, receiving, with_status

SECRET = b"the-secret"
NOTICE = Notice(
    id="0a6c3f5e-7d5c-4d3c-9a43-0b7a5c1d2e3f",
    when=1_800_000_000_000,
    event="identity_changed",
    level="warn",
    group="codechat",
    instance='Loja São/\u2028\x7f"\\',
    by="10.0.0.5",
    message="The creds are of another identity now.\n\x01",
    times=2,
    first=1_799_999_999_000,
)


@asynchronous
async def test_a_notice_is_one_post_with_an_id_the_time_and_a_signature_over_both_and_the_body() -> None:
    async with receiving() as receiver:
        post = Post(reactor, receiver.url("/webhook/a?b=c"), SECRET)
        before = int(time.time())
        await post(NOTICE)
        [(path, headers, body)] = receiver.requests
        assert path == "/webhook/a?b=c"
        assert headers["content-type"] == "application/json"
        assert headers["user-agent"] == "sessionworker"
        assert headers["webhook-id"] == NOTICE.id
        assert before <= int(headers["webhook-timestamp"]) <= time.time()
        signed = f"{NOTICE.id}.{headers['webhook-timestamp']}.".encode() + body
        assert headers["webhook-signature"] == f"v1,{b64encode(hmac.digest(SECRET, signed, sha256)).decode()}"
        assert json.loads(body) == msgspec.to_builtins(NOTICE)
        post.close()


@asynchronous
async def test_without_a_secret_nothing_is_signed() -> None:
    async with receiving() as receiver:
        post = Post(reactor, receiver.url(), None)
        await post(NOTICE)
        assert "webhook-signature" not in receiver.requests[0][1]
        post.close()


@asynchronous
async def test_several_go_over_one_connection() -> None:
    async with receiving() as receiver:
        post = Post(reactor, receiver.url(), SECRET)
        receiver.answer = with_status(202, b'{"message": "Workflow was started"}')
        for _ in range(5):
            await post(NOTICE)
        assert len(receiver.requests) == 5
        assert len(receiver.connections) == 1
        post.close()


@pytest.mark.parametrize("status", [301, 302, 307, 308, 400, 401, 404, 410, 429, 500, 503])
@asynchronous
async def test_whatever_is_no_success_is_told_and_no_redirection_is_followed(status: int) -> None:
    async with receiving() as elsewhere, receiving() as receiver:
        post = Post(reactor, receiver.url(), SECRET)

        def answer(request: Request) -> bytes:
            request.setResponseCode(status)
            request.setHeader("Location", elsewhere.url())
            return b""

        receiver.answer = answer
        with pytest.raises(NotTaken, match=f"^it answered with {status}$"):
            await post(NOTICE)
        assert elsewhere.requests == []
        post.close()


@asynchronous
async def test_nobody_there_is_told_without_the_address() -> None:
    post = Post(reactor, f"http://127.0.0.1:{free_port()}/a-secret-path", SECRET)
    with pytest.raises(NotTaken) as refused:
        await post(NOTICE)
    assert "refused" in str(refused.value)
    assert "secret" not in str(refused.value)


@asynchronous
async def test_a_receiver_that_hangs_is_waited_for_so_long_and_no_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(posting, "ANSWER_SECONDS", 0.2)
    async with receiving() as receiver:
        receiver.answer = never
        post = Post(reactor, receiver.url(), SECRET)
        with pytest.raises(NotTaken, match=r"^there was no answer within 0\.2 s$"):
            await post(NOTICE)
        [channel] = receiver.connections
        await wait_until(lambda: channel.transport is None or channel.transport.disconnected)
        receiver.answer = with_status(204)
        await post(NOTICE)  # it is back
        post.close()


@asynchronous
async def test_an_answer_that_never_ends_holds_nothing_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(posting, "ANSWER_SECONDS", 0.2)
    async with receiving() as receiver:

        def begin(request: Request) -> int:
            request.write(b"a")
            return NOT_DONE_YET

        receiver.answer = begin
        post = Post(reactor, receiver.url(), SECRET)
        with pytest.raises(NotTaken, match="no answer"):
            await post(NOTICE)
        receiver.answer = with_status(200, b"a" * (MOST_OF_ANSWER + 10**7))
        await post(NOTICE)  # the status was said, and nobody reads on
        post.close()


@asynchronous
async def test_what_is_no_http_is_told_without_what_came() -> None:
    class Rude(Protocol):
        def dataReceived(self, _data: bytes) -> None:
            assert self.transport is not None
            self.transport.write(b"a-secret\r\n\r\n")
            self.transport.loseConnection()

    listening: Any = await TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1").listen(Factory.forProtocol(Rude))
    try:
        post = Post(reactor, f"http://127.0.0.1:{listening.getHost().port}/", SECRET)
        with pytest.raises(NotTaken) as refused:
            await post(NOTICE)
        assert "secret" not in str(refused.value)
    finally:
        await listening.stopListening()


@asynchronous
async def test_cancelled_it_hangs_up() -> None:
    async with receiving() as receiver:
        receiver.answer = never
        post = Post(reactor, receiver.url(), SECRET)
        sending = post(NOTICE)
        ended = start(_outcome(sending))
        await wait_until(lambda: bool(receiver.requests))
        sending.cancel()
        assert isinstance(await ended, NotTaken)
        [channel] = receiver.connections
        await wait_until(lambda: channel.transport is None or channel.transport.disconnected)
        post.close()


async def _outcome(sending: Any) -> BaseException | None:
    try:
        await sending
    except NotTaken as error:
        return error
    return None
