"""`creds` that are valid and odd, or that rotted: they are nobody else's trouble, and never end the worker."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sessionworker.errors import StoreUnavailable
from tests.defects.store import (
    CREDS,
    check_creds,
    checkpoint,
    close,
    create,
    creds,
    file_of,
    kill,
    open_store,
    read,
    read_version,
    run_background,
    versions,
    versions_folder,
    write,
)
from tests.defects.threads import wait_for
from tests.memory import Worker

OTHER = file_of("session-1", "b")
"""A session file of another instance."""

NOT_UTF_8 = b'{"registrationId":1,"noiseKey":"a\xffb","nextPreKeyId":3}'
"""`creds` in which one byte has rotted."""


def numbered(digits: int) -> bytes:
    """Make `creds` whose next pre-key has a number of so many digits."""
    return b'{"registrationId":1,"nextPreKeyId":%b}' % (b"9" * digits)


# Long numbers


@pytest.mark.parametrize("digits", [227, 300, 4300])
def test_creds_with_a_long_number_stop_neither_others_nor_the_next_start(folder: Path, digits: int) -> None:
    store = open_store(folder)
    create(store)
    create(store, instance="b")
    write(store, CREDS, numbered(digits))
    checkpoint(store)
    write(store, OTHER, b"1")
    kill(folder)
    store = open_store(folder)
    assert read(store, CREDS) == numbered(digits)
    assert read(store, OTHER) == b"1"
    [version] = versions(store)
    assert read_version(store, version) == numbered(digits)
    close(store)


def test_no_client_can_stop_the_writes_of_others_with_its_creds(folder: Path) -> None:
    with Worker(folder) as worker:
        for name in ("sales", "support"):
            assert worker.ask("POST", "/session/codechat", {"instance": name}).status == 204
        value = numbered(1000).decode()
        assert worker.ask("POST", "/session/codechat/sales/creds", {"data": value}).status == 204
        assert worker.ask("POST", "/admin/checkpoint").status == 204
        assert worker.ask("POST", "/session/codechat/support/creds", {"data": creds(1).decode()}).status == 204
    with Worker(folder) as worker:
        assert worker.ask("GET", "/session/codechat/sales/creds").body.decode() == value
        assert worker.ask("GET", "/session/codechat/support/creds").body == creds(1)


def test_a_version_with_a_number_of_thousands_of_digits_is_none(folder: Path) -> None:
    with Worker(folder) as worker:
        assert worker.ask("POST", "/session/g", {"instance": "a"}).status == 204
        for version in (f"{'9' * 5000}-0.0123456789ab.1", f"1700000000000-0.0123456789ab.{'9' * 5000}"):
            path = f"/admin/groups/g/instances/a/versions/{version}/restore"
            assert worker.ask("POST", path).status in {400, 404, 414}


# What is no number


def test_versions_are_listed_and_thinned_whatever_the_next_pre_key_is(folder: Path) -> None:
    store = open_store(folder)
    create(store)
    for number in range(30):
        write(store, CREDS, b'{"registrationId":1,"nextPreKeyId":true,"n":%d}' % number)
        checkpoint(store)
    found = versions(store)
    assert 10 <= len(found) <= 13  # the newest ten, and the last of an hour and of a day
    assert read_version(store, found[0]) == b'{"registrationId":1,"nextPreKeyId":true,"n":29}'
    assert len(list(versions_folder(folder).iterdir())) == len(found)
    close(store)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(), max_size=5),  # with halves of emojis, as Node writes them
    lambda values: st.lists(values, max_size=2) | st.dictionaries(st.text(max_size=3), values, max_size=2),
    max_leaves=4,
)
LONG = st.integers(1, 4300).map(lambda digits: int("9" * digits))
FIELDS = ("registrationId", "noiseKey", "signedIdentityKey", "me")


@pytest.mark.slow
@settings(max_examples=100, deadline=None, derandomize=True, database=None)
@given(st.fixed_dictionaries({"nextPreKeyId": JSON | LONG}, optional=dict.fromkeys(FIELDS, JSON)))
def test_any_object_is_saved_as_creds_listed_as_a_version_and_read_back(value: dict[str, Any]) -> None:
    written = json.dumps(value).encode()
    with TemporaryDirectory() as place:
        store = open_store(Path(place))
        try:
            create(store)
            write(store, CREDS, creds(1))
            checkpoint(store)
            write(store, CREDS, written)
            checkpoint(store)
            newest, *older = versions(store)
            assert newest.is_current
            assert len(older) == 1
            assert read_version(store, newest) == written
            close(store)
            store = open_store(Path(place))
            assert read(store, CREDS) == written
            check_creds(store)
        finally:
            kill(Path(place))


# Bytes that are not UTF-8


def put(folder: Path, key: str, value: bytes) -> None:
    """Put a session file where an old folder has it, or where it has rotted."""
    (folder / "g" / "a").mkdir(parents=True, exist_ok=True)
    (folder / "g" / "a" / key).write_bytes(value)


def test_creds_that_are_not_utf_8_are_not_taken_for_whole(folder: Path) -> None:
    put(folder, "creds", NOT_UTF_8)
    store = open_store(folder)
    with pytest.raises(StoreUnavailable):
        check_creds(store)
    with pytest.raises(StoreUnavailable):
        read(store, CREDS)
    close(store)


def test_a_value_that_is_not_utf_8_is_not_served(folder: Path) -> None:
    put(folder, "session-1", b'"\xff"')
    store = open_store(folder)
    assert read(store, file_of("session-1")) is None
    close(store)


def test_good_creds_take_the_place_of_some_that_are_not_utf_8(folder: Path, reports: list[str]) -> None:
    put(folder, "creds", NOT_UTF_8)
    store = open_store(folder, reports)
    create(store, instance="b")
    write(store, CREDS, creds(4))
    checkpoint(store)
    write(store, OTHER, b"1")
    kill(folder)
    store = open_store(folder, reports)
    assert read(store, CREDS) == creds(4)
    assert read(store, OTHER) == b"1"
    close(store)


def test_the_background_work_goes_on_where_creds_were_not_utf_8(folder: Path) -> None:
    put(folder, "creds", NOT_UTF_8)
    store = open_store(folder)
    create(store, instance="b")
    with run_background(store):
        write(store, CREDS, creds(4))
        wait_for(lambda: (folder / "g" / "a" / "creds").read_bytes() == creds(4), "the file follows")
        write(store, OTHER, b"1")
        wait_for((folder / "g" / "b" / "session-1").is_file, "another instance's file follows")


def test_a_rotten_version_is_no_replacement_for_broken_creds_and_no_failure(folder: Path) -> None:
    with Worker(folder) as worker:
        assert worker.ask("POST", "/session/g", {"instance": "a"}).status == 204
        assert worker.ask("POST", "/session/g/a/creds", {"data": creds(1).decode()}).status == 204
    [version] = versions_folder(folder).iterdir()
    version.write_bytes(NOT_UTF_8)
    put(folder, "creds", b"")
    with Worker(folder) as worker:
        assert worker.ask("POST", "/session/g", {"instance": "a"}).status == 503
        assert worker.ask("GET", "/session/g/a/creds").status == 503


# What is no object


@pytest.mark.parametrize("value", ["null", "[]", "1", '"x"', "true", " [{}]"])
def test_creds_that_are_no_object_are_refused_and_the_ones_before_stay(folder: Path, value: str) -> None:
    with Worker(folder) as worker:
        assert worker.ask("POST", "/session/g", {"instance": "a"}).status == 204
        assert worker.ask("POST", "/session/g/a/creds", {"data": creds(1).decode()}).status == 204
        assert worker.ask("POST", "/session/g/a/creds", {"data": value}).status == 400
        assert worker.ask("GET", "/session/g/a/creds").body == creds(1)
        assert worker.ask("POST", "/session/g", {"instance": "a"}).status == 204
