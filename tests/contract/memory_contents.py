"""What the store in dictionaries holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from sessionworker.stores.changes import Unwritten
from sessionworker.stores.interface import Load
from sessionworker.stores.rules.events import RecentEvents
from sessionworker.stores.rules.versions import Version


@dataclass(eq=False)
class Instance:
    """What an instance holds."""

    values: Mapping[str, bytes] = field(default_factory=dict)
    versions: Mapping[Version, bytes | None] = field(default_factory=dict)
    """By what they are called; None for a deletion."""
    last_write: int = 0
    writes: int = 0

    @property
    def unwritten(self) -> Unwritten:
        """The condition that it is written to no more."""
        return Unwritten((self, self.writes))

    def sum_up(self) -> tuple[int, int]:
        """Return how many session files it has, and their bytes."""
        return len(self.values), sum(map(len, self.values.values()))


@dataclass
class Contents:
    """What a store holds: it outlives the store, as a disk does."""

    groups: dict[str, dict[str, Instance]] = field(default_factory=dict)
    drops: dict[tuple[str, str, str], Instance] = field(default_factory=dict)
    """By the names that they had, and what the drop is called; oldest first."""
    aside: list[bytes] = field(default_factory=list)
    """Values that were broken."""
    last_drop: int = 0
    events: RecentEvents = field(default_factory=RecentEvents)


class NothingWaits:
    """What waits in a store in which all is in its place at once; see `interface.Waiting`."""

    is_crowded = False

    def admits(self, _group: str, _instance: str, _own: Load, _ahead: Load) -> bool:
        return True

    def on_room(self, tell: Callable[[bool], None]) -> None:
        pass
