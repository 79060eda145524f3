"""Rewriting what is not as it is written now: sealed with another key, or plain.

The wish is part of the statement (see `sealing`), so every worker that writes so takes part, and goes on with what is
left after a start; those that would write otherwise are refused until it is over. An instance is rewritten some hundred
rows at a time, each time under its row's lock; then its versions, what was set aside, its names, and last the mark that
this rewriting has seen to it. Whoever locks an instance that has the mark knows of the wish: so nothing else is in it.
When all have it, groups and events follow, and the statement names one key alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from random import shuffle
from uuid import UUID

from msgspec import Struct
from psycopg import Connection

from sessionworker.events import Event, Report
from sessionworker.stores.postgres.connections import Connections
from sessionworker.stores.postgres.events import Events
from sessionworker.stores.postgres.held import version_in
from sessionworker.stores.postgres.labels import Labels
from sessionworker.stores.postgres.said import Said, begun, ended, settled
from sessionworker.stores.postgres.sealing import SAID, Sealing
from sessionworker.stores.postgres.tables import Row, Tables
from sessionworker.stores.seals import in_words
from sessionworker.wire import EncryptionSummary

AT_ONCE = 300
"""Session files that are rewritten in one transaction."""

MOST_BYTES = 8 * 2**20
"""Bytes of values after which there are fewer."""

INSTANCES_AT_ONCE = 100
"""Instances that are looked for together."""

MOST_NAMED = 3
"""Instances that cannot be rewritten, and that a person is told one by one."""


class _Instance(Struct):
    """One that is being rewritten."""

    id: UUID
    after: bytes = b""
    """The key's name up to which it was."""


