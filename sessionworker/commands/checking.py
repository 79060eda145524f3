"""Reads every value that is stored, and says of each instance whether it is whole: `check`."""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Iterable

import click
from msgspec import Struct

from sessionworker.access import Role
from sessionworker.client import Client, EventSummary, NotFound, Refused
from sessionworker.commands.asking import ask, is_of_the_token, sleep
from sessionworker.commands.endings import Code
from sessionworker.commands.given import Given, command
from sessionworker.commands.looking import Span
from sessionworker.commands.places import find_places
from sessionworker.commands.showing import Place, say, show, size, spelled
from sessionworker.migration.judging import judge
from sessionworker.migration.notes import Level
from sessionworker.migration.whole import values_of
from sessionworker.names import CREDS, type_of_key
from sessionworker.stores.rules.creds import read_creds
from sessionworker.values import is_json

FOUND_BROKEN = frozenset(
    {
        "creds_lost",
        "creds_restored",
        "file_set_aside",
        "files_stuck",
        "folder_unreadable",
        "folder_unusable",
        "large_value_lost",
        "read_failed",
    }
)
"""Events that a reading brings about where something is broken."""

POLL_SECONDS, POLLS = 0.2, 25
"""How often, and how many times, it is asked whether what was broken has been moved aside."""

_NO_CREDS = frozenset({"creds_missing", "not_paired", "pairing_under_way", "keys_missing"})
"""What is to be said of an account, and is nothing wrong with its store."""


class Verdict(Struct, rename="camel"):
    """What was found of an instance."""

    group: str
    instance: str
    files: int
    bytes: int
    problems: list[str]
    """In sentences; empty where it is whole."""


class Checked(Struct, rename="camel"):
    """What a check found."""

    instances: int
    """Those that there are."""
    verdicts: list[Verdict]
    """Of those that were read."""
    problems: list[str]
    """What is the matter with groups."""


@command()
@click.argument("places", metavar="[GROUP[/INSTANCE]]...", nargs=-1)
@click.option("--max-duration", type=Span(), help="Stop after so long, as 10m: some instances, others each time.")
def check(given: Given, places: tuple[str, ...], max_duration: float | None) -> None:
    """Read every value of every instance, and tell which is not whole: exit status 4 if one is not.

    What is found broken is dealt with by the worker, as whenever it is read: it is moved aside, and broken creds are
    replaced by their newest good version.
    """

    async def work(operator: Client, api: Client) -> Checked:
        return await Checking(given, operator, api, max_duration).run(places)

    found = ask(given, work, (Role.ADMIN, Role.API))
    bad = [one for one in found.verdicts if one.problems]
    lines = [f"{spelled(one.group, one.instance)}: {problem}" for one in bad for problem in one.problems]
    files, bytes_ = sum(one.files for one in found.verdicts), sum(one.bytes for one in found.verdicts)
    read = f"{len(found.verdicts):,} of {found.instances:,} instances were read: {files:,} values, {size(bytes_)}."
    lines += [*found.problems, f"{read} {len(bad):,} of them are not whole."]
    show(given, found, lines)
    if bad or found.problems:
        raise click.exceptions.Exit(Code.FOUND)


class Checking:
    """One check of a worker's instances, one after the other: nobody else is to wait for it."""

    def __init__(self, given: Given, operator: Client, api: Client, max_duration: float | None) -> None:
        """Read with an API's token what an operator's lists."""
        self._given = given
        self._operator = operator
        self._api = api
        self._max_duration = max_duration
        self._problems: dict[Place, str] = {}

    async def run(self, names: Iterable[str]) -> Checked:
        """Check those that names mean, or all."""
        found, problems = await find_places(self._operator, names)
        self._problems = {place: one.problem for place, one in found.items()}
        places = list(self._problems)
        if self._max_duration is not None:
            random.shuffle(places)
        until = float("inf") if self._max_duration is None else time.monotonic() + self._max_duration
        verdicts: list[Verdict] = []
        gone = 0
        with click.progressbar(
            places,
            label="Instances",
            file=sys.stderr,
            hidden=self._given.is_quiet or not sys.stderr.isatty(),
        ) as bar:
            for place in bar:
                if time.monotonic() >= until:
                    say(self._given, "The time is up.")
                    break
                verdict = await self._judge(place)
                if verdict is None:
                    gone += 1
                else:
                    verdicts.append(verdict)
        verdicts.sort(key=lambda one: (one.group, one.instance))
        return Checked(len(places) - gone, verdicts, problems)

    async def _judge(self, place: Place) -> Verdict | None:
        """Read all of an instance, and return what is to be said of it; None where it is gone meanwhile."""
        before = await self._last_event()
        problems = [self._problems[place]] if self._problems[place] else []
        values: dict[str, bytes] = {}
        try:
            listed = await self._api.keys(*place)
            values = await values_of(self._api, *place)
            problems += await self._missing(place, [key for key in listed if key not in values])
        except NotFound:
            return None
        except Refused as error:
            if is_of_the_token(error):
                raise
            problems.append(error.message)
        problems += [one.message for one in await self._events_of(place, before)]
        if not problems:
            problems += _problems_in(values)
            problems += await self._problems_of_versions(place, values)
        return Verdict(*place, len(values), sum(map(len, values.values())), list(dict.fromkeys(problems)))

    async def _missing(self, place: Place, keys: list[str]) -> list[str]:
        """Wait until keys that were listed, and held nothing, are listed no more, and return what of them stays.

        A broken value is taken out after it was read, and moved aside with the next checkpoint. A deletion is no event.
        """
        if not keys:
            return []
        for _ in range(POLLS):
            await sleep(POLL_SECONDS)
            listed = set(await self._api.keys(*place))
            left = [key for key in keys if key in listed]
            if not left:
                await self._operator.checkpoint()  # which moves them, and says so
                return []
        values = await self._api.read_many(*place, left)
        types = sorted({type_of_key(key) for key, value in values.items() if value is None})
        return [f"A value of type {kind} is there, and cannot be read." for kind in types]

    async def _problems_of_versions(self, place: Place, values: dict[str, bytes]) -> list[str]:
        """Return what is not right about the versions of an instance's creds."""
        creds = read_creds(values[CREDS]) if CREDS in values else None
        versions = await self._operator.versions(*place)
        if creds is not None and creds.identity not in {one.identity for one in versions}:
            again = await self._api.read(*place, CREDS)
            if again == values[CREDS]:  # else they were written meanwhile
                return ["No version of its creds is kept: lost, they could not be brought back."]
        return []

    async def _last_event(self) -> int:
        return max((one.number for one in await self._operator.events()), default=0)

    async def _events_of(self, place: Place, before: int) -> list[EventSummary]:
        """Return what was found broken about an instance meanwhile."""
        events = await self._operator.events(after=before)
        return [one for one in events if (one.group, one.instance) == place and one.event in FOUND_BROKEN]


def _problems_in(values: dict[str, bytes]) -> list[str]:
    """Return what is the matter with what an instance holds. Keys are not named: they hold phone numbers."""
    wrong = sorted({type_of_key(key) for key, value in values.items() if not is_json(value)})
    problems = [f"A value of type {kind} is no JSON." for kind in wrong]
    if values and CREDS in values:
        notes = [note for note in judge(values) if note.code not in _NO_CREDS]
        problems += [note.text() for note in notes if note.level is Level.FAILURE]
    return problems
