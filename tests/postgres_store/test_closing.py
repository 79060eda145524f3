"""A store that is closed lets go of its database within some seconds, whatever that does."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import psycopg
import pytest

from sessionworker.errors import StoreUnavailable
from tests.contract.words import CREDS, KEY, create, write
from tests.postgres.room import Room
from tests.postgres.server import Server
from tests.postgres_store.at_once import at_once
from tests.postgres_store.opened import Opened, opened
from tests.tools import show_figure

MOST_SECONDS = 5.0


@pytest.fixture
def server(postgres: Server) -> Iterator[Server]:
    with Server(postgres.room) as running:
        yield running


@pytest.fixture
def one(server: Server) -> Iterator[Opened]:
    opened = Opened(server.url())
    create(opened.store)
    yield opened
    opened.close()


def call_and_close(one: Opened, *calls: Callable[[], object]) -> tuple[list[BaseException | None], float]:
    """Close a store while calls are under way; return what they raised, and how long it took."""
    with ThreadPoolExecutor(len(calls)) as pool:
        under_way = [pool.submit(call) for call in calls]
        time.sleep(0.5)
        assert not any(call.done() for call in under_way)
        begun = time.monotonic()
        one.close()
        closed = time.monotonic() - begun
        return [call.exception(MOST_SECONDS) for call in under_way], closed


def test_it_closes_in_time_whatever_its_database_does(postgres: Server) -> None:
    cases = {"it hangs": hang, "a row is locked": lock, "it is gone": be_gone}
    for what, seconds in at_once(
        {what: partial(close_while, postgres.room, case) for what, case in cases.items()}
    ).items():
        assert seconds < MOST_SECONDS, what
        show_figure(f"PostgreSQL, {what}: the store closed in {seconds:.2f} s")


def close_while(room: Room, case: Callable[[Server, Opened], float]) -> float:
    with Server(room) as server, opened(server.url()) as one:
        create(one.store)
        return case(server, one)


def hang(server: Server, one: Opened) -> float:
    server.pause()
    try:
        raised, seconds = call_and_close(one, lambda: one.store.read(KEY), one.store.groups, one.store.overview)
    finally:
        server.go_on()
    assert [type(error) for error in raised] == [StoreUnavailable] * 3
    return seconds


def lock(server: Server, one: Opened) -> float:
    with psycopg.connect(server.socket_url()) as other:
        other.execute("SELECT 1 FROM sw.instance FOR UPDATE")
        outcomes: list[object] = []
        _, seconds = call_and_close(one, lambda: outcomes.extend(one.store.commit([write(KEY, b"1")])))
    assert [isinstance(outcome, StoreUnavailable) for outcome in outcomes] == [True]
    return seconds


def be_gone(server: Server, one: Opened) -> float:
    server.kill()
    with pytest.raises(StoreUnavailable):
        one.store.read(KEY)
    begun = time.monotonic()
    one.close()
    return time.monotonic() - begun


def test_a_call_that_is_answered_meanwhile_is_not_cut(server: Server, one: Opened) -> None:
    with psycopg.connect(server.socket_url()) as other, ThreadPoolExecutor(2) as pool:
        other.execute("SELECT 1 FROM sw.instance FOR UPDATE")
        committing = pool.submit(one.store.commit, [write(KEY, b"1")])
        time.sleep(0.5)
        closing = pool.submit(one.close)
        time.sleep(0.3)
        other.rollback()
        assert committing.result(MOST_SECONDS) == [None]
        closing.result(MOST_SECONDS)


def test_whoever_asks_after_it_was_closed_is_refused_and_nothing_is_told(one: Opened) -> None:
    one.close()
    with pytest.raises(StoreUnavailable):
        one.store.read(CREDS)
    assert [type(outcome) for outcome in one.store.commit([write(KEY, b"1")])] == [StoreUnavailable]
    assert one.events == []
