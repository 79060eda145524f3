r"""The members of a JSON object, cut out of its text as they are, where msgspec takes none of it.

That is where a surrogate is alone in a text, as in `"\ud83d"`: Node writes that for half an emoji in a contact's name.
It takes five times as long.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from json.decoder import WHITESPACE, scanstring  # type: ignore[attr-defined]  # there as long as the module
from json.scanner import make_scanner
from typing import NoReturn


def members_of(text: bytes) -> dict[str, bytes]:
    """Return the members of the object that a JSON text is, each as its own text; of two of a name the last one.

    Raises ValueError for what is no JSON in UTF-8, or no object.
    """
    try:
        return _members(text.decode())
    except (IndexError, StopIteration, RecursionError):
        raise ValueError("no JSON") from None


def _no_number(_: str) -> NoReturn:
    raise ValueError("no number in JSON")


_decoder = json.JSONDecoder(parse_int=len, parse_float=len, parse_constant=_no_number)  # no number is ever used
_scan: Callable[[str, int], tuple[object, int]] = make_scanner(_decoder)  # type: ignore[arg-type]  # it is for these


def _members(text: str) -> dict[str, bytes]:
    def skip(place: int) -> int:
        return int(WHITESPACE.match(text, place).end())

    members: dict[str, bytes] = {}
    place = skip(0)
    if text[place] != "{":
        raise ValueError("no object")
    place = skip(place + 1)
    if text[place] == "}" and skip(place + 1) == len(text):
        return members
    separator = ","
    while separator == ",":
        if text[place] != '"':
            raise ValueError("no name")
        name, place = scanstring(text, place + 1, True)
        place = skip(place)
        if text[place] != ":":
            raise ValueError("no value")
        begin = skip(place + 1)
        _, end = _scan(text, begin)
        members[name] = text[begin:end].encode()
        place = skip(end)
        separator = text[place]
        place = skip(place + 1)
    if separator != "}" or place != len(text):
        raise ValueError("no end")
    return members
