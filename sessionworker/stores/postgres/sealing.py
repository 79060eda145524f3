"""The statement of a store: with which keys it is sealed, in a row that every worker looks at; see `stores.seals`.

Workers on one database may be given other keys, one after the other. So nobody goes by what was so at its start: each
transaction that writes has looked at this row once it had its locks, and a read that finds nothing has looked at it in
the same statement. Where it says something new, what was asked is asked again with what is known then. Where it names a
key that this worker has not, or this worker writes otherwise than all have to, it is refused: nothing is taken for
missing that lies under another key.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

import msgspec
from msgspec.structs import replace
from psycopg import Connection, errors

from sessionworker.errors import StartError, StoreUnavailable
from sessionworker.events import Event, Report
from sessionworker.stores.copied import UNFINISHED, unfinished
from sessionworker.stores.postgres.codec import SEALED, Codec, Plain, Sealed
from sessionworker.stores.postgres.said import PLAIN, SEALS, WHERE, Said, read_said
from sessionworker.stores.postgres.tables import Row, Tables
from sessionworker.stores.seal import KeyRing
from sessionworker.stores.seals import compare, in_words, key_of, tell

KNOWN = f"(SELECT value = %b FROM {{state}} WHERE name = '{SEALS}')"
"""Asks within another statement whether the row is what it was."""

SAID = f"(SELECT value FROM {{state}} WHERE name = '{SEALS}')"
"""Asks within another statement for the row."""

MOST_TRIES = 10
"""How often something is asked again, where the answer is another one each time."""

T = TypeVar("T")


class Changed(Exception):
    """The statement, or an instance's id, is another one than was assumed; it is known now: ask again."""


class Sealing:
    """The statement of one store, and the keys that this worker has. Any thread may call."""

    def __init__(self, tables: Tables, ring: KeyRing | None, report: Report, *, is_target: bool = False) -> None:
        """Know nothing before `begin`. `is_target` tells to take a store that holds a part of a copy, too."""
        self.ring = ring
        self._report = report
        self._sealed = Sealed(ring) if ring is not None else None
        self.codec: Codec = self._sealed or Plain()
        self.data = b""
        """What the row holds, as far as is known. Take it before names are written by `codec`, to compare it after."""
        self.statement = Said()
        self.problem = ""
        """Why this worker cannot be used, or cannot write; empty where it can."""
        self._is_target = is_target
        self._is_serving = False
        self._is_copied_over = False
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
        found = self._compared(connection, connection.execute(self._statements["lock"], [SEALS]).fetchone())
        statement = found or Said(plain=self.ring is None or not self._is_true(connection, "is_new"))
        if self.ring is None:
            return statement
        if statement.to != self.target:  # who starts a worker with another key has made up his mind anew
            statement = replace(statement, to="", number="")
        return statement.joined(self.ring)

    def _compared(self, connection: Connection[Row], row: Row | None) -> Said | None:
        """Return what the row says, if the keys are right. Raises StartError."""
        found = read_said(row)
        compare(found, self.ring, WHERE, lambda: self._is_true(connection, "has_sealed", [SEALED]))
        if found is not None and found.copy == UNFINISHED and not self._is_target:
            raise unfinished("in the database")
        return found

    def look(self, connection: Connection[Row]) -> None:
        """Compare the statement with the keys, and say nothing. Raises StartError."""
        row = connection.execute(self._statements["look"], [SEALS]).fetchone()
        self._learn(row[0] if row is not None else b"", self._compared(connection, row) or Said())

    def mark(self, connection: Connection[Row], copy: str, check: Callable[[], None]) -> None:
        """Say of a copy that it is unfinished, or finished, in a transaction. Raises StartError, or what `check` does.

        That is asked with what is said now, which nobody changes any more.
        """
        row = connection.execute(self._statements["lock"], [SEALS]).fetchone()
        found = self._compared(connection, row) or Said(plain=self.statement.plain)
        self._learn(row[0] if row is not None else b"", found)
        check()
        statement = replace(found, copy=copy)
        self._learn(self._put(connection, statement), statement)

    def _is_true(self, connection: Connection[Row], question: str, parameters: list[bytes] | None = None) -> bool:
        row = connection.execute(self._statements[question], parameters).fetchone()
        return row is not None and bool(row[0])

    def _write(self, connection: Connection[Row], statement: Said) -> bytes:
        """Write a statement; a worker without a key says nothing of keys."""
        if self.ring is None:
            row = connection.execute(self._statements["look"], [SEALS]).fetchone()
            return bytes(row[0]) if row is not None else b""
        return self._put(connection, statement)

    def _put(self, connection: Connection[Row], statement: Said) -> bytes:
        is_nothing = self.ring is None and not (statement.keys or statement.copy)
        data = b"" if is_nothing else msgspec.json.encode(statement.proven(self.ring))
        connection.execute(self._statements["write"], [data, SEALS])
        return data

    def serve(self, connection: Connection[Row]) -> None:
        """Take the mark of a finished copy away, in a transaction. Raises StartError where one has begun meanwhile."""
        found = self._compared(connection, connection.execute(self._statements["lock"], [SEALS]).fetchone())
        if found is not None and found.copy:
            self._put(connection, replace(found, copy=""))

    def served(self) -> None:
        """Note that a mark which comes now is one of a copy that is made over what is served."""
        self._is_serving = True

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
            found = read_said(row) if row is not None else None
            is_plain = self.ring is not None and self.ring.writes_plain  # then another worker may have come to the end
            compare(found, self.ring, WHERE, lambda: row is None or (bool(self.statement.keys) and not is_plain))
        except StartError as error:
            self._say("keys_do_not_fit", str(error))
            raise StoreUnavailable from None
        if row is not None:
            self._learn(row[0], found or Said())
        if self._is_copied_over:
            raise StoreUnavailable

    def _learn(self, data: bytes, statement: Said) -> None:
        if self._sealed is not None:
            self._sealed.admit(statement.keys, plain=statement.plain)
        self.statement = statement
        is_named = self.key in statement.keys if self.key else statement.plain
        self._is_copied_over |= self._is_serving and bool(statement.copy)
        if self._is_copied_over:
            self._say("copied_over", "Another store is copied over this one. So all is refused. Stop this worker.")
            return
        self.data = data
        if statement.to not in {"", self.target}:
            to = "" if statement.to == PLAIN else statement.to
            self._say(
                "keys_do_not_fit",
                f"All is being rewritten: {in_words(to)}. This worker would write {in_words(self.key)}, so its writes "
                "are refused. Start it with the key file of the others.",
            )
        elif not is_named:
            self._say(
                "keys_do_not_fit",
                f"All was rewritten, and nothing is {in_words(self.key)} any more, as this worker would write. So its "
                "writes are refused. Start it with the key file of the others.",
            )
        else:
            self.problem = ""

    def _say(self, name: str, problem: str) -> None:
        if problem != self.problem:
            self.problem = problem
            self._report(Event(name, problem))

    # Rewriting

    def change(self, connection: Connection[Row], change: Callable[[Said], Said]) -> Said:
        """Say something else, in a transaction that has locked the row; `learn` it once that is durable."""
        row = connection.execute(self._statements["lock"], [SEALS]).fetchone()
        self.admit(connection, self.data, row[0] if row is not None else None)
        statement = change(self.statement)
        if statement != self.statement:
            self._write(connection, statement)
        return statement


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
