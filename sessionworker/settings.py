"""Every option once: its flag, its environment variable, its default, its meaning and its check.

An option given on the command line wins over its variable, and the variable over the default.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NamedTuple

from sessionworker.access import Role
from sessionworker.checks import (
    DatabaseAddress,
    always_or_never,
    count,
    database_in_file,
    endpoint,
    folder,
    hosts,
    log_format,
    mebibytes,
    shown,
    store,
    switch,
)
from sessionworker.errors import StartError


class Source(NamedTuple):
    """Where secrets come from: one of the two, or nowhere."""

    file: Path | None = None
    value: str | None = None
    """What was given in the environment itself."""

    @property
    def is_given(self) -> bool:
        """Whether they come from anywhere."""
        return self != Source()


@dataclass(frozen=True)
class Settings:
    """What the operator chose, checked. One attribute for each option."""

    listen: tuple[str, ...]
    """Twisted endpoint strings."""
    store: Path | DatabaseAddress
    """The folder that holds the session files, or the database that has them."""
    fsync: bool
    """Whether an acknowledged write is on the disk."""
    tokens: Mapping[Role, Source]
    """Where the tokens of each role come from."""
    keys: Source
    """Where the keys come from that the store is sealed with."""
    body_size: int
    """Bytes that one request's body may have."""
    hosts: frozenset[str] | None
    """Names that may be asked for, beside all addresses; None for any."""
    http_logs: bool
    """Whether each request is logged."""
    log_format: str
    """What a line of the log looks like: one of `logs.FORMATS`."""
    threads: int
    """Threads that read files, besides one that commits and one that runs checkpoints."""
    connections: int
    """Connections that may be open at once."""
    keep_versions: int
    """How many of the newest versions of creds are kept."""
    keep_hours: int
    """For how many hours one version of creds each is kept."""
    keep_days: int
    """For how many days one version of creds each is kept."""
    keep_drops: int
    """For how many days a dropped instance is kept."""
    doubts: tuple[str, ...] = ()
    """Sentences about what was probably meant otherwise, for the log."""


@dataclass(frozen=True)
class Option:
    """One option as the operator sees it."""

    flag: str
    variable: str
    default: str
    meaning: str
    check: Callable[[str], Any]


MANY = 10**6

OPTIONS = (
    Option("listen", "SESSIONWORKER_LISTEN", "tcp:5656", "where to listen, a Twisted endpoint string", endpoint),
    Option(
        "store",
        "SESSIONWORKER_STORE",
        "instances",
        "the folder of the session files, made if missing; or a database: postgresql://USER:PASSWORD@HOST:PORT/DATABASE",
        store,
    ),
    Option(
        "store-file",
        "SESSIONWORKER_STORE_FILE",
        "",
        "a file with a database's address, in the place of a folder: for who keeps the password among his secrets",
        database_in_file,
    ),
    Option(
        "fsync",
        "SESSIONWORKER_FSYNC",
        "always",
        "'always': a write is on the disk before it is acknowledged; 'never': for a disk that does not matter",
        always_or_never,
    ),
    Option(
        "token-file",
        "GLOBAL_AUTH_TOKEN_FILE",
        "",
        "a file of tokens for APIs, one a line; '<group>,<group>:<token>' is for these groups alone",
        folder,
    ),
    Option(
        "admin-token-file",
        "SESSIONWORKER_ADMIN_TOKEN_FILE",
        "",
        "a file of tokens for operators, one a line: for /admin and /metrics, which an API's do not open then",
        folder,
    ),
    Option(
        "view-token-file",
        "SESSIONWORKER_VIEW_TOKEN_FILE",
        "",
        "a file of tokens for those who may look at /admin and /metrics and change nothing, one a line",
        folder,
    ),
    Option(
        "encryption-key-file",
        "SESSIONWORKER_ENCRYPTION_KEY_FILE",
        "",
        "a file of keys, one a line: all that is stored is encrypted with the first one",
        folder,
    ),
    Option(
        "hosts",
        "SESSIONWORKER_HOSTS",
        "",
        "the names that clients may call the worker by, with commas between them; addresses always may; none: any name",
        hosts,
    ),
    Option("body-size", "BODY_SIZE", "32", "the largest request body, in MiB; 0 stands for the default", mebibytes),
    Option(
        "log-format",
        "SESSIONWORKER_LOG_FORMAT",
        "text",
        "what a line of the log looks like: 'text', for people, or 'json', for programs",
        log_format,
    ),
    Option("threads", "SESSIONWORKER_THREADS", "4", "threads that read files", count(1, 64)),
    Option(
        "connections",
        "SESSIONWORKER_CONNECTIONS",
        "10000",
        "connections at once; more are refused",
        count(1, MANY),
    ),
    Option("keep-versions", "SESSIONWORKER_KEEP_VERSIONS", "10", "newest versions of creds to keep", count(1, MANY)),
    Option(
        "keep-hours",
        "SESSIONWORKER_KEEP_HOURS",
        "24",
        "hours for which one version each is kept too",
        count(0, MANY),
    ),
    Option("keep-days", "SESSIONWORKER_KEEP_DAYS", "30", "days for which one version each is kept too", count(0, MANY)),
    Option("keep-drops", "SESSIONWORKER_KEEP_DROPS", "30", "days for which a dropped instance is kept", count(0, MANY)),
)
"""The options that take a value. `--http-logs` takes none."""

