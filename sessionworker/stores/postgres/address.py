"""Where a database is: what an operator gives as `--store`, and what of it may be shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from msgspec import Struct
from psycopg import Error
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from sessionworker.errors import StartError

SCHEMA = "sessionworker"
"""The schema of the tables, where the address names no other one."""

DEFAULTS = {
    "target_session_attrs": "read-write",  # a standby may be behind: what it does not know yet is no 404
    "connect_timeout": "3",
    "tcp_user_timeout": "5000",
    "keepalives_idle": "5",
    "keepalives_interval": "2",
    "keepalives_count": "3",
    "application_name": "sessionworker",
}
"""What libpq is told where the address says nothing else of it. Times are in seconds, but the one in milliseconds."""


_UNREADABLE = (
    "The store's address is not as libpq reads it: postgresql://USER:PASSWORD@HOST:PORT/DATABASE. What is no letter, "
    "digit, '-', '.', '_' or '~' in a user, a password or a database has to be written as %XX."
)


class Address(Struct, frozen=True):
    """Where a database is, checked."""

    conninfo: str
    """What libpq connects by. It may hold a password."""
    schema: str
    shown: str
    """The same for people, without anything that is secret."""

    def __repr__(self) -> str:
        """Show no password, wherever this comes to be printed."""
        return self.shown


def read_address(text: str) -> Address:
    """Read a `postgresql://` address. Raises StartError, which does not repeat it: it may hold a password."""
    before, _, query = text.partition("?")
    options = [option for option in query.split("&") if option]
    schemas = [unquote(option.removeprefix("schema=")) for option in options if option.startswith("schema=")]
    others = "&".join(option for option in options if not option.startswith("schema="))  # a `+` is one
    try:
        given: dict[str, Any] = conninfo_to_dict(f"{before}?{others}" if others else before)
    except Error:
        raise StartError(_UNREADABLE) from None
    # What follows an '@' that is no end of a password is taken for a host, and would be shown.
    if before.count("@") > 1 or not all(port.isdecimal() for _, port in _places(given)):
        raise StartError(_UNREADABLE)
    shown = [f"{host}:{port}" for host, port in _places(given)]
    return Address(
        make_conninfo(**{**DEFAULTS, **given}),
        next(filter(None, schemas), SCHEMA),
        f"postgresql://{','.join(shown)}/{given.get('dbname', '')}",
    )


def _places(given: Mapping[str, object]) -> list[tuple[str, str]]:
    hosts = str(given.get("host") or "localhost").split(",")
    ports = str(given.get("port") or "5432").split(",")
    return [(host, ports[min(number, len(ports) - 1)] or "5432") for number, host in enumerate(hosts)]
