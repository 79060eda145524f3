"""`docs/openapi.yaml` as a program reads it: operations, what each is answered with, and whether an answer is one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple

import yaml
from openapi_schema_validator import OAS31Validator

from tests.answers import Answer
from tests.process import REPOSITORY

DESCRIPTION = REPOSITORY / "docs" / "openapi.yaml"

METHODS = {"delete", "get", "head", "options", "post", "put"}

ANYWHERE = {400, 401, 403, 404, 413, 421, 500, 503}
"""What may be answered where nothing is described, besides 405 where another method of the path is."""

_absolute = re.compile(r"https?://[^/?#]*", re.IGNORECASE)


@cache
def document() -> Any:
    """The whole of it."""
    with DESCRIPTION.open("rb") as file:
        return yaml.load(file, getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - both are safe


def resolve(node: Any) -> Any:
    """What a reference stands for, or what is none."""
    while "$ref" in node:
        found = document()
        for part in node["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        node = found
    return node


class Operation(NamedTuple):
    """A method of a path."""

    method: str
    path: str

    @property
    def described(self) -> Any:
        """What is said of it."""
        return document()["paths"][self.path][self.method.lower()]

    @property
    def statuses(self) -> set[int]:
        """What it may be answered with."""
        return {int(status) for status in self.described["responses"]}

    def response(self, status: int) -> Any:
        """What is said of an answer."""
        return resolve(self.described["responses"][str(status)])


@cache
def operations() -> tuple[Operation, ...]:
    """All of them."""
    paths = document()["paths"].items()
    return tuple(Operation(method.upper(), path) for path, item in paths for method in item if method in METHODS)


@cache
def _patterns() -> list[tuple[re.Pattern[str], str]]:
    """What matches the raw paths of each path; a fixed one comes before one that it could be taken for."""
    paths = sorted(document()["paths"], key=lambda path: path.count("{"))
    return [(re.compile(_pattern_of(path), re.DOTALL), path) for path in paths]


def _pattern_of(path: str) -> str:
    part_or_key = {"{key}": ".*"}
    return "".join(
        part_or_key.get(piece, "[^/]+") if piece.startswith("{") else re.escape(piece)
        for piece in re.split(r"(\{\w+\})", path)
    )


def path_of(target: str) -> str | None:
    """The path that is asked for, as the description writes it; None where it writes none such."""
    raw = _absolute.sub("", target).partition("?")[0]
    return next((path for pattern, path in _patterns() if pattern.fullmatch(raw)), None)


def check_status(method: str, target: str, status: int) -> None:
    """Fail for an answer whose status is not described."""
    path = path_of(target)
    operation = Operation(method, path or "")
    if operation in operations():
        assert status in operation.statuses, f"{method} {path} is answered with {status}, which is not described"
    else:
        assert status in (ANYWHERE | {405} if path else ANYWHERE), f"{status} is described nowhere"


def check_answer(answer: Answer, response: Mapping[str, Any], *, is_head: bool = False) -> None:
    """Fail for an answer that is not what is described: headers, type and body."""
    for name, header in response.get("headers", {}).items():
        described = resolve(header)
        value = answer.header(name.lower())
        if value is None:
            assert not described.get("required"), name
            continue
        is_number = described["schema"]["type"] == "integer"
        check_value(int(value) if is_number else value, described["schema"])
    content_type = answer.header("content-type")
    if "content" not in response:
        assert content_type is None
        return
    [(media_type, content)] = response["content"].items()
    assert content_type is not None
    assert content_type.partition(";")[0] == media_type
    if not is_head:
        check_value(answer.json if media_type == "application/json" else answer.body.decode(), content["schema"])


def check_value(value: Any, schema: Mapping[str, Any]) -> None:
    """Fail for a value that is not what a schema says."""
    OAS31Validator({**schema, "components": document()["components"]}).validate(value)


def references(node: Any) -> Iterator[str]:
    """All that is referred to from within."""
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for child in node.values():
            yield from references(child)
    elif isinstance(node, list):
        for child in node:
            yield from references(child)
