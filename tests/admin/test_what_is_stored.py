"""Groups and instances are listed, and a name leads nowhere else."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.admin.words import SALES, VERSIONS, creds, drops, save, versions
from tests.memory import Worker


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


BAD_GROUPS = [{"instance": "x", "group": group} for group in ("", 5, None, "..", "a/b")] + [{"group": "evolution"}]


@pytest.mark.parametrize("body", [b"{", {}, {"instance": 5}, {"instance": ""}, {"name": "x"}, *BAD_GROUPS])
def test_another_name_that_is_none_is_400_and_nothing_is_brought_back(worker: Worker, body: Any) -> None:
    worker.ask("DELETE", SALES)
    [drop] = drops(worker)
    assert worker.ask("POST", f"/admin/drops/codechat/sales/{drop['drop']}/restore", body).status == 400
    assert drops(worker) == [drop]


def test_a_drop_comes_back_in_another_group(worker: Worker) -> None:
    worker.ask("POST", SALES + "/creds", {"data": "{}"})
    worker.ask("DELETE", SALES)
    [drop] = drops(worker)
    body = {"instance": "back", "group": "evolution"}
    assert worker.ask("POST", f"/admin/drops/codechat/sales/{drop['drop']}/restore", body).status == 204
    assert worker.ask("GET", "/session/evolution/back/creds").status == 200
    assert worker.ask("GET", "/session/codechat/list-instances").json == []
