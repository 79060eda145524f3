"""What was dropped is listed, comes back whole, or is let go."""

from __future__ import annotations

import time
from pathlib import Path

from sessionworker.stores.changes import PurgeDrop
from tests.admin.words import CREDS, SALES, counted, creds, drops, replace, restore, save, versions
from tests.memory import Worker


def test_a_dropped_instance_is_listed_and_late_writes_do_not_bring_it_back(worker: Worker) -> None:
    save(worker, creds(1))
    worker.ask("POST", f"{SALES}/pre-key-1", {"data": "{}"})
    assert worker.ask("DELETE", SALES).status == 200
    for key in ("creds", "pre-key-2"):
        assert worker.ask("POST", f"{SALES}/{key}", {"data": "{}"}).status == 404
    [drop] = drops(worker)
    assert abs(drop.pop("when") - time.time() * 1000) < 60_000
    assert drop.pop("drop")
    assert drop == {"group": "codechat", "instance": "sales", "files": 2, "bytes": len(creds(1)) + 2}
    assert worker.ask("GET", "/session/codechat/list-instances").json == []


def test_who_pairs_again_under_the_same_name_starts_fresh_and_both_stay(worker: Worker) -> None:
    save(worker, creds(1))
    worker.ask("DELETE", SALES)
    assert worker.ask("POST", "/session/codechat", {"instance": "sales"}).status == 204
    assert worker.ask("GET", CREDS).status == 404
    save(worker, creds(7, registration=2))
    [drop] = drops(worker)
    assert restore(worker, drop) == 409
    assert worker.ask("GET", CREDS).body.decode() == creds(7, registration=2)
    assert restore(worker, drop, "sales-of-old") == 204
    assert drops(worker) == []
    assert worker.ask("GET", "/session/codechat/sales-of-old/creds").body.decode() == creds(1)
    assert worker.ask("GET", CREDS).body.decode() == creds(7, registration=2)
    assert worker.ask("GET", "/session/codechat/list-instances").json == ["sales", "sales-of-old"]


def test_a_name_that_is_taken_is_free_after_a_drop(worker: Worker) -> None:
    save(worker, creds(1))
    worker.ask("DELETE", SALES)
    worker.ask("POST", "/session/codechat", {"instance": "sales"})
    save(worker, creds(7, registration=2))
    [old] = drops(worker)
    answer = worker.ask("POST", f"/admin/drops/codechat/sales/{old['drop']}/restore")
    assert (answer.status, "another name" in answer.message) == (409, True)
    worker.ask("DELETE", SALES)
    assert len(drops(worker)) == 2
    assert restore(worker, old) == 204
    assert worker.ask("GET", CREDS).body.decode() == creds(1)
    [newer] = drops(worker)
    assert restore(worker, newer) == 409
    assert restore(worker, newer, "other") == 204
    assert restore(worker, newer, "third") == 404  # it is back already


def test_a_name_that_is_taken_is_given_up_where_that_is_asked_for(worker: Worker) -> None:
    save(worker, creds(1))
    worker.ask("DELETE", SALES)
    worker.ask("POST", "/session/codechat", {"instance": "sales"})
    save(worker, creds(7, registration=2))
    [old] = drops(worker)
    assert replace(worker, old, "sales") == 204
    assert worker.ask("GET", CREDS).body.decode() == creds(1)
    [newer] = drops(worker)
    assert (newer["instance"], newer["files"]) == ("sales", 1)
    worker.ask("POST", "/session/codechat", {"instance": "sales"}, headers=[("owner", "one")])
    assert replace(worker, newer, "sales") == 409
    assert replace(worker, newer, "sales", owner="another") == 409
    assert replace(worker, newer, "sales", owner="not allowed") == 400
    assert worker.ask("GET", CREDS).body.decode() == creds(1)
    assert replace(worker, newer, "sales", owner="one") == 204
    assert worker.ask("GET", CREDS).body.decode() == creds(7, registration=2)
    told = [event["event"] for event in worker.ask("GET", "/admin/events").json]
    assert told[-2:] == ["instance_dropped", "instance_restored"]


