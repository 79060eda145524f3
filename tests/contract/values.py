"""What is promised of values: what was written is read, until it is written over or deleted."""

from __future__ import annotations

import pytest

from sessionworker.names import SessionFile, check_key
from sessionworker.stores.changes import CreateGroup, CreateInstance
from tests.contract.base import Contract
from tests.contract.words import (
    CREDS,
    KEY,
    MIB,
    SUPPORT,
    Life,
    commit,
    create,
    creds,
    delete,
    read_all,
    read_and_recall,
    value_of,
    write,
)

AWKWARD_KEYS = [
    "session-5511999999999.0",
    "session-123456_1.12",
    "sender-key-120363000000000000@g.us::123_1::5",
    "app-state-sync-key-AA/+on==",
    "/",
    "//",
    "a//b/",
    "a",
    "a/",
    ".hidden",
    ".sessionworker",
    ".sessionworker-1",
    ".versions",
    "versions",
    "lost+found",
    "...",
    "%",
    "%2F",
    "%252F",
    "%2Esessionworker",
    "a b",
    "a+b",
    "CREDS",
    "creds",
    "creds.tmp",
    "new\nline",
    "tab\tand \x7f",
    "\\",
    "ação",
    "ac\u0327a\u0303o",  # the same word for a reader, and another key
    "日本語",
    "🔑",
    "k" * 200,
]

AWKWARD_NAMES = ["a b", ".hidden", "%2F", "ação", "Sales", "sales", "creds", "...", ".sessionworker", "lost+found"]


class ValuesContract(Contract):
    """Values of session files."""

    def test_what_was_written_is_read(self, life: Life) -> None:
        create(life.store)
        commit(life.store, write(CREDS, creds(1)), write(KEY, b'{"a":1}'))
        life.go_on()
        assert read_and_recall(life.store, CREDS) == creds(1)
        assert read_and_recall(life.store, KEY) == b'{"a":1}'

    def test_the_last_of_several_writes_holds(self, life: Life) -> None:
        create(life.store)
        for number in range(5):
            commit(life.store, write(CREDS, creds(2 * number)), write(CREDS, creds(2 * number + 1)))
            commit(life.store, write(KEY, b"%d" % number), write(KEY, b"[%d]" % number))
            life.go_on()
            assert read_and_recall(life.store, CREDS) == creds(2 * number + 1)
            assert read_and_recall(life.store, KEY) == b"[%d]" % number

    @pytest.mark.parametrize(
        "value",
        [
            b"null",
            b'"text"',
            b"[]",
            b' {"a" : 1.0, "a" : -0e+00}\r\n\t',
            '{"ação": "日本\\u0000"}'.encode(),
            b'"\\ud83d"',
            b"9" * 5000,
            b'{"data":"%b"}' % (b"x" * 5 * MIB),
        ],
        ids=["null", "text", "array", "odd numbers", "UTF-8 and escapes", "half an emoji", "long number", "5 MiB"],
    )
    def test_a_value_comes_back_byte_for_byte(self, life: Life, value: bytes) -> None:
        create(life.store)
        commit(life.store, write(KEY, value))
        life.go_on()
        assert read_and_recall(life.store, KEY) == value

    @pytest.mark.parametrize(
        "value",
        [
            b' {"a" : 1.0, "a" : -0e+00}\r\n\t',
            '{"ação": "日本\\u0000"}'.encode(),
            b'{"data":"%b"}' % (b"x" * 5 * MIB),
        ],
        ids=["spaces and odd numbers", "UTF-8 and escapes", "5 MiB"],
    )
    def test_creds_come_back_byte_for_byte(self, life: Life, value: bytes) -> None:
        create(life.store)
        commit(life.store, write(CREDS, value))
        life.go_on()
        assert read_and_recall(life.store, CREDS) == value

    def test_each_awkward_key_has_its_own_value(self, life: Life) -> None:
        files = [SessionFile("codechat", "sales", check_key(key)) for key in AWKWARD_KEYS]
        create(life.store)
        commit(life.store, *(write(file, value_of(file)) for file in files))
        life.go_on()
        assert read_all(life.store, *files) == [value_of(file) for file in files]
        for number, file in enumerate(files):
            commit(life.store, delete(file))
            assert read_all(life.store, *files) == [
                None if position <= number else value_of(left) for position, left in enumerate(files)
            ]

    @pytest.mark.parametrize("name", AWKWARD_NAMES)
    def test_awkward_groups_and_instances_are_kept_apart(self, life: Life, name: str) -> None:
        file, beside = SessionFile(name, name, "creds"), SessionFile(name, "other", "creds")
        in_other = SessionFile("other", name, "creds")
        create(life.store, beside, in_other, file)
        commit(life.store, write(file, b'{"whose":"mine"}'))
        life.go_on()
        assert life.store.groups() == sorted([name, "other"])
        assert life.store.instances(name) == sorted([name, "other"])
        assert read_all(life.store, file, beside, in_other) == [b'{"whose":"mine"}', None, None]

    def test_a_deleted_key_holds_nothing(self, life: Life) -> None:
        create(life.store)
        commit(life.store, write(CREDS, creds(1)), write(KEY, b"1"))
        life.go_on()
        commit(life.store, delete(CREDS), delete(KEY))
        life.go_on()
        assert read_all(life.store, CREDS, KEY) == [None, None]

    def test_a_deleted_key_may_be_written_again(self, life: Life) -> None:
        create(life.store)
        for number in range(4):
            commit(life.store, write(KEY, b"%d" % number))
            life.go_on()
            commit(life.store, delete(KEY))
            life.go_on()
            assert read_and_recall(life.store, KEY) is None
        commit(life.store, write(KEY, b'"last"'))
        life.go_on()
        assert read_and_recall(life.store, KEY) == b'"last"'

    def test_a_key_that_was_never_written_holds_nothing(self, life: Life) -> None:
        create(life.store)
        life.go_on()
        assert read_all(life.store, CREDS, KEY) == [None, None]
        commit(life.store, delete(CREDS), delete(KEY))
        life.go_on()
        assert read_all(life.store, CREDS, KEY) == [None, None]

    def test_what_happens_to_one_instance_concerns_no_other(self, life: Life) -> None:
        create(life.store, CREDS, SUPPORT)
        keys = [KEY, SUPPORT._replace(key=KEY.key)]
        commit(life.store, *(write(file, value_of(file)) for file in keys))
        life.go_on()
        commit(life.store, delete(KEY))
        life.go_on()
        assert read_all(life.store, *keys) == [None, value_of(keys[1])]

    def test_many_changes_fit_into_one_commit(self, life: Life) -> None:
        files = [SessionFile("codechat", f"i{number % 7}", f"pre-key-{number}") for number in range(2000)]
        commit(
            life.store,
            CreateGroup("codechat"),
            *(CreateInstance("codechat", f"i{number}") for number in range(7)),
            *(write(file, value_of(file)) for file in files),
        )
        life.go_on()
        assert [life.store.read(file) for file in files] == [value_of(file) for file in files]
