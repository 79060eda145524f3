"""What is promised of the events that a store remembers: who did what, and what was odd."""

from __future__ import annotations

from sessionworker.stores.changes import (
    Batch,
    CreateGroup,
    DropGroup,
    DropInstance,
    PurgeDrop,
    Restore,
    RestoreInstance,
)
from sessionworker.stores.interface import Store
from tests.contract.base import Contract
from tests.contract.words import CREDS, KEY, SUPPORT, Life, commit, create, creds, delete, write

WHO = "10.0.0.5"


def told(store: Store, after: int = -1) -> list[tuple[str, str, str, str]]:
    """What a store tells of its events, but for times."""
    return [(event.event, event.group, event.instance, event.by) for event in store.events(after)]


def of_operators(store: Store) -> list[tuple[str, str, str, str]]:
    """The same, without what a start after a kill tells."""
    return [event for event in told(store) if event[1]]


class EventsContract(Contract):
    """What happened lately."""

    def test_a_new_store_has_nothing_to_tell(self, quiet: Life) -> None:
        assert quiet.store.events(-1) == []

    def test_what_is_done_every_day_is_no_event(self, life: Life) -> None:
        create(life.store, CREDS)
        commit(life.store, CreateGroup("evolution"), write(CREDS, creds(1)), write(CREDS, creds(2)), delete(KEY))
        life.go_on()
        commit(life.store, DropInstance("codechat", "nobody"))
        assert of_operators(life.store) == []

    def test_who_dropped_brought_back_and_erased_what_is_told(self, life: Life) -> None:
        create(life.store, CREDS, SUPPORT)
        commit(life.store, DropInstance("codechat", "sales", by=WHO))
        [dropped] = life.store.drops()
        life.store.checkpoint()
        life.go_on()
        commit(life.store, RestoreInstance("codechat", "sales", dropped.drop, "back", by=WHO))
        commit(life.store, DropGroup("codechat", by=WHO))
        drops = life.store.drops()
        commit(life.store, *(PurgeDrop(one.group, one.instance, one.drop, by=WHO) for one in drops))
        assert of_operators(life.store) == [
            ("instance_dropped", "codechat", "sales", WHO),
            ("instance_restored", "codechat", "sales", WHO),
            ("group_dropped", "codechat", "", WHO),
            *(("drop_purged", one.group, one.instance, WHO) for one in drops),
        ]

    def test_what_is_erased_because_its_time_is_up_is_no_event(self, life: Life) -> None:
        create(life.store)
        commit(life.store, DropInstance("codechat", "sales", by=WHO))
        life.go_on()
        commit(life.store, *life.store.drops_before(2**60))
        assert "drop_purged" not in [name for name, *_ in of_operators(life.store)]

    def test_creds_of_another_identity_and_older_ones_are_told(self, life: Life) -> None:
        create(life.store)
        commit(life.store, write(CREDS, creds(5)))
        life.go_on()
        commit(life.store, write(CREDS, creds(4)))
        commit(life.store, write(CREDS, creds(1, 2)))
        names = [name for name, *_ in of_operators(life.store)]
        assert names == ["creds_out_of_order", "identity_changed"]

    def test_older_creds_that_somebody_brings_back_are_not_odd(self, life: Life) -> None:
        create(life.store)
        commit(life.store, write(CREDS, creds(5)), write(CREDS, creds(6)))
        life.go_on()
        before = life.store.figures().counts
        commit(life.store, Batch("codechat", "sales", (Restore(CREDS.key, creds(5), by=WHO),)))
        assert of_operators(life.store) == [("version_restored", "codechat", "sales", WHO)]
        assert life.store.read(CREDS) == creds(5)
        for name in ("creds_out_of_order", "identity_changes"):
            assert life.store.figures().counts.get(name, 0) == before.get(name, 0)

    def test_only_later_events_are_told_where_that_is_asked_for(self, life: Life) -> None:
        create(life.store, CREDS, SUPPORT)
        commit(life.store, DropInstance("codechat", "sales"))
        last = life.store.events(-1)[-1]
        commit(life.store, DropInstance("codechat", "support"))
        assert told(life.store, last.number) == [("instance_dropped", "codechat", "support", "")]
        assert life.store.events(10**18) == []
