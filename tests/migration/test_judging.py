"""An account that is not whole, not paired, or not of one moment is told from one that is."""

from __future__ import annotations

import string
from typing import Any

import pytest

from sessionworker.migration.judging import PARTS, account_of, judge
from sessionworker.migration.notes import TOLD, Level, Note, Told
from tests.migration.examples import account, awaiting_code, keys_of, paired_creds, text_of, texts_of, unpaired_creds


def codes(values: dict[str, bytes]) -> list[str]:
    return [note.code for note in judge(values)]


def test_a_whole_account_is_nothing_to_speak_of() -> None:
    assert codes(account()) == []


def test_registered_does_not_tell_whether_it_is_paired() -> None:
    assert codes(account(registered=True)) == codes(account(registered=False)) == []
    assert codes(texts_of({"creds": unpaired_creds(registered=True), **keys_of()})) == ["not_paired"]


def test_who_asked_for_a_code_and_never_typed_it_is_not_paired() -> None:
    assert codes({"creds": text_of(awaiting_code())}) == ["pairing_under_way"]


@pytest.mark.parametrize("creds", [b"", b"null", b"[]", b'"{}"', b'{"noiseKey":', b"\xff{}"])
def test_creds_that_cannot_be_read_are_a_failure(creds: bytes) -> None:
    assert codes({**account(), "creds": creds}) == ["creds_unreadable"]


@pytest.mark.parametrize("part", PARTS)
def test_creds_that_lack_something_are_a_failure(part: str) -> None:
    creds: dict[str, Any] = {**paired_creds(), part: None}
    [note] = judge({**account(), "creds": text_of(creds)})
    assert (note.code, note.level) == ("creds_not_whole", Level.FAILURE)
    assert part in note.text()


def test_no_creds_are_a_failure() -> None:
    values = account()
    del values["creds"]
    assert codes(values) == ["creds_missing"]


def test_creds_that_are_older_than_the_keys_are_told() -> None:
    [note] = judge(account(nextPreKeyId=30))
    assert note.code == "creds_older_than_keys"
    assert "pre-key 30 exists, and the creds say that 30 comes next" in note.text()


def test_a_missing_key_of_the_app_s_state_is_told() -> None:
    values = account()
    del values["app-state-sync-key-AA/+on=="]
    assert codes(values) == ["app_state_key_missing"]


def test_creds_alone_are_told() -> None:
    assert codes({"creds": account()["creds"]}) == ["keys_missing"]


def test_whose_account_it_is() -> None:
    assert account_of(paired_creds(number="5511777777777")) == "5511777777777"
    assert account_of(unpaired_creds()) == ""
    assert account_of({"me": {"id": 7}}) == ""


def _fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


@pytest.mark.parametrize("told", TOLD.values(), ids=TOLD)
def test_each_note_says_the_same_in_both_languages(told: Told) -> None:
    assert _fields(told.english) == _fields(told.portuguese)
    assert told.english != told.portuguese
    for text in (told.english, told.portuguese):
        assert text.rstrip().endswith((".", "}"))


def test_a_note_says_what_it_is_about() -> None:
    note = Note("creds_not_whole", {"names": "noiseKey"})
    assert note.text() == "Its creds are not whole; missing: noiseKey."
    assert note.text("pt-BR") == "As creds estão incompletas; falta: noiseKey."
