"""Every option once: its flag, its environment variable, its default, its meaning and its check."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sessionworker.access import Role
from sessionworker.checks import (
    always_or_never,
    count,
    database_in_file,
    endpoint,
    endpoint_or_off,
    folder,
    hosts,
    log_format,
    mebibytes,
    store,
    webhook,
    webhook_in_file,
)


@dataclass(frozen=True)
class Option:
    """One option as the operator sees it."""

    flag: str
    variable: str
    default: str
    meaning: str
    check: Callable[[str], Any]


MANY = 10**6

UI_VARIABLE = "SESSIONWORKER_UI_LISTEN"
UI_LISTEN = "tcp:5657:interface=127.0.0.1"
"""Where the page listens if nobody says otherwise: this machine alone gets at it."""
WEBHOOK_VARIABLE = "SESSIONWORKER_WEBHOOK"
WEBHOOK_SECRET_VARIABLE = "SESSIONWORKER_WEBHOOK_SECRET"  # noqa: S105 - a variable's name

OPTIONS = (
    Option("listen", "SESSIONWORKER_LISTEN", "tcp:5656", "where to listen, a Twisted endpoint string", endpoint),
    Option(
        "ui-listen",
        UI_VARIABLE,
        UI_LISTEN,
        "where the page for operators listens, a Twisted endpoint string; 'off': there is none",
        endpoint_or_off,
    ),
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
    Option(
        "webhook",
        WEBHOOK_VARIABLE,
        "",
        "where each event is sent, an http:// or https:// address; none: nowhere",
        webhook,
    ),
    Option(
        "webhook-file",
        f"{WEBHOOK_VARIABLE}_FILE",
        "",
        "a file with that address: for who keeps it among his secrets",
        webhook_in_file,
    ),
    Option(
        "webhook-secret-file",
        f"{WEBHOOK_SECRET_VARIABLE}_FILE",
        "",
        "a file with the secret that events are signed with",
        folder,
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
OTHER_VARIABLES = (
    "SESSIONWORKER_HEALTH_URL",
    "SESSIONWORKER_URL",
    *TOKEN_VARIABLES.values(),
    KEY_VARIABLE,
    WEBHOOK_SECRET_VARIABLE,
)
"""Variables of ours that are no options: those of other commands, and secrets, which no command line may show."""
