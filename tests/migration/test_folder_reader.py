"""Of a folder each value is read that is one, under the key that it was written for; of the rest it is told why not."""

from __future__ import annotations

import os
import stat
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sessionworker.disk import opened_folder, read_file
from sessionworker.migration.notes import Level
from sessionworker.migration.readers import folder as reader
from sessionworker.migration.readers.folder import BAILEYS, ESCAPED, RAW, RAW_FOLDERS, Layout, read_folder, read_value
from tests.migration.examples import account, keys_of, paired_creds, text_of, texts_of, with_numbers
from tests.migration.places import codes, differing, everything_in, text_of_note, write_fixed, write_raw


def without_slashes(values: dict[str, bytes]) -> dict[str, bytes]:
    return {key: value for key, value in values.items() if "/" not in key}


def test_each_key_comes_out_of_names_of_baileys(tmp_path: Path) -> None:
    write_fixed(tmp_path, account())
    before = everything_in(tmp_path)
    reading = read_folder(tmp_path, BAILEYS)
    assert differing(reading.values, account()) == []
    assert reading.notes == []
    assert everything_in(tmp_path) == before


@pytest.mark.parametrize(("layout", "ending"), [(RAW, ".json"), (RAW_FOLDERS, ".json"), (ESCAPED, "")])
def test_each_key_comes_out_of_raw_names(tmp_path: Path, layout: Layout, ending: str) -> None:
    write_raw(tmp_path, account(), ending)
    reading = read_folder(tmp_path, layout)
    assert differing(reading.values, without_slashes(account())) == []
    assert reading.notes == []


def test_a_slash_can_make_a_folder(tmp_path: Path) -> None:
    write_raw(tmp_path, account(), ".json")
    (tmp_path / "app-state-sync-key-AA").mkdir()
    (tmp_path / "app-state-sync-key-AA" / "+on==.json").write_bytes(b"{}")
    assert read_folder(tmp_path, RAW_FOLDERS).values["app-state-sync-key-AA/+on=="] == b"{}"
    reading = read_folder(tmp_path, RAW)
    assert text_of_note(reading.notes, "skipped_foreign").endswith("(1): app-state-sync-key-AA.")


def test_other_folders_are_no_keys(tmp_path: Path) -> None:
    write_raw(tmp_path, account(), ".json")
    (tmp_path / "media").mkdir()
    for name in ("media/1.json", "store.json", "new-type-a::1.json"):
        (tmp_path / name).write_bytes(b"{}")
    reading = read_folder(tmp_path, RAW_FOLDERS)
    assert differing(reading.values, {**without_slashes(account()), "new-type-a::1": b"{}"}) == []
    assert text_of_note(reading.notes, "skipped_foreign").endswith("(2): media/1.json, store.json.")


def test_what_is_no_value_is_told(tmp_path: Path) -> None:
    write_fixed(tmp_path, account())
    for name, value in {
        "pre-key-4.json": b"",
        "pre-key-5.json": b'{"private":',
        "pre-key-6.json": b"null",
        "pre-key-7.json": b" \n",
        "pre-key-8.json": b"undefined",
        "pre-key-9.json.tmp": b"{}",
        "integration.json": b"{}",
        "oauth.json": b"{}",
        "store.db": b"x",
        ".waha.config.json": b"{}",
    }.items():
        (tmp_path / name).write_bytes(value)
    (tmp_path / "pre-key-10.json").mkdir()
    reading = read_folder(tmp_path, BAILEYS)
    assert differing(reading.values, account()) == []
    assert [note.text() for note in reading.notes] == [
        "Empty, not taken (2): pre-key-4.json, pre-key-7.json.",
        "No session files, not taken (5): .waha.config.json, integration.json, oauth.json, pre-key-10.json, store.db.",
        "They hold null, that is nothing, and are not taken (1): pre-key-6.json.",
        "Left by writes that never ended, not taken (1): pre-key-9.json.tmp.",
        "Cut off or no JSON, not taken (2): pre-key-5.json, pre-key-8.json.",
    ]


@pytest.mark.parametrize("creds", [b"", b'{"noiseKey":', b"null"])
def test_creds_that_cannot_be_read_are_left_to_the_judge(tmp_path: Path, creds: bytes) -> None:
    write_fixed(tmp_path, {**account(), "creds": creds})
    assert read_folder(tmp_path, BAILEYS).values["creds"] == creds


