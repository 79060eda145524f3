"""What people call an instance: `label`."""

from __future__ import annotations

from typing import BinaryIO

import click
import msgspec
from msgspec import Struct

from sessionworker.client import Client
from sessionworker.commands.asking import ask
from sessionworker.commands.endings import Code, Stop
from sessionworker.commands.given import Given, command
from sessionworker.commands.showing import GroupName, InstancePlace, Place, printable, say, spelled
from sessionworker.errors import LabelNotAllowed
from sessionworker.names import check_label


class _Fetched(Struct):
    """An instance of Evolution API: the worker's has the id for its name, and people know the other one."""

    id: str
    name: str


@command()
@click.argument("place", metavar="[GROUP/INSTANCE]", required=False, type=InstancePlace())
@click.argument("text", metavar="[TEXT]", required=False)
@click.option(
    "--from",
    "file",
    metavar="FILE",
    type=click.File("rb"),
    help="Give all instances the names that Evolution API 2 knows: FILE is what its GET /instance/fetchInstances "
    "answered, or - for standard input.",
)
@click.option("--group", type=GroupName(), help="With --from: the instances of this group alone.")
def label(given: Given, place: Place | None, text: str | None, file: BinaryIO | None, group: str | None) -> None:
    """Give an instance a label, by which people know it; an empty TEXT takes it away. 'ls' shows labels."""
    if file is not None and place is None:
        _label_all(given, _read(file), group)
    elif place is not None and text is not None and file is None and group is None:
        _label_one(given, place, _checked(text))
    else:
        raise Stop("Name an instance and its label, or a file by --from.", Code.USAGE)


def _checked(text: str) -> str:
    try:
        return check_label(text)
    except LabelNotAllowed as error:
        raise Stop(error.message, Code.USAGE) from None


def _label_one(given: Given, place: Place, text: str) -> None:
    async def work(client: Client) -> None:
        await client.label_instance(*place, text)

    ask(given, work)
    say(given, f"{place} is {printable(text)} now." if text else f"{place} has no label now.")


def _read(file: BinaryIO) -> dict[str, str]:
    """Return the name of each id. Raises Stop."""
    try:
        found = msgspec.json.decode(file.read(), type=list[_Fetched])
    except (msgspec.MsgspecError, UnicodeError, RecursionError, OSError):
        raise Stop(
            "The file must hold what GET /instance/fetchInstances of Evolution API 2 answers: a JSON array, in which "
            "each instance has an 'id' and a 'name'."
        ) from None
    return {one.id: one.name for one in found}


def _label_all(given: Given, names: dict[str, str], group: str | None) -> None:
    async def work(client: Client) -> tuple[int, int, set[str]]:
        made, left, found = 0, 0, set()
        for name in await client.groups() if group is None else [group]:
            for one in await client.describe(name):
                if one.instance not in names:
                    continue
                found.add(one.instance)
                try:
                    wanted = check_label(names[one.instance])
                except LabelNotAllowed:
                    left += 1
                    click.echo(f"{spelled(name, one.instance)}: what it is called is no label.", err=True)
                    continue
                if wanted != one.label:
                    await client.label_instance(name, one.instance, wanted)
                    made += 1
        return made, left, found

    made, left, found = ask(given, work)
    if names and not found:
        raise Stop(f"The worker has none of the {len(names):,} instances in the file. Nothing was changed.")
    say(
        given,
        f"Labels given: {made:,}, of {len(found):,} instances. In the file and not here: {len(names) - len(found):,}.",
    )
    if left:
        raise click.exceptions.Exit(Code.PARTLY)
