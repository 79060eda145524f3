"""The rows of an Evolution 2's database that an account is written to: its instance, and the session of that."""

from __future__ import annotations

import secrets
import string

from msgspec import Struct

from sessionworker.errors import NameNotAllowed
from sessionworker.migration.readers.collecting import shown
from sessionworker.migration.readers.sql import Database, bytes_of, text_of
from sessionworker.migration.sources.evolution import BAILEYS_INTEGRATION
from sessionworker.migration.targets.target import TargetError
from sessionworker.names import check_name

OPEN = "open"
"""The state of an instance that 2.3.7 and later connect at their start; older ones connect all."""

_LETTERS = string.ascii_lowercase + string.digits
_LENGTH_OF_ID = 25


class LockedRow(Struct, frozen=True):
    """An instance, which nobody else changes until the transaction ends."""

    id: str
    name: str
    has_session: bool
    creds: bytes | None
    """As they lie in its session's row."""


def locked_row(database: Database, name: str, client_name: str) -> LockedRow:
    """Return the instance whose id, or else whose name, is this one, and keep others from it. Raises TargetError."""
    columns = [database.as_text(column) for column in ("id", "name", "integration", "clientName")]
    wanted = database.parameter(name)
    found = database.rows(
        f"SELECT {', '.join(columns)} FROM {database.quoted('Instance')} "
        f"WHERE {columns[0]} = %s OR {columns[1]} = %s FOR UPDATE",
        *(wanted, wanted),
    )
    rows = {_text(row[0]): [_text(value) for value in row] for row in found}
    if not rows:
        raise TargetError(
            f"There is no instance {shown(name)} in the table Instance of {database.shown}. Make it in Evolution first."
        )
    id_, label, integration, client = rows.get(name) or next(iter(rows.values()))
    try:
        check_name("instance", id_)
    except NameNotAllowed as error:
        raise TargetError(str(error)) from None
    if client != client_name:
        raise TargetError(
            f"The instance {shown(label)} is of another installation, whose client name is {shown(client)}."
        )
    if integration not in {"", BAILEYS_INTEGRATION}:
        raise TargetError(
            f"The instance {shown(label)} is of another integration, {shown(integration)}, which has no session files."
        )
    sessions = database.rows(
        f"SELECT {database.quoted('creds')} FROM {database.quoted('Session')} "
        f"WHERE {database.as_text('sessionId')} = %s FOR UPDATE",
        database.parameter(id_),
    )
    return LockedRow(id_, label, bool(sessions), bytes_of(sessions[0][0]) if sessions else None)


def put_creds(database: Database, row: LockedRow, creds: str | None) -> None:
    """Have an instance keep these creds, or none here, and be connected at the next start. Raises TargetError."""
    sessions, session_id = database.quoted("Session"), database.quoted("sessionId")
    this = f"WHERE {database.as_text('sessionId')} = %s"
    if creds is None:
        database.change(f"DELETE FROM {sessions} {this}", database.parameter(row.id))
    else:
        _check_length(database, creds)
        if row.has_session:
            setting = f"UPDATE {sessions} SET {database.quoted('creds')} = %s {this}"
            database.change(setting, creds, database.parameter(row.id))
        else:
            columns = f"{database.quoted('id')}, {session_id}, {database.quoted('creds')}"
            database.change(f"INSERT INTO {sessions} ({columns}) VALUES (%s, %s, %s)", _new_id(), row.id, creds)
        _check_what_is_there(database, this, row, creds)
    database.change(
        f"UPDATE {database.quoted('Instance')} SET {database.quoted('connectionStatus')} = %s "
        f"WHERE {database.as_text('id')} = %s",
        *(OPEN, database.parameter(row.id)),
    )


def _check_length(database: Database, creds: str) -> None:
    """See that creds fit into their column: without its strict mode MySQL cuts them off, and says nothing."""
    if not database.is_mysql:
        return
    [[longest]] = database.rows(
        "SELECT character_octet_length FROM information_schema.columns "
        "WHERE table_schema = database() AND table_name = 'Session' AND column_name = 'creds'"
    )
    size = len(creds.encode())
    if longest is not None and size > longest:
        raise TargetError(
            f"Its creds would be {size:,} bytes in the column creds of the table Session, which takes {longest:,}. "
            "They cannot be kept in this MySQL, unless the column is made a LONGTEXT."
        )


def _check_what_is_there(database: Database, this: str, row: LockedRow, creds: str) -> None:
    """See that creds are there as they were written: what a column cannot hold, some databases change."""
    [[found]] = database.rows(
        f"SELECT {database.quoted('creds')} FROM {database.quoted('Session')} {this}", database.parameter(row.id)
    )
    if bytes_of(found) != creds.encode():
        raise TargetError(f"{database.shown} does not keep creds as they are given to it, and is left as it was.")


def _new_id() -> str:
    """Return an id as Prisma makes them; nobody looks for it."""
    return "c" + "".join(secrets.choice(_LETTERS) for _ in range(_LENGTH_OF_ID - 1))


def _text(value: object) -> str:
    return "" if value is None else text_of(value)