TOKEN_VARIABLES = {
    Role.API: "GLOBAL_AUTH_TOKEN",
    Role.ADMIN: "SESSIONWORKER_ADMIN_TOKEN",
    Role.VIEW: "SESSIONWORKER_VIEW_TOKEN",
}
"""The variables that hold one token each; the same with `_FILE` behind it names a file."""
KEY_VARIABLE = "SESSIONWORKER_ENCRYPTION_KEY"
"""The same for the keys of the store, which may be several here, too, one a line."""
TOKEN_FLAGS = {Role.API: "token-file", Role.ADMIN: "admin-token-file", Role.VIEW: "view-token-file"}
HTTP_LOGS_VARIABLE = "HTTP_LOGS"

PREFIX = "SESSIONWORKER_"
OTHER_VARIABLES = ("SESSIONWORKER_HEALTH_URL", "SESSIONWORKER_URL", *TOKEN_VARIABLES.values(), KEY_VARIABLE)
"""Variables of ours that are no options: those of other commands, and secrets, which no command line may show."""


def read_settings(given: Mapping[str, Any], environment: Mapping[str, str]) -> Settings:
    """Combine command line, environment and defaults. Raises StartError for what makes no sense."""
    values = {option.flag: _choose(option, given[option.flag], environment) for option in OPTIONS}
    tokens = {
        role: find_source(TOKEN_VARIABLES[role], values[flag], given[flag], environment)
        for role, flag in TOKEN_FLAGS.items()
    }
    try:
        http_logs = bool(given["http-logs"]) or switch(environment.get(HTTP_LOGS_VARIABLE) or "false")
    except ValueError as error:
        raise StartError(f"{HTTP_LOGS_VARIABLE}: {error}.") from None
    place = _place(values, given)
    keys = find_source(KEY_VARIABLE, values["encryption-key-file"], given["encryption-key-file"], environment)
    return Settings(
        listen=tuple(values["listen"]),
        store=place,
        fsync=values["fsync"][0],
        tokens=tokens,
        keys=keys,
        body_size=values["body-size"][0],
        hosts=values["hosts"][0] if values["hosts"] else None,
        http_logs=http_logs,
        log_format=values["log-format"][0],
        threads=values["threads"][0],
        connections=values["connections"][0],
        keep_versions=values["keep-versions"][0],
        keep_hours=values["keep-hours"][0],
        keep_days=values["keep-days"][0],
        keep_drops=values["keep-drops"][0],
        doubts=(
            *_doubts(environment),
            *_doubts_about_keys(keys, place),
            *_doubts_about_a_database(place, is_on_command_line=given["store"] is not None, fsync=values["fsync"][0]),
        ),
    )


def _place(values: Mapping[str, list[Any]], given: Mapping[str, Any]) -> Path | DatabaseAddress:
    """Return the store. Of two variables the file wins over a folder, which an image names for all."""
    place: Path | DatabaseAddress = values["store"][0]
    files: list[DatabaseAddress] = values["store-file"]
    if not files or (given["store"] is not None and given["store-file"] is None):
        return place
    if isinstance(place, DatabaseAddress) and given["store-file"] is None:
        raise StartError("SESSIONWORKER_STORE and SESSIONWORKER_STORE_FILE both name a database; set one of them.")
    if given["store"] is not None:
        raise StartError("--store and --store-file are both given; give one of them.")
    return files[0]


def find_source(variable: str, files: list[Path], given: str | None, environment: Mapping[str, str]) -> Source:
    """Return where a secret comes from. A file that is given on the command line wins over a variable."""
    value = environment.get(variable) or None
    if value and files and given is None:
        raise StartError(f"{variable} and {variable}_FILE are both set; set one of them.")
    return Source(file=files[0]) if files else Source(value=value)


def _doubts(environment: Mapping[str, str]) -> Iterator[str]:
    """Yield sentences about what nobody forbids, and hardly anybody means."""
    known = [option.variable for option in OPTIONS] + list(OTHER_VARIABLES)
    for name in sorted(environment):
        if name.startswith(PREFIX) and name not in known:
            [*similar] = get_close_matches(name, known, 1)
            meant = f" Is {similar[0]} meant?" if similar else ""
            yield f"The variable {name} means nothing to this worker.{meant}"
    for variable in TOKEN_VARIABLES.values():
        token = environment.get(variable)
        if token and token[0] == token[-1] and token[0] in "\"'":
            yield f"The token in {variable} begins and ends with a quotation mark, which is a part of it then."


def _doubts_about_a_database(place: Path | DatabaseAddress, *, is_on_command_line: bool, fsync: bool) -> Iterator[str]:
    if not isinstance(place, DatabaseAddress):
        return
    if is_on_command_line and place.has_password:
        yield (
            "The database's password stands on the command line, where every user of this machine can read it: give "
            "the address in SESSIONWORKER_STORE, or the password in a file that PGPASSFILE names."
        )
    if not fsync:
        yield "fsync=never changes nothing for a database: what is durable there is what synchronous_commit says."


def _doubts_about_keys(keys: Source, place: Path | DatabaseAddress) -> Iterator[str]:
    if isinstance(place, DatabaseAddress) or keys.file is None:
        return
    if place.resolve() in keys.file.resolve().parents:
        yield f"The key file {shown(keys.file)} is in the store: whoever gets the disk, or a copy of it, has both."


def _choose(option: Option, given: str | list[str] | None, environment: Mapping[str, str]) -> list[Any]:
    """Return an option's checked values: one, or several where it was given several times, or none."""
    source, texts = f"--{option.flag}", given
    if texts is None:
        source, texts = option.variable, environment.get(option.variable) or option.default or []
    try:
        return [option.check(text) for text in ([texts] if isinstance(texts, str) else texts)]
    except ValueError as error:
        raise StartError(f"{source}: {error}.") from None
