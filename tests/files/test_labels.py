"""Labels on the disk: a small file in the worker's own folder of an instance, which nobody need know of."""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path
from threading import Thread

import pytest

from sessionworker.errors import NoSpace
from sessionworker.stores.files import labels
from sessionworker.stores.files.folder import Folder
from sessionworker.stores.files.store import FileStore
from tests.contract.labels import label
from tests.contract.words import (
    CREDS,
    KEY,
    SUPPORT,
    commit,
    create,
    creds,
    drop,
    drops_of,
    read_all,
    refusals,
    replace,
    summary,
    write,
)
from tests.defects.calls import about
from tests.defects.faults import disk_of
from tests.files.sealed import FIRST, SECOND, rewrite
from tests.files.words import folder_of, own_folder, start

LABEL = r"\.sessionworker/(label|new-[^/]*)$"


def file_of(folder: Path) -> Path:
    """The file of the label of the instance that most tests are about."""
    return own_folder(folder_of(folder)) / "label"


def test_it_is_a_file_that_is_there_as_long_as_there_is_a_label(folder: Path) -> None:
    store = start(folder)
    create(store)
    assert not file_of(folder).exists()
    commit(store, label("Loja São"))
    assert file_of(folder).read_text() == "Loja São"
    commit(store, label(""))
    assert not file_of(folder).exists()
    store.close()


@pytest.mark.parametrize("data", [b"\xff", b"x" * 101, b"two\nlines\n", b"\x1b[31m", b"\0sw1", b""], ids=ascii)
def test_what_is_no_label_is_none(folder: Path, data: bytes) -> None:
    store = start(folder)
    create(store)
    store.close()
    file_of(folder).write_bytes(data)
    store = start(folder)
    assert (summary(store).label, summary(store).problem) == ("", "")
    assert drop(store).label == ""
    store.close()


def test_what_stands_in_its_place_does_no_harm(folder: Path) -> None:
    store = start(folder)
    create(store)
    store.close()
    file_of(folder).mkdir()
    store = start(folder)
    assert (summary(store).label, summary(store).problem) == ("", "")
    commit(store, write(KEY, b"1"))
    assert read_all(store, KEY) == [b"1"]
    store.close()


def test_a_folder_that_was_never_used_has_none_and_can_get_one(folder: Path) -> None:
    folder_of(folder).mkdir(parents=True)
    (folder_of(folder) / "creds").write_bytes(creds(1))
    store = start(folder)
    assert summary(store).label == ""
    assert list(folder_of(folder).iterdir()) == [folder_of(folder) / "creds"]
    commit(store, label("Loja"))
    assert (summary(store).label, read_all(store, CREDS)) == ("Loja", [creds(1)])
    store.close()


def labelled_before(folder: Path) -> FileStore:
    """A store that was opened again since an instance got its label."""
    store = start(folder)
    create(store)
    commit(store, label("Loja"))
    store.close()
    return start(folder)


def test_it_is_read_once(folder: Path) -> None:
    store = labelled_before(folder)
    assert summary(store).label == "Loja"
    with disk_of(folder) as disk, disk.failing(errno.EIO, about(r"label$")) as fault:
        assert (summary(store).label, summary(store).problem) == ("Loja", "")
    assert not fault.hits
    store.close()


def test_one_that_cannot_be_read_is_said_and_told_again_later(folder: Path) -> None:
    store = labelled_before(folder)
    with disk_of(folder) as disk, disk.failing(errno.EIO, about(r"label$", "open")) as fault:
        assert (summary(store).label, bool(summary(store).problem)) == ("", True)
    assert fault.hits
    assert (summary(store).label, summary(store).problem) == ("Loja", "")
    store.close()


def test_on_a_full_disk_the_old_one_stays_and_one_may_be_taken_away(folder: Path) -> None:
    store = start(folder)
    create(store)
    commit(store, label("Loja"))
    with disk_of(folder) as disk, disk.failing(errno.ENOSPC, about(LABEL, "write")):
        assert refusals(store, label("Matriz")) == [NoSpace]
        assert summary(store).label == "Loja"
        commit(store, label(""))
    assert summary(store).label == ""
    store.close()


def test_a_replacement_is_made_also_where_the_label_cannot_be_handed_on(folder: Path) -> None:
    store = start(folder)
    create(store, CREDS, SUPPORT)
    commit(store, write(SUPPORT, creds(1, 2)), label("Loja"))
    dropped = drop(store, SUPPORT)
    with disk_of(folder) as disk, disk.failing(errno.ENOSPC, about(LABEL, "write")) as fault:
        commit(store, replace(dropped, "sales"))
    assert fault.hits
    assert (read_all(store, CREDS), summary(store).label) == ([creds(1, 2)], "")
    assert drops_of(store)[0].label == "Loja"
    store.close()


def test_a_label_that_is_sealed_opens_for_no_other_instance(folder: Path) -> None:
    store = start(folder, ring=FIRST)
    create(store, CREDS, SUPPORT)
    commit(store, label("Loja"), label("Matriz", SUPPORT))
    store.close()
    one, other = folder.glob(".sessionworker=*/.sessionworker=*/.sessionworker/label")
    assert b"Loja" not in one.read_bytes() + other.read_bytes()
    one.write_bytes(other.read_bytes())
    store = start(folder, ring=FIRST)
    assert sorted(one.label for one in store.describe("codechat")) in (["", "Loja"], ["", "Matriz"])
    store.close()


# Beside others


class Meanwhile:
    """Does something else the first time that a label is read, when that was read."""

    def __init__(self, patch: pytest.MonkeyPatch, act: Callable[[], object]) -> None:
        """Read labels as before."""
        self._read, self._act = labels.read_label, act
        self._threads: list[Thread] = []
        patch.setattr(labels, "read_label", self)

    def __call__(self, folder: Folder) -> str:
        """Read one."""
        found = self._read(folder)
        if not self._threads:
            thread = Thread(target=self._act)
            self._threads.append(thread)
            thread.start()
            thread.join(0.5)  # it waits for whoever reads, or is done
        return found

    def join(self) -> None:
        """Wait until it is done."""
        [thread] = self._threads
        thread.join(20)
        assert not thread.is_alive()


def test_who_reads_an_older_one_does_not_remember_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = start(folder)
    create(store)
    commit(store, label("older"))
    store.close()
    store = start(folder)
    meanwhile = Meanwhile(monkeypatch, lambda: commit(store, label("newer")))
    summary(store)
    meanwhile.join()
    assert summary(store).label == "newer"
    store.close()


def test_a_rewriting_puts_no_older_one_in_the_place_of_one_that_was_acknowledged(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = start(folder, ring=FIRST)
    create(store)
    commit(store, label("older"))
    store.close()
    store = start(folder, ring=SECOND)
    commit(store, write(KEY, b"1"))
    meanwhile = Meanwhile(monkeypatch, lambda: commit(store, label("newer")))
    rewrite(store)
    meanwhile.join()
    store.close()
    store = start(folder, ring=SECOND)
    assert summary(store).label == "newer"
    store.close()
