"""What is wrong with the worker as a whole: a bar on each page says it, and what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from sessionworker.page.known import Seen
from sessionworker.wire import WorkerOverview

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
    """Numbers in the text: those called `bytes` or `age` are written as such."""

    def say(
        self,
        say: Callable[..., object],
        number: Callable[[float], str],
        size: Callable[[float], str],
        age: Callable[[float], object],
    ) -> object:
        """Return it in the words of whoever looks."""
        write = {"bytes": size, "age": age}
        return say(self.text, **{name: write.get(name, number)(value) for name, value in self.details.items()})


def bars(seen: Seen[WorkerOverview]) -> Iterator[Bar]:
    """Yield what is wrong, what is worst first."""
    if seen.is_late:
        yield Bar("bad", "The store has not answered for {age}. What you see is from then.", {"age": seen.age * 1000})
    if seen.value is None:
        return
    gauges = seen.value.gauges
    if gauges.get("writes_refused"):
        free = gauges.get("store_free_bytes", FULL)
        full = "Writes are refused: the disk has no room. What was acknowledged is safe. APIs wait and repeat."
        other = "Writes are refused. What was acknowledged is safe. APIs wait and repeat."
        yield Bar("bad", full if free < FULL else other)
        if free < FULL:
            yield Bar("bad", "Make room on the disk: {bytes} are free. The trash can be emptied, too.", {"bytes": free})
    elif not seen.value.is_well:
        yield Bar("bad", "The worker is not well: the store does not take a write and a read in time.")
    if (apart := seen.value.store.states.get("apart")) and not gauges.get("writes_refused"):
        yield Bar(
            "bad", "The files of {count} instances cannot follow. What was acknowledged is safe.", {"count": apart}
        )
    if not gauges.get("writes_refused"):
        yield from _room(gauges)


def _room(gauges: Mapping[str, float]) -> Iterator[Bar]:
    free, all_ = gauges.get("store_free_bytes", 0), gauges.get("store_size_bytes", 0)
    if all_ and free / all_ < LITTLE_ROOM:
        yield Bar("odd", "The disk is nearly full: {bytes} are free.", {"bytes": free})
    free, all_ = gauges.get("store_free_inodes", 0), gauges.get("store_inodes", 0)
    if all_ and free / all_ < LITTLE_ROOM:
        yield Bar("odd", "The disk can hold few more files: {count} inodes are free.", {"count": free})
