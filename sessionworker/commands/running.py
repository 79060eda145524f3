"""What is about the worker as a program: running it, and having its files follow."""

from __future__ import annotations

import sys
from typing import Any

import click
from click.shell_completion import get_completion_class

from sessionworker.client import Client
from sessionworker.commands.asking import ask
from sessionworker.commands.endings import Code, Stop
from sessionworker.commands.given import Given, command
from sessionworker.commands.showing import say


@click.command(context_settings={"ignore_unknown_options": True, "help_option_names": []}, add_help_option=False)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def run(arguments: tuple[str, ...]) -> None:
    """Run the worker, in the foreground: 'twistd --nodaemon sessionworker', with its options."""
    from twisted.scripts.twistd import run as run_twistd  # noqa: PLC0415 - it chooses the reactor

    sys.argv = ["twistd", "--nodaemon", "--pidfile=", "sessionworker", *arguments]
    run_twistd()


@command()
def checkpoint(given: Given) -> None:
    """Have the worker bring all that it acknowledged into its files, before they are copied."""

    async def work(client: Client) -> None:
        await client.checkpoint()

    ask(given, work)
    say(given, "All that was acknowledged is in its files.")


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print what has a shell complete commands: eval "$(sessionworker completion bash)"."""
    kind: Any = get_completion_class(shell)
    if kind is None:
        raise Stop(f"Nothing is known of {shell}.", Code.USAGE)
    click.echo(kind(context.find_root().command, {}, "sessionworker", "_SESSIONWORKER_COMPLETE").source())
