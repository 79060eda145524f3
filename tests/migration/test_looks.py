"""Who names the wrong program is told which one it looks like, and who brings no Baileys that it cannot be."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from sessionworker.migration.found import SourceError
from sessionworker.migration.sources.baileys import open_baileys
from sessionworker.migration.sources.baileys_sqlite import open_baileys_sqlite
from sessionworker.migration.sources.looks import looks_like
from sessionworker.migration.sources.session_manager import open_session_manager, open_session_manager_node
from sessionworker.migration.sources.session_manager_sqlite import open_session_manager_sqlite
from sessionworker.migration.sources.unoapi import open_unoapi
from tests.migration.databases import write_develop, write_gorm
from tests.migration.examples import account
from tests.migration.places import write_fixed, write_raw


def baileys(place: Path) -> None:
    write_fixed(place / "a", account())


def session_manager(place: Path) -> None:
    write_raw(place / "codechat" / "a", account())


def one_group(place: Path) -> None:
    write_raw(place / "a", account())


def in_groups(place: Path) -> None:
    write_raw(place / "codechat" / "a", account(), ".json")


def evolution_2(place: Path) -> None:
    (write_fixed(place / "3f1c9b1e-1d1f-4c55-9a52-2a7a3d5f0001", account()) / "creds.json").unlink()


def databases(place: Path) -> None:
    write_gorm(place / "codechat" / "a.db", [("creds", b'"{}"')])


def databases_of_baileys(place: Path) -> None:
    write_develop(place / "shop.db", account()).close()


def our_own(place: Path) -> None:
    write_raw(place / "codechat" / "a", account())
    (place / ".sessionworker").mkdir()


def wwebjs(place: Path) -> None:
    (place / ".wwebjs_auth" / "session-shop" / "Default" / "IndexedDB").mkdir(parents=True)


def wppconnect(place: Path) -> None:
    (place / "tokens").mkdir()
    (place / "tokens" / "shop.data.json").write_bytes(b'{"WABrowserId":""}')


def whatsmeow(place: Path) -> None:
    (place / "dbdata").mkdir()
    connection = sqlite3.connect(place / "dbdata" / "users.db")
    connection.execute("CREATE TABLE whatsmeow_device (jid TEXT PRIMARY KEY)")
    connection.close()


OPENERS: tuple[Callable[[Path], object], ...] = (
    open_baileys,
    open_session_manager,
    open_session_manager_node,
    open_session_manager_sqlite,
    open_baileys_sqlite,
    open_unoapi,
)


@pytest.mark.parametrize(
    ("write", "said"),
    [
        (session_manager, "It looks like `session-manager`."),
        (one_group, "It looks like one group of `session-manager`, which wants the folder above it."),
        (in_groups, "It holds folders with creds.json in folders: it looks like `session-manager-node`"),
        (evolution_2, "it is `evolution`."),
        (databases, "It holds databases of `session-manager-sqlite`."),
        (databases_of_baileys, "It holds databases of `baileys-sqlite`."),
        (our_own, "It is a store of sessionworker itself, which `sessionworker copy` copies."),
        (wwebjs, "It holds a browser's profile, "),
        (wppconnect, "It holds a browser's profile, "),
        (whatsmeow, "It holds a database of whatsmeow, "),
    ],
)
def test_another_program_is_named(tmp_path: Path, write: Callable[[Path], None], said: str) -> None:
    write(tmp_path)
    with pytest.raises(SourceError) as raised:
        open_baileys(tmp_path)
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("open_source", OPENERS[1:2] + OPENERS[3:5])
def test_a_folder_of_baileys_is_named_to_who_wants_another(
    tmp_path: Path, open_source: Callable[[Path], object]
) -> None:
    baileys(tmp_path)
    with pytest.raises(SourceError, match="It looks like `baileys`"):
        open_source(tmp_path)


def test_a_store_of_ours_is_no_folder_of_session_manager(tmp_path: Path) -> None:
    our_own(tmp_path)
    with pytest.raises(SourceError, match="`sessionworker copy`"):
        open_session_manager(tmp_path)


@pytest.mark.parametrize("write", [wwebjs, wppconnect, whatsmeow])
@pytest.mark.parametrize("open_source", OPENERS)
def test_what_is_no_baileys_is_refused_by_everyone(
    tmp_path: Path, write: Callable[[Path], None], open_source: Callable[[Path], object]
) -> None:
    write(tmp_path)
    with pytest.raises(SourceError, match="have to be paired anew"):
        open_source(tmp_path)


def test_a_database_of_whatsmeow_itself_is_refused(tmp_path: Path) -> None:
    whatsmeow(tmp_path)
    for path in (tmp_path / "dbdata", tmp_path / "dbdata" / "users.db"):
        with pytest.raises(SourceError, match="whatsmeow"):
            open_baileys_sqlite(path)


def test_of_what_nobody_knows_nothing_is_said(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    (tmp_path / "integration.json").write_bytes(b"{}")
    assert looks_like(tmp_path) == ""
    assert looks_like(tmp_path / "gone") == ""


def test_a_large_tree_is_not_looked_through(tmp_path: Path) -> None:
    for number in range(2100):
        (tmp_path / f"{number:04}").touch()
    write_fixed(tmp_path / "z", account())
    assert looks_like(tmp_path) == ""
