"""An instance in memory: where it lies, and what of it is not in its files yet."""

from __future__ import annotations

import time
from typing import NamedTuple, TypeAlias

from msgspec import Struct

from sessionworker.errors import WorkerError
from sessionworker.stores.files.memory import KnownNames
from sessionworker.stores.files.records import Large
from sessionworker.stores.files.tally import Tally
from sessionworker.stores.rules.creds import Creds
from sessionworker.stores.rules.leases import Tenure
from sessionworker.stores.rules.peers import Peers

Value: TypeAlias = bytes | Large | None
"""A value that waits for its file; None for a file that waits to be removed."""


ENTRY_BYTES = 500
"""Bytes that the journal takes for one change besides its value, at most; about."""


class NewVersion(NamedTuple):
    """`creds` that are no version in the folder yet."""

    when: int
    creds: Creds | None
    value: bytes | None


TOLD_AGAIN_SECONDS = 10.0
"""For how long nobody looks again whether others changed an instance's folder."""


class Told(Struct, frozen=True, gc=False):
    """What an instance came to when that was asked last."""

    tally: Tally
    """Of its files."""
    at: float
    """When it was seen that this tally holds, in seconds of a clock that nobody sets."""
    writes: int
    whole: Tally
    """With what was in no file."""

    def holds_of(self, instance: Instance) -> bool:
        """Tell whether that may be told again: a checkpoint would have changed the tally, a commit the writes."""
        is_the_same = self.tally is instance.tally and self.writes == instance.writes
        return is_the_same and not instance.problem and time.monotonic() - self.at < TOLD_AGAIN_SECONDS


NOTHING: dict[str, Value] = {}
"""What most of thousands of instances have to save. It is never written to."""


class Instance:
    """One instance, as long as it has its id; one that is made again under the same name is another one.

    Who may change what is said in `locks`.
    """

    __slots__ = (
        "broken",
        "creds",
        "creds_lost",
        "folder",
        "group",
        "has_no_creds",
        "id",
        "is_adopted",
        "is_changing",
        "is_listed",
        "is_purged",
        "is_swept",
        "known",
        "label",
        "last_version",
        "last_write",
        "learning",
        "name",
        "new_versions",
        "odd_names",
        "path",
        "peers",
        "problem",
        "refusal",
        "saves",
        "saving",
        "saving_broken",
        "saving_versions",
        "superseded",
        "tally",
        "tenure",
        "times_labelled",
        "told",
        "unreadable",
        "unsaved",
        "waiting_bytes",
        "waiting_files",
        "writes",
    )

    def __init__(self, group: str, name: str, path: str) -> None:
        """Speak of the folder at `path` in the store. It is not looked at yet."""
        self.group = group
        self.name = name
        self.path = path
        self.id = ""
        """Empty until it is found out, or made, at first use."""
        self.is_adopted = False
        """Whether its folder has that id and lies in its place, durably, so that something of it may be committed."""
        self.folder: tuple[int, int] | None = None
        """The device and the inode of its folder, once that was opened."""
        self.problem = ""
        """Why nothing can be done with it, until a person has seen to it."""
        self.unreadable = ""
        """Why its folder could not be read when that was tried last; empty where it could be, or nobody tried."""
        self.refusal: type[WorkerError] | None = None
        """Why it takes no writes: its files could not follow the journal."""
        self.has_no_creds = False
        """Whether it is certain that it should have none: it had none yet, or they were deleted."""
        self.creds_lost = False
        """Whether its creds were broken when they were looked at last, and no good version was left."""
        self.is_purged = False
        self.is_swept = False
        """Whether files that an earlier worker left unfinished were removed."""

        # What was committed. `unsaved` is looked at before `saving`, and that before the files: in this direction a
        # checkpoint moves values.
        self.unsaved = NOTHING
        self.saving = NOTHING
        self.new_versions: tuple[NewVersion, ...] = ()
        self.saving_versions: tuple[NewVersion, ...] = ()
        self.broken: frozenset[str] = frozenset()
        self.saving_broken: frozenset[str] = frozenset()
        self.superseded: tuple[str, ...] = ()
        """Files of large values that were written over before they became their keys' own."""
        self.writes = 0
        self.tenure: Tenure | None = None
        """Who has it, or had it last."""
        self.peers: Peers | None = None
        """Who wrote it lately, of those that name no owner."""
        self.is_changing = False
        """Whether a commit is changing it just now; `writes` goes up before that is over."""
        self.creds: Creds | None = None
        """What the latest creds were about, if there were any and it is known."""
        self.last_version = 0
        """The time of its latest `creds`, in milliseconds since 1970."""
        self.last_write = 0
        """The time of the latest commit, in milliseconds since 1970; 0 before the first."""
        self.waiting_files = 0
        self.waiting_bytes = 0

        # What is known of the folder.
        self.tally: Tally | None = None
        """What its files come to; None where that is not known, or just changes."""
        self.label: str | None = None
        """What operators call it; None where that is not known."""
        self.times_labelled = 0
        self.told: Told | None = None
        """What an operator was told last, so that asking again, of thousands, does not hold up writes."""
        self.saves = 0
        """Goes up when a checkpoint begins to change its files, and when that is over: odd between the two."""
        self.known: KnownNames | None = None
        self.learning: set[str] | None = None
        """Keys that were written since the folder began to be listed."""
        self.is_listed = False
        """Whether its folder was listed since the start, so that the next are known."""
        self.odd_names: dict[str, tuple[str, ...]] = {}
        """For keys whose files have other spellings of their name than ours: these."""

    def has_known_names(self) -> bool:
        """Whether it is known which keys its folder holds."""
        return self.known is not None

    @property
    def is_being_saved(self) -> bool:
        """Whether a checkpoint is changing its files."""
        return self.saves % 2 == 1

    @property
    def is_refused(self) -> bool:
        """Whether it cannot be used until a person has seen to it."""
        return bool(self.problem) or self.creds_lost

    @property
    def is_out_of_use(self) -> bool:
        """Whether it is refused, or could not be read."""
        return self.is_refused or bool(self.unreadable)

    @property
    def is_saved(self) -> bool:
        """Whether all that was committed is in its files."""
        return not (self.unsaved or self.saving or self.new_versions or self.saving_versions)

    @property
    def journal_bytes(self) -> int:
        """Bytes of the journal that what waits of it takes, at most; about."""
        versions = len(self.new_versions) + len(self.saving_versions)
        return self.waiting_bytes + (self.waiting_files + versions) * ENTRY_BYTES

    def __str__(self) -> str:
        return f"instance {self.name!r} in group {self.group!r}"


def why_unreadable(error: OSError) -> str:
    """Return what is told of a folder that the disk does not let be read."""
    return f"its folder cannot be read: {error.strerror or type(error).__name__}"


def problem_of(instance: Instance) -> str:
    """Return what is the matter with an instance, in words; empty where nothing is known to be."""
    if instance.is_refused:
        return instance.problem or "its creds are broken, and no older version is left"
    return instance.refusal.message if instance.refusal is not None else instance.unreadable
