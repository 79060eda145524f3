"""A commit of which nobody knows whether it was made is not acknowledged, and never comes after a later one."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Timer
from typing import Literal, NamedTuple, TypeAlias

import pytest

from sessionworker.errors import StoreUnavailable
from sessionworker.stores.changes import Delete, Write
from sessionworker.stores.interface import Outcome, Store
from tests.contract.words import CREDS, changes, create
from tests.postgres.room import Room
from tests.postgres.server import Server
from tests.postgres_store.at_once import at_once
from tests.postgres_store.opened import by_hand, opened, wait_until
from tests.postgres_store.proxy import TO_SERVER, TO_STORE, Direction, Proxy
from tests.tools import show_figure

KEYS = ["one", "two", "three"]

IN_SYNC = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep'"


Way: TypeAlias = Literal["one value", "statement", "transaction"]

WAYS: dict[Way, str] = {
    "one value": "one statement with one value",
    "statement": "one statement",
    "transaction": "a transaction that locks first",
}


def write(store: Store, number: int, way: Way = "statement") -> Outcome:
    """Write a number to all keys with one batch, or to the first one with one value."""
    deletion = [Delete("another")] if way == "transaction" else []
    keys = KEYS[:1] if way == "one value" else KEYS
    [outcome] = store.commit([changes(*(Write(key, b"%d" % number) for key in keys), *deletion)])
    return outcome


def read(store: Store) -> int:
    """The number that all keys hold which hold anything."""
    found = set(store.read_many(CREDS.group, CREDS.instance, KEYS, 10**6).values()) - {None}
    assert len(found) <= 1, f"a batch was torn: {found}"
    return int(found.pop() or b"0") if found else 0


@pytest.fixture
def server(postgres: Server) -> Iterator[Server]:
    with Server(postgres.room, {"max_connections": 200}) as running:
        yield running


# A standby that does not answer


def cancel(server: Server) -> None:
    by_hand(server, f"SELECT pg_cancel_backend(pid) FROM ({IN_SYNC}) AS found")


def terminate(server: Server) -> None:
    by_hand(server, f"SELECT pg_terminate_backend(pid) FROM ({IN_SYNC}) AS found")


def kill(server: Server) -> None:
    server.kill()


def test_what_is_on_no_standby_is_not_acknowledged(postgres: Server) -> None:
    happens = [cancel, terminate, kill]
    at_once({each.__name__: partial(write_without_a_standby, postgres.room, each) for each in happens})


def write_without_a_standby(room: Room, happens: Callable[[Server], None]) -> None:
    with Server(room) as server, opened(server.url()) as one:
        create(one.store)
        assert write(one.store, 1) is None
        await_a_standby(server)
        timer = Timer(1.5, happens, [server])
        timer.start()
        begun = time.monotonic()
        assert isinstance(write(one.store, 2), StoreUnavailable)
        seconds = time.monotonic() - begun
        timer.join()
        assert one.store.figures().counts["commits_unknown"] >= 1
        assert one.told["database_failed"] == 1
        if not server.pid:
            server.start_only()
            server.wait_until_ready()
        await_no_standby(server)
        well_after = wait_until(lambda: write(one.store, 3) is None, 15)
        assert read(one.store) == 3
        wait_until(lambda: one.told["database_well_again"] == 1, 5)
        assert one.told["database_failed"] == 1
    assert seconds < 8
    show_figure(
        f"PostgreSQL without its standby, then {happens.__name__}: refused after {seconds:.2f} s, well "
        f"{well_after:.2f} s after"
    )


def await_a_standby(server: Server) -> None:
    """Have each commit wait for a standby that there is not."""
    by_hand(server, "ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
    by_hand(server, "SELECT pg_reload_conf()")
    time.sleep(0.3)


def await_no_standby(server: Server) -> None:
    by_hand(server, "ALTER SYSTEM RESET synchronous_standby_names")
    by_hand(server, "SELECT pg_reload_conf()")


def test_while_no_commit_is_confirmed_reads_go_on_and_it_is_told_once(server: Server) -> None:
    with opened(server.url()) as one:
        create(one.store)
        assert write(one.store, 1) is None
        await_a_standby(server)
        slowest, seconds = 0.0, list[float]()

        def write_both() -> list[Outcome]:
            outcomes = []
            for number in (2, 3):
                begun = time.monotonic()
                outcomes.append(write(one.store, number))
                seconds.append(time.monotonic() - begun)
            return outcomes

        with ThreadPoolExecutor(1) as pool:
            writing = pool.submit(write_both)
            while not writing.done():
                begun = time.monotonic()
                assert read(one.store) == 1
                slowest = max(slowest, time.monotonic() - begun)
                time.sleep(0.01)
        assert all(isinstance(outcome, StoreUnavailable) for outcome in writing.result())
        assert max(seconds) < 8
        assert one.store.figures().counts["commits_unknown"] >= 1
        assert one.store.figures().gauges["writes_refused"] == 1
        assert (one.told["database_failed"], one.told["database_well_again"]) == (1, 0)
        await_no_standby(server)
        wait_until(lambda: one.told["database_well_again"], 15)
        well_after = wait_until(lambda: write(one.store, 4) is None, 15)
        assert read(one.store) == 4
        assert one.told["database_failed"] == 1
    assert slowest < 2
    show_figure(
        f"PostgreSQL without its standby: refused after {max(seconds):.2f} s at most, the slowest read meanwhile took "
        f"{slowest:.2f} s, well {well_after:.2f} s after"
    )


# A network that cuts connections

STEP = 149
"""Bytes between two cuts without `--full`."""

LANES = 3
"""So many at once share the cuts of one kind: after most of them the store waits."""


class Cuts(NamedTuple):
    """What came of some of them."""

    schema: str
    number: int
    """What was written last."""
    cuts: int
    refused: int


def test_a_commit_that_is_cut_anywhere_is_made_whole_or_not_at_all(server: Server, full: bool) -> None:
    step = 1 if full else STEP
    kinds = {f"{direction}-{way}": (direction, way) for direction in (TO_SERVER, TO_STORE) for way in WAYS}
    found = at_once(
        {
            f"{kind}-{lane}": partial(cut_on, server, *kinds[kind], f"sw{number}_{lane}", 1 + lane * step, LANES * step)
            for number, kind in enumerate(kinds)
            for lane in range(LANES)
        }
    )
    server.kill()
    server.start()
    for name, one in found.items():
        with opened(server.url(), threads=1, schema=one.schema) as witness:
            assert read(witness.store) == one.number, name
    for kind, (direction, way) in kinds.items():
        lanes = [found[f"{kind}-{lane}"] for lane in range(LANES)]
        cuts = sum(one.cuts for one in lanes)
        assert cuts > 0, kind
        show_figure(
            f"PostgreSQL, cut {direction} after each {step} bytes of a commit ({WAYS[way]}): {cuts} cuts, "
            f"{sum(one.refused for one in lanes)} refused, 0 torn"
        )


def cut_on(server: Server, direction: Direction, way: Way, schema: str, first: int, step: int) -> Cuts:
    """Cut one commit after the other, each a step later, until one ends before that."""
    with Proxy(server.port) as proxy, opened(server.url(), threads=1, schema=schema) as witness:
        url = server.url().replace(str(server.port), str(proxy.port))
        with opened(url, threads=1, schema=schema) as one:
            create(one.store)
            assert write(one.store, 1, way) is None
            number, count, acknowledged, known, refused = 1, first, 1, 1, 0
            while proxy.cuts >= 0:
                wait_until(lambda: one.connections == 3, 30)
                number += 1
                cuts = proxy.cuts
                proxy.cut_after(direction, count)
                outcome = write(one.store, number, way)
                proxy.cut_no_more()
                found = read(witness.store)
                assert known <= found <= number
                if outcome is None:
                    assert found == number
                    acknowledged = found
                else:
                    assert isinstance(outcome, StoreUnavailable)
                    refused += 1
                assert acknowledged <= found
                known = found
                if proxy.cuts == cuts:
                    break
                count += step
            number += 1
            assert write(one.store, number, way) is None
            [(writes,)] = by_hand(server, f"SELECT writes FROM {schema}.instance")
            assert writes <= number, "a commit was made twice"
    return Cuts(schema, number, proxy.cuts, refused)


# A network that holds bytes back

PARTS = [0.0, 0.3, 0.5, 0.7, 0.85, 0.999]
"""Of a commit, which pass before the rest is held back."""


def test_what_arrives_late_is_not_made_over_what_came_after_it(server: Server) -> None:
    kinds = {f"{'cut' if is_cut else 'held'}-{way}": (way, is_cut) for way in WAYS for is_cut in (False, True)}
    found = at_once(
        {
            f"{kind}-{part}": partial(write_late, server, *kinds[kind], part, f"sw{number}_{index}")
            for number, kind in enumerate(kinds)
            for index, part in enumerate(PARTS)
        }
    )
    for kind, (way, is_cut) in kinds.items():
        refused, seconds, acknowledged_after = zip(*(found[f"{kind}-{part}"] for part in PARTS), strict=True)
        assert max(seconds) < 8
        show_figure(
            f"PostgreSQL, bytes of a commit ({WAYS[way]}) arrive late{', its connection is cut' if is_cut else ''}: "
            f"{sum(refused)} of {len(PARTS)} refused after {max(seconds):.2f} s at most, the next one acknowledged "
            f"{max(acknowledged_after):.2f} s after that at most, and not written over"
        )


def write_late(server: Server, way: Way, is_cut: bool, part: float, schema: str) -> tuple[bool, float, float]:
    """Hold back what follows a part of a commit until another one is acknowledged, and see that it stays.

    Returns whether it was refused, how long it took, and how long after that another one was acknowledged.
    """
    with Proxy(server.port) as proxy:
        url = server.url().replace(str(server.port), str(proxy.port))
        with opened(url, threads=1, schema=schema) as one:
            create(one.store)
            sizes = []
            for number in range(1, 16):  # so that each connection has the statements prepared
                wait_until(lambda: one.connections == 3, 20)
                before = proxy.passed[TO_SERVER]
                assert write(one.store, number % 10, way) is None
                sizes.append(proxy.passed[TO_SERVER] - before)
            size = min(sizes)  # without what is prepared, and without what the store asks on its own meanwhile
            proxy.hold_after(int(size * part), is_cut=is_cut)
            begun = time.monotonic()
            outcome = write(one.store, 10, way)
            seconds = time.monotonic() - begun
            assert proxy.held == 1
            assert outcome is None or isinstance(outcome, StoreUnavailable)
            acknowledged_after = wait_until(lambda: write(one.store, 20, way) is None, 30)
            proxy.release()
            time.sleep(1)
            assert read(one.store) == 20, f"{part}: an earlier commit was made over a later one"
    return outcome is not None, seconds, acknowledged_after
