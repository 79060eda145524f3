"""What `doctor` finds wrong with an API's own settings: that it finds no worker, or keeps no accounts in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from hmac import compare_digest
from pathlib import Path
from urllib.parse import urlsplit

from sessionworker.access import Role
from sessionworker.commands.endings import Stop
from sessionworker.commands.given import Given
from sessionworker.commands.machine import Line, Mark, is_local
from sessionworker.errors import NameNotAllowed
from sessionworker.migration.found import SourceError
from sessionworker.migration.readers.env_file import read_env_file
from sessionworker.names import check_name

TOKENS = ("AUTHENTICATION_API_KEY", "AUTHENTICATION_GLOBAL_AUTH_TOKEN")
"""Where APIs have the token that they send: Evolution API, and whatsapp-api."""

NEEDED = "PROVIDER_ENABLED"
HOST, PORT, PREFIX = "PROVIDER_HOST", "PROVIDER_PORT", "PROVIDER_PREFIX"


def look_at_api(given: Given, file: Path) -> Iterator[Line]:
    """Look at an API's file `.env`. No value of it that is secret is in what is said."""
    try:
        settings = read_env_file(file)
    except SourceError as error:
        yield Line(Mark.WRONG, "api", str(error))
        return
    lines = [*_look(given, settings)]
    yield from lines
    if all(line.mark is not Mark.WRONG for line in lines):
        yield Line(Mark.WELL, "api", f"with these settings it keeps its accounts in group {settings[PREFIX]!r} here")


def _look(given: Given, settings: Mapping[str, str]) -> Iterator[Line]:
    if settings.get(NEEDED) != "true":
        yield Line(Mark.WRONG, "api", f"it does not use a worker: set {NEEDED}=true")
    yield from _look_at_prefix(settings.get(PREFIX, ""))
    yield from _look_at_address(given, settings)
    yield from _look_at_token(given, settings)


def _look_at_prefix(prefix: str) -> Iterator[Line]:
    try:
        check_name("group", prefix)
    except NameNotAllowed as error:
        why = error.message if prefix else "it has no default"
        yield Line(Mark.WRONG, "api", f"set {PREFIX} to the group that is to have its accounts: {why}")


def _look_at_address(given: Given, settings: Mapping[str, str]) -> Iterator[Line]:
    host, port = settings.get(HOST, ""), settings.get(PORT, "")
    expected = str(urlsplit(given.address).port or "")
    if not host:
        yield Line(Mark.WRONG, "api", f"set {HOST} to where it finds the worker")
    elif "://" in host or "/" in host:
        yield Line(Mark.WRONG, "api", f"{HOST} is a name or an address alone, without 'http://'")
    elif is_local(f"http://{host}"):
        yield Line(
            Mark.NOTE, "api", f"{HOST} is {host}: right on the machine itself; in a container that is the container"
        )
    if port != expected:
        yield Line(Mark.WRONG, "api", f"{PORT} is {port or 'not set'}, and this worker is asked at port {expected}")


def _look_at_token(given: Given, settings: Mapping[str, str]) -> Iterator[Line]:
    name = next((name for name in TOKENS if settings.get(name)), None)
    if name is None:
        yield Line(Mark.WRONG, "api", f"it sends no token: set {' or '.join(TOKENS)} to the worker's")
        return
    if "${" in settings[name]:
        yield Line(Mark.NOTE, "api", f"{name} takes its value from another variable, which was not looked at")
        return
    try:
        token = given.token(Role.API)
    except Stop as stop:
        yield Line(Mark.NOTE, "api", f"{name} was not compared: {stop.message}")
        return
    if not compare_digest(token.secret.encode(), settings[name].encode()):
        yield Line(
            Mark.WRONG, "api", f"{name} is not the token of {token.source}: the worker refuses it, and the API ends"
        )
