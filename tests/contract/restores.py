"""What is promised of bringing a dropped instance back: it is as it was, and goes on."""

from __future__ import annotations

from itertools import product

import pytest

from sessionworker.errors import NameTaken, NoSuchDrop, NoSuchInstance
from sessionworker.names import SessionFile
from sessionworker.stores.changes import CreateGroup, DropGroup, DropInstance, RestoreInstance
from tests.contract.base import Contract
from tests.contract.words import (
    CREDS,
    KEY,
    OTHER_KEY,
    SUPPORT,
    Kept,
    Life,
    changes,
    commit,
    create,
    creds,
    delete,
    drop,
    drops_of,
    kept,
    read_all,
    read_and_recall,
    refusals,
    restore,
    summary,
    versions,
    write,
)

AWKWARD_DROPS = ["", "0", "1700000000000-0", "../sales", "/", "\x00", "9" * 5000, f"{'9' * 5000}-group", "\ud83d"]


def fill(life: Life) -> Kept:
    """Store something, some of it before what happens to the store; return what there is then."""
    create(life.store)
    commit(life.store, write(CREDS, creds(1)), write(KEY, b"1"), write(OTHER_KEY, b"1"))
    life.go_on()
    commit(life.store, write(CREDS, creds(2)), write(CREDS, creds(1, 2)), write(KEY, b"2"), delete(OTHER_KEY))
    return kept(life.store)


