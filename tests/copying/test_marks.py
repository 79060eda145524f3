"""Nothing is copied over a store in use, and nothing half copied is served."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sessionworker.errors import StartError, StoreUnavailable
from sessionworker.stores.changes import CreateGroup, DropInstance
from sessionworker.stores.files.store import FileStore
from sessionworker.stores.transfer import CopyError
from tests.contract.words import (
    CREDS,
    KEY,
    creds,
    refusals,
    write,
)
from tests.copying.ends import RINGS, End, FileEnd, Make, PostgresEnd, everything_of, run, small

every_kind = pytest.mark.parametrize("kind", ["files", "postgres"])

every_way = pytest.mark.parametrize(
    ("one", "other"), [("files", "postgres"), ("postgres", "files"), ("files", "files"), ("postgres", "postgres")]
)


def unfinished(make: Make, kind: str) -> End:
    """A target on which a copy is under way."""
    end = make(kind)
    target = end.target()
    target.begin()
    target.close()
    return end


# Marks


@every_kind
def test_a_store_with_something_in_it_is_no_target_and_stays_as_it_is(make: Make, kind: str) -> None:
    source, target = small(make("files")), small(make(kind, RINGS["sealed"]))
    before = everything_of(target)
    target.ring = RINGS["sealed"]
    with pytest.raises(CopyError, match="holds something that no copy brought there"):
        run(source, target)
    assert everything_of(target) == before


def test_a_folder_of_somebody_is_no_target_and_nothing_is_made_in_it(make: Make, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "letter").write_text("Dear")
    with pytest.raises(CopyError, match="holds something"):
        run(small(make("postgres")), FileEnd(tmp_path / "home"))
    assert [path.name for path in (tmp_path / "home").iterdir()] == ["letter"]


@every_kind
def test_a_worker_that_serves_a_copy_makes_it_a_store_in_use(make: Make, kind: str) -> None:
    source, target = small(make("postgres")), make(kind)
    assert run(source, target).is_finished
    assert run(source, target).equal == 1
    assert everything_of(target)["groups"] == ["codechat"]
    with pytest.raises(CopyError, match="holds something"):
        run(source, target)


@every_kind
def test_a_worker_that_is_opened_and_never_serves_leaves_a_copy_one(make: Make, kind: str) -> None:
    source, target = small(make("postgres")), make(kind)
    run(source, target)
    opened = FileStore(target.folder) if isinstance(target, FileEnd) else _opened(target)
    opened.close()
    assert run(source, target).equal == 1


def _opened(target: End) -> Any:
    from sessionworker.stores.postgres.address import read_address  # noqa: PLC0415
    from sessionworker.stores.postgres.store import PostgresStore  # noqa: PLC0415

    return PostgresStore(read_address(target.address), threads=1)


@every_kind
def test_a_part_of_a_copy_is_neither_served_nor_copied(make: Make, kind: str) -> None:
    end = unfinished(make, kind)
    with pytest.raises(StartError, match="holds a part of a copy"):
        end.worker()
    with pytest.raises((StartError, CopyError), match=r"a part of a copy|nothing in"):
        run(end, make("files"))
    assert run(small(make("files")), end).is_finished


@every_kind
def test_a_mark_that_somebody_wrote_into_is_one_of_a_part(make: Make, kind: str) -> None:
    source, target = small(make("postgres")), make(kind, RINGS["sealed"])
    run(source, target)
    if isinstance(target, FileEnd):
        (target.folder / ".sessionworker" / "copy").write_text("whatever")
        match = "a part of a copy"
    else:
        target.execute("UPDATE {state} SET value = replace(convert_from(value, 'UTF8'), 'finished', '')::bytea")
        match = "missing or was changed"
    with pytest.raises(StartError, match=match):
        target.worker()


def test_a_worker_on_an_empty_database_refuses_everything_once_a_copy_has_begun(make: Make) -> None:
    target = make("postgres")
    assert isinstance(target, PostgresEnd)
    reports: list[str] = []
    worker = target.worker(report=lambda event: reports.append(event.name))
    assert run(small(make("files")), target).is_finished
    for _ in range(2):
        for ask in (lambda: worker.read(KEY), worker.groups, worker.check):
            with pytest.raises(StoreUnavailable):
                ask()
        entries = (write(KEY, b"2"), write(CREDS, creds(9)), CreateGroup("another"), DropInstance("codechat", "sales"))
        assert refusals(worker, *entries) == [StoreUnavailable] * len(entries)
    worker.close()
    assert "copied_over" in reports
    assert everything_of(target)["codechat\0sales\0values"][KEY.key] == b'"a"'


def test_a_copy_that_begins_between_the_opening_of_a_worker_and_its_serving_ends_that(make: Make) -> None:
    source, target = small(make("files")), make("postgres")
    run(source, target)
    opened = _opened(target)
    there = target.target()
    there.begin()
    with pytest.raises(StartError):
        opened.serve()
    opened.close()
    there.close()


@every_kind
def test_a_store_of_files_that_a_worker_has_open_is_neither_copied_nor_copied_into(make: Make, kind: str) -> None:
    source, target = small(make("files")), make("files")
    other = small(make(kind)) if kind == "postgres" else make("files")
    running = source.worker()
    with pytest.raises(StartError, match="in use by another worker"):
        run(source, other if kind == "files" else make("postgres"))
    running.close()
    running = target.worker()
    with pytest.raises(StartError, match="in use by another worker"):
        run(source, target)
    running.close()
