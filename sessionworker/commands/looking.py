"""What there is, and what of it needs a person: `status` and `ls`."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import click
from msgspec import Struct

from sessionworker.client import Client, InstanceSummary, Unavailable, WorkerOverview
from sessionworker.commands.asking import ask
from sessionworker.commands.endings import Code
from sessionworker.commands.given import Given, command
from sessionworker.commands.machine import LEAST_ROOM
from sessionworker.commands.showing import GroupName, number, printable, show, size, span, spelled, table, when
from sessionworker.migration.arriving import WAITING_GROUP, left_by_imports
from sessionworker.migration.notes import Note

LAST_DAYS = 7.0
"""Of a TLS certificate: it should have been renewed long before."""

DAY_SECONDS = 86_400

STATES = ("well", "trouble", "no-creds")


class Status(Struct, rename="camel"):
    """A worker, and what about it needs a person."""

    needs: list[str]
    """In sentences; empty where nothing does."""
    overview: WorkerOverview


@command()
def status(given: Given) -> None:
    """Tell whether the worker is well, how much it holds, and what needs a person: exit status 4 if anything does."""

    async def work(client: Client) -> Status:
        needs: list[str] = []
        try:
            await client.health()
        except Unavailable as error:
            needs.append(error.message)
        overview = await client.overview()
        needs += _needs(overview, is_said=bool(needs))
        with suppress(Unavailable):  # that is said already
            if left := await left_by_imports(client):
                needs.append(Note("left_by_imports", {"count": f"{left:,}", "group": WAITING_GROUP}).text())
        return Status(needs, overview)

    found = ask(given, work)
    show(given, found, _lines(found))
    if found.needs:
        raise click.exceptions.Exit(Code.FOUND)


def _needs(overview: WorkerOverview, *, is_said: bool) -> Iterator[str]:
    """Yield what needs a person, in sentences."""
    gauges, store = overview.gauges, overview.store
    if not overview.is_well and not is_said:
        yield "The worker's last health check failed."
    if gauges.get("writes_refused"):
        yield "The writes of all instances are refused. The worker's log says why."
    for what, free, whole in (
        ("bytes", gauges.get("store_free_bytes"), gauges.get("store_size_bytes")),
        ("files", gauges.get("store_free_inodes"), gauges.get("store_inodes")),
    ):
        if whole and free is not None and free < LEAST_ROOM * whole:
            yield f"The disk of the store has room for {free / whole:.1%} of its {what} alone."
    expiry = gauges.get("certificate_expiry_timestamp_seconds")
    if expiry and (left := expiry - overview.now / 1000) < LAST_DAYS * DAY_SECONDS:
        yield f"The TLS certificate ends in {span(left)}." if left > 0 else "The TLS certificate has ended."
    for one in store.attention:
        yield f"{spelled(*filter(None, (one.group, one.instance)))}: {one.problem}"
    unnamed = store.states.get("apart", 0) + store.states.get("refused", 0) - len(store.attention)
    if unnamed > 0:
        yield f"{unnamed:,} more instances are apart or refused."


def _lines(found: Status) -> Iterator[str]:
    """Yield a worker at a glance, for people."""
    overview, store, gauges = found.overview, found.overview.store, found.overview.gauges

    def limited(name: str) -> str:
        return f"{number(gauges.get(name, 0))} of {number(gauges.get(f'limit_{name}', 0))}"

    well = click.style("well", fg="green") if overview.is_well else click.style("not well", fg="red")
    up = span((overview.now - overview.started_at) / 1000)
    yield f"worker      {well}, version {overview.version}, up {up}"
    yield f"writes      {'refused' if gauges.get('writes_refused') else 'accepted'}"
    if "store_free_bytes" in gauges:
        files = f", {number(gauges['store_free_inodes'])} files" if gauges.get("store_inodes") else ""
        yield f"disk        {size(gauges['store_free_bytes'])} of {size(gauges.get('store_size_bytes'))} free{files}"
    yield f"under way   {limited('calls_under_way')} calls, {limited('connections')} connections"
    states = ", ".join(f"{count:,} {state}" for state, count in store.states.items())
    yield f"instances   {store.instances:,} in {store.groups:,} groups: {states}; {store.without_creds:,} without creds"
    yield f"written     {', '.join(f'{count:,} {age}' for age, count in store.last_writes.items())}"
    odd = [f"{name} {count:,}" for name, count in overview.counts.items() if count]
    yield f"odd         {', '.join(odd) or 'nothing'}, since the start"
    if not found.needs:
        yield click.style("Nothing needs a person.", fg="green")
    else:
        yield click.style(f"Needs a person ({len(found.needs):,}):", fg="red")
        yield from (f"  {need}" for need in found.needs)


class Listed(Struct, rename="camel", omit_defaults=True):
    """An instance of a group."""

    group: str
    instance: str
    state: str
    files: int | None
    bytes: int | None
    last_write: int | None
    types: dict[str, int]
    problem: str = ""
    label: str = ""


class Span(click.ParamType[float]):
    """A time like 14d, 12h, 30m or 90s."""

    name = "time"
    _units = {"s": 1, "m": 60, "h": 3600, "d": DAY_SECONDS}  # noqa: RUF012 - nobody changes it

    def convert(self, value: Any, param: click.Parameter | None, context: click.Context | None) -> float:
        """Return seconds."""
        if not isinstance(value, str):
            return float(value)
        found = re.fullmatch(r"([0-9]{1,9})([smhd])", value)
        if found is None:
            self.fail(f"'{value}' is not a time like 14d, 12h, 30m or 90s.", param, context)
        return float(int(found[1]) * self._units[found[2]])


SORTS: dict[str, Callable[[Listed], Any]] = {
    "name": lambda one: (one.group, one.instance),
    "files": lambda one: -(one.files or 0),
    "size": lambda one: -(one.bytes or 0),
    "written": lambda one: -(one.last_write or 0),
}


@command("ls")
@click.argument("group", type=GroupName(), required=False)
@click.option("--state", type=click.Choice(STATES), help="Those in this state alone.")
@click.option("--silent", type=Span(), help="Those that were not written for so long, as 14d, 12h or 30m.")
@click.option("--sort", type=click.Choice(list(SORTS)), default="name", show_default=True, help="What comes first.")
def list_instances(given: Given, group: str | None, state: str | None, silent: float | None, sort: str) -> None:
    """List the instances of GROUP, or of all groups: what they hold, and when they were written last."""

    async def work(client: Client) -> list[Listed]:
        groups = await client.groups() if group is None else [group]
        return [_listed(name, one) for name in groups for one in await client.describe(name)]

    until = None if silent is None else (time.time() - silent) * 1000
    found = [
        one
        for one in ask(given, work)
        if state in {None, one.state} and (until is None or (one.last_write is not None and one.last_write <= until))
    ]
    found.sort(key=SORTS[sort])
    rows = (
        (
            spelled(one.group, one.instance),
            printable(one.label),
            one.state,
            "?" if one.files is None else f"{one.files:,}",
            size(one.bytes),
            when(one.last_write),
            one.problem,
        )
        for one in found
    )
    show(given, found, table(("INSTANCE", "LABEL", "STATE", "FILES", "SIZE", "LAST WRITE", ""), rows))


def _listed(group: str, one: InstanceSummary) -> Listed:
    has_creds = bool(one.types.get("creds")) or one.files is None
    state = "trouble" if one.problem else "well" if has_creds else "no-creds"
    return Listed(group, one.instance, state, one.files, one.bytes, one.last_write, one.types, one.problem, one.label)
