"""The events that a store remembers: numbered, bounded, and the same thing again and again is one of them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from sessionworker.events import Event
from sessionworker.stores.rules.events import MOST_EVENTS, MOST_OF_ONE, SAME_MILLISECONDS, RecentEvents

DROPPED = Event("instance_dropped", "It was dropped.", "codechat", "sales", "10.0.0.5", "info")
CHANGED = Event("identity_changed", "It is another one.", "codechat", "sales")
NOW = 1_800_000_000_000


def test_events_are_told_oldest_first_each_with_a_higher_number() -> None:
    recent = RecentEvents()
    for event in (CHANGED, DROPPED):
        recent.add(event, NOW)
    first, second = recent.after(-1)
    assert (first.event, second.event) == ("identity_changed", "instance_dropped")
    assert (second.group, second.instance, second.by) == ("codechat", "sales", "10.0.0.5")
    assert second.message == "It was dropped."
    assert first.number < second.number
    assert recent.after(first.number) == [second]
    assert recent.after(second.number) == []


def test_what_happens_again_within_a_minute_is_the_same_event_told_again() -> None:
    recent = RecentEvents()
    recent.add(CHANGED, NOW)
    recent.add(DROPPED, NOW + 1)
    [first, dropped] = recent.after(-1)
    for number in range(1, 10):
        recent.add(CHANGED, NOW + number * 1000)
    told, again = recent.after(-1)
    assert told == dropped
    assert (again.times, again.since, again.when) == (10, NOW, NOW + 9000)
    assert recent.after(first.number) == [dropped, again]
    recent.add(CHANGED, NOW + SAME_MILLISECONDS)
    assert [event.times for event in recent.after(dropped.number)] == [10, 1]


def test_what_others_ask_for_or_happens_to_others_is_another_event() -> None:
    recent = RecentEvents()
    for by in ("10.0.0.5", "10.0.0.6"):
        for instance in ("sales", "support"):
            recent.add(Event("instance_dropped", "", "codechat", instance, by), NOW)
    assert [event.times for event in recent.after(-1)] == [1, 1, 1, 1]


def test_only_the_last_ones_are_remembered() -> None:
    recent = RecentEvents()
    for number in range(MOST_EVENTS + 10):
        recent.add(Event("instance_dropped", "", "codechat", str(number)), NOW)
    told = recent.after(-1)
    assert [event.instance for event in told] == [str(number) for number in range(10, MOST_EVENTS + 10)]
    assert len(recent._latest) == MOST_EVENTS


def test_a_number_is_never_given_again_after_a_start() -> None:
    recent = RecentEvents()
    recent.add(CHANGED, NOW)
    again = RecentEvents(recent.after(-1))
    again.add(DROPPED, NOW - 10**6)  # whatever the clock says
    changed, dropped = again.after(-1)
    assert recent.after(-1) == [changed]
    assert dropped.number > changed.number


@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("xy"), st.integers(0, 3 * SAME_MILLISECONDS))))
def test_whatever_happens_all_of_it_is_counted_and_numbers_grow(
    happened: list[tuple[str, str, int]],
) -> None:
    recent = RecentEvents()
    for name, instance, when in happened:
        recent.add(Event(name, "", "g", instance), NOW + when)
    told = recent.after(-1)
    assert sum(event.times for event in told) == len(happened)
    numbers = [event.number for event in told]
    assert numbers == sorted(set(numbers))
    assert set(recent._latest.values()) <= set(numbers)


def test_one_instance_does_not_push_out_what_happened_to_others() -> None:
    recent = RecentEvents()
    recent.add(DROPPED, NOW)
    for number in range(MOST_EVENTS * 2):
        recent.add(Event("identity_changed", f"{number}", "codechat", "at war"), NOW + number)
    first, *others = recent.after(-1)
    assert (first.event, first.instance) == ("instance_dropped", "sales")
    assert [event.message for event in others] == [str(MOST_EVENTS * 2 - left) for left in range(MOST_OF_ONE, 0, -1)]


def test_different_things_are_different_events_though_they_have_one_name() -> None:
    recent = RecentEvents()
    for folder in ("a", "b", "a"):
        recent.add(Event("folder_unreadable", f"The folder {folder} cannot be read."), NOW)
    assert [(event.message, event.times) for event in recent.after(-1)] == [
        ("The folder b cannot be read.", 1),
        ("The folder a cannot be read.", 2),
    ]


def test_after_the_clock_was_set_back_the_same_thing_is_another_event() -> None:
    recent = RecentEvents()
    recent.add(CHANGED, NOW)
    recent.add(CHANGED, NOW - 3_600_000)
    assert [event.times for event in recent.after(-1)] == [1, 1]


def test_numbers_that_were_given_and_forgotten_with_a_kill_are_not_given_again() -> None:
    recent = RecentEvents()
    recent.add(CHANGED, NOW)
    remembered = recent.after(-1)
    for number in range(60_000):
        recent.add(Event("identity_changed", "", "codechat", str(number % 7)), NOW)
    again = RecentEvents(remembered)
    again.add(DROPPED, NOW)
    assert again.after(-1)[-1].number > recent.after(-1)[-1].number


def test_of_a_long_list_that_somebody_wrote_only_the_end_is_taken() -> None:
    recent = RecentEvents()
    recent.add(CHANGED, NOW)
    [event] = recent.after(-1)
    found = RecentEvents(replace(event, number=number) for number in range(5 * MOST_EVENTS)).after(-1)
    assert len(found) == MOST_EVENTS
    assert found[-1].number == 5 * MOST_EVENTS - 1
