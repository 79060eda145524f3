"""`sessionworker key`: makes keys, tells with which ones a store is encrypted, and has it rewritten with the first."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click

from sessionworker.access import Role
from sessionworker.errors import StartError
from sessionworker.keys import make_key
from sessionworker.settings import TOKEN_VARIABLES
from sessionworker.tokens import read_tokens

DEFAULT_URL = "http://127.0.0.1:5656"
URL_VARIABLE = "SESSIONWORKER_URL"

TIMEOUT = 30.0
"""Seconds for each answer: the worker may have to look at thousands of folders."""

POLL_SECONDS = 0.5
"""How often the worker is asked how far it has come."""

PATIENCE_SECONDS = 60.0
"""For how long a worker that does not answer is waited for: it may be restarted just now."""


class _Silent(Exception):
    """The worker does not answer."""


class Worker:
    """A running worker, as whoever holds an operator's token sees it."""

    def __init__(self, url: str, token: str) -> None:
        """Speak to the one at `url`, plain http."""
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port or 80
        except ValueError:
            host = None
        if not host or parts.scheme != "http":
            raise click.ClickException(f"'{url}' is not a plain http address.")
        self._url = url
        self._host, self._port, self._token = host, port, token

    def ask(self, method: str, path: str) -> Any:
        """Return the answer. Raises _Silent where there is none, or a ClickException for a refusal."""
        connection = HTTPConnection(self._host, self._port, timeout=TIMEOUT)
        try:
            connection.request(method, path, headers={"apikey": self._token})
            response = connection.getresponse()
            body = response.read()
        except ValueError:  # whose text has the token
            raise click.ClickException("The token cannot be sent: it has to be one line of printable ASCII.") from None
        except (OSError, HTTPException) as error:
            raise _Silent(f"{self._url} does not answer: {str(error) or type(error).__name__}.") from None
        finally:
            connection.close()
        if response.status >= HTTPStatus.BAD_REQUEST:
            raise click.ClickException(f"{self._url} answers {response.status}: {_message_in(body)}")
        try:
            return json.loads(body) if body else None
        except ValueError:
            raise click.ClickException(f"{self._url} does not answer as this worker does.") from None


def _message_in(body: bytes) -> str:
    try:
        return " ".join(json.loads(body)["message"])
    except (ValueError, KeyError, TypeError):
        return "it is not this worker."


def _find_token(file: Path | None) -> str:
    for role in (Role.ADMIN, Role.API):
        variable = TOKEN_VARIABLES[role]
        named = os.environ.get(f"{variable}_FILE")
        path = file or (Path(named) if named else None)
        if path is not None:
            try:
                return read_tokens(role, path)[0].secret.decode()
            except StartError as error:
                raise click.ClickException(str(error)) from None
        if token := os.environ.get(variable):
            return token
    raise click.ClickException(f"No token is given. Set {TOKEN_VARIABLES[Role.ADMIN]}, or name a file of it.")


def _of_a_worker(command: Callable[..., None]) -> Callable[..., None]:
    command = click.option("--url", default=DEFAULT_URL, envvar=URL_VARIABLE, show_default=True, help="The worker.")(
        command
    )
    path = click.Path(path_type=Path, dir_okay=False)
    return click.option("--token-file", type=path, help="A file of the operator's token.")(command)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Keys with which a worker encrypts what it stores."""


@main.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
def make(file: Path) -> None:
    """Put a new key in front of those in FILE, which is made if it is missing."""
    try:
        key = make_key(file)
    except StartError as error:
        raise click.ClickException(str(error)) from None
    except OSError as error:
        raise click.ClickException(f"{file} cannot be written: {error.strerror}.") from None
    click.echo(f"The key {key.name} is the first one in {file} now. Keep a copy of that file elsewhere.")
    click.echo("Start the worker again with it, and run 'sessionworker-key rewrite' then.")


@main.command()
@_of_a_worker
def status(url: str, token_file: Path | None) -> None:
    """Tell with which keys all is encrypted that a worker stores."""
    try:
        found = Worker(url, _find_token(token_file)).ask("GET", "/admin/encryption")
    except _Silent as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"written now: {_way(found['key'])}")
    others = [_way(key) for key in found["keys"] if key != found["key"]]
    if found["plain"] and found["key"]:
        others.append(_way(""))
    click.echo(f"may be there, too: {', '.join(others) or 'nothing else'}")
    click.echo(f"instances: {found['instances']}, of which {found['done']} hold nothing else")
    click.echo(f"being rewritten: {'yes' if found['isRewriting'] else 'no'}")


def _way(key: str) -> str:
    return f"encrypted with the key {key}" if key else "plain"


@main.command()
@_of_a_worker
def rewrite(url: str, token_file: Path | None) -> None:
    """Have a worker rewrite what is not encrypted with the first key. Run it again to go on where it was stopped."""
    worker = Worker(url, _find_token(token_file))
    try:
        found = _follow(worker)
    except _Silent as error:
        raise click.ClickException(str(error)) from None
    except KeyboardInterrupt:
        with suppress(_Silent):  # one that is started again does not go on by itself
            worker.ask("DELETE", "/admin/encryption/rewrite")
        raise click.ClickException("Stopped. What was rewritten stays so; run it again to go on.") from None
    if not _is_over(found):
        left = found["instances"] - found["done"]
        what = f"{left} instances are" if left else "What is in no instance is"
        raise click.ClickException(f"{what} left. The worker's log says why.")
    rest = "Other keys can be taken out of the key file." if found["key"] else "No key is needed any more."
    click.echo(f"All that is stored is {_way(found['key'])}. {rest}")


def _is_over(found: Any) -> bool:
    key = found["key"]
    return bool(found["keys"] == ([key] if key else []) and found["plain"] == (not key))


def _follow(worker: Worker) -> Any:
    """Have it done, show how far it has come, and return how it ended. Raises _Silent."""
    found = worker.ask("GET", "/admin/encryption")
    if _is_over(found):
        return found
    worker.ask("POST", "/admin/encryption/rewrite")
    with click.progressbar(length=max(1, found["instances"]), label="Instances") as bar:
        answered, tried = time.monotonic(), -1
        while True:
            time.sleep(POLL_SECONDS)
            try:
                found = worker.ask("GET", "/admin/encryption")
                bar.length = max(1, found["instances"])
                bar.update(found["done"] - bar.pos)
                if _is_over(found):
                    return found
                if not found["isRewriting"]:  # it was started again, or could not do the rest
                    if found["done"] == tried:
                        return found
                    worker.ask("POST", "/admin/encryption/rewrite")
                    tried = found["done"]
                answered = time.monotonic()
            except _Silent:
                tried = -1
                if time.monotonic() - answered > PATIENCE_SECONDS:
                    raise
