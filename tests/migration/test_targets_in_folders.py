"""Each account gets a place of its own below a folder, where its program looks for it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from sessionworker.migration.found import Source
from sessionworker.migration.sources.baileys import open_baileys
from sessionworker.migration.sources.baileys_sqlite import open_baileys_sqlite
from sessionworker.migration.sources.openclaw import open_openclaw
from sessionworker.migration.sources.session_manager import open_session_manager
from sessionworker.migration.sources.waha import open_waha
from sessionworker.migration.targets.baileys_folder import LAYOUTS, open_baileys_target
from sessionworker.migration.targets.baileys_sqlite import open_baileys_sqlite_target
from sessionworker.migration.targets.session_manager_folder import open_session_manager_target
from sessionworker.migration.targets.target import Target, TargetError
from tests.migration.examples import account
from tests.migration.places import codes, differing, everything_in, names
from tests.tools import require_root

Open = Callable[[Path], Target]
OPENERS: tuple[Open, ...] = (open_baileys_target, open_baileys_sqlite_target, open_session_manager_target)

NAMES = ("one", "Loja 1: São João (2)", "a.b.db", "100%25")


@pytest.mark.parametrize(
    ("open_target", "open_source"),
    [
        (open_baileys_target, open_baileys),
        (open_baileys_sqlite_target, open_baileys_sqlite),
        (lambda path: open_baileys_target(path, layout="waha"), open_waha),
        (lambda path: open_baileys_target(path, layout="openclaw"), open_openclaw),
        (lambda path: open_baileys_target(path, layout="evolution-1"), open_baileys),
    ],
)
def test_what_is_written_is_found_again(
    tmp_path: Path, open_target: Open, open_source: Callable[[Path], Source]
) -> None:
    target = open_target(tmp_path / "new" / "out")
    for name in NAMES:
        assert target.write(name, "evolution", account(name)) == []
    target.close()
    source = open_source(tmp_path / "new" / "out")
    assert names(source) == sorted(NAMES)
    for one in source.accounts():
        assert differing(source.read(one).values, account(one.name)) == []


def test_session_manager_s_have_a_group_above_them(tmp_path: Path) -> None:
    target = open_session_manager_target(tmp_path / "instances")
    for group in ("evolution", "Codê Chat"):
        assert codes(target.write("one", group, account(group))) == ["left_out_slashes", "not_objects"]
    source = open_session_manager(tmp_path / "instances")
    assert sorted((one.group, one.name) for one in source.accounts()) == [("Codê Chat", "one"), ("evolution", "one")]


@pytest.mark.parametrize(
    ("layout", "given", "found"),
    [
        ("baileys", "noweb", "noweb"),
        ("waha", ".sessions", ".sessions/noweb"),
        ("waha", ".sessions/noweb", ".sessions/noweb"),
        ("openclaw", ".openclaw", ".openclaw/credentials/whatsapp"),
        ("openclaw", ".openclaw/credentials", ".openclaw/credentials/whatsapp"),
        ("openclaw", "credentials/whatsapp", "credentials/whatsapp"),
    ],
)
def test_each_program_s_accounts_lie_where_it_looks(tmp_path: Path, layout: str, given: str, found: str) -> None:
    target = open_baileys_target(tmp_path / given, layout=layout)
    target.write("one", "", account())
    assert (tmp_path / found / "one" / "creds.json").read_bytes() == account()["creds"]
    assert target.shown == str(tmp_path / found)


def test_waha_s_namespace_may_be_another(tmp_path: Path) -> None:
    open_baileys_target(tmp_path, layout="waha", namespace="mine").write("one", "", account())
    assert (tmp_path / "mine" / "one").is_dir()


def test_evolution_1_is_told_what_its_instance_is(tmp_path: Path) -> None:
    open_baileys_target(tmp_path, layout="evolution-1").write("one", "", {**account(), "integration": b"{}"})
    assert (tmp_path / "one" / "integration.json").read_bytes() == b'{"integration":"WHATSAPP-BAILEYS"}'


def test_a_layout_that_nobody_knows_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TargetError, match="baileys, evolution-1, waha, openclaw"):
        open_baileys_target(tmp_path, layout="wuzapi")
    assert LAYOUTS == ("baileys", "evolution-1", "waha", "openclaw")


@pytest.mark.parametrize("open_target", OPENERS)
def test_an_account_that_is_there_is_left_and_the_next_one_is_written(tmp_path: Path, open_target: Open) -> None:
    target = open_target(tmp_path)
    target.write("one", "group", account())
    before = everything_in(tmp_path)
    with pytest.raises(TargetError, match="is there already"):
        target.write("one", "group", account("other"))
    assert everything_in(tmp_path) == before
    target.write("two", "group", account("two"))
    assert len(everything_in(tmp_path)) > len(before)


@pytest.mark.parametrize("open_target", OPENERS)
@pytest.mark.parametrize("name", ["", ".", "..", "../out", "a/b", "a\0b", "a" * 256])
def test_no_name_leads_elsewhere(tmp_path: Path, open_target: Open, name: str) -> None:
    target = open_target(tmp_path / "in")
    with pytest.raises(TargetError):
        target.write(name, "group", account())
    with pytest.raises(TargetError):
        open_session_manager_target(tmp_path / "in").write("one", name, account())
    assert [path.name for path in tmp_path.rglob("*")] == ["in"]


@pytest.mark.parametrize("open_target", OPENERS)
def test_a_folder_that_is_none_is_refused(tmp_path: Path, open_target: Open) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(TargetError, match="file is no folder"):
        open_target(tmp_path / "file")
    with pytest.raises(TargetError, match="is no folder"):
        open_target(tmp_path / "file" / "below")


@pytest.mark.parametrize("open_target", OPENERS)
def test_what_root_writes_is_its_owners(tmp_path: Path, open_target: Open) -> None:
    """A program that may not read its creds takes them for none, and makes a new identity."""
    require_root()
    os.chown(tmp_path, 12_345, 23_456)
    open_target(tmp_path / "new" / "out").write("one", "group", account())
    owners = {(status.st_uid, status.st_gid) for status in map(Path.lstat, tmp_path.rglob("*"))}
    assert owners == {(12_345, 23_456)}
