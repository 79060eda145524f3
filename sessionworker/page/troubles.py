"""What is wrong with the worker as a whole: a bar on each page says it, and what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from sessionworker.page.known import Seen
from sessionworker.wire import WorkerOverview

REFUSED_SINCE, SLOWEST_SYNC = "refused_since", "slowest_sync"
"""What the page adds to the gauges: milliseconds since 1970, and those that a sync took where all were slow."""

SLOW_SYNC, SLOW_SECONDS = 100.0, 60
"""Milliseconds from which on a sync is slow, and for how long the slowest ones have to be so: one may well be."""

LITTLE_ROOM = 0.05
"""Of the disk, or of its inodes, from which on it is worth a word."""


FULL = 64 * 2**20
"""Bytes: where fewer are free, that is why writes are refused."""


class Bar(NamedTuple):
    """Something that is wrong."""

    level: str
    """"bad", or "odd"."""
    text: str
    details: Mapping[str, float] = {}
    """Numbers in the text: those called `bytes`, `age` or `since` are written as such."""
    link: str = ""
    """The page that says more, and what it says."""
    link_text: str = ""

    def say(
        self,
        say: Callable[..., object],
        number: Callable[[float], str],
        size: Callable[[float], str],
        age: Callable[[float], object],
        time: Callable[[int], object],
    ) -> object:
        """Return it in the words of whoever looks."""
        write = {"bytes": size, "age": age, "since": lambda since: time(int(since))}
        return say(self.text, **{name: write.get(name, number)(value) for name, value in self.details.items()})


def bars(seen: Seen[WorkerOverview]) -> Iterator[Bar]:
    """Yield what is wrong, what is worst first."""
    if seen.is_late:
        yield Bar("bad", "The store has not answered for {age}. What you see is from then.", {"age": seen.age * 1000})
    if seen.value is None:
        return
    gauges = seen.value.gauges
    if gauges.get("writes_refused"):
        text = "Writes are refused since {since}. What was acknowledged is safe. APIs wait and repeat."
        if is_full(gauges):
            text = (
                "Writes are refused since {since}: the disk has no room. "
                "What was acknowledged is safe. APIs wait and repeat."
            )
        yield Bar("bad", text, {"since": gauges.get(REFUSED_SINCE, float(seen.value.now))})
        if is_full(gauges):
            yield _make_room(gauges)
    elif not seen.value.is_well:
        yield Bar("bad", "The worker is not well: the store does not take a write and a read in time.")
    if (apart := seen.value.store.states.get("apart")) and not gauges.get("writes_refused"):
        text = "The files of {count} instances cannot follow. What was acknowledged is safe."
        if apart == 1:
            text = "The files of an instance cannot follow. What was acknowledged is safe."
        yield Bar("bad", text, {"count": apart})
    if not gauges.get("writes_refused"):
        yield from _room(gauges)
    if slow := gauges.get(SLOWEST_SYNC):
        text = "The disk is slow: a sync takes {time} ms (limit {limit} ms). Every write of an API waits for one."
        yield Bar("odd", text, {"time": slow, "limit": SLOW_SYNC}, "health", "Health")


def is_full(gauges: Mapping[str, float]) -> bool:
    """Tell whether writes are refused because the disk has no room, or no inodes."""
    has_inodes = not gauges.get("store_inodes") or gauges.get("store_free_inodes", 1) > 0
    is_short = gauges.get("store_free_bytes", FULL) < FULL or not has_inodes
    return bool(gauges.get("writes_refused")) and is_short


def _make_room(gauges: Mapping[str, float]) -> Bar:
    link = ("#largest", "What takes most room")
    free = {"bytes": gauges.get("store_free_bytes", 0.0)}
    if not gauges.get("store_inodes"):  # there are file systems that have no such limit
        return Bar("bad", "Make room on the disk: {bytes} are free.", free, *link)
    inodes = {"count": gauges.get("store_free_inodes", 0.0)}
    return Bar("bad", "Make room on the disk: {bytes} and {count} inodes are free.", free | inodes, *link)


def _room(gauges: Mapping[str, float]) -> Iterator[Bar]:
    free, all_ = gauges.get("store_free_bytes", 0), gauges.get("store_size_bytes", 0)
    if all_ and free / all_ < LITTLE_ROOM:
        yield Bar("odd", "The disk is nearly full: {bytes} are free.", {"bytes": free})
    free, all_ = gauges.get("store_free_inodes", 0), gauges.get("store_inodes", 0)
    if all_ and free / all_ < LITTLE_ROOM:
        yield Bar("odd", "The disk can hold few more files: {count} inodes are free.", {"count": free})
