"""The statement of a store: with which keys it is sealed, in a row that every worker looks at; see `stores.seals`.

Workers on one database may be given other keys, one after the other. So nobody goes by what was so at its start: each
transaction that writes has looked at this row once it had its locks, and a read that finds nothing has looked at it in
the same statement. Where it says something new, what was asked is asked again with what is known then. Where it names a
key that this worker has not, or this worker writes otherwise than all have to, it is refused: nothing is taken for
missing that lies under another key.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

import msgspec
from msgspec.structs import replace
from psycopg import Connection, errors

from sessionworker.errors import StartError, StoreUnavailable
from sessionworker.events import Event, Report
from sessionworker.stores.postgres.codec import SEALED, Codec, Plain, Sealed
from sessionworker.stores.postgres.tables import Row, Tables
from sessionworker.stores.seal import KeyRing
from sessionworker.stores.seals import Statement, changed, compare, in_words, key_of, tell

SEALS = "seals"
"""The row of `state` that holds the statement; it is empty in a store that never had a key."""

WHERE = f"the row '{SEALS}' of the table 'state'"
"""Where that is, for the operator."""

KNOWN = f"(SELECT value = %b FROM {{state}} WHERE name = '{SEALS}')"
"""Asks within another statement whether the row is what it was."""

SAID = f"(SELECT value FROM {{state}} WHERE name = '{SEALS}')"
"""Asks within another statement for the row."""

PLAIN = "plain"
"""What stands for a key where nothing is sealed any more."""

MOST_TRIES = 10
"""How often something is asked again, where the answer is another one each time."""

T = TypeVar("T")


class Said(Statement, frozen=True):
    """What a store on PostgreSQL says of itself."""

    to: str = ""
    """The key under which all is being rewritten, or PLAIN; empty where nobody asked for it. Nothing else is written
    meanwhile."""
    number: str = ""
    """Tells one rewriting from the next."""

    @property
    def text(self) -> str:
        """What is proven."""
        before = super().text
        return f"{before} to {self.to} {self.number}" if self.to else before


class Changed(Exception):
    """The statement, or an instance's id, is another one than was assumed; it is known now: ask again."""


