"""Bodies, keys and names that make no sense or lead elsewhere are 400, and change nothing."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from tests.memory import Worker
from tests.protocol.words import CREDS, SALES, assert_store_is_as_it_was


@pytest.mark.parametrize(
    ("path", "body", "reason"),
    [
        ("/session", b"", "JSON"),
        ("/session", b"{", "JSON"),
        ("/session", b'{"group": "a"', "JSON"),
        ("/session", b'{"group": "\xff"}', "UTF-8"),
        ("/session", [], "'group' is a string"),
        ("/session", {"group": 5}, "'group' is a string"),
        ("/session", {"group": None}, "'group' is a string"),
        ("/session", {"instance": "a"}, "'group' is a string"),
        ("/session", {"group": ""}, "group cannot be empty"),
        ("/session", {"group": "."}, "'..'"),
        ("/session", {"group": ".."}, "'..'"),
        ("/session", {"group": "../.."}, "slash"),
        ("/session", {"group": "a/b"}, "slash"),
        ("/session", {"group": "a\x00"}, "NUL"),
        ("/session", {"group": "a" * 256}, "255"),
        ("/session", {"group": "é" * 128}, "255"),
        ("/session", {"group": "\ud83d"}, "UTF-8"),
        ("/session/codechat", b"", "JSON"),
        ("/session/codechat", b"instance=a", "JSON"),
        ("/session/codechat", {}, "'instance' is a string"),
        ("/session/codechat", {"group": "a"}, "'instance' is a string"),
        ("/session/codechat", {"instance": ["a"]}, "'instance' is a string"),
        ("/session/codechat", {"instance": ""}, "instance cannot be empty"),
        ("/session/codechat", {"instance": ".."}, "'..'"),
        ("/session/codechat", {"instance": "../codechat2"}, "slash"),
        ("/session/codechat", {"instance": "a\x00b"}, "NUL"),
        ("/session/codechat", {"instance": "a" * 256}, "255"),
        ("/session/..", {"instance": "a"}, "'..'"),
        ("/session/%2e%2e", {"instance": "a"}, "'..'"),
        ("/session/a%2Fb", {"instance": "a"}, "slash"),
        (CREDS, b"", "JSON"),
        (CREDS, b"{", "JSON"),
        (CREDS, b'{"data": "{}"', "JSON"),
        (CREDS, b'{"data": "{}"}}', "JSON"),
        (CREDS, b"\x00", "JSON"),
        (CREDS, {}, "'data' is a string"),
        (CREDS, [], "'data' is a string"),
        (CREDS, {"data": 5}, "'data' is a string"),
        (CREDS, {"data": None}, "'data' is a string"),
        (CREDS, {"data": {"a": 1}}, "'data' is a string"),
        (CREDS, {"data": ""}, "'data' must be JSON"),
        (CREDS, {"data": "{"}, "'data' must be JSON"),
        (CREDS, {"data": "undefined"}, "'data' must be JSON"),
        (CREDS, {"data": "NaN"}, "'data' must be JSON"),
        (CREDS, {"data": "[" * 100_000}, "'data' must be JSON"),
        (CREDS, {"data": "[" * 30_000 + "]" * 30_000}, "'data' must be JSON"),
    ],
)
def test_a_body_that_is_not_what_the_path_asks_for_is_400(worker: Worker, path: str, body: Any, reason: str) -> None:
    answer = worker.ask("POST", path, body)
    assert answer.status == 400
    assert reason in answer.message
    assert worker.store.calls == []
    assert_store_is_as_it_was(worker)


WAYS_OUT = [
    ("..", "'..'"),
    (".", "'..'"),
    ("%2e%2e", "'..'"),
    ("%2E.", "'..'"),
    ("../..", "'..'"),
    ("..%2F..", "'..'"),
    ("%2F..%2F..%2F..%2Fetc%2Fpasswd", "'..'"),
    ("a/../../b", "'..'"),
    ("a/%2e%2e/b", "'..'"),
    ("a%00b", "NUL"),
    ("%00", "NUL"),
    ("k" * 256, "255"),
    (quote("é") * 128, "255"),
    ("%ff", "UTF-8"),
    ("a%C3", "UTF-8"),
    ("%ED%A0%80", "UTF-8"),
    ("%C0%AE%C0%AE", "UTF-8"),
    ("\x80", "ASCII"),
    ("\xa3%41", "ASCII"),
    ("", "empty"),
]


@pytest.mark.parametrize(("key", "reason"), WAYS_OUT)
def test_a_key_that_leads_elsewhere_or_is_no_text_is_400(worker: Worker, key: str, reason: str) -> None:
    for method, body in (("GET", None), ("DELETE", None), ("POST", {"data": "{}"})):
        answer = worker.ask(method, f"{SALES}/{key}", body)
        assert answer.status == 400
        assert reason in answer.message
    assert worker.store.calls == []
    assert_store_is_as_it_was(worker)


@pytest.mark.parametrize(
    "path",
    [
        "/session//sales/creds",
        "/session/codechat//creds",
        "/session/../sales/creds",
        "/session/%2e%2e/sales/creds",
        "/session/codechat/../creds",
        "/session/codechat/%2e%2e/creds",
        "/session/codechat/./creds",
        "/session/codechat/a%00b/creds",
        "/session/a%00b/sales/creds",
        "/session/codechat%2Fsales/creds",
        "/session/codechat/sales%2Fcreds/x",
        "/session/..%2F../sales/creds",
        "/session%2Fcodechat/sales/creds",
        f"/session/{'a' * 256}/sales/creds",
        f"/session/codechat/{'a' * 256}/creds",
        "/session/codechat/%FF/creds",
        "/session/%FF/sales/creds",
    ],
)
def test_a_group_or_an_instance_that_leads_elsewhere_is_400(worker: Worker, path: str) -> None:
    for method, body in (("GET", None), ("DELETE", None), ("POST", {"data": "{}"})):
        assert worker.ask(method, path, body).status == 400
        assert worker.ask(method, path, body).message
    assert worker.store.calls == []
    assert_store_is_as_it_was(worker)


@pytest.mark.parametrize("name", ["..", "%2e%2e", "a%00", "a" * 256, "%FF", "a%2Fb"])
def test_removing_an_instance_that_leads_elsewhere_is_400(worker: Worker, name: str) -> None:
    assert worker.ask("DELETE", f"/session/codechat/{name}").status == 400
    assert worker.ask("DELETE", f"/session/{name}/sales").status == 400
    assert worker.ask("GET", f"/session/{name}/list-instances").status == 400
    assert worker.store.calls == []
    assert_store_is_as_it_was(worker)


@pytest.mark.parametrize("query", ["?", "?a=b", "?/../.."])
@pytest.mark.parametrize("start", ["/session", "/%73ession", "//session"])
def test_a_query_is_refused_rather_than_taken_for_the_end_of_a_key(worker: Worker, query: str, start: str) -> None:
    for method, body in (("GET", None), ("DELETE", None), ("POST", {"data": "{}"})):
        answer = worker.ask(method, f"{start}/codechat/sales/creds{query}", body)
        assert answer.status in {400, 404}
        assert answer.status == 404 or "%3F" in answer.message
    assert worker.store.calls == []
