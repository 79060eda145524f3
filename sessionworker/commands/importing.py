"""What all imports have in common: their options, and what is printed of them."""

from __future__ import annotations

import csv
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import partial, wraps
from pathlib import Path
from typing import Any, NamedTuple

import click
import msgspec
from twisted.internet.defer import CancelledError

from sessionworker.access import Role
from sessionworker.client import Client
from sessionworker.commands.asking import ask, in_threads, opened
from sessionworker.commands.endings import Code, Stop
from sessionworker.commands.given import Command, Given, pass_given
from sessionworker.commands.showing import GroupName, number, printable, say, show, size, spelled, table
from sessionworker.migration.arriving import Arriving
from sessionworker.migration.found import InThread, Source, SourceError
from sessionworker.migration.importing import GroupMissingError, Importing
from sessionworker.migration.notes import TOLD, Language, Level, Note
from sessionworker.migration.pages import page_of
from sessionworker.migration.reports import THERE, Report, State, Told

QUESTIONS = sorted(code.replace("_", "-") for code, told in TOLD.items() if told.level is Level.QUESTION)
"""What an operator may accept, as it is typed."""

PATIENCE_SECONDS = 60.0
"""For how long a worker may have too much to do, until an account fails for that."""


class Wanted(NamedTuple):
    """What was asked of an import, besides where it reads."""

    group: str | None
    only: tuple[str, ...]
    names: Mapping[str, str] | None
    accept: tuple[str, ...]
    dry_run: bool
    report: Path | None
    page: Path | None


class NamesFile(click.ParamType[Any]):
    """A CSV file of names, each with a new one."""

    name = "file"

    def convert(self, value: Any, param: click.Parameter | None, context: click.Context | None) -> Mapping[str, str]:
        """Return new names by old ones."""
        names: dict[str, str] = {}
        try:
            with Path(value).open(newline="", encoding="utf-8-sig") as file:
                rows = [[word.strip() for word in row] for row in csv.reader(file) if row]
        except OSError as error:
            self.fail(f"The names in {value} cannot be read: {error.strerror}.", param, context)
        except (UnicodeDecodeError, csv.Error):
            self.fail(f"The names in {value} cannot be read: they have to be CSV, in UTF-8.", param, context)
        for row in rows:
            if len(row) != len(("old", "new")) or not all(row):
                self.fail(f"Each line of {value} has to be a name, a comma, and the new name.", param, context)
            if names.setdefault(*row) != row[1]:
                self.fail(f"In {value} {row[0]} has several new names.", param, context)
        return names


_FILE = click.Path(path_type=Path, dir_okay=False)

_OPTIONS = (
    click.option("--group", type=GroupName(), help="The group here, where the source has none itself."),
    click.option("--only", multiple=True, metavar="NAME", help="Import this one alone. May be given several times."),
    click.option(
        "--map", "names", type=NamesFile(), help="A CSV file of two columns: an account's name, and its new one."
    ),
    click.option(
        "--accept",
        multiple=True,
        metavar="CODE",
        type=click.Choice(QUESTIONS),
        help="Import although this was found; the report names what there is. May be given several times.",
    ),
    click.option("--dry-run", is_flag=True, help="Change nothing; say what would be imported. The source may run."),
    click.option("--report", type=_FILE, help="Write the report to this file, as JSON."),
    click.option(
        "--page", type=_FILE, help="Write it to this one, as a page for people; in Portuguese if LANG says so."
    ),
)


def importer(name: str) -> Callable[[Callable[..., None]], Command]:
    """Make a command of a function that is given what was given to all, what is wanted, and its own options."""

    def make(function: Callable[..., None]) -> Command:
        @wraps(function)
        def run(given: Given, **options: Any) -> None:
            wanted = Wanted(**{field: options.pop(field) for field in Wanted._fields})
            function(given, wanted, **options)

        decorated: Any = pass_given(run)
        for option in reversed(_OPTIONS):
            decorated = option(decorated)
        return click.command(name, cls=Command)(decorated)

    return make


def import_from(given: Given, open_source: Callable[[], Source], wanted: Wanted) -> None:
    """Import what a source holds, and print what became of it. Raises Stop, and Exit where something was left out."""
    for file in (wanted.report, wanted.page):
        _check_place(file)
    begun: list[Report] = []
    try:
        work = partial(_import, given, open_source, wanted, begun)
        report = ask(given, work, (Role.API, Role.ADMIN), patience=PATIENCE_SECONDS)
    except (SourceError, Stop, KeyboardInterrupt) as error:
        for one in begun:  # what was done until then is done
            _tell(given, wanted, one)
        if isinstance(error, KeyboardInterrupt):
            raise
        code = error.exit_code if isinstance(error, Stop) else Code.FAILED
        if code == Code.FAILED and any(one.count(*THERE) for one in begun):
            code = Code.PARTLY
        raise Stop(str(error), Code(code)) from None
    _tell(given, wanted, report)
    if not report.is_whole:
        raise click.exceptions.Exit(Code.PARTLY if report.count(*THERE, State.READY) else Code.FAILED)


