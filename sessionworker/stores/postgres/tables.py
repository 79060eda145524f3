"""The tables: what they hold, how they are made, and how they come to be those of a newer worker.

Only what CockroachDB and YugabyteDB take as well: no extensions, triggers, sequences, large objects or advisory locks.
Names and values are bytes: a database's collation sorts them, and its encoding changes them, not at all.

A row of `instance` is what everything of an instance is changed under: whoever changes anything of it has locked that
row. So changes of one instance have one order, whichever worker they come from, and a reader's statement sees a batch
whole or not at all.
"""

from __future__ import annotations

from typing import Any, TypeAlias

from psycopg import Connection, errors

from sessionworker.errors import StartError

Row: TypeAlias = tuple[Any, ...]

NEWEST = 1
"""The version of the tables that this worker makes and uses."""

MOST_TRIES = 20
"""How often making the tables is begun anew, where other workers make them at the same time."""

_FIRST = (
    """
    -- Which groups there are.
    CREATE TABLE IF NOT EXISTS {session_group} (
        name bytea PRIMARY KEY
    )
    """,
    """
    -- An instance, from its creation until it is purged. Its id never changes; a drop and a restore are one row.
    CREATE TABLE IF NOT EXISTS {instance} (
        id uuid PRIMARY KEY,
        group_name bytea NOT NULL,
        name bytea NOT NULL,
        dropped text NOT NULL DEFAULT '',           -- what its drop is called; empty while it is live
        writes bigint NOT NULL DEFAULT 0,           -- how often it was changed
        last_write bigint NOT NULL DEFAULT 0,       -- milliseconds since 1970, as all times but that of a lease
        last_version bigint NOT NULL DEFAULT 0,     -- the time of its newest creds_version, kept or not
        has_creds boolean NOT NULL DEFAULT false,   -- whether that is no deletion: creds should be there
        owner text NOT NULL DEFAULT '',
        lease text NOT NULL DEFAULT '',
        lease_until double precision NOT NULL DEFAULT 0,  -- seconds since 1970, by the database's clock
        proof bytea NOT NULL DEFAULT '',            -- that its id belongs to its group and name; by who has the key
        rewritten text NOT NULL DEFAULT '',         -- the last rewriting that found nothing in it, or left nothing
        UNIQUE (group_name, name, dropped)
    ) WITH (fillfactor = 70)
    """,
    """
    -- What a key holds.
    CREATE TABLE IF NOT EXISTS {session_file} (
        instance uuid NOT NULL,
        key bytea NOT NULL,
        value bytea NOT NULL,
        PRIMARY KEY (instance, key)
    ) WITH (fillfactor = 85)
    """,
    """
    -- Older creds, and the newest once more. No value: they were deleted.
    CREATE TABLE IF NOT EXISTS {creds_version} (
        instance uuid NOT NULL,
        made_at bigint NOT NULL,
        number integer NOT NULL,
        identity text NOT NULL,
        next_pre_key bigint NOT NULL,
        value bytea,
        PRIMARY KEY (instance, made_at, number)
    )
    """,
    """
    -- What was found broken, for a person.
    CREATE TABLE IF NOT EXISTS {broken_value} (
        instance uuid NOT NULL,
        key bytea NOT NULL,
        found_at bigint NOT NULL,
        value bytea NOT NULL,
        PRIMARY KEY (instance, key, found_at)
    )
    """,
    """
    -- Instances that were purged, and of which something may still be there.
    CREATE TABLE IF NOT EXISTS {purged_instance} (
        id uuid PRIMARY KEY
    )
    """,
    """
    -- What there is one of: the events, the last drop's time, with which keys all is sealed, each instance's label.
    CREATE TABLE IF NOT EXISTS {state} (
        name text PRIMARY KEY,
        value bytea NOT NULL
    )
    """,
)

MIGRATIONS = (_FIRST,)
"""What makes the tables of each version from those of the one before. Each can be run again after it was cut off."""

NAMES = (
    "session_group",
    "instance",
    "session_file",
    "creds_version",
    "broken_value",
    "purged_instance",
    "state",
    "schema_version",
)


RIGHTS = ("SELECT", "INSERT", "UPDATE", "DELETE")
"""What a worker's role needs on each table, besides USAGE on their schema."""


