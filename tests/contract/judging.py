"""What is promised of several entries in one commit: they are made, or refused, one after the other."""

from __future__ import annotations

import pytest

from sessionworker.errors import CredsNotAllowed, HeldElsewhere, NoSuchGroup, NoSuchInstance, WorkerError
from sessionworker.stores.changes import (
    CreateGroup,
    CreateInstance,
    DropGroup,
    DropInstance,
    Entry,
    Probe,
    ReleaseInstance,
)
from sessionworker.stores.rules.leases import Lease
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
    drops_of,
    kinds,
    read_all,
    read_and_recall,
    refusals,
    restore,
    write,
)

NEW = KEY._replace(instance="new")
IN_NEW_GROUP = KEY._replace(group="new", instance="short")
CREATE, DROP = CreateInstance("codechat", "sales"), DropInstance("codechat", "sales")

CASES: dict[str, tuple[list[Entry], list[tuple[int, type[WorkerError]]], bytes | None]] = {
    "create then write": ([CreateInstance("codechat", "new"), write(NEW, b"1")], [], b"0"),
    "write then delete": ([write(KEY, b"1"), delete(KEY)], [], None),
    "delete then write": ([delete(KEY), write(KEY, b"1")], [], b"1"),
    "delete, write, delete": ([delete(KEY), write(KEY, b"1"), delete(KEY)], [], None),
    "write twice": ([write(KEY, b"1"), write(KEY, b"2")], [], b"2"),
    "drop then create": ([DROP, CREATE], [], None),
    "drop, create, write": ([DROP, CREATE, write(KEY, b"1")], [], b"1"),
    "drop, write, create": ([DROP, write(KEY, b"1"), CREATE], [(1, NoSuchInstance)], None),
    "write, drop, create": ([write(KEY, b"1"), DROP, CREATE], [], None),
    "refused ones between others": (
        [
            write(KEY._replace(group="nobody"), b'"x"'),
            write(KEY, b"1"),
            write(KEY._replace(instance="nobody"), b'"x"'),
            write(CREDS, b"[]"),
            write(KEY, b"2"),
        ],
        [(0, NoSuchGroup), (2, NoSuchInstance), (3, CredsNotAllowed)],
        b"2",
    ),
    "write into a group that is new": ([CreateGroup("new"), write(IN_NEW_GROUP, b"1")], [(1, NoSuchInstance)], b"0"),
    "write into a group that is new, after a drop": (
        [CreateInstance("new", "short"), DropInstance("new", "short"), write(IN_NEW_GROUP, b"1")],
        [(2, NoSuchInstance)],
        b"0",
    ),
    "drop the group then create": ([DropGroup("codechat"), CreateGroup("codechat"), CREATE], [], None),
    "drop the group, write, create": (
        [DropGroup("codechat"), write(KEY, b"1"), CREATE],
        [(1, NoSuchGroup)],
        None,
    ),
    "create, drop the group, write": (
        [CreateInstance("codechat", "new"), DropGroup("codechat"), write(NEW, b"1"), CREATE],
        [(2, NoSuchGroup)],
        None,
    ),
    "create and drop a group": (
        [CreateGroup("new"), DropGroup("new"), DropGroup("new")],
        [(2, NoSuchGroup)],
        b"0",
    ),
    "probes between others": ([Probe(), write(KEY, b"1"), Probe(), write(KEY, b"2"), Probe()], [], b"2"),
    "nothing": ([], [], b"0"),
}


class JudgingContract(Contract):
    """Several entries in one commit."""

    @pytest.mark.parametrize(("entries", "refused", "value"), CASES.values(), ids=CASES)
    def test_the_entries_of_one_commit_are_carried_out_in_their_order(
        self,
        life: Life,
        entries: list[Entry],
        refused: list[tuple[int, type[WorkerError]]],
        value: bytes | None,
    ) -> None:
        create(life.store)
        commit(life.store, write(KEY, b"0"))
        life.go_on()
        expected: list[type[WorkerError] | None] = [None] * len(entries)
        for position, error in refused:
            expected[position] = error
        assert kinds(life.store.commit(entries)) == expected
        life.go_on()
        assert read_and_recall(life.store, KEY) == value

    def test_what_is_dropped_in_a_commit_has_what_was_written_before_it_in_the_same(self, life: Life) -> None:
        create(life.store)
        life.go_on()
        commit(life.store, write(KEY, b"1"), write(CREDS, creds(1)), DROP, CREATE, write(KEY, b"2"), DROP)
        life.go_on()
        newer, older = sorted(drops_of(life.store), key=lambda dropped: dropped.files or 0)
        assert [newer.files, older.files] == [1, 2]
        commit(life.store, restore(older))
        life.go_on()
        assert read_all(life.store, KEY, CREDS) == [b"1", creds(1)]

    def test_owners_are_let_in_in_their_order_also_beside_an_instance_that_nobody_used_yet(self, quiet: Life) -> None:
        create(quiet.store, CREDS, SUPPORT)
        quiet.open_again()
        commit(quiet.store, write(KEY, b"0"))
        held, let_go = HeldElsewhere, ReleaseInstance("codechat", "sales", None, by="10.0.0.5")
        entries: list[Entry] = [
            write(KEY, b"1", owner=""),
            write(KEY, b"2", owner="one"),
            write(KEY, b"3", owner="other"),
            let_go,
            write(KEY, b"4", owner="other"),
            write(KEY, b"5", owner="one"),
            write(SUPPORT, creds(1)),
        ]
        assert refusals(quiet.store, *entries) == [None, Lease, held, None, Lease, held, None]
        assert read_and_recall(quiet.store, KEY) == b"4"
        assert [event.times for event in quiet.store.events(-1) if event.event == "lease_ended"] == [1]
        assert refusals(quiet.store, write(KEY, b"6", owner="")) == [held]

    def test_entries_that_were_refused_hold_up_none_of_the_others(self, life: Life) -> None:
        create(life.store)
        entries = [
            entry
            for number in range(50)
            for entry in (
                write(KEY._replace(key=f"pre-key-{number}"), b"%d" % number),
                write(CREDS, b"%d" % number),
                write(OTHER_KEY._replace(instance="nobody"), b"1"),
            )
        ]
        assert refusals(life.store, *entries) == [None, CredsNotAllowed, NoSuchInstance] * 50
        life.go_on()
        keys = [KEY._replace(key=f"pre-key-{number}") for number in range(50)]
        assert read_all(life.store, *keys) == [b"%d" % number for number in range(50)]
        assert read_and_recall(life.store, CREDS) is None
