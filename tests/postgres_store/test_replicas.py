"""Several stores on one database: one order for each key, and no batch is seen in part."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial

import psycopg
import pytest

from sessionworker.errors import StoreUnavailable
from sessionworker.names import SessionFile
from sessionworker.stores.changes import Write
from sessionworker.stores.interface import Outcome
from sessionworker.stores.postgres.store import PostgresStore
from tests.contract.words import CREDS, KEY, changes, create, drop, restore, write
from tests.postgres.databases import Databases
from tests.postgres.server import Server
from tests.postgres_store.opened import SCHEMA, by_hand, opened
from tests.tools import show_figure

KEYS = [f"counter-{number}" for number in range(5)]

BATCHES, BATCHES_IN_CI = 10_000, 800

CONNECTIONS = 64
"""Between them, the stores have so many."""


@pytest.fixture
def url(postgres: Server) -> Iterator[str]:
    with Databases(postgres) as databases, databases.fresh_database() as url:
        yield url


def together(*works: Callable[[], object]) -> list[object]:
    """Do several things at once, and return what they came to."""
    with ThreadPoolExecutor(len(works)) as pool:
        return [one.result(600) for one in [pool.submit(work) for work in works]]


class Watcher:
    """Reads all counters of an instance again and again, by one store."""

    def __init__(self, store: PostgresStore, is_over: threading.Event) -> None:
        self._store = store
        self._is_over = is_over
        self.looks = 0
        self.seen: set[int] = set()

    def __call__(self) -> None:
        before = 0
        while not self._is_over.is_set():
            values = self._look()
            found = {int(values.get(key) or b"0") for key in KEYS}
            assert len(found) == 1, f"a batch was torn: {values}"
            [number] = found
            single = int(self._store.read(KEY._replace(key=KEYS[0])) or b"0")
            assert before <= number <= single, f"a value went back: {before}, {number}, {single}"
            before = single
            self.looks += 1
            self.seen.add(number)

    def _look(self) -> Mapping[str, bytes | None]:
        place = CREDS.group, CREDS.instance
        is_whole = self.looks % 2
        return self._store.whole(*place, 10**6).values if is_whole else self._store.read_many(*place, KEYS, 10**6)


def count_up(store: PostgresStore, turn: threading.Lock, number: list[int], most: int) -> None:
    """Write ever higher numbers, whichever store has its turn: each batch to all keys."""
    while True:
        with turn:
            number[0] += 1
            if number[0] > most:
                return
            value = b"%d" % number[0]
            assert store.commit([changes(*(Write(key, value) for key in KEYS))]) == [None]


def test_no_value_goes_back_and_no_batch_is_torn(url: str, full: bool) -> None:
    most = BATCHES if full else BATCHES_IN_CI
    readers = 12 if full else 4
    with opened(url, readers) as one, opened(url, readers) as other:
        create(one.store)
        is_over, turn, number = threading.Event(), threading.Lock(), [0]
        watchers = [Watcher(each.store, is_over) for each in (one, other) for _ in range(readers)]

        def write_all() -> None:
            try:
                together(*(partial(count_up, each.store, turn, number, most) for each in (one, other)))
            finally:
                is_over.set()

        begun = time.monotonic()
        together(write_all, *watchers)
        seconds = time.monotonic() - begun
        assert one.store.read(KEY._replace(key=KEYS[0])) == b"%d" % most
    looks = sum(watcher.looks for watcher in watchers)
    assert looks > most / 10
    assert len(set.union(*(watcher.seen for watcher in watchers))) > most / 20
    show_figure(
        f"PostgreSQL, two stores and {len(watchers)} readers: {most} batches in {seconds:.1f} s, {looks} looks, "
        "torn 0, gone back 0"
    )


class Follower:
    """Reads what several write, each its own numbers, and sees that those of none go back."""

    def __init__(self, store: PostgresStore, is_over: threading.Event) -> None:
        self._store = store
        self._is_over = is_over
        self.looks = 0

    def __call__(self) -> None:
        before: Counter[int] = Counter()
        while not self._is_over.is_set():
            values = self._store.read_many(CREDS.group, CREDS.instance, KEYS, 10**6)
            assert len(set(values.values())) == 1, f"a batch was torn: {values}"
            writer, number = json.loads(values[KEYS[0]] or b"[0, 0]")
            assert before[writer] <= number, f"of writer {writer}, {number} was read after {before[writer]}"
            before[writer] = number
            self.looks += 1


@pytest.mark.parametrize("level", ["read committed", "repeatable read", "serializable"])
def test_what_64_connections_write_and_read_has_one_order(postgres: Server, level: str, full: bool) -> None:
    rounds = 200 if full else 8
    parameters: dict[str, str | int] = {"max_connections": 100, "default_transaction_isolation": level}
    with Server(postgres.room, parameters) as server, ExitStack() as stack:
        stores = [stack.enter_context(opened(server.url(), threads=2)).store for _ in range(CONNECTIONS // 4)]
        create(stores[0])
        is_over = threading.Event()
        followers = [Follower(store, is_over) for store in stores for _ in range(2)]

        def write_all() -> list[object]:
            try:
                return together(*(partial(write_numbers, store, number, rounds) for number, store in enumerate(stores)))
            finally:
                is_over.set()

        counts, *_ = together(write_all, *followers)
        assert isinstance(counts, list)
        retries = sum(store.figures().counts.get("transaction_retries", 0) for store in stores)
        with psycopg.connect(server.url()) as connection:
            [(writes,)] = connection.execute(f"SELECT writes FROM {SCHEMA}.instance".encode()).fetchall()
    made = sum(counts)
    assert writes == made
    assert made == rounds * len(stores)
    assert retries == 0  # each has its turn at the row, and begins nothing anew
    show_figure(
        f"PostgreSQL, {len(stores)} stores with {CONNECTIONS} connections and one key, {level}: {made} of "
        f"{rounds * len(stores)} commits made, {retries} tried again, {sum(one.looks for one in followers)} looks"
    )


def write_numbers(store: PostgresStore, writer: int, rounds: int) -> int:
    """Write numbers of a writer to all keys; return how many batches were acknowledged."""
    made = 0
    for number in range(1, rounds + 1):
        value = json.dumps([writer, number]).encode()
        [outcome] = store.commit([changes(*(Write(key, value) for key in KEYS))])
        assert outcome is None or isinstance(outcome, StoreUnavailable)
        made += outcome is None
    return made


@pytest.mark.parametrize("level", ["read committed", "serializable"])
def test_two_that_name_instances_in_opposite_order_do_not_wait_for_each_other(postgres: Server, level: str) -> None:
    parameters = {"default_transaction_isolation": level, "deadlock_timeout": "100ms"}
    files = [CREDS._replace(instance=f"instance-{number}", key="key") for number in range(6)]
    with Server(postgres.room, parameters) as server, opened(server.url()) as one, opened(server.url()) as other:
        create(one.store, *files)

        def commit_all(store: PostgresStore, order: list[SessionFile]) -> list[Outcome]:
            return [
                outcome
                for number in range(50)
                for outcome in store.commit([write(file, b"%d" % number) for file in order])
            ]

        found = together(partial(commit_all, one.store, files), partial(commit_all, other.store, files[::-1]))
        assert found == [[None] * 300, [None] * 300]
        assert "deadlock detected" not in server.log


@pytest.mark.parametrize("state", ["40001", "40P01"])
def test_a_transaction_that_others_were_in_between_of_is_begun_anew(postgres: Server, state: str) -> None:
    with Server(postgres.room) as server, opened(server.url()) as one:
        create(one.store)
        by_hand(server, "CREATE SEQUENCE tries")
        by_hand(server, _TWICE.replace("STATE", state))
        by_hand(server, "CREATE TRIGGER twice BEFORE INSERT ON sw.session_file EXECUTE FUNCTION twice()")
        assert one.store.commit([write(KEY, b"1")]) == [None]
        assert one.store.read(KEY) == b"1"
        assert one.store.figures().counts["transaction_retries"] == 2
        assert one.events == []


_TWICE = """
CREATE FUNCTION twice() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN IF nextval('tries') < 3 THEN RAISE EXCEPTION 'once more' USING ERRCODE = 'STATE'; END IF; RETURN NULL; END $$
"""


def test_moves_beside_commits_leave_no_batch_in_part(postgres: Server) -> None:
    """One drops an instance and brings it back, one creates and purges; two write to it meanwhile."""
    with Server(postgres.room, {"default_transaction_isolation": "serializable"}) as server, ExitStack() as stack:
        stores = [stack.enter_context(opened(server.url())).store for _ in range(4)]
        create(stores[0])
        is_over = threading.Event()

        def write_on(store: PostgresStore) -> Counter[str]:
            found: Counter[str] = Counter()
            while not is_over.is_set():
                value = b"%d" % found.total()
                [outcome] = store.commit([changes(*(Write(key, value) for key in KEYS))])
                found[type(outcome).__name__] += 1
            return found

        def move() -> None:
            try:
                for _ in range(20):
                    dropped = drop(stores[2])
                    assert stores[2].commit([restore(dropped)])[0] is None
            finally:
                is_over.set()

        first, second, _ = together(partial(write_on, stores[0]), partial(write_on, stores[1]), move)
        assert isinstance(first, Counter)
        assert isinstance(second, Counter)
        found = first + second
        assert set(found) <= {"NoneType", "NoSuchInstance"}, found
        assert len(set(stores[3].read_many(CREDS.group, CREDS.instance, KEYS, 10**6).values())) == 1
