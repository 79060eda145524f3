"""A store that notes what it is asked."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from sessionworker.names import SessionFile
from sessionworker.stores.changes import Batch, Entry, PurgeDrop
from sessionworker.stores.files.store import FileStore
from sessionworker.stores.interface import Outcome, Unknown
from sessionworker.wire import DropSummary, InstanceSummary, VersionSummary


class RecordingStore(FileStore):
    """A store that notes what it is asked."""

    def __init__(self, folder: Path, **options: Any) -> None:
        self.calls: list[object] = []
        super().__init__(folder, sync=False, segment_size=2**16, **options)

    def prepare(self, batch: Batch) -> Batch:
        self.calls.append(batch)
        return super().prepare(batch)

    def commit(self, entries: Sequence[Entry]) -> list[Outcome]:
        self.calls += entries
        return super().commit(entries)

    def read(self, file: SessionFile) -> bytes | None:
        self.calls.append(file)
        return super().read(file)

    def recall(self, file: SessionFile) -> bytes | Literal[Unknown.UNKNOWN] | None:
        self.calls.append(file)
        return super().recall(file)

    def groups(self) -> list[str]:
        self.calls.append("groups")
        return super().groups()

    def instances(self, group: str) -> list[str]:
        self.calls.append(group)
        return super().instances(group)

    def describe(self, group: str) -> list[InstanceSummary]:
        self.calls.append(group)
        return super().describe(group)

    def versions(self, group: str, name: str) -> list[VersionSummary]:
        self.calls.append((group, name))
        return super().versions(group, name)

    def read_version(self, group: str, name: str, version: str) -> bytes:
        self.calls.append((group, name, version))
        return super().read_version(group, name, version)

    def drops(self) -> list[DropSummary]:
        self.calls.append("drops")
        return super().drops()

    def checkpoint(self) -> None:
        self.calls.append("checkpoint")
        super().checkpoint()

    def drops_before(self, when: int) -> list[PurgeDrop]:
        self.calls.append("drops before")
        return super().drops_before(when)

    def check_creds(self, group: str, name: str) -> None:
        self.calls.append((group, name))
        super().check_creds(group, name)

    def check(self) -> None:
        self.calls.append("check")
        super().check()
