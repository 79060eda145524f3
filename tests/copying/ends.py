"""Stores that are copied, and copied into; and what all of them are filled with."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any, Protocol

import psycopg

from sessionworker.names import SessionFile
from sessionworker.stores.changes import Batch, DropGroup, LabelInstance, RestoreInstance, SetAside
from sessionworker.stores.copying import Copying, Result
from sessionworker.stores.files import source as files_source
from sessionworker.stores.files import target as files_target
from sessionworker.stores.files.store import FileStore
from sessionworker.stores.interface import Store
from sessionworker.stores.postgres import side
from sessionworker.stores.postgres.address import read_address
from sessionworker.stores.postgres.store import PostgresStore
from sessionworker.stores.postgres.tables import Tables
from sessionworker.stores.seal import KEY_BYTES, Key, KeyRing
from sessionworker.stores.transfer import Source, Target
from tests.contract.words import CREDS, KEY, SUPPORT, commit, create, creds, delete, drop, write

KEYS = [Key(bytes([number]) * KEY_BYTES) for number in range(1, 4)]

RINGS: dict[str, KeyRing | None] = {
    "plain": None,
    "sealed": KeyRing(KEYS[:1]),
    "sealed otherwise": KeyRing(KEYS[1:2]),
}


class FileEnd:
    """A folder with a store, or for one."""

    def __init__(self, folder: Path, ring: KeyRing | None = None) -> None:
        self.folder = folder
        self.ring = ring

    @property
    def address(self) -> str:
        return str(self.folder)

    def worker(self, **options: Any) -> FileStore:
        """Start a worker on it, up to the point where clients may come."""
        store = FileStore(self.folder, **{"sync": False, "ring": self.ring, **options})
        store.serve()
        return store

    def source(self) -> Source:
        return files_source.open_source(self.folder, self.ring, lambda _: None)

    def target(self) -> Target:
        return files_target.open_target(self.folder, self.ring, lambda _: None)

    def clear(self) -> None:
        """Nothing: pytest removes it."""

    def names(self) -> list[str]:
        """All that lies there."""
        return sorted(str(path) for path in self.folder.rglob("*"))


class PostgresEnd:
    """A schema with a store, or for one."""

    def __init__(self, url: str, ring: KeyRing | None = None) -> None:
        self.url = url
        self.schema = f"copy_{secrets.token_hex(6)}"
        self.ring = ring
        self.tables = Tables(self.schema)

    @property
    def address(self) -> str:
        return f"{self.url}{'&' if '?' in self.url else '?'}schema={self.schema}"

    def worker(self, **options: Any) -> PostgresStore:
        """Start a worker on it, up to the point where clients may come."""
        store = PostgresStore(read_address(self.address), **{"threads": 1, "ring": self.ring, **options})
        store.serve()
        return store

    def source(self) -> Source:
        return side.open_source(read_address(self.address), self.ring)

    def target(self) -> Target:
        return side.open_target(read_address(self.address), self.ring, lambda _: None)

    def execute(self, statement: str, *parameters: object) -> list[tuple[Any, ...]]:
        """Do something to its tables, and return the rows of the answer."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            cursor = connection.execute(self.tables.fill(statement), parameters, binary=True)
            return cursor.fetchall() if cursor.description else []

    def clear(self) -> None:
        """Drop it."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute("SET client_min_messages = warning")
            connection.execute(f"DROP SCHEMA IF EXISTS {self.tables.schema} CASCADE".encode())


End = FileEnd | PostgresEnd


class Make(Protocol):
    """Makes a place for a store of a kind, with keys or none."""

    def __call__(self, kind: str, ring: KeyRing | None = None, /) -> End:
        """Make it."""


def run(source: End, target: End, **options: Any) -> Result:
    """Copy one store into another, as the command does."""
    from_ = source.source()
    try:
        records = from_.records()
        to = target.target()
        try:
            return Copying(from_, to, **options).run(records)
        finally:
            to.close()
    finally:
        from_.close()


ODD = [
    "Loja São",
    "🙂" * 20,
    "a" * 255,
    "Sales",
    "SALES",
    "100%25",
    "lost+found",
    ".sessionworker-not",
    "~tilde~",
]
"""Names of groups and instances."""

ODD_KEYS = [
    *ODD,
    "app-state-sync-key-AA/Mon",
    "a/b/c",
    "é" * 127,
    "%2F",
    "pre-key-1",
    "PRE-KEY-1",
    "x" * 200 + "/1",
]


def fill(store: Store) -> None:
    """Put something of everything into a store."""
    old, gone = SUPPORT._replace(instance="old"), SUPPORT._replace(instance="gone")
    create(store, CREDS, SUPPORT, old, gone, CREDS._replace(group="away"), CREDS._replace(group="away", instance="b"))
    commit(store, write(CREDS, creds(1)), write(CREDS, creds(2)), write(KEY, b'"a secret"'))
    for number, key in enumerate(ODD_KEYS):
        commit(store, write(CREDS._replace(key=key), b"[%d, null]" % number))
    commit(store, write(SUPPORT, creds(1, 2)), write(SUPPORT, creds(2, 2)), delete(SUPPORT))
    commit(store, write(old, creds(1, 3)), write(old._replace(key="x"), b'"dropped"'), write(gone, creds(1, 4)))
    commit(store, write(CREDS._replace(group="away"), creds(1, 5)))
    for number, name in enumerate(ODD):
        file = SessionFile(name, name, "creds")
        create(store, file)
        commit(store, write(file, creds(1, 10 + number)), write(file._replace(key="k"), b"%d" % number))
        commit(store, write(file._replace(key="large"), b'"' + b"x" * 30_000 + b'"'))
    commit(store, write(CREDS._replace(key="rotten"), b"1"), write(CREDS._replace(key="n" * 150), b"2"))
    set_aside(store, "rotten", "n" * 150)
    commit(store, LabelInstance(*CREDS[:2], "Loja Centro"), LabelInstance(*old[:2], "🔑" * 100))
    drop(store, old)
    drop(store, gone)
    create(store, old)  # another one in its place
    drop(store, SessionFile("SALES", "SALES", "creds"))
    store.commit([DropGroup("away")])
    for file in (SessionFile("empty", "e", "creds"), SessionFile("empty group", "e", "creds")):
        create(store, file)
    drop(store, SessionFile("empty group", "e", "creds"))
    store.checkpoint()


def set_aside(store: Store, *keys: str) -> None:
    """Have values of the first instance kept as broken ones."""
    if isinstance(store, FileStore):
        store.checkpoint()
        instance = store._catalogue.groups[CREDS.group].instances[CREDS.instance]
        with store._catalogue.open(instance) as folder:
            for key in keys:
                (Path(f"/proc/self/fd/{folder.handle}") / folder.name_of(key)).write_bytes(
                    b"\xff rotten " + key.encode()
                )
    else:
        assert isinstance(store, PostgresStore)
        _rot(store, keys)
    store.commit([Batch(*CREDS[:2], tuple(SetAside(key) for key in keys))])
    commit(store, *(delete(CREDS._replace(key=key)) for key in keys))
    store.checkpoint()


def _rot(store: PostgresStore, keys: tuple[str, ...]) -> None:
    def ask(connection: psycopg.Connection[Any]) -> None:
        codec, tables = store._sealing.codec, store._tables
        for (id_,) in connection.execute(tables.fill("SELECT id FROM {instance} WHERE dropped = ''")).fetchall():
            for key in keys:
                connection.execute(
                    tables.fill("UPDATE {session_file} SET value = %b WHERE instance = %s AND key = %b"),
                    [b"\xff rotten " + key.encode(), id_, codec.name(key, "key", str(id_))],
                )

    store._connections.ask(ask)


def everything(store: Store, *, with_times: bool = True) -> dict[str, Any]:
    """All that a store answers, which has to be the same of a copy; `with_times` those of the last writes."""
    found: dict[str, Any] = {"groups": store.groups(), "drops": _drops(store)}
    for group in store.groups():
        found[group] = store.instances(group)
        for one in store.describe(group):
            found[f"{group}\0{one.instance}"] = (
                one.files,
                one.bytes,
                with_times and one.files and one.last_write,
                one.types,
                one.label,
            )
            keys = store.names(group, one.instance, beginning="", after="", most=10_000)
            values = {key: store.read(SessionFile(group, one.instance, key)) for key in keys}
            found[f"{group}\0{one.instance}\0values"] = values
            versions = store.versions(group, one.instance)
            found[f"{group}\0{one.instance}\0versions"] = versions
            for version in versions:
                if version.identity:
                    found[version.version] = store.read_version(group, one.instance, version.version)
    return found


def _drops(store: Store) -> list[Any]:
    return sorted(
        (one.group, one.instance, one.drop, one.when, one.files, one.bytes, one.label) for one in store.drops()
    )


def bring_all_back(store: Store) -> None:
    """Bring every drop back, each under a name of its own."""
    for number, one in enumerate(store.drops()):
        change = RestoreInstance(one.group, one.instance, one.drop, f"back {one.drop} {number}"[:50])
        assert store.commit([change]) == [None], one


def small(end: End) -> End:
    """Put an instance into a store."""
    worker = end.worker()
    create(worker, CREDS)
    commit(worker, write(CREDS, creds(1)), write(CREDS, creds(2)), write(KEY, b'"a"'))
    worker.close()
    return end


def everything_of(end: End) -> dict[str, Any]:
    """All that a worker answers that is started on a store."""
    worker = end.worker()
    found = everything(worker)
    worker.close()
    return found