def test_a_type_that_nobody_knows_yet_is_taken(tmp_path: Path) -> None:
    write_fixed(tmp_path, {**account(), "new-type-5511": b"1", "new-type-a:1": b"2", "new-type-a::1": b"3"})
    reading = read_folder(tmp_path, BAILEYS)
    assert reading.values["new-type-5511"] == b"1"
    assert reading.values["new-type-a-1"] == b"2"
    assert reading.values["new-type-a--1"] == b"3"
    assert codes(reading.notes) == ["unknown_type"]
    assert "(1): new-type-a--1." in reading.notes[0].text()


def test_a_name_that_is_not_text_is_told_without_harm(tmp_path: Path) -> None:
    write_fixed(tmp_path, account())
    name = os.path.join(os.fsencode(tmp_path), b"pre-key-\xff\x1b[2J9.json")  # noqa: PTH118 - bytes
    with open(name, "wb") as file:  # noqa: PTH123
        file.write(b"{}")
    reading = read_folder(tmp_path, BAILEYS)
    assert differing(reading.values, account()) == []
    assert text_of_note(reading.notes, "skipped_name").endswith("(1): pre-key-\ufffd\ufffd[2J9.json.")


def test_escapes_are_undone_once(tmp_path: Path) -> None:
    write_raw(tmp_path, account())
    (tmp_path / "app-state-sync-key-AA%2Fon%3D%3D").write_bytes(b"{}")
    (tmp_path / "app-state-sync-key-BB%252F").write_bytes(b"{}")
    (tmp_path / "app-state-sync-key-CC%FF").write_bytes(b"{}")
    (tmp_path / "pre%2Dkey-1").write_bytes(b"{}")
    reading = read_folder(tmp_path, ESCAPED)
    assert {"app-state-sync-key-AA/on==", "app-state-sync-key-BB%2F", "app-state-sync-key-CC%FF"} <= set(reading.values)
    assert codes(reading.notes) == ["skipped_double"]
    assert reading.notes[0].level is Level.QUESTION


def test_names_of_another_program_are_a_question(tmp_path: Path) -> None:
    values = {**account(), "sender-key-1--2": b"{}"}
    raw = write_raw(tmp_path / "raw", values, ".json")
    (raw / "integration.json").write_bytes(b"{}")
    reading = read_folder(raw, BAILEYS)
    assert differing(reading.values, without_slashes(values)) == []
    assert [(note.code, note.level) for note in reading.notes] == [
        ("looks_raw", Level.QUESTION),
        ("skipped_foreign", Level.INFORMATION),
    ]
    fixed = write_fixed(tmp_path / "fixed", account())
    reading = read_folder(fixed, RAW)
    assert [(note.code, note.level) for note in reading.notes] == [("looks_fixed", Level.QUESTION)]


@pytest.mark.parametrize("key", keys_of())
def test_no_key_itself_looks_as_if_baileys_had_changed_it(tmp_path: Path, key: str) -> None:
    write_raw(tmp_path, {key: b"{}"}, ".json")
    assert read_folder(tmp_path, RAW).notes == []


# Baileys' branch develop


def test_backups_beside_what_they_are_of_are_nothing_to_speak_of(tmp_path: Path) -> None:
    write_fixed(tmp_path, account())
    for path in list(tmp_path.iterdir()):
        Path(f"{path}.bak").write_bytes(b'{"old":1}')
    reading = read_folder(tmp_path, BAILEYS)
    assert differing(reading.values, account()) == []
    assert reading.notes == []


@pytest.mark.parametrize("creds", [None, b"", b"{", b"null", b"0", b"[]"])
def test_creds_that_are_lost_are_taken_from_their_backup(tmp_path: Path, creds: bytes | None) -> None:
    values = account()
    write_fixed(tmp_path, values)
    (tmp_path / "creds.json").rename(tmp_path / "creds.json.bak")
    if creds is not None:
        (tmp_path / "creds.json").write_bytes(creds)
    reading = read_folder(tmp_path, BAILEYS)
    assert differing(reading.values, values) == []
    assert codes(reading.notes) == ["creds_from_backup"]


def test_a_backup_that_cannot_be_read_is_no_help(tmp_path: Path) -> None:
    write_fixed(tmp_path, account())
    (tmp_path / "creds.json").write_bytes(b"{")
    (tmp_path / "creds.json.bak").write_bytes(b"{{")
    reading = read_folder(tmp_path, BAILEYS)
    assert reading.values["creds"] == b"{"
    assert reading.notes == []


