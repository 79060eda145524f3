"""What would hold up others is held back; it keeps its place in the order, and is committed in the end."""

from __future__ import annotations

import pytest
from twisted.internet.defer import CancelledError

from sessionworker import turns
from sessionworker.errors import Overloaded
from sessionworker.stores.changes import (
    Batch,
    CreateGroup,
    CreateInstance,
    DropGroup,
    DropInstance,
    Entry,
    Existing,
    Write,
)
from sessionworker.stores.interface import Load
from tests.offload.rig import CREDS, Rig, values_in, write

OTHER = CREDS._replace(instance="support")


def several(*values: bytes, instance: str = "sales") -> Batch:
    """A batch of several changes."""
    return Batch("codechat", instance, tuple(Write(f"k{number}", value) for number, value in enumerate(values)))


def committed(rig: Rig) -> list[bytes]:
    return [value for entries in rig.store.commits for value in values_in(entries)]


def test_a_batch_that_is_not_admitted_waits_with_what_comes_later_for_its_instance_and_nobody_else(rig: Rig) -> None:
    rig.store.waiting.refused = {"sales"}
    held = rig.offload.commit(several(b"1", b"2"))
    later = [
        rig.offload.commit(write(CREDS, b"3")),
        rig.offload.commit(CreateInstance("codechat", "sales")),
        rig.offload.commit(several(b"4", b"5")),
    ]
    assert rig.results([rig.offload.commit(write(OTHER, b"6")), rig.offload.commit(several(b"7", b"8", instance="b"))])
    assert committed(rig) == [b"6", b"7", b"8"]
    assert not any(deferred.called for deferred in (held, *later))
    rig.store.waiting.refused = set()
    rig.store.waiting.tell(False)
    assert rig.results([held, *later]) == [None] * 4
    assert committed(rig)[3:] == [b"1", b"2", b"3", b"4", b"5"]


@pytest.mark.parametrize("batch", [several(b"1", b"2"), several(b"1")], ids=["behind what is held", "in the queue"])
def test_a_create_that_was_given_up_before_its_turn_is_not_made_and_the_rest_is(rig: Rig, batch: Batch) -> None:
    rig.store.waiting.refused = {"sales"}
    first = rig.hold()
    entries = batch, CreateInstance("codechat", "sales", "me"), write(CREDS, b"3"), DropInstance("codechat", "sales")
    asked = [rig.offload.commit(entry) for entry in entries]
    for given_up in asked[1:]:
        given_up.addErrback(lambda failure: failure.trap(CancelledError))
        given_up.cancel()
    rig.let_go()
    rig.result(first)
    rig.store.waiting.refused = set()
    rig.store.waiting.tell(False)
    assert rig.result(asked[0]) is None
    rig.result(rig.offload.commit(write(CREDS, b"4")))
    assert committed(rig)[1:] == [*values_in([batch]), b"3", b"4"]
    made = {type(entry) for entries in rig.store.commits for entry in entries}
    assert made == {Batch, DropInstance}
    assert (rig.offload.under_way, rig.offload.waiting_bytes) == (0, 0)


def test_one_change_is_asked_about_only_where_much_waits(rig: Rig) -> None:
    rig.store.waiting.refused = {"sales"}
    assert rig.result(rig.offload.commit(write(CREDS, b"1"))) is None
    rig.store.waiting.is_crowded = True
    held = rig.offload.commit(write(CREDS, b"2"))
    later = rig.offload.commit(write(CREDS, b"3"))
    assert rig.result(rig.offload.commit(write(OTHER, b"4"))) is None
    assert not held.called
    rig.store.waiting.refused = set()
    rig.store.waiting.tell(False)
    assert rig.results([held, later]) == [None] * 2
    assert committed(rig) == [b"1", b"4", b"2", b"3"]


def test_what_is_made_in_a_thread_is_asked_about_when_it_is_made(rig: Rig) -> None:
    rig.store.waiting.refused = {"sales"}
    held = rig.offload.commit_made("codechat", "sales", 2, lambda: several(b"1", b"2"))
    later = rig.offload.commit(write(CREDS, b"3"))
    rig.reactor.run_one_call()  # it is made
    assert rig.result(rig.offload.commit(write(OTHER, b"4"))) is None
    rig.store.waiting.refused = set()
    rig.store.waiting.tell(False)
    assert rig.results([held, later]) == [None] * 2
    assert committed(rig) == [b"4", b"1", b"2", b"3"]


