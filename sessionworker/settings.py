"""Every option once: its flag, its environment variable, its default, its meaning and its check.

An option given on the command line wins over its variable, and the variable over the default.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NamedTuple

from twisted.internet.endpoints import serverFromString

from sessionworker.access import Role
from sessionworker.errors import StartError
from sessionworker.logs import FORMATS

BACKLOG = 4096
"""Connects that may wait to be accepted; the API opens 1,000 at once. The kernel cuts it to net.core.somaxconn."""

MIB = 2**20

DEFAULT_BODY_SIZE = 32 * MIB

_host = re.compile(r"[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?").fullmatch


class Source(NamedTuple):
    """Where tokens come from: one of the two, or nowhere."""

    file: Path | None = None
    value: str | None = None
    """The one token itself, where it was given in the environment."""

    @property
    def is_given(self) -> bool:
        """Whether they come from anywhere."""
        return self != Source()


@dataclass(frozen=True)
class Settings:
    """What the operator chose, checked. One attribute for each option."""

    listen: tuple[str, ...]
    """Twisted endpoint strings."""
    store: Path
    """The folder that holds the session files."""
    fsync: bool
    """Whether an acknowledged write is on the disk."""
    tokens: Mapping[Role, Source]
    """Where the tokens of each role come from."""
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


def _endpoint(text: str) -> str:
    """Check an endpoint string, and give a listening socket the backlog that the API needs."""
    if text.isdigit():
        raise ValueError(f"'{text}' is not a Twisted endpoint string; a port alone is 'tcp:{text}'")
    kind = text.partition(":")[0]
    if kind in {"tcp", "tcp6", "ssl", "unix"} and ":backlog=" not in text:
        text = f"{text}:backlog={BACKLOG}"
    from twisted.internet import reactor  # noqa: PLC0415 - importing it earlier would choose it before twistd does

    try:
        serverFromString(reactor, text)
    except Exception as error:  # noqa: BLE001 - its parsers raise ValueError, TypeError, KeyError, OSError, OpenSSL's own
        reason = "systemd has handed over no such socket" if kind == "systemd" and type(error) is IndexError else error
        raise ValueError(f"'{text}' is not a Twisted endpoint string: {reason}") from None
    return text


def _folder(text: str) -> Path:
    if not text:
        raise ValueError("the folder's path is empty")
    return Path(text)


def _hosts(text: str) -> frozenset[str]:
    names = frozenset(name.strip().lower() for name in text.split(","))
    if not all(map(_host, names)):
        raise ValueError("it must be names of hosts, without ports, with commas between them")
    return names


def _always_or_never(text: str) -> bool:
    if text not in {"always", "never"}:
        raise ValueError("it must be 'always' or 'never'")
    return text == "always"


def _log_format(text: str) -> str:
    if text not in FORMATS:
        raise ValueError("it must be 'text' or 'json'")
    return text


def _switch(text: str) -> bool:
    value = {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False}
    try:
        return value[text.lower()]
    except KeyError:
        raise ValueError("it must be 'true' or 'false'") from None


def _mebibytes(text: str) -> int:
    if text == "0":  # in session-manager's settings: the size that it has by itself
        return DEFAULT_BODY_SIZE
    size = float(text) * MIB if text.replace(".", "", 1).isdigit() else 0.0
    if not 1 <= size <= 1024 * MIB:
        raise ValueError("it must be a number of MiB, at most 1024; 0 stands for the default")
    return int(size)


def _count(least: int, most: int) -> Callable[[str], int]:
    def check(text: str) -> int:
        if not (text.isascii() and text.isdigit()) or not least <= int(text) <= most:
            raise ValueError(f"it must be a whole number from {least} to {most}")
        return int(text)

    return check


@dataclass(frozen=True)
class Option:
    """One option as the operator sees it."""

    flag: str
    variable: str
    default: str
    meaning: str
    check: Callable[[str], Any]


OPTIONS = (
    Option("listen", "SESSIONWORKER_LISTEN", "tcp:5656", "where to listen, a Twisted endpoint string", _endpoint),
    Option("store", "SESSIONWORKER_STORE", "instances", "the folder of the session files; made if missing", _folder),
    Option(
        "fsync",
        "SESSIONWORKER_FSYNC",
        "always",
        "'always': a write is on the disk before it is acknowledged; 'never': for a disk that does not matter",
        _always_or_never,
    ),
    Option(
        "token-file",
        "GLOBAL_AUTH_TOKEN_FILE",
        "",
        "a file of tokens for APIs, one a line; '<group>,<group>:<token>' is for these groups alone",
        _folder,
    ),
    Option(
        "admin-token-file",
        "SESSIONWORKER_ADMIN_TOKEN_FILE",
        "",
        "a file of tokens for operators, one a line: for /admin and /metrics, which an API's do not open then",
        _folder,
    ),
    Option(
        "view-token-file",
        "SESSIONWORKER_VIEW_TOKEN_FILE",
        "",
        "a file of tokens for those who may look at /admin and /metrics and change nothing, one a line",
        _folder,
    ),
    Option(
        "hosts",
        "SESSIONWORKER_HOSTS",
        "",
        "the names that clients may call the worker by, with commas between them; addresses always may; none: any name",
        _hosts,
    ),
    Option("body-size", "BODY_SIZE", "32", "the largest request body, in MiB; 0 stands for the default", _mebibytes),
    Option(
        "log-format",
        "SESSIONWORKER_LOG_FORMAT",
        "text",
        "what a line of the log looks like: 'text', for people, or 'json', for programs",
        _log_format,
    ),
    Option("threads", "SESSIONWORKER_THREADS", "4", "threads that read files", _count(1, 64)),
    Option(
        "connections", "SESSIONWORKER_CONNECTIONS", "10000", "connections at once; more are refused", _count(1, 10**6)
    ),
    Option("keep-versions", "SESSIONWORKER_KEEP_VERSIONS", "10", "newest versions of creds to keep", _count(1, 10**6)),
    Option(
        "keep-hours", "SESSIONWORKER_KEEP_HOURS", "24", "hours for which one version each is kept too", _count(0, 10**6)
    ),
    Option(
        "keep-days", "SESSIONWORKER_KEEP_DAYS", "30", "days for which one version each is kept too", _count(0, 10**6)
    ),
    Option(
        "keep-drops", "SESSIONWORKER_KEEP_DROPS", "30", "days for which a dropped instance is kept", _count(0, 10**6)
    ),
)
"""The options that take a value. `--http-logs` takes none."""

TOKEN_VARIABLES = {
    Role.API: "GLOBAL_AUTH_TOKEN",
    Role.ADMIN: "SESSIONWORKER_ADMIN_TOKEN",
    Role.VIEW: "SESSIONWORKER_VIEW_TOKEN",
}
"""The variables that hold one token each; the same with `_FILE` behind it names a file."""
TOKEN_FLAGS = {Role.API: "token-file", Role.ADMIN: "admin-token-file", Role.VIEW: "view-token-file"}
HTTP_LOGS_VARIABLE = "HTTP_LOGS"

PREFIX = "SESSIONWORKER_"
OTHER_VARIABLES = ("SESSIONWORKER_HEALTH_URL", *TOKEN_VARIABLES.values())
"""Variables of ours that are no options: the health check's, and tokens, which no command line may show."""


