"""A second copy brings what has changed, and nothing that differs, or cannot be read, is taken for equal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from sessionworker.errors import StartError
from sessionworker.names import SessionFile
from sessionworker.stores.changes import LabelInstance, PurgeDrop
from sessionworker.stores.copying import Copying
from sessionworker.stores.transfer import CopyError, Target
from tests.contract.words import (
    CREDS,
    KEY,
    SUPPORT,
    commit,
    create,
    creds,
    delete,
    drop,
    drops_of,
    purge,
    restore,
    write,
)
from tests.copying.ends import RINGS, End, FileEnd, Make, PostgresEnd, everything_of, fill, run, small

every_kind = pytest.mark.parametrize("kind", ["files", "postgres"])

every_way = pytest.mark.parametrize(
    ("one", "other"), [("files", "postgres"), ("postgres", "files"), ("files", "files"), ("postgres", "postgres")]
)


# What has changed


@every_way
def test_a_second_copy_brings_what_has_changed_and_removes_what_is_gone(make: Make, one: str, other: str) -> None:
    source, target = make(one, RINGS["sealed"]), make(other, RINGS["sealed otherwise"])
    worker = source.worker()
    fill(worker)
    worker.close()
    first = run(source, target)
    worker = source.worker()
    [old] = drops_of(worker, SUPPORT._replace(instance="old"))
    [gone] = drops_of(worker, SUPPORT._replace(instance="gone"))
    commit(worker, restore(old, "back"), purge(gone), write(KEY, b'"new"'), delete(CREDS._replace(key="a/b/c")))
    drop(worker, SessionFile("Sales", "Sales", "creds"))
    create(worker, SessionFile("Sales", "Sales", "creds"))  # another one, where a copy has that which was dropped
    commit(worker, write(SUPPORT, creds(3, 2)), delete(SUPPORT), LabelInstance(*CREDS[:2], ""))
    commit(worker, LabelInstance("Loja São", "Loja São", "Matriz"))  # and nothing else of it
    create(worker, SessionFile("new", "n", "creds"))
    worker.close()
    before = everything_of(source)
    second = run(source, target)
    assert second.is_finished
    assert second.source == second.target != first.source
    assert (second.written, second.removed) == (7, 1)
    assert second.equal == first.written - 6
    assert everything_of(target) == before


def test_a_group_that_is_gone_is_removed_with_what_was_in_it(make: Make) -> None:
    source = make("postgres")
    worker = source.worker()
    other = SessionFile("other", "o", "creds")
    create(worker, CREDS, other)
    worker.close()
    targets = [make("files"), make("postgres")]
    for target in targets:
        run(source, target)
    worker = source.worker()
    dropped = drop(worker, other)
    commit(worker, PurgeDrop(*other[:2], dropped.drop))
    worker.close()
    assert isinstance(source, PostgresEnd)
    source.execute("DELETE FROM {session_group} WHERE name = 'other'")
    for target in targets:
        assert run(source, target).target.groups == 1
        assert everything_of(target)["groups"] == ["codechat"]


def test_a_database_is_copied_while_workers_write_to_it(make: Make) -> None:
    source, target = small(make("postgres")), make("files")
    worker = source.worker()
    from_ = source.source()
    there = target.target()
    records = from_.records()
    with from_.opened(records[0].id) as opened:
        assert opened is not None
        commit(worker, write(KEY, b'"b"'), write(CREDS, creds(9)))
        assert [entry.value for entry in opened.entries if entry.name == KEY.key] == [b'"a"']
    assert Copying(from_, there).run(records).is_finished
    worker.close()
    there.close()
    from_.close()
    assert everything_of(target)["codechat\0sales\0values"][KEY.key] == b'"b"'


# What is read back


def change_a_byte(end: End) -> None:
    if isinstance(end, FileEnd):
        (end.folder / "codechat" / "sales" / KEY.key).write_bytes(b'"b"')
    else:
        end.execute("UPDATE {session_file} SET value = %b WHERE key = %b", b'"b"', KEY.key.encode())


def lose_a_version(end: End) -> None:
    if isinstance(end, FileEnd):
        min((end.folder / "codechat" / "sales" / ".sessionworker" / "versions").iterdir()).unlink()
    else:
        end.execute("DELETE FROM {creds_version} WHERE made_at = (SELECT min(made_at) FROM {creds_version})")


def swap_an_id(end: End) -> None:
    if isinstance(end, FileEnd):
        [path] = (end.folder / "codechat" / "sales" / ".sessionworker").glob("id-*")
        path.rename(path.with_name(f"id-{'0' * 32}-{path.name.split('-')[2]}"))
    else:
        for table, column in (("instance", "id"), ("session_file", "instance"), ("creds_version", "instance")):
            end.execute(f"UPDATE {{{table}}} SET {column} = %s::uuid", "0" * 32)


def change_a_time(end: End) -> None:
    if isinstance(end, FileEnd):
        (end.folder / "codechat" / "sales" / KEY.key).touch()
    else:
        end.execute("UPDATE {instance} SET last_write = last_write + 1")


@every_kind
@pytest.mark.parametrize(
    "harm", [change_a_byte, lose_a_version, swap_an_id, change_a_time], ids=lambda harm: harm.__name__
)
def test_a_target_that_differs_is_noticed_and_mended(make: Make, kind: str, harm: Callable[[End], None]) -> None:
    source, target = small(make("postgres")), make(kind)
    first = run(source, target)
    harm(target)
    second = run(source, target)
    assert second.written == 1
    assert second.target == first.target
    harm(target)
    there = target.target()
    assert read_all(there) != first.target.digest
    there.close()


def read_all(target: Target) -> str:
    from sessionworker.stores.transfer import contents_of, sum_up  # noqa: PLC0415

    target.begin()
    found = {}
    for one in target.records():
        with target.opened(one.id) as opened:
            assert opened is not None
            found[one.id] = contents_of(opened)
    return sum_up(target.groups(), found).digest


@every_kind
def test_a_target_that_does_not_keep_what_is_written_is_never_finished(
    make: Make, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = small(make("postgres")), make(kind)
    from_, there = source.source(), target.target()
    put = there.put

    def forgetful(record: Any, entries: Any) -> None:
        put(record, (entry._replace(value=b"0") if entry.name == KEY.key else entry for entry in entries))

    monkeypatch.setattr(there, "put", forgetful)
    with pytest.raises(CopyError, match="not read back as it was"):
        Copying(from_, there).run(from_.records())
    there.close()
    from_.close()
    with pytest.raises(StartError, match="a part of a copy"):
        target.worker()


# What cannot be read


@pytest.mark.parametrize("kind", ["files", "postgres"])
@pytest.mark.parametrize("seal", ["plain", "sealed"])
def test_an_instance_whose_creds_are_gone_is_named_and_all_others_are_copied(make: Make, kind: str, seal: str) -> None:
    source, target = make(kind, RINGS[seal]), make("files" if kind == "postgres" else "postgres")
    worker = source.worker()
    create(worker, CREDS, SUPPORT)
    commit(worker, write(CREDS, creds(1)), write(SUPPORT, creds(1, 2)))
    worker.close()
    if isinstance(source, FileEnd):
        [first, *_] = sorted(source.folder.glob(".sessionworker=*/*" if seal == "sealed" else "codechat/sales"))
        for path in [*first.glob("creds"), *first.glob(".sessionworker=*"), *first.glob(".sessionworker/versions/*")]:
            path.write_bytes(b"\0rotten")
    else:
        for table in ("session_file", "creds_version"):
            one = "(SELECT min(id::text)::uuid FROM {instance})"
            source.execute(f"UPDATE {{{table}}} SET value = 'rotten' WHERE instance = {one}")
    result = run(source, target)
    assert not result.is_finished
    [problem] = result.left_out
    assert "its creds are broken, and no older version is left" in problem
    assert "in group 'codechat'" in problem
    with pytest.raises(StartError, match="a part of a copy"):
        target.worker()
    result = run(source, target, without_broken=True)
    assert result.is_finished
    assert (result.equal, result.written, result.target.instances) == (1, 0, 1)
    assert len(everything_of(target)["codechat"]) == 1


def test_a_rotten_value_of_a_sealed_store_becomes_a_broken_one_as_when_a_worker_reads_it(make: Make) -> None:
    source = small(make("postgres", RINGS["sealed"]))
    assert isinstance(source, PostgresEnd)
    source.execute("UPDATE {session_file} SET value = substr(value, 1, 54) WHERE octet_length(value) = 55")
    for target in (make("files", RINGS["sealed"]), make("postgres")):
        result = run(source, target)
        assert result.source == result.target
        assert (result.is_finished, result.target.files, result.target.broken) == (True, 1, 1)
