"""What a store on PostgreSQL says of itself, in one row: with which keys it is sealed, and whether it is a copy."""

from __future__ import annotations

import secrets

import msgspec
from msgspec.structs import replace

from sessionworker.stores.postgres.tables import Row
from sessionworker.stores.seals import Statement, changed

SEALS = "seals"
"""The row of `state` that holds the statement; it is empty in a store that never had a key."""

WHERE = f"the row '{SEALS}' of the table 'state'"
"""Where that is, for the operator."""

PLAIN = "plain"
"""What stands for a key where nothing is sealed any more."""


class Said(Statement, frozen=True):
    """What a store on PostgreSQL says of itself."""

    to: str = ""
    """The key under which all is being rewritten, or PLAIN; empty where nobody asked for it. Nothing else is written
    meanwhile."""
    number: str = ""
    """Tells one rewriting from the next."""
    copy: str = ""
    """What a copy that was made into the store says of itself, see `stores.copied`; empty where none was."""

    @property
    def text(self) -> str:
        """What is proven."""
        to = f" to {self.to} {self.number}" if self.to else ""
        return f"{super().text}{to}{f' {self.copy}' if self.copy else ''}"


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


def read_said(row: Row | None) -> Said | None:
    """Return what the row says, if it says anything. Raises StartError."""
    try:
        return msgspec.json.decode(row[0], type=Said) if row is not None and row[0] else None
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        raise changed(WHERE) from None
