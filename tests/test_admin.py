"""What an operator sees and undoes: what is stored, older versions of `creds`, and instances that were dropped."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from sessionworker.stores.changes import DropInstance, PurgeDrop, RestoreInstance
from sessionworker.stores.rules.versions import Keep
from tests.memory import Connection, Worker, request

SALES = "/session/codechat/sales"
CREDS = f"{SALES}/creds"
VERSIONS = "/admin/groups/codechat/instances/sales/versions"


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[Worker]:
    """Serve a store that has one instance, without `creds`."""
    with Worker(tmp_path / "store") as running:
        assert running.ask("POST", "/session/codechat", {"instance": "sales"}).status == 204
        yield running


def creds(next_pre_key: int, registration: int = 1) -> str:
    """Make the `creds` of one identity for each `registration`."""
    key = {"private": {"type": "Buffer", "data": f"private-{registration}"}}
    return json.dumps(
        {
            "registrationId": registration,
            "noiseKey": key,
            "signedIdentityKey": key,
            "nextPreKeyId": next_pre_key,
        }
    )


def save(worker: Worker, *values: str) -> None:
    for value in values:
        assert worker.ask("POST", CREDS, {"data": value}).status == 204


def versions(worker: Worker) -> list[dict[str, Any]]:
    answer = worker.ask("GET", VERSIONS)
    assert answer.status == 200
    found: list[dict[str, Any]] = answer.json
    return found


def drops(worker: Worker) -> list[dict[str, Any]]:
    answer = worker.ask("GET", "/admin/drops")
    assert answer.status == 200
    found: list[dict[str, Any]] = answer.json
    return found


def restore(worker: Worker, drop: dict[str, Any], name: str | None = None) -> int:
    body = None if name is None else {"instance": name}
    path = f"/admin/drops/{quote(drop['group'])}/{quote(drop['instance'])}/{drop['drop']}/restore"
    return worker.ask("POST", path, body).status


def restore_version(worker: Worker, version: str) -> int:
    return worker.ask("POST", f"{VERSIONS}/{version}/restore").status


def counted(worker: Worker, name: str) -> float:
    """Return what the metrics say of a counter."""
    text = worker.ask("GET", "/metrics").body.decode()
    [line] = [line for line in text.splitlines() if line.startswith(f"sessionworker_{name}_total ")]
    return float(line.split()[1])


# What is stored


def test_groups_are_listed_sorted(worker: Worker) -> None:
    for group in ("evolution", "a b"):
        worker.ask("POST", "/session", {"group": group})
    assert worker.ask("GET", "/admin/groups").json == ["a b", "codechat", "evolution"]


def test_an_instance_is_described_by_its_files_their_bytes_their_types_and_its_last_write(worker: Worker) -> None:
    began = time.time() * 1000 - 1000  # the clock of a file system is coarser than ours
    values = {"creds": creds(1), "pre-key-1": "{}", "pre-key-2": "{}", "session-55.0": '{"a":1}', "other": "1"}
    for key, value in values.items():
        assert worker.ask("POST", f"{SALES}/{key}", {"data": value}).status == 204
    worker.ask("POST", "/session/codechat", {"instance": "empty"})
    empty, sales = worker.ask("GET", "/admin/groups/codechat/instances").json
    assert empty == {"instance": "empty", "files": 0, "bytes": 0, "lastWrite": 0, "types": {}}
    assert began < sales.pop("lastWrite") <= time.time() * 1000
    types = sales.pop("types")
    assert {"creds": 1, "pre-key": 2, "session": 1}.items() <= types.items()
    assert sum(types.values()) == 5
    assert sales == {"instance": "sales", "files": 5, "bytes": sum(map(len, values.values()))}


def test_older_versions_and_broken_files_are_not_counted_as_session_files(worker: Worker) -> None:
    save(worker, creds(1), creds(2), creds(3))
    [sales] = worker.ask("GET", "/admin/groups/codechat/instances").json
    assert (sales["files"], sales["types"]) == (1, {"creds": 1})


def test_an_escaped_slash_does_not_make_another_name_of_what_follows_it(worker: Worker) -> None:
    save(worker, creds(1))
    [version] = versions(worker)
    worker.ask("DELETE", SALES)
    [drop] = drops(worker)
    for method, path in (
        ("GET", "/admin/groups/codechat%2Finstances"),
        ("GET", "/admin/groups/codechat/instances/sales%2Fversions"),
        ("GET", "/admin/groups/codechat/instances%2Fsales/versions"),
        ("POST", f"{VERSIONS}/{version['version']}%2Frestore"),
        ("POST", f"/admin/drops/codechat/sales%2F{drop['drop']}/restore"),
    ):
        assert worker.ask(method, path).status == 400, path
    assert len(drops(worker)) == 1


@pytest.mark.parametrize("name", ["..", "%2e%2e", "a%00b", "a" * 256, "%FF"])
def test_a_name_that_leads_elsewhere_is_400(worker: Worker, name: str) -> None:
    worker.store.calls.clear()
    for method, path in (
        ("GET", f"/admin/groups/{name}/instances"),
        ("DELETE", f"/admin/groups/{name}"),
        ("GET", f"/admin/groups/{name}/instances/sales/versions"),
        ("GET", f"/admin/groups/codechat/instances/{name}/versions"),
        ("POST", f"/admin/groups/codechat/instances/{name}/versions/1-0.0123456789ab.1/restore"),
        ("POST", f"/admin/drops/{name}/sales/1-0/restore"),
        ("POST", f"/admin/drops/codechat/{name}/1-0/restore"),
    ):
        assert worker.ask(method, path).status == 400, path
    assert worker.ask("POST", "/admin/drops/codechat/sales/1-0/restore", {"instance": "../x"}).status == 400
    assert worker.store.calls == []


@pytest.mark.parametrize("drop", ["..", "%2e%2e", "1-0", "x", "1-", "%00", "9" * 300, "1700000000000-0%2F..", "."])
def test_a_drop_that_does_not_exist_is_404_or_400_whatever_it_is_called(worker: Worker, drop: str) -> None:
    worker.ask("DELETE", SALES)
    assert len(drops(worker)) == 1
    assert worker.ask("POST", f"/admin/drops/codechat/sales/{drop}/restore").status in {400, 404}
    assert worker.ask("POST", f"/admin/drops/codechat/nobody/{drop}/restore").status in {400, 404}
    assert len(drops(worker)) == 1
    assert worker.ask("GET", "/session/codechat/list-instances").json == []


@pytest.mark.parametrize("body", [b"{", {}, {"instance": 5}, {"instance": ""}, {"name": "x"}])
def test_another_name_that_is_none_is_400_and_nothing_is_brought_back(worker: Worker, body: Any) -> None:
    worker.ask("DELETE", SALES)
    [drop] = drops(worker)
    assert worker.ask("POST", f"/admin/drops/codechat/sales/{drop['drop']}/restore", body).status == 400
    assert drops(worker) == [drop]


# Versions


def test_each_overwrite_of_creds_is_a_version_and_the_newest_is_first_and_current(worker: Worker) -> None:
    assert versions(worker) == []
    save(worker, *(creds(number) for number in range(1, 5)))
    found = versions(worker)
    assert len(found) == 4
    assert [version["isCurrent"] for version in found] == [True, False, False, False]
    whens = [version["when"] for version in found]
    assert whens == sorted(whens, reverse=True)
    assert abs(whens[0] - time.time() * 1000) < 60_000
    assert {version["bytes"] for version in found} == {len(creds(1))}
    assert len({version["identity"] for version in found}) == 1
    assert [version["isPinned"] for version in found] == [True, False, False, False]


def test_as_many_versions_are_kept_as_the_settings_say(tmp_path: Path) -> None:
    with Worker(tmp_path / "store", keep=Keep(newest=3, hours=0, days=0)) as worker:
        worker.ask("POST", "/session/codechat", {"instance": "sales"})
        for number in range(1, 9):
            save(worker, creds(number))
            assert len(versions(worker)) == min(number, 3)
        save(worker, *(creds(number) for number in range(9, 20)))
        found = versions(worker)
        assert [version["version"].rpartition(".")[2] for version in found] == ["19", "18", "17"]


def test_the_last_version_of_each_identity_stays_however_many_come_after_it(tmp_path: Path) -> None:
    with Worker(tmp_path / "store", keep=Keep(newest=2, hours=0, days=0)) as worker:
        worker.ask("POST", "/session/codechat", {"instance": "sales"})
        save(worker, creds(1), creds(2), *(creds(number, registration=2) for number in range(1, 8)))
        assert [version["isPinned"] for version in versions(worker)] == [True, False, True]
        [old] = [version for version in versions(worker) if version["version"].endswith(".2")]
        assert restore_version(worker, old["version"]) == 204
        assert worker.ask("GET", CREDS).body.decode() == creds(2)
        assert [version["isPinned"] for version in versions(worker)] == [True, True]
        assert counted(worker, "identity_changes") == 1  # what was undone on purpose is none


def test_creds_that_come_out_of_order_are_kept_and_counted(worker: Worker) -> None:
    save(worker, creds(5), creds(3), creds(6))
    assert len(versions(worker)) == 3
    assert worker.ask("GET", CREDS).body.decode() == creds(6)
    assert (counted(worker, "creds_out_of_order"), counted(worker, "identity_changes")) == (1, 0)


def test_a_version_that_is_restored_is_what_creds_are_and_what_it_replaced_stays(worker: Worker) -> None:
    save(worker, creds(1), creds(2), creds(3))
    _, _, oldest = versions(worker)
    assert restore_version(worker, oldest["version"]) == 204
    assert worker.ask("GET", CREDS).body.decode() == creds(1)
    found = versions(worker)
    assert [version["version"].rpartition(".")[2] for version in found] == ["1", "3", "2", "1"]
    assert restore_version(worker, found[1]["version"]) == 204  # and back again
    assert worker.ask("GET", CREDS).body.decode() == creds(3)


def test_creds_that_were_deleted_can_be_brought_back_and_the_deletion_itself_cannot(worker: Worker) -> None:
    save(worker, creds(1))
    worker.ask("DELETE", CREDS)
    deletion, good = versions(worker)
    assert (deletion["identity"], deletion["isPinned"], good["isPinned"]) == ("", False, True)
    assert restore_version(worker, deletion["version"]) == 404
    assert worker.ask("GET", CREDS).status == 404
    assert restore_version(worker, good["version"]) == 204
    assert worker.ask("GET", CREDS).body.decode() == creds(1)


@pytest.mark.parametrize(
    "version", ["x", "..", "%2e%2e%2fcreds", "1700000000000-0.0123456789ab.1", "creds", "%00", "a" * 300]
)
def test_a_version_that_does_not_exist_is_404_or_400_and_changes_nothing(worker: Worker, version: str) -> None:
    save(worker, creds(1))
    assert restore_version(worker, version) in {400, 404}
    assert worker.ask("GET", CREDS).body.decode() == creds(1)
    assert len(versions(worker)) == 1


def test_versions_and_drops_are_there_after_a_new_start(tmp_path: Path) -> None:
    with Worker(tmp_path / "store") as worker:
        worker.ask("POST", "/session/codechat", {"instance": "sales"})
        save(worker, creds(1), creds(2))
        before = versions(worker)
        worker.ask("POST", "/session/codechat", {"instance": "gone"})
        worker.ask("DELETE", "/session/codechat/gone")
    with Worker(tmp_path / "store") as worker:
        assert versions(worker) == before
        assert restore_version(worker, before[1]["version"]) == 204
        assert worker.ask("GET", CREDS).body.decode() == creds(1)
        assert [drop["instance"] for drop in drops(worker)] == ["gone"]


# Drops


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


# Requests that reach the store together


def together(worker: Worker, *requests: bytes) -> list[int]:
    """Send requests so that the store commits them at once, and return their statuses."""
    connections: list[Connection] = []
    with worker.held_up("commit") as held:
        first = worker.connect()
        first.send(request("POST", "/session", {"group": "first"}))
        held.wait_until_called()
        for data in requests:
            connection = worker.connect()
            connection.send(data)
            connections.append(connection)
    worker.settle()
    return [connection.answers()[0].status for connection in connections]


def test_a_drop_that_is_asked_for_twice_at_once_comes_back_once(worker: Worker) -> None:
    save(worker, creds(1))
    worker.ask("DELETE", SALES)
    [drop] = drops(worker)
    path = f"/admin/drops/codechat/sales/{drop['drop']}/restore"
    statuses = together(worker, request("POST", path, {"instance": "one"}), request("POST", path, {"instance": "two"}))
    assert [call for call in worker.store.calls[-2:] if isinstance(call, RestoreInstance)] == worker.store.calls[-2:]
    assert worker.ask("GET", "/session/codechat/list-instances").json == ["one"]
    assert worker.ask("GET", "/session/codechat/one/creds").body.decode() == creds(1)
    assert statuses == [204, 404]


def test_a_write_into_an_instance_that_is_made_and_dropped_with_its_group_at_once_is_404(worker: Worker) -> None:
    statuses = together(
        worker,
        request("POST", "/session/codechat", {"instance": "new"}),
        request("DELETE", "/admin/groups/codechat"),
        request("POST", "/session/codechat/new/creds", {"data": "{}"}),
        request("POST", "/session", {"group": "codechat"}),
    )
    assert statuses[1:] == [200, 404, 204]
    assert statuses[0] in {204, 404}  # its creds were checked after the group was gone
    assert worker.ask("GET", "/session/codechat/list-instances").json == []
    assert sorted(drop["instance"] for drop in drops(worker)) == ["new", "sales"]


def test_a_drop_and_a_new_pairing_at_once_keep_both(worker: Worker) -> None:
    save(worker, creds(1))
    statuses = together(
        worker,
        request("DELETE", SALES),
        request("POST", CREDS, {"data": "{}"}),
        request("POST", "/session/codechat", {"instance": "sales"}),
        request("POST", CREDS, {"data": creds(9, registration=2)}),
    )
    assert statuses == [200, 404, 204, 204]
    assert [call for call in worker.store.calls if isinstance(call, DropInstance)]
    assert worker.ask("GET", CREDS).body.decode() == creds(9, registration=2)
    [drop] = drops(worker)
    assert restore(worker, drop, "old") == 204
    assert worker.ask("GET", "/session/codechat/old/creds").body.decode() == creds(1)
