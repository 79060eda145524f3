"""Where a server is, as a URL says it, and how it is spoken of: never with a password."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from importlib import import_module
from types import ModuleType
from urllib.parse import parse_qsl, unquote, urlsplit

from msgspec import Struct

from sessionworker.migration.found import SourceError
from sessionworker.migration.readers.collecting import shown

READ_SECONDS = 300.0
"""After which a server is given up that does not end a statement, or says nothing: to read a large table takes long."""

INSTALL = "pip install 'sessionworker[migrate]'"

_host = re.compile(r"[\w.-]+|[0-9A-Fa-f:.]+").fullmatch


class Place(Struct, frozen=True):
    """Where a server is."""

    scheme: str
    user: str
    password: str
    host: str
    port: int | None
    path: str
    """Without its first slash, and without escapes."""
    options: Mapping[str, str]

    @property
    def shown(self) -> str:
        """The place, without who asks there."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = f":{self.port}" if self.port else ""
        return shown(f"{self.scheme}://{host}{port}/{self.path}")

    def failure(self, doing: str, reason: object) -> SourceError:
        """Return the error for what went wrong there, with a driver's reason unless that holds the password."""
        said = _in_one_line(str(reason)).rstrip(".")
        hidden = not said or (self.password and _in_one_line(self.password) in said)
        return SourceError(f"{self.shown} {doing}" + ("." if hidden else f": {shown(said)}."))


def place_of(url: str, schemes: Collection[str], what: str) -> Place:
    """Return what a URL says. Raises SourceError, which shows nothing of one that cannot be read."""
    wrong = SourceError(
        f"The URL of {what} cannot be read. It begins with {min(schemes)}://, and in a name or a password "
        "@ : / ? # and % are written %40 %3A %2F %3F %23 and %25."
    )
    try:
        parts = urlsplit(_first_host(url.strip()))
        port = parts.port
    except ValueError:
        raise wrong from None
    after = f"{parts.path}?{parts.query}#{parts.fragment}"
    if parts.scheme not in schemes or parts.fragment or "@" in after:  # which is of a password then
        raise wrong
    host = parts.hostname or ""
    if host and not _host(host):
        raise wrong
    return Place(
        scheme=parts.scheme,
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        host=host,
        port=port,
        path=unquote(parts.path.removeprefix("/")),
        options=dict(parse_qsl(parts.query)),
    )


def _in_one_line(text: str) -> str:
    return " ".join(text.split())


def _first_host(url: str) -> str:
    """Return a URL with the first of several hosts alone: a cluster's has all of them."""
    before, at, after = url.rpartition("@") if "@" in url else url.partition("://")
    hosts, slash, path = after.partition("/")
    return f"{before}{at}{hosts.partition(',')[0]}{slash}{path}"


def driver(module: str, what: str) -> ModuleType:
    """Return the library that speaks with a kind of server. Raises SourceError where it is not installed."""
    try:
        return import_module(module)
    except ImportError:
        raise SourceError(f"For {what}, install its library: {INSTALL}") from None
