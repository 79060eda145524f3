"""What a crash leaves of a disk.

In the order of how much it forgets:

    kill         nothing: the process died, the machine did not. What was not synced still is not.
    power cut    all that was not synced: data by fsync or RWF_DSYNC of the file, names by fsync of their folder
    torn         anything between the two: of each file some of its unsynced writes, whole or in sectors; of each folder
                 its first so many unsynced names

A rename between two folders is one change, durable once either folder is synced. A name that is durable may stand for a
file whose data is not: the file then holds what was durable of it, perhaps nothing.
"""

from __future__ import annotations

from random import Random
from typing import Literal, TypeAlias

from tests.simulation.disk import Disk
from tests.simulation.nodes import BLOCK, File, Folder, Link, Naming, Node

How: TypeAlias = Literal["kill", "power cut", "torn"]
HOWS: tuple[How, ...] = ("kill", "power cut", "torn")


def after_crash(disk: Disk, how: How, random: Random) -> Disk:
    """Return the disk that the next start finds. The old one must not be used any more."""
    if how == "kill":
        for handle in list(disk.descriptors):
            disk.close(handle)
        return disk
    chance = random if how == "torn" else None
    share = random.choice((0.1, 0.5, 0.9))
    if chance is not None:
        _let_names_survive(disk, chance)
    left = _copy(disk, chance, share)
    if disk.blocks is not None and left.used_blocks > max(disk.blocks, disk.used_blocks):
        # The room of what was removed was used again, so the file system must have written its names down before.
        for folder in [node for node in disk.unsynced if isinstance(node, Folder)]:
            folder.sync()
        left = _copy(disk, chance, share)
    return left


def _let_names_survive(disk: Disk, random: Random) -> None:
    survivors: dict[int, Naming] = {}
    for folder in disk.unsynced:
        if isinstance(folder, Folder) and folder.unsynced:
            for naming in folder.unsynced[: random.randrange(len(folder.unsynced) + 1)]:
                survivors[naming.number] = naming
    for number in sorted(survivors):
        survivors[number].make_durable()


def _copy(disk: Disk, random: Random | None, share: float) -> Disk:
    copy = Disk(disk.now, blocks=disk.blocks, inodes=disk.inodes)
    copy.is_guarded = disk.is_guarded
    copy.last_number = disk.last_number
    copy.last_naming = disk.last_naming
    copy.root.mode = disk.root.mode
    _copy_names(disk.root, copy.root, copy, random, share)
    return copy


def _copy_names(old: Folder, new: Folder, copy: Disk, random: Random | None, share: float) -> None:
    for name, node in old.durable.items():
        same = _copy_node(node, copy, random, share)
        same.name, same.parent, same.mode = name, new, node.mode
        new.names[name] = new.durable[name] = same
        copy.used_blocks += same.blocks
        copy.used_inodes += 1
    copy.used_blocks += new.blocks - 1 if new is copy.root else 0


def _copy_node(node: Node, copy: Disk, random: Random | None, share: float) -> Node:
    if isinstance(node, Folder):
        folder = Folder(node.number, node.mode, node.modified)
        _copy_names(node, folder, copy, random, share)
        return folder
    if isinstance(node, Link):
        return Link(node.number, node.target, node.modified)
    file = File(node.number, node.mode, node.modified)
    file.data += node.remains(random, share)
    file.leading = -(-len(file.data) // BLOCK)
    return file
