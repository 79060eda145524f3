"""What operators call instances: a row of `state` for each that has a label, by its id.

They need no table of their own: a worker that knows no labels uses the same tables, and leaves these rows alone. Who
changes one has locked the instance's row. Psycopg's errors pass.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from psycopg import Connection

from sessionworker.errors import LabelNotAllowed, NoSuchGroup, NoSuchInstance, WorkerError
from sessionworker.names import check_label
from sessionworker.stores.changes import LabelInstance
from sessionworker.stores.postgres.codec import Codec
from sessionworker.stores.postgres.held import not_its_own
from sessionworker.stores.postgres.rows import Rows
from sessionworker.stores.postgres.tables import Row, Tables


class Labels:
    """Labels in the tables of one store."""

    def __init__(self, tables: Tables, codec: Codec) -> None:
        """Use these tables; labels are as `codec` has values."""
        self._codec = codec
        self._statements = {name: tables.fill(text) for name, text in _STATEMENTS.items()}

    def of(self, connection: Connection[Row], ids: Sequence[UUID]) -> dict[UUID, str]:
        """Return the labels of some instances, of those that have one."""
        wanted = {_name_of(id_): id_ for id_ in ids}
        rows = connection.execute(self._statements["of"], [list(wanted)], binary=True).fetchall()
        found = {wanted[name]: self._open(wanted[name], data) for name, data in rows}
        return {id_: label for id_, label in found.items() if label}

    def _open(self, id_: UUID, data: bytes) -> str:
        """Return the label that a row holds; nothing where it is none, or is sealed to something else."""
        text = self._codec.open(data, "label", str(id_))
        try:
            return "" if text is None else check_label(text.decode())
        except (LabelNotAllowed, UnicodeDecodeError):
            return ""

    def make(self, connection: Connection[Row], rows: Rows, change: LabelInstance) -> WorkerError | None:
        """Make a change, in a transaction; return why it is refused, if it is."""
        place = change.group, change.instance
        held, moment = rows.lock(connection, [place])
        if place not in held:
            return NoSuchInstance() if rows.groups(connection, [change.group]) else NoSuchGroup()
        found = held[place]
        if not found.is_proven:
            return not_its_own()
        found.is_touched = True  # whoever seals proves then whose row it is, as with each write
        rows.write(connection, [found], moment.now)
        self.put(connection, found.id, change.label)
        return None

    def put(self, connection: Connection[Row], id_: UUID, label: str) -> None:
        """Give an instance a label, or take it away."""
        if label:
            data = self._codec.seal(label.encode(), "label", str(id_))
            connection.execute(self._statements["put"], [_name_of(id_), data])
        else:
            connection.execute(self._statements["delete"], [_name_of(id_)])

    def hand_on(self, connection: Connection[Row], old: UUID, new: UUID) -> None:
        """Give one that takes another's place that one's label, if it has none."""
        found = self.of(connection, [old, new])
        if old in found and new not in found:
            self.put(connection, new, found[old])

    def rewrite(self, connection: Connection[Row], id_: UUID) -> None:
        """Write an instance's label as it is written now."""
        for label in self.of(connection, [id_]).values():
            self.put(connection, id_, label)


def _name_of(id_: UUID) -> str:
    return f"label-{id_}"


_STATEMENTS = {
    "of": "SELECT name, value FROM {state} WHERE name = ANY(%b::text[])",
    "put": "INSERT INTO {state} VALUES (%s, %b) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
    "delete": "DELETE FROM {state} WHERE name = %s",
}
