"""Faults in what makes a commit durable: the journal, its reserve, and the order of syncs."""

from __future__ import annotations

from tests.mutations.fault import Fault

_FILES = "sessionworker/stores/files"
_DISK = "sessionworker/disk.py"
_FOLDER = f"{_FILES}/folder.py"
_JOURNAL = f"{_FILES}/journal.py"
_SEGMENTS = f"{_FILES}/segments.py"
_COMMITTING = f"{_FILES}/committing.py"
_CHECKPOINTS = f"{_FILES}/checkpoints.py"
_SAVING = f"{_FILES}/saving.py"

_ORDER = "tests/files/test_order.py"
_JOURNALS = "tests/journal"
_JOURNAL_FAULTS = "tests/files/test_journal_faults.py"
_FULL_DISK = "tests/files/test_full_disk.py"
_RESERVE = "tests/files/test_reserve.py"

FAULTS: tuple[Fault, ...] = (
    # What is synced, and when
    Fault(
        "a folder is not synced after files took their names in it",
        _FOLDER,
        """session files durable.\"\"\"
        if self.is_synced:
""",
        """session files durable.\"\"\"
        if False:
""",
        (_ORDER,),
    ),
    Fault(
        "a file is not synced before it takes its name",
        _DISK,
        "                os.fdatasync(handle)",
        "                pass",
        (_ORDER,),
    ),
    Fault(
        "many files are not synced before they take their names",
        _FOLDER,
        "            sync_file_system(self.handle)\n",
        "",
        (_ORDER,),
    ),
    Fault(
        "a record of the journal is not synced",
        _SEGMENTS,
        "self._flags = os.RWF_DSYNC if sync else 0",
        "self._flags = 0",
        (_ORDER,),
    ),
    Fault(
        "the name of a segment that is begun is not synced",
        _JOURNAL,
        "        try:\n            self._sync_folder()\n",
        "        try:\n            pass\n",
        seeds=200,
    ),
    Fault(
        "a segment's end is not durable before the next one's",
        _JOURNAL,
        "            self._sync_folder()\n            self._closed.popleft()",
        "            self._closed.popleft()",
        (_ORDER,),
    ),
    Fault(
        "the journal is let go before the files are written",
        _CHECKPOINTS,
        """            self._save_all(instances)
            self._attempt("The journal could not be let go", lambda: self._let_go(closed), is_vital=True)
""",
        """            self._attempt("The journal could not be let go", lambda: self._let_go(closed), is_vital=True)
            self._save_all(instances)
""",
        (_ORDER,),
    ),
    Fault(
        "new creds take their place before the older ones are a version",
        _SAVING,
        """        if instance.saving_versions:
            self._save_versions(folder, instance.saving_versions)
        if CREDS in gone:  # once they are a version
            folder.remove(CREDS)
        self._write(instance, folder)
""",
        """        if CREDS in gone:  # once they are a version
            folder.remove(CREDS)
        self._write(instance, folder)
        if instance.saving_versions:
            self._save_versions(folder, instance.saving_versions)
""",
        (_ORDER,),
    ),
    Fault(
        "versions of creds are not synced",
        f"{_FILES}/version_files.py",
        "            if sync:\n                os.fsync(handle)\n",
        "",
        (_ORDER,),
    ),
    Fault(
        "a large value is not synced before it is committed",
        _FOLDER,
        "write_new(name, self.ours, self._seal(value, key), sync=self.is_synced)",
        "write_new(name, self.ours, self._seal(value, key), sync=False)",
        (_ORDER,),
    ),
    Fault(
        "a large value's name is not synced before it is committed",
        _FOLDER,
        """        with removed_on_error(name, self.ours):
            if self.is_synced:
                os.fsync(self.ours)
""",
        "",
        (_ORDER,),
    ),
    Fault(
        "an instance's id is not synced",
        _FOLDER,
        "            os.fsync(self.ours)\n            os.fsync(self.handle)",
        "            pass",
        (_ORDER,),
    ),
    # What a commit that failed leaves
    Fault(
        "a write is applied although the journal did not take it",
        _COMMITTING,
        """            for one in accepted:
                one.failure = failure
            freeing""",
        """            for one in accepted:
                one.failure = failure
                if one.instance is not None:
                    self._parts.state.apply(one.instance, one.changes, now)
            freeing""",
        (_JOURNAL_FAULTS,),
    ),
    Fault(
        "a deletion is applied although the reserve had no room for it",
        _COMMITTING,
        "if failure is None and one.instance is not None:",
        "if one.instance is not None:",
        (_FULL_DISK, _RESERVE),
    ),
    Fault(
        "a write is acknowledged although the journal did not take it",
        _COMMITTING,
        "            return refusal_for(error)\n        self._observe_sync",
        "            return None\n        self._observe_sync",
        (_JOURNAL_FAULTS,),
    ),
    Fault(
        "a value is shown to readers before it is durable",
        _COMMITTING,
        """        failure = self._append(accepted, now)
        if failure is not None:
            for one in accepted:
""",
        """        before = [(one.instance, one.instance.unsaved, one.changes) for one in accepted if one.instance]
        for instance, unsaved, changes in before:
            seen = {getattr(one, "key", "creds"): getattr(one, "value", None) for one in changes}
            instance.unsaved = {**unsaved, **seen}
        failure = self._append(accepted, now)
        for instance, unsaved, _ in reversed(before):
            instance.unsaved = unsaved
        if failure is not None:
            for one in accepted:
""",
        (_JOURNAL_FAULTS,),
        seeds=500,
    ),
    Fault(
        "what is left of a record that failed is not taken back",
        _SEGMENTS,
        "        _write(self._handle, [END], self.end, self._flags)\n        os.ftruncate",
        "        os.ftruncate",
        (
            f"{_JOURNALS}/test_torn_and_refused.py::test_what_was_refused_does_not_come_back_though_nothing_was_appended_since",
        ),
    ),
    Fault(
        "a segment is written to after a sync of it failed",
        _JOURNAL,
        "            if not is_full(error):\n",
        "            if False:\n",
        (_JOURNAL_FAULTS,),
    ),
    # The reserve
    Fault("no reserve is kept", f"{_FILES}/spares.py", "RESERVE = 2\n", "RESERVE = 0\n", (_FULL_DISK, _RESERVE)),
    Fault(
        "the reserve is not filled again after it was used",
        _CHECKPOINTS,
        '            self._attempt("The journal\'s reserve could not be filled", self._reserve.refill)\n',
        "",
        (_FULL_DISK, _RESERVE),
    ),
    Fault(
        "the reserve is not lent to deletions",
        f"{_FILES}/spares.py",
        "if not (frees_room and is_full(error) and self._names):",
        "if True:",
        (_JOURNALS,),
    ),
    Fault(
        "the reserve is used up by writes",
        f"{_FILES}/spares.py",
        "if not (frees_room and is_full(error) and self._names):",
        "if not (is_full(error) and self._names):",
        (_JOURNALS,),
    ),
    Fault(
        "the reserve is not lent to drops",
        f"{_FILES}/reserve.py",
        "if not is_full(error) or not self._lend():",
        "if True:",
        (_FULL_DISK, _RESERVE),
    ),
    Fault(
        "what the reserve lends is filled again before it was used",
        f"{_FILES}/reserve.py",
        "            if not self._is_lent:\n",
        "            if True:\n",
        (_FULL_DISK, _RESERVE),
    ),
    Fault(
        "deletions are refused with the writes of their commit",
        _COMMITTING,
        "if not isinstance(failure, NoSpace) or len(freeing) in {0, len(accepted)}:",
        "if True:",
        (_JOURNAL_FAULTS,),
    ),
)
