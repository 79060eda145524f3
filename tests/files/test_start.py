"""Its owner, its end and its start: one process at a time, nothing lost by a kill, nothing left over from one."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from sessionworker.errors import StartError
from sessionworker.stores.changes import CreateInstance, DropInstance
from tests.contract.words import (
    CREDS,
    KEY,
    commit,
    create,
    creds,
    delete,
    drop,
    purge,
    read_and_recall,
    restore,
    write,
)
from tests.defects.calls import about
from tests.defects.faults import disk_of
from tests.files.words import (
    JOURNAL,
    contents,
    folder_of,
    id_file_of,
    journal_segments,
    kill,
    open_files,
    own_folder,
    session_files,
    start,
    start_after_kill,
    write_large,
)

# Its owner


def test_a_second_owner_is_told_in_one_line(folder: Path) -> None:
    store = start(folder)
    for _ in range(2):
        with pytest.raises(StartError) as refusal:
            start(folder)
        assert str(refusal.value) == f"The store {folder} is in use by another worker."
    create(store)
    store.close()
    start(folder).close()


@pytest.mark.parametrize("where", ["store", "above", "ours", "journal"])
def test_a_folder_that_cannot_be_made_stops_the_start_in_one_line(folder: Path, where: str) -> None:
    path = {"store": folder, "above": folder.parent / "above", "ours": own_folder(folder)}.get(where)
    path = path or own_folder(folder) / "journal"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"a file is in its place")
    place = path / "store" if where == "above" else folder
    handles = open_files()
    with pytest.raises(StartError) as refusal:
        start(place)
    assert str(refusal.value).startswith(f"The store {place} cannot be used: ")
    assert "\n" not in str(refusal.value)
    assert open_files() == handles
    path.unlink()
    start(place).close()


def test_a_store_that_could_not_be_opened_holds_nothing_open(folder: Path) -> None:
    start(folder).close()
    handles = open_files()
    with disk_of(folder) as disk, disk.failing(errno.EIO, about(JOURNAL, "listdir")), pytest.raises(StartError):
        start(folder)
    store = start(folder)
    create(store)
    store.close()
    assert open_files() == handles


def test_a_relative_folder_is_the_same_wherever_the_process_goes_later(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    store = start(Path("store"))
    monkeypatch.chdir("/")
    create(store)
    commit(store, write(CREDS, creds(1)))
    store.close()
    assert session_files(folder) == {"codechat/sales/creds": creds(1)}


# Its end


def test_after_a_clean_end_the_files_hold_everything_and_the_journal_nothing(folder: Path, reports: list[str]) -> None:
    store = start(folder, sync=True)
    create(store)
    commit(store, *(write(CREDS._replace(key=f"k{number}"), b"%d" % number * 300) for number in range(50)))
    commit(store, delete(CREDS._replace(key="k7")))
    store.close()
    assert session_files(folder) == {
        f"codechat/sales/k{number}": b"%d" % number * 300 for number in range(50) if number != 7
    }
    assert journal_segments(folder) == []
    start(folder, reports).close()
    assert reports == []


def test_a_clean_end_leaves_the_reserve_and_no_more(folder: Path) -> None:
    store = start(folder)
    create(store)
    for number in range(20):
        commit(store, write(KEY, b'"%b"' % (b"%d" % number * 2000)))
    store.close()
    assert [path.stat().st_size for path in (own_folder(folder) / "journal").iterdir()] == [4096, 4096]


def test_an_end_lets_go_of_all_files_and_may_come_twice(folder: Path) -> None:
    handles = open_files()
    store = start(folder)
    create(store)
    commit(store, write(CREDS, creds(1)))
    write_large(store, KEY, b'"%b"' % (b"x" * 2**20))
    drop(store)
    store.close()
    assert open_files() == handles
    store.close()


# A kill


@pytest.mark.parametrize("sync", [True, False], ids=["fsync=always", "fsync=never"])
def test_a_kill_loses_nothing_and_is_reported(folder: Path, reports: list[str], *, sync: bool) -> None:
    store = start(folder, sync=sync)
    create(store)
    for number in range(40):
        commit(store, write(CREDS, creds(number)), write(KEY, b"%d" % number * 50))
    store = start_after_kill(folder, reports, sync=sync)
    assert len(reports) == 1
    assert "did not end cleanly" in reports[0]
    assert read_and_recall(store, CREDS) == creds(39)
    assert read_and_recall(store, KEY) == b"39" * 50
    store.checkpoint()
    assert session_files(folder) == {"codechat/sales/creds": creds(39), f"codechat/sales/{KEY.key}": b"39" * 50}
    store.close()


def test_what_is_committed_after_a_start_that_followed_a_kill_survives_the_next_kill(folder: Path) -> None:
    store = start(folder)
    create(store)
    for number in range(6):
        commit(store, write(CREDS, creds(number)), write(CREDS._replace(key=f"k{number}"), b"%d" % number))
        store = start_after_kill(folder)
        assert read_and_recall(store, CREDS) == creds(number)
        for earlier in range(number):
            assert read_and_recall(store, CREDS._replace(key=f"k{earlier}")) == b"%d" % earlier
    store.close()


def test_every_kind_of_change_is_there_after_a_kill(folder: Path) -> None:
    store = start(folder)
    names = ["kept", "dropped", "renamed", "purged", "again"]
    files = {name: CREDS._replace(instance=name) for name in names}
    create(store, *files.values())
    commit(store, *(write(file, creds(1, number)) for number, file in enumerate(files.values())))
    write_large(store, files["kept"]._replace(key="large"), b'"%b"' % (b"x" * 2**20))
    store.checkpoint()
    write_large(store, files["kept"]._replace(key="large"), b'"%b"' % (b"y" * 2**20))
    commit(store, *(write(file, creds(2, number)) for number, file in enumerate(files.values())))
    for name in names[1:]:
        dropped = drop(store, files[name])
        if name == "renamed":
            commit(store, restore(dropped, "new name"))
        elif name == "purged":
            commit(store, purge(dropped))
        elif name == "again":
            commit(store, CreateInstance("codechat", "again"), write(files[name], creds(7, 7)))
    for _ in range(2):
        store = start_after_kill(folder)
        assert store.instances("codechat") == ["again", "kept", "new name"]
        found = [read_and_recall(store, CREDS._replace(instance=name)) for name in store.instances("codechat")]
        assert found == [creds(7, 7), creds(2, 0), creds(2, 2)]
        assert store.read(files["kept"]._replace(key="large")) == b'"%b"' % (b"y" * 2**20)
        assert [one.instance for one in store.drops()] == ["again", "dropped"]
    for number, dropped in enumerate(store.drops()):
        commit(store, restore(dropped, f"back {number}"))
    backs = [read_and_recall(store, CREDS._replace(instance=f"back {number}")) for number in range(2)]
    assert backs == [creds(2, 4), creds(2, 1)]
    store.close()


# What a kill left unfinished


def test_unfinished_files_of_a_crash_are_swept(folder: Path) -> None:
    store = start(folder)
    create(store)
    commit(store, write(KEY, b"1"))
    store.checkpoint()
    commit(store, write(KEY, b"2"))
    ours = own_folder(folder_of(folder))
    for name in ("new-01234567-8", "large-01234567-9"):
        (ours / name).write_bytes(b"unfinish")
    (own_folder(folder) / "new" / "0123").mkdir()
    (own_folder(folder) / "journal" / "filling-7").write_bytes(b"unfinish")
    start_after_kill(folder).close()
    assert [path.name for path in ours.iterdir()] == [id_file_of(folder_of(folder)).name]
    assert contents(own_folder(folder) / "new") == {}
    assert list((own_folder(folder) / "new").iterdir()) == []
    assert [path for path in (own_folder(folder) / "journal").iterdir() if "filling" in path.name] == []


def test_a_large_value_that_was_committed_is_not_swept_and_one_that_was_not_is(folder: Path) -> None:
    value = b'"%b"' % (b"x" * 2**20)
    store = start(folder)
    create(store)
    write_large(store, KEY, value)
    store.prepare(write(CREDS._replace(key="never committed"), value))
    assert len(list(own_folder(folder_of(folder)).glob("large-*"))) == 2
    store = start_after_kill(folder)
    commit(store, write(CREDS, creds(1)))
    assert read_and_recall(store, KEY) == value
    store.close()
    assert list(own_folder(folder_of(folder)).glob("large-*")) == []
    assert (folder_of(folder) / KEY.key).read_bytes() == value


def test_thousands_of_unfinished_files_of_an_earlier_crash_stop_no_checkpoint(folder: Path) -> None:
    store = start(folder)
    create(store)
    store.close()
    for number in range(2000):  # as in a copy of a running store, made without its journal
        (own_folder(folder_of(folder)) / f"new-01234567-{number}").write_bytes(b"unfinish")
    store = start(folder)
    commit(store, write(CREDS, creds(2)))
    store.checkpoint()
    store.close()
    assert (folder_of(folder) / "creds").read_bytes() == creds(2)


def test_what_was_purged_before_a_kill_is_erased_after_it(folder: Path) -> None:
    store = start(folder)
    create(store)
    commit(store, write(CREDS, creds(1)), DropInstance("codechat", "sales"))
    commit(store, *map(purge, store.drops()))
    kill(folder)
    assert contents(own_folder(folder) / "purged") != {}
    store = start(folder)
    store.checkpoint()
    store.close()
    assert list((own_folder(folder) / "purged").iterdir()) == []
