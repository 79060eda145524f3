"""What is promised of purges: what was erased is gone for good, and nothing of it comes back."""

from __future__ import annotations

import pytest

from sessionworker.errors import NoSuchDrop
from sessionworker.stores.changes import DropGroup, PurgeDrop
from tests.contract.base import Contract
from tests.contract.words import (
    CREDS,
    KEY,
    SUPPORT,
    Life,
    commit,
    create,
    creds,
    drop,
    drops_of,
    kept,
    purge,
    read_all,
    refusals,
    restore,
    versions,
    write,
)

AWKWARD_DROPS = ["", "0", "1700000000000-0", "../sales", "/", "\x00", "9" * 5000, f"{'9' * 5000}-group"]


class PurgesContract(Contract):
    """Erasing instances that were dropped."""

    def test_a_purged_drop_is_gone_for_good(self, life: Life) -> None:
        create(life.store)
        commit(life.store, write(CREDS, creds(1)))
        life.go_on()
        commit(life.store, write(KEY, b"1"))
        dropped = drop(life.store)
        commit(life.store, purge(dropped))
        for _ in range(3):
            assert life.store.drops() == []
            assert refusals(life.store, restore(dropped), purge(dropped)) == [NoSuchDrop, NoSuchDrop]
            assert life.store.instances("codechat") == []
            life.go_on()

    def test_nothing_of_a_purged_instance_comes_back_with_one_of_its_name(self, life: Life) -> None:
        for number in range(3):
            create(life.store)
            assert read_all(life.store, CREDS, KEY) == [None, None]
            assert versions(life.store) == []
            life.store.check_creds("codechat", "sales")
            commit(life.store, write(CREDS, creds(number)), write(KEY, b"%d" % number))
            if number:
                life.go_on()
            commit(life.store, purge(drop(life.store)))
            life.go_on()
        create(life.store)
        life.go_on()
        assert read_all(life.store, CREDS, KEY) == [None, None]

    def test_other_drops_and_instances_stay(self, life: Life) -> None:
        listed = []
        for number in range(4):
            create(life.store)
            commit(life.store, write(CREDS, creds(number)))
            if number < 3:
                listed.append(drop(life.store))
        life.go_on()
        commit(life.store, purge(listed[1]))
        life.go_on()
        assert {one.drop for one in life.store.drops()} == {listed[0].drop, listed[2].drop}
        assert kept(life.store).versions == [creds(3)]
        commit(life.store, restore(listed[0], "first"), restore(listed[2], "third"))
        life.go_on()
        backs = [CREDS._replace(instance=name) for name in ("first", "third")]
        assert read_all(life.store, CREDS, *backs) == [creds(3), creds(0), creds(2)]

    def test_one_instance_of_a_dropped_group_is_purged_by_itself(self, life: Life) -> None:
        create(life.store, CREDS, SUPPORT)
        commit(life.store, write(CREDS, creds(1)), write(SUPPORT, creds(2)))
        commit(life.store, DropGroup("codechat"))
        life.go_on()
        commit(life.store, purge(drops_of(life.store)[0]))
        life.go_on()
        [left] = life.store.drops()
        assert left.instance == "support"
        commit(life.store, restore(left))
        life.go_on()
        assert life.store.instances("codechat") == ["support"]
        assert read_all(life.store, SUPPORT) == [creds(2)]

    def test_a_drop_that_was_brought_back_cannot_be_purged(self, life: Life) -> None:
        create(life.store)
        commit(life.store, write(CREDS, creds(1)))
        dropped = drop(life.store)
        life.go_on()
        commit(life.store, restore(dropped))
        assert refusals(life.store, purge(dropped)) == [NoSuchDrop]
        life.go_on()
        assert read_all(life.store, CREDS) == [creds(1)]

    def test_an_instance_is_dropped_and_purged_in_one_commit(self, life: Life) -> None:
        create(life.store)
        commit(life.store, write(CREDS, creds(1)))
        first = drop(life.store)
        create(life.store)
        commit(life.store, write(CREDS, creds(2)))
        life.go_on()
        assert refusals(life.store, purge(first), write(CREDS, creds(3)), restore(first, "first"), purge(first)) == [
            None,
            None,
            NoSuchDrop,
            NoSuchDrop,
        ]
        life.go_on()
        assert life.store.instances("codechat") == ["sales"]
        assert kept(life.store).versions == [creds(3), creds(2)]

    @pytest.mark.parametrize("name", AWKWARD_DROPS, ids=lambda name: repr(name[:20]))
    def test_what_was_not_dropped_cannot_be_purged(self, life: Life, name: str) -> None:
        create(life.store, CREDS, SUPPORT)
        dropped = drop(life.store, SUPPORT)
        commit(life.store, write(CREDS, creds(1)))
        life.go_on()
        assert (
            refusals(
                life.store,
                PurgeDrop("codechat", "sales", name),
                PurgeDrop("codechat", "sales", dropped.drop),
                PurgeDrop("nobody", "support", dropped.drop),
            )
            == [NoSuchDrop] * 3
        )
        life.go_on()
        assert life.store.drops() == [dropped]
        assert read_all(life.store, CREDS) == [creds(1)]
