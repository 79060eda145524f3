"""When events are told: at once, one after the other, again after growing pauses, and for a moment at the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

import pytest
from twisted.internet.defer import Deferred, fail, succeed
from twisted.python.failure import Failure

from sessionworker.events import Event
from sessionworker.webhook import telling
from sessionworker.webhook.posting import NotTaken
from sessionworker.webhook.telling import FIRST_PAUSE, LAST_SECONDS, LONGEST_PAUSE, Webhook
from sessionworker.webhook.waiting import LONGEST_SECONDS, MOST_WAITING, SAME_SECONDS, Notice
from tests.logs.words import said_to_all
from tests.reactor import Reactor


class Receiver:
    """A receiver that answers as it is told to, in the place of `posting.Post`."""

    def __init__(self) -> None:
        self.tried: list[Notice] = []
        self.taken: list[Notice] = []
        self.is_closed = False
        self.answer: Callable[[Notice], Deferred[None]] = self.take

    def __call__(self, notice: Notice) -> Deferred[None]:
        self.tried.append(notice)
        return self.answer(notice)

    def take(self, notice: Notice) -> Deferred[None]:
        self.taken.append(notice)
        return succeed(None)

    def refuse(self, _: Notice) -> Deferred[None]:
        return fail(NotTaken("it answered with 500"))

    def hang(self, _: Notice) -> Deferred[None]:
        return Deferred(lambda hanging: hanging.errback(NotTaken("it was given up")))

    def close(self) -> None:
        self.is_closed = True


class Told:
    """A webhook, its receiver and its counts."""

    def __init__(self) -> None:
        self.reactor = Reactor()
        self.receiver = Receiver()
        self.counts: Counter[str] = Counter()
        self.webhook = Webhook(self.reactor, self.receiver, lambda what: self.counts.update([what]))

    def report(self, *texts: str, name: str = "instance_dropped") -> None:
        for text in texts:
            self.webhook.report(Event(name, text, level="info"))
        self.go_on()

    def go_on(self, seconds: float = 0.0) -> None:
        """Let time pass, in steps that leave nothing out."""
        while not self.reactor.is_quiet:
            self.reactor.run_one_call()
        self.reactor.advance(seconds)
        for _ in range(3 * MOST_WAITING):
            if not any(call.getTime() <= self.reactor.seconds() for call in self.reactor.getDelayedCalls()):
                return
            self.reactor.advance(0)
        raise AssertionError("it never comes to rest")

    @property
    def taken(self) -> list[str]:
        return [notice.message for notice in self.receiver.taken]

    @property
    def tried(self) -> list[str]:
        return [notice.message for notice in self.receiver.tried]


@pytest.fixture
def told() -> Iterator[Told]:
    one = Told()
    yield one
    one.webhook.stop()


def test_events_are_told_one_after_the_other(told: Told) -> None:
    told.report("a", "b", "c")
    assert told.taken == ["a", "b", "c"]
    assert told.counts == {"sent": 3}
    assert told.webhook.figures() == {"webhook_waiting": 0}
    assert told.reactor.getDelayedCalls() == []


def test_only_one_is_under_way_at_a_time(told: Told) -> None:
    first: Deferred[None] = Deferred()
    told.receiver.answer = lambda _: first
    told.report("a", "b")
    told.go_on(30)
    assert told.tried == ["a"]
    assert told.webhook.figures() == {"webhook_waiting": 2}
    told.receiver.answer = told.receiver.take
    first.callback(None)
    told.go_on()
    assert told.tried == ["a", "b"]


def test_what_was_not_taken_is_tried_again_after_pauses_that_grow_as_far_as_a_minute(told: Told) -> None:
    told.receiver.answer = told.receiver.refuse
    told.report("a")
    pauses = []
    for _ in range(9):
        before, seconds = len(told.tried), 0
        while len(told.tried) == before:
            told.go_on(1)
            seconds += 1
        pauses.append(seconds)
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert (FIRST_PAUSE, LONGEST_PAUSE) == (1, 60)
    assert len({notice.id for notice in told.receiver.tried}) == 1
    assert told.counts == {"failed": 10}
    told.receiver.answer = told.receiver.take
    told.go_on(60)
    assert told.taken == ["a"]
    told.receiver.answer = told.receiver.refuse
    told.report("b")
    told.receiver.answer = told.receiver.take
    told.go_on(1)  # the pauses begin anew
    assert told.taken == ["a", "b"]


def test_no_event_ends_a_pause(told: Told) -> None:
    told.receiver.answer = told.receiver.refuse
    told.report("a")
    for number in range(50):
        told.report(str(number))
    assert told.tried == ["a"]


def test_one_that_its_receiver_never_takes_holds_up_no_other(told: Told) -> None:
    told.receiver.answer = lambda notice: (
        told.receiver.refuse(notice) if notice.message == "poison" else told.receiver.take(notice)
    )
    told.report("poison", "a", "b")
    told.go_on(1)
    assert told.taken == ["a", "b"]
    for number in range(20):
        told.go_on(LONGEST_PAUSE)
        told.report(str(number))
    told.go_on(LONGEST_PAUSE)
    assert told.taken == ["a", "b", *map(str, range(20))]


def test_what_nobody_took_for_a_day_is_dropped_and_counted(told: Told) -> None:
    told.receiver.answer = told.receiver.refuse
    told.report("a")
    for _ in range(int(LONGEST_SECONDS / LONGEST_PAUSE) + 10):
        told.go_on(LONGEST_PAUSE)
    assert told.counts["dropped"] == 1
    assert told.webhook.figures() == {"webhook_waiting": 0}
    assert told.reactor.getDelayedCalls() == []
    told.receiver.answer = told.receiver.take
    told.report("b")
    assert told.taken == ["b"]


def test_what_goes_on_happening_is_told_once_a_minute_and_nothing_else_waits_for_that(told: Told) -> None:
    for _ in range(110):
        told.report("war", name="identity_changed")
        told.go_on(1)
    told.report("peace")
    assert told.taken == ["war", "war", "peace"]
    told.go_on(SAME_SECONDS)
    assert [notice.times for notice in told.receiver.taken if notice.message == "war"] == [1, 59, 50]


def test_what_does_not_fit_is_dropped_counted_and_said_once(told: Told) -> None:
    told.receiver.answer = told.receiver.hang
    lines = said_to_all(lambda: told.report(*map(str, range(MOST_WAITING + 10))))
    assert told.counts == {"dropped": 10}
    assert told.webhook.figures() == {"webhook_waiting": MOST_WAITING}
    [line] = [line for line in lines if "webhook_dropped" in line]
    assert line.startswith("warn  [webhook_dropped] An event is not told: there are too many.")


def test_failures_are_said_once_and_so_is_their_end(told: Told) -> None:
    def fail_for_a_while() -> None:
        told.receiver.answer = told.receiver.refuse
        told.report("a", "b")
        told.go_on(LONGEST_PAUSE)
        told.go_on(LONGEST_PAUSE)
        told.receiver.answer = told.receiver.take
        told.go_on(LONGEST_PAUSE)

    failed, well_again = said_to_all(fail_for_a_while)
    assert failed.startswith("warn  [webhook_failed] An event was not told: it answered with 500. It is tried again")
    assert well_again == "info  [webhook_well_again] Events are told again."


def test_a_failure_that_nobody_foresaw_is_said_without_its_text_and_tried_again(told: Told) -> None:
    def break_down(_: Notice) -> Deferred[None]:
        raise ValueError("a-secret")

    def tell() -> None:
        told.receiver.answer = break_down
        told.report("a")

    [line] = said_to_all(tell)
    assert line.startswith("critical [webhook_broken]")
    assert "a-secret" not in line
    told.receiver.answer = told.receiver.take
    told.go_on(FIRST_PAUSE)
    assert told.taken == ["a"]


def test_what_is_no_news_is_not_told(told: Told) -> None:
    for name in telling.LOG_ALONE:
        told.report("a", name=name)
    assert told.tried == []


def test_at_the_end_what_waits_is_told(told: Told) -> None:
    told.report("war", name="identity_changed")
    told.report("war", name="identity_changed")  # this one waits for its minute
    told.webhook.report(Event("files_left_behind", "last"))  # nothing ran since
    ended: list[object] = []
    told.webhook.stop().addBoth(ended.append)
    told.go_on()
    assert told.taken == ["war", "war", "last"]
    assert ended == [None]
    assert told.receiver.is_closed


def test_the_end_does_not_wait_for_a_pause_and_tries_once(told: Told) -> None:
    told.receiver.answer = told.receiver.refuse
    told.report("a", "b")
    ended: list[object] = []
    lines = said_to_all(lambda: told.webhook.stop().addBoth(ended.append))
    assert ended == [None]
    assert told.tried == ["a", "b"]
    assert lines == ["warn  [webhook_left] The worker ends, and 2 events were not told. GET /admin/events has them."]
    told.go_on(100)
    told.report("c")
    assert told.tried == ["a", "b"]


def test_the_end_waits_for_a_receiver_that_hangs_so_long_and_no_longer(told: Told) -> None:
    told.receiver.answer = told.receiver.hang
    told.report("a")
    ended: list[object] = []
    told.webhook.stop().addBoth(ended.append)
    told.go_on(LAST_SECONDS - 0.1)
    assert ended == []
    told.go_on(0.1)
    assert ended == [None]
    assert not any(isinstance(outcome, Failure) for outcome in ended)
    assert told.reactor.getDelayedCalls() == []
