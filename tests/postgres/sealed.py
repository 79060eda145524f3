"""What the tests of sealed stores on PostgreSQL share: keys, workers, and all that lies in the tables."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg

from sessionworker.events import Event
from sessionworker.stores.changes import Batch, LabelInstance
from sessionworker.stores.postgres.address import read_address
from sessionworker.stores.postgres.store import PostgresStore
from sessionworker.stores.postgres.tables import NAMES, Tables
from sessionworker.stores.seal import KEY_BYTES, Key, KeyRing
from tests.contract.words import (
    CREDS,
    KEY,
    OTHER_KEY,
    SUPPORT,
    commit,
    create,
    creds,
    delete,
    drop,
    kept,
    read_all,
    versions,
    write,
)

KEYS = [Key(bytes([number]) * KEY_BYTES) for number in range(3)]
OLD, NEW = SUPPORT._replace(instance="old"), SUPPORT._replace(instance="new")
ANOTHER = CREDS._replace(group="evolution")

FIRST, SECOND = KeyRing(KEYS[:1]), KeyRing([KEYS[1], KEYS[0]])
FIRST_OF_TWO, SECOND_ALONE = KeyRing(KEYS[:2]), KeyRing(KEYS[1:2])
PLAIN_AGAIN, FIRST_OR_PLAIN = KeyRing(KEYS[:1], writes_plain=True), KeyRing(KEYS[:1], admits_plain=True)


class Workers:
    """Workers on one schema, and a look at its tables."""

    def __init__(self, url: str, schema: str) -> None:
        """Look at a schema, which is empty."""
        self.url = f"{url}{'&' if '?' in url else '?'}schema={schema}"
        self.plain_url = url
        self.schema = schema
        self._tables = Tables(schema)
        self._open: list[PostgresStore] = []
        self.reports: list[Event] = []

    def start(self, ring: KeyRing | None) -> PostgresStore:
        """Start a worker with some keys; repairs that it asks for are made."""
        store = PostgresStore(read_address(self.url), threads=1, ring=ring, report=self.reports.append)

        def repair(batch: Batch) -> None:
            store.commit([batch])

        store.on_repair(repair)
        self._open.append(store)
        return store

    def close(self) -> None:
        """Stop all workers."""
        for store in self._open:
            store.close()

    def execute(self, statement: str, *parameters: object) -> list[tuple[object, ...]]:
        """Do something to the tables behind the workers' backs, and return the rows of the answer."""
        with psycopg.connect(self.plain_url, autocommit=True) as connection:
            cursor = connection.execute(self._tables.fill(statement), parameters, binary=True)
            return cursor.fetchall() if cursor.description else []

    def dump(self) -> bytes:
        """All that lies in the tables, but for what says with which keys."""
        found = []
        for name in NAMES:
            where = "WHERE name <> 'seals'" if name == "state" else ""
            rows = self.execute(f"SELECT * FROM {{{name}}} {where}")
            found += [value if isinstance(value, bytes) else str(value).encode() for row in rows for value in row]
        return b"\n".join(found)

    def clear(self) -> None:
        """Stop all workers, and drop the schema."""
        self.close()
        with psycopg.connect(self.plain_url, autocommit=True) as connection:
            connection.execute(f"DROP SCHEMA IF EXISTS {self._tables.schema} CASCADE".encode())


@contextmanager
def workers_on(url: str, schema: str) -> Iterator[Workers]:
    """Workers on a schema of their own; it is dropped after."""
    found = Workers(url, schema)
    try:
        yield found
    finally:
        found.clear()


def fill(store: PostgresStore) -> None:
    """Put something of everything into a store."""
    create(store, CREDS, SUPPORT, OLD, ANOTHER)
    commit(store, write(CREDS, creds(1)), write(CREDS, creds(2)), write(KEY, b'"a secret"'), write(OTHER_KEY, b"1"))
    commit(store, write(SUPPORT, creds(1, 2)), write(OLD, creds(1, 3)), write(OLD._replace(key="x"), b'"a secret"'))
    commit(store, write(ANOTHER, creds(1, 4)), write(SUPPORT, creds(2, 2)))
    commit(store, *(LabelInstance(*file[:2], f"a secret {file.instance}") for file in (CREDS, OLD)))
    drop(store, OLD)
    commit(store, delete(OTHER_KEY), write(KEY._replace(key="pre-key-7"), b"7"))
    store.checkpoint()  # what happened is written down


def rewrite(store: PostgresStore) -> None:
    """Have all rewritten."""
    store.rewrite(is_wanted=True)
    until_over(store, lambda: store._rewriting.go_on(60.0))


def until_over(store: PostgresStore, step: Callable[[], None]) -> None:
    """Do something until nobody rewrites any more."""
    for _ in range(100):
        store.checkpoint()
        if not store.encryption().is_rewriting:
            return
        step()
    raise AssertionError("it goes on for ever")


def everything(store: PostgresStore) -> list[object]:
    """All that a store with something of everything answers."""
    values = read_all(store, CREDS, KEY, OTHER_KEY, KEY._replace(key="pre-key-7"), SUPPORT, ANOTHER)
    many = store.read_many(*CREDS[:2], ["creds", KEY.key, OTHER_KEY.key], 10_000)
    whole = store.whole(*CREDS[:2], 10_000)
    names = store.names(*CREDS[:2], beginning="", after="", most=10)
    told = [store.groups(), store.instances("codechat"), store.describe("codechat"), store.drops()]
    return [
        values,
        many,
        whole,
        names,
        told,
        kept(store),
        kept(store, SUPPORT),
        [one.version for one in versions(store)],
    ]


def is_whole(store: PostgresStore) -> bool:
    """Whether a store says that nothing is in it but what it writes now."""
    said = store.encryption()
    is_all = said.done == said.instances and not said.is_rewriting
    return is_all and said.keys == ([said.key] if said.key else []) and said.plain == (not said.key)
