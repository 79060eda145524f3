"""What is promised of owners: who may change an instance, for how long, and how that ends."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from msgspec.structs import replace

from sessionworker.errors import (
    ConditionFailed,
    CredsNotAllowed,
    HeldElsewhere,
    NoSuchGroup,
    NoSuchInstance,
    WorkerError,
)
from sessionworker.stores.changes import (
    Batch,
    CreateInstance,
    DropGroup,
    DropInstance,
    Entry,
    Existing,
    ReleaseInstance,
    Unwritten,
)
from sessionworker.stores.interface import Outcome, Store
from sessionworker.stores.rules.leases import LEASE_SECONDS, Lease
from tests.contract.base import Contract
from tests.contract.clock import Clock, stopped_clock
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
    drops_of,
    large_value,
    purge,
    read_and_recall,
    refusals,
    restore,
    write,
)

ONE, OTHER = "host-1:71:a", "host-2:9:b"
NOBODY = ""
"""A client that names no owner."""

RENEWALS: dict[str, tuple[Entry, type[WorkerError | Lease]]] = {
    "a write": (replace(write(KEY, b"2"), owner=ONE), Lease),
    "no change": (Batch("codechat", "sales", (), Existing(), ONE), Lease),
    "a deletion of nothing": (replace(delete(OTHER_KEY), owner=ONE), Lease),
    "a create": (CreateInstance("codechat", "sales", ONE), Lease),
    "creds that are none": (replace(write(CREDS, b"[]"), owner=ONE), CredsNotAllowed),
    "a condition that does not hold": (Batch("codechat", "sales", (), Unwritten(None), ONE), ConditionFailed),
}
"""What an owner may ask for, and what that comes to."""

ASKED: dict[str, Entry] = {
    "a write": write(KEY, b"2"),
    "a deletion": delete(KEY),
    "no change": Batch("codechat", "sales", (), Existing()),
    "a create": CreateInstance("codechat", "sales"),
    "a drop": DropInstance("codechat", "sales"),
}
"""What is refused while another one has the instance."""


def ask(store: Store, entry: Entry, owner: str | None) -> Outcome:
    """Commit an entry of an owner, and return what it came to."""
    [outcome] = store.commit([replace(entry, owner=owner)])
    return outcome


def lease(store: Store, owner: str, entry: Entry = ASKED["no change"]) -> str:
    """Let an owner ask for something, and return the id of the lease that it has then."""
    outcome = ask(store, entry, owner)
    assert isinstance(outcome, Lease)
    return outcome.id


def seconds_left(store: Store, owner: str, entry: Entry = ASKED["no change"]) -> int:
    """Let an owner ask in vain, and return when it is to come back."""
    outcome = ask(store, entry, owner)
    assert isinstance(outcome, HeldElsewhere)
    return outcome.seconds


def release(store: Store, owner: str | None) -> type[WorkerError | Lease] | None:
    """Let go, and return what that came to."""
    return refusals(store, ReleaseInstance("codechat", "sales", owner))[0]


class OwnersContract(Contract):
    """Owners of an instance."""

    @pytest.fixture
    def clock(self) -> Iterator[Clock]:
        with stopped_clock() as stopped:
            yield stopped

    @pytest.mark.parametrize("entry", ASKED.values(), ids=ASKED)
    @pytest.mark.parametrize("other", [OTHER, NOBODY])
    def test_nobody_else_changes_an_instance_while_its_owner_has_it(
        self, quiet: Life, clock: Clock, entry: Entry, other: str
    ) -> None:
        create(quiet.store)
        commit(quiet.store, write(KEY, b"1"))
        lease(quiet.store, ONE)
        for seconds, left in ((0, 30), (0.5, 30), (28.5, 1), (0.999, 1)):
            clock.seconds += seconds
            quiet.settle()
            assert seconds_left(quiet.store, other, entry) == left
            assert read_and_recall(quiet.store, KEY) == b"1"
        assert (drops_of(quiet.store), quiet.store.instances("codechat")) == ([], ["sales"])

    @pytest.mark.parametrize("entry", ASKED.values(), ids=ASKED)
    @pytest.mark.parametrize("other", [OTHER, NOBODY])
    def test_an_owner_that_asks_for_nothing_has_an_instance_for_thirty_seconds(
        self, quiet: Life, clock: Clock, entry: Entry, other: str
    ) -> None:
        create(quiet.store)
        lease(quiet.store, ONE)
        clock.seconds += LEASE_SECONDS
        assert not isinstance(ask(quiet.store, entry, other), HeldElsewhere)

    @pytest.mark.parametrize(("entry", "expected"), RENEWALS.values(), ids=RENEWALS)
    def test_whatever_an_owner_asks_for_takes_and_renews_its_lease(
        self, quiet: Life, clock: Clock, entry: Entry, expected: type[WorkerError | Lease]
    ) -> None:
        create(quiet.store)
        for _ in range(3):
            assert refusals(quiet.store, entry) == [expected]
            clock.seconds += LEASE_SECONDS - 1
            assert seconds_left(quiet.store, OTHER) == 1

    def test_the_id_of_a_lease_is_the_same_as_long_as_it_is_renewed_in_time(self, quiet: Life, clock: Clock) -> None:
        create(quiet.store, CREDS, SUPPORT)
        first = lease(quiet.store, ONE)
        for entry, expected in RENEWALS.values():
            clock.seconds += LEASE_SECONDS - 0.5
            if expected is Lease:
                assert lease(quiet.store, ONE, entry) == first
            else:
                assert refusals(quiet.store, entry) == [expected]
        clock.seconds += LEASE_SECONDS
        second = lease(quiet.store, ONE)
        assert release(quiet.store, ONE) is None
        third = lease(quiet.store, ONE)
        of_another = lease(quiet.store, ONE, changes(instance="support"))
        assert len({first, second, third, of_another, ""}) == 5

    def test_whoever_comes_after_a_lease_that_ended_has_another_one(self, quiet: Life, clock: Clock) -> None:
        create(quiet.store)
        first = lease(quiet.store, ONE)
        clock.seconds += LEASE_SECONDS
        assert lease(quiet.store, OTHER) != first
        assert seconds_left(quiet.store, ONE) == LEASE_SECONDS

    def test_a_create_takes_an_instance_whether_it_makes_it_or_finds_it(self, quiet: Life, clock: Clock) -> None:
        made = CreateInstance("codechat", "sales")
        first = lease(quiet.store, ONE, made)
        assert seconds_left(quiet.store, NOBODY, made) == LEASE_SECONDS
        clock.seconds += LEASE_SECONDS
        assert lease(quiet.store, OTHER, made) != first
        assert seconds_left(quiet.store, ONE, made) == LEASE_SECONDS
        assert seconds_left(quiet.store, ONE, write(KEY, b"1")) == LEASE_SECONDS

    def test_whoever_names_no_owner_leaves_no_lease(self, quiet: Life) -> None:
        for owner in (NOBODY, None):
            assert ask(quiet.store, CreateInstance("codechat", "sales"), owner) is None
            assert ask(quiet.store, write(KEY, b"1"), owner) is None
            assert ask(quiet.store, CreateInstance("codechat", "sales"), owner) is None
        lease(quiet.store, ONE)

    def test_the_workers_own_repairs_are_made_whoever_has_the_instance(self, quiet: Life) -> None:
        create(quiet.store)
        first = lease(quiet.store, ONE)
        commit(quiet.store, write(KEY, b"2"), CreateInstance("codechat", "sales"))
        assert read_and_recall(quiet.store, KEY) == b"2"
        assert lease(quiet.store, ONE) == first

    def test_reads_are_for_everybody(self, quiet: Life) -> None:
        create(quiet.store)
        lease(quiet.store, ONE, write(CREDS, creds(1)))
        assert read_and_recall(quiet.store, CREDS) == creds(1)
        quiet.store.check_creds("codechat", "sales")
        assert quiet.store.instances("codechat") == ["sales"]

    def test_after_a_start_nobody_has_an_instance_that_no_other_worker_had_meanwhile(self, life: Life) -> None:
        create(life.store)
        lease(life.store, ONE, write(CREDS, creds(1)))
        before = life.store
        life.go_on()
        is_kept = life.store is before or life.place.keeps_owners
        expected: list[type[WorkerError | Lease]] = [HeldElsewhere] if is_kept else [Lease]
        assert refusals(life.store, replace(write(KEY, b"1"), owner=OTHER)) == expected

    def test_one_instance_is_not_another(self, quiet: Life) -> None:
        create(quiet.store, CREDS, SUPPORT)
        lease(quiet.store, ONE)
        lease(quiet.store, OTHER, write(SUPPORT, creds(1)))
        assert seconds_left(quiet.store, NOBODY, write(SUPPORT, creds(2))) == LEASE_SECONDS

    # How a lease ends

    def test_an_owner_lets_go_and_an_operator_ends_whoevers_lease(self, quiet: Life) -> None:
        create(quiet.store)
        for owner in (ONE, None):
            lease(quiet.store, ONE)
            assert release(quiet.store, OTHER) is HeldElsewhere
            assert release(quiet.store, NOBODY) is HeldElsewhere
            assert seconds_left(quiet.store, OTHER) == LEASE_SECONDS
            assert release(quiet.store, owner) is None
            assert ask(quiet.store, write(KEY, b"1"), NOBODY) is None
            lease(quiet.store, OTHER)
            assert release(quiet.store, OTHER) is None

    def test_what_nobody_has_may_be_let_go_by_anybody(self, quiet: Life, clock: Clock) -> None:
        create(quiet.store)
        for owner in (ONE, OTHER, NOBODY, None):
            assert release(quiet.store, owner) is None
        lease(quiet.store, ONE)
        clock.seconds += LEASE_SECONDS
        assert release(quiet.store, OTHER) is None
        assert quiet.store.events(-1) == []

    @pytest.mark.parametrize("owner", [ONE, None])
    def test_what_does_not_exist_is_not_let_go(self, quiet: Life, owner: str | None) -> None:
        assert release(quiet.store, owner) is NoSuchGroup
        create(quiet.store, SUPPORT)
        assert release(quiet.store, owner) is NoSuchInstance

    def test_an_operator_who_ends_a_lease_is_told_of(self, quiet: Life) -> None:
        create(quiet.store)
        lease(quiet.store, ONE)
        commit(quiet.store, ReleaseInstance("codechat", "sales", ONE, by="10.0.0.5"))
        lease(quiet.store, ONE)
        commit(quiet.store, ReleaseInstance("codechat", "sales", None, by="10.0.0.5"))
        told = [(event.event, event.group, event.instance, event.by) for event in quiet.store.events(-1)]
        assert told == [("lease_ended", "codechat", "sales", "10.0.0.5")]

    @pytest.mark.parametrize("entry", [DropInstance("codechat", "sales", owner=ONE), DropGroup("codechat")])
    def test_a_drop_ends_a_lease_and_what_is_brought_back_has_none(self, quiet: Life, entry: Entry) -> None:
        create(quiet.store)
        lease(quiet.store, ONE, write(CREDS, creds(1)))
        commit(quiet.store, entry)
        [dropped] = drops_of(quiet.store)
        lease(quiet.store, OTHER, CreateInstance("codechat", "sales"))
        assert drops_of(quiet.store) == [dropped]
        commit(quiet.store, DropInstance("codechat", "sales", owner=OTHER), restore(dropped))
        assert ask(quiet.store, write(KEY, b"1"), NOBODY) is None
        assert read_and_recall(quiet.store, CREDS) == creds(1)
        commit(quiet.store, purge(drops_of(quiet.store)[0]))

    # Several at once

    def test_owners_take_turns_in_one_commit_in_its_order(self, quiet: Life) -> None:
        create(quiet.store)
        entries: list[Entry] = [
            replace(write(KEY, b"1"), owner=ONE),
            replace(write(KEY, b"2"), owner=OTHER),
            replace(write(KEY, b"3"), owner=NOBODY),
            ReleaseInstance("codechat", "sales", OTHER),
            ReleaseInstance("codechat", "sales", ONE),
            replace(write(KEY, b"4"), owner=NOBODY),
            CreateInstance("codechat", "sales", OTHER),
            replace(write(KEY, b"5"), owner=ONE),
            DropInstance("codechat", "sales", owner=ONE),
            replace(write(KEY, b"6"), owner=OTHER),
        ]
        held = HeldElsewhere
        assert refusals(quiet.store, *entries) == [Lease, held, held, held, None, None, Lease, held, held, Lease]
        assert read_and_recall(quiet.store, KEY) == b"6"

    def test_a_batch_that_only_deletes_in_no_instance_has_no_owner(self, quiet: Life) -> None:
        assert ask(quiet.store, delete(KEY), ONE) is None
        asked = Batch("codechat", "sales", delete(KEY).changes, Existing(), ONE)
        assert refusals(quiet.store, asked) == [NoSuchGroup]

    def test_large_values_have_an_owner_too(self, quiet: Life) -> None:
        create(quiet.store)
        value, other = large_value(quiet.place, "a"), large_value(quiet.place, "b")
        mine = quiet.store.prepare(replace(write(KEY, value), owner=ONE))
        yours = quiet.store.prepare(replace(write(KEY, other), owner=OTHER))
        anybodys = quiet.store.prepare(replace(write(KEY, other), owner=NOBODY))
        assert refusals(quiet.store, mine, yours, anybodys) == [Lease, HeldElsewhere, HeldElsewhere]
        assert read_and_recall(quiet.store, KEY) == value
        quiet.settle()
        assert quiet.place.litter() == []
