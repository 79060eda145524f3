"""What waits to be told: bounded, each with an id of its own, the same thing at most once a minute."""

from __future__ import annotations

from threading import Thread

from twisted.internet.task import Clock

from sessionworker.events import Event
from sessionworker.webhook.waiting import LONGEST_SECONDS, MOST_WAITING, SAME_SECONDS, Notice, Waiting

DROPPED = Event("instance_dropped", "It was dropped.", "codechat", "sales", "10.0.0.5", "info")
CHANGED = Event("identity_changed", "It is another one.", "codechat", "sales", level="warn")
NOW = 1_800_000_000_000


def waiting() -> tuple[Waiting, Clock]:
    clock = Clock()
    return Waiting(clock.seconds), clock


def take(queue: Waiting) -> Notice:
    notice = queue.take()
    assert notice is not None
    return notice


def test_events_are_given_out_oldest_first_each_with_an_id_of_its_own() -> None:
    queue, _ = waiting()
    assert queue.take() is None
    assert queue.add(CHANGED, NOW)
    assert queue.add(DROPPED, NOW + 1)
    assert len(queue) == 2
    first = take(queue)
    assert (first.event, first.level, first.group, first.instance) == ("identity_changed", "warn", "codechat", "sales")
    assert (first.message, first.by, first.when, first.times, first.first) == ("It is another one.", "", NOW, 1, NOW)
    queue.done()
    second = take(queue)
    assert (second.event, second.by) == ("instance_dropped", "10.0.0.5")
    assert first.id != second.id
    assert len(queue) == 1
    queue.done()
    assert len(queue) == 0


def test_what_happens_again_before_it_is_told_is_told_once() -> None:
    queue, _ = waiting()
    for number in range(5):
        queue.add(CHANGED, NOW + number)
    assert len(queue) == 1
    notice = take(queue)
    assert (notice.times, notice.first, notice.when) == (5, NOW, NOW + 4)


def test_what_was_told_is_told_again_after_a_minute_with_how_often_it_happened() -> None:
    queue, clock = waiting()
    queue.add(CHANGED, NOW)
    told = take(queue)
    queue.done()
    for number in range(1, 8):
        clock.advance(1)
        queue.add(CHANGED, NOW + number * 1000)
    assert queue.take() is None
    assert queue.seconds_left() == SAME_SECONDS - 7
    queue.add(DROPPED, NOW)  # something else does not wait for that
    assert take(queue).event == "instance_dropped"
    queue.done()
    clock.advance(SAME_SECONDS - 7)
    again = take(queue)
    assert (again.times, again.first, again.when) == (7, NOW + 1000, NOW + 7000)
    assert again.id != told.id
    assert told.times == 1


def test_at_the_end_nothing_waits_for_its_minute() -> None:
    queue, _ = waiting()
    queue.add(CHANGED, NOW)
    take(queue)
    queue.done()
    queue.add(CHANGED, NOW)
    assert queue.take() is None
    assert queue.take(all_are_due=True) is not None


def test_what_was_not_taken_stays_as_it_was_and_comes_after_what_was_not_tried() -> None:
    queue, _ = waiting()
    queue.add(CHANGED, NOW)
    tried = take(queue)
    queue.add(CHANGED, NOW + 1)  # that one is another: its receiver may have the first
    assert queue.again()
    queue.add(DROPPED, NOW)
    assert take(queue).event == "instance_dropped"
    queue.done()
    assert queue.seconds_left() == 0
    assert take(queue) is tried
    assert tried.times == 1
    assert len(queue) == 2


def test_after_a_day_it_is_given_up() -> None:
    queue, clock = waiting()
    queue.add(CHANGED, NOW)
    take(queue)
    clock.advance(LONGEST_SECONDS - 1)
    assert queue.again()
    take(queue)
    clock.advance(1)
    assert not queue.again()
    assert len(queue) == 0


def test_so_many_wait_at_the_most_the_one_that_is_out_included() -> None:
    queue, _ = waiting()
    for number in range(MOST_WAITING):
        assert queue.add(Event("instance_dropped", str(number)), NOW)
    taken = take(queue)
    assert not queue.add(CHANGED, NOW)
    assert queue.add(Event("instance_dropped", "5"), NOW)  # it is counted with the one that waits
    queue.done()
    assert queue.add(CHANGED, NOW)
    assert taken.message == "0"
    assert len(queue) == MOST_WAITING


def test_what_was_told_is_forgotten_after_its_minute() -> None:
    queue, clock = waiting()
    for number in range(MOST_WAITING):
        queue.add(Event("instance_dropped", str(number)), NOW)
        take(queue)
        queue.done()
        clock.advance(1)
    assert len(queue._told) <= SAME_SECONDS


def test_a_text_that_utf_8_cannot_hold_is_told_all_the_same() -> None:
    queue, _ = waiting()
    queue.add(Event("folder_unreadable", "The folder a\udcff cannot be read."), NOW)
    assert take(queue).message == "The folder a\\udcff cannot be read."


def test_threads_add_what_another_one_takes() -> None:
    queue, _ = waiting()
    threads = [
        Thread(target=lambda name=str(name): [queue.add(Event(name, str(each)), NOW) for each in range(100)])
        for name in range(5)
    ]
    for thread in threads:
        thread.start()
    seen: set[tuple[str, str]] = set()
    while len(seen) < 500:
        notice = queue.take()
        if notice is not None:
            seen.add((notice.event, notice.message))
            queue.done()
    for thread in threads:
        thread.join()
    assert len(queue) == 0
