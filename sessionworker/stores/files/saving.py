"""Bringing one instance's folder up to what was committed for it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from itertools import islice

import msgspec

from sessionworker.disk import NotAFile
from sessionworker.names import CREDS, type_of_key
from sessionworker.stores.files.faults import Faults
from sessionworker.stores.files.folder import Folder
from sessionworker.stores.files.identity import Identity
from sessionworker.stores.files.instance import Instance, NewVersion, Value
from sessionworker.stores.files.limits import Limits
from sessionworker.stores.files.locks import Locks
from sessionworker.stores.files.reading import Reading
from sessionworker.stores.files.records import Large
from sessionworker.stores.files.state import State
from sessionworker.stores.files.tallies import sizes_of
from sessionworker.stores.files.tally import Tally, file_sizes, last_change
from sessionworker.stores.files.version_files import VersionFiles
from sessionworker.stores.files.waiting import Waiting
from sessionworker.stores.rules.creds import read_creds
from sessionworker.stores.rules.versions import Keep, Version, to_keep, version_of
from sessionworker.values import is_json


class Saving:
    """Writes what is `saving` of an instance. Called by the checkpointer alone."""

    def __init__(
        self, reading: Reading, state: State, waiting: Waiting, locks: Locks, faults: Faults, limits: Limits, keep: Keep
    ) -> None:
        """Keep the versions of creds that `keep` asks for."""
        self._reading = reading
        self._state = state
        self._waiting = waiting
        self._locks = locks
        self._faults = faults
        self._limits = limits
        self._keep = keep

    def save(self, instance: Instance, folder: Folder) -> Tally | None:
        """Write, or remove, the files of an instance, durably: first what frees room. Raises OSError.

        Returns what they come to then, if that is known without counting them.
        """
        if folder.codec.has_spellings:  # or nobody has to know all names: those that are sealed take long to open
            self._reading.learn_names(instance, folder)
        rest = self._begin(instance, folder)
        self._respell(instance, folder)
        if not instance.is_swept:
            Identity(folder).begin_to_write()  # what comes from the journal is written to one that nobody adopted yet
            folder.sweep(large_of(instance))
            instance.is_swept = True
        for key in instance.saving_broken:
            self._set_aside(instance, folder, key)
        gone = {key for key, value in instance.saving.items() if value is None}
        for key in gone - {CREDS}:
            folder.remove(key)
        self._remove_superseded(instance, folder)
        if instance.saving_versions:
            self._save_versions(folder, instance.saving_versions)
        if CREDS in gone:  # once they are a version
            folder.remove(CREDS)
        self._write(instance, folder)
        folder.sync()
        return rest and self._tally(rest, instance, folder)

    def _begin(self, instance: Instance, folder: Folder) -> Tally | None:
        """Return what the files of an instance come to without those that will be changed, if that is known."""
        with self._locks.state:
            tally = self._state.begin_save(instance)
        if tally is None or not tally.is_plain or tally.changed != last_change(folder):
            return None
        if instance.saving_broken:  # somebody changed files that are broken
            return None
        rest = tally.after(_sizes(folder, instance.saving), {})
        return rest if rest.is_possible else None

    @staticmethod
    def _tally(rest: Tally, instance: Instance, folder: Folder) -> Tally:
        large = [key for key, value in instance.saving.items() if isinstance(value, Large)]
        tally = rest.after({}, {**sizes_of(instance.saving), **_sizes(folder, large)})
        last_write = max(tally.last_write, instance.last_write)
        return msgspec.structs.replace(tally, changed=last_change(folder), last_write=last_write)

    def _write(self, instance: Instance, folder: Folder) -> None:
        """Write some files at a time: a commit that waits need not wait for all of them."""
        waiting = {key: value for key, value in instance.saving.items() if value is not None}
        keys = list(waiting)
        if instance.refusal is not None:  # there may be little room: first what takes another file's place
            keys.sort(key=lambda key: folder.standing(key) is None)
        left = iter(keys)
        while some := {key: waiting[key] for key in islice(left, self._limits.files_at_once)}:
            folder.write({key: value for key, value in some.items() if isinstance(value, bytes)})
            for key, value in some.items():
                if isinstance(value, Large) and not folder.put_large(value.file_name, key, value.size):
                    self._faults.note(
                        "large_values_lost",
                        "large_value_lost",
                        f"A large value of {instance} is nowhere: its file was removed before it was in its place. "
                        "What the session file held before stays.",
                        instance,
                    )
            self._let_go(instance, list(some.values()))

    def _remove_superseded(self, instance: Instance, folder: Folder) -> None:
        superseded = instance.superseded
        for file_name in set(superseded) - large_of(instance):  # a value that was journaled again is still needed
            folder.remove_large(file_name)
        with self._locks.state:
            instance.superseded = instance.superseded[len(superseded) :]

    def _let_go(self, instance: Instance, values: Sequence[Value]) -> None:
        with self._locks.state:
            if not instance.is_purged:
                self._state.let_go(instance, values)
        self._waiting.freed()

    def _respell(self, instance: Instance, folder: Folder) -> None:
        """Give files of another spelling the names that we would have given them."""
        for key, odd in ((key, odd) for key, names in instance.odd_names.items() for odd in names):
            if folder.standing(key) is None:
                with suppress(NotAFile):  # whoever reads it sees to that
                    folder.respell(odd, key)
            elif folder.set_aside(odd):
                self._say_aside(instance, key, "had two files")
        instance.odd_names = {}

    def _set_aside(self, instance: Instance, folder: Folder, key: str) -> None:
        """Keep what is broken for a person, unless a good value came there by now."""
        try:
            value = folder.read(key)
            is_good = value is None or (read_creds(value) is not None if key == CREDS else is_json(value))
        except OSError:
            is_good = False
        name = None if is_good else folder.standing(key)
        if name is not None and folder.set_aside(name):
            self._say_aside(instance, key, "was broken")

    def _say_aside(self, instance: Instance, key: str, problem: str) -> None:
        self._faults.note(
            "files_set_aside",
            "file_set_aside",
            f"A session file of type {type_of_key(key)} of {instance} {problem}. It was moved to the folder "
            ".sessionworker/broken there.",
            instance,
            level="warn",
        )

    # Versions of creds

    def _save_versions(self, folder: Folder, new: Sequence[NewVersion]) -> None:
        files = VersionFiles(folder)
        existing = files.all()
        values = {version_of(one.when, 0, one.creds): one.value or b"" for one in new}
        if not existing:
            values |= self._first_version(folder, before=min(values))
        kept = to_keep([*existing, *values], self._keep)
        files.keep(
            remove=[version for version in existing if version not in kept],
            add={version: value for version, value in sorted(values.items()) if version in kept},
        )

    def _first_version(self, folder: Folder, before: Version) -> dict[Version, bytes]:
        """Keep the creds that were there before versions were kept."""
        try:
            value = folder.read(CREDS)
            creds = read_creds(value) if value is not None else None
            if value is None or creds is None:
                return {}
            when = os.stat(folder.standing(CREDS) or CREDS, dir_fd=folder.handle).st_mtime_ns // 1_000_000
        except OSError:
            return {}
        return {version_of(min(when, before.when - 1), 0, creds): value}


def _sizes(folder: Folder, keys: Iterable[str]) -> dict[str, int]:
    """Return the bytes of the values that some keys have in their files."""
    return file_sizes(folder.handle, ".", folder.codec, folder.id, keys)


def large_of(instance: Instance) -> set[str]:
    """Return the names of the files of large values that wait to be put in their place."""
    values = [*instance.unsaved.values(), *instance.saving.values()]
    return {value.file_name for value in values if isinstance(value, Large)}
