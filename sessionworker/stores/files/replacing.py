"""One instance takes the place of another: two renames, which come to one step, also where a crash comes between.

Nothing stands in the place between them. So what is about to be done is written down before: where what stands there
goes, and what comes. A start that finds the first rename made alone makes the second one, before it looks at what there
is. What was written down means nothing else: nothing ever lies again where what stood there would have gone.

While the worker runs nobody sees the place empty: readers find an instance by its name in memory, and follow it to
wherever it lies.
"""

from __future__ import annotations

import os
from contextlib import suppress

from sessionworker.disk import opened_folder, remove_if_there, stands_in
from sessionworker.errors import WorkerError
from sessionworker.file_names import OURS
from sessionworker.stores.files.catalogue import Catalogue
from sessionworker.stores.files.codec import SealBroken
from sessionworker.stores.files.faults import refusal_for
from sessionworker.stores.files.instance import Instance
from sessionworker.stores.files.locks import Locks
from sessionworker.stores.files.places import REPLACING, Places

LARGEST = 2**16
"""Bytes of what is written down."""


class Replacing:
    """Lets one instance take the place of another. Called by the committer."""

    def __init__(self, places: Places, catalogue: Catalogue, locks: Locks) -> None:
        """Move folders of the store at `places`."""
        self._places = places
        self._catalogue = catalogue
        self._locks = locks
        self._in_doubt: tuple[str, ...] = ()
        """The paths of the last replacement that failed."""

    def replace(self, old: Instance, aside: str, new: Instance) -> WorkerError | None:
        """Move an instance aside, and a dropped one into its place, durably; both know then where they lie.

        Raises OSError where things are as they were. Where they could not be taken back, they are as they were to be,
        but whoever asked must not count on it: returns the reason.
        """
        place, source = old.path, new.path
        for path in self._in_doubt:  # what is written down of it is needed until then
            self._catalogue.settle(path)
        identities = self._places.identity(place), self._places.identity(source)
        self._write_down(place, aside, source)
        self._in_doubt = place, aside, source
        try:
            self._move(old, aside)
            self._places.sync_above(aside)  # it is nowhere else once the other one has its name
            self._move(new, place)
            self._places.sync_above(place, source)
            self._places.trust(place, aside, source)
        except OSError as error:
            for instance in (old, new):  # nothing of it is committed before it is known to be durable where it lies
                self._catalogue.disown(instance)
            if self._is_taken_back(old, new, (place, aside, source), identities):
                raise
            return refusal_for(error)
        self._in_doubt = ()
        _forget(self._places)
        return None

    def _write_down(self, *paths: str) -> None:
        self._places.replace_ours(REPLACING, os.fsencode("\0".join(paths)))
        self._places.sync(OURS)

    def _move(self, instance: Instance, path: str) -> None:
        with self._locks.moves:
            self._places.move(instance.path, path)
            instance.path = path

    def _is_taken_back(
        self,
        old: Instance,
        new: Instance,
        paths: tuple[str, str, str],
        identities: tuple[tuple[int, int] | None, tuple[int, int] | None],
    ) -> bool:
        """Move both back, and tell whether the old one has its place, whatever was said of the calls."""
        place, aside, source = paths
        places = self._places
        with self._locks.moves:
            is_done = new.path == place  # as far as is known
            old.path, new.path = place, source
            places.doubt(source, place, identities[1])
            places.doubt(place, aside, identities[0])
            with suppress(OSError):
                places.put_back(source)
                places.put_back(place)
            with suppress(OSError):
                is_done = places.identity(place) == identities[1]
            if is_done:
                old.path, new.path = aside, place
                places.doubt(aside, place, identities[0])
                places.doubt(place, source, identities[1])
        return not is_done


def finish(places: Places) -> tuple[str, str] | None:
    """Make the second rename of a replacement that a crash cut off; raises OSError.

    Returns where what gave up its place lies now, and where what took it lay; None where there is nothing to do.
    Called while the store is opened, before anybody looks at what there is.
    """
    written = None
    with suppress(SealBroken):  # the keys are others since: all was whole then
        written = places.read_ours(REPLACING, LARGEST)
    found = None
    match os.fsdecode(written or b"").split("\0"):
        case [place, aside, source] if _is_cut_off(places, place, aside, source):
            places.move(source, place)
            places.sync_above(place, source)
            found = aside, source
    _forget(places)
    return found


def _is_cut_off(places: Places, place: str, aside: str, source: str) -> bool:
    """Tell whether the first rename was made alone."""
    is_there = stands_in(os.path.dirname(place), places.root) and not stands_in(place, places.root)
    return is_there and stands_in(aside, places.root) and stands_in(source, places.root)


def _forget(places: Places) -> None:
    """Let go of what was written down, as far as possible: it means nothing any more."""
    with suppress(OSError), opened_folder(OURS, places.root) as ours:
        remove_if_there(REPLACING, ours)
