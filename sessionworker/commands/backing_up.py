"""`backup`: an archive of everything, in a folder of them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click
from msgspec import Struct

from sessionworker.commands.archives import lock_of, locked, plain_option
from sessionworker.commands.endings import Stop
from sessionworker.commands.exporting import end_for, export, problems_of
from sessionworker.commands.given import Given, command
from sessionworker.commands.showing import number, show, size
from sessionworker.migration.archives.encryption import Unlock
from sessionworker.migration.archives.reading import Reader
from sessionworker.migration.archives.records import ArchiveError
from sessionworker.migration.reports import State, Told
from sessionworker.migration.targets.archive import ArchiveTarget

NAME = "sessionworker-"
"""What the name of a backup's file begins with; its time follows."""

_ENDINGS = (".jsonl", ".jsonl.gz", ".jsonl.age", ".jsonl.gz.age")


class Backup(Struct, rename="camel"):
    """A backup that was made."""

    file: str
    instances: int
    keys: int
    bytes: int
    was_read_back: bool
    problems: list[str]
    removed: list[str]
    """Older ones, by their names."""


@command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@plain_option
@locked
@click.option("--keep", type=click.IntRange(min=1), default=None, help="Remove older backups but for this many in all.")
def backup(
    given: Given,
    folder: Path,
    plain: bool,
    recipients: tuple[str, ...],
    passphrase_file: Path | None,
    keep: int | None,
) -> None:
    """Write an archive of all instances into FOLDER, and read it back.

    Older ones are removed only if nothing is missing in the new one.
    """
    lock = lock_of(recipients, passphrase_file)
    now = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    place = folder / f"{NAME}{now}{_ENDINGS[(not plain) + 2 * bool(lock)]}"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise Stop(f"The folder {click.format_filename(folder)} cannot be made: {error.strerror}.") from None
    exported = export(given, lambda: ArchiveTarget(place, lock, is_compressed=not plain), ())
    written = [one for one in exported.report.accounts if one.state is State.EXPORTED]
    is_read = not lock.recipients  # else whoever has the key can read it, and nobody here
    if is_read:
        _read_back(place, Unlock(passphrase=lock.passphrase), written)
    removed = _remove_older(folder, keep) if keep and exported.is_whole else []
    keys, bytes_ = sum(one.keys for one in written), sum(one.bytes for one in written)
    problems = problems_of(exported)
    read = "It was read back" if is_read else "It cannot be read here: verify it where its key is"
    held = f"{number(len(written))} instances, {number(keys)} keys, {size(bytes_)}"
    lines = [
        *problems,
        f"{click.format_filename(place)}: {held}. {read}.",
        *(f"Removed {name}." for name in removed),
    ]
    show(given, Backup(str(place), len(written), keys, bytes_, is_read, problems, removed), lines)
    end_for(exported)


def _read_back(place: Path, unlock: Unlock, written: list[Told]) -> None:
    """See that an archive holds what was read. Raises Stop."""
    try:
        with Reader(place, unlock) as reader:
            found = {(one.group, one.name): one.is_whole for one in reader.instances()}
    except ArchiveError as error:
        raise Stop(f"It was written, and cannot be read back. {error}") from None
    if not all(found.get((one.group, one.instance)) for one in written):
        raise Stop(f"What was written to {click.format_filename(place)} is not what was read back.")


def _remove_older(folder: Path, keep: int) -> list[str]:
    """Remove all backups of a folder but the newest, and return their names. Raises Stop."""
    names = sorted(one.name for one in folder.glob(f"{NAME}*") if one.name.endswith(_ENDINGS))
    removed = names[:-keep]
    try:
        for name in removed:
            (folder / name).unlink()
    except OSError as error:
        raise Stop(f"An older backup cannot be removed: {error.strerror}.") from None
    return removed
