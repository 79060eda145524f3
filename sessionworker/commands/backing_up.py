"""`backup`: an archive of everything, in a folder of them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click
from msgspec import Struct

from sessionworker.commands.archives import lock_of, locked, plain_option
from sessionworker.commands.endings import Code, Stop
from sessionworker.commands.exporting import end_for, export, problems_of
from sessionworker.commands.given import Given, command
from sessionworker.commands.old_backups import ENDINGS, NAME, remove_left, remove_older
from sessionworker.commands.showing import number, show, size
from sessionworker.migration.archives.encryption import Unlock
from sessionworker.migration.archives.reading import Reader
from sessionworker.migration.archives.records import ArchiveError
from sessionworker.migration.arriving import digest_of
from sessionworker.migration.reports import State, Told
from sessionworker.migration.targets.archive import ArchiveTarget


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

    Older ones are removed only if nothing is missing in the new one, and something is in it. Each worker needs a folder
    of its own.
    """
    lock = lock_of(recipients, passphrase_file)
    now = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    place = folder / f"{NAME}{now}{ENDINGS[(not plain) + 2 * bool(lock)]}"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise Stop(f"The folder {click.format_filename(folder)} cannot be made: {error.strerror}.") from None
    exported = export(given, lambda: ArchiveTarget(place, lock, is_compressed=not plain), (), may_be_empty=True)
    written = [one for one in exported.report.accounts if one.state is State.EXPORTED]
    is_read = not lock.recipients  # else whoever has the key can read it, and nobody here
    if is_read:
        read_back(place, Unlock(passphrase=lock.passphrase), written)
    removed, not_removed = _tidy(place, keep if written and exported.is_whole else None)
    keys, bytes_ = sum(one.keys for one in written), sum(one.bytes for one in written)
    problems = [*problems_of(exported), *not_removed]
    read = "It was read back" if is_read else "It cannot be read here: verify it where its key is"
    held = f"{number(len(written))} instances, {number(keys)} keys, {size(bytes_)}"
    lines = [
        *problems,
        f"{click.format_filename(place)}: {held}. {read}.",
        *([] if written or problems else ["The worker has no instance yet: there was nothing to write."]),
        *(f"Removed {name}." for name in removed),
    ]
    show(given, Backup(str(place), len(written), keys, bytes_, is_read, problems, removed), lines)
    end_for(exported)
    if not_removed:
        raise click.exceptions.Exit(Code.PARTLY)


def _tidy(place: Path, keep: int | None) -> tuple[list[str], list[str]]:
    """Remove what a new backup makes needless; return what was removed, and sentences of what was not."""
    try:
        removed, problems = remove_left(place.parent)
        older, more = remove_older(place, keep) if keep else ([], [])
    except OSError as error:
        return [], [f"The folder cannot be looked through for older backups: {error.strerror}."]
    return [*removed, *older], [*problems, *more]


def read_back(place: Path, unlock: Unlock, written: list[Told]) -> None:
    """See that an archive holds what was read; one that does not is no backup any more. Raises Stop."""
    try:
        with Reader(place, unlock) as reader:
            found = {
                (one.group, one.name): (digest_of(one.values), one.label) for one in reader.instances() if one.is_whole
            }
    except ArchiveError as error:
        raise Stop(f"It was written, and cannot be read back. {error} {_disown(place)}") from None
    if found != {(one.group, one.instance): (one.digest, one.label) for one in written}:
        raise Stop(f"What was written to {click.format_filename(place)} is not what was read back. {_disown(place)}")


def _disown(place: Path) -> str:
    """Give an archive a name that no later backup takes for one of an earlier; say so."""
    other = place.with_name(f"{place.name}.damaged")
    try:
        place.rename(other)
    except OSError as error:
        return f"It cannot be renamed either: {error.strerror}."
    return f"It is called {click.format_filename(other)} now."