class Rewriting:
    """Rewrites the instances of one store. Any thread may ask for it; the background does it."""

    def __init__(
        self,
        connections: Connections,
        tables: Tables,
        sealing: Sealing,
        labels: Labels,
        events: Events,
        report: Report,
    ) -> None:
        """Rewrite nothing before somebody asked for it."""
        self._connections = connections
        self._sealing = sealing
        self._codec = sealing.codec
        self._labels = labels
        self._events = events
        self._report = report
        self._left: list[_Instance] = []
        self._stuck: set[UUID] = set()
        self.is_waiting = False
        """Whether there is nothing to do until something else was done."""
        self._statements = {name: tables.fill(text) for name, text in _STATEMENTS.items()}

    @property
    def is_running(self) -> bool:
        """Whether somebody asked for it, and it is not over."""
        return bool(self._sealing.statement.to)

    def begin(self) -> None:
        """Ask for it, if something may not be as it is written now. Raises NoSpace or StoreUnavailable."""
        self._stuck.clear()
        self._connections.ask(self._sealing.renew)
        if self._sealing.others:
            self._change(lambda statement: begun(statement, self._sealing.target))

    def end(self) -> None:
        """Have it stop. Raises NoSpace or StoreUnavailable."""
        self._change(ended)

    def _change(self, change: Callable[[Said], Said]) -> None:
        if self._sealing.ring is not None:
            self._transact(lambda connection: self._sealing.change(connection, change))
            self._connections.ask(self._sealing.renew)

    def _transact(self, work: Callable[[Connection[Row]], object]) -> object:
        return self._connections.transact(lambda connection: self._sealing.again(work, connection))

    def summary(self) -> EncryptionSummary:
        """Return how far it has come. Raises NoSpace or StoreUnavailable."""

        def question(connection: Connection[Row]) -> EncryptionSummary:
            self._sealing.renew(connection)
            statement = self._sealing.statement
            row = connection.execute(self._statements["count"], [statement.number]).fetchone()
            total, done = row or (0, 0)
            if not statement.to:
                done = 0 if self._sealing.others else total
            return EncryptionSummary(
                self._sealing.key, list(statement.keys), statement.plain, bool(statement.to), total, done
            )

        return self._connections.ask(question)

    # The work

    def go_on(self, seconds: float) -> None:
        """Rewrite some, if somebody asked for it. Raises NoSpace or StoreUnavailable. Called by the background."""
        end = time.monotonic() + seconds
        self.is_waiting = True  # where this fails
        while self.is_running and not self._sealing.problem:
            if not self._left:
                self._look_for_more()
            if not self._left:
                self._finish()
                return
            if self._transact(partial(self._rewrite, self._left[-1])):
                self._left.pop()
            if time.monotonic() > end:
                break
        self.is_waiting = False

    def _look_for_more(self) -> None:
        parameters = [self._sealing.statement.number, list(self._stuck), INSTANCES_AT_ONCE]
        rows = self._connections.ask(lambda one: one.execute(self._statements["left"], parameters).fetchall())
        self._left = [_Instance(id_) for (id_,) in rows]
        shuffle(self._left)  # so that two workers do not wait for each other

    def _rewrite(self, instance: _Instance, connection: Connection[Row]) -> bool:
        """Rewrite some of an instance, in a transaction; tell whether there is nothing more to do about it."""
        before, number = self._sealing.data, self._sealing.statement.number
        row = connection.execute(self._statements["lock"], [instance.id], binary=True).fetchone()
        if row is None or not self.is_running:
            return True
        group_name, name, proof, said = row
        self._sealing.admit(connection, before, said)
        group = self._codec.open_name(group_name, "group")
        called = None if group is None else self._codec.open_name(name, "instance", group)
        id_ = str(instance.id)
        if group is None or called is None or not self._codec.is_proven(proof, "instance", id_, group, called):
            self._stuck.add(instance.id)
            return True
        if self._rewrite_files(connection, instance):
            return False
        self._rewrite_versions(connection, instance.id)
        self._rewrite_broken(connection, instance.id)
        self._labels.rewrite(connection, instance.id)
        names = [self._codec.name(group, "group"), self._codec.name(called, "instance", group)]
        mark = self._codec.mark("instance", id_, group, called)
        connection.execute(self._statements["done"], [*names, mark, number, instance.id])
        return True

    @property
    def _others(self) -> list[object]:
        """What `_OTHER` takes."""
        beginning = self._codec.beginning or self._codec.other
        return [len(beginning), beginning, not self._codec.beginning]

    def _rewrite_files(self, connection: Connection[Row], instance: _Instance) -> bool:
        """Rewrite some session files; tell whether there were any."""
        id_ = str(instance.id)
        parameters = [instance.id, instance.after, *self._others, AT_ONCE, MOST_BYTES]
        rows = connection.execute(self._statements["files"], parameters, binary=True).fetchall()
        new, aside = [], []
        for name, data in rows:
            key = self._codec.open_name(name, "key", id_)
            value = None if key is None else self._codec.open(data, "value", id_, key)
            if key is None or value is None:  # nobody can read it, now or ever
                aside.append((name,))
            else:
                new.append((self._codec.name(key, "key", id_), self._codec.seal(value, "value", id_, key)))
        if aside:
            connection.execute(self._statements["aside"], [instance.id, *_columns(aside)])
        if rows:
            connection.execute(self._statements["delete"], [instance.id, [name for name, _ in rows]])
            instance.after = rows[-1][0]
        if new:
            connection.execute(self._statements["insert"], [instance.id, *_columns(new)])
        return bool(rows)

    def _rewrite_versions(self, connection: Connection[Row], id_: UUID) -> None:
        parameters = [id_, *self._others]
        new = []
        for *version, data in connection.execute(self._statements["versions"], parameters, binary=True).fetchall():
            found = version_in(*version)
            value = self._codec.open(data, "version", str(id_), found.file_name)
            if value is not None:
                sealed = self._codec.seal(value, "version", str(id_), found.file_name)
                new.append((found.when, found.number, sealed))
        if new:
            connection.execute(self._statements["put_versions"], [*_columns(new), id_])

    def _rewrite_broken(self, connection: Connection[Row], id_: UUID) -> None:
        """Rewrite what was set aside, as far as anybody can read it."""
        for name, found_at, data in connection.execute(self._statements["broken"], [id_], binary=True).fetchall():
            key = self._codec.open_name(name, "key", str(id_))
            if key is None:
                continue
            value = self._codec.open(data, "value", str(id_), key)
            sealed = data if value is None else self._codec.seal(value, "value", str(id_), key)
            new = [self._codec.name(key, "key", str(id_)), sealed]
            connection.execute(self._statements["put_broken"], [*new, id_, name, found_at])

    # The end

    def _finish(self) -> None:
        is_over = self._transact(self._try_to_finish)
        self._connections.ask(self._sealing.renew)
        if is_over:
            self._events.report(
                Event("rewritten", f"All that is stored is {in_words(self._sealing.key)}.", level="info")
            )
        elif self._stuck:
            for id_ in sorted(map(str, self._stuck))[:MOST_NAMED]:
                text = f"What the instance with the id {id_} holds could not be rewritten: its row was changed."
                self._events.report(Event("rewriting_stuck", text, level="warn"))
            self.end()

    def _try_to_finish(self, connection: Connection[Row]) -> bool:
        """Say that there is one key alone, if nothing else may be left anywhere; tell whether that is so."""
        statement = self._sealing.change(connection, lambda statement: statement)
        row = connection.execute(self._statements["is_done"], [statement.number]).fetchone()
        if not statement.to or row is None or not row[0]:
            return False
        for (name,) in connection.execute(self._statements["groups"], binary=True).fetchall():
            group = self._codec.open_name(name, "group")
            if group is not None and self._codec.name(group, "group") != name:
                connection.execute(self._statements["delete_group"], [name])
                connection.execute(self._statements["add_group"], [self._codec.name(group, "group")])
        self._events.rewrite(connection)
        self._sealing.change(connection, settled)
        return True


