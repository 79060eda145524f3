"""What commands print, how names are spelled, and what is asked before something is changed."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, NamedTuple
from urllib.parse import quote, unquote

import click
import msgspec

from sessionworker.commands.endings import Code, Stop
from sessionworker.commands.given import Given


def show(given: Given, document: object, lines: Iterable[str]) -> None:
    """Print a result: as one document for programs, or the lines for people."""
    if given.is_json:
        click.echo(msgspec.json.encode(document).decode())
        return
    for line in lines:
        click.echo(line)


def say(given: Given, text: str) -> None:
    """Tell a person something that is no result."""
    if not given.is_quiet:
        click.echo(text, err=True)


class Place(NamedTuple):
    """An instance."""

    group: str
    instance: str

    def __str__(self) -> str:
        """Spell it as a command takes it."""
        return spelled(self.group, self.instance)


class InstancePlace(click.ParamType[Place]):
    """GROUP/INSTANCE, as commands print it."""

    name = "group/instance"

    def convert(self, value: Any, param: click.Parameter | None, context: click.Context | None) -> Place:
        """Return both names."""
        if isinstance(value, Place):
            return value
        group, _, instance = map(read_name, value.partition("/"))
        if not group or not instance or "/" in instance:
            self.fail(f"'{value}' is not of the form GROUP/INSTANCE.", param, context)
        return Place(group, instance)


class GroupName(click.ParamType[str]):
    """GROUP, as commands print it."""

    name = "group"

    def convert(self, value: Any, param: click.Parameter | None, context: click.Context | None) -> str:
        """Return the name."""
        name = read_name(value)
        if not name or "/" in name:
            self.fail(f"'{value}' is not the name of a group.", param, context)
        return name


def spelled(*names: str) -> str:
    """Return names with slashes between them, for a line and a command: what a terminal must not get is escaped."""
    return "/".join(map(_spell, names))


def _spell(name: str) -> str:
    """Escape as in a path, and no more than is needed."""
    if name.isprintable() and not {"%", "/"} & set(name):
        return name
    return "".join(
        letter if letter.isprintable() and letter not in "%/" else quote(letter, safe="", errors="surrogatepass")
        for letter in name
    )


JOINER = "\u200d"
"""What stands between the parts of one emoji; all else that cannot be printed might change what a terminal shows."""


def printable(text: str) -> str:
    """Return a text for a line of a terminal: what must not get there is a question mark."""
    return "".join(letter if letter.isprintable() or letter == JOINER else "?" for letter in text)


def read_name(text: str) -> str:
    """Return the name that is spelled so."""
    return unquote(text, errors="surrogateescape")


def when(milliseconds: int | None) -> str:
    """Return a moment for people, in UTC, to the second."""
    if milliseconds is None:
        return "?"
    if milliseconds == 0:
        return "never"
    return datetime.fromtimestamp(milliseconds / 1000, UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def day(milliseconds: int) -> str:
    """Return a day for people, in UTC."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC).strftime("%Y-%m-%d")


_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")


def size(count: float | None) -> str:
    """Return a number of bytes for people."""
    if count is None:
        return "?"
    for unit in _UNITS[:-1]:
        if count < 1024:  # noqa: PLR2004 - bytes
            return f"{count:,.0f} {unit}" if unit == "B" else f"{count:,.1f} {unit}"
        count /= 1024
    return f"{count:,.1f} {_UNITS[-1]}"


def number(count: float) -> str:
    """Return a whole number for people."""
    return f"{count:,.0f}"


def span(seconds: float) -> str:
    """Return how long something takes, in its largest unit."""
    for unit, length in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds / length:,.0f} {unit}"
    return f"{seconds:,.0f} s"


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterable[str]:
    """Yield lines with columns, a head above them; nothing but the head where there is no row."""
    cells = [list(heads), *map(list, rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(heads))]
    for row in cells:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def confirm(question: str, *, is_meant: bool) -> None:
    """Ask whether something is meant, unless `--yes` said so. Raises Stop where it is not, or nobody can be asked."""
    if is_meant:
        return
    _need_somebody(question)
    with _interruptible():
        is_meant = click.confirm(question, err=True)
    if not is_meant:
        raise Stop("Nothing was changed.")


def confirm_name(question: str, name: str, *, is_meant: bool) -> None:
    """Have the name of what is lost typed, unless `--yes` said that it is meant. Raises Stop."""
    if is_meant:
        return
    _need_somebody(question)
    with _interruptible():
        typed = click.prompt(f"{question} Type its name ({spelled(name)})", default="", show_default=False, err=True)
    if typed not in {name, spelled(name)}:
        raise Stop("That is not its name. Nothing was changed.")


@contextmanager
def _interruptible() -> Iterator[None]:
    """Have Ctrl-C or SIGTERM end a question: the reactor, which has taken them over, waits for the answer."""
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, signal.default_int_handler) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


def _need_somebody(question: str) -> None:
    if not sys.stdin.isatty():
        raise Stop(f"{question} Nobody can be asked here: give --yes if it is meant.", Code.FAILED)


yes = click.option("--yes", "is_meant", is_flag=True, help="Do not ask: it is meant.")
