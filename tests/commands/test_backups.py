"""`backup`: an archive of all instances, of which it is said whether anything is missing; older ones go only then."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from sessionworker.commands.endings import Code
from tests.commands.test_export import document, everything
from tests.commands.typed import asked, fill, ran, send
from tests.process import WorkerProcess

pytestmark = pytest.mark.slow

OLD_NAME = "sessionworker-20260101T000000Z.jsonl.gz"
"""Of the first of two backups: of a second there is one alone."""


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[WorkerProcess]:
    """One with two accounts, of which one holds other values, and an instance that was never paired."""
    with WorkerProcess(tmp_path / "store") as running:
        for name in ("sales", "support"):
            fill(running, "codechat", name)
        for key in ("null", "half"):
            assert send(running, "POST", f"/session/codechat/sales/{key}", {"data": "1"}) == 204
        assert send(running, "POST", "/session/other", {"instance": "new"}) == 204
        yield running


def test_a_backup_is_read_back_and_older_ones_go(worker: WorkerProcess, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()
    for name in ("sessionworker-20200101T000000Z.jsonl.gz", "sessionworker-20210101T000000Z.jsonl.age", "somebody's"):
        (folder / name).touch()
    done = asked(worker, "--json", "backup", folder, "--keep", "2")
    assert done.returncode == Code.DONE, done.stderr
    told = document(done)
    assert (told["instances"], told["wasReadBack"]) == (3, True)
    assert told["removed"] == ["sessionworker-20200101T000000Z.jsonl.gz"]
    assert sorted(one.name for one in folder.iterdir()) == sorted(
        ["sessionworker-20210101T000000Z.jsonl.age", "somebody's", Path(str(told["file"])).name]
    )


def test_older_backups_stay_where_the_new_one_lacks_an_instance(worker: WorkerProcess, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    assert asked(worker, "backup", folder, "--keep", "1").returncode == Code.DONE
    [made] = folder.iterdir()
    older = made.rename(folder / OLD_NAME)
    lost = tmp_path / "store" / "codechat" / "support"
    worker.terminate()
    (lost / "creds").write_bytes(b"{")
    shutil.rmtree(lost / ".sessionworker" / "versions")
    with WorkerProcess(tmp_path / "store") as again:
        done = asked(again, "backup", folder, "--keep", "1")
    assert done.returncode == Code.PARTLY
    assert "codechat/support: The worker refused it:" in done.stdout
    assert older.exists()


def test_values_that_are_broken_in_the_store_are_told(worker: WorkerProcess, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    assert asked(worker, "backup", folder, "--keep", "1").returncode == Code.DONE
    [made] = folder.iterdir()
    older = made.rename(folder / OLD_NAME)
    worker.terminate()
    for name in ("null", "half"):
        (tmp_path / "store/codechat/sales" / name).write_bytes(b"{")
    with WorkerProcess(tmp_path / "store") as again:
        done = asked(again, "--json", "backup", folder, "--keep", "1")
    assert done.returncode == Code.PARTLY
    told = document(done)
    [problem] = told["problems"]  # type: ignore[misc]  # a list
    assert problem.startswith("codechat/sales: Values that are broken in the worker's store")  # type: ignore[has-type]
    assert "here for that: 2." in problem  # type: ignore[has-type]
    assert told["removed"] == []
    assert {one.name for one in folder.iterdir()} == {older.name, Path(str(told["file"])).name}
    assert ran("verify", str(told["file"])).returncode == Code.DONE


def test_a_backup_of_a_worker_that_has_nothing_yet_is_one(tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()
    older = folder / "sessionworker-20200101T000000Z.jsonl.gz"
    older.touch()
    with WorkerProcess(tmp_path / "store") as worker:
        done = asked(worker, "backup", folder, "--keep", "1")
        assert done.returncode == Code.DONE, done.stderr
        assert "The worker has no instance yet" in done.stdout
        assert older.exists()  # it may be all there is: the worker's disk is another one, perhaps
        [backup] = {*folder.iterdir()} - {older}
        assert ran("verify", backup).returncode == Code.DONE
        refused = asked(worker, "export", "archive", tmp_path / "all.jsonl.gz")
    assert (refused.returncode, "There is no instance to export." in refused.stderr) == (Code.FAILED, True)


def test_a_backup_of_a_stopped_store_needs_no_worker(tmp_path: Path) -> None:
    with WorkerProcess(tmp_path / "store") as worker:
        fill(worker, "codechat", "sales")
        before = everything(worker)
    assert ran("--store", tmp_path / "store", "backup", tmp_path / "backups").returncode == Code.DONE
    [backup] = (tmp_path / "backups").iterdir()
    with WorkerProcess(tmp_path / "another") as other:
        assert asked(other, "import", "archive", backup).returncode == Code.DONE
        assert everything(other) == before
