"""What is promised of repairs: readers ask for them, and they are made if nothing was written since, or not at all."""

from __future__ import annotations

import pytest

from sessionworker.errors import ConditionFailed, CredsNotAllowed, NoSuchInstance
from sessionworker.names import SessionFile
from sessionworker.stores.changes import Batch, Change, Delete, DropInstance, Write
from tests.contract.base import Contract
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
    read_all,
    read_and_recall,
    refusals,
    restore,
    versions,
    write,
)

BROKEN = b'{"registrationId":1,"noiseK'
"""What is left of `creds` that were written half."""


def break_(life: Life, file: SessionFile = CREDS, value: bytes | None = BROKEN) -> list[Batch]:
    """Let a session file of an instance break; return what readers ask for from then on."""
    life.damage(file, value)
    asked: list[Batch] = []
    life.store.on_repair(asked.append)
    return asked


def fill(life: Life) -> None:
    """Store something, in two instances."""
    create(life.store, CREDS, SUPPORT)
    commit(life.store, write(CREDS, creds(1)), write(CREDS, creds(2)), write(KEY, b"1"), write(SUPPORT, creds(9, 9)))
    life.go_on()


def ask(life: Life) -> Batch:
    """Store something, let the creds break, and return the repair that a reader asks for."""
    fill(life)
    asked = break_(life)
    assert life.store.read(CREDS) == creds(2)
    return asked[0]


