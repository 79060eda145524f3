"""What goes over the wire in the same form on both ends: the answers that programs read."""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

# `gc=False`: of what there are thousands in an answer the collector is told that it is in no cycle.


class InstanceSummary(Struct, frozen=True, rename="camel", omit_defaults=True, gc=False):
    """What an instance holds."""

    instance: str
    files: int | None
    """None, as `bytes`, where they could not be counted, or were not yet."""
    bytes: int | None
    last_write: int | None
    """Milliseconds since 1970, 0 if nothing was written; None where it is not known."""
    types: dict[str, int]
    """How many files there are of each type of key."""
    problem: str = ""
    """What is the matter with it, in words; empty where nothing is."""
    label: str = ""
    """What an operator calls it."""


class NamesForm(Struct, frozen=True):
    """Keys of an instance that hold something, sorted."""

    keys: list[str]
    more: bool
    """Whether there are further ones."""


class VersionSummary(Struct, frozen=True, rename="camel"):
    """One version of an instance's `creds`."""

    version: str
    when: int
    """Milliseconds since 1970."""
    identity: str
    """A short hash: the same for two versions of the same identity; empty where the `creds` were deleted."""
    bytes: int
    is_pinned: bool
    """Whether it is kept for good, as the newest of its identity."""
    is_current: bool


class DropSummary(Struct, frozen=True, rename="camel", omit_defaults=True):
    """An instance that was dropped and can be brought back."""

    group: str
    instance: str
    drop: str
    when: int
    """Milliseconds since 1970."""
    files: int | None
    """None, as `bytes`, where they could not be counted, or were not yet."""
    bytes: int | None
    problem: str = ""
    """What is the matter with it, in words; empty where nothing is."""
    label: str = ""
    """What an operator called it."""


class EventSummary(Struct, frozen=True, rename="camel", omit_defaults=True):
    """Something that happened, or went on happening for a while."""

    number: int
    """Higher than that of every event before; it is given again, higher, where the same happens again."""
    when: int
    """Milliseconds since 1970; of the last time, where it happened several times."""
    event: str
    """What kind of thing it was; docs/operations.md lists them."""
    group: str
    instance: str
    by: str
    """The address of whoever asked for it; empty where nobody did, or where it is not known."""
    message: str
    """The same in sentences."""
    times: int = 1
    """How often it happened."""
    first: int = 0
    """When it happened first, if it happened several times."""

    @property
    def since(self) -> int:
        """When it happened first."""
        return self.first or self.when

    def again(self, before: EventSummary) -> EventSummary:
        """Return the same event, having happened before already."""
        return replace(self, times=before.times + 1, first=before.since)


class Problem(Struct, frozen=True, rename="camel"):
    """A group or an instance that a person has to see to."""

    group: str
    instance: str
    """Empty where it is the group."""
    problem: str
    """What is the matter, in words."""


class EncryptionSummary(Struct, frozen=True, rename="camel"):
    """With which keys a store is encrypted."""

    key: str
    """The id of the one that encrypts now; empty where nothing is encrypted, or nothing any more."""
    keys: list[str]
    """The ids of all with which something may be encrypted."""
    plain: bool
    """Whether something may be plain."""
    is_rewriting: bool
    """Whether what is not under that key is rewritten."""
    instances: int
    """Instances, those that were dropped included."""
    done: int
    """Those that hold nothing but what is under that key, as far as they were looked at."""


class StoreOverview(Struct, frozen=True, rename="camel"):
    """All groups and instances at a glance."""

    groups: int
    instances: int
    states: dict[str, int]
    """How many instances are `well`, `apart` (their files cannot follow, their writes are refused) or `refused`."""
    without_creds: int
    """Instances that hold no `creds`: they were never paired, or were logged out."""
    last_writes: dict[str, int]
    """How many instances were written last within a `day`, a `week`, a `month`, `earlier`, or at an `unknown` time."""
    attention: list[Problem]
    """The first of those that a person has to see to."""


class WorkerOverview(Struct, frozen=True, rename="camel"):
    """The worker at a glance."""

    version: str
    now: int
    """Milliseconds since 1970, as every time here."""
    started_at: int
    is_well: bool
    """What the last health check found."""
    store: StoreOverview
    counts: dict[str, int]
    """What went wrong or was odd, how often since the start; by the names of the metrics."""
    gauges: dict[str, float]
    """How much there is now, of the disk's room, too; by the names of the metrics."""


class PageLink(Struct, frozen=True):
    """What signs an operator in at the page, once and soon."""

    code: str
    url: str
    """Where the page is, as far as the worker can tell; empty where it cannot."""


class WellForm(Struct, frozen=True):
    """The answer to a health check."""

    status: str


class ErrorForm(Struct, frozen=True, rename="camel", kw_only=True):
    """Every error; programs look at the status alone, people read the rest."""

    status_code: int = 0
    error: str = ""
    message: list[str]


WELL = "ok"
"""What a health check is answered."""

MOST_KEYS = 5_000
"""Keys in one request. Each may be a new file, and these have to follow what is acknowledged."""

PONG = b"pong"
"""The answer to a ping. An API ends itself at its start if it is another one."""
