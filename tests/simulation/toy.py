"""A store that is too simple to be wrong: all that it holds is one file, which is written whole at each commit.

The simulation must find nothing in it; and, where one of its lines is left out, it must find that.
"""

# ruff: noqa: PTH104, PTH108, PTH208 - it speaks to `os`, which is what the simulation stands in for

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from types import ModuleType
from typing import Any

from sessionworker.errors import (
    NoSpace,
    NoSuchGroup,
    NoSuchInstance,
    NoSuchVersion,
    StartError,
    StoreUnavailable,
    WorkerError,
)
from tests.simulation.machine import Machine
from tests.simulation.state import EMPTY, Account, State, apply
from tests.simulation.subject import (
    EVERYTHING,
    ROOT,
    Batch,
    DropSeen,
    Entry,
    Holds,
    Outcome,
    Refusal,
    Repair,
    Scope,
    VersionSeen,
)
from tests.simulation.toy_file import decode, encode

PLANTED = ("", "no sync of the folder", "no sync of the file", "in place", "stale", "deadlock", "ends", "leaves files")
"""What may be wrong with it."""


class ToySubject:
    """What the simulation must know of it."""

    name = "toy"
    large_from = 6000
    most_changes = 6
    most_apart = float("inf")
    frees_room_when_full = False
    can_purge_one = True
    takes_in = True
    keep_drops_days = 1.0
    own_bytes = 400_000
    most_bytes = 1_200_000
    blocks_of_an_instance = 4

    def __init__(self, planted: str = "") -> None:
        """Have something be wrong with it."""
        assert planted in PLANTED
        self.modules: Sequence[ModuleType] = (sys.modules[__name__],)
        self._planted = planted

    def others(self, _: Machine) -> Mapping[str, object]:
        """Nothing else is replaced."""
        return {}

    def open(self, _: Machine, report: Callable[[str], None], __: Callable[[Any], None]) -> ToyStore:
        """Open it."""
        return ToyStore(self._planted, report)

    def forget(self) -> None:
        """Nothing runs on by itself."""

    def pattern(self, path: str) -> str:
        """There is none."""
        return path

    def scope_of(self, _: str) -> Scope:
        """Everything is in one file."""
        return EVERYTHING

    def file(self, *of: str) -> str:
        """There is none."""
        return "/".join(("/none", *of))

    folder = versions_folder = file

    def version_in(self, _group: str, _instance: str, _name: str, data: bytes) -> bytes:
        """There is none."""
        return data


