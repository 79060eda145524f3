"""What the worker counts and measures, in Prometheus' text format."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from sessionworker.http import limits
from sessionworker.web.metrics import COUNTS
from tests.admin.words import creds
from tests.answers import METRICS
from tests.memory import Worker, request

SALES = "/session/codechat/sales"
CREDS = f"{SALES}/creds"


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[Worker]:
    with Worker(tmp_path / "store") as running:
        yield running


def metrics(worker: Worker) -> dict[str, Metric]:
    """Ask for the metrics, and parse them as Prometheus does."""
    answer = worker.ask("GET", "/metrics")
    assert (answer.status, answer.header("content-type")) == (200, METRICS)
    return {family.name: family for family in text_string_to_metric_families(answer.body.decode())}


def value(worker: Worker, name: str, **labels: str) -> float:
    """Return a sample's value, 0 where it is not there yet."""
    found = [
        sample.value
        for family in metrics(worker).values()
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    ]
    assert len(found) < 2
    return found[0] if found else 0.0


def test_requests_are_counted_by_route_method_and_status(worker: Worker) -> None:
    for _ in range(3):
        worker.ask("POST", "/session/codechat", {"instance": "sales"})
    worker.ask("POST", "/session", {"group": "codechat"})
    worker.ask("POST", CREDS, {"data": "{}"})
    worker.ask("POST", CREDS, {"data": "{"})
    for _ in range(2):
        worker.ask("GET", CREDS)
    worker.ask("GET", CREDS, token=None)
    worker.ask("HEAD", CREDS)
    worker.ask("GET", f"{SALES}/app-state-sync-key-AA/+on==")
    worker.ask("DELETE", f"{SALES}/pre-key-1")
    worker.ask("GET", "/session/codechat/list-instances")
    worker.ask("OPTIONS", "/ping")
    worker.ask("GET", "/health")
    worker.ask("GET", "/admin/groups")
    worker.ask("GET", "/admin/groups/codechat/instances")
    worker.ask("DELETE", SALES)
    worker.ask("GET", "/nothing")
    worker.ask("PROPFIND", "/session")
    counted = {
        (sample.labels["route"], sample.labels["method"], sample.labels["status"]): sample.value
        for sample in metrics(worker)["sessionworker_http_requests"].samples
        if sample.value
    }
    assert counted == {
        ("/session/G", "POST", "204"): 3,
        ("/session", "POST", "204"): 1,
        ("/session/G/I/K", "POST", "204"): 1,
        ("/session/G/I/K", "POST", "400"): 1,
        ("/session/G/I/K", "GET", "200"): 2,
        ("/session/G/I/K", "GET", "401"): 1,
        ("/session/G/I/K", "HEAD", "200"): 1,
        ("/session/G/I/K", "GET", "404"): 1,
        ("/session/G/I/K", "DELETE", "200"): 1,
        ("/session/G/list-instances", "GET", "200"): 1,
        ("/ping", "OPTIONS", "200"): 1,
        ("/health", "GET", "200"): 1,
        ("/admin", "GET", "200"): 2,
        ("/session/G/I", "DELETE", "200"): 1,
        ("other", "GET", "404"): 1,
        ("/session", "other", "405"): 1,
    }


def test_no_name_no_key_no_value_and_no_token_is_ever_in_the_metrics(worker: Worker) -> None:
    secrets = ["s3cret-group", "s3cret-instance", "5511987654321", "s3cret-value", "s3cret-method", "wr0ng", "s3c-path"]
    group, instance, key, held, method, wrong, path = secrets
    worker.ask("POST", f"/session/{group}", {"instance": instance})
    for token in (worker.token, wrong):
        for how in ("POST", "GET", "DELETE", method):
            for where in (
                f"/session/{group}/{instance}/session-{key}",
                f"/session/{group}/{instance}",
                f"/session/{group}",
                f"/session/{group}/list-instances",
                f"/admin/groups/{group}/instances/{instance}/versions",
                f"/{path}",
                f"/{path}/{key}",
                f"/session/{group}/{instance}/a?{path}",
                f"http://{path}/x",
                f"/admin/{path}",
            ):
                worker.ask(how, where, {"data": f'"{held}"'}, token=token)
    worker.raw(f"NONSENSE {path}\r\n\r\n".encode())
    text = worker.ask("GET", "/metrics").body.decode()
    for secret in (*secrets, worker.token):
        assert secret not in text


