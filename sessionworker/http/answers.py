"""How every answer is written: with its length, as JSON or plain text, never HTML."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Any, TypeVar

import msgspec
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from sessionworker.errors import WorkerError
from sessionworker.http.ports import Answerable
from sessionworker.http.sending import SMALL_ANSWER
from sessionworker.wire import ErrorForm

T = TypeVar("T")
Body = TypeVar("Body", bytes, bytes | None)
_log = Logger()

ALWAYS = b"X-Content-Type-Options: nosniff\r\nCache-Control: no-store\r\n"
"""Headers of each answer: no browser takes it for anything else, and no proxy tells an old value."""

JSON = b"application/json"
TEXT = b"text/plain; charset=utf-8"


def answer(request: Answerable, body: bytes, content_type: bytes = JSON, status: int = 200) -> bytes:
    """Prepare a response and return its body, for Klein or `send` to write."""
    if status != 200:  # noqa: PLR2004 - the request's own default
        request.setResponseCode(status, HTTPStatus(status).phrase.encode())  # Twisted has other words for some
    request.content_type = content_type
    return body


def answer_json(request: Answerable, value: Any) -> bytes:
    """Prepare a response that holds `value` as JSON."""
    return answer(request, msgspec.json.encode(value))


def answer_nothing(request: Answerable) -> bytes:
    """Prepare a 204, which has no body and no length (RFC 9110, section 8.6)."""
    request.setResponseCode(204)
    return b""


def answer_error(request: Answerable, error: WorkerError) -> bytes:
    """Prepare the response that an error has."""
    for name, value in error.headers.items():
        request.setHeader(name, value)
    return answer(request, error_body(error), status=error.status)


def error_body(error: WorkerError) -> bytes:
    """Give an error the JSON form that the clients know."""
    form = ErrorForm(status_code=error.status.value, error=error.status.phrase, message=[error.message])
    return msgspec.json.encode(form)


def whole_refusal(error: WorkerError, *, is_head: bool) -> bytes:
    """Return all bytes of the answer to a request that has not come whole; the connection is closed after it.

    What answers a HEAD has no body (RFC 9110, section 9.3.2).
    """
    body = error_body(error)
    lines = [b"HTTP/1.1 %d %s" % (error.status, error.status.phrase.encode()), b"Content-Type: application/json"]
    lines += [f"{name}: {value}".encode() for name, value in error.headers.items()]
    lines += [b"Content-Length: %d" % len(body), b"Connection: close"]
    return b"\r\n".join(lines) + b"\r\n" + ALWAYS + b"\r\n" + (b"" if is_head else body)


def send(request: Answerable, body: bytes) -> None:
    """Write a prepared response, unless the client is gone."""
    if request.channel is not None:
        request.write(body)
        request.finish()


def in_turn(ask: Callable[[], Deferred[Body]], request: Answerable, *, is_urgent: bool = False) -> Deferred[Body]:
    """Ask for what a request is answered with; where there is no room for it, forget it, and ask again when there is.

    So `ask` changes nothing. Fails with Overloaded where that takes too long.
    """

    def found(body: Body) -> Body | Deferred[Body]:
        answers, size = request.site.answers, len(body or b"")
        is_small = size <= SMALL_ANSWER or request.channel is None  # or for nobody any more
        if is_small or answers.take(request, size, is_urgent=is_urgent):
            return body
        turn = answers.wait(request, size, now=request.site.reactor.seconds())
        return turn.addCallback(lambda _: in_turn(ask, request, is_urgent=is_urgent))

    return ask().addCallback(found)


def answer_when(result: Deferred[T], prepare: Callable[[T, Any], bytes], request: Answerable) -> None:
    """Send what `prepare` makes of a result, or the error in its place. A client that hangs up cancels nothing."""

    def send_result(value: T) -> None:
        try:
            body = prepare(value, request)
        except Exception:  # noqa: BLE001 - whatever it is, the client is answered
            body = answer_failure(Failure(), request)
        send(request, body)

    def send_failure(failure: Failure) -> None:
        send(request, answer_failure(failure, request))

    result.addCallbacks(send_result, send_failure)


def answer_failure(failure: Failure, request: Answerable) -> bytes:
    """Prepare the response for a failure, which is logged unless it is one that a client is meant to see."""
    if not isinstance(failure.value, WorkerError):
        _log.failure("A request failed in a way that the worker did not foresee", failure, event="request_failed")
        return answer_error(request, WorkerError())
    return answer_error(request, failure.value)
