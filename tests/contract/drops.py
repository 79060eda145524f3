"""What is promised of drops: what was dropped is listed at once, each drop by itself."""

from __future__ import annotations

import time

import pytest

from sessionworker.names import SessionFile
from sessionworker.stores.changes import CreateGroup, CreateInstance, DropGroup, DropInstance, Entry
from tests.contract.base import Contract
from tests.contract.clock import stopped_clock
from tests.contract.words import (
    CREDS,
    KEY,
    OTHER_KEY,
    SUPPORT,
    Life,
    commit,
    create,
    creds,
    delete,
    drop,
    drops_of,
    purge,
    read_all,
    restore,
    write,
)


class DropsContract(Contract):
    """Instances that were dropped, as they are listed."""

    def test_a_drop_is_listed_at_once_with_what_the_instance_held(self, life: Life) -> None:
        create(life.store)
        commit(life.store, write(CREDS, creds(1)), write(KEY, b"123"), write(OTHER_KEY, b"1"))
        life.go_on()
        commit(life.store, write(KEY, b"12345"), delete(OTHER_KEY), write(KEY._replace(key="new"), b"12"))
        begun = time.time_ns() // 1_000_000
        commit(life.store, DropInstance("codechat", "sales"))
        for _ in range(2):
            [dropped] = life.store.drops()
            assert (dropped.group, dropped.instance) == ("codechat", "sales")
            assert (dropped.files, dropped.bytes) == (3, len(creds(1)) + 5 + 2)
            assert begun <= dropped.when <= time.time_ns() // 1_000_000
            life.go_on()
        assert life.store.drops() == [dropped]

    def test_an_empty_instance_is_listed_as_one(self, life: Life) -> None:
        create(life.store)
        life.go_on()
        dropped = drop(life.store)
        life.go_on()
        assert life.store.drops() == [dropped]
        assert (dropped.files, dropped.bytes) == (0, 0)

    def test_each_drop_of_a_name_is_listed_by_itself(self, life: Life) -> None:
        listed = []
        for number in range(5):
            create(life.store)
            commit(life.store, *(write(KEY._replace(key=f"k{index}"), b"1") for index in range(number)))
            if number % 2:
                life.go_on()
            listed.append(drop(life.store))
        life.go_on()
        assert sorted(dropped.files or 0 for dropped in life.store.drops()) == [0, 1, 2, 3, 4]
        assert len({dropped.drop for dropped in listed}) == 5
        for number, dropped in enumerate(listed):
            commit(life.store, restore(dropped, f"back {number}"))
        life.go_on()
        assert life.store.drops() == []
        for number in range(5):
            files = [SessionFile("codechat", f"back {number}", f"k{index}") for index in range(5)]
            assert read_all(life.store, *files) == [b"1"] * number + [None] * (5 - number)

    @pytest.mark.parametrize("step", [0, -3_600_000], ids=["stands still", "goes back"])
    def test_drops_of_one_name_are_listed_newest_first_whatever_the_clock_says(self, life: Life, step: int) -> None:
        with stopped_clock() as clock:
            for number in range(12):
                create(life.store)
                commit(life.store, *(write(KEY._replace(key=f"k{index}"), b"1") for index in range(number)))
                commit(life.store, DropInstance("codechat", "sales"))
                clock.now += step
                if number % 4 == 0:
                    life.go_on()
            life.go_on()
            assert [dropped.files for dropped in drops_of(life.store)] == list(range(11, -1, -1))

    def test_drops_in_one_commit_are_listed_newest_first(self, life: Life) -> None:
        made: list[Entry] = []
        for number in range(12):
            made += [CreateInstance("codechat", "sales"), write(KEY, b"1" * (number + 1))]
            made += [DropInstance("codechat", "sales")]
        with stopped_clock():
            commit(life.store, *made)
        life.go_on()
        assert [dropped.bytes for dropped in life.store.drops()] == list(range(12, 0, -1))

    def test_drops_of_a_group_are_listed_newest_first_among_others(self, life: Life) -> None:
        with stopped_clock():
            for number in range(8):
                create(life.store)
                commit(life.store, *(write(KEY._replace(key=f"k{index}"), b"1") for index in range(number)))
                commit(life.store, DropGroup("codechat") if number % 2 else DropInstance("codechat", "sales"))
            life.go_on()
            assert [dropped.files for dropped in drops_of(life.store)] == list(range(7, -1, -1))

    def test_a_drop_of_several_names_is_listed_by_its_own(self, life: Life) -> None:
        files = [
            KEY,
            SUPPORT,
            KEY._replace(group="other"),
            KEY._replace(instance=".x y"),
            KEY._replace(instance="ação"),
        ]
        create(life.store, *files)
        for file in files:
            commit(life.store, write(file, creds(1)))
        life.go_on()
        for file in files:
            drop(life.store, file)
        life.go_on()
        assert sorted((one.group, one.instance) for one in life.store.drops()) == sorted(file[:2] for file in files)
        for file in files:
            [dropped] = drops_of(life.store, file)
            commit(life.store, restore(dropped))
        life.go_on()
        assert read_all(life.store, *files) == [creds(1)] * len(files)

    def test_each_instance_of_a_dropped_group_is_listed_and_comes_back_by_itself(self, life: Life) -> None:
        files = [KEY, SUPPORT, KEY._replace(instance="a b"), KEY._replace(instance="%")]
        create(life.store, *files)
        for number, file in enumerate(files):
            commit(life.store, write(file, creds(number)))
            if not number:
                life.go_on()
        create(life.store, KEY._replace(instance="empty"))
        commit(life.store, DropGroup("codechat"))
        assert len(life.store.drops()) == 5
        life.go_on()
        listed = {one.instance: one for one in life.store.drops()}
        assert sorted(listed) == sorted([*(file.instance for file in files), "empty"])
        assert [listed[file.instance].bytes for file in files] == [len(creds(number)) for number, _ in enumerate(files)]
        commit(life.store, restore(listed["sales"]))
        life.go_on()
        assert life.store.instances("codechat") == ["sales"]
        assert len(life.store.drops()) == 4
        commit(life.store, *(restore(one) for name, one in listed.items() if name != "sales"))
        life.go_on()
        assert life.store.drops() == []
        assert read_all(life.store, *files) == [creds(number) for number, _ in enumerate(files)]
        assert len(life.store.instances("codechat")) == 5

    def test_a_group_may_be_dropped_again_and_again(self, life: Life) -> None:
        for number in range(4):
            create(life.store, CREDS, SUPPORT)
            commit(life.store, write(CREDS, creds(number)))
            if number % 2:
                life.go_on()
            commit(life.store, DropGroup("codechat"))
        life.go_on()
        assert len(drops_of(life.store, CREDS)) == len(drops_of(life.store, SUPPORT)) == 4
        for number, dropped in enumerate(drops_of(life.store)):
            commit(life.store, restore(dropped, f"back {number}"))
        life.go_on()
        backs = [CREDS._replace(instance=f"back {number}") for number in range(4)]
        assert sorted(filter(None, read_all(life.store, *backs))) == [creds(number) for number in range(4)]

    def test_drops_before_a_time_are_those_that_are_older(self, life: Life) -> None:
        create(life.store, CREDS, SUPPORT)
        commit(life.store, write(CREDS, creds(1)))
        older = drop(life.store)
        while time.time_ns() // 1_000_000 <= older.when:
            time.sleep(0.001)
        newer = drop(life.store, SUPPORT)
        life.go_on()
        assert life.store.drops_before(older.when) == []
        assert life.store.drops_before(older.when + 1) == life.store.drops_before(newer.when) == [purge(older)]
        both = life.store.drops_before(newer.when + 1)
        assert sorted(both, key=str) == sorted([purge(older), purge(newer)], key=str)
        commit(life.store, *both)
        life.go_on()
        assert life.store.drops() == []
        assert life.store.drops_before(2**62) == []

    def test_a_store_in_which_nothing_was_dropped_lists_nothing(self, life: Life) -> None:
        create(life.store)
        commit(life.store, CreateGroup("empty"), write(CREDS, creds(1)))
        life.go_on()
        assert life.store.drops() == []
        assert life.store.drops_before(2**62) == []
