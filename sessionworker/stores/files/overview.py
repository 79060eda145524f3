"""What an operator asks: what each instance holds, older `creds`, and what was dropped.

Files may lag behind, so what waits for them is laid over what they say: nothing has to be saved first.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

from sessionworker.errors import NoSuchVersion
from sessionworker.names import CREDS
from sessionworker.stores.files.catalogue import Catalogue, Group
from sessionworker.stores.files.drops import Drop, Drops
from sessionworker.stores.files.instance import Instance, NewVersion, problem_of, why_unreadable
from sessionworker.stores.files.labels import Labels
from sessionworker.stores.files.locks import Locks
from sessionworker.stores.files.places import Places
from sessionworker.stores.files.tallies import Tallies
from sessionworker.stores.files.version_files import VersionFiles
from sessionworker.stores.rules.creds import read_creds
from sessionworker.stores.rules.versions import DAY, Keep, Version, parse_version, pinned, to_keep, version_of
from sessionworker.wire import DropSummary, InstanceSummary, Problem, StoreOverview, VersionSummary

LONGEST_COUNT = 1.0
"""For how long whoever asks waits for files to be counted that were not counted yet; of the rest no number is told."""


MOST_PROBLEMS = 100
"""Problems that are named one by one."""

MOST_LOOKS = 10
"""Folders that could not be read and are tried again, whenever somebody asks for all at a glance."""

T = TypeVar("T")

RUN_SECONDS, PAUSE_SECONDS = 0.0002, 0.0002
"""For how long a loop runs at a time, and then lets others run: shorter than a thread takes to wake up is no pause."""

STATES = ("well", "apart", "refused")
AGES = {"day": DAY, "week": 7 * DAY, "month": 30 * DAY}
OTHER_AGES = ("earlier", "unknown")


class Overview:
    """Looks at folders and at what waits for them. Every method may raise OSError, but where it says otherwise."""

    def __init__(
        self,
        places: Places,
        catalogue: Catalogue,
        drops: Drops,
        tallies: Tallies,
        labels: Labels,
        locks: Locks,
        keep: Keep,
    ) -> None:
        """Look at one store, whose checkpoints keep the versions that `keep` asks for."""
        self._places = places
        self._catalogue = catalogue
        self._drops = drops
        self._tallies = tallies
        self._labels = labels
        self._locks = locks
        self._keep = keep

    def describe(self, group: Group) -> list[InstanceSummary]:
        """Return what each instance of a group holds, sorted by name; a problem with one is said in its place.

        Never raises OSError.
        """
        until = time.monotonic() + LONGEST_COUNT
        return [
            self._describe(instance, may_count=time.monotonic() < until)
            for _, instance in _letting_others_run(sorted(group.instances.items()))
        ]

    def _describe(self, instance: Instance, *, may_count: bool) -> InstanceSummary:
        tally, label = None, instance.label or ""
        try:
            tally = self._tallies.of(instance, may_count=may_count)
            label = self._labels.of(instance)
        except OSError as error:
            instance.unreadable = why_unreadable(error)
        else:
            if tally is not None:
                instance.unreadable = ""
        problem = problem_of(instance)
        if tally is None:
            return InstanceSummary(instance.name, None, None, instance.last_write or None, {}, problem, label)
        last_write = max(tally.last_write, instance.last_write)
        return InstanceSummary(instance.name, tally.files, tally.bytes, last_write, tally.types, problem, label)

    def glance(self) -> StoreOverview:
        """Return what is known of all instances, looking at few: those that could not be read. Never raises OSError."""
        states, last_writes = dict.fromkeys(STATES, 0), dict.fromkeys((*AGES, *OTHER_AGES), 0)
        groups, without_creds, now = list(self._catalogue.groups.values()), 0, time.time_ns() // 1_000_000
        attention = [Problem(group.name, "", group.problem) for group in groups if group.problem]
        instances = self._catalogue.live()
        for instance in [one for one in instances if one.unreadable][:MOST_LOOKS]:
            self._look_again(instance)
        for instance in _letting_others_run(instances):
            problem = problem_of(instance)
            if problem:
                attention.append(Problem(instance.group, instance.name, problem))
            states["refused" if instance.is_out_of_use else "apart" if problem else "well"] += 1
            last_writes[_age_of(instance, now)] += 1
            without_creds += not _may_have_creds(instance)
        return StoreOverview(len(groups), len(instances), states, without_creds, last_writes, attention[:MOST_PROBLEMS])

    def _look_again(self, instance: Instance) -> None:
        try:
            self._catalogue.open(instance).close()
        except OSError as error:
            instance.unreadable = why_unreadable(error)
        else:
            instance.unreadable = ""

    def drops(self) -> list[DropSummary]:
        """Return the instances that were dropped, newest first."""
        until = time.monotonic() + LONGEST_COUNT
        drops = list(self._drops.all())
        told = [
            self._tell(drop, may_count=time.monotonic() < until)
            for drop in drops
            if not self._places.is_elsewhere(drop.path)  # its drop was refused
        ]
        paths = {drop.path for drop in drops}
        self._tallies.keep_only(paths)
        self._labels.keep_only(paths)
        return sorted((one for one in told if one is not None), key=lambda drop: drop.when, reverse=True)

    def _tell(self, drop: Drop, *, may_count: bool) -> DropSummary | None:
        """Return what is told of a drop; None where it was brought back, or purged, meanwhile."""
        instance = self._catalogue.dropped.get(drop.path)
        tally, problem, label = None, "", ""
        try:
            if instance is not None:
                tally = self._tallies.of(instance, may_count=may_count)
                label = self._labels.of(instance)
            else:
                tally = self._tallies.of_dropped(drop.path, may_count=may_count)
                label = self._labels.of_dropped(drop.path)
        except FileNotFoundError:
            return None
        except OSError as error:
            problem = why_unreadable(error)
        files, size = (tally.files, tally.bytes) if tally is not None else (None, None)
        return DropSummary(drop.group, drop.instance, drop.drop, drop.when, files, size, problem, label)

    # Versions of creds

    def versions(self, instance: Instance) -> list[VersionSummary]:
        """Return the versions of an instance's creds, newest first."""
        waiting = self._waiting_versions(instance)
        with self._catalogue.open(instance) as folder:
            sizes = VersionFiles(folder).sizes()
        sizes |= {version: len(new.value or b"") for version, new in waiting.items()}
        versions = sorted(to_keep(list(sizes), self._keep))
        stay = pinned(versions)
        return [
            VersionSummary(
                version=version.file_name,
                when=version.when,
                identity="" if version.is_deletion else version.identity,
                bytes=sizes[version],
                is_pinned=version in stay,
                is_current=version == versions[-1],
            )
            for version in reversed(versions)
        ]

    def read_version(self, instance: Instance, name: str) -> bytes:
        """Return the creds of a version. Raises NoSuchVersion."""
        version = parse_version(name)
        if version is None or version.is_deletion:
            raise NoSuchVersion
        waiting = self._waiting_versions(instance).get(version)
        value = waiting.value if waiting is not None else None
        if value is None:
            with self._catalogue.open(instance) as folder:
                value = VersionFiles(folder).read(version)
        if value is None or read_creds(value) is None:
            raise NoSuchVersion
        return value

    def _waiting_versions(self, instance: Instance) -> dict[Version, NewVersion]:
        """Return those that are in no file yet."""
        with self._locks.state:
            found = (*instance.saving_versions, *instance.new_versions)
        return {version_of(new.when, 0, new.creds): new for new in found}


def _letting_others_run(things: Iterable[T]) -> Iterator[T]:
    """Yield things, and let other threads run now and then: a loop keeps them waiting for 5 ms each time."""
    until = time.monotonic() + RUN_SECONDS
    for thing in things:
        yield thing
        if time.monotonic() > until:
            time.sleep(PAUSE_SECONDS)
            until = time.monotonic() + RUN_SECONDS


def _age_of(instance: Instance, now: int) -> str:
    """Return how long ago an instance was written last, in words of AGES."""
    tally = instance.tally
    last_write = max(instance.last_write, tally.last_write if tally is not None else 0)
    if not last_write:
        return "unknown"
    for age, span in AGES.items():
        if now - last_write < span:
            return age
    return "earlier"


def _may_have_creds(instance: Instance) -> bool:
    """Tell whether an instance has creds, as far as is known without asking the disk."""
    for values in (instance.unsaved, instance.saving):
        if CREDS in values:
            return values[CREDS] is not None
    return instance.tally is None or instance.tally.has(CREDS)
