"""`export archive`, `verify` and `import archive`: the worker's own archive."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, cast

import click
from msgspec import Struct

from sessionworker.commands.endings import Code, Stop
from sessionworker.commands.exporting import end_for, export, export_to, exporter, problems_of
from sessionworker.commands.given import Given, command
from sessionworker.commands.importing import Wanted, import_from, importer
from sessionworker.commands.output import Output
from sessionworker.commands.showing import number, printable, show, size, spelled
from sessionworker.migration.archives.encryption import Lock, Unlock
from sessionworker.migration.archives.reading import Reader
from sessionworker.migration.archives.records import ArchiveError
from sessionworker.migration.sources.archive import open_archive
from sessionworker.migration.targets.archive import ArchiveTarget

_A_FILE = click.Path(path_type=Path, dir_okay=False, exists=True)

_passphrase_file = click.option(
    "--passphrase-file", type=_A_FILE, default=None, help="A file whose first line is the passphrase."
)


def locked(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of what encrypts an archive."""
    recipient = click.option(
        "--recipient",
        "recipients",
        multiple=True,
        metavar="age1...",
        help="Encrypt to this public key of age. May be given several times.",
    )
    return recipient(_passphrase_file(function))


def unlocked(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of what opens one."""
    identity = click.option("--identity", type=_A_FILE, default=None, help="A file with the key of age that opens it.")
    return identity(_passphrase_file(function))


plain_option = click.option(
    "--plain", is_flag=True, help="Do not compress it: restic and its like find what is equal in many."
)


def _read_passphrase(file: Path | None) -> str:
    if file is None:
        return ""
    try:
        lines = file.read_text("utf-8-sig").splitlines()  # whatever is set where this runs: the next one differs
    except (OSError, UnicodeDecodeError):
        raise Stop(f"The passphrase cannot be read from {click.format_filename(file)}.", Code.USAGE) from None
    if not lines or not lines[0]:
        raise Stop(f"There is no passphrase in {click.format_filename(file)}.", Code.USAGE)
    return lines[0]


def lock_of(recipients: tuple[str, ...], passphrase_file: Path | None) -> Lock:
    """Return what an archive is to be encrypted with. Raises Stop."""
    if recipients and passphrase_file:
        raise Stop("--recipient and --passphrase-file exclude each other.", Code.USAGE)
    return Lock(recipients, _read_passphrase(passphrase_file))


@exporter("archive")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, allow_dash=True))
@plain_option
@locked
def export_archive(
    given: Given,
    file: Path,
    places: tuple[str, ...],
    plain: bool,
    recipients: tuple[str, ...],
    passphrase_file: Path | None,
) -> None:
    """Export to one file, which 'import archive' takes back: all instances, or those that are named.

    Each is of one moment; the API may run. '-' is the standard output.
    """
    lock = lock_of(recipients, passphrase_file)
    if str(file) == "-":
        _export_to_output(given, lock, places, is_compressed=not plain)
    else:
        export_to(given, lambda: ArchiveTarget(file, lock, is_compressed=not plain), places)


def _export_to_output(given: Given, lock: Lock, places: tuple[str, ...], *, is_compressed: bool) -> None:
    if sys.stdout is None:  # as `>&-` has it
        raise Stop("The standard output is closed.", Code.USAGE)
    if sys.stdout.isatty():
        raise Stop("An archive is not written to a terminal: it holds credentials.", Code.USAGE)
    output = Output(sys.stdout.fileno())
    output.end_with_the_command()
    exported = export(given, lambda: ArchiveTarget(cast(BinaryIO, output), lock, is_compressed=is_compressed), places)
    for line in problems_of(exported):
        click.echo(line, err=True)
    end_for(exported)


class Verified(Struct, rename="camel"):
    """What an archive holds."""

    made: str
    """When it was written, in UTC."""
    instances: int
    keys: int
    bytes: int
    damaged: list[str]
    """Instances that are not what was written."""
    places: list[str]
    """All instances."""
    labels: dict[str, str]
    """What people call them, those that have a label."""
    damaged_labels: list[str]
    """Instances of which that alone is not what was written."""


@command()
@click.argument("file", type=_A_FILE)
@click.option("--list", "is_listed", is_flag=True, help="Name what is in it.")
@unlocked
def verify(given: Given, file: Path, is_listed: bool, passphrase_file: Path | None, identity: Path | None) -> None:
    """Read an archive or a backup, and tell whether all of it is there: exit status 1 if it is not.

    No worker is asked.
    """
    places: list[str] = []
    damaged: list[str] = []
    damaged_labels: list[str] = []
    labels: dict[str, str] = {}
    try:
        with Reader(file, Unlock(identity, _read_passphrase(passphrase_file))) as reader:
            for one in reader.instances():
                places.append(spelled(one.group, one.name))
                if not one.is_whole:
                    damaged.append(places[-1])
                elif one.label is None:
                    damaged_labels.append(places[-1])
                elif one.label:
                    labels[places[-1]] = one.label
            end = reader.end
    except ArchiveError as error:
        raise Stop(str(error)) from None
    assert end is not None  # noqa: S101 - the reader raises otherwise
    found = Verified(reader.made, end.instances, end.keys, end.bytes, damaged, places, labels, damaged_labels)
    lines = [f"{name} ({printable(labels[name])})" if name in labels else name for name in places if is_listed]
    lines += [f"{name}: it is damaged, and is not what was written." for name in damaged]
    lines += [f"{name}: its label is damaged; the account is whole." for name in damaged_labels]
    is_whole = not damaged and not damaged_labels
    held = f"{number(end.instances)} instances, {number(end.keys)} keys, {size(end.bytes)}"
    lines.append(f"{held}, written at {reader.made}: {'all of it is whole' if is_whole else 'not whole'}.")
    show(given, found, lines)
    if not is_whole:
        raise click.exceptions.Exit(Code.FAILED)


@importer("archive")
@click.argument("file", type=_A_FILE)
@unlocked
def import_archive(
    given: Given, wanted: Wanted, file: Path, passphrase_file: Path | None, identity: Path | None
) -> None:
    """Import what 'export archive' or 'backup' wrote, into the groups that are named there."""
    passphrase = _read_passphrase(passphrase_file)
    import_from(given, lambda: open_archive(file, identities=identity, passphrase=passphrase), wanted)