class ToyStore:
    """The model itself, and a file."""

    def __init__(self, planted: str, report: Callable[[str], None]) -> None:
        """Read the file, if it is there."""
        self._planted = planted
        self._report = report
        self._lock = threading.Lock()
        self._other_lock = threading.Lock()
        self._closing = threading.Event()
        self._recent: dict[tuple[str, str, str], bytes | None] = {}
        self._state = EMPTY
        self._count = 0
        try:
            for name in os.listdir(ROOT):
                if name[0].isdigit():
                    os.unlink(f"{ROOT}/{name}")
            self._state = self._read_all()
        except OSError as error:
            raise StartError(f"The store cannot be read: {error.strerror}.") from None
        except ValueError:
            raise StartError("The store's file is broken.") from None

    def _read_all(self) -> State:
        """Read the file, and make durable what an earlier worker may have written and not synced: it is shown now."""
        try:
            handle = os.open(f"{ROOT}/all", os.O_RDONLY)
        except FileNotFoundError:
            return EMPTY
        try:
            os.fsync(handle)
            self._sync_folder()
            return decode(os.read(handle, 10**7))
        finally:
            os.close(handle)

    # Writing

    def commit(self, entries: Sequence[Entry | Repair]) -> list[Outcome]:
        """Work out what follows, write all of it, and only then believe it."""
        with self._lock:
            outcomes: list[Outcome] = []
            state = self._state
            for entry in entries:
                assert isinstance(entry, Entry)
                after, outcome = apply(state, entry.request, time.time_ns())
                outcomes.append(outcome)
                state = after if outcome is None else state
            state = self._name_drops(state)
            try:
                self._write(encode(state))
            except OSError as error:
                refusal = Refusal.FULL if error.errno in (28, 122) else Refusal.UNAVAILABLE
                return [outcome or refusal for outcome in outcomes]
            self._state = state
            return outcomes

    def _name_drops(self, state: State) -> State:
        names = {dropped.drop for dropped in state.drops}
        drops = []
        for dropped in state.drops:
            if dropped.drop is None:
                number = len(names)
                while str(number) in names | state.used:
                    number += 1
                names.add(str(number))
                dropped = dropped._replace(drop=str(number))  # noqa: PLW2901 - the same, with a name
            drops.append(dropped)
        return state._replace(drops=tuple(drops))

    def _write(self, data: bytes) -> None:
        self._count += 1
        name = f"{ROOT}/all" if self._planted == "in place" else f"{ROOT}/{self._count}"
        handle = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            try:
                written = 0
                while written < len(data):
                    written += os.write(handle, data[written:])
                if self._planted != "no sync of the file":
                    os.fsync(handle)
            finally:
                os.close(handle)
            if self._planted == "leaves files" and self._count > 1:
                os.rename(f"{ROOT}/all", f"{name}-left")
            os.rename(name, f"{ROOT}/all")
        except OSError:
            self._remove(name)
            raise
        if self._planted != "no sync of the folder":
            self._sync_folder()

    @staticmethod
    def _sync_folder() -> None:
        handle = os.open(ROOT, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

    def _remove(self, name: str) -> None:
        try:
            os.unlink(name)
        except OSError as error:
            self._report(f"A file is left: {error.strerror}.")

    def prepare(self, _: Batch) -> None:
        """Nothing takes long."""

    # Reading

    def _find(self, group: str, instance: str) -> Account:
        account = self._state.find(group, instance)
        if account is None:
            raise NoSuchInstance if group in self._state.groups else NoSuchGroup
        return account

    def read(self, group: str, instance: str, key: str) -> bytes | None:
        """Look it up."""
        value = self._find(group, instance).values.get(key)
        if self._planted == "stale":
            return self._recent.setdefault((group, instance, key), value)
        if self._planted == "deadlock":
            with self._other_lock, self._lock:
                return value
        return value

    recall = read

    def check_creds(self, group: str, instance: str) -> None:
        """They are well."""
        self._find(group, instance)
        if self._planted == "deadlock":
            with self._lock, self._other_lock:
                pass

    def groups(self) -> list[str]:
        """Look them up."""
        return sorted(self._state.groups)

    def instances(self, group: str) -> list[str]:
        """Look them up."""
        return sorted(self._state.groups[group])

    def describe(self, group: str) -> dict[str, Holds]:
        """Sum them up."""
        if group not in self._state.groups:
            raise NoSuchGroup
        return {name: account.holds for name, account in self._state.groups[group].items()}

    def versions(self, group: str, instance: str) -> list[VersionSeen]:
        """List them."""
        versions = self._find(group, instance).versions
        last = len(versions) - 1
        return [VersionSeen(str(place), place == last, versions[place].value is None) for place in range(last, -1, -1)]

    def read_version(self, group: str, instance: str, version: str) -> bytes:
        """Look it up."""
        value = self._find(group, instance).versions[int(version)].value
        if value is None:
            raise NoSuchVersion
        return value

    def drops(self) -> list[DropSeen]:
        """List them, the newest first."""
        return [
            DropSeen(each.group, each.name, each.drop or "", each.account.holds) for each in reversed(self._state.drops)
        ]

    # The rest

    def purge(self) -> None:
        """Keep them all."""

    def checkpoint(self) -> None:
        """Nothing waits."""

    def check(self) -> None:
        """Write all once more."""
        with self._lock:
            try:
                self._write(encode(self._state))
            except OSError as error:
                problem: WorkerError = NoSpace() if error.errno in (28, 122) else StoreUnavailable()
                raise problem from None

    def maintain(self) -> None:
        """Wait."""
        while not self._closing.wait(5):
            if self._planted == "ends" and self._state.groups:
                raise ValueError("what nobody foresaw")

    def close(self) -> None:
        """Let the waiting end."""
        self._closing.set()

    def wants_restart(self) -> bool:
        """Never."""
        return False
