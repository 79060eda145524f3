"""What was committed, as reads see it, and which part of it is not in the files yet.

A commit applies its changes here. A checkpoint takes what it is about (`begin_checkpoint`), brings it into the files,
and says so (`let_go`, `saved`), or gives it back (`take_back`). Nothing here waits, but for the disk at a restore.

Whoever changes something holds the store's state lock; whoever reads need not.
"""

from __future__ import annotations

import os
from collections.abc import Collection

import msgspec

from sessionworker.errors import NoSuchGroup, NoSuchInstance
from sessionworker.names import CREDS
from sessionworker.stores.disk import make_folder
from sessionworker.stores.drops import Drops
from sessionworker.stores.folders import InstanceFolder, Staged, list_folders
from sessionworker.stores.interface import (
    Change,
    CreateGroup,
    CreateInstance,
    Delete,
    DropGroup,
    DropInstance,
    Probe,
    RestoreInstance,
    Write,
    WriteStaged,
)
from sessionworker.stores.layout import Layout
from sessionworker.stores.memory import KnownNames

MOST_KNOWN_NAMES = 4_000_000
"""Names of session files that are remembered, eight bytes each."""


class Frame(msgspec.Struct, array_like=True):
    """What one record of the journal holds: the time of a commit in milliseconds, and its changes."""

    when: int
    changes: list[Change]


class Instance:
    """An instance, from its creation to its drop. One that is made again under the same name is another one."""

    __slots__ = (
        "dropped_as",
        "folder",
        "group",
        "is_new",
        "known",
        "name",
        "new_versions",
        "saving",
        "saving_drop",
        "saving_versions",
        "unsaved",
        "writes",
    )

    def __init__(self, group: str, name: str, folder: InstanceFolder, *, is_on_disk: bool) -> None:
        """Begin with what is in `folder`, or with nothing."""
        self.group = group
        self.name = name
        self.folder = folder
        self.unsaved: dict[str, bytes | Staged | None] = {}  # committed and not in its file yet; None: deleted
        self.saving: dict[str, bytes | Staged | None] = {}  # the same, and the checkpoint under way is about them
        self.new_versions: list[tuple[int, int, bytes | None]] = []  # of creds, as InstanceFolder.add_versions has them
        self.saving_versions: list[tuple[int, int, bytes | None]] = []
        self.known: KnownNames | None = None if is_on_disk else KnownNames()  # None: the folder was not listed yet
        self.is_new = not is_on_disk  # it has had no creds but those that were committed since
        self.writes = 0
        self.dropped_as = ""
        self.saving_drop = ""  # dropped_as, if the drop is a part of what the checkpoint under way is about


