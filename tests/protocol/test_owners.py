"""Owners over the wire: the header, the lease that is told, and how one is let go."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from sessionworker.errors import HeldElsewhere
from sessionworker.stores.changes import Batch, CreateInstance, DropInstance, ReleaseInstance
from sessionworker.web.many_keys import LARGE_BODY
from tests.answers import Answer
from tests.contract.clock import Clock, stopped_clock
from tests.memory import Worker, request
from tests.protocol.words import CREDS, SALES, assert_store_is_as_it_was

GROUP = "/session/codechat"
ONE, OTHER = "host-1:71:a", "host-2:9:b"
RELEASE = {"instance": "sales", "release": True}
FREE = "/admin/groups/codechat/instances/sales/release"

CHANGES: dict[str, tuple[str, str, Any]] = {
    "create": ("POST", GROUP, {"instance": "sales"}),
    "a write": ("POST", CREDS, {"data": '{"me":"new"}'}),
    "a large write": ("POST", f"{SALES}/large", {"data": json.dumps("x" * 2**20)}),
    "many keys": ("POST", SALES, {"changes": {"creds": {"me": "new"}, "a": 1}}),
    "many large keys": ("POST", SALES, {"changes": {"creds": {"me": "new"}, "a": "x" * LARGE_BODY}}),
    "no key": ("POST", SALES, {"changes": {}}),
    "a deletion": ("DELETE", CREDS, None),
    "a drop": ("DELETE", SALES, None),
}
"""All that an owner may ask for."""

NO_CHANGES: dict[str, tuple[str, str, Any]] = {
    "a read": ("GET", CREDS, None),
    "the same without the value": ("HEAD", CREDS, None),
    "many reads": ("POST", SALES, {"keys": ["creds"]}),
    "many more reads": ("POST", SALES, {"keys": ["creds", *(f"pre-key-{number:08}" for number in range(4000))]}),
    "names": ("POST", SALES, {"list": ""}),
    "instances": ("GET", f"{GROUP}/list-instances", None),
    "a group": ("POST", "/session", {"group": "codechat"}),
    "ping": ("OPTIONS", "/ping", None),
}
"""What is nobody's own."""

NO_OWNERS = {
    "empty": [""],
    "too long": ["x" * 129],
    "with a space in it": ["a b"],
    "with a tab in it": ["a\tb"],
    "no ASCII": ["loja-são"],
    "a control character": ["a\x7f"],
    "two": [ONE, OTHER],
    "the same twice": [ONE, ONE],
}


@pytest.fixture
def clock() -> Iterator[Clock]:
    with stopped_clock() as stopped:
        yield stopped


def ask(worker: Worker, asked: tuple[str, str, Any], *owners: str) -> Answer:
    return worker.ask(*asked, headers=[("owner", owner) for owner in owners])


def take(worker: Worker, owner: str = ONE) -> str:
    """Let an owner take the instance, and return its lease."""
    answer = ask(worker, CHANGES["no key"], owner)
    lease = answer.header("lease")
    assert answer.status == 204
    assert lease
    return lease


def assert_is_refused(answer: Answer, seconds: int) -> None:
    assert (answer.status, answer.header("retry-after")) == (409, str(seconds))
    assert answer.header("lease") is None
    assert answer.json == {"statusCode": 409, "error": "Conflict", "message": ["Another owner holds this instance."]}


@pytest.mark.parametrize("asked", CHANGES.values(), ids=CHANGES)
@pytest.mark.parametrize("others", [[OTHER], []], ids=["another", "none"])
def test_what_changes_something_is_refused_to_others_and_changes_nothing(
    worker: Worker, clock: Clock, asked: tuple[str, str, Any], others: list[str]
) -> None:
    take(worker)
    clock.seconds += 12.5
    assert_is_refused(ask(worker, asked, *others), 18)
    assert_store_is_as_it_was(worker)
    assert ask(worker, asked, ONE).status in {200, 204}


@pytest.mark.parametrize(("name", "asked"), CHANGES.items(), ids=CHANGES)
def test_an_owner_is_told_its_lease_with_each_204_of_a_change(
    worker: Worker, name: str, asked: tuple[str, str, Any]
) -> None:
    lease = take(worker)
    answer = ask(worker, asked, ONE)
    assert (answer.status, answer.header("lease")) == ((204, lease) if asked[0] == "POST" else (200, None))
    if name != "a drop":
        assert_is_refused(ask(worker, CHANGES["no key"], OTHER), 30)


def test_whoever_sends_no_owner_is_told_no_lease_and_leaves_none(worker: Worker) -> None:
    for asked in CHANGES.values():
        answer = ask(worker, asked)
        assert answer.status in {200, 204}
        assert answer.header("lease") is None
    assert ask(worker, CHANGES["create"], ONE).header("lease")


@pytest.mark.parametrize("asked", NO_CHANGES.values(), ids=NO_CHANGES)
def test_what_changes_nothing_is_answered_whoever_has_the_instance(worker: Worker, asked: tuple[str, str, Any]) -> None:
    expected = ask(worker, asked)
    lease = take(worker)
    for owners in ([], [OTHER], [ONE], *NO_OWNERS.values()):
        answer = ask(worker, asked, *owners)
        assert (answer.status, answer.body, answer.header("lease")) == (expected.status, expected.body, None)
    assert take(worker) == lease


@pytest.mark.parametrize("asked", [*CHANGES.values(), ("POST", GROUP, RELEASE)], ids=[*CHANGES, "a release"])
@pytest.mark.parametrize("owners", NO_OWNERS.values(), ids=NO_OWNERS)
def test_an_owner_that_cannot_be_one_is_refused_and_nothing_is_done(
    worker: Worker, asked: tuple[str, str, Any], owners: list[str]
) -> None:
    answer = ask(worker, asked, *owners)
    assert answer.status == 400
    assert answer.json["message"] == ["The header 'owner' must be 1 to 128 visible ASCII characters, once."]
    assert_store_is_as_it_was(worker)
    assert not [call for call in worker.store.calls if isinstance(call, Batch | CreateInstance | DropInstance)]