def read_settings(given: Mapping[str, Any], environment: Mapping[str, str]) -> Settings:
    """Combine command line, environment and defaults. Raises StartError for what makes no sense."""
    values = {option.flag: _choose(option, given[option.flag], environment) for option in OPTIONS}
    tokens = {role: _source(role, values[flag], given[flag], environment) for role, flag in TOKEN_FLAGS.items()}
    try:
        http_logs = bool(given["http-logs"]) or _switch(environment.get(HTTP_LOGS_VARIABLE) or "false")
    except ValueError as error:
        raise StartError(f"{HTTP_LOGS_VARIABLE}: {error}.") from None
    return Settings(
        listen=tuple(values["listen"]),
        store=values["store"][0],
        fsync=values["fsync"][0],
        tokens=tokens,
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
        doubts=tuple(_doubts(environment)),
    )


def _source(role: Role, files: list[Path], given: str | None, environment: Mapping[str, str]) -> Source:
    """Return where the tokens of a role come from. A file that is given on the command line wins over a variable."""
    variable = TOKEN_VARIABLES[role]
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


def _choose(option: Option, given: str | list[str] | None, environment: Mapping[str, str]) -> list[Any]:
    """Return an option's checked values: one, or several where it was given several times, or none."""
    source, texts = f"--{option.flag}", given
    if texts is None:
        source, texts = option.variable, environment.get(option.variable) or option.default or []
    try:
        return [option.check(text) for text in ([texts] if isinstance(texts, str) else texts)]
    except ValueError as error:
        raise StartError(f"{source}: {error}.") from None