class ConditionsContract(Contract):
    """Repairs, and the condition that they have."""

    @pytest.mark.parametrize("value", [BROKEN, b"", b"[]", b'{"a":"\xff"}', None], ids=repr)
    def test_broken_creds_are_replaced_by_the_newest_good_ones(self, life: Life, value: bytes | None) -> None:
        fill(life)
        asked = break_(life, CREDS, value)
        assert life.store.read(KEY) == b"1"  # so that more is known of the instance
        assert read_and_recall(life.store, CREDS) == creds(2)
        [repair] = asked[:1]
        assert (repair.group, repair.instance) == ("codechat", "sales")
        assert repair.condition is not None
        commit(life.store, repair)
        asked.clear()
        life.go_on()
        life.store.on_repair(asked.append)
        assert read_all(life.store, CREDS, KEY, SUPPORT) == [creds(2), b"1", creds(9, 9)]
        life.store.check_creds("codechat", "sales")
        assert asked == []

    @pytest.mark.parametrize("value", [b"{", b"", b'"\xff"'], ids=repr)
    def test_another_broken_value_holds_nothing_and_is_let_go(self, life: Life, value: bytes) -> None:
        fill(life)
        asked = break_(life, KEY, value)
        assert read_and_recall(life.store, KEY) is None
        [repair] = asked[:1]
        assert repair.condition is not None
        commit(life.store, repair)
        asked.clear()
        life.go_on()
        life.store.on_repair(asked.append)
        assert read_all(life.store, KEY, CREDS) == [None, creds(2)]
        assert asked == []
        commit(life.store, write(KEY, b"2"))
        life.go_on()
        assert read_and_recall(life.store, KEY) == b"2"

    def test_a_reader_changes_nothing_by_itself(self, life: Life) -> None:
        fill(life)
        for _ in range(3):
            asked = break_(life) if not versions(life.store)[2:] else []
            assert life.store.read(CREDS) == creds(2)
            assert len(asked) > 0
            assert len(versions(life.store)) == 2
            life.go_on()

    def test_nobody_need_listen_to_what_a_reader_asks_for(self, life: Life) -> None:
        fill(life)
        life.damage(CREDS, BROKEN)
        life.damage(KEY, b"{")
        for _ in range(2):
            assert life.store.read(CREDS) == creds(2)
            assert life.store.read(KEY) is None
        commit(life.store, write(CREDS, creds(3)), write(KEY, b"3"))
        life.go_on()
        assert read_all(life.store, CREDS, KEY) == [creds(3), b"3"]

    @pytest.mark.parametrize(
        "other",
        [
            Write("creds", creds(3)),
            Write(KEY.key, b"3"),
            Write(OTHER_KEY.key, b"3"),
            Delete(KEY.key),
        ],
        ids=["creds", "the same value", "a new key", "a deletion"],
    )
    @pytest.mark.parametrize("is_apart", [True, False], ids=["in a commit before", "in the same commit"])
    def test_a_repair_is_refused_once_something_else_was_written(
        self, life: Life, other: Change, *, is_apart: bool
    ) -> None:
        repair = ask(life)
        written = Batch("codechat", "sales", (other,))
        if is_apart:
            commit(life.store, written)
            assert refusals(life.store, repair) == [ConditionFailed]
        else:
            assert refusals(life.store, written, repair) == [None, ConditionFailed]
        life.go_on()
        value = other.value if isinstance(other, Write) else None
        assert read_and_recall(life.store, CREDS._replace(key=other.key)) == value
        assert life.store.read(CREDS) == (value if other.key == "creds" else creds(2))

    def test_a_repair_is_made_once(self, life: Life) -> None:
        repair = ask(life)
        assert refusals(life.store, repair, repair) == [None, ConditionFailed]
        listed = versions(life.store)
        assert refusals(life.store, repair) == [ConditionFailed]
        assert versions(life.store) == listed
        life.go_on()
        assert life.store.read(CREDS) == creds(2)

    def test_a_repair_is_made_beside_writes_of_other_instances_and_what_was_refused(self, life: Life) -> None:
        repair = ask(life)
        assert refusals(
            life.store, write(SUPPORT, creds(10, 9)), write(CREDS, b"[]"), write(KEY._replace(group="nobody"), b"1")
        )[:2] == [None, CredsNotAllowed]
        commit(life.store, repair)
        life.go_on()
        assert read_all(life.store, CREDS, SUPPORT) == [creds(2), creds(10, 9)]

    def test_a_repair_is_refused_for_another_instance_of_that_name(self, life: Life) -> None:
        repair = ask(life)
        drop(life.store)
        create(life.store)
        assert refusals(life.store, repair) == [ConditionFailed]
        life.go_on()
        assert read_all(life.store, CREDS, KEY) == [None, None]
        assert versions(life.store) == []

    def test_a_repair_is_refused_once_its_instance_was_dropped(self, life: Life) -> None:
        repair = ask(life)
        assert refusals(life.store, DropInstance("codechat", "sales"), repair) == [None, NoSuchInstance]
        life.go_on()
        assert life.store.instances("codechat") == ["support"]

    def test_a_repair_is_refused_for_one_that_was_brought_back_in_its_place(self, life: Life) -> None:
        fill(life)
        dropped = drop(life.store, SUPPORT)
        asked = break_(life)
        assert life.store.read(CREDS) == creds(2)
        drop(life.store)
        commit(life.store, restore(dropped, "sales"))
        assert refusals(life.store, asked[0]) == [ConditionFailed]
        life.go_on()
        assert read_all(life.store, CREDS, KEY) == [creds(9, 9), None]

    def test_a_batch_of_several_changes_is_refused_as_one(self, life: Life) -> None:
        repair = ask(life)
        made = (Write(KEY.key, b'"x"'), Delete("creds"), Write(OTHER_KEY.key, b'"x"'))
        commit(life.store, write(KEY, b"5"))
        assert refusals(life.store, Batch("codechat", "sales", made, repair.condition)) == [ConditionFailed]
        life.go_on()
        assert read_all(life.store, KEY, OTHER_KEY) == [b"5", None]
        assert life.store.read(CREDS) == creds(2)

    def test_what_is_written_after_a_repair_holds(self, life: Life) -> None:
        repair = ask(life)
        commit(life.store, repair, write(CREDS, creds(7)), delete(KEY))
        life.go_on()
        assert read_all(life.store, CREDS, KEY) == [creds(7), None]
