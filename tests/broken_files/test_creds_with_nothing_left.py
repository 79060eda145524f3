"""Creds of which nothing good is left refuse the create; what was never there, or deleted, does not."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.admin.words import CREDS, SALES, counted, creds, save
from tests.broken_files.breaking import BREAKS, GOOD, create, empty, file_of, look_of, remove
from tests.memory import Worker


@pytest.mark.parametrize("break_it", [break_it for break_it in BREAKS if break_it is not remove])
def test_broken_creds_without_an_older_version_are_a_refusal_of_the_create_and_stay_where_they_are(
    store: Path, break_it: Callable[[Path], None]
) -> None:
    break_it(file_of(store))
    shutil.rmtree(file_of(store, ".sessionworker/versions"))
    before = look_of(file_of(store))
    with Worker(store) as worker:
        for _ in range(2):
            answer = create(worker)
            assert answer.status == 503
            assert answer.header("retry-after") is not None
            assert "credentials of this instance" in answer.message
            assert worker.ask("GET", CREDS).status == 503
        assert counted(worker, "creds_lost") >= 2
        assert counted(worker, "creds_restored") == 0
        assert any("no older version is left" in line for line in worker.reports)
        # Who looks after it brings them back from a backup,
        worker.store.checkpoint()
        assert look_of(file_of(store)) == before
        if file_of(store).is_dir() and not file_of(store).is_symlink():
            shutil.rmtree(file_of(store))
        else:
            file_of(store).unlink()
        file_of(store).write_text(GOOD)
        assert create(worker).status == 204
        assert worker.ask("GET", CREDS).body.decode() == GOOD


def test_an_instance_whose_creds_are_lost_can_be_dropped_and_paired_again(store: Path) -> None:
    empty(file_of(store))
    shutil.rmtree(file_of(store, ".sessionworker/versions"))
    with Worker(store) as worker:
        assert create(worker).status == 503
        assert worker.ask("DELETE", SALES).status == 200
        assert create(worker).status == 204
        assert worker.ask("GET", CREDS).status == 404
        save(worker, creds(1, registration=2))
        assert worker.ask("GET", CREDS).body.decode() == creds(1, registration=2)


def test_creds_that_were_deleted_are_not_brought_back(store: Path) -> None:
    with Worker(store) as worker:
        assert worker.ask("DELETE", CREDS).status == 200
    with Worker(store) as worker:
        for _ in range(2):
            assert create(worker).status == 204
            assert worker.ask("GET", CREDS).status == 404
        assert counted(worker, "creds_restored") == counted(worker, "creds_lost") == 0


def test_an_instance_that_was_never_paired_is_created_again_without_ado(tmp_path: Path) -> None:
    for _ in range(2):
        with Worker(tmp_path / "store") as worker:
            for _ in range(2):
                assert create(worker).status == 204
                assert worker.ask("GET", CREDS).status == 404
            assert worker.reports == []
