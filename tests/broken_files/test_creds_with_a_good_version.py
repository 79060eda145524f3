"""Broken creds are replaced by their newest good version before anyone asks for them."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.admin.words import CREDS, counted, creds
from tests.broken_files.breaking import (
    BREAKS,
    GOOD,
    aside,
    create,
    disk_error,
    empty,
    file_of,
    fill_with_nuls,
    put_a_link_in_its_place,
    put_json_that_is_no_object_in_its_place,
)
from tests.memory import Worker


@pytest.mark.parametrize("break_it", BREAKS)
def test_broken_creds_are_replaced_by_the_newest_good_version_before_the_client_asks_for_them(
    store: Path, break_it: Callable[[Path], None]
) -> None:
    break_it(file_of(store))
    found = os.lstat(file_of(store)).st_ino if os.path.lexists(file_of(store)) else None
    with Worker(store) as worker:
        assert create(worker).status == 204
        answer = worker.ask("GET", CREDS)
        assert (answer.status, answer.body.decode()) == (200, GOOD)
        assert (counted(worker, "creds_restored"), counted(worker, "creds_lost")) == (1, 0)
        [line] = [line for line in worker.reports if "newest good version" in line]
        assert "'sales'" in line
        assert "'codechat'" in line
        assert "private-1" not in "".join(worker.reports)
        assert create(worker).status == 204  # it is mended
        assert counted(worker, "creds_restored") == 1
    assert file_of(store).read_text() == GOOD
    if found is not None:
        assert [path.lstat().st_ino for path in aside(store)] == [found]  # nothing was thrown away
    with Worker(store) as worker:
        assert create(worker).status == 204
        assert worker.ask("GET", CREDS).body.decode() == GOOD
        assert counted(worker, "creds_restored") == 0


def test_a_link_in_the_place_of_creds_is_not_followed(store: Path) -> None:
    put_a_link_in_its_place(file_of(store))
    with Worker(store) as worker:
        answer = worker.ask("GET", CREDS)  # also by a client that creates nothing
        assert (answer.status, answer.body.decode()) == (200, GOOD)


@pytest.mark.parametrize("break_it", BREAKS)
def test_creds_that_break_under_the_running_worker_are_mended_at_the_next_create(
    store: Path, break_it: Callable[[Path], None]
) -> None:
    with Worker(store) as worker:
        assert create(worker).status == 204
        break_it(file_of(store))
        assert worker.ask("GET", CREDS).body.decode() == GOOD
        assert create(worker).status == 204
        assert counted(worker, "creds_restored") == 1
        assert worker.ask("GET", CREDS).body.decode() == GOOD
    assert file_of(store).read_text() == GOOD


def test_creds_that_are_no_object_are_replaced_at_create(store: Path) -> None:
    put_json_that_is_no_object_in_its_place(file_of(store))
    with Worker(store) as worker:
        assert create(worker).status == 204
        assert worker.ask("GET", CREDS).body.decode() == GOOD


def test_the_newest_version_that_is_good_is_taken(store: Path) -> None:
    empty(file_of(store))
    newest = max(file_of(store, ".sessionworker/versions").iterdir())
    fill_with_nuls(newest)
    with Worker(store) as worker:
        assert create(worker).status == 204
        assert worker.ask("GET", CREDS).body.decode() == creds(2)


@pytest.mark.parametrize("number", [errno.EIO, errno.EACCES])
def test_creds_that_the_disk_will_not_read_are_replaced_too(store: Path, number: int) -> None:
    with Worker(store) as worker, disk_error(number, "creds"):
        assert create(worker).status == 204
        assert worker.ask("GET", CREDS).body.decode() == GOOD
        assert counted(worker, "creds_restored") >= 1


@pytest.mark.parametrize("number", [errno.EIO, errno.EACCES, errno.EMFILE])
def test_a_disk_that_reads_nothing_is_a_refusal_and_afterwards_all_is_well(store: Path, number: int) -> None:
    with Worker(store) as worker:
        with disk_error(number):
            assert create(worker).status == 503
            assert worker.ask("GET", CREDS).status == 503
        assert create(worker).status == 204
        assert worker.ask("GET", CREDS).body.decode() == GOOD
    assert aside(store) == []


# After a 204


def test_what_was_checked_is_answered_whatever_the_disk_does_next(store: Path) -> None:
    with Worker(store) as worker:
        assert create(worker).status == 204
        shutil.rmtree(store / "codechat")
        with disk_error(errno.EIO):
            for _ in range(3):
                assert worker.ask("GET", CREDS).body.decode() == GOOD


def test_what_was_brought_back_is_answered_whatever_the_disk_does_next(store: Path) -> None:
    empty(file_of(store))
    with Worker(store) as worker:
        assert create(worker).status == 204
        with disk_error(errno.EIO):
            assert worker.ask("GET", CREDS).body.decode() == GOOD