def test_what_changes_nothing_is_not_held(rig: Rig) -> None:
    rig.store.waiting.refused = {"sales"}
    rig.store.waiting.is_crowded = True
    assert rig.result(rig.offload.commit(Batch("codechat", "sales", (), Existing()))) is None
    assert rig.store.waiting.asked == []


@pytest.mark.parametrize("batch", [several(b"1", b"2"), write(CREDS, b"1")], ids=["several", "one"])
def test_room_that_is_made_while_it_is_asked_for_is_not_missed(rig: Rig, batch: Batch) -> None:
    rig.store.waiting.refused = {"sales"}
    rig.store.waiting.is_crowded = True
    rig.store.waiting.refusals_left = 1
    assert rig.result(rig.offload.commit(batch)) is None
    assert rig.result(rig.offload.commit(batch)) is None


def test_room_that_is_made_for_many_while_it_is_asked_for_is_not_missed(rig: Rig) -> None:
    rig.store.waiting.refused = {"sales"}
    rig.store.waiting.is_crowded = True
    held = [rig.offload.commit(write(CREDS, b"%d" % number)) for number in range(900)]
    rig.store.waiting.refuses_once = True
    rig.store.waiting.tell(True)
    rig.store.waiting.tell(True)
    assert rig.results(held) == [None] * 900


def test_nothing_is_held_for_longer_than_a_round_that_began_after_it(rig: Rig) -> None:
    rig.store.waiting.refused = {"sales"}
    held = rig.offload.commit(several(b"1", b"2"))
    for is_over in (False, True, False, False):
        rig.store.waiting.tell(is_over)
        rig.reactor.run_one_call()
        assert not held.called
        assert committed(rig) == []
    rig.store.waiting.tell(True)
    assert rig.result(held) is None


def test_nobody_is_woken_where_nothing_is_held(rig: Rig) -> None:
    rig.store.waiting.tell(True)
    assert rig.result(rig.offload.commit(write(CREDS, b"1"))) is None
    assert rig.reactor.is_quiet


def test_what_was_let_in_counts_until_it_is_committed(rig: Rig) -> None:
    held = rig.hold()
    batches = [rig.offload.commit(several(b"12", b"34", instance=name)) for name in ("a", "b", "a")]
    assert rig.store.waiting.asked == [("a", Load(2, 4), Load(0, 0)), ("b", Load(2, 4), Load(2, 4))]
    rig.let_go()
    rig.results([held, *batches])
    rig.result(rig.offload.commit(several(b"1", b"2")))
    assert rig.store.waiting.asked[2][:2] == ("a", Load(2, 4))  # once the first of its instance was committed
    assert rig.store.waiting.asked[-1] == ("sales", Load(2, 2), Load(0, 0))


def test_a_batch_that_is_refused_counts_no_more_and_what_came_later_goes_on(rig: Rig) -> None:
    rig.store.failures.append(ZeroDivisionError())
    refused = rig.offload.commit(several(b"1", b"2"))
    later = rig.offload.commit(several(b"3", b"4"))
    assert isinstance(rig.result(refused), ZeroDivisionError)
    assert rig.result(later) is None
    assert [ahead for _, _, ahead in rig.store.waiting.asked] == [Load(0, 0)] * 2


def test_the_drop_of_a_group_comes_after_what_is_held(rig: Rig) -> None:
    rig.store.waiting.refused = {"sales"}
    entries: list[Entry] = [several(b"1", b"2"), DropGroup("codechat"), CreateInstance("codechat", "sales")]
    all_of_them = [rig.offload.commit(entry) for entry in entries]
    rig.store.waiting.refused = set()
    rig.store.waiting.tell(False)
    assert rig.results(all_of_them) == [None] * 3
    assert [entry for entries in rig.store.commits for entry in entries] == entries


@pytest.mark.parametrize("bound", ["MOST_BEHIND", "MOST_BYTES_BEHIND"])
def test_behind_what_is_held_waits_no_more_than_leaves_others_their_place(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, bound: str
) -> None:
    monkeypatch.setattr(turns, bound, 3)
    rig.store.waiting.refused = {"sales"}
    accepted = [rig.offload.commit(several(b"0", b"0"))]
    accepted += [rig.offload.commit(write(CREDS, b"%d" % number)) for number in range(3)]
    for refused in (write(CREDS, b"3"), several(b"4", b"5")):
        assert isinstance(rig.result(rig.offload.commit(refused)), Overloaded)
    assert isinstance(rig.result(rig.offload.commit_made("codechat", "sales", 1, lambda: several(b"6"))), Overloaded)
    assert rig.result(rig.offload.commit(write(OTHER, b"1"))) is None
    rig.store.waiting.refused = set()
    rig.store.waiting.tell(False)
    assert rig.results(accepted) == [None] * 4
    assert rig.result(rig.offload.commit(write(CREDS, b"9"))) is None


