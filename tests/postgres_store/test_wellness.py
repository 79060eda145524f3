"""What is told of a database that is away: once when it begins, and once when it ends."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from psycopg import Error, InterfaceError, OperationalError, errors
from psycopg_pool import PoolTimeout

from sessionworker.errors import NoSpace, StoreUnavailable
from sessionworker.events import Event
from sessionworker.stores.postgres.faults import (
    WORDS,
    OutcomeUnknownError,
    RowsLockedError,
    is_general,
    is_lost,
    is_rolled_back,
    reason_of,
    refusal_for,
)
from sessionworker.stores.postgres.wellness import AGAIN_SECONDS, QUIET_SECONDS, Wellness


@pytest.fixture
def events() -> list[Event]:
    return []


@pytest.fixture
def wellness(events: list[Event]) -> Wellness:
    return Wellness(events.append)


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Says what time it is."""

    def say(seconds: float) -> None:
        monkeypatch.setattr(time, "monotonic", lambda: 1000.0 + seconds)

    say(0)
    return say


def names(events: list[Event]) -> list[str]:
    return [event.name for event in events]


def test_it_is_told_once_however_many_calls_are_refused(
    wellness: Wellness, events: list[Event], at: Callable[[float], None]
) -> None:
    for _ in range(1000):
        wellness.fails("read", 1000.0, "it is away", is_general=True)
        wellness.fails("write", 1000.0, "it is away", is_general=True)
    assert names(events) == ["database_failed"]
    assert wellness.problem == "it is away"
    at(5)
    for _ in range(1000):
        wellness.works("write")
    assert names(events) == ["database_failed", "database_well_again"]
    assert wellness.problem == ""


def test_reads_that_work_do_not_say_that_writes_do(
    wellness: Wellness, events: list[Event], at: Callable[[float], None]
) -> None:
    for number in range(1000):
        at(number)
        wellness.fails("write", 1000.0 + number, "its disk is full", is_general=True)
        wellness.works("read")
    assert names(events) == ["database_failed"]
    assert wellness.problem == "its disk is full"
    wellness.works("write")
    assert names(events) == ["database_failed", "database_well_again"]


def test_who_began_before_it_was_well_again_has_no_news(
    wellness: Wellness, events: list[Event], at: Callable[[float], None]
) -> None:
    wellness.fails("read", 1000.0, "it is away", is_general=True)
    at(5)
    wellness.works("read")
    at(6)
    wellness.fails("read", 1004.0, "it is away", is_general=True)
    assert wellness.problem == ""
    assert names(events) == ["database_failed", "database_well_again"]
    wellness.fails("read", 1005.5, "it is away", is_general=True)
    assert wellness.problem == "it is away"


def test_that_it_is_away_is_told_even_if_one_statement_failed_for_the_same_reason_just_before(
    wellness: Wellness, events: list[Event], at: Callable[[float], None]
) -> None:
    at(1)
    wellness.works("write")
    wellness.fails("write", 1000.5, "it takes no writes now", is_general=True)  # others were still answered
    assert names(events) == ["statement_failed"]
    at(2)
    wellness.fails("write", 1001.5, "it takes no writes now", is_general=True)
    assert names(events) == ["statement_failed", "database_failed"]


def test_what_fails_again_and_again_is_told_now_and_then(
    wellness: Wellness, events: list[Event], at: Callable[[float], None]
) -> None:
    for second in range(3 * int(QUIET_SECONDS)):
        at(second)
        wellness.fails("write", 1000.0 + second, "rows are locked", is_general=False)
        wellness.works("write")
    assert names(events) == ["statement_failed"] * 3
    wellness.fails("write", 2000.0, "another reason", is_general=False)
    assert len(events) == 4
    assert wellness.problem == ""


def test_what_comes_and_goes_is_told_now_and_then(
    wellness: Wellness, events: list[Event], at: Callable[[float], None]
) -> None:
    for second in range(2 * int(AGAIN_SECONDS)):
        at(second)
        wellness.fails("write", 1000.0 + second, "its disk is full", is_general=True)
        assert wellness.problem
        at(second + 0.5)
        wellness.works("write")
        assert not wellness.problem
    assert names(events) == ["database_failed", "database_well_again"] * 2


# What errors mean

SECRET = 'duplicate key value violates "x" DETAIL: Key (value)=(a secret)'


def of_state(state: str) -> Error:
    return errors.lookup(state)(SECRET)


@pytest.mark.parametrize("state", [*WORDS, "22021", "23505", "XX000", "0A000", "26000", "08P01", "40003", "57P05"])
def test_what_is_told_is_known_beforehand(state: str) -> None:
    error = of_state(state)
    assert "secret" not in reason_of(error)
    refusal = refusal_for(error)
    assert isinstance(refusal, StoreUnavailable) or state == "53100"
    assert isinstance(refusal, NoSpace) == (state == "53100")
    assert isinstance(refusal, RowsLockedError) == (state == "55P03")
    assert "secret" not in str(refusal)


@pytest.mark.parametrize(
    ("error", "is_gone", "is_undone", "is_of_all"),
    [
        (OperationalError("the connection is closed"), True, False, True),
        (InterfaceError("the connection is closed"), True, False, True),
        (PoolTimeout(), True, False, True),
        (OutcomeUnknownError(), False, False, True),
        (OutcomeUnknownError(is_lost=True), True, False, True),
        (of_state("57P01"), True, False, True),
        (of_state("08006"), True, False, True),
        (of_state("40003"), False, False, False),
        (of_state("25006"), True, True, True),
        (of_state("0A000"), True, True, True),
        (of_state("26000"), True, True, True),
        (of_state("53100"), False, True, True),
        (of_state("42P01"), False, True, True),
        (of_state("40001"), False, True, False),
        (of_state("40P01"), False, True, False),
        (of_state("55P03"), False, True, False),
        (of_state("57014"), False, True, False),
        (of_state("23505"), False, True, False),
    ],
    ids=lambda value: f"{type(value).__name__}" if isinstance(value, Error) else str(value),
)
def test_what_an_error_means(error: Error, is_gone: bool, is_undone: bool, is_of_all: bool) -> None:
    assert (is_lost(error), is_rolled_back(error), is_general(error)) == (is_gone, is_undone, is_of_all)


@pytest.mark.parametrize("state", ["08000", "08006", "08P01"])
def test_a_pooler_that_lost_the_server_is_told_of_as_the_server_itself(state: str) -> None:
    assert reason_of(of_state(state)) == "it cannot be reached, or the connection was lost"


@pytest.mark.parametrize(
    ("said", "state"),
    [
        ('FATAL:  password authentication failed for user "someone"', "28P01"),
        ("FATAL:  sorry, too many clients already", "53300"),
        ("FATAL:  remaining connection slots are reserved for roles with the SUPERUSER attribute", "53300"),
        ("FATAL:  the database system is starting up", "57P03"),
        ("FATAL:  the database system is shutting down", "57P03"),
        ("session is read-only", "25006"),
        ("server is in hot standby mode", "25006"),
    ],
)
def test_why_nobody_is_let_in_is_told_without_repeating_it(said: str, state: str) -> None:
    error = OperationalError(f'connection failed: connection to server at "10.0.0.7", port 5432 failed: {said}')
    assert reason_of(error) == WORDS[state]
