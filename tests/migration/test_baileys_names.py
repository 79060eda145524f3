"""A file name of Baileys stands for the key that it was made of."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sessionworker.migration.baileys_names import file_name_of, is_ambiguous, key_of, type_and_id_of
from tests.migration.examples import keys_of

GROUPS = st.from_regex(r"(120363[0-9]{12}|55[0-9]{10,11}-1[0-9]{9})@g\.us", fullmatch=True)
USERS = st.from_regex(r"[0-9]{6,15}(_1)?", fullmatch=True)
KEYS = st.one_of(
    st.builds("sender-key-{}::{}::{}".format, GROUPS, USERS, st.integers(0, 99)),
    st.builds("sender-key-memory-{}".format, GROUPS),
    st.builds("session-{}.{}".format, USERS, st.integers(0, 99)),
    st.builds("app-state-sync-key-{}".format, st.from_regex(r"[A-Za-z0-9+/]{6,22}={0,2}", fullmatch=True)),
    st.builds("pre-key-{}".format, st.integers(1, 2**24)),
    st.builds("lid-mapping-{}_reverse".format, USERS),
    st.just("creds"),
    st.just("tctoken-__index"),
)


@given(KEYS)
@settings(deadline=None)
def test_every_form_of_an_id_comes_back(key: str) -> None:
    assert key_of(file_name_of(key)) == key


@pytest.mark.parametrize("key", keys_of())
def test_each_type_comes_back(key: str) -> None:
    assert key_of(file_name_of(key)) == key


def test_names_as_baileys_makes_them() -> None:
    assert file_name_of("app-state-sync-key-//AA+w==") == "app-state-sync-key-____AA+w=="
    assert file_name_of("sender-key-1@g.us::2_1::5") == "sender-key-1@g.us--2_1--5"


@pytest.mark.parametrize("name", ["integration", ".waha.session.config", "pre-key-", "creds2", "", "newtype-1"])
def test_what_is_no_key_of_baileys_stands_for_none(name: str) -> None:
    assert key_of(name) is None


def test_a_memory_of_sender_keys_is_no_sender_key() -> None:
    assert type_and_id_of("sender-key-memory-1@g.us") == ("sender-key-memory", "1@g.us")
    assert type_and_id_of("sender-key-1@g.us") == ("sender-key", "1@g.us")
    assert type_and_id_of("creds") is None


def test_a_name_of_an_unknown_type_may_stand_for_another() -> None:
    assert [is_ambiguous(f"newtype-{id_}") for id_ in ("a--b", "a__b", "a-b")] == [True, True, False]