@pytest.mark.parametrize("cut_off", [False, True])
def test_another_backup_is_taken_only_if_the_operator_wishes(tmp_path: Path, *, cut_off: bool) -> None:
    values = account()
    write_fixed(tmp_path, values)
    session = "session-5511888888888.0"
    (tmp_path / f"{session}.json").rename(tmp_path / f"{session}.json.bak")
    if cut_off:
        (tmp_path / f"{session}.json").write_bytes(b"{")
    reading = read_folder(tmp_path, BAILEYS)
    assert session not in reading.values
    assert codes(reading.notes) == ["skipped_backup", *(["skipped_unreadable"] if cut_off else [])]
    reading = read_folder(tmp_path, BAILEYS, use_bak=True)
    assert differing(reading.values, values) == []
    assert codes(reading.notes) == ["backup_taken"]


# Buffers


def test_buffers_that_are_arrays_of_numbers_are_rewritten_in_all_values(tmp_path: Path) -> None:
    write_fixed(tmp_path, texts_of(with_numbers({"creds": paired_creds(), **keys_of()})))
    reading = read_folder(tmp_path, BAILEYS)
    assert differing(reading.values, account()) == []
    assert codes(reading.notes) == ["buffers_rewritten"]


def test_a_buffer_that_is_none_is_not_taken(tmp_path: Path) -> None:
    broken = text_of({"type": "Buffer", "data": [300]})
    write_fixed(tmp_path, {**texts_of(with_numbers({"creds": paired_creds()})), "pre-key-1": broken})
    reading = read_folder(tmp_path, BAILEYS)
    assert set(reading.values) == {"creds"}
    assert codes(reading.notes) == ["buffers_rewritten", "skipped_unreadable"]


# A source that runs


def test_a_value_is_read_again_while_somebody_writes_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "creds.json"
    path.write_bytes(b"")
    slept = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        path.write_bytes(b"{" if len(slept) == 1 else b"{}")

    monkeypatch.setattr(time, "sleep", sleep)
    with opened_folder(str(tmp_path)) as folder:
        assert read_value("creds.json", folder) == b"{}"
        assert slept == [0.05, 0.05]
        path.write_bytes(b"{")
        os.utime(path, (1, 1))
        assert read_value("creds.json", folder) == b"{"
        assert len(slept) == 2
        assert read_value("nothing", folder) is None


def test_what_is_removed_while_it_is_read_is_nothing_to_speak_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_fixed(tmp_path, account())
    listed = sorted(os.listdir(tmp_path))  # noqa: PTH208
    (tmp_path / "pre-key-1.json").unlink()
    monkeypatch.setattr(os, "listdir", lambda _: listed)
    reading = read_folder(tmp_path, BAILEYS)
    assert "pre-key-1" not in reading.values
    assert reading.notes == []


def test_what_the_system_refuses_is_a_question(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_fixed(tmp_path, account())

    def refuse(name: str, folder: int) -> bytes | None:
        if name == "pre-key-1.json":
            raise PermissionError
        return read_file(name, folder)

    monkeypatch.setattr(reader, "read_file", refuse)
    reading = read_folder(tmp_path, BAILEYS)
    assert len(reading.values) == len(account()) - 1
    assert [(note.code, note.level) for note in reading.notes] == [("skipped_forbidden", Level.QUESTION)]


def test_a_folder_that_is_gone_is_a_failure_of_the_account(tmp_path: Path) -> None:
    reading = read_folder(tmp_path / "gone", BAILEYS)
    assert [(note.code, note.level) for note in reading.notes] == [("folder_not_read", Level.FAILURE)]
    assert reading.notes[0].text() == "Its folder cannot be read: No such file or directory."


def test_nothing_is_read_through_a_pipe_or_a_link(tmp_path: Path) -> None:
    write_fixed(tmp_path, account())
    (tmp_path / "pre-key-11.json").symlink_to(tmp_path / "pre-key-1.json")
    os.mkfifo(tmp_path / "pre-key-4.json")
    reading = read_folder(tmp_path, BAILEYS)
    assert differing(reading.values, account()) == []
    assert text_of_note(reading.notes, "skipped_foreign").endswith("(2): pre-key-11.json, pre-key-4.json.")
    assert stat.S_ISFIFO((tmp_path / "pre-key-4.json").stat().st_mode)


LAYOUTS = (BAILEYS, RAW, RAW_FOLDERS, ESCAPED)
NAMES = st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=20)


@given(st.lists(NAMES.filter(lambda name: name not in {".", ".."})), st.binary(max_size=8), st.sampled_from(LAYOUTS))
@settings(deadline=None, max_examples=40)
def test_no_name_and_no_value_is_more_than_told(names: list[str], value: bytes, layout: Layout) -> None:
    with TemporaryDirectory() as made:
        folder = Path(made)
        for name in names:
            path = folder / f"{name}{layout.ending}"
            path.write_bytes(value)
            os.utime(path, (1, 1))
        codes(read_folder(folder, layout).notes)
