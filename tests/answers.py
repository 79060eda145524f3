"""Answers of the worker, read strictly: what is not well-formed HTTP, or not in the worker's own form, is an error."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

JSON = "application/json"
TEXT = "text/plain; charset=utf-8"
METRICS = "text/plain; version=0.0.4; charset=utf-8"
"""What Prometheus' text format is called."""


@dataclass(frozen=True)
class Answer:
    """One answer. Header names are in lower case."""

    status: int
    reason: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> str | None:
        """Return a header's value, or None. The header must not be there twice."""
        values = [value for known, value in self.headers if known == name]
        assert len(values) < 2, f"{name} is there {len(values)} times"
        return values[0] if values else None

    @property
    def json(self) -> Any:
        """The body's meaning, which must be JSON."""
        assert self.header("content-type") == JSON
        return json.loads(self.body)

    @property
    def message(self) -> str:
        """The sentence of an error, which must be in the form that every error has."""
        status = HTTPStatus(self.status)
        assert status >= HTTPStatus.BAD_REQUEST
        content = self.json
        assert isinstance(content, dict)
        assert set(content) == {"statusCode", "error", "message"}
        assert content["statusCode"] == status
        assert content["error"] == status.phrase == self.reason
        [message] = content["message"]
        assert isinstance(message, str)
        return message


def read_answers(data: bytes, methods: Sequence[str] = ()) -> list[Answer]:
    """Read all answers in `data`, given to requests with `methods`; where those end, GET is assumed.

    Nothing may be left over, and each answer must have the form that the worker's answers have.
    """
    answers: list[Answer] = []
    remaining = list(methods)
    while data:
        answer, data = _read_answer(data, remaining[0] if remaining else "GET")
        answers.append(answer)
        if answer.status != HTTPStatus.CONTINUE:
            del remaining[:1]
    return answers


def _read_answer(data: bytes, method: str) -> tuple[Answer, bytes]:
    head, end, rest = data.partition(b"\r\n\r\n")
    assert end, f"an answer without an end: {data!r}"
    first, *lines = head.decode("ascii").split("\r\n")
    version, code, reason = first.split(" ", 2)
    assert version in {"HTTP/1.1", "HTTP/1.0"}
    headers = tuple((name.lower(), value) for name, value in (line.split(": ", 1) for line in lines))
    answer = Answer(int(code), reason, headers, b"")
    if answer.status in {HTTPStatus.CONTINUE, HTTPStatus.NO_CONTENT}:
        assert answer.header("content-length") is None
        assert answer.header("content-type") is None
        return answer, rest
    length = int(answer.header("content-length") or "missing")
    body = b"" if method == "HEAD" else rest[:length]
    answer = Answer(answer.status, reason, headers, body)
    assert answer.header("transfer-encoding") is None
    assert answer.header("content-type") in {JSON, TEXT, METRICS}
    if method != "HEAD":
        assert len(body) == length, f"{length} bytes were announced, {len(body)} came"
        if answer.status >= HTTPStatus.BAD_REQUEST:
            assert answer.message
            assert "<" not in answer.message.replace("<group>", "")  # two messages name a route
    return answer, rest[len(body) :]
