"""Which older versions of `creds` are kept, and what they are called."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sessionworker.stores.rules.creds import Creds

HOUR = 3_600_000
DAY = 24 * HOUR

DELETED = "deleted"
"""What stands in place of the identity where `creds` were deleted, so that their absence is known to be meant."""

_name = re.compile(r"(\d{13,19})-(\d{1,9})\.([0-9a-f]{12}|deleted)\.(\d{1,19})").fullmatch


class Version(NamedTuple):
    """One version of an instance's `creds`. In the order of their tuples, a newer one is greater."""

    when: int
    """Milliseconds since 1970 at which it was committed; always more than before, whatever the clock says."""
    number: int
    """Its place among the changes of that commit."""
    identity: str
    next_pre_key: int

    @property
    def file_name(self) -> str:
        """The name of the file that holds it."""
        return f"{self.when:013}-{self.number}.{self.identity}.{self.next_pre_key}"

    @property
    def is_deletion(self) -> bool:
        """Whether there were no `creds` from here on."""
        return self.identity == DELETED


def version_of(when: int, number: int, creds: Creds | None) -> Version:
    """Name a version; None stands for a deletion."""
    return Version(when, number, creds.identity, creds.next_pre_key) if creds else Version(when, number, DELETED, 0)


def parse_version(file_name: str) -> Version | None:
    """Return the version that a file name stands for, or None."""
    match = _name(file_name)
    return Version(int(match[1]), int(match[2]), match[3], int(match[4])) if match else None


@dataclass(frozen=True)
class Keep:
    """How many older versions are kept, besides the newest of each identity."""

    newest: int = 10
    hours: int = 24
    days: int = 30


def pinned(versions: Iterable[Version]) -> set[Version]:
    """Return the newest version of each identity."""
    newest: dict[str, Version] = {}
    for version in sorted(versions):
        if not version.is_deletion:
            newest[version.identity] = version
    return set(newest.values())


def to_keep(versions: Sequence[Version], keep: Keep) -> set[Version]:
    """Return the versions to keep: the newest ones, the last of each hour and of each day for a while, and the pinned.

    Ages are counted from the newest version: what an instance needs does not change while nobody writes.
    """
    kept = pinned(versions)
    newest_first = sorted(versions, reverse=True)
    kept.update(newest_first[: max(1, keep.newest)])
    for length, count in ((HOUR, keep.hours), (DAY, keep.days)):
        last_of: dict[int, Version] = {}
        for version in newest_first:
            if version.when > newest_first[0].when - length * count:
                last_of.setdefault(version.when // length, version)
        kept.update(last_of.values())
    return kept
