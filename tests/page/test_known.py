"""How long what the store said holds."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from sessionworker.page.known import (
    AT_ONCE,
    BRIEF_SECONDS,
    LONGEST_SECONDS,
    OF_USE_SECONDS,
    PATIENCE_SECONDS,
    REST,
    Known,
    Seen,
)


def asked(known: Known, name: str, questions: list[Deferred[str]]) -> list[Seen[str]]:
    """Ask; what the store is asked for goes to `questions`, and what is told to what is returned."""
    told: list[Seen[str]] = []

    def ask() -> Deferred[str]:
        questions.append(Deferred())
        return questions[-1]

    known.ask(name, ask).addCallback(told.append)
    return told


def test_an_answer_that_took_long_holds_longer() -> None:
    clock, questions = Clock(), list[Deferred[str]]()
    known = Known(clock)
    asked(known, "rows", questions)
    clock.advance(0.1)
    questions[0].callback("first")
    clock.advance(0.1 * REST - 1)
    asked(known, "rows", questions)
    assert len(questions) == 1
    clock.advance(1)
    asked(known, "rows", questions)
    assert len(questions) == 2


def test_what_is_not_old_yet_is_shown_while_a_newer_one_is_asked_for_and_what_is_old_is_not() -> None:
    clock, questions = Clock(), list[Deferred[str]]()
    known = Known(clock)
    asked(known, "rows", questions)
    questions[0].callback("first")
    clock.advance(OF_USE_SECONDS - 1)
    told = asked(known, "rows", questions)
    clock.advance(BRIEF_SECONDS)
    assert [seen.value for seen in told] == ["first"]
    questions[1].callback("second")
    clock.advance(OF_USE_SECONDS)
    told = asked(known, "rows", questions)
    clock.advance(BRIEF_SECONDS)
    assert told == []
    questions[2].callback("third")
    assert [seen.value for seen in told] == ["third"]


def test_a_stranger_has_no_more_asked_than_a_small_part_of_the_time() -> None:
    clock, questions = Clock(), list[Deferred[str]]()
    known = Known(clock)

    def ask() -> Deferred[str]:
        questions.append(Deferred())
        return questions[-1]

    known.prepare("rows", ask)
    known.prepare("rows", ask)  # while it is asked for
    assert len(questions) == 1
    clock.advance(5)
    questions[0].callback("first")
    for _ in range(5 * REST - 1):
        clock.advance(1)
        known.prepare("rows", ask)
    assert len(questions) == 1
    clock.advance(1)
    known.prepare("rows", ask)
    assert len(questions) == 2


def test_what_is_not_needed_is_waited_for_briefly_and_by_nobody_else() -> None:
    clock, questions, told = Clock(), list[Deferred[str]](), list[Seen[str]]()
    known = Known(clock)
    needed = asked(known, "rows", questions)
    known.ask("rows", Deferred[str], is_needed=False).addCallback(told.append)
    clock.advance(BRIEF_SECONDS)
    assert [(seen.value, seen.is_late) for seen in told] == [(None, False)]
    assert needed == []
    questions[0].callback("first")
    assert [seen.value for seen in needed] == ["first"]


def test_what_a_store_said_after_it_hung_for_an_hour_does_not_hold_for_ten() -> None:
    clock, questions = Clock(), list[Deferred[str]]()
    known = Known(clock)
    asked(known, "rows", questions)
    clock.advance(3600)
    questions[0].callback("first")
    clock.advance(LONGEST_SECONDS)
    asked(known, "rows", questions)
    assert len(questions) == 2


def test_the_page_takes_no_more_than_some_of_the_threads_that_read() -> None:
    clock, questions = Clock(), list[Deferred[str]]()
    known = Known(clock)
    told = [asked(known, name, questions) for name in "abcde"]
    assert len(questions) == AT_ONCE
    clock.advance(PATIENCE_SECONDS)
    assert [[seen.is_late for seen in one] for one in told] == [[True]] * 5
    questions[0].callback("first")
    assert len(questions) == AT_ONCE + 1
    assert [seen.value for seen in asked(known, "a", questions)] == ["first"]
