"""The wire protocol: each route with its successes and its errors, against the real site, tree and store."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sessionworker.errors import WorkerError
from sessionworker.stores.changes import Batch, CreateGroup, Write
from tests.answers import JSON, TEXT
from tests.memory import Worker, request

SALES = "/session/codechat/sales"
CREDS = f"{SALES}/creds"
OLD_VALUE = b'{"me":"old"}'

with_one_worker = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
"""For tests that throw much at the worker: it may be the same one, as what came before must not matter to it."""


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[Worker]:
    """Serve a store that has one instance, and one value in it."""
    with Worker(tmp_path / "store") as running:
        assert running.ask("POST", "/session", {"group": "codechat"}).status == 204
        assert running.ask("POST", "/session/codechat", {"instance": "sales"}).status == 204
        assert running.ask("POST", CREDS, {"data": OLD_VALUE.decode()}).status == 204
        running.store.calls.clear()
        yield running


def assert_store_is_as_it_was(worker: Worker) -> None:
    assert worker.ask("GET", "/session/codechat/list-instances").json == ["sales"]
    assert worker.ask("GET", CREDS).body == OLD_VALUE


# What must be served


def test_a_ping_is_answered_pong_without_a_token(worker: Worker) -> None:
    for token in (None, "wrong", worker.token):
        answer = worker.ask("OPTIONS", "/ping", token=token)
        assert (answer.status, answer.body, answer.header("content-type")) == (200, b"pong", TEXT)


def test_a_group_is_created_once_and_creating_it_again_changes_nothing(worker: Worker) -> None:
    for _ in range(2):
        assert worker.ask("POST", "/session", {"group": "second"}).status == 204
        assert worker.ask("GET", "/session/second/list-instances").body == b"[]"
    assert worker.ask("POST", "/session", {"group": "codechat"}).status == 204
    assert_store_is_as_it_was(worker)


def test_an_instance_is_created_once_and_creating_it_again_keeps_its_keys(worker: Worker) -> None:
    for _ in range(2):
        assert worker.ask("POST", "/session/codechat", {"instance": "sales"}).status == 204
        assert_store_is_as_it_was(worker)


def test_an_instance_brings_its_group_with_it(worker: Worker) -> None:
    assert worker.ask("POST", "/session/third", {"instance": "one"}).status == 204
    assert worker.ask("GET", "/session/third/list-instances").json == ["one"]


def test_a_key_is_stored_fetched_overwritten_and_removed(worker: Worker) -> None:
    path = f"{SALES}/pre-key-1"
    assert worker.ask("GET", path).status == 404
    for value in ('{"private":{"type":"Buffer"}}', "{}"):
        assert worker.ask("POST", path, {"data": value}).status == 204
        answer = worker.ask("GET", path)
        assert (answer.status, answer.body, answer.header("content-type")) == (200, value.encode(), JSON)
    for _ in range(2):  # also when absent
        answer = worker.ask("DELETE", path)
        assert (answer.status, answer.body, answer.header("content-type")) == (200, b"null", JSON)
        assert worker.ask("GET", path).status == 404
    assert_store_is_as_it_was(worker)


def test_an_instance_is_removed_with_its_keys(worker: Worker) -> None:
    for _ in range(2):  # also when absent
        answer = worker.ask("DELETE", SALES)
        assert (answer.status, answer.body) == (200, b"null")
    assert worker.ask("GET", "/session/codechat/list-instances").body == b"[]"
    assert worker.ask("GET", CREDS).status == 404
    assert worker.ask("POST", "/session/codechat", {"instance": "sales"}).status == 204
    assert worker.ask("GET", CREDS).message == "This key holds nothing."


def test_a_late_write_does_not_bring_an_instance_back(worker: Worker) -> None:
    worker.ask("DELETE", SALES)
    assert worker.ask("POST", CREDS, {"data": "{}"}).status == 404
    assert worker.ask("GET", "/session/codechat/list-instances").body == b"[]"


def test_removing_what_never_was_is_no_error(worker: Worker) -> None:
    for path in ("/session/codechat/nobody", "/session/nowhere/nobody", "/session/codechat/nobody/k", f"{SALES}/k"):
        answer = worker.ask("DELETE", path)
        assert (answer.status, answer.body) == (200, b"null")
    assert_store_is_as_it_was(worker)


def test_instances_are_listed_sorted_as_a_json_array(worker: Worker) -> None:
    names = ["b", "a", "Z", "á", "10", "2", 'quo"te', "with space"]
    for name in names:
        assert worker.ask("POST", "/session/codechat", {"instance": name}).status == 204
    answer = worker.ask("GET", "/session/codechat/list-instances")
    assert answer.json == sorted([*names, "sales"])
    assert answer.header("content-type") == JSON


def test_an_instance_may_be_called_list_instances(worker: Worker) -> None:
    assert worker.ask("POST", "/session/codechat", {"instance": "list-instances"}).status == 204
    assert worker.ask("POST", "/session/codechat/list-instances/creds", {"data": "{}"}).status == 204
    assert worker.ask("GET", "/session/codechat/list-instances/creds").body == b"{}"
    assert worker.ask("DELETE", "/session/codechat/list-instances").status == 200
    assert_store_is_as_it_was(worker)


def test_an_instance_and_a_group_may_have_names_that_a_url_escapes(worker: Worker) -> None:
    group, instance = "gruppe é", "55 (11)+%2F"
    assert worker.ask("POST", "/session", {"group": group}).status == 204
    assert worker.ask("POST", f"/session/{quote(group)}", {"instance": instance}).status == 204
    assert worker.ask("GET", f"/session/{quote(group)}/list-instances").json == [instance]
    path = f"/session/{quote(group)}/{quote(instance)}/creds"
    assert worker.ask("POST", path, {"data": "{}"}).status == 204
    assert worker.ask("GET", path).body == b"{}"


# Values and keys


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
    assert worker.store.calls[0] == Batch("codechat", "sales", (Write("creds", b'{"n":0}'),))


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
    assert worker.store.calls == [Batch("codechat", "sales", (Write(key, b"7"),))]
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


def test_head_answers_as_get_does_without_the_body(worker: Worker) -> None:
    for path, status in ((CREDS, 200), ("/session/codechat/list-instances", 200), (f"{SALES}/none", 404)):
        head, get = worker.ask("HEAD", path), worker.ask("GET", path)
        assert (head.status, head.body) == (status, b"")
        assert dict(head.headers) | {"date": ""} == dict(get.headers) | {"date": ""}
    assert worker.ask("HEAD", "/ping").status == 405


# Errors


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", f"{SALES}/pre-key-1", 404),
        ("GET", "/session/codechat/nobody/creds", 404),
        ("GET", "/session/nowhere/sales/creds", 404),
        ("GET", "/session/nowhere/list-instances", 404),
        ("POST", "/session/codechat/nobody/creds", 404),
        ("POST", "/session/nowhere/nobody/creds", 404),
        ("GET", "/", 404),
        ("GET", "/nothing", 404),
        ("POST", "/session/", 404),
        ("POST", "/session/codechat/", 404),
        ("GET", "/sessions", 404),
        ("GET", "/health/", 404),
        ("GET", "/metrics/", 404),
        ("GET", "/admin", 404),
        ("GET", "/admin/groups/", 404),
        ("GET", "/admin/groups/nowhere/instances", 404),
        ("DELETE", "/admin/groups/nowhere", 404),
        ("GET", "/admin/groups/codechat/instances/nobody/versions", 404),
        ("GET", "/admin/groups/nowhere/instances/sales/versions", 404),
        ("GET", "/Session/codechat/list-instances", 404),
        ("OPTIONS", "/ping/", 404),
        ("GET", "/favicon.ico", 404),
        ("GET", "/%00", 404),
        ("OPTIONS", "*", 404),
        ("GET", "*", 404),
        ("GET", "session/codechat/sales/creds", 404),
        ("GET", "//session/codechat/sales/creds", 404),
        ("CONNECT", "worker:5656", 404),
    ],
)
def test_what_does_not_exist_is_404(worker: Worker, method: str, path: str, status: int) -> None:
    body = {"data": "{}"} if method == "POST" else None
    answer = worker.ask(method, path, body)
    assert answer.status == status
    assert "exist" in answer.message or "nothing" in answer.message
    assert_store_is_as_it_was(worker)


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/ping", "OPTIONS"),
        ("/session", "POST"),
        ("/session/codechat", "POST"),
        ("/session/codechat/list-instances", "DELETE, GET, HEAD"),
        (SALES, "DELETE"),
        (CREDS, "DELETE, GET, HEAD, POST"),
        (f"{SALES}/a//b/", "DELETE, GET, HEAD, POST"),
        ("/health", "GET, HEAD"),
        ("/metrics", "GET, HEAD"),
        ("/admin/groups", "GET, HEAD"),
        ("/admin/groups/codechat", "DELETE"),
        ("/admin/groups/codechat/instances", "GET, HEAD"),
        ("/admin/groups/codechat/instances/sales/versions", "GET, HEAD"),
        ("/admin/groups/codechat/instances/sales/versions/1-0.0123456789ab.31/restore", "POST"),
        ("/admin/checkpoint", "POST"),
        ("/admin/drops", "GET, HEAD"),
        ("/admin/drops/codechat/sales/1-0/restore", "POST"),
    ],
)
def test_a_known_path_with_a_wrong_method_is_405_and_names_those_it_has(
    worker: Worker, path: str, allowed: str
) -> None:
    methods = {"OPTIONS", "POST", "DELETE", "GET", "HEAD", "PUT", "PATCH", "TRACE", "CONNECT", "PROPFIND", "x"}
    for method in sorted(methods - set(allowed.split(", "))):
        answer = worker.ask(method, path)
        assert (answer.status, answer.header("allow")) == (405, allowed)
        if method != "HEAD":
            assert allowed in answer.message
    assert worker.store.calls == []


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


@pytest.mark.parametrize(
    "host", ["a..b", "", "[::1", "x:y:z", "a b", "/", "☎".encode().decode("latin-1"), "a" * 5000, "evil.example", "%00"]
)
def test_an_odd_host_header_changes_nothing(worker: Worker, host: str) -> None:
    for path, status in ((CREDS, 200), ("/nothing", 404), ("/session", 405)):
        data = request("GET", path).replace(b"Host: worker", b"Host: " + host.encode("latin-1"))
        [answer] = worker.raw(data)
        assert answer.status == status
        assert host in {"", "/"} or host.encode("latin-1") not in answer.body
        assert answer.header("location") is None


def test_http_1_0_without_a_host_is_answered_and_the_connection_closed(worker: Worker) -> None:
    connection = worker.connect()
    connection.send(request("GET", CREDS, version="1.0").replace(b"Host: worker\r\n", b""))
    [answer] = connection.answers()
    assert (answer.status, answer.body) == (200, OLD_VALUE)
    assert not connection.is_open


def test_a_store_that_fails_in_an_unforeseen_way_is_500_in_json_and_the_next_request_is_served(worker: Worker) -> None:
    def fail(*_: object) -> Any:
        raise ZeroDivisionError

    with pytest.MonkeyPatch.context() as patch:
        for method in ("commit", "read", "recall", "instances"):
            patch.setattr(worker.store, method, fail, raising=True)
        for how, path, body in (
            ("GET", CREDS, None),
            ("GET", "/session/codechat/list-instances", None),
            ("POST", CREDS, {"data": "1"}),
            ("DELETE", CREDS, None),
            ("DELETE", SALES, None),
            ("POST", "/session", {"group": "a"}),
            ("POST", "/session/codechat", {"instance": "a"}),
        ):
            answer = worker.ask(how, path, body)
            assert (answer.status, answer.message) == (500, WorkerError.message)
    assert any("ZeroDivisionError" in text for text in worker.failures)
    worker.failures.clear()
    assert_store_is_as_it_was(worker)


# Order, and clients that go away


def test_two_writes_of_one_key_are_applied_in_the_order_in_which_they_arrived(worker: Worker) -> None:
    connections = [worker.connect() for _ in range(8)]
    for number in range(200):
        connections[number % 8].send(request("POST", CREDS, {"data": f'{{"n":{number}}}'}))
        if number % 8 == 7:
            worker.settle()
            assert worker.ask("GET", CREDS).json == {"n": number}
    written = [call.changes for call in worker.store.calls if isinstance(call, Batch)]
    assert written == [(Write("creds", b'{"n":%d}' % number),) for number in range(200)]


def test_requests_sent_without_waiting_are_answered_in_order(worker: Worker) -> None:
    connection = worker.connect()
    for number in range(20):
        path = f"{SALES}/k{number}"
        connection.send(request("POST", path, {"data": str(number)}) + request("GET", path))
    connection.send(request("HEAD", CREDS) + request("GET", "/nothing") + request("GET", f"{SALES}/k0"))
    answers = connection.answers(*["POST", "GET"] * 20, "HEAD")
    assert [answer.status for answer in answers] == [204, 200] * 20 + [200, 404, 200]
    assert [answer.body for answer in answers[1:40:2]] == [str(number).encode() for number in range(20)]
    assert connection.is_open


@pytest.mark.parametrize("size", [1, 7])
def test_a_request_may_come_in_the_smallest_pieces(worker: Worker, size: int) -> None:
    data = request("POST", CREDS, {"data": '{"a":"é"}'}) + request("GET", CREDS)
    connection = worker.connect()
    for start in range(0, len(data), size):
        connection.send(data[start : start + size])
    assert [answer.status for answer in connection.answers()] == [204, 200]


def test_a_client_that_hangs_up_after_a_write_does_not_undo_it_and_holds_nothing_up(worker: Worker) -> None:
    connections = [worker.connect() for _ in range(20)]
    for number, connection in enumerate(connections):
        connection.send(request("POST", f"{SALES}/k{number}", {"data": str(number)}))
        connection.close()
    assert worker.ask("POST", f"{SALES}/last", {"data": "1"}).status == 204
    for number in range(20):
        assert worker.ask("GET", f"{SALES}/k{number}").body == str(number).encode()


def test_a_client_that_hangs_up_while_it_is_answered_does_no_harm(worker: Worker) -> None:
    for method, path in [("GET", CREDS), ("GET", "/session/codechat/list-instances"), ("DELETE", CREDS)] * 10:
        connection = worker.connect()
        connection.send(request(method, path))
        connection.close()
    assert worker.ask("GET", "/session/codechat/list-instances").json == ["sales"]


def test_a_client_that_hangs_up_inside_of_a_request_changes_nothing(worker: Worker) -> None:
    data = request("POST", CREDS, {"data": '{"new":1}'})
    for length in range(len(data)):
        connection = worker.connect()
        connection.send(data[:length])
        connection.close()
    assert worker.store.calls == []
    assert_store_is_as_it_was(worker)


# Never HTML, never a secret


METHODS = st.sampled_from(
    ("GET", "POST", "DELETE", "OPTIONS", "HEAD", "PUT", "PATCH", "get", "CONNECT", "TRACE", "<b>")
)
PIECES = st.sampled_from(
    [
        *("/", "//", "session", "ping", "codechat", "sales", "creds", "list-instances", "<script>", "http:", "a" * 300),
        *("/admin", "/groups", "/instances", "/versions", "/restore", "/drops", "/metrics", "/health"),
        *(
            "..",
            ".",
            "%",
            "%2F",
            "%2e",
            "%00",
            "%ff",
            "%C3%A9",
            "\xa3",
            "?",
            "#",
            "*",
            ";",
            "=",
            "&",
            "+",
            ":",
            "@",
            '"',
        ),
    ]
)
PATHS = st.lists(PIECES, min_size=1, max_size=8).map("".join) | st.lists(PIECES, max_size=4).map(
    lambda pieces: "/session/codechat/sales/" + "".join(pieces)
)
BODIES = st.none() | st.binary(max_size=40) | st.sampled_from([b"{}", b'{"group":"codechat"}', b'{"data":"<p>"}'])
HEADERS = st.lists(
    st.sampled_from(
        [
            ("Host", "a..b"),
            ("Host", "<x>"),
            ("Accept", "text/html"),
            ("Expect", "100-continue"),
            ("Content-Type", "multipart/form-data; boundary=x"),
            ("Content-Type", "application/x-www-form-urlencoded"),
            ("Cookie", "a=b; c"),
            ("Authorization", "Basic !!!"),
            ("Range", "bytes=0-1"),
            ("If-Modified-Since", "never"),
            ("If-None-Match", "*"),
            ("Connection", "close"),
            ("Upgrade", "websocket"),
            ("X-Forwarded-Host", "evil"),
        ]
    ),
    max_size=3,
)


@settings(with_one_worker, max_examples=500)
@given(
    METHODS,
    PATHS,
    BODIES,
    HEADERS,
    st.sampled_from(["right", "wrong", None]),
    st.sampled_from(["1.1", "1.0"]),
)
def test_no_answer_is_ever_html(
    worker: Worker,
    method: str,
    path: str,
    body: bytes | None,
    headers: list[tuple[str, str]],
    token: str | None,
    version: str,
) -> None:
    """`read_answers` asserts the form of each answer: JSON or plain text with its length, or nothing at all."""
    token = worker.token if token == "right" else token
    answers = worker.raw(request(method, path, body, headers=headers, token=token, version=version), method)
    if answers and answers[0].status == 100:
        del answers[0]
    [answer] = answers
    assert answer.status in {200, 204, 400, 401, 404, 405}
    if token != worker.token:
        needs_none = {("OPTIONS", "/ping"), ("GET", "/health"), ("HEAD", "/health")}
        assert answer.status in {400, 401} or (method, path.partition("?")[0]) in needs_none
    for name, value in answer.headers:
        assert name in {"server", "date", "content-type", "content-length", "allow", "www-authenticate", "connection"}
        assert "<" not in value
    assert worker.failures == []


HTTP_PIECES = [
    *(
        b"GET ",
        b"POST ",
        b"/session ",
        b"/ping ",
        b"HTTP/1.1",
        b"HTTP/1.0",
        b"HTTP/2.0",
        b"PRI * HTTP/2.0",
        b"apikey: ",
    ),
    *(b"Content-Length: 5", b"Content-Length: -1", b"Content-Length: 70000", b"Transfer-Encoding: chunked"),
    *(b"Transfer-Encoding: gzip", b"5\r\nhello\r\n", b"0\r\n\r\n", b"Expect: 100-continue", b"A: b\r\n" * 101),
    *(b"\r\n", b"\n", b"\r\n\r\n", b":", b"\x00", b" ", b"x" * 20_000),
]


@settings(with_one_worker, max_examples=300)
@given(
    st.binary(max_size=200)
    | st.lists(
        st.sampled_from(HTTP_PIECES),
        max_size=12,
    ).map(b"".join)
)
def test_bytes_that_are_hardly_http_are_answered_in_json_or_not_at_all(worker: Worker, data: bytes) -> None:
    for answer in worker.raw(data + b"\r\n\r\n"):
        assert answer.status in {100, 400, 401, 404}
    assert worker.failures == []
    assert not [call for call in worker.store.calls if isinstance(call, CreateGroup)]


def test_no_token_no_key_and_no_value_is_ever_in_an_error_or_in_the_log(worker: Worker) -> None:
    secret_key, secret_value, wrong_token = "session-5511987654321", "s3cret-value", "wr0ng-token"
    path = f"{SALES}/{secret_key}"
    bodies = [
        {"data": json.dumps(secret_value)},
        {"data": secret_value},
        {"data": {"x": secret_value}},
        {secret_value: 1},
        secret_value.encode(),
        f'{{"group": "{secret_value}/{secret_key}", "instance": "../{secret_value}"}}'.encode(),
    ]
    paths = [
        path,
        f"{path}?{secret_value}",
        f"{path}/..",
        f"{path}%00",
        f"{path}%FF",
        f"{path}\xa3",
        f"{path}{'x' * 300}",
        f"/{path}",
        f"/session/nowhere/nobody/{secret_key}",
        f"/session%2Fcodechat%2Fsales%2F{secret_key}",
        f"/session/codechat%2Fsales/{secret_key}",
        f"/%73ession/codechat/sales/{secret_key}",
        f"http://worker{path}",
        "/session",
        "/session/codechat",
    ]
    for token in (worker.token, wrong_token):
        for odd_path in paths:
            for body in bodies:
                for method in ("POST", "GET", "PUT", "DELETE"):
                    answer = worker.ask(method, odd_path, body, token=token)
                    if answer.status >= 400:
                        for secret in (secret_key, secret_value, wrong_token, worker.token):
                            assert secret not in repr(answer)
    for data in (
        f"GET {path}\r\n\r\n".encode(),
        request("POST", path, b"", headers=[("Content-Length", "9")]) + secret_value.encode(),
        request("POST", path, headers=[("Transfer-Encoding", "chunked")]) + f"{secret_value}\r\n".encode(),
        request("GET", path, headers=[(secret_key, ""), (f"bad {secret_value}", "")]),
        request("GET", path + "x" * 20_000),
    ):
        assert secret_key not in repr(worker.raw(data))
    log = "\n".join(worker.log)
    assert "POST /session/codechat/sales/... 204" in log
    for secret in (secret_key, secret_value, wrong_token, worker.token):
        assert secret not in log
