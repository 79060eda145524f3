"""What happened in one step of a history, as far as the model must know."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import inf
from typing import Literal, TypeAlias

from tests.simulation.subject import (
    Batch,
    CreateInstance,
    DropGroup,
    DropInstance,
    DropSeen,
    Holds,
    Label,
    Outcome,
    Purge,
    Refusal,
    Request,
    Restore,
    Scope,
    VersionSeen,
)

Kind: TypeAlias = Literal["lost", "stopped", "stuck"]


class Failure(Exception):
    """A store did what it must not."""

    def __init__(self, kind: Kind, rule: str, text: str) -> None:
        """Say what kind of failure it is, which rule was broken, and what happened."""
        super().__init__(f"{kind}: {rule}: {text}")
        self.kind = kind
        self.rule = rule
        self.text = text


@dataclass
class Commit:
    """One call of `commit`."""

    requests: list[Request]
    when: int
    """When it began, by the wall clock."""
    prepared_at: list[int | None]
    """For each request how many commits had ended when its preparation began, if it was prepared."""
    listed: list[list[DropSeen] | None]
    """For each request the list of drops by which it was made, if it was."""
    outcomes: list[Outcome] | None = None
    """None while it is under way."""
    is_injured: bool = False
    """Whether calls that it made were made to fail, for another reason than a full disk."""


@dataclass
class Read:
    """One read, while others may have written."""

    what: Literal["read", "recall", "check", "read after check"]
    group: str
    instance: str
    key: str
    result: bytes | Refusal | None
    begin: int
    """Commits that had ended when it began."""
    end: int
    """Commits that had begun when it ended."""


@dataclass
class Seen:
    """What a store tells of itself while nobody changes anything. None stands for what was not asked."""

    groups: dict[str, list[str]] | Refusal | None = None
    reads: list[tuple[str, str, str, bytes | Refusal | None]] = field(default_factory=list)
    checks: list[tuple[str, str, Refusal | None]] = field(default_factory=list)
    drops: list[DropSeen] | Refusal | None = None
    versions: list[tuple[str, str, list[tuple[VersionSeen, bytes | Refusal | None]] | Refusal]] = field(
        default_factory=list
    )
    counts: list[tuple[str, dict[str, Holds] | Refusal]] = field(default_factory=list)


@dataclass
class Excuses:
    """Who may be refused something now, because something is wrong that is his own or everybody's."""

    everything: bool = False
    is_full: bool = False
    """The disk is full: what needs room may be refused."""
    drops: bool = False
    groups: set[str] = field(default_factory=set)
    instances: set[tuple[str, str]] = field(default_factory=set)
    away: set[tuple[str, str]] = field(default_factory=set)
    """Instances whose folder is not in its place: ordinary keys may be missing, too."""
    are_inodes_full: bool = False
    """Whether the disk has no inodes left: no reserve of bytes helps there."""
    frees_room_when_full: bool = False
    most_apart: float = inf
    """Bytes of those that are hurt from which on all may be refused."""

    @property
    def are_any(self) -> bool:
        """Whether anything is wrong at all."""
        return bool(self.everything or self.is_full or self.drops or self.groups or self.instances or self.away)

    def add(self, scope: Scope) -> None:
        """Add those in a scope."""
        if scope.only_drops:
            self.drops = True
        elif scope.group is None:
            self.everything = True
        elif scope.instance is None:
            self.groups.add(scope.group)
        else:
            self.instances.add((scope.group, scope.instance))

    def clear(self) -> None:
        """Nothing is wrong any more."""
        self.everything = self.is_full = self.are_inodes_full = self.drops = False
        self.groups.clear()
        self.instances.clear()
        self.away.clear()

    def cover(self, group: str, instance: str | None = None) -> bool:
        """Tell whether an instance, or for None any of a group, may be refused something."""
        if self.everything or group in self.groups:
            return True
        if instance is None:
            return any(of == group for of, _ in self.instances | self.away)
        return (group, instance) in self.instances or (group, instance) in self.away

    def allow(self, request: Request) -> bool:
        """Tell whether a request may be refused."""
        if self.is_full and not self._frees_room(request):
            return True
        match request:
            case Batch(group, instance) | CreateInstance(group, instance) | Label(group, instance):
                return self.cover(group, instance)
            case DropInstance(group, instance):
                return self.drops or self.cover(group, instance)
            case DropGroup(group):
                return self.drops or self.cover(group)
            case Restore(group, instance, _, into, name, _):
                return self.drops or self.cover(group, instance) or self.cover(into, name)
            case Purge():
                return self.drops or self.everything
        return self.cover(request.group)

    def _frees_room(self, request: Request) -> bool:
        if not self.frees_room_when_full or self.are_inodes_full:
            return False
        match request:
            case Batch(_, _, changes):
                return not any(hasattr(change, "value") for change in changes)
            case DropInstance() | DropGroup() | Purge():
                return True
        return False