class State:
    """All groups and instances, and what of them waits for its files."""

    def __init__(self, layout: Layout, drops: Drops) -> None:
        """Begin with the groups and instances that are on the disk. Raises OSError."""
        self._layout = layout
        self._drops = drops
        self.groups: dict[str, dict[str, Instance]] = {
            group: {
                name: Instance(group, name, layout.instance(group, name), is_on_disk=True)
                for name in list_folders(layout.group(group))
            }
            for group in list_folders(layout.root)
        }
        self.last_when = 0
        """The time of the last frame, in milliseconds."""
        self.backlog = 0
        """Bytes of values that wait in memory for their files."""
        self.waiting_files = 0
        """Session files that wait to be written or removed."""
        self.known_names = 0
        """Names of session files that are remembered."""
        self.to_save: dict[Instance, None] = {}  # in the order in which they first changed
        self._new_groups: set[str] = set()
        self._gone_groups: set[str] = set()
        self._superseded: list[Staged] = []
        self._moving: dict[str, Instance] = {}  # dropped, and not moved out of their folders' places yet

    def find(self, group: str, name: str) -> Instance:
        """Return an instance. Raises NoSuchGroup or NoSuchInstance."""
        try:
            return self.groups[group][name]
        except KeyError:
            raise NoSuchInstance if group in self.groups else NoSuchGroup from None

    def owns_folder(self, instance: Instance) -> bool:
        """Tell whether what stands in the place of an instance's folder is its own, not that of a dropped one."""
        return self._moving.get(instance.folder.path, instance) is instance

    @property
    def is_saved(self) -> bool:
        """Whether a checkpoint would have nothing to do."""
        return not (self.to_save or self._new_groups or self._gone_groups)

    # Names

    def learn_names(self, instance: Instance, names: Collection[str]) -> None:
        """Note which keys an instance's folder holds, besides those that wait for their files."""
        known = KnownNames(names)
        for key in (*instance.saving, *instance.unsaved):
            known.add(key)
        if self.known_names + len(known) > MOST_KNOWN_NAMES:
            self._forget_names()
        self.known_names += len(known)
        instance.known = known

    def _forget_names(self) -> None:
        for instances in self.groups.values():
            for instance in instances.values():
                instance.known = None
        self.known_names = 0

    # Changes

    def apply(self, frame: Frame, *, is_replay: bool = False) -> None:
        """Make the changes of a frame that is in the journal. Raises OSError where a restore does."""
        self.last_when = frame.when
        for number, change in enumerate(frame.changes):
            match change:
                case Write(file, value):
                    if is_replay:  # it may have been dropped later, and moved, before the crash
                        self._make_instance(file.group, file.instance)
                    self._set(self.groups[file.group][file.instance], file.key, value, (frame.when, number))
                case WriteStaged(file, name):
                    if is_replay:
                        self._make_instance(file.group, file.instance)
                    staged = self._layout.staged(name)
                    self._set_staged(self.groups[file.group][file.instance], file.key, staged, is_replay)
                case Delete(file):
                    instance = self.groups.get(file.group, {}).get(file.instance)
                    if instance is not None:
                        self._set(instance, file.key, None, (frame.when, number))
                case CreateGroup(group):
                    self._make_group(group)
                case CreateInstance(group, name):
                    self._make_instance(group, name)
                case DropInstance(group, name):
                    self._drop(group, name, f"{frame.when}-{number}")
                case DropGroup(group):
                    if not self.groups.get(group, True):  # else some were made since, before a crash
                        del self.groups[group]
                        self._gone_groups.add(group)
                case RestoreInstance(group, instance_name, drop, name):
                    self._restore(self._drops.place(group, instance_name, drop), group, name)
                case Probe():
                    pass

    def _make_group(self, group: str) -> None:
        if group not in self.groups:
            self.groups[group] = {}
            self._new_groups.add(group)

    def _make_instance(self, group: str, name: str) -> None:
        self._make_group(group)
        if name not in self.groups[group]:
            folder = self._layout.instance(group, name)
            is_on_disk = folder.path not in self._moving and folder.exists()
            instance = self.groups[group][name] = Instance(group, name, folder, is_on_disk=is_on_disk)
            self.to_save[instance] = None

    def _drop(self, group: str, name: str, drop: str) -> None:
        instance = self.groups.get(group, {}).pop(name, None)
        if instance is not None:
            instance.dropped_as = drop
            self._moving[instance.folder.path] = instance  # the latest: an earlier one is moved before it
            self.to_save[instance] = None

    def _restore(self, place: str, group: str, name: str) -> None:
        """Move a dropped instance back, now: a read may ask for it next. After a crash it may be back already."""
        make_folder(self._layout.group(group), sync=self._layout.sync)
        folder = self._layout.instance(group, name)
        if os.path.isdir(place) and not folder.exists():
            InstanceFolder(place, sync=self._layout.sync).move(folder.path)
        self._make_instance(group, name)

    def _set(self, instance: Instance, key: str, value: bytes | None, version: tuple[int, int]) -> None:
        self._put(instance, key, value)
        if key == CREDS:
            instance.new_versions.append((*version, value))
            self.backlog += _size(value)

    def _set_staged(self, instance: Instance, key: str, staged: Staged, is_replay: bool) -> None:
        if is_replay and not os.path.exists(staged.path):
            # It became the key's file before the crash. What came before it in the journal must not come after it.
            if key in instance.unsaved:
                self.waiting_files -= 1
                self.backlog -= _size(instance.unsaved.pop(key))
        else:
            self._put(instance, key, staged)

    def _put(self, instance: Instance, key: str, value: bytes | Staged | None) -> None:
        before = instance.unsaved.get(key)
        if isinstance(before, Staged):
            self._superseded.append(before)
        self.backlog += _size(value) - _size(before)
        self.waiting_files += key not in instance.unsaved
        instance.unsaved[key] = value
        if instance.known is not None and instance.known.add(key):
            self.known_names += 1
            if self.known_names > MOST_KNOWN_NAMES:
                self._forget_names()
        instance.writes += 1  # last: whoever read the file before sees that there was one
        self.to_save[instance] = None

    # Checkpoints

    def begin_checkpoint(self) -> tuple[set[str], list[Instance]]:
        """Return the groups to make and the instances to save, with what is now `saving` of each."""
        groups, self._new_groups = self._new_groups, set()
        instances, self.to_save = list(self.to_save), {}
        for instance in instances:
            # What a failed checkpoint left in `saving` stays there: values move in one direction alone.
            for key in instance.saving.keys() & instance.unsaved.keys():
                before = instance.saving[key]
                self.let_go([before])
                if isinstance(before, Staged):
                    self._superseded.append(before)
            instance.saving = {**instance.saving, **instance.unsaved}
            instance.unsaved = {}
            instance.saving_versions, instance.new_versions = instance.new_versions, []
            instance.saving_drop = instance.dropped_as
        return groups, instances

    def let_go(self, values: Collection[bytes | Staged | None]) -> None:
        """Count out values that are in their files."""
        self.waiting_files -= len(values)
        self.backlog -= sum(map(_size, values))

    def saved(self, instance: Instance) -> None:
        """Note that an instance's folder holds all that was `saving`, or was moved if it was dropped."""
        self.backlog -= sum(_size(value) for _, _, value in instance.saving_versions)
        instance.saving, instance.saving_versions = {}, []
        if instance.saving_drop and self._moving.get(instance.folder.path) is instance:
            del self._moving[instance.folder.path]

    def take_back(self, groups: set[str], instances: list[Instance]) -> None:
        """After a failed checkpoint: have what it did not save be saved by the next one."""
        self._new_groups |= groups
        for instance in instances:
            instance.new_versions = [*instance.saving_versions, *instance.new_versions]
            instance.saving_versions = []
        self.to_save = dict.fromkeys([*instances, *self.to_save])
        self.waiting_files = sum(len(instance.unsaved) + len(instance.saving) for instance in self.to_save)
        self.backlog = 0
        for instance in self.to_save:
            values = [*instance.unsaved.values(), *instance.saving.values()]
            versions = [value for _, _, value in instance.new_versions]
            self.backlog += sum(map(_size, [*values, *versions]))

    def take_gone_groups(self) -> set[str]:
        """Return the groups that were dropped since this was called before, and were not made again."""
        gone, self._gone_groups = self._gone_groups - self.groups.keys(), set()
        return gone

    def take_superseded(self) -> list[Staged]:
        """Return the large values that were written over since this was called before."""
        superseded, self._superseded = self._superseded, []
        return superseded


def _size(value: bytes | Staged | None) -> int:
    return len(value) if isinstance(value, bytes) else 0
