"""What is promised of labels: what an operator calls an instance stays with it, wherever that goes, and is told."""

from __future__ import annotations

import pytest

from sessionworker.errors import NoSuchGroup, NoSuchInstance, StoreUnavailable
from sessionworker.names import SessionFile
from sessionworker.stores.changes import CreateGroup, DropGroup, LabelInstance
from tests.contract.base import Contract
from tests.contract.owners import ONE, ask, lease
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
    read_all,
    refusals,
    replace,
    restore,
    summary,
    write,
)

ODD_LABELS = ["é", "e\u0301", "\U0001f511" * 100, "\u200f\u05d7\u05e0", "%2F / .. 'x' \"y\" \\", "0", "\ufeffx"]


def label(text: str, file: SessionFile = CREDS) -> LabelInstance:
    """Give the instance of a session file a label."""
    return LabelInstance(file.group, file.instance, text)


class LabelsContract(Contract):
    """Labels of instances."""

    def test_an_instance_has_the_label_that_it_was_given_last(self, life: Life) -> None:
        create(life.store, CREDS, SUPPORT)
        assert summary(life.store).label == ""
        for text in ("Loja Centro", "Loja São João", "", "Loja"):
            commit(life.store, label(text))
            assert summary(life.store).label == text
            life.go_on()
            assert (summary(life.store).label, summary(life.store, SUPPORT).label) == (text, "")

    @pytest.mark.parametrize("text", ODD_LABELS, ids=ascii)
    def test_a_label_is_told_as_it_was_given(self, life: Life, text: str) -> None:
        create(life.store)
        commit(life.store, label(text))
        life.go_on()
        assert summary(life.store).label == text

    def test_a_label_that_is_taken_away_is_gone_for_good(self, life: Life) -> None:
        create(life.store)
        commit(life.store, label("Loja"))
        life.go_on()
        commit(life.store, label(""))
        life.go_on()
        commit(life.store, label(""))
        life.go_on()
        assert summary(life.store).label == ""
        assert drop(life.store).label == ""

    def test_a_label_changes_nothing_that_the_instance_holds(self, life: Life) -> None:
        create(life.store)
        commit(life.store, write(CREDS, creds(1)), write(KEY, b"1"))
        life.go_on()
        before, told = kept(life.store), summary(life.store)
        commit(life.store, label("Loja"))
        for _ in range(2):
            after = summary(life.store)
            assert kept(life.store) == before
            assert (after.files, after.bytes, after.types, after.problem) == (2, told.bytes, told.types, "")
            life.go_on()

    def test_what_is_not_there_gets_no_label(self, life: Life) -> None:
        assert refusals(life.store, label("Loja")) == [NoSuchGroup]
        commit(life.store, CreateGroup("codechat"))
        assert refusals(life.store, label("Loja"), label("")) == [NoSuchInstance, NoSuchInstance]
        life.go_on()
        assert life.store.instances("codechat") == []
        create(life.store)
        assert summary(life.store).label == ""

    def test_labels_are_given_in_their_turn(self, life: Life) -> None:
        create(life.store)
        outcomes = refusals(
            life.store, label("first"), write(KEY, b"1"), label("second"), write(KEY, b"2"), label("x", SUPPORT)
        )
        assert outcomes == [None] * 4 + [NoSuchInstance]
        life.go_on()
        assert (summary(life.store).label, read_all(life.store, KEY)) == ("second", [b"2"])

    def test_a_label_goes_with_a_drop_and_comes_back_under_any_name(self, life: Life) -> None:
        create(life.store)
        commit(life.store, write(CREDS, creds(1)), label("Loja"))
        dropped = drop(life.store)
        assert dropped.label == "Loja"
        life.go_on()
        assert drops_of(life.store) == [dropped]
        commit(life.store, restore(dropped, "back", "evolution"))
        back = SessionFile("evolution", "back", "creds")
        assert summary(life.store, back).label == "Loja"
        life.go_on()
        commit(life.store, label("Matriz", back))
        commit(life.store, DropGroup("evolution"))
        life.go_on()
        [again] = drops_of(life.store, back)
        assert again.label == "Matriz"
        commit(life.store, restore(again))
        life.go_on()
        assert summary(life.store, back).label == "Matriz"

    def test_an_instance_that_is_created_again_has_no_label_of_the_one_before(self, life: Life) -> None:
        create(life.store)
        commit(life.store, label("Loja"))
        drop(life.store)
        create(life.store)
        assert summary(life.store).label == ""
        life.go_on()
        assert (summary(life.store).label, drops_of(life.store)[0].label) == ("", "Loja")

    @pytest.mark.parametrize("own", ["", "Filial"])
    @pytest.mark.parametrize("of_the_place", ["", "Matriz"])
    def test_what_takes_a_place_has_its_own_label_or_that_of_the_place(
        self, life: Life, own: str, of_the_place: str
    ) -> None:
        create(life.store, CREDS, SUPPORT)
        commit(life.store, write(CREDS, creds(1)), write(SUPPORT, creds(2, 2)))
        commit(life.store, *(label(text, file) for text, file in ((of_the_place, CREDS), (own, SUPPORT)) if text))
        life.go_on()
        dropped = drop(life.store, SUPPORT)
        life.go_on()
        commit(life.store, replace(dropped, "sales"))
        for _ in range(2):
            assert summary(life.store).label == (own or of_the_place)
            assert drops_of(life.store)[0].label == of_the_place
            life.go_on()
        assert read_all(life.store, CREDS) == [creds(2, 2)]

    def test_a_label_asks_for_no_lease_and_gives_none(self, quiet: Life) -> None:
        create(quiet.store)
        lease(quiet.store, ONE)
        commit(quiet.store, label("Loja"))
        assert summary(quiet.store).label == "Loja"
        assert ask(quiet.store, write(KEY, b"1"), ONE) is not None

    def test_one_that_is_refused_gets_none_and_keeps_what_it_has(self, quiet: Life) -> None:
        create(quiet.store)
        commit(quiet.store, label("Loja"))
        if quiet.place.refuse(quiet.store, CREDS, "something else stands in its place"):
            assert refusals(quiet.store, label("Matriz"), label("")) == [StoreUnavailable, StoreUnavailable]
            quiet.place.refuse(quiet.store, CREDS, "")
        assert summary(quiet.store).label == "Loja"
