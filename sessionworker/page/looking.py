"""What the pages show, asked of the store in threads."""

from __future__ import annotations

import time
from bisect import bisect_right
from collections.abc import Container, Iterable, Sequence
from contextlib import suppress
from functools import partial

from msgspec import Struct
from msgspec.structs import replace
from twisted.internet.defer import Deferred

from sessionworker.errors import NoSuchGroup, StoreUnavailable
from sessionworker.names import CREDS, SessionFile
from sessionworker.offload import Offload
from sessionworker.page.facts import Facts, facts_of
from sessionworker.page.known import Known, Seen
from sessionworker.page.listing import Row, Rows, state_of
from sessionworker.page.series import STEP_SECONDS, Series
from sessionworker.page.troubles import REFUSED_SINCE, SLOW_SECONDS, SLOW_SYNC, SLOWEST_SYNC
from sessionworker.stores.interface import Store
from sessionworker.stores.rules.versions import DAY
from sessionworker.web.overview import Overview
from sessionworker.wire import DropSummary, EventSummary, InstanceSummary, VersionSummary, WorkerOverview

NEW_IDENTITY = DAY
"""For how many milliseconds an instance whose identity changed counts as one that a person should look at."""

MANY, SOON = 5, 10 * 60_000
"""So many identities that change within so many milliseconds have one cause: that is said, too."""

_SETTLES = frozenset({"version_restored", "instance_restored", "instance_dropped"})
"""What shows that somebody has seen to an instance since."""


MOST_DRIFT = 2_000 * STEP_SECONDS
"""Milliseconds by which what is measured every STEP_SECONDS may be off."""


class One(Struct, frozen=True):
    """An instance, besides what its row in the list says."""

    facts: Facts | None
    """None where its `creds` say nothing, or cannot be had."""
    versions: Sequence[VersionSummary] | None
    """None where they cannot be read; its row says why, or the worker's log."""
    events: Sequence[EventSummary]
    """Newest first."""


class Looking:
    """Asks for what the pages show."""

    def __init__(self, offload: Offload, overview: Overview, known: Known, series: Series) -> None:
        """Ask the store behind `offload`. What it tells of now, `series` tells of a while."""
        self._offload = offload
        self._overview = overview
        self._series = series
        self._refused_since = 0.0
        self.known = known

    def overview(self) -> Deferred[Seen[WorkerOverview]]:
        """Return the worker at a glance."""
        return self.known.ask("overview", lambda: self._overview.ask().addCallback(self._with_what_lasts))

    def _with_what_lasts(self, seen: WorkerOverview) -> WorkerOverview:
        """Add since when writes are refused, and how slow the disk is if that is no accident."""
        lasts = {}
        if seen.gauges.get("writes_refused"):
            since = seen.now - 1000.0 * self._series.held("writes_refused", 1)
            if abs(since - self._refused_since) > MOST_DRIFT:  # or else it would be another one at each look
                self._refused_since = since
            lasts[REFUSED_SINCE] = self._refused_since
        slowest = self._series.last("slowest_sync")
        if slowest is not None and self._series.held("slowest_sync", SLOW_SYNC) >= SLOW_SECONDS:
            lasts[SLOWEST_SYNC] = slowest
        return replace(seen, gauges=seen.gauges | lasts)

    def rows(self, *, is_needed: bool = True) -> Deferred[Seen[Rows]]:
        """Return all instances; those whose identity changed lately are marked. Those are made in a thread."""
        return self.known.ask("rows", self._ask_for_rows, is_needed=is_needed)

    def prepare_rows(self) -> None:
        """Have all instances at hand for somebody who signs in now."""
        self.known.prepare("rows", self._ask_for_rows)

    def _ask_for_rows(self) -> Deferred[Rows]:
        return self._offload.ask(_rows, self._offload.store)

    def one(self, group: str, name: str) -> Deferred[Seen[One]]:
        """Return an instance, of which there may be none."""
        return self.known.ask((group, name), lambda: self._offload.ask(_one, self._offload.store, group, name))

    def label_of(self, group: str, name: str, drop: str = "") -> str:
        """Return what people call an instance, or one that was dropped, as far as that was asked for lately."""
        if drop:
            drops = self.known.last("drops") or ()
            return next((one.label for one in drops if (one.group, one.instance, one.drop) == (group, name, drop)), "")
        rows = self.known.last("rows")
        row = rows.by_place.get((group, name)) if rows is not None else None
        return row.label if row is not None else ""

    def drops(self) -> Deferred[Seen[list[DropSummary]]]:
        """Return what was dropped."""
        return self.known.ask("drops", partial(self._offload.ask, self._offload.store.drops))

    def events(self) -> Deferred[Seen[list[EventSummary]]]:
        """Return what happened, oldest first."""
        return self.known.ask("events", lambda: self._offload.ask(self._offload.store.events, 0))


def _rows(store: Store) -> Rows:
    changed, now = changed_lately(store.events(0)), time.time_ns() // 1_000_000
    groups = store.groups()
    rows = []
    for group in groups:
        with suppress(NoSuchGroup):  # it is gone meanwhile
            rows += [_row(group, one, changed, now) for one in store.describe(group)]
    return Rows(rows, groups)


def changed_lately(events: Sequence[EventSummary]) -> dict[tuple[str, str], int]:
    """Return the instances whose identities changed lately, unless somebody has seen to them since, with when that was.

    The last one comes first.
    """
    begin = time.time_ns() // 1_000_000 - NEW_IDENTITY
    found: dict[tuple[str, str], int] = {}
    for event in events:
        place = event.group, event.instance
        if event.event == "identity_changed" and event.when > begin:
            found.pop(place, None)
            found[place] = event.when
        elif event.event in _SETTLES:
            found.pop(place, None)
    return dict(reversed(found.items()))


def most_at_once(times: Iterable[int]) -> int:
    """Return how many of some changes lie within SOON of each other, at the most; 0 where that are not MANY."""
    times = sorted(times)
    most = max((bisect_right(times, when + SOON) - at for at, when in enumerate(times)), default=0)
    return most if most >= MANY else 0


def _row(group: str, one: InstanceSummary, changed: Container[tuple[str, str]], now: int) -> Row:
    state = state_of(
        one.problem,
        has_new_identity=(group, one.instance) in changed,
        has_creds=CREDS in one.types or one.files is None,
        silent=now - one.last_write if one.last_write else None,
    )
    return Row(group, one.instance, one.label, state, one.files, one.bytes, one.last_write, one.types, one.problem)


def _one(store: Store, group: str, name: str) -> One:
    versions = None
    with suppress(StoreUnavailable):
        versions = store.versions(group, name)
    mine = [event for event in reversed(store.events(0)) if (event.group, event.instance) == (group, name)]
    facts = None
    with suppress(StoreUnavailable):  # it is refused, and its row says why
        facts = facts_of(store.read(SessionFile(group, name, CREDS)) or b"")
    return One(facts, versions, mine)