def test_there_are_never_more_routes_than_those_that_exist(worker: Worker) -> None:
    for number in range(100):
        worker.ask(f"M{number}", f"/p{number}")
        worker.ask("GET", f"/session/g{number}/i{number}/k{number}")
        worker.ask("GET", f"/admin/{number}")
    found = {sample.labels["route"] for sample in metrics(worker)["sessionworker_http_requests"].samples}
    assert found == {"other", "/session/G/I/K", "/admin"}


def test_the_time_of_each_request_is_measured_from_its_last_byte_to_its_answer(worker: Worker) -> None:
    worker.ask("POST", "/session/codechat", {"instance": "sales"})
    data = request("POST", CREDS, {"data": "{}"})
    with worker.held_up("commit") as held:
        connection = worker.connect()
        connection.send(data[:-1])
        worker.reactor.advance(5)  # the client's own time
        connection.send(data[-1:])
        held.wait_until_called()
        worker.reactor.advance(0.3)
    worker.settle()
    where = {"route": "/session/G/I/K", "method": "POST"}
    assert value(worker, "sessionworker_http_request_duration_seconds_count", **where) == 1
    assert value(worker, "sessionworker_http_request_duration_seconds_sum", **where) == pytest.approx(0.3)
    assert value(worker, "sessionworker_http_request_duration_seconds_bucket", **where, le="0.25") == 0
    assert value(worker, "sessionworker_http_request_duration_seconds_bucket", **where, le="0.5") == 1


def test_what_waits_is_shown_while_it_waits(worker: Worker) -> None:
    worker.ask("POST", "/session/codechat", {"instance": "sales"})
    with worker.held_up("commit") as held:
        for number in range(3):
            worker.connect().send(request("POST", f"{SALES}/k{number}", {"data": '"' + "x" * 998 + '"'}))
        held.wait_until_called()
        gauges = {name: family.samples[0].value for name, family in _at_once(worker).items() if family.type == "gauge"}
        assert gauges["sessionworker_calls_under_way"] == 3
        assert gauges["sessionworker_queued_value_bytes"] == 3000
    worker.settle()
    assert value(worker, "sessionworker_calls_under_way") == 0
    assert value(worker, "sessionworker_queued_value_bytes") == 0


def _at_once(worker: Worker) -> dict[str, Metric]:
    connection = worker.connect()
    connection.send(request("GET", "/metrics"))
    [answer] = connection.answers_so_far()
    return {family.name: family for family in text_string_to_metric_families(answer.body.decode())}


def test_each_checkpoint_that_has_something_to_do_is_timed(worker: Worker) -> None:
    worker.ask("POST", "/session/codechat", {"instance": "sales"})
    worker.ask("POST", "/session/codechat/sales/creds", {"data": '{"me":1}'})
    for _ in range(2):
        worker.ask("POST", "/admin/checkpoint")
    assert value(worker, "sessionworker_checkpoint_seconds_count") == 1
    assert value(worker, "sessionworker_checkpoint_seconds_sum") > 0