def test_stopping_waits_for_what_is_held(rig: Rig) -> None:
    rig.store.waiting.refused = {"sales"}
    held = rig.offload.commit(several(b"1", b"2"))
    stopped = rig.offload.stop()
    rig.store.waiting.tell(True)
    rig.store.waiting.tell(True)
    assert rig.results([held, stopped]) == [None] * 2
    assert committed(rig) == [b"1", b"2"]


def test_many_that_were_held_go_on_one_after_the_other(rig: Rig) -> None:
    rig.store.waiting.refused = {"sales"}
    held = [rig.offload.commit(several(b"1", b"2")) for _ in range(500)]  # which a call within a call would not survive
    rig.store.waiting.refused = set()
    rig.store.waiting.tell(False)
    assert rig.results(held) == [None] * 500


def test_room_for_one_that_is_made_while_it_is_asked_for_is_not_missed_either(rig: Rig) -> None:
    rig.store.waiting.is_crowded = True
    rig.store.waiting.refused = {"sales"}
    rig.store.waiting.refusals_left = 1
    assert rig.results([rig.offload.commit(write(CREDS, value)) for value in (b"1", b"2")]) == [None] * 2
    assert committed(rig) == [b"1", b"2"]


def test_what_is_held_again_while_others_are_let_in_has_none_of_them_committed_twice(rig: Rig) -> None:
    rooms = rig.store.waiting
    rooms.is_crowded = True
    rooms.refused = {"sales", "support"}
    entries = write(CREDS, b"1"), write(OTHER, b"2"), several(b"3", b"4"), several(b"5", b"6", instance="support")
    held = [rig.offload.commit(entry) for entry in entries]
    rooms.most = 1  # so the second of each instance is held when its first has gone on
    rooms.refused = set()
    rooms.tell(False)
    assert rig.results(held[:2]) == [None] * 2
    rooms.most = 2
    rooms.tell(False)
    assert rig.results(held[2:]) == [None] * 2
    assert committed(rig) == [b"1", b"2", b"3", b"4", b"5", b"6"]
    assert (rig.offload.under_way, rig.offload.waiting_bytes) == (0, 0)


def test_of_many_for_whom_there_is_no_room_one_alone_is_let_in_at_each_end_of_a_round(rig: Rig) -> None:
    rig.store.waiting.refused = {"a", "b", "c"}
    held = [rig.offload.commit(several(b"1", b"2", instance=name)) for name in ("a", "b", "c")]
    rig.store.waiting.tell(True)
    rig.reactor.run_one_call()
    for is_let_in in held:
        rig.store.waiting.tell(True)
        assert rig.result(is_let_in) is None
        assert sum(deferred.called for deferred in held) == held.index(is_let_in) + 1


def test_who_is_held_is_asked_about_once_for_all_that_becomes_free_in_one_turn(rig: Rig) -> None:
    rig.store.waiting.refused = {"sales"}
    held = rig.offload.commit(several(b"1", b"2"))
    del rig.store.waiting.asked[:]
    for _ in range(100):
        rig.store.waiting.tell(False)
    rig.reactor.run_one_call()
    assert len(rig.store.waiting.asked) == 1
    assert rig.reactor.is_quiet
    rig.store.waiting.refused = set()
    rig.store.waiting.tell(False)
    assert rig.result(held) is None


def test_the_drop_of_a_group_waits_for_nothing_of_another_and_holds_it_up_in_nothing(rig: Rig) -> None:
    rig.store.waiting.refused = {"sales"}
    held = rig.offload.commit(several(b"1", b"2"))
    assert rig.results([rig.offload.commit(DropGroup("other")), rig.offload.commit(CreateGroup("codechat"))])
    in_its_turn = [rig.offload.commit(entry) for entry in (DropGroup("codechat"), CreateGroup("codechat"))]
    elsewhere = write(OTHER._replace(group="other"), b"3"), CreateGroup("other"), DropGroup("other")
    assert rig.results([rig.offload.commit(entry) for entry in elsewhere]) == [None] * 3
    assert not any(deferred.called for deferred in (held, *in_its_turn))
    rig.store.waiting.refused = set()
    rig.store.waiting.tell(False)
    assert rig.results([held, *in_its_turn]) == [None] * 3
    assert [entry for entries in rig.store.commits for entry in entries][-2:] == [
        DropGroup("codechat"),
        CreateGroup("codechat"),
    ]
