"""Older `creds` are kept, listed, and brought back."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from sessionworker.stores.rules.versions import Keep
from tests.admin.words import CREDS, counted, creds, drops, restore_version, save, versions
from tests.memory import Worker


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
