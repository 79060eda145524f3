"""What the operator chose, of the command line, the environment and the defaults that `options` lists.

An option given on the command line wins over its variable, and the variable over the default.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NamedTuple

from sessionworker.access import Role
from sessionworker.checks import DatabaseAddress, WebhookAddress, shown, switch
from sessionworker.errors import StartError
from sessionworker.options import (
    HTTP_LOGS_VARIABLE,
    KEY_VARIABLE,
    OPTIONS,
    OTHER_VARIABLES,
    PREFIX,
    TOKEN_FLAGS,
    TOKEN_VARIABLES,
    UI_VARIABLE,
    WEBHOOK_SECRET_VARIABLE,
    WEBHOOK_VARIABLE,
    Option,
)


class Source(NamedTuple):
    """Where secrets come from: one of the two, or nowhere."""

    file: Path | None = None
    value: str | None = None
    """What was given in the environment itself."""

    @property
    def is_given(self) -> bool:
        """Whether they come from anywhere."""
        return self != Source()


class ShownSetting(NamedTuple):
    """What an option is set to, without anything secret."""

    flag: str
    variable: str
    value: str


@dataclass(frozen=True)
class Settings:
    """What the operator chose, checked. One attribute for each option."""

    listen: tuple[str, ...]
    """Twisted endpoint strings."""
    ui_listen: str
    """Where the page listens, another one; empty where there is none."""
    is_ui_wanted: bool
    """Whether somebody asked for the page, or it is there by itself."""
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
    webhook: WebhookAddress | None
    """Where events are sent; None for nowhere."""
    webhook_secret: Source
    """Where the secret comes from that they are signed with."""
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
    shown: tuple[ShownSetting, ...] = ()
    """All options, as they may be shown to an operator."""
    doubts: tuple[str, ...] = ()
    """Sentences about what was probably meant otherwise, for the log."""


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
    webhook = _webhook(values, given)
    secret = find_source(
        WEBHOOK_SECRET_VARIABLE, values["webhook-secret-file"], given["webhook-secret-file"], environment
    )
    return Settings(
        listen=tuple(values["listen"]),
        ui_listen=values["ui-listen"][0],
        is_ui_wanted=given["ui-listen"] is not None or bool(environment.get(UI_VARIABLE)),
        store=place,
        fsync=values["fsync"][0],
        tokens=tokens,
        keys=keys,
        body_size=values["body-size"][0],
        hosts=values["hosts"][0] if values["hosts"] else None,
        webhook=webhook,
        webhook_secret=secret,
        http_logs=http_logs,
        log_format=values["log-format"][0],
        threads=values["threads"][0],
        connections=values["connections"][0],
        keep_versions=values["keep-versions"][0],
        keep_hours=values["keep-hours"][0],
        keep_days=values["keep-days"][0],
        keep_drops=values["keep-drops"][0],
        shown=tuple(_show(option, values[option.flag], given[option.flag], environment) for option in OPTIONS),
        doubts=(
            *_doubts(environment),
            *_doubts_about_keys(keys, place),
            *_doubts_about_a_webhook(webhook, secret),
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


def _webhook(values: Mapping[str, list[Any]], given: Mapping[str, Any]) -> WebhookAddress | None:
    """Return where events are sent. What is given on the command line wins over a variable."""
    flags = [flag for flag in ("webhook", "webhook-file") if values[flag]]
    on_command_line = [flag for flag in flags if given[flag] is not None]
    if len(on_command_line) > 1:
        raise StartError("--webhook and --webhook-file are both given; give one of them.")
    if len(flags) > 1 and not on_command_line:
        raise StartError(f"{WEBHOOK_VARIABLE} and {WEBHOOK_VARIABLE}_FILE are both set; set one of them.")
    chosen: list[WebhookAddress] = [values[flag][0] for flag in on_command_line or flags]
    return chosen[0] if chosen else None


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


def _doubts_about_a_webhook(webhook: WebhookAddress | None, secret: Source) -> Iterator[str]:
    if webhook is None and secret.is_given:
        yield f"There is a secret to sign events with, and no {WEBHOOK_VARIABLE}: none are sent."


def _doubts_about_keys(keys: Source, place: Path | DatabaseAddress) -> Iterator[str]:
    if isinstance(place, DatabaseAddress) or keys.file is None:
        return
    if place.resolve() in keys.file.resolve().parents:
        yield f"The key file {shown(keys.file)} is in the store: whoever gets the disk, or a copy of it, has both."


def _show(
    option: Option, values: list[Any], given: str | list[str] | None, environment: Mapping[str, str]
) -> ShownSetting:
    """Return an option as it may be shown: of a database's address nothing, of a file's path what is no secret."""
    if any(isinstance(value, DatabaseAddress) for value in values):
        text = "(a database)"
    elif any(isinstance(value, WebhookAddress) for value in values):
        text = ", ".join(value.host for value in values)
    elif all(isinstance(value, Path) for value in values):
        text = ", ".join(map(shown, values))
    else:
        texts = given if given is not None else environment.get(option.variable) or option.default
        text = texts if isinstance(texts, str) else ", ".join(texts)
    return ShownSetting(option.flag, option.variable, text)


def _choose(option: Option, given: str | list[str] | None, environment: Mapping[str, str]) -> list[Any]:
    """Return an option's checked values: one, or several where it was given several times, or none."""
    source, texts = f"--{option.flag}", given
    if texts is None:
        source, texts = option.variable, environment.get(option.variable) or option.default or []
    try:
        return [option.check(text) for text in ([texts] if isinstance(texts, str) else texts)]
    except ValueError as error:
        raise StartError(f"{source}: {error}.") from None
