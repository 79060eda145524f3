"""The options that all commands have, before the command's name or behind it, and where the token comes from."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import click
from click.core import ParameterSource

from sessionworker import checks
from sessionworker.access import Role
from sessionworker.checks import DatabaseAddress
from sessionworker.commands.endings import Code, Stop
from sessionworker.errors import StartError
from sessionworker.options import TOKEN_VARIABLES
from sessionworker.tokens import TOKEN_FILE_NAME, read_tokens

DEFAULT_URL = "http://127.0.0.1:5656"
URL_VARIABLE = "SESSIONWORKER_URL"
STORE_VARIABLE = "SESSIONWORKER_STORE"
DEFAULT_STORE = "instances"
OURS = ".sessionworker"
"""The worker's own folder in a store."""

HELP = {"help_option_names": ["-h", "--help"]}
A_FILE = click.Path(path_type=Path, dir_okay=False)


class StorePlace(click.ParamType[Any]):
    """Where a store is, read as the worker's `--store` is."""

    name = "store"

    def convert(self, value: Any, _param: object, _context: object) -> Path | DatabaseAddress:
        """Return a folder, or the address of a database."""
        try:
            return checks.store(value) if isinstance(value, str) else value
        except ValueError as error:
            raise click.ClickException(f"A store is a folder, or a database: {error}.") from None


class FoundToken(NamedTuple):
    """A token, and where it was found."""

    secret: str
    source: str
    """In words, for a person to whom it is refused."""


@dataclass
class Given:
    """What was given to all commands."""

    url: str = ""
    token_file: Path | None = None
    store: Path | DatabaseAddress | None = None
    """A store whose worker does not run."""
    keys: Path | None = None
    """The key file of that store; without one, the worker's variables are read."""
    is_json: bool = False
    is_quiet: bool = False
    no_color: bool = False

    @property
    def address(self) -> str:
        """Where the worker is."""
        return self.url or os.environ.get(URL_VARIABLE) or DEFAULT_URL

    def token(self, role: Role = Role.ADMIN) -> FoundToken:
        """Return the token for an operator's questions, or with `Role.API` for session files. Raises Stop."""
        roles = (Role.ADMIN, Role.API) if role is Role.ADMIN else (Role.API,)
        if self.token_file is not None and (role is Role.ADMIN or not _is_in_environment(Role.API)):
            return _read(role, self.token_file)
        for one in roles:
            variable = TOKEN_VARIABLES[one]
            if named := os.environ.get(f"{variable}_FILE"):
                return _read(one, Path(named))
            if token := os.environ.get(variable):
                return FoundToken(token, variable)
        made = made_token_file()
        if made is not None and made.is_file():  # a folder that may not be looked into has none for us
            return _read(Role.API, made)
        raise Stop(
            f"No token is given. Name a file of it with --token-file, or set {TOKEN_VARIABLES[roles[0]]} or "
            f"{TOKEN_VARIABLES[roles[0]]}_FILE.",
            Code.TOKEN_REFUSED,
        )


def made_token_file(store: Path | None = None) -> Path | None:
    """Return where the worker of a store, or of this environment, keeps the token that it made.

    None if its store is a database.
    """
    place = str(store or os.environ.get(STORE_VARIABLE) or DEFAULT_STORE)
    return None if "://" in place else Path(place) / OURS / TOKEN_FILE_NAME


def _is_in_environment(role: Role) -> bool:
    variable = TOKEN_VARIABLES[role]
    return bool(os.environ.get(variable) or os.environ.get(f"{variable}_FILE"))


def _read(role: Role, path: Path) -> FoundToken:
    try:
        tokens = read_tokens(role, path)
    except StartError as error:
        raise Stop(str(error), Code.TOKEN_REFUSED) from None
    whole = [token for token in tokens if token.groups is None]  # one for all groups, if there is any
    return FoundToken((whole or tokens)[0].secret.decode(), f"the file {path}")


def _keep(context: click.Context, parameter: click.Parameter, value: Any) -> None:
    """Note what was given: behind the command's name it wins over what stands before it."""
    given, name = context.ensure_object(Given), str(parameter.name)
    if context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
        setattr(given, name, value)
    if given.no_color or os.environ.get("NO_COLOR"):
        context.color = False


def _options(*, hidden: bool) -> Iterator[click.Option]:
    def option(*names: str, **rest: Any) -> click.Option:
        return click.Option(names, expose_value=False, callback=_keep, hidden=hidden, **rest)

    yield option("--url", help=f"The worker. [{URL_VARIABLE}] [default: {DEFAULT_URL}]")
    yield option(
        "--token-file",
        type=A_FILE,
        help=f"A file of the operator's token. Else {TOKEN_VARIABLES[Role.ADMIN]}[_FILE] or "
        f"{TOKEN_VARIABLES[Role.API]}[_FILE] is read, or the token that the worker made in its store.",
    )
    yield option(
        "--store",
        metavar="PLACE",
        type=StorePlace(),
        help="A store whose worker does not run, a folder or postgresql://...: one is started while the command runs.",
    )
    yield option("--keys", type=A_FILE, help="The key file of an encrypted --store.")
    yield option("--json", "is_json", is_flag=True, help="Print the result as one JSON document.")
    yield option("--quiet", "is_quiet", is_flag=True, help="Print nothing but the result, and what went wrong.")
    yield option("--no-color", "no_color", is_flag=True, help="Print no colors. [NO_COLOR]")


class Command(click.Command):
    """A command that takes the options of all, too."""

    def __init__(self, *arguments: Any, **rest: Any) -> None:
        """Add them, out of sight of its help: the program's own has them."""
        super().__init__(*arguments, **{"context_settings": HELP, **rest})
        taken = {name for parameter in self.params for name in parameter.opts}
        self.params += [option for option in _options(hidden=True) if taken.isdisjoint(option.opts)]


class Program(click.Group):
    """All commands, and their options. However it ends, there is no traceback of what may happen to anybody."""

    command_class = Command

    def __init__(self, *arguments: Any, **rest: Any) -> None:
        """Add the options of all commands."""
        super().__init__(*arguments, **{"context_settings": HELP, **rest})
        self.params += _options(hidden=False)

    def invoke(self, context: click.Context) -> Any:
        """Run the command. One that is interrupted has a status of its own."""
        try:
            return super().invoke(context)
        except (KeyboardInterrupt, click.Abort):
            raise Stop("Interrupted.", Code.INTERRUPTED) from None


pass_given: Callable[[Callable[..., Any]], Callable[..., Any]] = click.make_pass_decorator(Given, ensure=True)


def command(name: str | None = None) -> Callable[[Callable[..., Any]], Command]:
    """Make a command of a function, whose first argument is what was given to all."""

    def make(function: Callable[..., Any]) -> Command:
        return click.command(name, cls=Command)(pass_given(function))

    return make
