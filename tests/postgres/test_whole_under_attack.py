"""All of an instance is read of one moment, byte for byte, whatever is written, dropped and brought back meanwhile."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Thread

import pytest

from sessionworker.errors import NoSuchInstance
from sessionworker.stores.changes import Delete, Write
from sessionworker.stores.postgres import rewriting
from sessionworker.stores.postgres.store import PostgresStore
from sessionworker.stores.seal import KeyRing
from tests.contract.words import CREDS, changes, commit, create, creds, drop, restore
from tests.postgres.sealed import FIRST, SECOND, Workers, is_whole, until_over
from tests.tools import show_figure

ROUNDS, ROUNDS_IN_CI = 1_500, 30

KEYS = [f"counter-{number}" for number in range(20)]


def held(number: int) -> dict[str, bytes]:
    """All that the instance holds when it was written for the time of this number: other keys each time, and bytes."""
    values = dict.fromkeys(KEYS, b' { "n" :%d,\n"x": "\\ud83d" }' % number)
    return {**values, f"of {number} ☎": b"%d" % number, "creds": creds(number)}


class Attack:
    """Writes an instance, drops it and brings it back by some stores, and reads it whole by all of them."""

    def __init__(self, writing: PostgresStore, dropping: PostgresStore, rounds: int) -> None:
        self._writing = writing
        self._dropping = dropping
        self._rounds = rounds
        self._is_over = threading.Event()
        self.seen: Counter[str] = Counter()

    def run(self) -> None:
        """Go all rounds."""
        works: list[Callable[[], None]] = [self._write, self._drop]
        works += [partial(self._read, store) for store in (self._writing, self._dropping) for _ in range(2)]
        with ThreadPoolExecutor(len(works)) as pool:
            for one in [pool.submit(self._until_over, work) for work in works]:
                one.result(600)

    def _until_over(self, work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException:
            self._is_over.set()  # nobody goes on for it
            raise

    def _write(self) -> None:
        number = 1
        while number <= self._rounds and not self._is_over.is_set():
            made = [Write(key, value) for key, value in held(number).items()]
            [outcome] = self._writing.commit([changes(Delete(f"of {number - 1} ☎"), *made)])
            assert outcome is None or isinstance(outcome, NoSuchInstance)
            self.seen["refused writes"] += outcome is not None
            number += outcome is None
        self._is_over.set()

    def _drop(self) -> None:
        while not self._is_over.wait(0.01):
            commit(self._dropping, restore(drop(self._dropping)))
            self.seen["drops"] += 1

    def _read(self, store: PostgresStore) -> None:
        while not self._is_over.is_set():
            try:
                values, broken = store.whole(*CREDS[:2], 10**6)
            except NoSuchInstance:
                self.seen["reads while it was dropped"] += 1
                continue
            number = int(values.get(KEYS[0], b"?:-1").split(b":")[1].split(b",")[0])
            assert (values, broken) == (held(number), 0)
            assert list(values) == sorted(values)
            self.seen["reads"] += 1


def fill(store: PostgresStore) -> None:
    create(store)
    commit(store, changes(*(Write(key, value) for key, value in held(0).items())))


def rounds_of(request: pytest.FixtureRequest) -> int:
    return ROUNDS if request.config.getoption("--full") else ROUNDS_IN_CI


@pytest.mark.parametrize("ring", [None, FIRST], ids=["plain", "sealed"])
def test_it_is_of_one_moment(database: Workers, request: pytest.FixtureRequest, ring: KeyRing | None) -> None:
    attack = Attack(database.start(ring), database.start(ring), rounds_of(request))
    fill(database.start(ring))
    attack.run()
    show_figure(f"whole reads under attack, {'plain' if ring is None else 'sealed'}: {dict(attack.seen)}")
    assert attack.seen["reads"] > rounds_of(request) / 4
    assert attack.seen["drops"] > 3
    assert attack.seen["reads while it was dropped"] + attack.seen["refused writes"] > 0


def test_it_is_while_all_is_rewritten_under_another_key(
    database: Workers, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rewriting, "AT_ONCE", 3)
    old = database.start(FIRST)
    fill(old)
    for number in range(10):
        create(old, CREDS._replace(instance=f"{number}"))
        commit(old, changes(*(Write(key, b"1") for key in KEYS), instance=f"{number}"))
    old.close()
    store = database.start(SECOND)
    store.rewrite(is_wanted=True)
    thread = Thread(target=store.maintain)
    thread.start()
    attack = Attack(store, database.start(SECOND), rounds_of(request))
    attack.run()
    assert attack.seen["reads"] > 0
    until_over(store, lambda: time.sleep(0.1))
    assert is_whole(store)
    store.close()
    thread.join(20)


@pytest.mark.parametrize("ring", [None, FIRST], ids=["plain", "sealed"])
def test_rows_that_are_broken_are_counted(database: Workers, ring: KeyRing | None) -> None:
    store = database.start(ring)
    fill(store)
    shortest = "SELECT min(length(value)) FROM {session_file}"
    database.execute(f"UPDATE {{session_file}} SET value = %s WHERE length(value) = ({shortest})", b"{")
    values, broken = store.whole(*CREDS[:2], 10**6)
    assert (values, broken) == ({key: value for key, value in held(0).items() if key != "of 0 ☎"}, 1)
