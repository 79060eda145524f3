"""Values come back byte for byte, and awkward names are kept apart, many calls at once included."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from twisted.internet.defer import gatherResults

from sessionworker import errors
from sessionworker.client import (
    Client,
)
from sessionworker.names import check_key
from tests.client.waiting import start
from tests.server import MIB, RunningWorker, asynchronous

AWKWARD_KEYS = [
    "app-state-sync-key-AA/+on==",
    "a/b/c",
    "a//b",
    "/a",
    "a/",
    "a//",
    "/",
    "100%",
    "%2F",
    "%252F",
    "a+b c",
    "?q=1&r=2",
    "a#b",
    "a;b=c",
    "sender-key-1203@g.us::123_1::5",
    "ação",
    "会話/😀",
    "\N{COMBINING ACUTE ACCENT}e",
    ".hidden",
    "...",
    "a\\b",
    "\x01\x7f\n",
    "list-instances",
]


@asynchronous
async def test_awkward_keys_are_all_kept_apart(client: Client) -> None:
    for number, key in enumerate(AWKWARD_KEYS):
        await client.write("codechat", "sales", key, str(number))
    for number, key in enumerate(AWKWARD_KEYS):
        assert await client.read("codechat", "sales", key) == str(number).encode(), key
    for key in AWKWARD_KEYS:
        await client.delete("codechat", "sales", key)
        assert await client.read("codechat", "sales", key) is None, key


@asynchronous
@pytest.mark.parametrize("name", ["ação", "a b", "100%", "%2F", "a+b", "?q#f", "list-instances", "session"])
async def test_awkward_groups_and_instances_are_kept(client: Client, name: str) -> None:
    await client.create_instance(name, name)
    await client.write(name, name, "session-1", "1")
    assert await client.instances(name) == [name]
    assert await client.read(name, name, "session-1") == b"1"
    await client.drop_instance(name, name)
    assert await client.instances(name) == []


def is_allowed_key(key: str) -> bool:
    try:
        check_key(key)
    except errors.NameNotAllowed:
        return False
    return True


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)

one_worker_for_all_examples = settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@one_worker_for_all_examples
@given(
    key=st.text(min_size=1).filter(is_allowed_key), value=json_values, ascii_only=st.booleans(), spaced=st.booleans()
)
@asynchronous
async def test_any_json_under_any_key_comes_back_byte_for_byte(
    client: Client, key: str, value: object, *, ascii_only: bool, spaced: bool
) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only, indent=1 if spaced else None)
    await client.write("codechat", "sales", key, text)
    assert await client.read("codechat", "sales", key) == text.encode()


@asynchronous
@pytest.mark.parametrize(
    "text", [r'"\ud83d"', '{"b":1,"a":1,"a":2}', " [1.0, 1e400, -0]\n", '"/\\/\\u0000\u2028"', "null"]
)
async def test_json_that_a_parser_would_change_comes_back_unchanged(client: Client, text: str) -> None:
    await client.write("codechat", "sales", "k", text)
    assert await client.read("codechat", "sales", "k") == text.encode()
    await client.write("codechat", "sales", "k", text.encode())
    assert await client.read("codechat", "sales", "k") == text.encode()


@asynchronous
async def test_a_value_of_30_mib_comes_back_byte_for_byte(client: Client) -> None:
    value = b'"' + b"0123456789abcdef" * (30 * MIB // 16 - 1) + b'"'
    await client.write("codechat", "sales", "big", value)
    assert await client.read("codechat", "sales", "big") == value


@asynchronous
async def test_two_hundred_calls_at_once_share_the_connections(worker: RunningWorker) -> None:
    async with Client(worker.url, worker.token, connections=20) as client:
        await client.create_instance("codechat", "sales")
        await gatherResults([start(client.write("codechat", "sales", f"key-{n}", str(n))) for n in range(200)])
        used = set(worker.site.channels)
        assert 1 < len(used) <= 20
        values = await gatherResults([start(client.read("codechat", "sales", f"key-{n}")) for n in range(200)])
        assert values == [str(n).encode() for n in range(200)]
        assert worker.site.channels == used  # the reads came on the connections of the writes
