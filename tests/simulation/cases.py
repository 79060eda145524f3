"""Histories that failed once, and must not again.

`--seed N --literal` prints one, made short, as a Case; the history itself stands in one of the modules `kept_...`.
"""

from __future__ import annotations

from typing import NamedTuple

from tests.simulation import (
    kept_creds,
    kept_drops,
    kept_groups,
    kept_journal,
    kept_reserve,
    kept_restores,
    kept_room,
    kept_starts,
    kept_tallies,
)
from tests.simulation.operations import History


class Case(NamedTuple):
    """A history, and what it found."""

    found: str
    history: History


CASES: tuple[Case, ...] = (
    Case("a group was acknowledged that was not made", kept_groups.NOT_MADE),
    Case("an instance could not be created after its group failed to be made", kept_groups.NOT_MADE_AGAIN),
    Case("a group was left of an instance that there was no room for", kept_groups.LEFT_BEHIND),
    Case("a group was gone after a crash though its drop failed", kept_groups.GONE_AFTER_A_CRASH),
    Case("an instance was refused for good after a drop of its group failed", kept_groups.REFUSED_AFTER_A_DROP),
    Case(
        "the instances of a group were refused for good after a fault at the start", kept_groups.REFUSED_AFTER_A_START
    ),
    Case("an instance was refused for good after a drop of it failed", kept_drops.REFUSED),
    Case("a drop that failed left its instance both there and dropped", kept_drops.THERE_AND_DROPPED),
    Case("a drop was not listed any more after its restore failed", kept_drops.NOT_LISTED),
    Case("an instance came back that was dropped after a restore of it failed", kept_drops.CAME_BACK),
    Case("a name was taken by an instance whose creation failed", kept_drops.TAKEN),
    Case("a new instance held the creds of one whose restore failed", kept_drops.TAKEN_FOR_NEW),
    Case("a deleted value came back after a drop and a restore", kept_drops.VALUE_CAME_BACK),
    Case("an instance that was dropped was listed again after a crash", kept_drops.LISTED_AGAIN),
    Case("creds could not be read that had just been checked", kept_creds.NOT_READ),
    Case("older creds came back after a drop of the group and a restore", kept_creds.OLDER),
    Case("deleted creds came back when a file could not be opened", kept_creds.DELETED),
    Case("the creds of a restored instance were gone after a crash", kept_creds.GONE),
    Case("the versions of a new instance held creds of one that was dropped before it", kept_creds.OF_ANOTHER),
    Case("a deletion was refused after a start on a full disk", kept_room.NO_ROOM_TO_DELETE),
    Case("a deletion in an instance that was copied in was refused on a full disk", kept_room.COPIED_IN),
    Case("writes were refused for want of room when there was room again", kept_room.STILL_FULL),
    Case("a restore that failed was gone after a crash with the group made for it", kept_restores.GONE_WITH_ITS_GROUP),
    Case("a tally from before a checkpoint was taken for the one after", kept_tallies.OVERTAKEN),
    Case("what the reserve lent was filled again before it was used", kept_reserve.TAKEN_BACK),
    Case("room did not come back when segments could not be renamed", kept_room.KEPT),
    Case("a start was refused since the folder of another instance was unreadable", kept_starts.REFUSED),
    Case("a value looked gone whose restored folder was unreadable at the start", kept_starts.LOOKED_GONE),
    Case("a restored instance was refused as if it were a copy", kept_starts.AS_IF_A_COPY),
    Case("a start that failed left a folder open", kept_starts.LEFT_OPEN),
    Case("a restore was gone after a crash with the dropped group it left", kept_restores.GONE_WITH_WHAT_IT_LEFT),
    Case("a drop was in no list after its restore failed, and was done", kept_drops.LEFT_NOWHERE),
    Case("a segment that was removed came back, and said that a record does not count", kept_journal.NOT_COUNTED),
)
