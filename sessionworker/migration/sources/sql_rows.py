"""Accounts in a table with a row for each key: home-made ones, and those of mysql-baileys and baileys-store."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import closing

from msgspec import Struct

from sessionworker.migration.found import Account, Reading, SourceError
from sessionworker.migration.notes import Note
from sessionworker.migration.readers.collecting import Collector, shown
from sessionworker.migration.readers.sql import Database, bytes_of, names_of, open_database, text_of
from sessionworker.migration.readers.taking import FIXED, RAW, STYLES, TEXT, encoding, take_all
from sessionworker.migration.sources.gathered import Entry, Gathered, kept
from sessionworker.migration.sources.renaming import check_table

MAPPING = b"lid-mapping-"


class Table(Struct, frozen=True):
    """A table with a row for each key, and what its columns are called."""

    name: str
    session: str
    key: str
    value: str
    encoding: str = TEXT
    style: str = RAW
    has_bare_texts: bool = False
    """Whether values that are texts, which mappings are, lie there without quotes."""
    foreign: str = ""
    """What names begin with that are no keys."""


def open_sql(
    database: str,
    *,
    table: str,
    session_column: str,
    key_column: str,
    value_column: str,
    encoding: str = TEXT,
    name_style: str = RAW,
    session: str = "",
) -> Gathered:
    """Open a table with a row for each key of each session, in PostgreSQL, MySQL or MariaDB.

    `encoding` is how values lie there: as JSON `text`, as a JSON `string` that holds it, or as a `document` (JSONB).
    `name_style` is `raw` for keys as they are, and `fixed` for names like those of Baileys' files. `session` is the one
    that is wanted; all of them, if none is given. Raises SourceError.
    """
    return open_table(
        database, Table(table, session_column, key_column, value_column, encoding, name_style), session=session
    )


def open_mysql_baileys(database: str, *, table: str = "auth", session: str = "") -> Gathered:
    """Open what mysql-baileys keeps in MySQL or MariaDB. Raises SourceError.

    Up to version 1.5 its column of values is a text, in which texts lie without their quotes; before it was JSON.
    """
    return open_table(database, Table(table, "session", "id", "value", has_bare_texts=True), session=session)


def open_baileys_store(database: str, *, table: str = "Session", session: str = "") -> Gathered:
    """Open what @ookamiiixd/baileys-store keeps, as ookamiiixd's baileys-api uses it. Raises SourceError."""
    layout = Table(table, "sessionId", "id", "data", style=FIXED, foreign="session-config-")
    return open_table(database, layout, session=session)


def open_table(url: str, table: Table, *, session: str = "") -> Gathered:
    """Open a table. Raises SourceError."""
    encoding(table.encoding)
    if table.style not in STYLES:
        raise SourceError(f"The style of names is one of {', '.join(STYLES)}.")
    with kept() as resources:
        database = resources.enter_context(closing(open_database(url)))
        collation = check_table(database, table.name, table.session, table.key, table.value)[table.key]
        notes = (Note("names_without_case", {"collation": collation}),) if "_ci" in collation.lower() else ()
        column, quoted = database.as_text(table.session), database.quoted(table.name)
        sessions = names_of(database.rows(f"SELECT DISTINCT {column} FROM {quoted}"))
        if session:
            sessions = [one for one in sessions if one == session]
        if not sessions:
            wanted = f"session {session}" if session else "session"
            raise SourceError(f"There is no {shown(wanted)} in the table {table.name} of {database.shown}.")
        return Gathered(database.shown, [_entry(database, table, one, notes) for one in sessions], (), resources)


def _entry(database: Database, table: Table, session: str, notes: tuple[Note, ...]) -> Entry:
    account = Account(session, shown(f"{table.name}.{session}"), notes=notes)
    return Entry(account, lambda: _read(database, table, session))


def _read(database: Database, table: Table, session: str) -> Reading:
    columns = f"{database.as_text(table.key)}, {database.quoted(table.value)}"
    rows = database.rows(
        f"SELECT {columns} FROM {database.quoted(table.name)} WHERE {database.as_text(table.session)} = %s",
        database.parameter(session),
    )
    pairs = [(text_of(key).encode(errors="replace"), bytes_of(value)) for key, value in rows if key is not None]
    collector = Collector()
    if table.has_bare_texts:
        pairs = _with_quotes(collector, pairs)
    foreign: Collection[str] = ()
    if table.foreign:
        foreign = [text_of(key) for key, _ in rows if text_of(key).startswith(table.foreign)]
    take_all(collector, pairs, encoding(table.encoding), style=table.style, foreign=foreign)
    return collector.reading()


def _with_quotes(collector: Collector, pairs: list[tuple[bytes, bytes | None]]) -> list[tuple[bytes, bytes | None]]:
    """Return pairs with quotes around each mapping that has none: in JSON it is a number, or nothing at all."""
    found = []
    count = 0
    for key, value in pairs:
        is_bare = key.startswith(MAPPING) and value is not None and value.isdigit()
        count += is_bare
        found.append((key, b'"%s"' % value if is_bare else value))
    if count:
        collector.note("mappings_quoted", count=str(count))
    return found