class Tables:
    """The names of the tables, in one schema."""

    def __init__(self, schema: str) -> None:
        """Name those in `schema`, which may be called anything."""
        self.schema = _quoted(schema)
        self._names = {name: f"{self.schema}.{name}" for name in NAMES}

    def fill(self, statement: str) -> bytes:
        """Return a statement with the tables' names in it, as psycopg takes it."""
        return statement.format(**self._names).encode()

    def script(self) -> str:
        """Return what makes the tables, for a person who runs it himself."""
        made = [self.fill(statement).decode() for migration in MIGRATIONS for statement in migration]
        lines = [_CREATE_SCHEMA.format(schema=self.schema), *(self.fill(one).decode() for one in _BEGIN), *made]
        lines.append(self.fill(_NOTE).decode().replace("%s", str(NEWEST)))
        return "".join(f"{_without_indent(line)};\n\n" for line in lines)

    def rights(self, role: str) -> str:
        """Return what lets a role use the tables, once they are made, for a person who runs it."""
        quoted = _quoted(role)
        return (
            f"GRANT USAGE ON SCHEMA {self.schema} TO {quoted};\n"
            f"GRANT {', '.join(RIGHTS)} ON ALL TABLES IN SCHEMA {self.schema} TO {quoted};\n"
        )

    def make(self, connection: Connection[Row]) -> None:
        """Make the tables, or bring them up to date, whoever does the same at the time. Raises StartError.

        Whoever may only use them finds them made: they are looked at first.
        """
        for _ in range(MOST_TRIES):
            try:
                if self._version(connection) != NEWEST:
                    self._upgrade(connection)
                self._check_rights(connection)
            except (
                errors.UniqueViolation,
                errors.DuplicateObject,
                errors.SerializationFailure,
                errors.DeadlockDetected,
            ):
                continue  # somebody else made the same thing at the same time
            except (errors.DuplicateTable, errors.DuplicateSchema, errors.InternalError_):
                continue
            except errors.InsufficientPrivilege:
                raise StartError(
                    f"The tables in the schema {self.schema} are not made yet, and this role may not make them. Have "
                    "them made by one who may: 'sessionworker-database script' prints what to run."
                ) from None
            return
        raise StartError(f"The tables in the schema {self.schema} could not be made: other workers kept making them.")

    def are_made(self, connection: Connection[Row]) -> bool:
        """Tell whether they are there, as this worker would make them. Raises StartError for newer ones."""
        return self._version(connection) == NEWEST

    def _version(self, connection: Connection[Row]) -> int:
        """Return which version the tables have; 0 where there are none. Raises StartError for newer ones."""
        try:
            found = connection.execute(self.fill(_LOOK)).fetchone()
        except (errors.UndefinedTable, errors.InvalidSchemaName):
            return 0
        except errors.InsufficientPrivilege:
            raise self._lack_of_rights() from None
        version: int = found[0] if found is not None else 0
        if version > NEWEST:
            raise StartError(
                f"The tables in the schema {self.schema} are of a newer worker: they have version {version}, and this "
                f"one knows {NEWEST}. Nothing was changed. Start the newer one."
            )
        return version

    def _check_rights(self, connection: Connection[Row]) -> None:
        """See now that this role may use the tables, and not at the first write. Raises StartError."""
        names = [name for table, name in self._names.items() if table != "schema_version"]
        if connection.execute(_MISSING_RIGHTS, [names, list(RIGHTS)]).fetchone() is not None:
            raise self._lack_of_rights()

    def _lack_of_rights(self) -> StartError:
        return StartError(
            f"This role may not use the tables in the schema {self.schema}. Have it given the rights that "
            "'sessionworker-database rights' prints, by one who may."
        )

    def _upgrade(self, connection: Connection[Row]) -> None:
        exists = connection.execute(
            "SELECT 1 FROM information_schema.schemata WHERE schema_name = %s", [self.schema[1:-1].replace('""', '"')]
        ).fetchone()
        if exists is None:  # IF NOT EXISTS asks for the right to make schemas even where there is one
            connection.execute(_CREATE_SCHEMA.format(schema=self.schema).encode())
        for statement in _BEGIN:
            connection.execute(self.fill(statement))
        with connection.transaction():
            connection.execute(self.fill(_LOCK))
            version = self._version(connection)
            for migration in MIGRATIONS[version:]:
                for statement in migration:
                    connection.execute(self.fill(statement))
            connection.execute(self.fill(_NOTE), [NEWEST])


_MISSING_RIGHTS = """
SELECT 1 FROM unnest(%s::text[]) AS a (name), unnest(%s::text[]) AS b (wanted)
WHERE NOT has_table_privilege(a.name, b.wanted)
"""
_CREATE_SCHEMA = "CREATE SCHEMA IF NOT EXISTS {schema}"
_BEGIN = (
    "CREATE TABLE IF NOT EXISTS {schema_version} (only_row integer PRIMARY KEY, version integer NOT NULL)",
    "INSERT INTO {schema_version} VALUES (1, 0) ON CONFLICT DO NOTHING",
)
_LOOK = "SELECT version FROM {schema_version} WHERE only_row = 1"
_LOCK = f"{_LOOK} FOR UPDATE"
_NOTE = "UPDATE {schema_version} SET version = %s WHERE only_row = 1"


def _quoted(name: str) -> str:
    return '"{}"'.format(name.replace('"', '""'))


def _without_indent(text: str) -> str:
    return "\n".join(line.removeprefix("    ") for line in text.strip("\n ").split("\n"))
