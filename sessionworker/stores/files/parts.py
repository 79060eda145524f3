"""The parts of one store, and how they are put together."""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from sessionworker.disk import emptying, is_full, make_folders, open_folder, opened_folder
from sessionworker.errors import StartError
from sessionworker.events import Report
from sessionworker.file_names import OURS
from sessionworker.stores.changes import Batch
from sessionworker.stores.files.adopting import Adopting
from sessionworker.stores.files.background import Background
from sessionworker.stores.files.catalogue import Catalogue
from sessionworker.stores.files.checkpoints import Checkpoints
from sessionworker.stores.files.codec import Plain
from sessionworker.stores.files.copied import refuse_unfinished
from sessionworker.stores.files.copies import Copies
from sessionworker.stores.files.creds import CredsReading
from sessionworker.stores.files.drops import Drops
from sessionworker.stores.files.erasing import Erasing
from sessionworker.stores.files.events import Events
from sessionworker.stores.files.faults import Faults, reason_of
from sessionworker.stores.files.inventory import Inventory
from sessionworker.stores.files.journal import Journal
from sessionworker.stores.files.labels import Labels
from sessionworker.stores.files.large import LargeValues
from sessionworker.stores.files.leases import Leases
from sessionworker.stores.files.limits import Limits
from sessionworker.stores.files.locks import Locks
from sessionworker.stores.files.many import ManyKeys
from sessionworker.stores.files.moves import Moves
from sessionworker.stores.files.overview import Overview
from sessionworker.stores.files.places import JOURNAL, NEW, Places
from sessionworker.stores.files.reading import Reading
from sessionworker.stores.files.replacing import finish
from sessionworker.stores.files.replay import Replay
from sessionworker.stores.files.reserve import Reserve
from sessionworker.stores.files.rewriting import Rewriting
from sessionworker.stores.files.saving import Saving
from sessionworker.stores.files.sealing import Sealing
from sessionworker.stores.files.segments import remove_spares
from sessionworker.stores.files.state import State
from sessionworker.stores.files.tallies import Tallies
from sessionworker.stores.files.unfinished import UnfinishedNames
from sessionworker.stores.files.waiting import Waiting
from sessionworker.stores.rules.told import GAVE_UP, brought_back, moved
from sessionworker.stores.rules.versions import Keep
from sessionworker.stores.seal import KeyRing

LEFT_BY_0_1_0 = ("staged", "clock")
"""What 0.1.0 had in its own folder, and nothing of it is needed after a clean end."""


@dataclass(frozen=True)
class Parts:
    """All parts of a store that is open."""

    places: Places
    sealing: Sealing
    locks: Locks
    faults: Faults
    limits: Limits
    catalogue: Catalogue
    adopting: Adopting
    labels: Labels
    drops: Drops
    copies: Copies
    state: State
    journal: Journal
    waiting: Waiting
    reserve: Reserve
    reading: Reading
    creds: CredsReading
    many: ManyKeys
    overview: Overview
    leases: Leases
    moves: Moves
    large: LargeValues
    checkpoints: Checkpoints
    inventory: Inventory
    rewriting: Rewriting
    background: Background
    erasing: Erasing
    tallies: Tallies
    events: Events


