"""Measure the worker on PostgreSQL: `python -m benchmarks.database --store postgresql://...`.

How long one read, one write and a list take in an empty database, and in one with a million keys of 10,000 instances;
how long operators wait for the overview of those; and what ten minutes of talk leave behind in the tables.

Two schemas are made in the database, and stay there. The client's loads are measured by `benchmarks.run --ours`.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from statistics import median
from typing import NamedTuple

import psycopg

from benchmarks.load import passes
from benchmarks.target import SETTLE_SECONDS, Connection, Target, session_value, write_body
from tests.node_packages import install_node_packages
from tests.process import LoadedAnew

GROUPS, INSTANCES, KEYS = 100, 100, 100
"""Groups, instances of each, and keys of each instance: 10,000 instances, 1,000,000 keys."""

LISTED = 10
"""Instances of the group that is listed, before and after."""

ROUNDS, TURNS = 100, 8
FILLERS = 8

_COUNTS = """
SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint, xact_commit FROM pg_stat_database
WHERE datname = current_database()
"""

_SIZES = """
SELECT relname, n_live_tup, n_dead_tup, n_tup_upd, n_tup_hot_upd, pg_total_relation_size(relid)
FROM pg_stat_user_tables WHERE schemaname = %s ORDER BY relname
"""


class Table(NamedTuple):
    """What PostgreSQL counts of a table; its size is in bytes, with its indexes."""

    live: int
    dead: int
    updates: int
    hot_updates: int
    size: int


def probe(target: Target) -> dict[str, float]:
    """Return the median milliseconds of a few single calls."""
    value = write_body(session_value())
    with Connection(target) as connection:
        for number in range(LISTED):
            connection.create("probed", f"{number}")
        paths = [f"probed/{number % LISTED}/session-{number}.0" for number in range(ROUNDS)]
        calls: dict[str, Callable[[str], float]] = {
            "write": lambda path: connection.write(path, value),
            "write again": lambda path: connection.write(path, value),
            "read": connection.read,
            "list-instances": lambda _: connection.ask("/session/probed/list-instances")[0],
        }
        return {name: median(call(path) for path in paths) for name, call in calls.items()}


def fill(target: Target, groups: int) -> None:
    """Store a hundred keys in each of a hundred instances of some groups."""

    def fill_group(group: int) -> None:
        changes = {f"session-{number}.0": json.loads(session_value(600)) for number in range(KEYS)}
        body = json.dumps({"changes": changes}).encode()
        with Connection(target) as connection:
            for instance in range(INSTANCES):
                connection.create(f"group-{group}", f"{instance}")
                connection.write(f"group-{group}/{instance}", body)

    with ThreadPoolExecutor(FILLERS) as pool:
        for number, _ in enumerate(pool.map(fill_group, range(groups)), 1):
            print(f"\r{number} of {groups} groups filled", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)


def tables(store: str, schema: str) -> tuple[dict[str, Table], int, int]:
    """Return what PostgreSQL counts of each table, bytes of WAL, and transactions, all up to now."""
    with psycopg.connect(store, autocommit=True) as connection:
        found = {name: Table(*counts) for name, *counts in connection.execute(_SIZES, [schema])}
        [(wal, transactions)] = connection.execute(_COUNTS)
        return found, wal, transactions


def talk(target: Target, store: str, schema: str, seconds: int) -> list[str]:
    """Let 50 instances talk for some time, and return what that left in the tables."""
    list(passes(target, ("chat50",), 1))  # so that all rows are there
    before, wal_before, transactions_before = tables(store, schema)
    calls = sum(figures["chat50"]["calls"] for figures in passes(target, ("chat50",), 1, seconds))
    time.sleep(SETTLE_SECONDS)  # until the last counts are told
    after, wal, transactions = tables(store, schema)
    counts = f"{calls} calls of the client, {transactions - transactions_before} transactions"
    lines = [f"{seconds} s of chat50: {counts}, {(wal - wal_before) / 2**20:.0f} MiB of WAL:"]
    for name, now in after.items():
        then = before.get(name, Table(0, 0, 0, 0, 0))
        if updates := now.updates - then.updates:
            hot = (now.hot_updates - then.hot_updates) / updates
            lines.append(
                f"  {name}: {updates} updates, {hot:.1%} of them HOT; {then.size / 2**20:.1f} MiB before, "
                f"{now.size / 2**20:.1f} after; rows live {now.live}, dead {now.dead}"
            )
    return lines


def main() -> None:
    """Measure, and print what was found."""
    parser = argparse.ArgumentParser(prog="benchmarks.database", description=__doc__)
    parser.add_argument("--store", required=True, help="the address of a database")
    parser.add_argument("--schema", default="bench", help="neither it nor it with _empty is there yet [%(default)s]")
    parser.add_argument("--groups", type=int, default=GROUPS, help="of 10,000 keys each [%(default)s]")
    parser.add_argument("--seconds", type=int, default=600, help="how long there is talk; 0 for none [%(default)s]")
    options = parser.parse_args()
    install_node_packages()
    address = f"{options.store}{'&' if '?' in options.store else '?'}schema={options.schema}"
    with LoadedAnew(address) as worker, LoadedAnew(f"{address}_empty") as other:
        target, empty = (Target("ours", one.url, one.token) for one in (worker, other))
        fill(target, options.groups)
        for one in (target, empty):
            probe(one)  # which prepares statements and connections
        turns = [(probe(target), probe(empty)) for _ in range(TURNS)]
        keys = options.groups * INSTANCES * KEYS
        print(f"one call at a time, medians of {TURNS} times {ROUNDS} in turns, {keys} keys and an empty database:")
        for name in turns[0][0]:
            full, none = (median(turn[number][name] for turn in turns) for number in (0, 1))
            print(f"  {name}: {full:.2f} ms, {none:.2f} when empty: {full / none:.2f} times")
        with Connection(target) as connection:
            asked = [connection.ask("/admin/overview") for _ in range(20)]
        print(
            f"  overview of {asked[-1][1]['store']['instances']} instances: {median(one for one, _ in asked):.0f} ms "
            f"in the median, {max(one for one, _ in asked):.0f} at the most"
        )
        if options.seconds:
            print("\n".join(talk(target, options.store, options.schema, options.seconds)))
        for name, table in tables(options.store, options.schema)[0].items():
            print(f"  {name}: {table.size / 2**20:.1f} MiB, {table.live} rows")


if __name__ == "__main__":
    main()
