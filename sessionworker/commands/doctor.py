"""Looks at all that a worker needs, and says of each what is wrong and what to do: `doctor`. It changes nothing."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import click

from sessionworker.checks import DatabaseAddress
from sessionworker.client import Client, ClientError, Unavailable, WorkerOverview
from sessionworker.command_line import Options
from sessionworker.commands import machine
from sessionworker.commands.api_settings import look_at_api
from sessionworker.commands.asking import ask
from sessionworker.commands.endings import Code, Stop
from sessionworker.commands.given import A_FILE, Given, command, made_token_file
from sessionworker.commands.machine import Line, Mark
from sessionworker.commands.showing import show
from sessionworker.errors import StartError
from sessionworker.keys import find_keys
from sessionworker.migration.arriving import left_by_imports
from sessionworker.settings import Settings, Source, read_settings
from sessionworker.stores.files.sealing import check_keys
from sessionworker.version import PYTHON, TWISTED, VERSION

MOST_CLOCK_SECONDS = 5.0
"""Between this machine's clock and the worker's."""

_COLORS = {Mark.WELL: "green", Mark.WRONG: "red", Mark.NOTE: "yellow"}


@command()
@click.option(
    "--api-env", type=A_FILE, default=None, help="Look at an API's file .env, too: whether it finds this worker."
)
def doctor(given: Given, api_env: Path | None) -> None:
    """Look at the worker, its store and this machine, and tell what is wrong: exit status 4 if anything is.

    Run it where the worker runs, as its user, with its variables: 'docker exec' does all three. It changes nothing.
    """
    lines = [*_lines(given), *(look_at_api(given, api_env) if api_env is not None else ())]
    show(given, lines, (f"{click.style(one.mark.value, fg=_COLORS[one.mark])} {one.what}: {one.said}" for one in lines))
    if any(one.mark is Mark.WRONG for one in lines):
        raise click.exceptions.Exit(Code.FOUND)


def _lines(given: Given) -> Iterator[Line]:
    """Yield what there is to say, from the ground up."""
    yield Line(Mark.WELL, "version", f"sessionworker {VERSION}, Twisted {TWISTED}, Python {PYTHON}")
    settings, wrong = _settings()
    yield from wrong
    store = given.store or (settings.store if settings is not None else None)
    holder = None
    if isinstance(store, Path):
        holder = machine.holder_of(store)
        yield from machine.look_at_store(store)
        yield from machine.look_at_files(holder)
    elif store is not None:
        yield Line(Mark.NOTE, "store", "a database: what it says is in the worker's health, below")
    if settings is not None:
        yield from _look_at_secrets(settings)
        yield from _look_at_key(given, settings, store, is_running=holder is not None)
    if given.store is not None:
        yield _say_holder(holder)
    else:
        yield from _look_at_worker(given, holder, is_folder=isinstance(store, Path))


def _settings() -> tuple[Settings | None, list[Line]]:
    """Return the worker's settings, as its variables give them, and what is odd about them."""
    try:
        settings = read_settings(Options(), os.environ)
    except StartError as error:
        return None, [Line(Mark.WRONG, "settings", str(error))]
    return settings, [Line(Mark.WRONG, "settings", doubt) for doubt in settings.doubts] or [
        Line(Mark.WELL, "settings", "the worker's variables make sense here")
    ]


def _look_at_secrets(settings: Settings) -> Iterator[Line]:
    """Tell whether files of tokens and keys can be read, and by whom."""
    files = [source.file for source in settings.tokens.values() if source.file is not None]
    made = made_token_file(settings.store) if isinstance(settings.store, Path) else None
    if not any(source.is_given for source in settings.tokens.values()) and made is not None and machine.exists(made):
        files.append(made)
    for path in files:
        yield machine.look_at_secret("token", path)
    if settings.keys.is_given:
        if settings.keys.file is not None:
            yield machine.look_at_secret("key", settings.keys.file)
        try:
            ring = find_keys(settings.keys)
        except StartError as error:
            yield Line(Mark.WRONG, "key", str(error))
        else:
            if ring is not None and not ring.writes_plain:
                yield Line(Mark.WELL, "key", f"what is written is encrypted with {ring.keys[0].name}")


def _look_at_key(
    given: Given, settings: Settings, store: Path | DatabaseAddress | None, *, is_running: bool
) -> Iterator[Line]:
    """Tell whether a worker would start on a folder with the keys that are given here; one that runs has its own."""
    source = Source(given.keys) if given.keys is not None else settings.keys
    if not isinstance(store, Path) or (is_running and not source.is_given):
        return
    try:
        ring = find_keys(source)
    except StartError as error:
        if given.keys is not None:  # those of the settings were looked at
            yield Line(Mark.WRONG, "key", str(error))
        return
    try:
        check_keys(store, ring)
    except StartError as error:
        yield Line(Mark.WRONG, "key", str(error))
    except OSError:  # the store was looked at
        return


def _say_holder(holder: int | None) -> Line:
    if holder is None:
        return Line(Mark.WELL, "worker", "none has the store")
    return Line(Mark.NOTE, "worker", f"the process {holder} has the store: it is in use")


def _look_at_worker(given: Given, holder: int | None, *, is_folder: bool) -> Iterator[Line]:
    """Tell whether the worker answers and takes the token, and how it is."""

    async def work(client: Client) -> tuple[WorkerOverview, float, str, int]:
        try:
            await client.health()
            health = ""
        except ClientError as error:
            health = getattr(error, "message", str(error))
        overview, now, left = await client.overview(), time.time(), 0
        with suppress(Unavailable):  # that is said of its health
            left = await left_by_imports(client)
        return overview, now, health, left

    try:
        overview, now, health, left = ask(given, work)
    except Stop as stop:
        advice = ""
        if stop.exit_code == Code.NO_WORKER and holder is not None:
            advice = (
                f" The process {holder} has the store, so a worker runs: set SESSIONWORKER_URL to where it listens."
            )
        yield Line(Mark.WRONG, "worker", f"{stop.message}{advice}")
        return
    yield Line(Mark.WELL, "worker", f"it answers at {given.address}, and takes the token")
    if overview.version != VERSION:
        yield Line(Mark.NOTE, "worker", f"it is {overview.version}, and this program is {VERSION}: start it again")
    if is_folder and holder is None and machine.is_local(given.address):
        yield Line(
            Mark.WRONG, "worker", "it has another store than the one that is looked at here: set SESSIONWORKER_STORE"
        )
    yield Line(Mark.WRONG, "health", health) if health else Line(Mark.WELL, "health", "writes and reads are taken")
    apart = abs(now - overview.now / 1000)
    if apart > MOST_CLOCK_SECONDS:
        yield Line(Mark.WRONG, "clock", f"this machine's and the worker's are {apart:,.0f} s apart: set them by NTP")
    else:
        yield Line(Mark.WELL, "clock", "this machine's and the worker's agree")
    count = len(overview.store.attention)
    if count or overview.gauges.get("writes_refused"):
        yield Line(Mark.WRONG, "instances", f"{count:,} need a person: 'sessionworker status' names them")
    else:
        yield Line(Mark.WELL, "instances", "none needs a person")
    if left:
        said = f"{left:,} accounts are left by imports that were cut off, or run now"
        yield Line(Mark.WRONG, "imports", f"{said}: 'sessionworker status' says what to do")
    yield from machine.look_at_port(given.address)
