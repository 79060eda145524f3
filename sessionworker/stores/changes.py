"""What a store is asked to commit.

A `Batch` is several changes of one instance: all of them are made, or none. The other entries change which groups and
instances there are. Every entry has one outcome, and they are carried out in the order in which they came.

What clients ask for has an `owner` (see `rules.leases`): the name of one that wants to be alone, or "" for one that
gives none. It is refused with HeldElsewhere while another owner has the instance. With None it never is: so are the
worker's own repairs, and what operators ask for.
"""

from __future__ import annotations

from typing import TypeAlias

from msgspec import Struct

# `gc=False` below: nothing of the kind is ever part of a cycle, so the collector need not look at thousands of them.


class Change(Struct, frozen=True):
    """A change of one key of an instance. A store may have kinds of its own, which its `prepare` makes."""

    key: str


class Write(Change, frozen=True):
    """Store a value over whatever the key held.

    The value is one JSON text in UTF-8, which the caller has checked. `creds` must be an object: `CredsNotAllowed`.
    """

    value: bytes


class Restore(Write, frozen=True):
    """Write older `creds` again, because somebody asked for just that: it is neither odd nor an error."""

    by: str = ""
    """The address of whoever asked, if it is known."""


class Delete(Change, frozen=True):
    """Let the key hold nothing."""


class SetAside(Change, frozen=True):
    """What the store holds for the key is broken: keep it where a person finds it. A write or a deletion follows."""


class Unwritten(Struct, frozen=True):
    """The condition that an instance is the same, and nothing was written to it, since a store's read."""

    since: object
    """The store's own mark of that moment."""


class Existing(Struct, frozen=True):
    """The condition that the instance exists, also for a batch that only deletes, or changes nothing."""


class Batch(Struct, frozen=True, gc=False):
    """Changes of one instance, all or none. Refused with NoSuchGroup, NoSuchInstance or ConditionFailed.

    Its owner has the instance from then on, also where the batch changes nothing, or is refused for another reason than
    that there is no such instance, or none that can be used.
    """

    group: str
    instance: str
    changes: tuple[Change, ...]
    condition: Unwritten | Existing | None = None
    owner: str | None = None
    by: str = ""
    """The address of whoever asked, if it is known."""


class CreateGroup(Struct, frozen=True):
    """Make a group, if it does not exist."""

    group: str


class CreateInstance(Struct, frozen=True):
    """Make an instance, and its group, if they do not exist. Its owner has it from then on, unless this is refused."""

    group: str
    instance: str
    owner: str | None = None


class DropInstance(Struct, frozen=True):
    """Put an instance aside with all its session files, if it exists. `RestoreInstance` brings it back.

    Nobody has it then, nor when it is brought back. One that is refused gives nobody a lease, nor a longer one.
    """

    group: str
    instance: str
    by: str = ""
    """The address of whoever asked, if it is known."""
    owner: str | None = None


class ReleaseInstance(Struct, frozen=True):
    """Let nobody have an instance any more: its owner asks, or an operator, who is None.

    Refused with NoSuchGroup or NoSuchInstance. Nothing is written down.
    """

    group: str
    instance: str
    owner: str | None
    by: str = ""
    """The address of whoever asked, if it is known."""


class DropGroup(Struct, frozen=True):
    """Put a group aside with all its instances. Refused with NoSuchGroup."""

    group: str
    by: str = ""
    """The address of whoever asked, if it is known."""


class RestoreInstance(Struct, frozen=True):
    """Bring back an instance that was dropped, under `name`. Refused with NoSuchDrop, or with NameTaken.

    What stands in its place gives that up where it is `replacing`, and is a drop then (see `rules.drops`). It is one
    step: at each moment, and after whatever ends the worker, one of the two is there, whole. Nobody has it then.
    """

    group: str
    instance: str
    drop: str
    name: str
    by: str = ""
    """The address of whoever asked, if it is known."""
    into: str = ""
    """The group that it comes back in; its own, if that is empty."""
    replacing: bool = False
    owner: str | None = None
    """Who asks; it is refused where another owner has what would be replaced."""

    @property
    def place(self) -> tuple[str, str]:
        """The group and the name that it has then."""
        return self.into or self.group, self.name


class LabelInstance(Struct, frozen=True):
    """Call an instance something by which people know it, or nothing any more. Refused as a `Batch` is, by no owner.

    The label is one that `names.check_label` let pass. It is the instance's own: it goes with a drop and comes back
    with it. What takes another's place and has none takes over that one's.
    """

    group: str
    instance: str
    label: str


class PurgeDrop(Struct, frozen=True):
    """Erase an instance that was dropped, for good. Refused with NoSuchDrop."""

    group: str
    instance: str
    drop: str
    by: str = ""
    """The address of whoever asked; empty where its time is up, which is no event."""


class Probe(Struct, frozen=True):
    """Change nothing, durably: for whoever wants to know whether changes can be made."""


CatalogueChange: TypeAlias = (
    CreateGroup | CreateInstance | DropInstance | DropGroup | RestoreInstance | LabelInstance | PurgeDrop
)

Entry: TypeAlias = Batch | ReleaseInstance | CatalogueChange | Probe


def size_of(entry: Entry) -> int:
    """Return how many bytes the values of an entry have."""
    if type(entry) is not Batch:
        return 0
    size = 0
    for change in entry.changes:
        if type(change) is Write:
            size += len(change.value)
    return size
