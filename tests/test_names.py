"""What groups, instances and keys may be called, and what else is refused with which reason."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessionworker.errors import NameNotAllowed
from sessionworker.file_names import LONGEST_FILE_NAME, encode_name
from sessionworker.names import check_key, check_name

ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]))  # all that UTF-8 can hold
AWKWARD_TEXT = st.text(st.sampled_from("./%\\~\x00\n 2FEeé☎😀-a"))
NAMES = ANY_TEXT | AWKWARD_TEXT

KEYS_OF_BAILEYS = (
    "creds",
    "pre-key-1",
    "pre-key-16777215",
    "session-5511999999999.0",
    "session-123456_1.12",
    "sender-key-120363041234567890@g.us::123_1::5",
    "sender-key-memory-120363041234567890@g.us",
    "app-state-sync-key-AAAAAMon",
    "app-state-sync-key-AA/+on==",
    "app-state-sync-key-//8=",
    "app-state-sync-version-critical_unblock_low",
    "lid-mapping-5511999999999",
    "lid-mapping-123_reverse",
    "device-list-5511999999999",
    "tctoken-123@lid",
    "tctoken-__index",
    "identity-key-123_1.0",
)


@pytest.mark.parametrize("key", KEYS_OF_BAILEYS)
def test_the_keys_of_baileys_are_allowed(key: str) -> None:
    assert check_key(key) == key


@pytest.mark.parametrize("name", ["codechat", "a b", "über", "..a", "a..", "...", ".hidden", "list-instances", "a%2Fb"])
@pytest.mark.parametrize("what", ["group", "instance"])
def test_ordinary_names_of_groups_and_instances_are_allowed(what: str, name: str) -> None:
    assert check_name(what, name) == name


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("", "cannot be empty"),
        (".", "'.' or '..'"),
        ("..", "'.' or '..'"),
        ("a/b", "slash"),
        ("/", "slash"),
        ("a\x00", "NUL"),
        ("a" * 256, "too long"),
        ("é" * 128, "too long"),
    ],
)
@pytest.mark.parametrize(("what", "article"), [("group", "a"), ("instance", "an")])
def test_other_names_of_groups_and_instances_are_refused_with_the_reason(
    what: str, article: str, name: str, reason: str
) -> None:
    with pytest.raises(NameNotAllowed) as refusal:
        check_name(what, name)
    assert f"The name of {article} {what} " in refusal.value.message
    assert reason in refusal.value.message


@pytest.mark.parametrize("key", ["a/b", "a//b", "/a", "a/", "//", "a b", "..a", "a/..b", "...", ".a", "a\n", "%2E%2E"])
def test_keys_may_hold_slashes_anywhere(key: str) -> None:
    assert check_key(key) == key


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ("", "cannot be empty"),
        (".", "'.' or '..'"),
        ("..", "'.' or '..'"),
        ("../creds", "'.' or '..'"),
        ("a/../b", "'.' or '..'"),
        ("a/.", "'.' or '..'"),
        ("a\x00b", "NUL"),
        ("a" * 256, "too long"),
        ("a/" * 64, "too long"),
    ],
)
def test_other_keys_are_refused_with_the_reason(key: str, reason: str) -> None:
    with pytest.raises(NameNotAllowed) as refusal:
        check_key(key)
    assert reason in refusal.value.message
    assert len(key) < 3 or key not in refusal.value.message


@given(NAMES)
def test_a_name_that_was_allowed_is_a_file_name_that_fits(name: str) -> None:
    for check in (check_key, lambda text: check_name("instance", text)):
        try:
            allowed = check(name)
        except NameNotAllowed:
            continue
        assert allowed == name
        assert 0 < len(encode_name(name).encode()) <= LONGEST_FILE_NAME


@pytest.mark.parametrize("name", ["a" * LONGEST_FILE_NAME, "é" * 127, "a/" * 63])
def test_a_name_as_long_as_a_file_name_may_be_is_allowed(name: str) -> None:
    assert check_key(name) == name


@given(name=st.text(st.characters(), min_size=1, max_size=70) | st.text(st.sampled_from("/%😀.é\ud83d"), min_size=1))
def test_a_name_is_allowed_if_its_file_name_is_not_too_long(name: str) -> None:
    try:
        is_short = len(encode_name(name).encode()) <= LONGEST_FILE_NAME
    except NameNotAllowed:
        is_short = False
    is_whole = {".", ".."}.isdisjoint(name.split("/")) and "\x00" not in name
    try:
        check_key(name)
    except NameNotAllowed:
        assert not (is_short and is_whole)
    else:
        assert is_short
        assert is_whole


@pytest.mark.parametrize("key", ["app-state-sync-key-AA/+on==", "é" * 62, "100%2F", "a b"])
def test_of_a_short_name_no_file_name_is_made(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sessionworker.names.encode_name", None)  # 5,000 of these held up the reactor for 8 ms more
    assert check_key(key) == key