class RestoresContract(Contract):
    """Bringing dropped instances back."""

    @pytest.mark.parametrize("name", ["sales", "another", "a b", ".hidden", "ação", "creds"])
    def test_a_dropped_instance_comes_back_under_any_name_with_all_values_and_versions(
        self, life: Life, name: str
    ) -> None:
        before = fill(life)
        dropped = drop(life.store)
        life.go_on()
        commit(life.store, restore(dropped, name))
        back = CREDS._replace(instance=name)
        for _ in range(2):
            assert life.store.instances("codechat") == [name]
            assert life.store.drops() == []
            assert kept(life.store, back) == before
            life.store.check_creds("codechat", name)
            assert summary(life.store, back).files == 2
            life.go_on()

    @pytest.mark.parametrize("settled", list(product([False, True], repeat=4)), ids=str)
    def test_what_comes_back_is_what_was_written_last_whenever_it_was_settled(
        self, quiet: Life, settled: tuple[bool, ...]
    ) -> None:
        create(quiet.store)
        commit(quiet.store, write(CREDS, creds(1)), write(KEY, b'"old"'), write(OTHER_KEY, b'"old"'))
        steps = [
            lambda: commit(quiet.store, changes(*write(KEY, b'"new"').changes, *delete(OTHER_KEY).changes)),
            lambda: commit(quiet.store, delete(CREDS)),
            lambda: drop(quiet.store),
            lambda: commit(quiet.store, restore(drops_of(quiet.store)[0])),
        ]
        for step, is_settled in zip(steps, settled, strict=True):
            if is_settled:
                quiet.settle()
            step()
        for look_again in (lambda: None, quiet.settle, quiet.open_again):
            look_again()
            assert read_all(quiet.store, KEY, OTHER_KEY, CREDS) == [b'"new"', None, None]
            quiet.store.check_creds("codechat", "sales")

    def test_an_instance_comes_back_into_a_group_that_was_dropped(self, life: Life) -> None:
        before = fill(life)
        dropped = drop(life.store)
        commit(life.store, DropGroup("codechat"))
        life.go_on()
        assert life.store.groups() == []
        commit(life.store, restore(dropped))
        life.go_on()
        assert life.store.instances("codechat") == ["sales"]
        assert kept(life.store) == before

    def test_an_instance_comes_back_into_a_group_that_was_made_again(self, life: Life) -> None:
        before = fill(life)
        commit(life.store, DropGroup("codechat"), CreateGroup("codechat"))
        create(life.store, SUPPORT)
        life.go_on()
        commit(life.store, restore(drops_of(life.store)[0], "again"))
        life.go_on()
        assert life.store.instances("codechat") == ["again", "support"]
        assert kept(life.store, CREDS._replace(instance="again")) == before

    @pytest.mark.parametrize("into", ["evolution", "São João"])
    @pytest.mark.parametrize("is_there", [False, True], ids=["made for it", "there already"])
    def test_a_dropped_instance_comes_back_in_another_group_with_all_values_and_versions(
        self, life: Life, into: str, is_there: bool
    ) -> None:
        before = fill(life)
        back = SessionFile(into, "back", "creds")
        if is_there:
            create(life.store, back._replace(instance="another"))
        dropped = drop(life.store)
        life.go_on()
        commit(life.store, restore(dropped, "back", into))
        for _ in range(2):
            assert life.store.instances(into) == sorted({"back", *(["another"] if is_there else [])})
            assert life.store.instances("codechat") == []
            assert life.store.drops() == []
            assert kept(life.store, back) == before
            life.store.check_creds(into, "back")
            life.go_on()
        commit(life.store, write(back._replace(key=KEY.key), b'"new"'))
        life.go_on()
        commit(life.store, DropInstance(into, "back"))
        life.go_on()
        [again] = life.store.drops()
        assert (again.group, again.instance) == (into, "back")
        commit(life.store, restore(again, "sales", "codechat"))
        life.go_on()
        assert read_all(life.store, KEY) == [b'"new"']
        assert kept(life.store, CREDS, "creds") == before._replace(values=before.values[:1])

    def test_a_name_that_is_taken_in_the_other_group_is_refused(self, life: Life) -> None:
        before = fill(life)
        dropped = drop(life.store)
        taken = CREDS._replace(group="evolution")
        create(life.store, taken)
        commit(life.store, write(taken._replace(key=KEY.key), b'"of the other"'))
        life.go_on()
        assert refusals(life.store, restore(dropped, into="evolution")) == [NameTaken]
        life.go_on()
        assert life.store.drops() == [dropped]
        commit(life.store, restore(dropped))
        assert kept(life.store) == before

    def test_a_name_that_is_taken_is_refused_and_both_stay_as_they_are(self, life: Life) -> None:
        before = fill(life)
        dropped = drop(life.store)
        create(life.store, CREDS, SUPPORT)
        commit(life.store, write(KEY, b'"of the new one"'))
        life.go_on()
        assert refusals(life.store, restore(dropped), restore(dropped, "support")) == [NameTaken, NameTaken]
        life.go_on()
        assert read_all(life.store, CREDS, KEY) == [None, b'"of the new one"']
        assert life.store.drops() == [dropped]
        commit(life.store, restore(dropped, "back"))
        life.go_on()
        assert kept(life.store, CREDS._replace(instance="back")) == before
        assert read_all(life.store, CREDS, KEY) == [None, b'"of the new one"']

    def test_an_instance_that_was_brought_back_is_no_drop_any_more(self, life: Life) -> None:
        fill(life)
        dropped = drop(life.store)
        life.go_on()
        assert refusals(life.store, restore(dropped), restore(dropped, "twice")) == [None, NoSuchDrop]
        life.go_on()
        assert refusals(life.store, restore(dropped, "twice")) == [NoSuchDrop]
        assert life.store.instances("codechat") == ["sales"]

    @pytest.mark.parametrize("name", AWKWARD_DROPS, ids=lambda name: repr(name[:20]))
    def test_what_was_not_dropped_cannot_be_brought_back(self, life: Life, name: str) -> None:
        before = fill(life)
        dropped = drop(life.store)
        life.go_on()
        assert (
            refusals(
                life.store,
                RestoreInstance("codechat", "sales", name, "back"),
                RestoreInstance("codechat", "support", dropped.drop, "back"),
                RestoreInstance("nobody", "sales", dropped.drop, "back"),
            )
            == [NoSuchDrop] * 3
        )
        assert life.store.groups() == ["codechat"]
        assert life.store.instances("codechat") == []
        commit(life.store, restore(dropped))
        assert kept(life.store) == before

    def test_an_instance_that_was_brought_back_goes_on_being_written(self, life: Life) -> None:
        fill(life)
        back = CREDS
        for number in range(4):
            dropped = drop(life.store, back)
            if number % 2:
                life.go_on()
            back = CREDS._replace(instance=f"back {number}")
            commit(life.store, restore(dropped, back.instance))
            commit(life.store, write(back, creds(10 + number)), write(back._replace(key="k"), b"%d" % number))
            life.go_on()
            assert read_all(life.store, back, back._replace(key="k")) == [creds(10 + number), b"%d" % number]
        assert [one.is_current for one in versions(life.store, back)] == [True] + [False] * 6
        listed = kept(life.store, back).versions
        assert listed == [creds(13), creds(12), creds(11), creds(10), creds(1, 2), creds(2), creds(1)]

    def test_writes_by_the_old_name_do_not_reach_one_that_came_back_under_another(self, life: Life) -> None:
        fill(life)
        dropped = drop(life.store)
        life.go_on()
        commit(life.store, restore(dropped, "back"))
        assert refusals(life.store, write(KEY, b'"late"')) == [NoSuchInstance]
        create(life.store)
        commit(life.store, write(KEY, b'"of a new one"'))
        life.go_on()
        assert read_all(life.store, KEY, KEY._replace(instance="back")) == [b'"of a new one"', b"2"]

    def test_drop_and_bring_back_in_one_commit(self, life: Life) -> None:
        fill(life)
        older = drop(life.store)
        create(life.store)
        commit(life.store, write(KEY, b'"of the second"'))
        life.go_on()
        assert refusals(
            life.store,
            restore(older),
            DropInstance("codechat", "sales"),
            restore(older),
            write(KEY, b'"more"'),
            restore(older, "back"),
        ) == [NameTaken, None, None, None, NoSuchDrop]
        life.go_on()
        assert read_all(life.store, CREDS, KEY) == [creds(1, 2), b'"more"']
        [second] = drops_of(life.store)
        commit(life.store, restore(second, "second"))
        life.go_on()
        assert read_and_recall(life.store, KEY._replace(instance="second")) == b'"of the second"'

    def test_instances_may_swap_their_names(self, life: Life) -> None:
        create(life.store, CREDS, SUPPORT)
        commit(life.store, write(CREDS, creds(1, 1)), write(SUPPORT, creds(2, 2)))
        life.go_on()
        sales, support = drop(life.store), drop(life.store, SUPPORT)
        commit(life.store, restore(sales, "support"), restore(support, "sales"))
        life.go_on()
        assert read_all(life.store, CREDS, SUPPORT) == [creds(2, 2), creds(1, 1)]
        assert [kept(life.store, file).versions for file in (CREDS, SUPPORT)] == [[creds(2, 2)], [creds(1, 1)]]
