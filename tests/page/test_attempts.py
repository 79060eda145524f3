"""How often somebody may fail to sign in."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.task import Clock

from sessionworker.page.attempts import AT_ONCE, MOST, MOST_SECONDS, REFILL_SECONDS, Attempts, Crowd, Who

A_BIT = 1e-6
"""More than what is lost where seconds are added."""


def far(address: str) -> Who:
    return Who(address, Crowd.FAR)


def test_an_address_may_fail_a_few_times_and_then_waits() -> None:
    clock = Clock()
    attempts = Attempts(clock)
    for _ in range(AT_ONCE):
        assert attempts.seconds_to_wait(far("10.0.0.1")) == 0
        attempts.failed(far("10.0.0.1"))
    assert attempts.seconds_to_wait(far("10.0.0.1")) == REFILL_SECONDS
    assert attempts.seconds_to_wait(far("10.0.0.2")) == 0
    clock.advance(REFILL_SECONDS - 1)
    assert attempts.seconds_to_wait(far("10.0.0.1")) == 1
    clock.advance(1)
    assert attempts.seconds_to_wait(far("10.0.0.1")) == 0
    attempts.failed(far("10.0.0.1"))
    assert attempts.seconds_to_wait(far("10.0.0.1")) == REFILL_SECONDS
    clock.advance(AT_ONCE * REFILL_SECONDS)
    for _ in range(AT_ONCE):
        assert attempts.seconds_to_wait(far("10.0.0.1")) == 0
        attempts.failed(far("10.0.0.1"))


def test_all_together_may_fail_so_often_in_a_minute() -> None:
    clock = Clock()
    attempts = Attempts(clock)
    for number in range(MOST):
        assert attempts.seconds_to_wait(far(f"10.0.0.{number}")) == 0
        attempts.failed(far(f"10.0.0.{number}"))
        clock.advance(1)
    assert attempts.seconds_to_wait(far("10.1.0.0")) == MOST_SECONDS - MOST
    assert attempts.seconds_to_wait(Who("10.1.0.0", Crowd.NEAR)) == 0
    assert attempts.seconds_to_wait(Who("a browser")) == 0
    clock.advance(MOST_SECONDS - MOST)
    assert attempts.seconds_to_wait(far("10.1.0.0")) == 0


def test_an_address_is_forgotten_once_its_failures_are_long_ago() -> None:
    clock = Clock()
    attempts = Attempts(clock)
    for number in range(1_000):
        attempts.failed(far(f"10.0.{number // 250}.{number % 250}"))
        assert len(attempts) <= 1 + REFILL_SECONDS / 3
        clock.advance(3)


def test_who_is_no_stranger_waits_for_himself_alone_and_keeps_no_stranger_waiting() -> None:
    attempts = Attempts(Clock())
    for number in range(MOST):
        for _ in range(AT_ONCE):
            assert attempts.seconds_to_wait(Who(f"browser {number}")) == 0
            attempts.failed(Who(f"browser {number}"))
        assert attempts.seconds_to_wait(Who(f"browser {number}")) == REFILL_SECONDS
    assert attempts.seconds_to_wait(far("10.0.0.1")) == 0


ALL = [Who(f"10.0.0.{number}", crowd) for crowd in Crowd for number in range(12)] + [Who("a browser")]


@given(st.lists(st.tuples(st.sampled_from(ALL), st.sampled_from([0.0, 0.5, 3.0, 11.0])), min_size=50, max_size=300))
def test_whoever_tries_at_whatever_times_gets_no_more_than_that(tries: list[tuple[Who, float]]) -> None:
    clock = Clock()
    attempts = Attempts(clock)
    failed: list[tuple[float, Who]] = []
    for address, pause in tries:
        clock.advance(pause)
        if not attempts.seconds_to_wait(address):
            attempts.failed(address)
            failed.append((clock.seconds(), address))
    for start, who in failed:
        if who.crowd is not None:
            crowd = [at for at, other in failed if other.crowd is who.crowd]
            assert sum(start <= at < start + MOST_SECONDS for at in crowd) <= MOST
    for address in ALL:
        own = [at for at, who in failed if who == address]
        for first, start in enumerate(own):
            for last, end in enumerate(own[first:], first):
                assert last - first + 1 <= AT_ONCE + (end - start + A_BIT) / REFILL_SECONDS


@given(st.lists(st.tuples(st.sampled_from(ALL), st.sampled_from([0.0, 0.3, 2.0])), min_size=30, max_size=100))
def test_who_waits_as_long_as_he_is_told_may_try(tries: list[tuple[Who, float]]) -> None:
    clock = Clock()
    attempts = Attempts(clock)
    for address, pause in tries:
        clock.advance(pause)
        seconds = attempts.seconds_to_wait(address)
        if seconds:
            clock.advance(seconds + A_BIT)
        assert attempts.seconds_to_wait(address) == 0
        attempts.failed(address)