class Sealing:
    """The statement of one store, and the keys that this worker has. Any thread may call."""

    def __init__(self, tables: Tables, ring: KeyRing | None, report: Report) -> None:
        """Know nothing before `begin`."""
        self.ring = ring
        self._report = report
        self._sealed = Sealed(ring) if ring is not None else None
        self.codec: Codec = self._sealed or Plain()
        self.data = b""
        """What the row holds, as far as is known. Take it before names are written by `codec`, to compare it after."""
        self.statement = Said()
        self.problem = ""
        """Why this worker cannot be used, or cannot write; empty where it can."""
        self._statements = {name: tables.fill(text) for name, text in _STATEMENTS.items()}

    @property
    def key(self) -> str:
        """The name of the key that seals here; empty where none does."""
        return key_of(self.ring)

    @property
    def target(self) -> str:
        """The same, as a rewriting names it."""
        return self.key or PLAIN

    @property
    def others(self) -> list[str]:
        """How something may lie that is not written so now, in words."""
        return self.statement.others(self.key)

    # The start

    def begin(self, connection: Connection[Row]) -> None:
        """Compare the statement with the keys, and say what is written from now on. Raises StartError."""
        for tries in range(MOST_TRIES):
            try:
                with connection.transaction():
                    statement = self._begin(connection)
                    data = self._write(connection, statement)
                self._learn(data, statement)
                tell(self._report, self.key, self.others)
                return
            except (errors.SerializationFailure, errors.DeadlockDetected):
                if tries == MOST_TRIES - 1:
                    raise

    def _begin(self, connection: Connection[Row]) -> Said:
        connection.execute(self._statements["make"], [SEALS, b""])
        found = _read(connection.execute(self._statements["lock"], [SEALS]).fetchone())
        compare(found, self.ring, WHERE, lambda: self._is_true(connection, "has_sealed", [SEALED]))
        statement = found or Said(plain=self.ring is None or not self._is_true(connection, "is_new"))
        if self.ring is None:
            return statement
        if statement.to != self.target:  # who starts a worker with another key has made up his mind anew
            statement = replace(statement, to="", number="")
        return statement.joined(self.ring)

    def _is_true(self, connection: Connection[Row], question: str, parameters: list[bytes] | None = None) -> bool:
        row = connection.execute(self._statements[question], parameters).fetchone()
        return row is not None and bool(row[0])

    def _write(self, connection: Connection[Row], statement: Said) -> bytes:
        """Write a statement; a store that never had a key says nothing."""
        if self.ring is None:
            row = connection.execute(self._statements["look"], [SEALS]).fetchone()
            return bytes(row[0]) if row is not None else b""
        data = msgspec.json.encode(statement.proven(self.ring))
        connection.execute(self._statements["write"], [data, SEALS])
        return data

    # While it runs

    def again(self, question: Callable[[Connection[Row]], T], connection: Connection[Row]) -> T:
        """Return what a question comes to, asked again where it raises Changed."""
        for _ in range(MOST_TRIES):
            with suppress(Changed):
                return question(connection)
        raise StoreUnavailable

    def expect(self, connection: Connection[Row], is_known: object) -> None:
        """Go on if the row is what it was, as KNOWN told. Raises Changed, or StoreUnavailable."""
        if is_known is not True:
            self._renew(connection)
            raise Changed

    def check(self, connection: Connection[Row], before: bytes) -> None:
        """Ask whether the row is what it was before something was asked. Raises Changed, or StoreUnavailable."""
        row = connection.execute(self._statements["look"], [SEALS]).fetchone()
        self.expect(connection, row is not None and row[0] == before)

    def admit(self, connection: Connection[Row], before: bytes, data: bytes | None) -> None:
        """Let a transaction write, of which `data` is what SAID told. Raises Changed, or StoreUnavailable."""
        self.expect(connection, data == before)
        if self.problem:
            raise StoreUnavailable

    def lock(self, connection: Connection[Row]) -> None:
        """Keep all others from making names that have several spellings, until the transaction ends, and from saying
        something new. Raises Changed, or StoreUnavailable.
        """  # noqa: D205
        before = self.data
        name = "lock" if self.codec.is_mixed else "share"
        row = connection.execute(self._statements[name], [SEALS]).fetchone()
        self.admit(connection, before, row[0] if row is not None else None)

    def renew(self, connection: Connection[Row]) -> None:
        """Look at the row. Raises StoreUnavailable."""
        with suppress(Changed):
            self.check(connection, self.data)

    def _renew(self, connection: Connection[Row]) -> None:
        row = connection.execute(self._statements["look"], [SEALS]).fetchone()
        try:
            found = _read(row) if row is not None else None
            compare(found, self.ring, WHERE, lambda: row is None or bool(self.statement.keys))
        except StartError as error:
            self._say(str(error))
            raise StoreUnavailable from None
        if row is not None:
            self._learn(row[0], found or Said())

    def _learn(self, data: bytes, statement: Said) -> None:
        if self._sealed is not None:
            self._sealed.admit(statement.keys, plain=statement.plain)
        self.statement = statement
        self.data = data
        is_named = self.key in statement.keys if self.key else statement.plain
        if statement.to not in {"", self.target}:
            to = "" if statement.to == PLAIN else statement.to
            self._say(
                f"All is being rewritten: {in_words(to)}. This worker would write {in_words(self.key)}, so its writes "
                "are refused. Start it with the key file of the others."
            )
        elif not is_named:
            self._say(
                f"All was rewritten, and nothing is {in_words(self.key)} any more, as this worker would write. So its "
                "writes are refused. Start it with the key file of the others."
            )
        else:
            self.problem = ""

    def _say(self, problem: str) -> None:
        if problem != self.problem:
            self.problem = problem
            self._report(Event("keys_do_not_fit", problem))

    # Rewriting

    def change(self, connection: Connection[Row], change: Callable[[Said], Said]) -> Said:
        """Say something else, in a transaction that has locked the row; `learn` it once that is durable."""
        row = connection.execute(self._statements["lock"], [SEALS]).fetchone()
        self.admit(connection, self.data, row[0] if row is not None else None)
        statement = change(self.statement)
        if statement != self.statement:
            self._write(connection, statement)
        return statement


def begun(statement: Said, target: str) -> Said:
    """Return a statement that has all rewritten."""
    return statement if statement.to else replace(statement, to=target, number=secrets.token_hex(4))


def ended(statement: Said) -> Said:
    """Return a statement that has nothing rewritten."""
    return replace(statement, to="", number="")


def settled(statement: Said) -> Said:
    """Return the statement of a store in which all was rewritten."""
    is_plain = statement.to == PLAIN
    return replace(ended(statement), keys=[] if is_plain else [statement.to], plain=is_plain)


def _read(row: Row | None) -> Said | None:
    try:
        return msgspec.json.decode(row[0], type=Said) if row is not None and row[0] else None
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        raise changed(WHERE) from None


_STATEMENTS = {
    "make": "INSERT INTO {state} VALUES (%s, %b) ON CONFLICT (name) DO NOTHING",
    "look": "SELECT value FROM {state} WHERE name = %s",
    "lock": "SELECT value FROM {state} WHERE name = %s FOR UPDATE",
    "share": "SELECT value FROM {state} WHERE name = %s FOR SHARE",
    "write": "UPDATE {state} SET value = %b WHERE name = %s",
    "has_sealed": "SELECT EXISTS (SELECT 1 FROM {session_group} WHERE name >= %b)",
    "is_new": """
        SELECT NOT EXISTS (SELECT 1 FROM {session_group}) AND NOT EXISTS (SELECT 1 FROM {instance})
            AND NOT EXISTS (SELECT 1 FROM {session_file}) AND NOT EXISTS (SELECT 1 FROM {purged_instance})
    """,
}
