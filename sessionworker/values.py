"""What the values of session files are: JSON texts in UTF-8."""

from __future__ import annotations

import re
from codecs import getincrementaldecoder

import msgspec

_skip = msgspec.json.Decoder(msgspec.Raw)
_surrogate = re.compile(rb"\\u[dD][89a-fA-F][0-9a-fA-F]{2}")

_UTF8_AT_ONCE = 2**16
"""Bytes of a value that are decoded at once, so that a large value is not held a second time."""


def is_json(value: bytes) -> bool:
    """Tell whether bytes are one JSON text in UTF-8 (RFC 8259)."""
    if not value.isascii() and not is_utf8(value):
        return False  # asked first: msgspec takes any bytes inside a string
    try:
        _skip.decode(value)  # 30 MiB in 15 ms: it builds no objects
    except (msgspec.MsgspecError, RecursionError):
        return _is_json_with_lone_surrogates(value)
    return True


def is_json_object(value: bytes) -> bool:
    """Tell whether bytes are a JSON object, as `creds` is."""
    return value.lstrip(b" \t\r\n").startswith(b"{") and is_json(value)


def is_utf8(value: bytes) -> bool:
    """Tell whether bytes are UTF-8."""
    decoder = getincrementaldecoder("utf-8")()
    try:
        for begin in range(0, len(value), _UTF8_AT_ONCE):
            decoder.decode(value[begin : begin + _UTF8_AT_ONCE])
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _is_json_with_lone_surrogates(value: bytes) -> bool:
    r"""Tell it again, more slowly: `"\ud83d"` is JSON, and Node writes it for half an emoji in a contact's name."""
    if not has_surrogates(value):
        return False
    try:
        _skip.decode(without_surrogates(value))
    except (msgspec.MsgspecError, RecursionError):
        return False
    return True


def has_surrogates(value: bytes) -> bool:
    """Tell whether a JSON text may hold an escaped surrogate."""
    return _surrogate.search(value) is not None


def without_surrogates(value: bytes) -> bytearray:
    r"""Return a JSON text with `\u0020` in the place of each escaped surrogate: msgspec takes none that is alone."""
    text = bytearray(value)
    for match in _surrogate.finditer(value):
        begin = end = match.start()
        while begin > 0 and value[begin - 1] == ord("\\"):
            begin -= 1
        if (end - begin) % 2 == 0:  # else the last backslash before it belongs to the one that begins it
            text[end + 2 : end + 6] = b"0020"
    return text
