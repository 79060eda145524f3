"""What is there before each change of a commit, given the changes before it."""

from __future__ import annotations

from collections.abc import Container, Mapping

from sessionworker.names import SessionFile
from sessionworker.stores.interface import (
    Change,
    CreateGroup,
    CreateInstance,
    DropGroup,
    DropInstance,
    RestoreInstance,
    Write,
    WriteStaged,
)


class Outlook:
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
