"""Which groups and instances there are: made, dropped, brought back and purged, each in one transaction of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple
from uuid import UUID, uuid4

from msgspec import Struct, field
from psycopg import Connection

from sessionworker.errors import HeldElsewhere, NameTaken, NoSuchDrop, NoSuchGroup, StoreUnavailable
from sessionworker.events import Event, Report
from sessionworker.stores.changes import (
    CatalogueChange,
    CreateGroup,
    CreateInstance,
    DropGroup,
    DropInstance,
    LabelInstance,
    PurgeDrop,
    RestoreInstance,
)
from sessionworker.stores.interface import Outcome
from sessionworker.stores.postgres.connections import Connections
from sessionworker.stores.postgres.held import Held, Moment, not_its_own
from sessionworker.stores.postgres.judge import Judge
from sessionworker.stores.postgres.labels import Labels
from sessionworker.stores.postgres.rows import Rows
from sessionworker.stores.postgres.sealing import Sealing
from sessionworker.stores.postgres.tables import Row, Tables
from sessionworker.stores.rules.drops import drop_name
from sessionworker.stores.rules.told import GAVE_UP, brought_back, moved
from sessionworker.stores.rules.versions import Keep

LAST_DROP = b"last_drop"

MOST_TRIES = 10
"""How often a group is made, where others drop it each time."""


class Totals(NamedTuple):
    """How many there are."""

    groups: int = 0
    instances: int = 0


class _Done(Struct):
    """What a change came to."""

    outcome: Outcome = None
    events: list[Event] = field(default_factory=list)
    reports: list[Event] = field(default_factory=list)
    refused: int = 0
    unknown: int = 0
    totals: Totals | None = None


class Moves:
    """Changes which groups and instances there are. Called by the thread that commits."""

    def __init__(
        self,
        connections: Connections,
        rows: Rows,
        tables: Tables,
        sealing: Sealing,
        labels: Labels,
        remember: Report,
        report: Report,
        moment: Callable[[Moment], Moment],
    ) -> None:
        """Tell events to `remember`, and to `report` those that are not remembered."""
        self._connections = connections
        self._rows = rows
        self._codec = sealing.codec
        self._labels = labels
        self._remember = remember
        self._report = report
        self._moment = moment
        self.totals = Totals()
        self._statements = {name: tables.fill(text) for name, text in _STATEMENTS.items()}

    def make(self, change: CatalogueChange) -> Outcome:
        """Make one change, durably; see `changes`. Raises NoSpace or StoreUnavailable."""
        done = self._connections.transact(lambda connection: self._try(connection, change))
        for event in done.events:
            self._remember(event)
        for event in done.reports:
            self._report(event)
        self._connections.counts["held_elsewhere"] += done.refused
        self._connections.counts["drops_of_unknown_instances"] += done.unknown
        self.totals = done.totals or self.totals
        return done.outcome

    def count(self) -> None:
        """Count groups and instances anew: other workers make some, too. Raises NoSpace or StoreUnavailable."""
        self._connections.ask(self.count_by)

    def count_by(self, connection: Connection[Row]) -> None:
        """Do so with a connection."""
        self.totals = self._count(connection)

    def _count(self, connection: Connection[Row]) -> Totals:
        row = connection.execute(self._statements["count"]).fetchone()
        return Totals(*row) if row is not None else Totals()

    def _try(self, connection: Connection[Row], change: CatalogueChange) -> _Done:
        match change:
            case CreateGroup(group):
                self._rows.lock_names(connection)
                self._make_group(connection, group)
                return _Done(totals=self._count(connection))
            case CreateInstance():
                return self._create(connection, change)
            case DropInstance():
                return self._drop_instance(connection, change)
            case DropGroup():
                return self._drop_group(connection, change)
            case RestoreInstance():
                return self._restore(connection, change)
            case LabelInstance():
                return _Done(self._labels.make(connection, self._rows, change))
            case PurgeDrop():
                return self._purge(connection, change)

    # Making

    def _make_group(self, connection: Connection[Row], group: str) -> None:
        """See that there is a group, and lock it: nobody drops it before an instance is in it."""
        for _ in range(MOST_TRIES):
            if self._rows.lock_group(connection, group):
                return
            connection.execute(self._statements["make_group"], [self._codec.name(group, "group")])
        raise StoreUnavailable

    def _create(self, connection: Connection[Row], change: CreateInstance) -> _Done:
        place = change.group, change.instance
        for tries in range(MOST_TRIES):
            held, moment = self._rows.lock(connection, [place])
            is_new = place not in held
            if is_new and not tries:
                self._rows.lock_names(connection)
                if self._codec.is_mixed:  # somebody may have made it meanwhile, under another key
                    continue
            if is_new:
                self._make_group(connection, change.group)
                id_ = self._insert(connection, *place)
                if id_ is None:  # somebody else made it meanwhile
                    continue
                held[place] = Held(id_, *place, 0, 0, 0, has_creds=False, tenure=None)
            if not held[place].is_proven:
                return _Done(not_its_own())
            done = self._let_in(held[place], change.owner, moment)
            self._rows.write(connection, held.values(), moment.now)
            if is_new:
                done.totals = self._count(connection)
            return done
        raise StoreUnavailable

    def _insert(self, connection: Connection[Row], group: str, name: str) -> UUID | None:
        row = connection.execute(self._statements["insert"], self._named(uuid4(), group, name)).fetchone()
        return row[0] if row is not None else None

    def _named(self, id_: UUID, group: str, name: str) -> list[object]:
        """Return the columns of an instance's row that say how it is called."""
        names = [self._codec.name(group, "group"), self._codec.name(name, "instance", group)]
        return [*names, self._codec.mark("instance", str(id_), group, name), id_]

    def _let_in(self, held: Held, owner: str | None, moment: Moment) -> _Done:
        judge = Judge({}, lambda _: True, self._moment(moment), Keep())
        outcome = judge.let_in(held, owner)
        return _Done(outcome, judge.events, judge.reports, judge.refused)

    # Dropping

    def _drop_instance(self, connection: Connection[Row], change: DropInstance) -> _Done:
        place = change.group, change.instance
        held, moment = self._rows.lock(connection, [place])
        if place not in held:
            return _Done(unknown=1)
        done = self._let_in(held[place], change.owner, moment)
        if isinstance(done.outcome, HeldElsewhere):
            return done
        self._put_aside(connection, [held[place].id], self._moment(moment))
        done.outcome = None
        done.events.append(moved("instance_dropped", *place, "was dropped; it can be brought back", change.by))
        done.totals = self._count(connection)
        return done

    def _drop_group(self, connection: Connection[Row], change: DropGroup) -> _Done:
        self._rows.lock_names(connection)
        if not self._rows.lock_group(connection, change.group):
            return _Done(NoSuchGroup())
        _, moment = self._rows.lock(connection, [])
        names = self._codec.names(change.group, "group")
        found = connection.execute(self._statements["lock_all"], [names]).fetchall()
        self._put_aside(connection, [id_ for (id_,) in found], self._moment(moment))
        connection.execute(self._statements["delete_group"], [names])
        text = "was dropped with its instances; they can be brought back"
        return _Done(events=[moved("group_dropped", change.group, "", text, change.by)], totals=self._count(connection))

    def _put_aside(
        self, connection: Connection[Row], ids: Sequence[UUID], moment: Moment, *, is_replaced: bool = False
    ) -> None:
        """Give instances that are locked the name of a drop, each another one, later than all before."""
        connection.execute(self._statements["make_state"], [LAST_DROP.decode(), b"0"])
        row = connection.execute(self._statements["lock_state"], [LAST_DROP.decode()]).fetchone()
        first = max(moment.now, int(row[0]) + 1 if row is not None else 0)
        whens = range(first, first + len(ids))
        if ids:
            connection.execute(
                self._statements["set_aside"],
                [list(ids), [drop_name(when, "0", is_replaced=is_replaced) for when in whens]],
            )
            connection.execute(self._statements["set_state"], [str(whens[-1]).encode(), LAST_DROP.decode()])

    # Bringing back, and erasing

    def _restore(self, connection: Connection[Row], change: RestoreInstance) -> _Done:
        self._rows.lock_names(connection)
        found = self._rows.lock_dropped(connection, change.group, change.instance, change.drop)
        if found is None:
            return _Done(NoSuchDrop())
        id_, is_proven = found
        if not is_proven:
            return _Done(not_its_own())
        self._make_group(connection, change.place[0])
        held, moment = self._rows.lock(connection, [change.place])
        done = _Done()
        if held:
            done = self._replace(connection, held[change.place], change, moment)
            if done.outcome is not None:
                return done
            self._labels.hand_on(connection, held[change.place].id, id_)
        connection.execute(self._statements["restore"], self._named(id_, *change.place))
        done.events.append(brought_back(change.group, change.instance, *change.place, change.by))
        done.totals = self._count(connection)
        return done

    def _replace(self, connection: Connection[Row], held: Held, change: RestoreInstance, moment: Moment) -> _Done:
        """Put an instance aside whose place another takes, in the same transaction."""
        if not change.replacing:
            return _Done(NameTaken())
        done = self._let_in(held, change.owner, moment)
        if not isinstance(done.outcome, HeldElsewhere):
            done.outcome = None
            self._put_aside(connection, [held.id], self._moment(moment), is_replaced=True)
            done.events.append(moved("instance_dropped", *change.place, GAVE_UP, change.by))
        return done

    def _purge(self, connection: Connection[Row], change: PurgeDrop) -> _Done:
        self._rows.lock_names(connection)
        found = self._rows.lock_dropped(connection, change.group, change.instance, change.drop)
        if found is None:
            return _Done(NoSuchDrop())
        connection.execute(self._statements["note_purged"], [found[0]])
        connection.execute(self._statements["delete"], [found[0]])
        self._labels.put(connection, found[0], "")
        text = "was erased for good, having been dropped before"
        event = moved("drop_purged", change.group, change.instance, text, change.by)
        return _Done(events=[event] if change.by else [])