def _check_place(report: Path | None) -> None:
    """See that a report can be written, before there is one. Raises Stop."""
    if report is None:
        return
    try:
        with report.open("ab"):
            pass
    except OSError as error:
        raise Stop(
            f"The report cannot be written to {click.format_filename(report)}: {error.strerror}.", Code.USAGE
        ) from None


def _tell(given: Given, wanted: Wanted, report: Report) -> None:
    """Print a report, and write it where it is wanted. Raises Stop."""
    show(given, report.document(), report_lines(report))
    if wanted.report is not None:
        _write(wanted.report, msgspec.json.format(msgspec.json.encode(report.document())) + b"\n")
    if wanted.page is not None:
        _write(wanted.page, page_of(report, spoken(os.environ)))


def _write(file: Path, data: bytes) -> None:
    try:
        file.write_bytes(data)
    except OSError as error:
        raise Stop(f"The report cannot be written to {click.format_filename(file)}: {error.strerror}.") from None


def spoken(variables: Mapping[str, str]) -> Language:
    """Return the language that the environment asks for; see locale(7)."""
    names = ("LC_ALL", "LC_MESSAGES", "LANG")
    wanted = next((variables[name] for name in names if variables.get(name)), "")
    return "pt-BR" if wanted.startswith("pt") else "en"


def reading_in(in_one: InThread) -> InThread:
    """Return what calls a function of a source in a thread. It raises SourceError, whatever the function raises."""

    async def in_thread(function: Callable[..., Any], *arguments: Any) -> Any:
        try:
            return await in_one(function, *arguments)
        except (SourceError, CancelledError):
            raise
        except Exception as error:  # its text may hold what it read, or a password
            what = f"{type(error).__module__}.{type(error).__qualname__}".removeprefix("builtins.")
            raise SourceError(f"The source could not be read: {what}.") from error

    return in_thread


async def _import(
    given: Given, open_source: Callable[[], Source], wanted: Wanted, begun: list[Report], api: Client, admin: Client
) -> Report:
    async with in_threads() as in_one:
        in_thread = reading_in(in_one)
        async with opened(in_thread, open_source) as source:
            return await _bring(given, source, in_thread, wanted, begun, Arriving(api, admin))


async def _bring(
    given: Given, source: Source, in_thread: InThread, wanted: Wanted, begun: list[Report], arriving: Arriving
) -> Report:
    """Import what a source holds. The report is put into `begun` once something may be written."""
    accepted = frozenset(code.replace("-", "_") for code in wanted.accept)
    importing = Importing(
        source,
        arriving,
        in_thread,
        group=wanted.group or "",
        only=wanted.only,
        names=wanted.names or {},
        accepted=accepted,
    )
    say(given, f"Reading {source.shown} ...")
    try:
        report, planned = await importing.plan()
    except GroupMissingError:
        text = "The source has no groups. Name the one that they are to be in, with --group."
        raise Stop(text, Code.USAGE) from None
    if planned and (unknown := sorted(importing.not_found)):
        raise Stop(f"There is no account in {source.shown} that is called {', '.join(map(spelled, unknown))}.")
    if not planned:
        raise Stop(f"There is no account in {source.shown}{' that is called so' if wanted.only else ''}.")
    if wanted.dry_run:
        return report
    keys = sum(told.keys for _, told in planned if told.state is State.READY)
    report.is_dry = False
    begun.append(report)
    with click.progressbar(length=max(1, keys), label="Session files", file=sys.stderr, hidden=given.is_quiet) as bar:
        arriving.advance = bar.update
        await importing.run(planned)
    return report


def report_lines(report: Report) -> Iterator[str]:
    """Yield the report for people."""
    yield from table(("instance", "state", "keys", "bytes", "from"), map(_row, report.accounts))
    for one in report.accounts:
        if one.notes:
            yield ""
            yield f"{spelled(one.group, one.instance)}{f' ({printable(one.label)})' if one.label else ''}:"
            yield from map(_note, one.notes)
    if report.notes:
        yield ""
        yield f"{report.source}:"
        yield from map(_note, report.notes)
    yield ""
    counts = ", ".join(f"{number(count)} {state.value}" for state in State if (count := report.count(state)))
    yield f"{counts}." if counts else "Nothing."
    if any(note.level is Level.QUESTION for one in report.accounts for note in one.notes):
        yield "What is left out waits for your word: --accept and the code of what was found."


def _row(one: Told) -> tuple[str, ...]:
    return spelled(one.group, one.instance), one.state.value, number(one.keys), size(one.bytes), one.origin


def _note(note: Note) -> str:
    code = f" [{note.code.replace('_', '-')}]" if note.level is Level.QUESTION else ""
    return f"  {note.level.value}{code}: {note.text()}"
