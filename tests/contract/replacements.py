"""What is promised of bringing an instance back in the place of another: one step, and both are whole."""

from __future__ import annotations

import time

import pytest
from msgspec import structs

from sessionworker.errors import HeldElsewhere, NameTaken, NoSuchDrop, StoreUnavailable
from sessionworker.names import SessionFile
from sessionworker.stores.changes import DropGroup, ReleaseInstance
from sessionworker.stores.rules.drops import REPLACED_KEPT
from sessionworker.wire import DropSummary
from tests.contract.base import Contract
from tests.contract.owners import ONE, OTHER, ask, lease
from tests.contract.words import (
    CREDS,
    KEY,
    OTHER_KEY,
    SUPPORT,
    Kept,
    Life,
    commit,
    create,
    creds,
    delete,
    drop,
    drops_of,
    kept,
    large_value,
    purge,
    read_all,
    read_and_recall,
    refusals,
    replace,
    restore,
    summary,
    versions,
    write,
)


def fill(life: Life) -> tuple[Kept, DropSummary, Kept]:
    """Store two accounts; return what the one that stays holds, the drop of the other one, and what that held."""
    create(life.store, CREDS, SUPPORT)
    commit(life.store, write(CREDS, creds(1)), write(KEY, b'"old"'), write(OTHER_KEY, b'"of the old one"'))
    commit(life.store, write(SUPPORT, creds(1, 2)), write(SUPPORT._replace(key=KEY.key), b'"new"'))
    life.go_on()
    commit(life.store, write(CREDS, creds(2)), write(SUPPORT, creds(2, 2)))
    old, new = kept(life.store), kept(life.store, SUPPORT)
    return old, drop(life.store, SUPPORT), new


