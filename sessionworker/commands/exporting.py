"""What all exports have in common: which instances, one after the other, each of one moment; and what is printed."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial, wraps
from typing import Any, NamedTuple

import click

from sessionworker.access import Role
from sessionworker.client import Client, NotFound, Refused
from sessionworker.commands.asking import ask, in_threads, is_of_the_token, opened
from sessionworker.commands.endings import Code, Stop
from sessionworker.commands.given import Command, Given, pass_given
from sessionworker.commands.importing import report_lines
from sessionworker.commands.places import find_places
from sessionworker.commands.showing import number, say, show, spelled
from sessionworker.migration.arriving import WAITING_GROUP
from sessionworker.migration.found import InThread
from sessionworker.migration.notes import Level, Note
from sessionworker.migration.reports import Report, State, Told
from sessionworker.migration.targets.target import Target, TargetError
from sessionworker.migration.unbroken import unbroken
from sessionworker.names import CREDS


class Exported(NamedTuple):
    """What became of an export."""

    report: Report
    problems: list[str]
    """What is the matter with groups, or with what was named, in sentences."""

    @property
    def is_whole(self) -> bool:
        """Whether all that was meant was exported."""
        notes = (note for one in self.report.accounts for note in one.notes)
        return self.report.is_whole and not self.problems and not any(note.level is Level.FAILURE for note in notes)


def exporter(name: str) -> Callable[[Callable[..., None]], Command]:
    """Make a command of a function that is given what was given to all, the instances' names, and its own options."""

    def make(function: Callable[..., None]) -> Command:
        @wraps(function)
        def run(given: Given, **options: Any) -> None:
            function(given, **options)

        decorated: Any = pass_given(run)
        places = click.Argument(["places"], metavar="[GROUP[/INSTANCE]]...", nargs=-1)
        decorated.__click_params__ = [places, *decorated.__click_params__]  # from the last one to the first
        return click.command(name, cls=Command)(decorated)

    return make


def export_to(given: Given, open_target: Callable[[], Target], places: tuple[str, ...]) -> None:
    """Export instances, and print what became of each. Raises Stop, and Exit where something was left out."""
    begun: list[Report] = []
    try:
        exported = export(given, open_target, places, begun)
    except (Stop, KeyboardInterrupt):
        for one in begun:
            if one.accounts:  # what was written until then is there
                show(given, one.document(), report_lines(one))
        raise
    show(given, exported.report.document(), [*exported.problems, *report_lines(exported.report)])
    if begun and exported.report.count(State.EXPORTED):  # an archive connects nobody
        say(
            given,
            "Two programs with one account disconnect each other: stop the API here before the other one connects.",
        )
    end_for(exported)


def problems_of(exported: Exported) -> list[str]:
    """Return a sentence for each thing that is to be said of an export."""
    accounts = exported.report.accounts
    notes = [f"{spelled(one.group, one.instance)}: {note.text()}" for one in accounts for note in one.notes]
    return [*exported.problems, *notes]


def end_for(exported: Exported) -> None:
    """End a command with the status that fits. Raises Exit."""
    if not exported.is_whole:
        raise click.exceptions.Exit(Code.PARTLY if exported.report.count(State.EXPORTED) else Code.FAILED)


def export(
    given: Given,
    open_target: Callable[[], Target],
    places: Iterable[str],
    begun: list[Report] | None = None,
    *,
    may_be_empty: bool = False,
) -> Exported:
    """Write instances to a target, all of them unless some are named. Raises Stop, also where there is none.

    Unless that `may_be_empty`. The report is put into `begun` if something stays of an export that does not come to its
    end.
    """
    begun = [] if begun is None else begun
    work = partial(_export, given, open_target, tuple(places), begun, may_be_empty)
    return ask(given, work, (Role.ADMIN, Role.API))


async def _export(
    given: Given,
    open_target: Callable[[], Target],
    names: tuple[str, ...],
    begun: list[Report],
    may_be_empty: bool,
    operator: Client,
    api: Client,
) -> Exported:
    found, problems = await find_places(operator, names)
    wanted = [(place, one.label) for place, one in found.items() if place.group != WAITING_GROUP or names]
    if not wanted and not (may_be_empty and not problems):
        raise Stop(" ".join(["There is no instance to export.", *problems]))
    async with in_threads() as in_thread:
        try:
            async with opened(in_thread, open_target) as target:
                report = Report(target.shown, is_dry=False)
                begun += [] if target.takes_all else [report]
                with click.progressbar(
                    wanted, label="Instances", file=sys.stderr, hidden=given.is_quiet or not sys.stderr.isatty()
                ) as bar:
                    for place, label in bar:
                        told = Told(*place, target.shown, label)
                        with suppress(NotFound):  # it is gone meanwhile
                            values = await _read(told, api, target)
                            report.accounts.append(told)
                            if values is not None:
                                await unbroken(_write(told, values, target, in_thread))
                await in_thread(target.finish)
        except TargetError as error:
            raise Stop(str(error)) from None
    return Exported(report, problems)


async def _read(told: Told, api: Client, target: Target) -> dict[str, bytes] | None:
    """Read an instance; None where nothing of it is exported, which is noted. Raises NotFound."""
    try:
        values, broken = await api.read_whole(told.group, told.instance)
    except NotFound:
        raise
    except Refused as error:
        if is_of_the_token(error):
            raise
        told.notes.append(Note("refused_by_worker", {"reason": error.message}))
        return None
    told.measure(values)
    if broken:
        told.notes.append(Note("broken_in_worker", {"count": number(broken)}))
    if CREDS not in values and not target.takes_all:
        told.notes.append(Note("nothing_to_export"))
        told.state = State.NOT_PAIRED
        return None
    return values


async def _write(told: Told, values: dict[str, bytes], target: Target, in_thread: InThread) -> None:
    """Write an instance, and note what became of it."""
    try:
        told.notes += await in_thread(target.write, told.instance, told.group, values, told.label)
    except TargetError as error:
        if target.takes_all:  # it is one file, which is broken now
            raise
        told.notes.append(Note("not_written", {"reason": str(error)}))
    else:
        told.state = State.EXPORTED
