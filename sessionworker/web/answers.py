"""How every answer is written: with its length, as JSON or plain text, never HTML."""

from __future__ import annotations

from typing import Any

import msgspec
from twisted.web.http import Request

from sessionworker.errors import WorkerError

JSON = b"application/json"
TEXT = b"text/plain; charset=utf-8"


def answer(request: Request, body: bytes, content_type: bytes = JSON, status: int = 200) -> bytes:
    """Prepare a response and return its body, for Klein to write."""
    if status != 200:  # noqa: PLR2004 - the request's own default
        request.setResponseCode(status)
    headers = request.responseHeaders
    headers.setRawHeaders(b"Content-Type", [content_type])
    headers.setRawHeaders(b"Content-Length", [b"%d" % len(body)])
    return body


def answer_json(request: Request, value: Any) -> bytes:
    """Prepare a response that holds `value` as JSON."""
    return answer(request, msgspec.json.encode(value))


def answer_nothing(request: Request) -> bytes:
    """Prepare a 204, which has no body and no length (RFC 9110, section 8.6)."""
    request.setResponseCode(204)
    return b""


def answer_error(request: Request, error: WorkerError) -> bytes:
    """Prepare the response that an error has."""
    for name, value in error.headers.items():
        request.setHeader(name, value)
    return answer(request, error_body(error), status=error.status)


def error_body(error: WorkerError) -> bytes:
    """Give an error the JSON form that PROTOCOL's clients know."""
    return msgspec.json.encode(
        {"statusCode": error.status.value, "error": error.status.phrase, "message": [error.message]}
    )