def open_root(path: str, *, sync: bool, is_target: bool = False) -> tuple[int, int]:
    """Take ownership of a store's folder, made if missing; return it and its lock, both open. Raises StartError.

    `is_target` tells to take one that holds a part of a copy, too.
    """
    root = -1
    try:
        make_folders(path, sync=sync)
        root = open_folder(path)
        with suppress(FileExistsError):
            os.mkdir(OURS, 0o700, dir_fd=root)
        lock = os.open(f"{OURS}/lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600, dir_fd=root)
    except OSError as error:
        if root >= 0:
            os.close(root)
        raise StartError(f"The store {path} cannot be used: {reason_of(error)}.") from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        os.close(root)
        raise StartError(f"The store {path} is in use by another worker.") from None
    try:
        if not is_target:
            refuse_unfinished(root, path)
    except BaseException:
        os.close(lock)
        os.close(root)
        raise
    return root, lock


def open_parts(
    path: str,
    root: int,
    report: Report,
    ask: Callable[[Batch], None],
    *,
    sync: bool,
    keep: Keep,
    limits: Limits,
    segment_size: int,
    ring: KeyRing | None,
) -> Parts:
    """Put a store together, and take up what a crash left. Raises StartError or OSError."""
    locks = Locks()
    bare = Places(root, Plain(), UnfinishedNames(secrets.token_hex(4)), is_synced=sync)
    bare.make_ours()
    sealing = Sealing(bare, ring)
    codec = sealing.codec
    places = Places(root, codec, bare.unfinished, is_synced=sync)
    events = Events(places, locks, report)
    faults = Faults(events.report)
    folder = open_folder(JOURNAL, root)
    try:
        if sealing.is_mixed:
            remove_spares(folder)
        journal = Journal(f"{path}/{JOURNAL}", folder, codec, sync=sync, segment_size=segment_size)
    except BaseException:
        os.close(folder)
        raise
    catalogue = Catalogue(places, locks, faults)
    drops = Drops(places, faults)
    copies = Copies(catalogue.live)
    state = State(copies)
    reading = Reading(catalogue, copies, locks, ask)
    waiting = Waiting(state, journal, catalogue, locks, limits)
    reserve = Reserve(journal, locks.reserve)
    tallies = Tallies(places, catalogue, locks, limits)
    saving = Saving(reading, state, waiting, locks, faults, limits, keep)
    erasing = Erasing(places, locks, faults, limits)
    checkpoints = Checkpoints(
        catalogue, state, journal, reserve, saving, copies, locks, faults, limits, erasing, tallies, events
    )
    creds = CredsReading(catalogue, copies, reading, faults)
    inventory = Inventory(places, catalogue, drops)
    leases = Leases(faults, report)
    adopting = Adopting(places, catalogue, locks)
    labels = Labels(places, catalogue, adopting, locks)
    tallies.also, tallies.also_of_dropped = labels.of, labels.of_dropped
    rewriting = Rewriting(
        places,
        catalogue,
        inventory,
        labels,
        sealing,
        reading,
        creds,
        state,
        journal,
        locks,
        faults,
        ask,
        checkpoints.write_all_down,
    )
    parts = Parts(
        places=places,
        sealing=sealing,
        locks=locks,
        faults=faults,
        limits=limits,
        catalogue=catalogue,
        adopting=adopting,
        labels=labels,
        drops=drops,
        copies=copies,
        state=state,
        journal=journal,
        waiting=waiting,
        reserve=reserve,
        reading=reading,
        creds=creds,
        many=ManyKeys(catalogue, reading, creds),
        overview=Overview(places, catalogue, drops, tallies, labels, locks, keep),
        leases=leases,
        moves=Moves(places, catalogue, drops, locks, state, journal, reserve, tallies, faults, leases, labels),
        large=LargeValues(catalogue, faults, limits.large_value),
        erasing=erasing,
        tallies=tallies,
        events=events,
        checkpoints=checkpoints,
        inventory=inventory,
        rewriting=rewriting,
        background=Background(checkpoints, erasing, tallies, rewriting, waiting, journal, locks, faults, limits),
    )
    try:
        _take_up(parts)
        sealing.tell(report)  # which is so at each start, and no event that is remembered
    except BaseException:
        journal.close()
        raise
    return parts


def _take_up(parts: Parts) -> None:
    """Find out what there is, and give what the journal holds to the instances."""
    places, journal, faults = parts.places, parts.journal, parts.faults
    with opened_folder(NEW, places.root) as new:
        for _ in emptying(new):
            pass
    replaced = finish(places)
    parts.catalogue.load()
    if replaced is not None:
        _tell_replaced(parts, *replaced)
    parts.tallies.load()
    if parts.sealing.has_others and not parts.sealing.is_mixed and parts.inventory.holds_older():
        parts.sealing.mix()
    if parts.sealing.is_mixed:
        parts.drops.take_over()
    replay = Replay(places, parts.catalogue, parts.drops, parts.state, parts.faults)
    replayed = replay.run(journal.replay(faults.say))
    if parts.sealing.is_mixed:
        journal.rotate()
    if replayed:
        text = f"The worker did not end cleanly: {replayed} changes are brought from the journal into the files."
        faults.say("not_ended_cleanly", text, level="warn")
    for name in LEFT_BY_0_1_0:
        places.discard(f"{OURS}/{name}")
    try:
        journal.spares.refill(more=1)  # and one to write to
    except OSError as error:
        if not is_full(error):
            raise
        faults.say(
            "disk_full",
            f"The disk is full: {journal.spares.missing(more=1) / 2**20:.3g} MiB are missing that the worker needs for "
            "itself. What is stored can be read. Few writes are taken, if any, until there is room.",
        )


def _tell_replaced(parts: Parts, aside: str, source: str) -> None:
    """Tell that one instance has taken the place of another after all."""
    left, came = parts.drops.at(aside), parts.drops.at(source)
    if left is not None and came is not None:
        parts.faults.report(moved("instance_dropped", left.group, left.instance, GAVE_UP, ""))
        parts.faults.report(brought_back(came.group, came.instance, left.group, left.instance, ""))