_STATEMENTS = {
    "count": "SELECT (SELECT count(*) FROM {session_group}), (SELECT count(*) FROM {instance} WHERE dropped = '')",
    "make_group": "INSERT INTO {session_group} VALUES (%b) ON CONFLICT (name) DO NOTHING",
    "delete_group": "DELETE FROM {session_group} WHERE name = ANY(%b::bytea[])",
    "insert": """
        INSERT INTO {instance} (group_name, name, proof, id) VALUES (%b, %b, %b, %s)
        ON CONFLICT (group_name, name, dropped) DO NOTHING RETURNING id
    """,
    "lock_all": """
        SELECT id FROM {instance} WHERE group_name = ANY(%b::bytea[]) AND dropped = '' ORDER BY id FOR UPDATE
    """,
    "set_aside": """
        UPDATE {instance} i
        SET dropped = a.dropped, writes = i.writes + 1, owner = '', lease = '', lease_until = 0
        FROM unnest(%b::uuid[], %b::text[]) AS a (id, dropped) WHERE i.id = a.id
    """,
    "restore": """
        UPDATE {instance} SET group_name = %b, name = %b, proof = %b, dropped = '', writes = writes + 1 WHERE id = %s
    """,
    "note_purged": "INSERT INTO {purged_instance} VALUES (%s) ON CONFLICT DO NOTHING",
    "delete": "DELETE FROM {instance} WHERE id = %s",
    "make_state": "INSERT INTO {state} VALUES (%s, %b) ON CONFLICT (name) DO NOTHING",
    "lock_state": "SELECT value FROM {state} WHERE name = %s FOR UPDATE",
    "set_state": "UPDATE {state} SET value = %b WHERE name = %s",
}