def _columns(rows: Iterable[Sequence[object]]) -> list[list[object]]:
    return [list(column) for column in zip(*rows, strict=True)]


_OTHER = "(substr(value, 1, %s) = %b) = %b"
"""What is not as it would be written now."""

_STATEMENTS = {
    "count": "SELECT count(*), coalesce(sum((rewritten = %s)::integer), 0) FROM {instance}",
    "left": "SELECT id FROM {instance} WHERE rewritten <> %s AND NOT (id = ANY(%s::uuid[])) LIMIT %s",
    "lock": f"SELECT group_name, name, proof, {SAID} FROM {{instance}} WHERE id = %s FOR UPDATE",
    "files": f"""
        SELECT key, value FROM (
            SELECT key, value, octet_length(value) AS size, sum(octet_length(value)) OVER (ORDER BY key) AS up_to
            FROM (
                SELECT key, value FROM {{session_file}}
                WHERE instance = %s AND key > %b AND {_OTHER} ORDER BY key LIMIT %s
            ) found
        ) summed WHERE up_to <= %s OR up_to = size ORDER BY key
    """,
    "aside": """
        INSERT INTO {broken_value} (instance, key, found_at, value)
        SELECT f.instance, f.key, (extract(epoch from clock_timestamp()) * 1000)::bigint, f.value
        FROM {session_file} f WHERE f.instance = %s AND f.key = ANY(%b::bytea[]) ON CONFLICT DO NOTHING
    """,
    "delete": "DELETE FROM {session_file} WHERE instance = %s AND key = ANY(%b::bytea[])",
    "insert": """
        INSERT INTO {session_file} (instance, key, value)
        SELECT %s::uuid, a.key, a.value FROM unnest(%b::bytea[], %b::bytea[]) AS a (key, value)
        ON CONFLICT (instance, key) DO NOTHING
    """,
    "versions": f"""
        SELECT made_at, number, identity, next_pre_key, value FROM {{creds_version}}
        WHERE instance = %s AND value IS NOT NULL AND {_OTHER}
    """,
    "put_versions": """
        UPDATE {creds_version} v SET value = a.value
        FROM unnest(%b::bigint[], %b::integer[], %b::bytea[]) AS a (made_at, number, value)
        WHERE v.instance = %s AND v.made_at = a.made_at AND v.number = a.number
    """,
    "broken": "SELECT key, found_at, value FROM {broken_value} WHERE instance = %s",
    "put_broken": "UPDATE {broken_value} SET key = %b, value = %b WHERE instance = %s AND key = %b AND found_at = %s",
    "done": "UPDATE {instance} SET group_name = %b, name = %b, proof = %b, rewritten = %s WHERE id = %s",
    "is_done": """
        SELECT NOT EXISTS (SELECT 1 FROM {instance} WHERE rewritten <> %s)
            AND NOT EXISTS (SELECT 1 FROM {purged_instance})
    """,
    "groups": "SELECT name FROM {session_group} FOR UPDATE",
    "delete_group": "DELETE FROM {session_group} WHERE name = %b",
    "add_group": "INSERT INTO {session_group} VALUES (%b) ON CONFLICT (name) DO NOTHING",
}
