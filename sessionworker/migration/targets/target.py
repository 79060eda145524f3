"""What a way out is to everything else here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Protocol

from sessionworker.migration.found import SourceError
from sessionworker.migration.notes import Note


class TargetError(Exception):
    """Why something was not written: one sentence for the operator, without anything secret."""


@contextmanager
def as_target_error() -> Iterator[None]:
    """Have what a target shares with sources fail as a target does."""
    try:
        yield
    except SourceError as error:
        raise TargetError(str(error)) from None


class Target(Protocol):
    """Where accounts are written as another program keeps them. Every method may block, and raise TargetError.

    After an error of one account the next one can be written.
    """

    shown: str
    """Where it is, without anything secret."""

    takes_all: bool
    """Whether it takes accounts without `creds`, and empty ones, too."""

    def write(self, account_name: str, group: str, values: Mapping[str, bytes], label: str = "") -> list[Note]:
        """Write an account, whole, and what people call it, where that has a place; return what is to be said of it.

        What is there already is replaced only by a target that was opened to do so.
        """

    def finish(self) -> None:
        """Say that all accounts were written that will be."""

    def close(self) -> None:
        """Let go of the target; of one that is a single file, and was not finished, nothing stays."""
