"""Older versions of an instance's `creds`, and making one current: `versions` and `restore`."""

from __future__ import annotations

import click

from sessionworker.client import Client, VersionSummary
from sessionworker.commands.asking import ask
from sessionworker.commands.endings import Stop
from sessionworker.commands.given import Given, command
from sessionworker.commands.showing import InstancePlace, Place, confirm, say, show, size, table, when, yes

STOP_IT_FIRST = "Stop this instance in the API first, and let it connect again then."


@command()
@click.argument("place", metavar="GROUP/INSTANCE", type=InstancePlace())
def versions(given: Given, place: Place) -> None:
    """List the versions of an instance's creds that are kept, newest first."""

    async def work(client: Client) -> list[VersionSummary]:
        return await client.versions(*place)

    found = ask(given, work)
    rows = ((one.version, when(one.when), one.identity or "deleted", size(one.bytes), _marks(one)) for one in found)
    show(given, found, table(("VERSION", "WHEN", "IDENTITY", "SIZE", ""), rows))


def _marks(version: VersionSummary) -> str:
    marks = {"current": version.is_current, "kept for good": version.is_pinned}
    return ", ".join(mark for mark, holds in marks.items() if holds)


@command()
@click.argument("place", metavar="GROUP/INSTANCE", type=InstancePlace())
@click.argument("version")
@click.option("--dry-run", is_flag=True, help="Tell what would be done, and change nothing.")
@yes
def restore(given: Given, place: Place, version: str, dry_run: bool, is_meant: bool) -> None:
    """Make an older VERSION of an instance's creds the current one. What it replaces stays as one more version."""

    async def work(client: Client) -> str:
        found = {one.version: one for one in await client.versions(*place)}
        wanted = found.get(version)
        if wanted is None or not wanted.identity:
            what = "is the deletion of creds, and none itself" if wanted else "is not kept, or never was"
            raise Stop(f"{version} {what}. 'sessionworker versions {place}' lists them.")
        current = next((one for one in found.values() if one.is_current), None)
        if wanted.is_current:
            return f"{version} is the current version of {place} already."
        told = f"The creds of {place} become those of {when(wanted.when)}, identity {wanted.identity}"
        if current is not None:
            told += f", in the place of those of {when(current.when)}, identity {current.identity or 'none'}"
        if dry_run:
            return f"{told}. Nothing was changed."
        confirm(f"{told}. {STOP_IT_FIRST} Go on?", is_meant=is_meant)
        await client.restore_version(*place, version)
        return f"{told}."

    say(given, ask(given, work))
