"""The folders of each program are found, under the names that their accounts have there."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from sessionworker.migration.found import SourceError
from sessionworker.migration.judging import judge
from sessionworker.migration.notes import Level
from sessionworker.migration.sources.baileys import open_baileys
from sessionworker.migration.sources.openclaw import open_openclaw
from sessionworker.migration.sources.unoapi import open_unoapi
from sessionworker.migration.sources.waha import open_waha
from tests.migration.examples import account
from tests.migration.places import codes, differing, names, only, text_of_note, write_fixed, write_raw


def test_all_folders_with_creds_are_accounts(tmp_path: Path) -> None:
    for name in ("São João", "a"):
        write_fixed(tmp_path / name, account(name))
    (tmp_path / "store").mkdir()
    (tmp_path / "official").mkdir()
    (tmp_path / "official" / "integration.json").write_bytes(b'{"integration":"WHATSAPP-BUSINESS"}')
    (tmp_path / "a" / "integration.json").write_bytes(b'{"integration":"WHATSAPP-BAILEYS"}')
    source = open_baileys(tmp_path)
    assert names(source) == ["São João", "a"]
    for found in source.accounts():
        assert differing(source.read(found).values, account(found.name)) == []
        assert (found.group, found.origin) == ("", str(tmp_path / found.name))
    assert codes(source.notes()) == ["folders_left", "other_integrations_left"]
    assert "(1): official." in text_of_note(source.notes(), "other_integrations_left")
    assert source.shown == str(tmp_path)
    source.close()


def test_an_account_that_lost_its_creds_is_a_failure_of_its_own(tmp_path: Path) -> None:
    write_fixed(tmp_path / "whole", account())
    (write_fixed(tmp_path / "lost", account()) / "creds.json").unlink()
    source = open_baileys(tmp_path)
    assert names(source) == ["lost", "whole"]
    assert codes(judge(source.read(source.accounts()[0]).values)) == ["creds_missing"]


def test_one_account_can_be_given_a_name(tmp_path: Path) -> None:
    write_fixed(tmp_path / "auth_info", account())
    write_fixed(tmp_path / "auth_info" / "older", account())
    source = open_baileys(tmp_path / "auth_info", instance="shop")
    assert names(source) == ["shop"]
    assert codes(source.notes()) == ["folders_beside_left"]
    assert names(open_baileys(tmp_path, instance="shop")) == ["shop"]
    write_fixed(tmp_path / "other", account())
    with pytest.raises(SourceError, match="there are 2; leave it out"):
        open_baileys(tmp_path, instance="shop")


def test_a_folder_that_has_a_backup_of_creds_alone_is_an_account(tmp_path: Path) -> None:
    write_fixed(tmp_path / "a", account())
    (tmp_path / "a" / "creds.json").rename(tmp_path / "a" / "creds.json.bak")
    for path in (tmp_path, tmp_path / "a"):
        _, reading = only(open_baileys(path))
        assert codes(reading.notes) == ["creds_from_backup"]
        assert codes(judge(reading.values)) == []


def test_backups_are_taken_if_the_operator_wishes(tmp_path: Path) -> None:
    write_fixed(tmp_path / "a", account())
    (tmp_path / "a" / "pre-key-1.json").rename(tmp_path / "a" / "pre-key-1.json.bak")
    for path in (tmp_path, tmp_path / "a"):
        assert "pre-key-1" not in only(open_baileys(path))[1].values
        assert "pre-key-1" in only(open_baileys(path, use_bak=True))[1].values


def test_a_name_that_no_instance_may_have_is_told(tmp_path: Path) -> None:
    write_fixed(tmp_path / "a", account())
    write_fixed(tmp_path / os.fsdecode(b"b\xff"), account())
    source = open_baileys(tmp_path)
    assert names(source) == ["a"]
    assert codes(source.notes()) == ["names_left"]
    assert source.notes()[0].text().endswith("/b\ufffd.")


def test_a_folder_that_nobody_may_list_is_no_reason_to_leave_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a", "b"):
        write_fixed(tmp_path / name, account(name))
    iterdir = Path.iterdir

    def refuse(path: Path) -> Iterator[Path]:
        if path.name == "a":
            raise PermissionError(13, "Permission denied")
        return iterdir(path)

    monkeypatch.setattr(Path, "iterdir", refuse)
    assert names(open_baileys(tmp_path)) == ["a", "b"]
    with pytest.raises(SourceError, match=r"/a cannot be read: Permission denied\.$"):
        open_baileys(tmp_path / "a")


def test_folders_that_differ_in_what_cannot_be_shown_are_accounts_of_their_own(tmp_path: Path) -> None:
    for number in range(3):
        write_fixed(tmp_path / f"a{chr(number + 1)}", account(str(number)))
    source = open_baileys(tmp_path)
    found = source.accounts()
    assert [one.origin.rpartition("/")[2] for one in found] == ["a\ufffd", "a\ufffd (2)", "a\ufffd (3)"]
    for number, one in enumerate(found):
        assert differing(source.read(one).values, account(str(number))) == []


@pytest.mark.parametrize("open_source", [open_baileys, open_openclaw, open_waha, open_unoapi])
def test_where_nothing_is_the_operator_is_told(tmp_path: Path, open_source: type) -> None:
    with pytest.raises(SourceError, match=r"^There is no .* in .*\.$"):
        open_source(tmp_path)
    with pytest.raises(SourceError, match=r"is not there\.$"):
        open_source(tmp_path / "nothing")
    (tmp_path / "file").touch()
    with pytest.raises(SourceError, match=r"is no folder\.$"):
        open_source(tmp_path / "file")


# openclaw


@pytest.mark.parametrize("below", ["", "credentials", "credentials/whatsapp"])
def test_openclaw_is_found_from_its_state_on(tmp_path: Path, below: str) -> None:
    for name in ("default", "work"):
        write_fixed(tmp_path / "credentials" / "whatsapp" / name, account(name))
    (tmp_path / "credentials" / "oauth.json").write_bytes(b"{}")
    (tmp_path / "credentials" / "whatsapp" / "gone").mkdir()
    source = open_openclaw(tmp_path / below)
    assert names(source) == ["default", "work"]
    for found in source.accounts():
        assert differing(source.read(found).values, account(found.name)) == []


def test_openclaw_s_old_place_is_read_with_care(tmp_path: Path) -> None:
    credentials = write_fixed(tmp_path / "credentials", account())
    (credentials / "oauth.json").write_bytes(b"{}")
    (credentials / "telegram-pairing-2.json").write_bytes(b"{}")
    found, reading = only(open_openclaw(tmp_path))
    assert (found.name, codes(found.notes)) == ("default", ["old_place"])
    assert differing(reading.values, account()) == []
    assert "(2): oauth.json, telegram-pairing-2.json." in text_of_note(reading.notes, "skipped_foreign")
    write_fixed(credentials / "whatsapp" / "default", account("new"))
    source = open_openclaw(tmp_path)
    found, reading = only(source)
    assert differing(reading.values, account("new")) == []
    assert codes(source.notes()) == ["old_place_left"]


# WAHA


@pytest.mark.parametrize("below", ["", "noweb"])
def test_waha_s_sessions_are_found_and_its_own_files_left(tmp_path: Path, below: str) -> None:
    digits = hashlib.md5(b"shop", usedforsecurity=False).hexdigest()
    for name in ("default", f"shop-{digits}", f"other-{digits}"):
        folder = write_fixed(tmp_path / "noweb" / name, account(name))
        (folder / "store.sqlite3").write_bytes(b"x")
        (folder / "store.sqlite3-wal").write_bytes(b"x")
        (folder / ".waha.session.config.json").write_bytes(b"{}")
    (tmp_path / "webjs" / "second").mkdir(parents=True)
    (tmp_path / "all").mkdir()
    source = open_waha(tmp_path / below)
    assert names(source) == ["default", f"other-{digits}", "shop"]
    reading = source.read(source.accounts()[0])
    assert differing(reading.values, account("default")) == []
    assert codes(reading.notes) == ["skipped_foreign"]
    assert codes(source.notes()) == ([] if below else ["other_engines_left"])
    if not below:
        assert "(1): webjs/second." in text_of_note(source.notes(), "other_engines_left")


def test_waha_can_have_another_namespace(tmp_path: Path) -> None:
    write_fixed(tmp_path / "mine" / "default", account())
    assert names(open_waha(tmp_path, namespace="mine")) == ["default"]
    with pytest.raises(SourceError):
        open_waha(tmp_path)


def test_two_folders_of_one_session_are_a_question(tmp_path: Path) -> None:
    digits = hashlib.md5(b"shop", usedforsecurity=False).hexdigest()
    for name in ("shop", f"shop-{digits}"):
        write_fixed(tmp_path / "noweb" / name, account())
    found = open_waha(tmp_path).accounts()
    assert [one.name for one in found] == ["shop", "shop"]
    assert [[note.level for note in one.notes] for one in found] == [[Level.QUESTION], [Level.QUESTION]]


# unoapi


def test_unoapi_has_raw_names(tmp_path: Path) -> None:
    write_raw(tmp_path / "5511999999999", account(), ".json")
    (tmp_path / "media").mkdir()
    for path in (tmp_path, tmp_path / "5511999999999"):
        found, reading = only(open_unoapi(path))
        assert found.name == "5511999999999"
        assert "sender-key-120363000000000001@g.us::123456789012345_1::5" in reading.values
        assert codes(judge(reading.values)) == ["app_state_key_missing"]
    assert names(open_unoapi(tmp_path, instance="shop")) == ["shop"]
    assert codes(open_unoapi(tmp_path).notes()) == ["folders_left"]
