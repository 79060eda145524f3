"""What is promised of what an operator asks: what each instance holds, and how the store does."""

from __future__ import annotations

import time

import pytest

from sessionworker.errors import NoSuchGroup
from sessionworker.stores.changes import CreateGroup, Probe
from sessionworker.stores.interface import Figures
from tests.contract.base import Contract
from tests.contract.words import (
    CREDS,
    KEY,
    OTHER_KEY,
    SUPPORT,
    Life,
    changes,
    commit,
    create,
    creds,
    delete,
    drop,
    kept,
    purge,
    read_all,
    restore,
    summary,
    versions,
    write,
)

OF_EACH_TYPE = {
    "app-state-sync-key-AA/+on==": "app-state-sync-key",
    "app-state-sync-version-regular": "app-state-sync-version",
    "creds": "creds",
    "pre-key-1": "pre-key",
    "pre-key-2": "pre-key",
    "sender-key-1@g.us::1::5": "sender-key",
    "sender-key-memory-1@g.us": "sender-key-memory",
    "session-1.0": "session",
    "a b": "other",
    ".hidden": "other",
    ".sessionworker": "other",
    "%2F": "other",
}


class OverviewContract(Contract):
    """What an operator asks."""

    def test_what_an_instance_holds_is_told_whether_it_was_settled_or_not(self, life: Life) -> None:
        create(life.store)
        begun = time.time_ns() // 1_000_000
        commit(life.store, write(CREDS, creds(1)), write(KEY, b"12345"), write(OTHER_KEY, b"1"))
        life.go_on()
        commit(life.store, write(KEY, b"12"), delete(OTHER_KEY), write(KEY._replace(key="a b"), b"123"))
        for _ in range(2):
            [told] = life.store.describe("codechat")
            assert (told.instance, told.files, told.bytes) == ("sales", 3, len(creds(1)) + 2 + 3)
            assert told.types == {"creds": 1, "session": 1, "other": 1}
            assert told.problem == ""
            # The clock of a file system lags behind by a tick.
            assert told.last_write is not None
            assert begun - 20 <= told.last_write <= time.time_ns() // 1_000_000 + 20
            life.go_on()

    def test_files_are_told_by_the_types_of_their_keys(self, life: Life) -> None:
        create(life.store)
        commit(life.store, changes(*(write(KEY._replace(key=key), b"{}").changes[0] for key in OF_EACH_TYPE)))
        life.go_on()
        told = summary(life.store)
        assert told.files == len(OF_EACH_TYPE)
        assert told.types == {kind: list(OF_EACH_TYPE.values()).count(kind) for kind in OF_EACH_TYPE.values()}

    def test_an_empty_instance_is_told_as_one(self, life: Life) -> None:
        create(life.store)
        life.go_on()
        [told] = life.store.describe("codechat")
        assert (told.files, told.bytes, told.types, told.last_write, told.problem) == (0, 0, {}, 0, "")

    def test_an_instance_whose_keys_were_all_deleted_holds_nothing(self, life: Life) -> None:
        create(life.store)
        commit(life.store, write(CREDS, creds(1)), write(KEY, b"1"))
        life.go_on()
        commit(life.store, delete(CREDS), delete(KEY))
        life.go_on()
        told = summary(life.store)
        assert (told.files, told.bytes, told.types) == (0, 0, {})

    def test_instances_are_told_sorted_each_by_itself(self, life: Life) -> None:
        names = ["b", "a", "ä", "A", "10", "9", "a b"]
        files = [CREDS._replace(instance=name) for name in names]
        create(life.store, *files)
        for number, file in enumerate(files):
            commit(life.store, *(write(file._replace(key=f"pre-key-{index}"), b"1") for index in range(number)))
        life.go_on()
        assert [told.instance for told in life.store.describe("codechat")] == sorted(names)
        assert [summary(life.store, file).files for file in files] == list(range(len(names)))

    def test_a_group_without_instances_is_told_as_one(self, life: Life) -> None:
        commit(life.store, CreateGroup("codechat"))
        life.go_on()
        assert life.store.describe("codechat") == []
        with pytest.raises(NoSuchGroup):
            life.store.describe("nobody")

    def test_what_is_told_of_an_instance_comes_back_with_it(self, life: Life) -> None:
        create(life.store)
        commit(life.store, write(CREDS, creds(1)), write(KEY, b"12345"))
        life.go_on()
        commit(life.store, write(KEY, b"12"))
        before = summary(life.store)
        commit(life.store, restore(drop(life.store), "back"))
        life.go_on()
        after = summary(life.store, CREDS._replace(instance="back"))
        assert (after.files, after.bytes, after.types) == (before.files, before.bytes, before.types)

    def test_all_groups_and_instances_are_told_at_a_glance(self, life: Life) -> None:
        assert life.store.overview().instances == 0
        create(life.store, CREDS, SUPPORT)
        commit(life.store, CreateGroup("evolution"), write(CREDS, creds(1)), write(KEY, b"1"))
        life.store.describe("codechat")
        for _ in range(2):
            told = life.store.overview()
            assert (told.groups, told.instances, told.without_creds, told.attention) == (2, 2, 1, [])
            assert told.states == {"well": 2, "apart": 0, "refused": 0}
            life.go_on()
            life.store.describe("codechat")
        commit(life.store, delete(CREDS))
        assert life.store.overview().without_creds == 2
        drop(life.store)
        assert (life.store.overview().instances, life.store.overview().without_creds) == (1, 1)

    # How the store does

    def test_a_store_that_works_passes_its_check(self, life: Life) -> None:
        life.store.check()
        create(life.store)
        commit(life.store, write(CREDS, creds(1)))
        life.go_on()
        life.store.check()
        life.store.check()
        assert life.store.groups() == ["codechat"]
        assert life.store.instances("codechat") == ["sales"]

    def test_a_probe_changes_nothing(self, life: Life) -> None:
        commit(life.store, Probe())
        assert life.store.groups() == []
        create(life.store)
        commit(life.store, write(KEY, b"1"))
        told = summary(life.store)
        for _ in range(30):
            commit(life.store, Probe(), Probe())
        life.go_on()
        assert life.store.groups() == ["codechat"]
        assert (summary(life.store).files, summary(life.store).bytes) == (told.files, told.bytes)
        assert read_all(life.store, KEY) == [b"1"]

    def test_a_checkpoint_changes_nothing_that_is_read(self, life: Life) -> None:
        life.store.checkpoint()
        create(life.store, CREDS, SUPPORT)
        commit(life.store, write(CREDS, creds(1)), write(KEY, b"1"), write(OTHER_KEY, b"1"), delete(OTHER_KEY))
        dropped = drop(life.store, SUPPORT)
        before, listed, told = kept(life.store), versions(life.store), summary(life.store)
        for _ in range(2):
            life.store.checkpoint()
            assert (kept(life.store), versions(life.store)) == (before, listed)
            after = summary(life.store)
            assert (after.files, after.bytes, after.types) == (told.files, told.bytes, told.types)
            assert life.store.drops() == [dropped]
            life.go_on()

    def test_figures_are_numbers_by_names(self, life: Life) -> None:
        def look() -> Figures:
            figures = life.store.figures()
            assert {type(name) for name in (*figures.counts, *figures.gauges)} <= {str}
            assert {type(number) for number in figures.counts.values()} <= {int}
            assert {type(number) for number in figures.gauges.values()} <= {int, float}
            assert min((*figures.counts.values(), *figures.gauges.values()), default=0) >= 0
            return figures

        look()
        create(life.store, CREDS, SUPPORT)
        commit(life.store, *(write(CREDS, creds(number, number % 2)) for number in range(9)), write(KEY, b"1"))
        look()
        life.go_on()
        dropped = drop(life.store)
        look()
        commit(life.store, restore(dropped, "back"), purge(drop(life.store, SUPPORT)))
        life.go_on()
        figures = look()
        assert figures.gauges["groups"] == 1
        assert figures.gauges["instances"] == 1

    def test_figures_do_not_change_once_they_were_given(self, life: Life) -> None:
        create(life.store)
        figures = life.store.figures()
        before = dict(figures.counts), dict(figures.gauges)
        commit(life.store, *(write(CREDS, creds(number, number % 2)) for number in range(9)))
        drop(life.store)
        commit(life.store, *(purge(one) for one in life.store.drops()))
        life.settle()
        assert (dict(figures.counts), dict(figures.gauges)) == before
