"""Many keys in one request: all changes or none, bytes kept, every key answered."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessionworker.stores.changes import Batch
from sessionworker.web import many_keys
from sessionworker.web.many_keys import LARGE_BODY
from tests.memory import Worker, request
from tests.protocol.words import CREDS, OLD_VALUE, SALES, assert_store_is_as_it_was, with_one_worker

FILLED = "a text that makes a body large: "


def change(worker: Worker, changes: dict[str, Any]) -> int:
    return worker.ask("POST", SALES, json.dumps({"changes": changes}).encode()).status


def read(worker: Worker, *keys: str) -> Any:
    return worker.ask("POST", SALES, {"keys": list(keys)}).json


def test_changes_are_made_in_one_commit_and_read_in_one_answer(worker: Worker) -> None:
    assert worker.ask("POST", f"{SALES}/gone", {"data": "1"}).status == 204
    worker.store.calls.clear()
    assert change(worker, {"creds": {"me": "new"}, "pre-key-1": [1], "lid-mapping-55": "12", "gone": None}) == 204
    [batch] = [call for call in worker.store.calls if isinstance(call, Batch)]
    assert len(batch.changes) == 4
    expected = {"creds": {"me": "new"}, "pre-key-1": [1], "lid-mapping-55": "12", "gone": None, "never": None}
    assert read(worker, *expected) == {"values": expected}
    assert worker.ask("GET", f"{SALES}/gone").status == 404


@pytest.mark.parametrize("filling", ["", FILLED * 3000], ids=["small", "large"])
@pytest.mark.parametrize(
    "value",
    [b'{ "x" :1.50,\n"x":1e2}', '"é☎😀"'.encode(), rb'"\u00e9\ud83d\ude00"', rb'"\ud83d"', b"-0.0", b'["\\ud83d"]'],
)
def test_values_come_back_byte_for_byte(worker: Worker, value: bytes, filling: str) -> None:
    body = b'{"changes": {"a" : %b , "b":%b}}' % (value, json.dumps(filling).encode())
    assert worker.ask("POST", SALES, body).status == 204
    assert worker.ask("GET", f"{SALES}/a").body == value
    assert worker.ask("POST", SALES, {"keys": ["a"]}).body == b'{"values":{"a":%b}}' % value


def test_one_key_that_memory_knows_needs_no_thread(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    read_many = Mock(wraps=worker.store.read_many)
    monkeypatch.setattr(worker.store, "read_many", read_many)
    assert change(worker, {"a": 1, "b": 2, "gone": None}) == 204
    assert read(worker, "a", "a") == {"values": {"a": 1}}
    assert read(worker, "gone") == {"values": {"gone": None}}
    assert read_many.call_count == 0
    assert read(worker, "a", "b") == {"values": {"a": 1, "b": 2}}
    assert read_many.call_count == 1  # two are of one moment: the store sees to that


NOTHING_IS_DONE = {
    "no JSON": b"{",
    "no JSON in a value": b'{"changes":{"a":1,"b":[1,]}}',
    "no JSON beside half of an emoji": rb'{"changes":{"a":"\ud83d","b":NaN}}',
    "more behind it": rb'{"changes":{"a":"\ud83d"}} 1',
    "no UTF-8": b'{"changes":{"a":"\xff"}}',
    "nothing": b"{}",
    "both": b'{"changes":{},"keys":[]}',
    "changes that are none": b'{"changes":["a"]}',
    "no changes": b'{"changes":null}',
    "keys that are none": b'{"keys":{"a":1}}',
    "keys of another kind": b'{"keys":["a",1]}',
    "a list of no text": b'{"list":["a"]}',
    "an array": b"[]",
    "an empty key": b'{"changes":{"a":1,"":2}}',
    "a key that is no name": b'{"changes":{"a":1,"b/../c":2}}',
    "a key with half of an emoji": rb'{"changes":{"a":1,"\ud83d":2}}',
    "a key that is read and no name": b'{"keys":["a",".."]}',
    "creds that are none": b'{"changes":{"a":1,"creds":[]}}',
}


@pytest.mark.parametrize("filling", [b"", b" " * LARGE_BODY], ids=["small", "large"])
@pytest.mark.parametrize("body", NOTHING_IS_DONE.values(), ids=NOTHING_IS_DONE)
def test_what_is_not_allowed_changes_nothing(worker: Worker, body: bytes, filling: bytes) -> None:
    answer = worker.ask("POST", SALES, filling + body)
    assert answer.status == 400
    assert worker.ask("GET", f"{SALES}/a").status == 404
    assert_store_is_as_it_was(worker)


@pytest.mark.parametrize("field", ["changes", "keys"])
def test_more_keys_than_5000_are_refused_and_so_many_are_not(worker: Worker, field: str) -> None:
    def body(count: int) -> dict[str, Any]:
        names = [f"k{number}" for number in range(count)]
        return {field: names if field == "keys" else dict.fromkeys(names, 1)}

    answer = worker.ask("POST", SALES, body(5001))
    assert (answer.status, answer.json["message"]) == (413, ["At most 5,000 keys in one request."])
    assert worker.ask("GET", f"{SALES}/k1").status == 404
    assert worker.ask("POST", SALES, body(5000)).status in {200, 204}


@pytest.mark.parametrize(
    "body", [{"changes": {}}, {"changes": {"a": None}}, {"changes": {"a": 1}}, {"keys": ["a"]}, {"list": ""}]
)
def test_an_instance_or_a_group_that_is_not_there_is_named(worker: Worker, body: dict[str, Any]) -> None:
    assert worker.ask("POST", "/session/codechat/other", body).json["message"][0].startswith("This instance does not")
    assert worker.ask("POST", "/session/other/sales", body).json["message"][0].startswith("This group does not exist")
    assert worker.ask("POST", SALES, body).status in {200, 204}


def test_keys_are_listed_from_one_on_to_the_next(worker: Worker) -> None:
    names = sorted(f"pre-key-{number}" for number in range(5100))
    for part in (names[:3000], names[3000:]):
        assert change(worker, dict.fromkeys(part, 1)) == 204
    first = worker.ask("POST", SALES, {"list": "pre-key-"}).json
    assert first == {"keys": names[:5000], "more": True}
    assert worker.ask("POST", SALES, {"list": "pre-key-", "after": first["keys"][-1]}).json == {
        "keys": names[5000:],
        "more": False,
    }
    assert worker.ask("POST", SALES, {"list": "cre"}).json == {"keys": ["creds"], "more": False}


def test_what_an_answer_has_no_room_for_is_left(tmp_path: Path) -> None:
    with Worker(tmp_path / "store", body_size=1000) as worker:
        worker.ask("POST", "/session/codechat", {"instance": "sales"})
        values = dict.fromkeys("abc", "x" * 700)
        for key, value in values.items():
            assert change(worker, {key: value}) == 204
        got: dict[str, Any] = {}
        left = ["a", "b", "never", "c"]
        answers = 0
        while left:
            answer = read(worker, *left)
            got |= answer["values"]
            left = answer.get("left", [])
            answers += 1
        assert got == {**values, "never": None}
        assert answers == 3


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "HEAD"])
def test_other_methods_are_named_none(worker: Worker, method: str) -> None:
    answer = worker.ask(method, SALES)
    assert (answer.status, answer.header("allow")) == (405, "DELETE, POST")


@pytest.mark.parametrize(
    "ask", [lambda large: {"changes": {"k": large}}, lambda _: {"changes": {"k": 1}}], ids=["large", "small"]
)
def test_what_comes_later_for_the_instance_is_made_later(worker: Worker, ask: Callable[[str], Any]) -> None:
    # Those that are large are read in a thread; what follows may not overtake them.
    connection = worker.connect()

    for number in range(20):
        connection.send(request("POST", SALES, json.dumps(ask(FILLED * 4000)).encode()))
        connection.send(request("POST", f"{SALES}/k", {"data": str(number)}))
    assert {answer.status for answer in connection.answers(*["POST"] * 40)} == {204}
    assert worker.ask("GET", f"{SALES}/k").body == b"19"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(
    changes=st.dictionaries(
        st.from_regex(r"[a-z0-9:./ é-]{1,30}", fullmatch=True).filter(
            lambda key: not {".", ".."} & set(key.split("/"))
        ),
        json_values,
        max_size=5,
    ),
    ascii_only=st.booleans(),
)
@with_one_worker
def test_whatever_is_changed_is_read(worker: Worker, changes: dict[str, Any], ascii_only: bool) -> None:
    changes.pop("creds", None)
    body = json.dumps({"changes": changes}, ensure_ascii=ascii_only).encode(errors="surrogatepass")
    assert worker.ask("POST", SALES, body).status == 204
    assert read(worker, *changes)["values"] == changes
    assert worker.ask("GET", CREDS).body == OLD_VALUE


@pytest.mark.parametrize("value", [b" null ", rb'"\ud83d"', '"é☎😀"'.encode(), b'{ "x" :1.50,\n"x":1e2}'])
def test_all_that_an_instance_holds_is_read_byte_for_byte(worker: Worker, value: bytes) -> None:
    before = worker.ask("POST", SALES, {"whole": True}).json["texts"]
    assert worker.ask("POST", f"{SALES}/a%2Fb", {"data": value.decode()}).status == 204
    assert worker.ask("POST", SALES, {"whole": True}).json == {"texts": {**before, "a/b": value.decode()}}


def test_all_of_an_instance_that_is_too_large_is_refused(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(many_keys, "MOST_BYTES_OF_ALL", 10)
    assert worker.ask("POST", f"{SALES}/a", {"data": '"0123456789"'}).status == 204
    assert worker.ask("POST", SALES, {"whole": True}).status == 413


def test_what_is_written_meanwhile_waits_until_all_is_read(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    ask = Mock(wraps=worker.offload.ask_in_turn)
    monkeypatch.setattr(worker.offload, "ask_in_turn", ask)
    assert worker.ask("POST", SALES, {"whole": True}).status == 200
    assert ask.call_args.args[:2] == ("codechat", "sales")


def test_all_of_what_is_not_there_is_404(worker: Worker) -> None:
    for path in ("/session/codechat/nobody", "/session/nobody/sales"):
        assert worker.ask("POST", path, {"whole": True}).status == 404


def test_all_of_an_instance_is_in_memory_twice_at_most() -> None:
    size = 20 * 2**20
    tracemalloc.start()
    try:
        body = many_keys.texts_form({str(number): b'"%b"' % (b"x" * 2**20) for number in range(20)})
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(json.loads(body)["texts"]) == 20
    assert peak < 2.8 * size  # an encoder takes half as much again as it needs
