"""A name is its own file name, as far as a file name can be, and comes back from it; no two names share one."""

from __future__ import annotations

import os
import string
from urllib.parse import unquote

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from sessionworker.errors import NameNotAllowed
from sessionworker.file_names import OURS, decode_name, encode_name

ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]))  # all that UTF-8 can hold
AWKWARD_TEXT = st.text(st.sampled_from("./%\\~\x00\n 2FEeé☎😀-a"))
OURS_OR_NEARLY = st.builds("".join, st.lists(st.sampled_from([OURS, "lost+found", "/", ".", "%", "%2E", "-1", "l"])))
NAMES = (ANY_TEXT | AWKWARD_TEXT | OURS_OR_NEARLY).filter(lambda name: name not in {"", ".", ".."})
"""What a group, an instance or a key may be called: these three are refused before they come here."""

ESCAPED = {"/": "%2F", "\x00": "%00", "%": "%25"}

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


NOT_FREE = ("lost+found", ".versions", ".aside")


@given(NAMES)
@example(".sessionworker")
@example(".sessionworker-1")
@example("lost+found")
@example("%2Esessionworker")
@example("...")
@example("%")
def test_every_name_comes_back_from_its_file_name(name: str) -> None:
    assert decode_name(encode_name(name)) == name


@given(NAMES, NAMES)
@example("a/b", "a%2Fb")
@example(".sessionworker", "%2Esessionworker")
@example("lost+found", "%6Cost+found")
@example("é", "e\u0301")
def test_two_names_never_share_a_file(one: str, other: str) -> None:
    assume(one != other)
    assert encode_name(one) != encode_name(other)


@given(NAMES)
@example(".sessionworker")
@example("lost+found")
def test_a_file_name_is_one_that_linux_takes_and_that_is_nobody_else_s(name: str) -> None:
    file_name = encode_name(name)
    assert "/" not in file_name
    assert "\x00" not in file_name
    assert file_name not in {"", ".", "..", "lost+found"}
    assert not file_name.startswith(OURS)


def means_itself(name: str) -> bool:
    """Whether a file can have a name, and nobody who undoes its escapes would read another one."""
    if "/" in name or "\x00" in name or name.startswith(OURS):
        return False
    try:
        return unquote(name, errors="strict") in {name, ".", ".."}
    except UnicodeDecodeError:
        return True


@given(NAMES)
@example("100%")
@example("%FF")
@example("%2E")
@example("%C3%A9")
def test_only_what_a_file_name_cannot_hold_or_what_is_ours_is_escaped(name: str) -> None:
    plain = name if means_itself(name) else "".join(ESCAPED.get(character, character) for character in name)
    if plain.startswith(OURS) or plain == "lost+found":
        plain = f"%{ord(plain[0]):02X}{plain[1:]}"
    assert encode_name(name) == plain


@given(st.lists(NAMES, min_size=3, max_size=3))
def test_nothing_ever_lies_outside_of_the_store(names: list[str]) -> None:
    group, instance, key = map(encode_name, names)
    path = os.path.join("/store", group, instance, key)  # noqa: PTH118 - as text, the way the kernel is told
    assert os.path.normpath(path) == path
    assert path.split("/") == ["", "store", group, instance, key]


@pytest.mark.parametrize(
    "name",
    [
        *("Loja São", " a ", ".loja", "..a", "a..", "...", "~", "a\nb", "\\", "🔑", "a:b", "*?"),
        *("100%", "%", "%zz", "a%C3", "%FF", "é%C3", "%ED%A0%80", "%2E", "%2e%2E"),  # no name has such escapes
    ],
)
def test_a_name_that_a_file_can_have_is_its_own_file_name(name: str) -> None:
    assert encode_name(name) == name


@pytest.mark.parametrize(
    ("name", "file_name"),
    [
        ("a/b", "a%2Fb"),
        ("/", "%2F"),
        ("100%/", "100%25%2F"),
        ("100%25", "100%2525"),
        ("a%20b", "a%2520b"),
        ("%C3%A9", "%25C3%25A9"),
        ("%2F", "%252F"),
        ("a\x00", "a%00"),
        (".sessionworker", "%2Esessionworker"),
        (".sessionworker-5", "%2Esessionworker-5"),
        (".sessionworker/x", "%2Esessionworker%2Fx"),
        ("lost+found", "%6Cost+found"),
    ],
)
def test_a_name_that_none_can_have_is_escaped_and_comes_back(name: str, file_name: str) -> None:
    assert encode_name(name) == file_name
    assert decode_name(file_name) == name


@pytest.mark.parametrize("name", ["sessionworker", "a.sessionworker", ".sessionworke", "lost+found2", "Lost+found"])
def test_a_name_that_only_looks_like_ours_is_not_escaped(name: str) -> None:
    assert encode_name(name) == name


@pytest.mark.parametrize("text", ["\ud83d", "creds\udcff"])
def test_text_that_utf_8_cannot_hold_is_refused(text: str) -> None:
    with pytest.raises(NameNotAllowed, match="UTF-8"):
        encode_name(text)


@pytest.mark.parametrize("key", KEYS_OF_BAILEYS)
def test_in_the_file_names_of_baileys_keys_only_a_slash_changes(key: str) -> None:
    assert encode_name(key) == key.replace("/", "%2F")


# Names that others gave


@pytest.mark.parametrize(
    ("file_name", "name"),
    [
        ("a%20b%3A", "a b:"),
        ("AA%2FBB", "AA/BB"),
        ("app-state-sync-key-AA+on==", "app-state-sync-key-AA+on=="),
        ("sender-key-1@g.us::1_1::5", "sender-key-1@g.us::1_1::5"),
        ("%C3%A9", "é"),
        ("%2Ehidden", ".hidden"),
        ("%2E%2E%2E", "..."),
        ("100%25", "100%"),
        ("%25FF", "%FF"),
    ],
)
def test_file_names_with_needless_escapes_are_understood(file_name: str, name: str) -> None:
    assert decode_name(file_name) == name


@given(st.text(st.sampled_from(string.printable.replace("/", "") + "é☎😀"), min_size=1))
def test_a_file_name_that_nodes_url_made_is_understood(name: str) -> None:
    """Both session-manager and sessionworker 0.1.0 stored under names as WHATWG's URL standard escapes them."""
    assume(name not in {".", ".."} and "%" not in name and not name.startswith(OURS) and name not in NOT_FREE)
    escaped = "".join(
        "".join(f"%{byte:02X}" for byte in character.encode())
        if character in '"<>`{}' or not " " < character < "\x7f"
        else character
        for character in name
    )
    assert decode_name(escaped) == name


@pytest.mark.parametrize(
    "file_name",
    [".", "..", ".sessionworker", ".sessionworker-5", *NOT_FREE, ""],
)
def test_file_names_that_are_ours_or_no_name_stand_for_none(file_name: str) -> None:
    assert decode_name(file_name) is None


@pytest.mark.parametrize("file_name", [b"\xff", b"a\xc3", b"%C3\xc3"])
def test_file_names_that_are_not_utf_8_stand_for_none(file_name: bytes) -> None:
    assert decode_name(os.fsdecode(file_name)) is None


@given(st.text(st.characters()))
def test_reading_a_strange_folder_never_fails(file_name: str) -> None:
    name = decode_name(file_name)
    assert name is None or decode_name(encode_name(name)) == name
