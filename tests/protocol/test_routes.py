"""Each route does what it is there for."""

from __future__ import annotations

from urllib.parse import quote

from tests.answers import JSON, TEXT
from tests.memory import Worker
from tests.protocol.words import CREDS, SALES, assert_store_is_as_it_was


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


def test_head_answers_as_get_does_without_the_body(worker: Worker) -> None:
    for path, status in ((CREDS, 200), ("/session/codechat/list-instances", 200), (f"{SALES}/none", 404)):
        head, get = worker.ask("HEAD", path), worker.ask("GET", path)
        assert (head.status, head.body) == (status, b"")
        assert dict(head.headers) | {"date": ""} == dict(get.headers) | {"date": ""}
    assert worker.ask("HEAD", "/ping").status == 405