def test_the_journal_and_the_store_are_measured(worker: Worker) -> None:
    worker.ask("POST", "/session/codechat", {"instance": "sales"})
    before = value(worker, "sessionworker_journal_bytes")
    syncs = value(worker, "sessionworker_journal_sync_seconds_count")
    worker.ask("POST", CREDS, {"data": json.dumps({"pad": "x" * 10_000})})
    assert value(worker, "sessionworker_journal_bytes") >= before + 10_000
    assert value(worker, "sessionworker_unwritten_value_bytes") >= 10_000
    assert value(worker, "sessionworker_journal_sync_seconds_count") == syncs + 1
    assert value(worker, "sessionworker_journal_sync_seconds_sum") > 0
    assert value(worker, "sessionworker_groups") == 1
    assert value(worker, "sessionworker_instances") == 1
    worker.store.checkpoint()
    assert value(worker, "sessionworker_journal_bytes") < before + 10_000
    assert value(worker, "sessionworker_unwritten_value_bytes") == 0
    assert value(worker, "sessionworker_cache_bytes") >= 10_000


def test_a_reactor_that_is_late_is_seen(worker: Worker) -> None:
    worker.advance(3)
    assert value(worker, "sessionworker_event_loop_lag_seconds") == 0
    worker.reactor.advance(3.5)
    assert value(worker, "sessionworker_event_loop_lag_seconds") == pytest.approx(2.5)
    worker.advance(2)
    assert value(worker, "sessionworker_event_loop_lag_seconds") < 1


def test_requests_that_are_refused_before_they_come_whole_are_counted_by_status(worker: Worker) -> None:
    worker.raw(b"nonsense\r\n\r\n")
    worker.raw(request("POST", CREDS, headers=[("Content-Length", str(40 * 2**20))]))
    worker.raw(request("POST", CREDS, token=None, headers=[("Content-Length", str(40 * 2**20))]))
    for status in ("400", "401", "413"):
        assert value(worker, "sessionworker_refused_early_total", status=status) == 1


def test_a_connection_that_is_cut_off_for_being_late_is_no_request(worker: Worker) -> None:
    worker.connect().send(b"GET / HT")
    worker.advance(limits.HEADER_SECONDS + 2)
    assert sum(sample.value for sample in metrics(worker)["sessionworker_http_requests"].samples) == 0


def test_each_counter_of_the_store_is_there_from_the_start_with_its_meaning(worker: Worker) -> None:
    found = metrics(worker)
    for name, meaning in COUNTS.items():
        family = found[f"sessionworker_{name}"]
        assert (family.type, family.documentation) == ("counter", meaning)
        assert [(sample.name, sample.value) for sample in family.samples] == [(f"sessionworker_{name}_total", 0)]


def test_every_metric_of_ours_has_a_help_and_a_type_and_those_of_the_process_are_there(worker: Worker) -> None:
    found = metrics(worker)
    for name, family in found.items():
        assert family.documentation, name
        assert family.type in {"counter", "gauge", "histogram"}, name
    assert {"process_resident_memory_bytes", "process_open_fds", "python_info"} <= set(found)


def test_what_the_store_counts_is_shown(worker: Worker) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    worker.ask("POST", "/session/codechat", {"instance": "sales"})
    for text in (creds(5), creds(3), creds(1, registration=2)):
        worker.ask("POST", CREDS, {"data": text})
    worker.ask("DELETE", "/session/codechat/nobody")
    worker.store.checkpoint()
    folder = worker.folder / "codechat" / "sales"
    (folder / "creds").write_bytes(b"")
    worker.ask("POST", "/session/codechat", {"instance": "sales"})
    worker.ask("POST", f"{CREDS}-of-nobody", {"data": "1"})  # after the repair, which nobody waits for
    worker.store.checkpoint()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(worker.store._parts.journal, "append", fail)
        worker.ask("POST", CREDS, {"data": "{}"})
    for name, count in (
        ("creds_out_of_order", 1),
        ("identity_changes", 1),
        ("drops_of_unknown_instances", 1),
        ("creds_restored", 1),
        ("files_set_aside", 1),
        ("journal_errors", 1),
        ("creds_lost", 0),
    ):
        assert value(worker, f"sessionworker_{name}_total") == count, name
    assert set(worker.store.figures().counts) <= set(COUNTS)