def test_what_a_replacement_is_asked_for_with_must_be_so(worker: Worker) -> None:
    save(worker, creds(1))
    worker.ask("DELETE", SALES)
    [old] = drops(worker)
    path = f"/admin/drops/codechat/sales/{old['drop']}/restore"
    for odd in ("true", 1, None, [1]):
        answer = worker.ask("POST", path, {"instance": "sales", "replace": odd})
        assert (answer.status, answer.message) == (400, "'replace' must be true or false.")
    assert drops(worker) == [old]
    worker.ask("POST", "/session/codechat", {"instance": "sales"})
    assert worker.ask("POST", path, {"instance": "sales", "replace": False}).status == 409
    assert worker.ask("POST", path, {"replace": True}).status == 400


def test_what_comes_back_has_its_keys_and_its_versions_and_takes_writes(worker: Worker) -> None:
    save(worker, creds(1), creds(2))
    worker.ask("POST", f"{SALES}/app-state-sync-key-AA/+on==", {"data": '{"k":1}'})
    before = versions(worker)
    worker.ask("DELETE", SALES)
    [drop] = drops(worker)
    assert restore(worker, drop) == 204
    assert worker.ask("GET", f"{SALES}/app-state-sync-key-AA/+on==").body == b'{"k":1}'
    assert versions(worker) == before
    assert worker.ask("POST", "/session/codechat", {"instance": "sales"}).status == 204
    save(worker, creds(3))
    assert worker.ask("GET", CREDS).body.decode() == creds(3)
    assert len(versions(worker)) == 3


def test_a_group_is_dropped_with_its_instances_and_each_can_be_brought_back(worker: Worker) -> None:
    save(worker, creds(1))
    worker.ask("POST", "/session/codechat", {"instance": "support"})
    worker.ask("POST", "/session/evolution", {"instance": "sales"})
    assert worker.ask("DELETE", "/admin/groups/codechat").status == 200
    assert worker.ask("GET", "/admin/groups").json == ["evolution"]
    assert worker.ask("POST", CREDS, {"data": "{}"}).status == 404
    found = {drop["instance"]: drop for drop in drops(worker)}
    assert set(found) == {"sales", "support"}
    assert restore(worker, found["sales"]) == 204
    assert worker.ask("GET", CREDS).body.decode() == creds(1)
    assert worker.ask("GET", "/session/codechat/list-instances").json == ["sales"]
    assert worker.ask("DELETE", "/admin/groups/nowhere").status == 404


def test_removing_an_instance_that_never_was_is_200_and_counted(worker: Worker) -> None:
    assert counted(worker, "drops_of_unknown_instances") == 0
    for path in ("/session/codechat/nobody", "/session/nowhere/nobody", SALES, SALES):
        answer = worker.ask("DELETE", path)
        assert (answer.status, answer.body) == (200, b"null")
    assert counted(worker, "drops_of_unknown_instances") == 3  # the third was there


def test_what_was_dropped_is_let_go_when_its_time_is_up_and_not_before(tmp_path: Path) -> None:
    with Worker(tmp_path) as worker:
        worker.ask("POST", "/session/codechat", {"instance": "sales"})
        worker.ask("DELETE", SALES)
        [drop] = drops(worker)
        assert worker.store.drops_before(drop["when"]) == []
        assert worker.store.drops_before(drop["when"] + 1) == [PurgeDrop("codechat", "sales", drop["drop"])]


def test_what_was_dropped_can_be_erased_for_good(worker: Worker) -> None:
    worker.ask("POST", "/session/codechat", {"instance": "sales"})
    save(worker, creds(1))
    worker.ask("DELETE", SALES)
    [drop] = drops(worker)
    path = f"/admin/drops/codechat/sales/{drop['drop']}"
    answer = worker.ask("DELETE", path)
    assert (answer.status, answer.body) == (200, b"null")
    assert drops(worker) == []
    assert worker.ask("DELETE", path).status == 404
    assert worker.ask("POST", f"{path}/restore").status == 404
    assert worker.ask("POST", "/admin/checkpoint").status == 204
    assert not [path for path in worker.folder.rglob("creds*") if path.is_file()]
