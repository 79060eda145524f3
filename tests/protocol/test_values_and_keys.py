"""A value comes back byte for byte, and a key is the rest of the path."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessionworker.stores.changes import Batch, Write
from tests.answers import JSON
from tests.memory import Worker
from tests.protocol.words import SALES, with_one_worker


def written(write: Write) -> Batch:
    """What a client without an owner asks for."""
    return Batch("codechat", "sales", (write,), owner="", by="127.0.0.1")


@pytest.mark.parametrize(
    "value",
    [
        "{}",
        '{ "a" : 1 ,\r\n\t"a":2}',
        '"5511999999999"',
        "[]",
        '["1","2"]',
        "0",
        "-0.0",
        "1e999",
        "null",
        "true",
        '"é☎😀"',
        r'"\u00e9\ud83d\ude00"',
        r'"\ud83d"',
        " [1]\n",
        '"\x7f\u2028"',
    ],
)
def test_a_value_comes_back_byte_for_byte(worker: Worker, value: str) -> None:
    for ascii_only in (True, False):
        body = json.dumps({"data": value}, ensure_ascii=ascii_only).encode()
        assert worker.ask("POST", f"{SALES}/key", body).status == 204
        answer = worker.ask("GET", f"{SALES}/key")
        assert answer.body == value.encode()
        assert answer.header("content-type") == JSON


def test_a_large_value_comes_back_byte_for_byte(worker: Worker) -> None:
    value = json.dumps(["é" * 1000] * 5000, ensure_ascii=False)
    assert worker.ask("POST", f"{SALES}/key", {"data": value}).status == 204
    assert worker.ask("GET", f"{SALES}/key").body == value.encode()


KEYS = [
    "creds",
    "app-state-sync-key-AA/+on==",
    "app-state-sync-key-//8/",
    "a//b",
    "/a",
    "a/",
    "//",
    "a+b",
    "sender-key-1@g.us::123_1::5",
    "session-1.0",
    "tctoken-__index",
    ".hidden",
    ".sessionworker-1",
    "...",
    "a%b",
    "a%2Fb",
    "a?b#c",
    "a b",
    "é☎😀",
    "a|b\\c",
    "list-instances",
    "a'\"`<>{}^&=,;$!*()~[]",
    "a\n\tb",
    "k" * 255,
    "a/" * 63,
]


def test_keys_of_every_shape_are_kept_apart(worker: Worker) -> None:
    for number, key in enumerate(KEYS):
        assert worker.ask("POST", f"{SALES}/{quote(key)}", {"data": f'{{"n":{number}}}'}).status == 204, key
    for number, key in enumerate(KEYS):
        assert worker.ask("GET", f"{SALES}/{quote(key)}").json == {"n": number}, key
    for key in KEYS:
        assert worker.ask("DELETE", f"{SALES}/{quote(key)}").status == 200
        assert worker.ask("GET", f"{SALES}/{quote(key)}").status == 404
    assert worker.store.calls[0] == written(Write("creds", b'{"n":0}'))


@pytest.mark.parametrize(
    ("path", "key"),
    [
        ("AA/+on==", "AA/+on=="),
        ("AA%2F+on==", "AA/+on=="),
        ("AA%2f%2Bon%3D%3D", "AA/+on=="),
        ("a+b", "a+b"),
        ("a%20b", "a b"),
        ("a%252Fb", "a%2Fb"),
        ("100%", "100%"),
        ("%zz", "%zz"),
        ("a//b/", "a//b/"),
        ("/", "/"),
        ("a;b=c", "a;b=c"),
        ("%C3%A9", "é"),
        ("a:b@c", "a:b@c"),
        ("a%3Fb%23c", "a?b#c"),
    ],
)
def test_a_key_is_the_rest_of_the_path_with_its_escapes_undone_once(worker: Worker, path: str, key: str) -> None:
    assert worker.ask("POST", f"{SALES}/{path}", {"data": "7"}).status == 204
    assert worker.store.calls == [written(Write(key, b"7"))]
    assert worker.ask("GET", f"{SALES}/{path}").body == b"7"
    assert worker.ask("GET", f"{SALES}/{quote(key)}").body == b"7"


@with_one_worker
@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1, max_size=20))
def test_any_key_that_is_allowed_holds_its_value(worker: Worker, key: str) -> None:
    path = f"{SALES}/{quote(key, safe='')}"
    if not {".", ".."}.isdisjoint(key.split("/")):
        assert worker.ask("POST", path, {"data": "1"}).status == 400
        return
    value = json.dumps(key)
    assert worker.ask("POST", path, {"data": value}).status == 204
    assert worker.ask("GET", path).body == value.encode()
