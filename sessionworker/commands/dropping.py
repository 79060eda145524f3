"""Letting instances go and bringing them back: `drop`, `drops`, `undrop` and `purge`."""

from __future__ import annotations

from collections.abc import Iterable

import click
from msgspec import Struct

from sessionworker.access import Role
from sessionworker.client import Client, DropSummary, NameTaken
from sessionworker.commands.asking import ask
from sessionworker.commands.endings import Code, Stop
from sessionworker.commands.given import Given, command
from sessionworker.commands.looking import DAY_SECONDS
from sessionworker.commands.showing import (
    GroupName,
    InstancePlace,
    Place,
    confirm_name,
    day,
    printable,
    say,
    show,
    size,
    spelled,
    table,
    when,
    yes,
)
from sessionworker.options import MANY
from sessionworker.stores.rules.drops import kept_until


@command()
@click.argument("places", metavar="[GROUP/INSTANCE]...", nargs=-1, type=InstancePlace())
@click.option("--group", type=GroupName(), help="A whole group, with all its instances.")
@yes
def drop(given: Given, places: tuple[Place, ...], group: str | None, is_meant: bool) -> None:
    """Drop instances, with all that they hold. They can be brought back for a while: 'sessionworker undrop'."""
    if bool(places) == (group is not None):
        raise Stop("Name instances, or a group by --group.", Code.USAGE)

    async def drop_group(client: Client) -> list[str]:
        name = group or ""
        count = len(await client.describe(name))
        confirm_name(f"The group {spelled(name)} is dropped, with {count:,} instances.", name, is_meant=is_meant)
        await client.drop_group(name)
        say(given, f"The group {spelled(name)} is dropped. Each instance can be brought back for a while.")
        return []

    async def drop_instances(client: Client) -> list[str]:
        left: list[str] = []
        for place in dict.fromkeys(places):
            if place.instance not in await client.instances(place.group):
                say_left(left, f"{place}: there is no such instance.")
                continue
            confirm_name(f"{place} is dropped.", place.instance, is_meant=is_meant)
            await client.drop_instance(*place)
            say(given, f"{place} is dropped. For a while 'sessionworker undrop {place}' brings it back.")
        return left

    if group is not None:
        ask(given, drop_group)
        return
    left = ask(given, drop_instances, (Role.API,))
    if left:
        raise click.exceptions.Exit(Code.PARTLY if len(left) < len(set(places)) else Code.FAILED)


def say_left(left: list[str], text: str) -> None:
    """Tell of something that is not done, and note it."""
    click.echo(text, err=True)
    left.append(text)


class Dropped(Struct, rename="camel", omit_defaults=True):
    """An instance that can be brought back."""

    group: str
    instance: str
    drop: str
    when: int
    until: int | None
    """Milliseconds since 1970; None where it is not known."""
    files: int | None
    bytes: int | None
    problem: str = ""
    label: str = ""


@command()
def drops(given: Given) -> None:
    """List what was dropped and can be brought back, newest first, and until when."""

    async def work(client: Client) -> list[Dropped]:
        seconds = (await client.overview()).gauges.get("drops_kept_seconds")
        is_known = (
            seconds is not None and seconds < MANY * DAY_SECONDS
        )  # the settings of a worker started here are none
        kept = int(seconds * 1000) if seconds is not None and is_known else None
        return [
            Dropped(
                one.group,
                one.instance,
                one.drop,
                one.when,
                None if kept is None else kept_until(one.drop, kept),
                one.files,
                one.bytes,
                one.problem,
                one.label,
            )
            for one in await client.drops()
        ]

    found = ask(given, work)
    rows = (
        (
            spelled(one.group, one.instance),
            printable(one.label),
            one.drop,
            when(one.when),
            "?" if one.until is None else day(one.until),
            "?" if one.files is None else f"{one.files:,}",
            size(one.bytes),
            one.problem,
        )
        for one in found
    )
    show(given, found, table(("INSTANCE", "LABEL", "DROP", "DROPPED", "KEPT UNTIL", "FILES", "SIZE", ""), rows))


@command()
@click.argument("place", metavar="GROUP/INSTANCE", type=InstancePlace())
@click.option("--drop", "number", help="Which one, where it was dropped several times.")
@click.option("--as", "name", metavar="NAME", help="The name that it is to have, in the same group.")
@click.option(
    "--replace", "is_replacing", is_flag=True, help="Drop what has the name now, in the same step: none is missing."
)
@yes
def undrop(
    given: Given, place: Place, number: str | None, name: str | None, is_replacing: bool, is_meant: bool
) -> None:
    """Bring an instance back that was dropped, with all that it held."""
    back = place._replace(instance=name or place.instance)

    async def work(client: Client) -> None:
        found = _of(place, await client.drops())
        chosen = _choose(place, found, number)
        if is_replacing:
            confirm_name(f"What is {back} now is dropped.", back.instance, is_meant=is_meant)
        try:
            await client.restore_instance(*place, chosen.drop, name, replacing=is_replacing)
        except NameTaken:
            raise Stop(
                f"{back} exists. --replace drops it in the same step, and --as brings this one back under another name."
            ) from None

    ask(given, work)
    say(given, f"{back} is back.")


@command()
@click.argument("place", metavar="GROUP/INSTANCE", type=InstancePlace())
@click.option("--drop", "number", help="Erase what was dropped before, by its number; else the instance that there is.")
@yes
def purge(given: Given, place: Place, number: str | None, is_meant: bool) -> None:
    """Erase an instance for good, with all that it holds and all versions of its creds. This cannot be undone."""

    async def erase_drop(client: Client) -> None:
        chosen = _choose(place, _of(place, await client.drops()), number)
        confirm_name(f"What was dropped as {place} at {when(chosen.when)} {_LOST}", place.instance, is_meant=is_meant)
        await client.purge_drop(*place, chosen.drop)

    async def erase_instance(operator: Client, api: Client) -> None:
        before = {one.drop for one in _of(place, await operator.drops())}
        if place.instance not in await api.instances(place.group):
            raise Stop(f"There is no instance {place}. Of what was dropped, --drop tells which: {_named(before)}.")
        confirm_name(f"{place} {_LOST}", place.instance, is_meant=is_meant)
        await api.drop_instance(*place)
        new = [one for one in _of(place, await operator.drops()) if one.drop not in before]
        if len(new) != 1:
            raise Stop(
                f"{place} was dropped, and is not erased: somebody else dropped it, too. See 'sessionworker drops'."
            )
        await operator.purge_drop(*place, new[0].drop)
        if before:
            say(given, f"What was dropped under this name before is still there: {_named(before)}.")

    if number is not None:
        ask(given, erase_drop)
    else:
        ask(given, erase_instance, (Role.ADMIN, Role.API))
    say(given, f"{place} is erased for good.")


_LOST = "is erased for good, with all versions of its creds. This cannot be undone."


def _of(place: Place, drops_: Iterable[DropSummary]) -> list[DropSummary]:
    return [one for one in drops_ if (one.group, one.instance) == place]


def _named(numbers: Iterable[str]) -> str:
    return ", ".join(sorted(numbers)) or "nothing was"


def _choose(place: Place, found: list[DropSummary], number: str | None) -> DropSummary:
    """Return the one that is meant. Raises Stop."""
    meant = [one for one in found if number in {None, one.drop}]
    if len(meant) == 1:
        return meant[0]
    if not found:
        raise Stop(f"Nothing that was dropped as {place} is kept.")
    raise Stop(
        f"{place} was dropped several times, or never as that: name one by --drop: {_named(o.drop for o in found)}."
    )