class ReplacementsContract(Contract):
    """Bringing a dropped instance back in the place of another."""

    def test_what_stands_in_its_place_is_a_drop_then_with_all_that_it_held(self, life: Life) -> None:
        old, dropped, new = fill(life)
        life.go_on()
        commit(life.store, replace(dropped, "sales"))
        for _ in range(2):
            assert life.store.instances("codechat") == ["sales"]
            assert kept(life.store) == new
            life.store.check_creds("codechat", "sales")
            assert summary(life.store).files == 2
            [replaced] = life.store.drops()
            assert (replaced.group, replaced.instance, replaced.files) == ("codechat", "sales", 3)
            life.go_on()
        commit(life.store, replace(replaced))
        for _ in range(2):
            assert kept(life.store) == old
            [back] = life.store.drops()
            assert (back.group, back.instance, back.files) == ("codechat", "sales", 2)
            life.go_on()
        commit(life.store, restore(back, "support"))
        assert kept(life.store, SUPPORT) == new

    def test_it_takes_a_place_in_another_group(self, life: Life) -> None:
        old, dropped, new = fill(life)
        taken = SessionFile("evolution", "there", "creds")
        create(life.store, taken)
        commit(life.store, write(taken, creds(9, 9)))
        life.go_on()
        commit(life.store, replace(dropped, "there", "evolution"))
        life.go_on()
        assert (kept(life.store), kept(life.store, taken)) == (old, new)
        [replaced] = drops_of(life.store, taken)
        commit(life.store, restore(replaced, "another"))
        assert read_and_recall(life.store, taken._replace(instance="another")) == creds(9, 9)

    @pytest.mark.parametrize("into", ["", "evolution"])
    def test_where_nothing_stands_in_its_place_it_comes_back(self, life: Life, into: str) -> None:
        old, dropped, new = fill(life)
        commit(life.store, replace(dropped, "back", into))
        life.go_on()
        back = SessionFile(into or "codechat", "back", "creds")
        assert (kept(life.store), kept(life.store, back), life.store.drops()) == (old, new, [])

    def test_what_cannot_be_brought_back_replaces_nothing(self, life: Life) -> None:
        old, dropped, _ = fill(life)
        unknown = structs.replace(replace(dropped, "sales"), drop="1700000000000-0")
        assert refusals(life.store, restore(dropped, "sales"), unknown) == [NameTaken, NoSuchDrop]
        life.go_on()
        assert (kept(life.store), life.store.drops()) == (old, [dropped])
        commit(life.store, purge(dropped))
        assert refusals(life.store, replace(dropped, "sales")) == [NoSuchDrop]
        assert kept(life.store) == old

    def test_what_is_written_before_goes_to_the_old_one_and_what_is_written_after_to_the_new_one(
        self, life: Life
    ) -> None:
        _, dropped, _ = fill(life)
        life.go_on()
        last = KEY._replace(key="last")
        outcomes = refusals(
            life.store,
            write(KEY, b'"before"'),
            write(CREDS, creds(3)),
            delete(OTHER_KEY),
            replace(dropped, "sales"),
            write(last, b'"after"'),
            write(CREDS, creds(4, 2)),
        )
        assert outcomes == [None] * 6
        life.go_on()
        files = CREDS, KEY, OTHER_KEY, last
        assert read_all(life.store, *files) == [creds(4, 2), b'"new"', None, b'"after"']
        assert [life.store.read_version("codechat", "sales", one.version) for one in versions(life.store)] == [
            creds(4, 2),
            creds(2, 2),
            creds(1, 2),
        ]
        commit(life.store, restore(life.store.drops()[0], "old"))
        life.go_on()
        in_old = [file._replace(instance="old") for file in files]
        assert read_all(life.store, *in_old) == [creds(3), b'"before"', None, None]

    def test_a_large_value_that_was_prepared_for_the_old_one_never_comes_into_the_new_one(self, life: Life) -> None:
        _, dropped, _ = fill(life)
        prepared = life.store.prepare(write(KEY, large_value(life.place)))
        [outcome] = refusals(life.store, replace(dropped, "sales"), prepared)[1:]
        life.go_on()
        if outcome is None:  # it was written after: to the new one
            assert read_and_recall(life.store, KEY) == large_value(life.place)
        else:
            assert outcome is StoreUnavailable
            assert read_and_recall(life.store, KEY) == b'"new"'
        commit(life.store, restore(life.store.drops()[0], "old"))
        assert read_and_recall(life.store, KEY._replace(instance="old")) == b'"old"'

    def test_instances_take_the_same_place_one_after_the_other(self, life: Life) -> None:
        _, dropped, _ = fill(life)
        for number in range(3):
            commit(life.store, replace(dropped, "sales"))
            life.go_on()
            commit(life.store, write(KEY, b"%d" % number))
            dropped = drops_of(life.store)[0]
        assert len(life.store.drops()) == 1
        assert read_and_recall(life.store, KEY) == b"2"
        commit(life.store, restore(dropped, "other"))
        assert read_and_recall(life.store, KEY._replace(instance="other")) == b"1"

    def test_what_was_replaced_is_kept_for_a_day_also_where_drops_are_not(self, life: Life) -> None:
        _, dropped, _ = fill(life)
        other = drop(life.store)
        create(life.store)
        commit(life.store, replace(dropped, "sales"))
        life.go_on()
        [replaced, _] = life.store.drops()
        assert replaced.when > other.when
        assert life.store.drops_before(2**62) == [purge(other)]
        later = time.time() + REPLACED_KEPT / 1000
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(time, "time_ns", lambda: int((later + 60) * 10**9))
            assert purge(replaced) in life.store.drops_before(2**62)
            assert life.store.drops_before(replaced.when) == [purge(other)]
            patch.setattr(time, "time_ns", lambda: int((later - 60) * 10**9))
            assert life.store.drops_before(2**62) == [purge(other)]

    def test_nobody_is_replaced_whom_another_owner_has_and_nobody_has_it_then(self, quiet: Life) -> None:
        old, dropped, new = fill(quiet)
        lease(quiet.store, ONE)
        asked = replace(dropped, "sales")
        for other in (OTHER, ""):
            assert isinstance(ask(quiet.store, asked, other), HeldElsewhere)
        assert (kept(quiet.store), quiet.store.drops()) == (old, [dropped])
        assert refusals(quiet.store, ReleaseInstance("codechat", "sales", None)) == [None]
        assert ask(quiet.store, asked, "") is None
        assert kept(quiet.store) == new
        assert refusals(quiet.store, write(KEY, b"1", OTHER))[0] is not HeldElsewhere

    def test_an_owner_may_have_its_own_replaced_and_has_nothing_then(self, quiet: Life) -> None:
        _, dropped, new = fill(quiet)
        lease(quiet.store, ONE)
        assert ask(quiet.store, replace(dropped, "sales"), ONE) is None
        assert kept(quiet.store) == new
        commit(quiet.store, write(KEY, b"1", ""))

    def test_a_group_is_dropped_with_what_took_a_place_in_it(self, life: Life) -> None:
        old, dropped, new = fill(life)
        commit(life.store, replace(dropped, "sales"))
        life.go_on()
        commit(life.store, DropGroup("codechat"))
        life.go_on()
        latest, before = drops_of(life.store)
        commit(life.store, restore(latest, "latest"), restore(before, "before"))
        life.go_on()
        found = [kept(life.store, CREDS._replace(instance=name)) for name in ("latest", "before")]
        assert found == [new, old]
