"""What is promised of large values: prepared beside the commits of others, and then like any value."""

from __future__ import annotations

import pytest

from sessionworker.errors import ConditionFailed, CredsNotAllowed, NoSuchGroup, NoSuchInstance
from sessionworker.stores.changes import Batch, Delete, DropGroup, Write
from tests.contract.base import Contract
from tests.contract.conditions import break_
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
    large_value,
    purge,
    read_all,
    read_and_recall,
    refusals,
    restore,
    summary,
    write,
)


def begin(life: Life, before: bytes | None = None) -> bytes:
    """Make an instance that is in use; return a large value."""
    create(life.store, CREDS, SUPPORT)
    commit(life.store, write(CREDS, creds(1)), *([write(KEY, before)] if before is not None else []))
    life.go_on()
    commit(life.store, write(OTHER_KEY, b"0"))
    return large_value(life.place, "large")


def prepare(life: Life, value: bytes, *more: Write | Delete) -> Batch:
    """Prepare the write of a large value."""
    return life.store.prepare(changes(Write(KEY.key, value), *more))


class LargeValuesContract(Contract):
    """Large values."""

    def test_a_large_value_is_read_back_and_told_of(self, life: Life) -> None:
        value = begin(life)
        commit(life.store, prepare(life, value))
        for _ in range(3):
            assert read_all(life.store, KEY, OTHER_KEY, CREDS) == [value, b"0", creds(1)]
            told = summary(life.store)
            assert (told.files, told.bytes) == (3, len(value) + 1 + len(creds(1)))
            life.go_on()
        life.settle()
        assert life.place.litter() == []
        assert read_and_recall(life.store, KEY) == value
        life.open_again()
        assert read_and_recall(life.store, KEY) == value

    @pytest.mark.parametrize("kinds", ["ls", "sl", "sls", "lsl", "ll", "lll", "ld", "dl", "sldl", "ldls", "lsd"])
    def test_large_and_small_writes_and_deletions_of_one_key_are_made_in_their_order(
        self, life: Life, kinds: str
    ) -> None:
        begin(life)
        value: bytes | None = None
        for number, kind in enumerate(kinds):
            value = {"s": b"%d" % number, "l": large_value(life.place, str(number)), "d": None}[kind]
            commit(life.store, life.store.prepare(write(KEY, value)) if value is not None else delete(KEY))
            assert read_and_recall(life.store, KEY) == value
            life.go_on()
            assert read_and_recall(life.store, KEY) == value
        life.settle()
        assert life.place.litter() == []

    @pytest.mark.parametrize("kinds", ["ls", "sl", "lsl", "ll", "ld", "dl", "lds", "ldl"])
    def test_large_and_small_writes_and_deletions_in_one_batch_are_made_in_their_order(
        self, life: Life, kinds: str
    ) -> None:
        begin(life, b'"before"')
        value: bytes | None = None
        made: list[Write | Delete] = [Write("creds", creds(2))]
        for number, kind in enumerate(kinds):
            value = {"s": b"%d" % number, "l": large_value(life.place, str(number)), "d": None}[kind]
            made.append(Write(KEY.key, value) if value is not None else Delete(KEY.key))
        commit(life.store, life.store.prepare(changes(*made)))
        assert read_all(life.store, KEY, CREDS) == [value, creds(2)]
        life.go_on()
        assert read_all(life.store, KEY, CREDS) == [value, creds(2)]
        life.settle()
        assert life.place.litter() == []
        assert read_all(life.store, KEY, CREDS) == [value, creds(2)]

    def test_large_values_are_committed_in_the_order_of_their_commits(self, life: Life) -> None:
        begin(life)
        values = [large_value(life.place, str(number)) for number in range(4)]
        prepared = [prepare(life, value) for value in values]
        life.settle()
        commit(life.store, prepared[2], write(KEY, b"1"), prepared[0])
        assert read_and_recall(life.store, KEY) == values[0]
        commit(life.store, prepared[3], prepared[1])
        life.go_on()
        assert read_and_recall(life.store, KEY) == values[1]
        life.settle()
        assert life.place.litter() == []

    def test_what_is_committed_while_a_large_value_is_prepared_comes_before_it(self, life: Life) -> None:
        value = begin(life, b'"before"')
        prepared = prepare(life, value, Delete(OTHER_KEY.key))
        commit(life.store, write(KEY, b'"meanwhile"'), write(OTHER_KEY, b'"meanwhile"'))
        life.settle()
        assert read_all(life.store, KEY, OTHER_KEY) == [b'"meanwhile"', b'"meanwhile"']
        commit(life.store, prepared)
        life.go_on()
        assert read_all(life.store, KEY, OTHER_KEY) == [value, None]

    def test_nothing_is_seen_of_a_large_value_before_it_is_committed(self, life: Life) -> None:
        value = begin(life, b'"before"')
        prepared = prepare(life, value)
        assert read_and_recall(life.store, KEY) == b'"before"'
        life.settle()
        assert read_and_recall(life.store, KEY) == b'"before"'
        told = summary(life.store)
        assert (told.files, told.bytes) == (3, len(b'"before"') + 1 + len(creds(1)))
        commit(life.store, prepared)
        assert read_and_recall(life.store, KEY) == value

    def test_a_large_value_that_was_prepared_only_is_gone_after_a_kill(self, life: Life) -> None:
        value = begin(life, b'"before"')
        prepare(life, value)
        life.kill()
        assert read_and_recall(life.store, KEY) == b'"before"'
        commit(life.store, write(OTHER_KEY, b"1"))
        life.settle()
        assert read_and_recall(life.store, KEY) == b'"before"'
        assert life.place.litter() == []

    def test_a_large_value_is_refused_with_its_batch_and_leaves_nothing(self, life: Life) -> None:
        value = begin(life, b'"before"')
        prepared = prepare(life, value, Delete(OTHER_KEY.key), Write("creds", b"[]"))
        assert refusals(life.store, prepared) == [CredsNotAllowed]
        life.go_on()
        assert read_all(life.store, KEY, OTHER_KEY, CREDS) == [b'"before"', b"0", creds(1)]
        assert life.place.litter() == []

    def test_a_large_value_has_the_condition_of_its_batch(self, life: Life) -> None:
        value = begin(life, b'"before"')
        asked = break_(life)
        commit(life.store, write(OTHER_KEY, b"1"))  # so that the instance is in use
        assert life.store.read(CREDS) == creds(1)
        made = Batch("codechat", "sales", (Write(KEY.key, value),), asked[-1].condition)
        assert refusals(life.store, life.store.prepare(made), write(OTHER_KEY, b"2"), life.store.prepare(made)) == [
            None,
            None,
            ConditionFailed,
        ]
        life.go_on()
        assert read_all(life.store, KEY, OTHER_KEY) == [value, b"2"]
        life.settle()
        assert life.place.litter() == []

    @pytest.mark.parametrize("is_of_group", [False, True], ids=["instance", "group"])
    def test_a_large_value_is_refused_once_its_instance_was_dropped_and_leaves_nothing(
        self, life: Life, *, is_of_group: bool
    ) -> None:
        value = begin(life, b'"before"')
        prepared = prepare(life, value)
        if is_of_group:
            commit(life.store, DropGroup("codechat"))
        else:
            drop(life.store)
        [dropped] = [one for one in life.store.drops() if one.instance == "sales"]
        assert refusals(life.store, prepared) == [NoSuchGroup if is_of_group else NoSuchInstance]
        assert (dropped.files, dropped.bytes) == (3, len(b'"before"') + 1 + len(creds(1)))
        assert life.place.litter() == []
        life.go_on()
        commit(life.store, restore(dropped))
        life.go_on()
        assert read_all(life.store, KEY, OTHER_KEY, CREDS) == [b'"before"', b"0", creds(1)]

    def test_a_large_value_is_refused_once_its_instance_was_purged(self, life: Life) -> None:
        value = begin(life)
        prepared = prepare(life, value)
        commit(life.store, purge(drop(life.store)))
        life.settle()
        assert refusals(life.store, prepared) == [NoSuchInstance]
        life.go_on()
        assert life.store.drops() == []
        assert life.place.litter() == []

    @pytest.mark.parametrize("is_settled", [False, True], ids=["at once", "settled"])
    def test_a_large_value_follows_an_instance_that_was_dropped_and_brought_back(
        self, life: Life, *, is_settled: bool
    ) -> None:
        value = begin(life, b'"before"')
        prepared = prepare(life, value)
        dropped = drop(life.store)
        if is_settled:
            life.settle()
        commit(life.store, restore(dropped), prepared)
        life.go_on()
        assert read_all(life.store, KEY, OTHER_KEY, CREDS) == [value, b"0", creds(1)]

    @pytest.mark.parametrize("what", ["another", "one that was dropped before"])
    def test_a_large_value_that_was_prepared_for_the_one_before_is_refused_or_kept(self, life: Life, what: str) -> None:
        value = begin(life)
        prepared = prepare(life, value)
        support = drop(life.store, SUPPORT)
        dropped = drop(life.store)
        commit(life.store, restore(support, "sales")) if what != "another" else create(life.store)
        [outcome] = refusals(life.store, prepared)
        expected = value if outcome is None else None
        assert read_and_recall(life.store, KEY) == expected
        life.go_on()
        assert read_and_recall(life.store, KEY) == expected
        commit(life.store, restore(dropped, "back"))
        life.settle()
        assert read_all(life.store, KEY, KEY._replace(instance="back")) == [expected, None]
        assert life.place.litter() == []

    def test_a_large_value_for_nobody_is_refused_when_it_is_committed(self, life: Life) -> None:
        value = begin(life)
        nobody, nowhere = KEY._replace(instance="nobody"), KEY._replace(group="nobody")
        prepared = [life.store.prepare(write(file, value)) for file in (nobody, nowhere)]
        assert refusals(life.store, *prepared) == [NoSuchInstance, NoSuchGroup]
        create(life.store, nobody)
        commit(life.store, prepared[0])
        life.go_on()
        assert read_and_recall(life.store, nobody) == value

    def test_a_large_value_goes_with_its_instance(self, life: Life) -> None:
        value = begin(life)
        commit(life.store, prepare(life, value))
        dropped = drop(life.store)
        assert dropped.bytes == len(value) + 1 + len(creds(1))
        life.go_on()
        commit(life.store, restore(dropped, "back"))
        life.go_on()
        assert read_and_recall(life.store, KEY._replace(instance="back")) == value

    def test_large_creds_are_creds(self, life: Life) -> None:
        begin(life)
        value = b'{"registrationId":1,"nextPreKeyId":3,"padding":%b}' % large_value(life.place)
        commit(life.store, life.store.prepare(write(CREDS, value)))
        assert refusals(life.store, life.store.prepare(write(CREDS, large_value(life.place)))) == [CredsNotAllowed]
        life.go_on()
        assert read_and_recall(life.store, CREDS) == value
        newest = life.store.versions("codechat", "sales")[0]
        assert life.store.read_version("codechat", "sales", newest.version) == value
