"""What is promised of a batch: all of its changes are made, or none."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from types import FrameType
from typing import Any

import pytest

from sessionworker.errors import CredsNotAllowed, NoSuchGroup, NoSuchInstance
from sessionworker.stores.changes import Change, CreateGroup, Delete, Write
from sessionworker.stores.interface import UNKNOWN
from tests.contract.base import Contract
from tests.contract.words import (
    CREDS,
    KEY,
    MIB,
    OTHER_KEY,
    SUPPORT,
    Life,
    changes,
    commit,
    create,
    creds,
    read_all,
    refusals,
    summary,
    versions,
    write,
)

BAD: list[Change] = [Write("creds", b"[]"), Write("creds", b"null"), Write("creds", b'"{}"'), Write("creds", b"1")]


class BatchesContract(Contract):
    """Several changes of one instance."""

    def test_all_changes_of_a_batch_are_made(self, life: Life) -> None:
        create(life.store)
        commit(life.store, write(OTHER_KEY, b'"old"'))
        life.go_on()
        commit(life.store, changes(Write("creds", creds(1)), Write(KEY.key, b"1"), Delete(OTHER_KEY.key)))
        life.go_on()
        assert read_all(life.store, CREDS, KEY, OTHER_KEY) == [creds(1), b"1", None]

    @pytest.mark.parametrize("place_of_the_bad", [0, 1, 2, 3])
    @pytest.mark.parametrize("bad", BAD, ids=["array", "null", "text", "number"])
    def test_nothing_is_seen_of_a_batch_with_a_bad_member(self, life: Life, bad: Change, place_of_the_bad: int) -> None:
        create(life.store)
        commit(life.store, write(CREDS, creds(1)), write(OTHER_KEY, b'"old"'))
        life.go_on()
        listed, told = versions(life.store), summary(life.store)
        good: list[Change] = [Write(KEY.key, b"1"), Delete(OTHER_KEY.key), Write("creds", creds(2))]
        good.insert(place_of_the_bad, bad)
        assert refusals(life.store, changes(*good)) == [CredsNotAllowed]
        life.go_on()
        assert read_all(life.store, CREDS, KEY, OTHER_KEY) == [creds(1), None, b'"old"']
        assert versions(life.store) == listed
        assert (summary(life.store).files, summary(life.store).bytes) == (told.files, told.bytes)

    @pytest.mark.parametrize(
        ("made", "value"),
        [
            ([Write(KEY.key, b"1"), Write(KEY.key, b"2")], b"2"),
            ([Write(KEY.key, b"1"), Delete(KEY.key)], None),
            ([Delete(KEY.key), Write(KEY.key, b"1")], b"1"),
            ([Delete(KEY.key), Write(KEY.key, b"1"), Delete(KEY.key)], None),
            ([Delete(KEY.key), Delete(KEY.key)], None),
            ([Write(KEY.key, b"%d" % number) for number in range(100)], b"99"),
        ],
        ids=["write twice", "write, delete", "delete, write", "delete, write, delete", "delete twice", "a hundred"],
    )
    @pytest.mark.parametrize("before", [b'"old"', None], ids=["over another", "over nothing"])
    def test_the_last_change_of_a_key_in_a_batch_holds(
        self, life: Life, made: list[Change], value: bytes | None, before: bytes | None
    ) -> None:
        create(life.store)
        commit(life.store, *([write(KEY, before)] if before else []))
        life.go_on()
        commit(life.store, changes(*made))
        assert read_all(life.store, KEY) == [value]
        life.go_on()
        assert read_all(life.store, KEY) == [value]
        assert summary(life.store).files == (value is not None)

    def test_the_batches_of_a_commit_are_judged_in_their_order(self, life: Life) -> None:
        create(life.store, CREDS, SUPPORT)
        life.go_on()
        assert refusals(
            life.store,
            changes(Write(KEY.key, b"1"), Write(OTHER_KEY.key, b"1")),
            changes(Delete(KEY.key), Write("creds", b"[]")),
            changes(Delete(OTHER_KEY.key), Write("creds", creds(1))),
            changes(Write(KEY.key, b'"other"'), instance="support"),
            changes(Write(KEY.key, b"2"), instance="nobody"),
            changes(Write(KEY.key, b"3"), Write("creds", creds(2))),
        ) == [None, CredsNotAllowed, None, None, NoSuchInstance, None]
        life.go_on()
        files = [KEY, OTHER_KEY, CREDS, SUPPORT._replace(key=KEY.key)]
        assert read_all(life.store, *files) == [b"3", None, creds(2), b'"other"']

    def test_deletions_in_what_does_not_exist_are_no_error(self, life: Life) -> None:
        commit(life.store, CreateGroup("codechat"))
        life.go_on()
        deletions = (Delete("creds"), Delete(KEY.key), Delete(KEY.key))
        commit(life.store, changes(*deletions), changes(*deletions, group="nobody"))
        life.go_on()
        assert life.store.groups() == ["codechat"]
        assert life.store.instances("codechat") == []

    def test_a_write_among_deletions_in_what_does_not_exist_is_one(self, life: Life) -> None:
        commit(life.store, CreateGroup("codechat"))
        made = (Delete("creds"), Write(KEY.key, b"1"), Delete(KEY.key))
        assert refusals(life.store, changes(*made), changes(*made, group="nobody")) == [NoSuchInstance, NoSuchGroup]
        life.go_on()
        assert life.store.instances("codechat") == []

    def test_a_batch_of_nothing_changes_nothing(self, life: Life) -> None:
        create(life.store)
        commit(life.store, write(KEY, b"1"))
        life.go_on()
        told = summary(life.store)
        commit(life.store, changes(), changes(instance="nobody"), changes(group="nobody"))
        life.go_on()
        assert read_all(life.store, KEY) == [b"1"]
        assert (summary(life.store).files, summary(life.store).bytes) == (told.files, told.bytes)
        assert life.store.groups() == ["codechat"]
        assert life.store.instances("codechat") == ["sales"]

    def test_a_batch_may_have_thousands_of_changes(self, life: Life) -> None:
        files = [KEY._replace(key=f"pre-key-{number}") for number in range(3000)]
        create(life.store)
        commit(life.store, changes(*(Write(file.key, b"%d" % number) for number, file in enumerate(files))))
        life.go_on()
        assert read_all(life.store, *files) == [b"%d" % number for number in range(3000)]
        commit(life.store, changes(*(Delete(file.key) for file in files[::2])))
        life.go_on()
        assert summary(life.store).files == 1500
        assert read_all(life.store, *files[:4]) == [None, b"1", None, b"3"]

    def test_whoever_looks_beside_a_commit_sees_all_of_a_batch_or_nothing(self, quiet: Life) -> None:
        files = [KEY, OTHER_KEY, CREDS]
        create(quiet.store)
        olds: list[Any] = [b'"old"', b'"old"', creds(1)]
        news: list[Any] = [b'"new"', None, creds(2)]
        commit(quiet.store, changes(*(Write(file.key, old) for file, old in zip(files, olds, strict=True))))
        assert read_all(quiet.store, *files) == olds
        made = changes(Write(KEY.key, b'"new"'), Delete(OTHER_KEY.key), Write("creds", creds(2)))
        if quiet.store.recall(KEY) is UNKNOWN:
            keys = [file.key for file in files]
            seen = look_all_the_while(
                lambda: commit(quiet.store, made),
                lambda: list(quiet.store.read_many("codechat", "sales", keys, MIB).values()),
            )
        else:
            seen = look_at_each_line(
                lambda: commit(quiet.store, made), lambda: [quiet.store.recall(file) for file in files]
            )
        assert len(seen) > 5
        at = seen.index(news)
        assert seen == [olds] * at + [news] * (len(seen) - at)


def look_all_the_while(call: Callable[[], object], look: Callable[[], object]) -> list[object]:
    """Make a call, and let another thread look before, meanwhile and after; return what was seen."""
    seen: list[object] = []
    is_over = Event()
    with ThreadPoolExecutor(1) as other:

        def look_on() -> None:
            while not is_over.is_set():
                seen.append(look())
            seen.extend(look() for _ in range(3))

        looking = other.submit(look_on)
        while len(seen) < 3:
            time.sleep(0.001)
        try:
            call()
        finally:
            is_over.set()
        looking.result(10)
    return seen


def look_at_each_line(call: Callable[[], object], look: Callable[[], object]) -> list[object]:
    """Make a call, and let another thread look before each line of it; return what was seen, and once at the end."""
    seen: list[object] = []
    with ThreadPoolExecutor(1) as other:

        def trace(_: FrameType, event: str, __: object) -> Any:
            if event == "line":
                seen.append(other.submit(look).result(10))  # which waits for nothing that is held here
            return trace

        other.submit(look).result(10)  # so that its thread is there
        before = sys.gettrace()
        sys.settrace(trace)
        try:
            call()
        finally:
            sys.settrace(before)
        seen.append(other.submit(look).result(10))
    return seen
