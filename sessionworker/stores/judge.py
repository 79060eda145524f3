"""Which changes of a commit can be made, and which of those change anything.

Each is judged given the changes before it, which are not made yet.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Container, Mapping, Sequence
from typing import TypeAlias

from sessionworker.errors import NameTaken, NoSuchDrop, NoSuchGroup, NoSuchInstance, WorkerError
from sessionworker.names import SessionFile
from sessionworker.stores.drops import Drops
from sessionworker.stores.interface import (
    Change,
    CreateGroup,
    CreateInstance,
    Delete,
    DropGroup,
    DropInstance,
    RestoreInstance,
    Write,
    WriteStaged,
)
from sessionworker.stores.layout import Layout
from sessionworker.stores.state import State

Outcomes: TypeAlias = list[WorkerError | None]
"""For each change the reason for which it was refused, or None."""


class Judge:
    """Judges changes by the state as it is now. Its methods are called with the store's state lock held."""

    def __init__(
        self,
        state: State,
        layout: Layout,
        drops: Drops,
        *,
        may_exist: Callable[[SessionFile], bool],
        refuse_now: Callable[[Change], WorkerError | None],
    ) -> None:
        """Ask `may_exist` about a session file that is to be deleted, and `refuse_now` about the disk."""
        self._state = state
        self._layout = layout
        self._drops = drops
        self._may_exist = may_exist
        self._refuse_now = refuse_now

    def judge(self, changes: Sequence[Change]) -> tuple[Outcomes, list[Change]]:
        """Return each change's outcome, and the changes to make: most creations and many deletions change nothing."""
        return self._judge_writes(changes) or self._judge_any(changes)

    def _judge_writes(self, changes: Sequence[Change]) -> tuple[Outcomes, list[Change]] | None:
        """Do as `judge`, in a tenth of the time, if all changes are writes that can be made, as nearly always."""
        groups = self._state.groups
        for change in changes:
            if type(change) is not Write or change.file.instance not in groups.get(change.file.group, ()):
                return None
        if changes and self._refuse_now(changes[0]) is not None:
            return None
        return [None] * len(changes), list(changes)

    def _judge_any(self, changes: Sequence[Change]) -> tuple[Outcomes, list[Change]]:
        outlook = _Outlook(self._state.groups)
        outcomes: Outcomes = []
        accepted: list[Change] = []
        for change in changes:
            outcome = self._refuse(change, outlook)
            is_needed = outcome is None and self._is_needed(change, outlook)
            if is_needed:
                outcome = self._refuse_now(change)
            if outcome is None:
                if isinstance(change, DropGroup):
                    # Each by its name: after a crash, those that were made since must not be dropped once more.
                    names = outlook.made_in(change.group) | self._state.groups.get(change.group, {}).keys()
                    drops = [DropInstance(change.group, name) for name in sorted(names)]
                    accepted += [drop for drop in drops if outlook.has_instance(drop.group, drop.instance)]
                    for drop in drops:
                        outlook.note(drop)
                if is_needed:
                    accepted.append(change)
                outlook.note(change)
            outcomes.append(outcome)
        return outcomes, accepted

    def _refuse(self, change: Change, outlook: _Outlook) -> WorkerError | None:
        """Return the reason for which a change cannot be made, given those before it, if there is one."""
        match change:
            case Write(file) | WriteStaged(file) if not outlook.has_instance(file.group, file.instance):
                return NoSuchInstance() if outlook.has_group(file.group) else NoSuchGroup()
            case DropGroup(group) if not outlook.has_group(group):
                return NoSuchGroup()
            case RestoreInstance(group, instance, drop, name):
                if outlook.is_restored(change) or not os.path.isdir(self._drops.place(group, instance, drop)):
                    return NoSuchDrop()
                if outlook.has_instance(group, name) or self._layout.instance(group, name).exists():
                    return NameTaken()
        return None

    def _is_needed(self, change: Change, outlook: _Outlook) -> bool:
        """Tell whether a change would change anything."""
        match change:
            case CreateGroup(group):
                return not outlook.has_group(group)
            case CreateInstance(group, name):
                return not outlook.has_instance(group, name)
            case DropInstance(group, name):
                return outlook.has_instance(group, name)
            case Delete(file):
                return outlook.is_written(file) or self._may_exist(file)
        return True


class _Outlook:
    """The groups, instances and drops there will be once the changes that were noted are made."""

    def __init__(self, groups: Mapping[str, Container[str]]) -> None:
        """Begin with the groups, and the names of the instances of each, that there are now."""
        self._there = groups
        self._groups: dict[str, bool] = {}
        self._instances: dict[tuple[str, str], bool] = {}
        self._written: set[SessionFile] = set()
        self._restored: set[tuple[str, str, str]] = set()

    def has_group(self, group: str) -> bool:
        """Tell whether there is such a group."""
        return self._groups.get(group, group in self._there)

    def has_instance(self, group: str, name: str) -> bool:
        """Tell whether there is such an instance."""
        return self._instances.get((group, name), name in self._there.get(group, ()))

    def is_written(self, file: SessionFile) -> bool:
        """Tell whether one of the changes writes a session file."""
        return file in self._written

    def is_restored(self, change: RestoreInstance) -> bool:
        """Tell whether one of the changes brings the same instance back."""
        return (change.group, change.instance, change.drop) in self._restored

    def made_in(self, group: str) -> set[str]:
        """Return the names of the instances of a group that are made, or were dropped, by the changes."""
        return {name for of, name in self._instances if of == group}

    def note(self, change: Change) -> None:
        """Add a change that will be made, or that changes nothing."""
        match change:
            case CreateGroup(group):
                self._groups[group] = True
            case CreateInstance(group, name):
                self._groups[group] = self._instances[group, name] = True
            case RestoreInstance(group, instance, drop, name):
                self._groups[group] = self._instances[group, name] = True
                self._restored.add((group, instance, drop))
            case DropInstance(group, name):
                self._instances[group, name] = False
            case DropGroup(group):
                self._groups[group] = False
            case Write(file) | WriteStaged(file):
                self._written.add(file)
