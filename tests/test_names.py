"""Names become file names and come back, whatever they hold, and never lead out of their folder."""

from __future__ import annotations

import os
import string

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from sessionworker.errors import NameNotAllowed
from sessionworker.names import LONGEST_FILE_NAME, check_key, check_name, decode_name, encode_name

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


@given(NAMES)
@example("..")
@example(".sessionworker")
@example("%2E")
@example("%")
def test_every_name_comes_back_from_its_file_name(name: str) -> None:
    assert decode_name(encode_name(name)) == name


@given(NAMES, NAMES)
@example("a/b", "a%2Fb")
@example(".a", "%2Ea")
def test_two_names_never_share_a_file(one: str, other: str) -> None:
    assume(one != other)
    assert encode_name(one) != encode_name(other)


@given(NAMES)
def test_a_file_name_is_one_that_linux_takes_and_that_is_not_ours(name: str) -> None:
    file_name = encode_name(name)
    assert "/" not in file_name
    assert "\x00" not in file_name
    assert not file_name.startswith(".")
    assert bool(file_name) == bool(name)
    assert file_name.isascii()


@given(st.lists(NAMES.filter(bool), min_size=3, max_size=3))
def test_nothing_ever_lies_outside_of_the_store(names: list[str]) -> None:
    group, instance, key = map(encode_name, names)
    path = os.path.join("/store", group, instance, key)  # noqa: PTH118 - as text, the way the kernel is told
    assert os.path.normpath(path) == path
    assert path.split("/") == ["", "store", group, instance, key]


@pytest.mark.parametrize("text", ["\ud83d", "creds\udcff"])
def test_text_that_utf_8_cannot_hold_is_refused(text: str) -> None:
    for refuse in (encode_name, check_key, lambda name: check_name("group", name)):
        with pytest.raises(NameNotAllowed, match="UTF-8"):
            refuse(text)


@pytest.mark.parametrize("key", KEYS_OF_BAILEYS)
def test_the_keys_of_baileys_are_allowed_and_only_a_slash_changes_in_their_file_names(key: str) -> None:
    assert check_key(key) == key
    assert encode_name(key) == key.replace("/", "%2F")


@pytest.mark.parametrize(
    ("file_name", "name"),
    [
        ("a%20b%3A", "a b:"),
        ("AA%2FBB", "AA/BB"),
        ("app-state-sync-key-AA+on==", "app-state-sync-key-AA+on=="),
        ("sender-key-1@g.us::1_1::5", "sender-key-1@g.us::1_1::5"),
        ("%C3%A9", "é"),
        ("100%", "100%"),
        ("%zz", "%zz"),
    ],
)
def test_file_names_of_session_manager_are_understood(file_name: str, name: str) -> None:
    assert decode_name(file_name) == name


@given(st.text(st.sampled_from(string.printable.replace("/", "") + "é☎😀"), min_size=1))
def test_a_name_that_nodes_url_escaped_keeps_the_file_name_that_it_had(name: str) -> None:
    """What WHATWG's URL standard escapes in a path is what encode_name escapes, but for '%' and a leading dot."""
    assume("%" not in name and not name.startswith("."))
    escaped = "".join(
        "".join(f"%{byte:02X}" for byte in character.encode())
        if character in '"<>`{}' or not " " < character < "\x7f"
        else character
        for character in name
    )
    assert encode_name(name) == escaped


@pytest.mark.parametrize("file_name", [".", "..", ".sessionworker", ".sessionworker-5", "%FF", "a%C3", "%ED%A0%80"])
def test_file_names_that_are_ours_or_no_text_stand_for_no_name(file_name: str) -> None:
    assert decode_name(file_name) is None


@given(st.text(st.characters()))
def test_reading_a_strange_folder_never_fails(file_name: str) -> None:
    name = decode_name(file_name)
    assert name is None or decode_name(encode_name(name)) == name


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
        ("é" * 43, "too long"),
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
        assert 0 < len(encode_name(name)) <= LONGEST_FILE_NAME


@pytest.mark.parametrize("name", ["a" * LONGEST_FILE_NAME, "é" * 42, "a/" * 63])
def test_a_name_as_long_as_a_file_name_may_be_is_allowed(name: str) -> None:
    assert check_key(name) == name
