"""A standby is not asked, and takes over when it has become the primary: with all that was acknowledged."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from urllib.parse import quote

import pytest

from sessionworker.errors import StartError
from sessionworker.stores.postgres.store import PostgresStore
from tests.postgres.room import Room
from tests.postgres.server import Server
from tests.postgres_store.at_once import at_once
from tests.postgres_store.load import Load
from tests.postgres_store.opened import address_of, by_hand, opened, wait_until
from tests.tools import show_figure

MOST_TOLD = 3
"""Where each new connection asks a host first that says nothing, the first of them are not enough for all."""

QUICK: dict[str, str | int] = {"wal_retrieve_retry_interval": 100, "hot_standby": "on"}


@contextmanager
def two_servers(room: Room) -> Iterator[tuple[Server, Server]]:
    """A primary, and a standby that has all that is acknowledged."""
    with Server(room) as primary, Server(room, QUICK, copy_of=primary) as standby:
        by_hand(primary, "ALTER SYSTEM SET synchronous_standby_names = '*'")
        by_hand(primary, "SELECT pg_reload_conf()")
        in_sync = "SELECT 1 FROM pg_stat_replication WHERE sync_state = 'sync'"
        wait_until(lambda: by_hand(primary, in_sync), 20)
        yield primary, standby


def url_of_both(first: Server, second: Server) -> str:
    places = f"127.0.0.1:{first.port},127.0.0.1:{second.port}"
    return f"postgresql://postgres:{quote(first.room.password)}@{places}/postgres"


def test_a_store_does_not_start_on_a_standby(postgres: Server) -> None:
    with two_servers(postgres.room) as (primary, standby):
        with opened(primary.url()):
            pass
        with pytest.raises(StartError, match="a standby"):
            PostgresStore(address_of(standby.url()))
        with opened(url_of_both(standby, primary)) as one:  # which finds the primary, in whichever order
            [port] = one.store._connections.ask(lambda connection: {connection.info.port})
        assert port == primary.port


def test_it_takes_over(postgres: Server) -> None:
    orders = "the old one first", "the new one first"
    at_once(
        {
            f"{end.__name__}, {order}": partial(take_over, postgres.room, end, order)
            for end in (Server.kill, Server.pause)
            for order in orders
        }
    )


def take_over(room: Room, end: Callable[[Server], None], order: str) -> None:
    with two_servers(room) as (primary, standby):
        url = url_of_both(primary, standby) if order == "the old one first" else url_of_both(standby, primary)
        with opened(url) as one, Load(one.store) as load:
            wait_until(lambda: load.works_since(0.0), 10)
            time.sleep(1)
            end(primary)
            began = time.monotonic()
            time.sleep(2)
            promoted = time.monotonic()
            by_hand(standby, "SELECT pg_promote()")
            well_after = wait_until(lambda: load.works_since(promoted), 25)
            time.sleep(1)
            refused = min(call.begun + call.seconds for call in load.done("write", began)) - began
            whole_after = wait_until(lambda: one.connections >= 2, 30)
    assert load.wrong == []
    done = load.done("read", began) + load.done("write", began)
    assert not [call for call in done if call.begun + call.seconds < promoted]
    slowest = max(call.seconds for call in load.calls)
    assert slowest < 8
    assert one.told["database_failed"] == one.told["database_well_again"] <= MOST_TOLD
    show_figure(
        f"PostgreSQL, the primary {end.__name__} and a standby promoted 2 s after, {order}: the slowest call took "
        f"{slowest:.2f} s, no write for {refused:.2f} s, all worked {well_after:.2f} s after the promotion, all "
        f"connections within {whole_after + well_after + 1:.2f} s, lost 0"
    )
