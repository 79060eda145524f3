"""The file of the worker's tokens: `token show-path` and `token new`."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

import click

from sessionworker.access import Role
from sessionworker.checks import DatabaseAddress
from sessionworker.commands.endings import Code, Stop
from sessionworker.commands.given import A_FILE, HELP, Given, command, made_token_file
from sessionworker.commands.showing import say, show
from sessionworker.disk import opened_folder
from sessionworker.errors import StartError
from sessionworker.options import TOKEN_VARIABLES
from sessionworker.tokens import read_tokens


@click.group(context_settings=HELP)
def token() -> None:
    """Find the token that APIs send to the worker, or make a new one."""


@command("show-path")
def show_path(given: Given) -> None:
    """Print which file has the token, as this environment's worker looks for it. The token itself is never printed."""
    path = _file(given)
    show(given, {"path": str(path)}, [str(path)])


@command("new")
@click.option("--file", "path", type=A_FILE, help="The file of tokens; else the one that 'token show-path' prints.")
@click.option("--replace", is_flag=True, help="Leave the new token alone in it: who has an old one is refused then.")
def new(given: Given, path: Path | None, replace: bool) -> None:
    """Put a new token in front of those in the file of tokens, which all stay in force."""
    path = path or _file(given)
    try:
        read_tokens(Role.API, path)  # a file that makes no sense is not made worse
        before = path.read_text(encoding="utf-8-sig")
        _write(path, f"{secrets.token_urlsafe(32)}\n{'' if replace else before}")
    except StartError as error:
        raise Stop(str(error)) from None
    except OSError as error:
        raise Stop(f"{path} cannot be written: {error.strerror}.") from None
    show(given, {"path": str(path)}, [f"The first line of {path} is a new token."])
    say(given, "Send the worker SIGHUP: it is in force then. Give it to each API, and to who looks at /metrics.")
    if not replace:
        say(given, "Then take the old line out of the file, and send SIGHUP again.")


def _file(given: Given) -> Path:
    """Return which file has the tokens of APIs. Raises Stop."""
    variable = TOKEN_VARIABLES[Role.API]
    if given.token_file is not None:
        return given.token_file
    if named := os.environ.get(f"{variable}_FILE"):
        return Path(named)
    if os.environ.get(variable):
        raise Stop(f"The token is in no file: it is what the variable {variable} holds.")
    made = None if isinstance(given.store, DatabaseAddress) else made_token_file(given.store)
    if made is None:
        raise Stop(
            "The worker of a database makes no token: it is in the file, or the variable, that its settings name."
        )
    if not made.exists():
        raise Stop(f"There is no token in {made}: no worker with this store has made one.", Code.NO_WORKER)
    return made


def _write(path: Path, text: str) -> None:
    """Replace a file, whole or not at all; it stays with whom it is."""
    was = path.stat()
    temporary = path.with_name(f".{path.name}.new")
    temporary.unlink(missing_ok=True)
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w") as file:
            if (was.st_uid, was.st_gid) != (os.geteuid(), os.getegid()):
                os.fchown(file.fileno(), was.st_uid, was.st_gid)
            os.fchmod(file.fileno(), was.st_mode & 0o777)
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.rename(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    with opened_folder(str(path.parent)) as folder:
        os.fsync(folder)


token.add_command(show_path)
token.add_command(new)
