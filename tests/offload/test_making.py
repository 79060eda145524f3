"""What takes time to be made is made in a thread, and keeps its place in the order."""

from __future__ import annotations

import gc
from functools import partial
from threading import Event
from weakref import ref

from sessionworker.errors import NoSuchInstance
from sessionworker.names import SessionFile
from sessionworker.stores.changes import Batch, CreateInstance, DropGroup, LabelInstance
from tests.offload.rig import CREDS, Rig, values_in, write
from tests.reactor import LONGEST_WAIT

OTHER = CREDS._replace(instance="support")


class Making:
    """Makes a batch in a thread, when it is told to."""

    def __init__(self, rig: Rig, file: SessionFile, value: bytes) -> None:
        self.has_begun = Event()
        self._may_end = Event()
        self._batch = write(file, value)
        self.done = rig.offload.commit_made(file.group, file.instance, len(value), self._make)

    def _make(self) -> Batch:
        self.has_begun.set()
        assert self._may_end.wait(LONGEST_WAIT)
        return self._batch

    def end(self) -> None:
        self._may_end.set()


def test_what_is_made_in_a_thread_is_prepared_there_and_committed(rig: Rig) -> None:
    making = Making(rig, CREDS, b"large")
    making.end()
    assert rig.result(making.done) is None
    assert rig.store.prepared == [write(CREDS, b"large")]
    assert rig.store.values == {CREDS: b"large"}


def test_what_comes_later_for_an_instance_waits_for_what_is_being_made_and_others_do_not(rig: Rig) -> None:
    making = Making(rig, CREDS, b"large")
    entries = write(CREDS, b"small"), CreateInstance("codechat", "sales"), LabelInstance("codechat", "sales", "Loja")
    later = [rig.offload.commit(entry) for entry in entries]
    assert rig.result(rig.offload.commit(write(OTHER, b"1"))) is None
    assert not any(one.called for one in (making.done, *later))
    making.end()
    assert rig.results([making.done, *later]) == [None] * 4
    assert [value for entries in rig.store.commits for value in values_in(entries)] == [b"1", b"large", b"small"]


def test_several_that_are_made_for_one_instance_keep_their_order_among_the_others(rig: Rig) -> None:
    first, second = Making(rig, CREDS, b"first"), Making(rig, CREDS, b"second")
    between = rig.offload.commit(write(CREDS, b"third"))
    last = Making(rig, CREDS, b"last")
    for making in (last, second, first):
        making.end()
    assert rig.results([first.done, second.done, between, last.done]) == [None] * 4
    values = [value for entries in rig.store.commits for value in values_in(entries)]
    assert values == [b"first", b"second", b"third", b"last"]


def test_the_drop_of_a_group_waits_for_all_that_is_being_made_and_what_comes_later_for_the_drop(rig: Rig) -> None:
    making, other = Making(rig, CREDS, b"large"), Making(rig, OTHER, b"large too")
    later = [
        rig.offload.commit(DropGroup("codechat")),
        rig.offload.commit(CreateInstance("codechat", "new")),
        rig.offload.commit(DropGroup("codechat")),
    ]
    making.end()
    assert rig.result(making.done) is None
    assert not any(deferred.called for deferred in later)
    other.end()
    assert rig.results([other.done, *later]) == [None] * 4
    entries = [entry for entries in rig.store.commits for entry in entries]
    assert entries[-3:] == [DropGroup("codechat"), CreateInstance("codechat", "new"), DropGroup("codechat")]


def test_one_that_cannot_be_made_is_told_so_and_the_next_goes_on(rig: Rig) -> None:
    def fail() -> Batch:
        raise ZeroDivisionError

    failed = rig.offload.commit_made("codechat", "sales", 10, fail)
    after = rig.offload.commit(write(CREDS, b"1"))
    assert isinstance(rig.result(failed), ZeroDivisionError)
    assert rig.result(after) is None
    assert rig.offload.waiting_bytes == 0


def test_bytes_of_what_is_made_count_until_it_is_committed_and_once(rig: Rig) -> None:
    making = Making(rig, CREDS, bytes(5000))
    assert rig.offload.waiting_bytes == 5000
    making.end()
    assert rig.result(making.done) is None
    assert rig.offload.waiting_bytes == 0
    assert rig.offload.under_way == 0


def test_stopping_waits_for_what_is_being_made_and_all_behind_it(rig: Rig) -> None:
    making = Making(rig, CREDS, b"large")
    later = rig.offload.commit(write(CREDS, b"small"))
    stopped = rig.offload.stop()
    making.end()
    assert rig.results([making.done, later, stopped]) == [None] * 3
    assert rig.store.values == {CREDS: b"small"}


def test_what_comes_later_for_an_instance_waits_while_it_is_read_whole_and_others_do_not(rig: Rig) -> None:
    may_end = Event()

    def read() -> bytes | None:
        assert may_end.wait(LONGEST_WAIT)
        return rig.store.values.get(CREDS)

    assert rig.result(rig.offload.commit(write(CREDS, b"before"))) is None
    whole = rig.offload.ask_in_turn("codechat", "sales", read)
    later = [rig.offload.commit(write(CREDS, b"after")), rig.offload.commit(CreateInstance("codechat", "sales"))]
    assert rig.result(rig.offload.commit(write(OTHER, b"1"))) is None
    assert not whole.called
    may_end.set()
    assert rig.results([whole, *later]) == [b"before", None, None]
    assert rig.store.values[CREDS] == b"after"


def test_a_read_of_all_that_fails_holds_up_nobody(rig: Rig) -> None:
    def read() -> None:
        raise NoSuchInstance

    assert isinstance(rig.result(rig.offload.ask_in_turn("codechat", "sales", read)), NoSuchInstance)
    assert rig.result(rig.offload.commit(write(CREDS, b"1"))) is None


class Large:
    """Something that is given to a call, as a body of many megabytes is."""


def test_what_a_call_was_given_that_failed_is_let_go_of(rig: Rig) -> None:
    """Python looks seldom for what refers to itself: twenty-four bodies that were refused took 1.4 GiB."""
    kept = []

    def refuse(one: Large) -> Batch:
        kept.append(ref(one))
        raise NoSuchInstance

    gc.collect()
    gc.disable()
    try:
        for _ in range(3):
            asked = rig.offload.ask(refuse, Large())
            making = rig.offload.commit_made(*CREDS[:2], 1, partial(refuse, Large()))
            assert [type(one) for one in rig.results([asked, making])] == [NoSuchInstance] * 2
            del asked, making
        rig.result(rig.offload.ask(rig.store.instances, "codechat"))  # each thread has begun something else
        rig.result(rig.offload.ask(rig.store.instances, "codechat"))
        still = [one for one in kept if one() is not None]
    finally:
        gc.enable()
    assert len(still) <= 2  # what a thread did last
