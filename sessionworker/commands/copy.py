"""`sessionworker copy`: brings all that a store holds into another one, between files and PostgreSQL, and back."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import msgspec

from sessionworker.checks import DatabaseAddress
from sessionworker.commands.given import A_FILE, HELP, Given, StorePlace, pass_given
from sessionworker.errors import StartError, no_packages_for_a_database
from sessionworker.events import Event
from sessionworker.keys import find_keys
from sessionworker.options import KEY_VARIABLE
from sessionworker.settings import Source, find_source
from sessionworker.stores import transfer
from sessionworker.stores.copying import Copying, Result
from sessionworker.stores.files import source as files_source
from sessionworker.stores.files import target as files_target
from sessionworker.stores.seal import KeyRing
from sessionworker.stores.transfer import CopyError, Totals


@click.command(context_settings=HELP)
@click.argument("source", type=StorePlace())
@click.argument("target", type=StorePlace())
@click.option(
    "--keys",
    type=A_FILE,
    help=f"The key file of both stores, as the worker has it. Else {KEY_VARIABLE} or {KEY_VARIABLE}_FILE is read.",
)
@click.option("--target-keys", type=A_FILE, help="The key file of TARGET, if it shall have others.")
@click.option("--target-plain", is_flag=True, help="Have TARGET not encrypted.")
@click.option("--without-broken", is_flag=True, help="Finish without what cannot be read.")
@click.option("--json", "is_json", is_flag=True, help="Print the result as JSON.")
@pass_given
def copy(
    given: Given,
    source: Path | DatabaseAddress,
    target: Path | DatabaseAddress,
    keys: Path | None,
    target_keys: Path | None,
    target_plain: bool,
    without_broken: bool,
    is_json: bool,
) -> None:
    """Copy all that the store SOURCE holds into the store TARGET, which is empty, or an earlier copy.

    Each is a folder, or postgresql://USER:PASSWORD@HOST:PORT/DATABASE. A copy that was ended goes on where it is run
    again, and a second one brings what has changed. Until it has come to its end, no worker starts on TARGET. SOURCE
    stays as it is; if it is a folder, no worker may run on it. If it is a database, some may.
    """
    if target_plain and target_keys is not None:
        raise click.UsageError("--target-plain and --target-keys exclude each other.")
    with _telling():
        _refuse_the_same(source, target)
        ring = find_keys(_keys(keys))
        ring_there = find_keys(Source(file=target_keys)) if target_keys is not None else None if target_plain else ring
        opened = _open_source(source, ring)
        try:
            result = _copy(opened, target, ring_there, is_short=without_broken)
        finally:
            opened.close()
    for problem in result.left_out:
        click.echo(f"Not copied: {problem}", err=True)
    click.echo(msgspec.json.encode(result).decode() if is_json or given.is_json else "\n".join(_lines(result)))
    if not result.is_finished:
        raise click.ClickException(
            "The copy is not finished, so no worker starts on it. See to what was not copied and run it again; or run "
            "it with --without-broken."
        )


@contextmanager
def _telling() -> Iterator[None]:
    """End with one sentence where something is not as it has to be."""
    try:
        yield
    except (CopyError, StartError) as error:
        raise click.ClickException(str(error)) from None


def _keys(file: Path | None) -> Source:
    """Return where the keys come from, as the worker reads its variables."""
    given = None if file is None else str(file)
    named = given or os.environ.get(f"{KEY_VARIABLE}_FILE")
    return find_source(KEY_VARIABLE, [Path(named)] if named else [], given, os.environ)


def _refuse_the_same(source: Path | DatabaseAddress, target: Path | DatabaseAddress) -> None:
    if isinstance(source, Path) and isinstance(target, Path):
        one, other = source.resolve(), target.resolve()
        if one == other:
            raise CopyError("SOURCE and TARGET are the same store.")
        if one in other.parents or other in one.parents:
            raise CopyError("One of SOURCE and TARGET lies in the other one.")
    elif isinstance(source, DatabaseAddress) and isinstance(target, DatabaseAddress):
        one, other = _postgres().read_address(source.text), _postgres().read_address(target.text)
        if (one.shown, one.schema) == (other.shown, other.schema):
            raise CopyError("SOURCE and TARGET are the same store.")


def _postgres() -> Any:
    """Return the other store's part of this, which is an extra."""
    try:
        from sessionworker.stores.postgres import side  # noqa: PLC0415
    except ImportError:
        raise no_packages_for_a_database() from None
    return side


def _open_source(place: Path | DatabaseAddress, ring: KeyRing | None) -> transfer.Source:
    if isinstance(place, Path):
        return files_source.open_source(place, ring, _report)
    source: transfer.Source = _postgres().open_source(_postgres().read_address(place.text), ring)
    return source


def _open_target(place: Path | DatabaseAddress, ring: KeyRing | None) -> transfer.Target:
    if isinstance(place, Path):
        return files_target.open_target(place, ring, _report)
    target: transfer.Target = _postgres().open_target(_postgres().read_address(place.text), ring, _report)
    return target


def _copy(source: transfer.Source, place: Path | DatabaseAddress, ring: KeyRing | None, *, is_short: bool) -> Result:
    """Copy into the store at a place; `is_short` tells to finish without what cannot be read."""
    records = source.records()
    if not (records or source.groups() or source.problems()):
        raise CopyError(f"There is nothing in {source.shown}.")
    target = _open_target(place, ring)
    files, output = max(1, sum(one.files for one in records)), sys.stderr
    try:
        with click.progressbar(length=files, label="Session files", file=output) as bar:
            return Copying(source, target, without_broken=is_short, advance=bar.update).run(records)
    finally:
        target.close()


def _report(event: Event) -> None:
    """Tell what is odd about a store that is opened."""
    if event.level != "info":
        click.echo(event.text, err=True)


def _lines(result: Result) -> Iterator[str]:
    """Yield the result for people."""
    yield f"{'':14}{'source':>20}{'target':>20}"
    for name in Totals.__struct_fields__[:-1]:
        yield f"{_NAMES.get(name, name):14}{getattr(result.source, name):>20,}{getattr(result.target, name):>20,}"
    yield f"instances written: {result.written}, equal already: {result.equal}, removed: {result.removed}"
    yield f"digest of the source: {result.source.digest}"
    yield f"digest of the target: {result.target.digest}"
    if result.is_finished:
        yield "The target is whole, and equal to the source."


_NAMES = {"drops": "dropped", "files": "session files", "broken": "broken values"}
