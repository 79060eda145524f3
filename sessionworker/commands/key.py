"""`sessionworker key`: makes keys, tells with which ones a store is encrypted, and has it rewritten with the first."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any

import click
from twisted.internet.defer import CancelledError

from sessionworker.client import Client, EncryptionSummary, NoAnswer
from sessionworker.commands.asking import ask, sleep
from sessionworker.commands.endings import Code, Stop
from sessionworker.commands.given import HELP, Given, command
from sessionworker.commands.showing import say, show
from sessionworker.errors import StartError
from sessionworker.keys import make_key

POLL_SECONDS = 0.5
"""How often the worker is asked how far it has come."""

PATIENCE_SECONDS = 60.0
"""For how long a worker that does not answer is waited for: it may be restarted just now."""


@click.group(context_settings=HELP)
def main() -> None:
    """Make keys with which a worker encrypts what it stores, and see to it that it has."""


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


@command()
def status(given: Given) -> None:
    """Tell with which keys all is encrypted that a worker stores."""

    async def work(client: Client) -> EncryptionSummary:
        return await client.encryption()

    found = ask(given, work)
    others = [_way(key) for key in found.keys if key != found.key]
    if found.plain and found.key:
        others.append(_way(""))
    lines = (
        f"written now: {_way(found.key)}",
        f"may be there, too: {', '.join(others) or 'nothing else'}",
        f"instances: {found.instances}, of which {found.done} hold nothing else",
        f"being rewritten: {'yes' if found.is_rewriting else 'no'}",
    )
    show(given, found, lines)


def _way(key: str) -> str:
    return f"encrypted with the key {key}" if key else "plain"


@command()
def rewrite(given: Given) -> None:
    """Have a worker rewrite what is not encrypted with the first key. Run it again to go on where it was stopped."""

    async def work(client: Client) -> EncryptionSummary:
        with click.progressbar(length=1, label="Instances", file=sys.stderr, hidden=given.is_quiet) as bar:

            def advance(found: EncryptionSummary) -> None:
                bar.length = max(1, found.instances)
                bar.update(found.done - bar.pos)

            return await follow(client, advance, sleep)

    found = ask(given, work)
    if not is_over(found):
        left = found.instances - found.done
        what = f"{left} instances are" if left else "What is in no instance is"
        raise Stop(f"{what} left. The worker's log says why.")
    rest = "Other keys can be taken out of the key file." if found.key else "No key is needed any more."
    show(given, found, [f"All that is stored is {_way(found.key)}."])
    say(given, rest)


def is_over(found: EncryptionSummary) -> bool:
    """Tell whether all is under the key that is written with, or all plain."""
    return found.keys == ([found.key] if found.key else []) and found.plain == (not found.key)


async def follow(
    client: Client,
    advance: Callable[[EncryptionSummary], None],
    pause: Callable[[float], Coroutine[Any, Any, None]],
) -> EncryptionSummary:
    """Have it done, show how far it has come, and return how it ended. Raises NoAnswer."""
    found = await client.encryption()
    if is_over(found):
        return found
    await client.rewrite()
    try:
        return await _follow(client, advance, pause)
    except CancelledError:
        with suppress(NoAnswer):  # one that is started again does not go on by itself
            await client.rewrite(is_wanted=False)
        raise Stop("Stopped. What was rewritten stays so; run it again to go on.", Code.INTERRUPTED) from None


async def _follow(
    client: Client,
    advance: Callable[[EncryptionSummary], None],
    pause: Callable[[float], Coroutine[Any, Any, None]],
) -> EncryptionSummary:
    answered, tried = time.monotonic(), -1
    while True:
        await pause(POLL_SECONDS)
        try:
            found = await client.encryption()
            advance(found)
            if is_over(found):
                return found
            if not found.is_rewriting:  # it was started again, or could not do the rest
                if found.done == tried:
                    return found
                await client.rewrite()
                tried = found.done
            answered = time.monotonic()
        except NoAnswer:
            tried = -1
            if time.monotonic() - answered > PATIENCE_SECONDS:
                raise


main.add_command(status)
main.add_command(rewrite)
