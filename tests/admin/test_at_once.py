"""Requests that reach the store together."""

from __future__ import annotations

from sessionworker.stores.changes import DropInstance, RestoreInstance
from tests.admin.words import CREDS, SALES, creds, drops, restore, save
from tests.memory import Connection, Worker, request


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