@pytest.mark.parametrize("owner", ["!", "~" * 128, 'a"b\\c,d;e', "0"])
def test_an_owner_is_any_visible_ascii(worker: Worker, owner: str) -> None:
    assert take(worker, owner) == take(worker, owner)
    assert_is_refused(ask(worker, CHANGES["no key"], owner + "x" if len(owner) < 128 else owner[1:]), 30)


def test_a_lease_is_another_one_once_there_was_a_gap(worker: Worker, clock: Clock) -> None:
    first = take(worker)
    clock.seconds += 29.9
    assert take(worker) == first
    clock.seconds += 30
    assert take(worker) != first


def test_a_create_that_is_refused_asks_for_no_creds(worker: Worker) -> None:
    take(worker)
    worker.store.calls.clear()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(worker.store, "check_creds", lambda *_: pytest.fail("creds were asked for"))
        assert_is_refused(ask(worker, CHANGES["create"], OTHER), 30)


# How it ends


def test_an_owner_lets_go(worker: Worker) -> None:
    take(worker)
    answer = ask(worker, ("POST", GROUP, RELEASE), ONE)
    assert (answer.status, answer.body, answer.header("lease")) == (204, b"", None)
    take(worker, OTHER)
    assert_is_refused(ask(worker, ("POST", GROUP, RELEASE), ONE), 30)


def test_a_release_makes_nothing(worker: Worker) -> None:
    answer = ask(worker, ("POST", GROUP, {"instance": "new", "release": True}), ONE)
    assert answer.status == 404
    assert answer.json["message"] == ["This instance does not exist. Create it with POST /session/<group>."]
    assert ask(worker, ("POST", "/session/new", RELEASE), ONE).status == 404
    assert_store_is_as_it_was(worker)


def test_a_release_waits_for_what_its_owner_asked_for_before(worker: Worker) -> None:
    large, let_go = worker.connect(), worker.connect()
    with worker.held_up("prepare") as held:
        large.send(request(*CHANGES["a large write"], headers=[("owner", ONE)]))
        held.wait_until_called()
        let_go.send(request("POST", GROUP, RELEASE, headers=[("owner", ONE)]))
        held.let_go()
        assert [answer.status for answer in (*large.answers(), *let_go.answers())] == [204, 204]
    assert ask(worker, CHANGES["a write"]).status == 204


def test_a_release_needs_an_owner(worker: Worker) -> None:
    take(worker)
    answer = ask(worker, ("POST", GROUP, RELEASE))
    assert answer.status == 400
    assert answer.json["message"] == ["Who lets an instance go is said in the header 'owner'."]
    assert not [call for call in worker.store.calls if isinstance(call, ReleaseInstance)]


@pytest.mark.parametrize("release", [None, 1, "true", [], {}])
def test_a_release_is_true_or_false(worker: Worker, release: Any) -> None:
    answer = ask(worker, ("POST", GROUP, {"instance": "new", "release": release}), ONE)
    assert (answer.status, answer.json["message"]) == (400, ["'release' must be true or false."])
    assert_store_is_as_it_was(worker)


def test_a_release_that_is_false_is_a_create(worker: Worker) -> None:
    answer = ask(worker, ("POST", GROUP, {"instance": "new", "release": False, "other": 1}), ONE)
    assert answer.status == 204
    assert answer.header("lease")
    assert worker.ask("GET", f"{GROUP}/list-instances").json == ["new", "sales"]


def test_an_operator_ends_whoevers_lease_and_is_told_of(worker: Worker) -> None:
    take(worker)
    assert_is_refused(ask(worker, CHANGES["a drop"], OTHER), 30)
    assert (worker.ask("POST", FREE).status, worker.ask("POST", FREE).status) == (204, 204)
    assert [event["event"] for event in worker.ask("GET", "/admin/events").json] == ["lease_ended"]
    assert ask(worker, CHANGES["a write"]).status == 204
    for path in (FREE.replace("sales", "nobody"), FREE.replace("codechat", "nobody")):
        assert worker.ask("POST", path).status == 404


# What operators are told


def test_leases_and_refusals_are_counted(worker: Worker) -> None:
    def counted() -> list[str]:
        lines = worker.ask("GET", "/metrics").body.decode().splitlines()
        return [line for line in lines if line.startswith(("sessionworker_leases ", "sessionworker_held_elsewhere"))]

    assert counted() == ["sessionworker_held_elsewhere_total 0.0", "sessionworker_leases 0.0"]
    take(worker)
    for asked in CHANGES.values():
        assert ask(worker, asked, OTHER).status == HeldElsewhere.status
    ask(worker, ("POST", GROUP, RELEASE), OTHER)
    assert counted() == [f"sessionworker_held_elsewhere_total {len(CHANGES) + 1}.0", "sessionworker_leases 1.0"]
    ask(worker, ("POST", GROUP, RELEASE), ONE)
    assert counted()[1] == "sessionworker_leases 0.0"


def test_another_owner_than_the_last_one_is_logged_and_no_event(worker: Worker, clock: Clock) -> None:
    take(worker)
    take(worker)
    clock.seconds += 30
    take(worker)
    clock.seconds += 30
    take(worker, "it's")
    assert worker.reports == [
        """Owner "it's" has instance 'sales' in group 'codechat' now. Before, it was 'host-1:71:a'."""
    ]
    assert worker.ask("GET", "/admin/events").json == []
