"""How a value lies in a source, and the JSON text that a worker stores for it.

A source keeps either the text itself; or that text inside a JSON string; or the document, parsed, in a format of its
own. Which of them it is goes by the program and its version, never by one value: a `lid-mapping` is a JSON string
itself.
"""

from __future__ import annotations

import base64
import json
from typing import Any

from sessionworker.values import is_json, is_json_object

LARGEST_EXACT = 2.0**53
"""From there on a double is no count of anything."""

_BYTES = range(256)


class NotReadable(ValueError):
    """A value is not what its source should hold."""


def take_text(value: bytes) -> bytes:
    """Return a JSON text that lies there as it is. Raises NotReadable."""
    if not is_json(value):
        raise NotReadable
    return value


def take_string(value: bytes) -> bytes:
    """Return the JSON text that a JSON string holds. Raises NotReadable."""
    try:
        text = json.loads(value)
    except (ValueError, RecursionError):
        raise NotReadable from None
    if not isinstance(text, str):
        raise NotReadable
    return take_text(encode(text))


def take_string_or_text(value: bytes) -> bytes:
    """Return the JSON text that a JSON string holds, or of anything else the text itself: some writers do both."""
    try:
        return take_string(value)
    except NotReadable:
        return take_text(value)


def encode(text: str) -> bytes:
    """Return a text in UTF-8. Raises NotReadable for half a character."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise NotReadable from None


def dump(document: object) -> bytes:
    """Return the JSON text of a parsed document. Raises NotReadable.

    Databases keep what Node called an integer as a double where it is large, as the times in sessions are.
    """
    whole = _whole(document)
    try:
        text = json.dumps(whole, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        try:
            return text.encode()
        except UnicodeEncodeError:  # half an emoji: kept as its escape
            return json.dumps(whole, separators=(",", ":"), allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError):
        raise NotReadable from None


def _whole(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer() and abs(value) <= LARGEST_EXACT:
        return int(value)
    if isinstance(value, list):
        return [_whole(one) for one in value]
    if isinstance(value, dict):
        return {name: _whole(one) for name, one in value.items()}
    return value


def with_plain_buffers(document: Any) -> Any:
    """Return a document with each buffer in the form that Baileys 7 reads: `{"type":"Buffer","data":"<base64>"}`.

    `JSON.stringify` alone writes arrays of numbers, or objects with a number for each byte. Up to 7.0.0-rc.3 Baileys
    took these, too; since then its first handshake fails on them. Raises NotReadable for what is no buffer's content.
    """
    if isinstance(document, list):
        return [with_plain_buffers(one) for one in document]
    if not isinstance(document, dict):
        return document
    if document.get("type") == "Buffer" or document.get("buffer") is True:
        data = document.get("data", document.get("value"))
        return {"type": "Buffer", "data": data if isinstance(data, str) else _base64(_numbers(data))}
    if document and list(document) == [str(number) for number in range(len(document))]:
        numbers = list(document.values())
        if all(type(one) is int and one in _BYTES for one in numbers):
            return {"type": "Buffer", "data": _base64(numbers)}
    return {name: with_plain_buffers(one) for name, one in document.items()}


def _numbers(data: object) -> list[Any]:
    if isinstance(data, dict):
        return [data[str(number)] for number in range(len(data)) if str(number) in data]
    return data if isinstance(data, list) else []


def _base64(numbers: list[Any]) -> str:
    try:
        return base64.b64encode(bytes(numbers)).decode()
    except (TypeError, ValueError):
        raise NotReadable from None


def take_plain_buffers(text: bytes) -> bytes:
    """Return a JSON text with each buffer in the form that Baileys 7 reads. Raises NotReadable."""
    try:
        document = json.loads(text)
        return dump(with_plain_buffers(document))
    except (ValueError, RecursionError):
        raise NotReadable from None


def has_buffers_of_numbers(creds: bytes) -> bool:
    """Tell whether `creds` were written with buffers as arrays of numbers: then all values of their source are."""
    if not is_json_object(creds):
        return False
    try:
        key = json.loads(creds).get("noiseKey")
        private = key.get("private") if isinstance(key, dict) else None
    except (ValueError, RecursionError):
        return False
    if not isinstance(private, dict):
        return False
    return not isinstance(private.get("data", private.get("value")), str)
