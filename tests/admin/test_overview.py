"""`GET /admin/overview` and `GET /admin/events`: the worker at a glance, and what happened lately."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.words import creds
from tests.memory import Worker

CREDS = "/session/codechat/sales/creds"
EVENTS = "/admin/events"

HOST = "127.0.0.1"
"""Where all calls of the tests come from."""


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[Worker]:
    """Serve a store that has one instance, without `creds`."""
    with Worker(tmp_path / "store") as running:
        assert running.ask("POST", "/session/codechat", {"instance": "sales"}).status == 204
        yield running


def test_the_overview_tells_what_there_is_and_how_it_does(worker: Worker) -> None:
    worker.ask("POST", CREDS, {"data": '{"me":1}'})
    worker.ask("POST", "/session/codechat", {"instance": "new"})
    worker.ask("GET", "/admin/groups/codechat/instances")
    answer = worker.ask("GET", "/admin/overview")
    assert answer.status == 200
    told = answer.json
    assert told["isWell"] is True
    assert 0 <= told["now"] - told["startedAt"] < 600_000
    assert told["store"]["states"] == {"well": 2, "apart": 0, "refused": 0}
    assert (told["store"]["groups"], told["store"]["instances"], told["store"]["withoutCreds"]) == (1, 2, 1)
    assert told["store"]["lastWrites"] == {"day": 1, "week": 0, "month": 0, "earlier": 0, "unknown": 1}
    assert told["store"]["attention"] == []
    assert told["counts"]["creds_lost"] == 0
    assert {"instances", "writes_refused", "limit_journal_bytes", "calls_under_way"} <= told["gauges"].keys()


def test_an_instance_that_a_person_has_to_see_to_is_named_in_it(tmp_path: Path) -> None:
    folder = tmp_path / "store" / "codechat" / "sales"
    folder.mkdir(parents=True)
    (folder / "creds").write_bytes(b"{")
    with Worker(tmp_path / "store") as worker:
        assert worker.ask("GET", CREDS).status == 503
        told = worker.ask("GET", "/admin/overview").json["store"]
        assert told["states"] == {"well": 0, "apart": 0, "refused": 1}
        [problem] = told["attention"]
        assert (problem["group"], problem["instance"]) == ("codechat", "sales")
        assert "creds" in problem["problem"]
        [event] = worker.ask("GET", EVENTS).json
        assert (event["event"], event["group"], event["instance"]) == ("creds_lost", "codechat", "sales")
        worker.failures.clear()


def test_events_say_who_asked_and_only_later_ones_if_that_is_asked(worker: Worker) -> None:
    assert worker.ask("GET", EVENTS).json == []
    worker.ask("POST", CREDS, {"data": '{"me":1}'})
    assert worker.ask("DELETE", "/session/codechat/sales").status == 200
    [dropped] = worker.ask("GET", EVENTS).json
    assert (dropped["event"], dropped["group"], dropped["instance"]) == ("instance_dropped", "codechat", "sales")
    assert dropped["by"] == HOST
    [drop] = worker.ask("GET", "/admin/drops").json
    assert worker.ask("POST", f"/admin/drops/codechat/sales/{drop['drop']}/restore").status == 204
    [restored] = worker.ask("GET", f"{EVENTS}?after={dropped['number']}").json
    assert restored["event"] == "instance_restored"
    assert worker.ask("GET", f"{EVENTS}?after={restored['number']}").json == []
    assert [event["event"] for event in worker.ask("GET", f"{EVENTS}?after=0").json] == [
        "instance_dropped",
        "instance_restored",
    ]


@pytest.mark.parametrize("query", ["?after=x", "?after=-1", "?after=1&after=2", "?a=1", "?after=1 ", f"?after={9**99}"])
def test_another_query_is_refused_in_words(worker: Worker, query: str) -> None:
    answer = worker.ask("GET", EVENTS + query.replace(" ", "%20"))
    assert answer.status == 400
    assert "after" in answer.message


@pytest.mark.parametrize("query", ["", "?", "?after="])
def test_a_query_that_asks_for_nothing_is_answered_with_all(worker: Worker, query: str) -> None:
    worker.ask("DELETE", "/session/codechat/sales")
    assert len(worker.ask("GET", EVENTS + query).json) == 1


@pytest.mark.parametrize("path", ["/admin/overview", EVENTS, f"{EVENTS}?after=1"])
def test_nobody_is_told_without_the_token(worker: Worker, path: str) -> None:
    assert worker.ask("GET", path, token=None).status == 401


def test_an_undo_that_the_documents_show_is_no_alarm(worker: Worker) -> None:
    for number in (1, 2):
        worker.ask("POST", CREDS, {"data": creds(number).decode()})
    path = "/admin/groups/codechat/instances/sales/versions"
    oldest = worker.ask("GET", path).json[-1]
    assert worker.ask("POST", f"{path}/{oldest['version']}/restore").status == 204
    [event] = worker.ask("GET", EVENTS).json
    assert (event["event"], event["by"]) == ("version_restored", HOST)
    assert worker.ask("GET", "/admin/overview").json["counts"]["creds_out_of_order"] == 0


def test_no_event_names_a_key_or_a_value(worker: Worker) -> None:
    worker.ask("POST", CREDS, {"data": creds(5).decode()})
    worker.ask("POST", CREDS, {"data": creds(1, 2).decode()})
    worker.ask("POST", "/session/codechat/sales/session-5511999.0", {"data": '"secret"'})
    worker.ask("DELETE", "/admin/groups/codechat")
    body = worker.ask("GET", EVENTS).body.decode()
    assert "5511999" not in body
    assert "secret" not in body
    assert "registrationId" not in body
