"""Values of session files: JSON of many kinds, each its own, so that an old one is told from a new one."""

from __future__ import annotations

from functools import lru_cache
from random import Random
from typing import NamedTuple, TypeAlias

ODD_NUMBERS = ("true", "null", "-1", str(2**70), "9" * 19, "9" * 300, '"7"', "1e400", "[]")
"""What `nextPreKeyId` may be that nobody thinks of."""


class Plain(NamedTuple):
    """A value of an ordinary key."""

    kind: str
    number: int
    size: int


class Creds(NamedTuple):
    """A value of `creds`: of one of few identities."""

    identity: int
    next_pre_key: str
    number: int
    size: int
    has_surrogate: bool = False


Value: TypeAlias = Plain | Creds


@lru_cache(maxsize=1024)
def to_bytes(value: Value) -> bytes:
    """Return the JSON text."""
    if isinstance(value, Creds):
        name = r"\ud83d" if value.has_surrogate else ""
        return (
            f'{{"registrationId":{value.identity},"noiseKey":{{"private":"n{value.identity}"}},'
            f'"nextPreKeyId":{value.next_pre_key},"n":{value.number},"name":"{name}","pad":"{"x" * value.size}"}}'
        ).encode()
    match value.kind:
        case "text":
            text = f'"{value.number} {"ç" * (value.size // 2)}"'
        case "array":
            text = f'[{value.number},"{"a" * value.size}"]'
        case "number":
            text = f"{value.number}.5"
        case "surrogate":
            text = rf'{{"n":{value.number},"name":"\ud83d{"s" * value.size}"}}'
        case _:
            text = f' {{"n":{value.number},"pad":"{"p" * value.size}"}}'
    return text.encode()


def make_plain(random: Random, number: int, large_from: int) -> Plain:
    """Draw a value of an ordinary key."""
    kind = random.choice(("object", "object", "object", "text", "array", "number", "surrogate"))
    return Plain(kind, number, _make_size(random, large_from))


def make_creds(random: Random, number: int, *, are_odd: bool) -> Creds:
    """Draw creds; `number` is greater than those before."""
    next_pre_key = str(number)
    if are_odd and random.random() < 0.25:
        next_pre_key = random.choice(ODD_NUMBERS)
    elif random.random() < 0.1:
        next_pre_key = str(random.randrange(number + 1))
    identity = random.choice((1, 1, 1, 1, 2, 3))
    size = random.choice((0, 0, 100, 600, 3000))
    return Creds(identity, next_pre_key, number, size, has_surrogate=are_odd and random.random() < 0.1)


def _make_size(random: Random, large_from: int) -> int:
    kind = random.random()
    if kind < 0.55:
        return random.randrange(20)
    if kind < 0.85:
        return 600
    if kind < 0.93:
        return random.randrange(2000, 5000)
    return large_from + random.randrange(3 * large_from)
