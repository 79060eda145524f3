"""Faults in what is read back after a crash."""

from __future__ import annotations

from tests.mutations.fault import Fault

_FILES = "sessionworker/stores/files"
_JOURNAL = f"{_FILES}/journal.py"
_SEGMENTS = f"{_FILES}/segments.py"
_RECOVERY = f"{_FILES}/recovery.py"

_JOURNALS = "tests/journal"
_CRASH = "tests/files/test_after_a_crash.py"
_UNSEEN = "tests/files/test_unseen.py"
_WORD = "tests/files/test_journals_word.py"

FAULTS: tuple[Fault, ...] = (
    # Reading the journal back
    Fault(
        "a record whose checksum is wrong is taken for whole",
        _SEGMENTS,
        "return payload if data.startswith(_pack_record_head(mark, found_number, payload), offset) else None",
        "return payload",
        (_JOURNALS,),
    ),
    Fault(
        "a segment's head whose checksum is wrong is taken for whole",
        _SEGMENTS,
        " and checksum == crc32(data[: HEAD_SIZE - 4])",
        "",
        (_JOURNALS,),
    ),
    Fault(
        "a segment that is missing is passed over",
        _RECOVERY,
        "is_whole = expected == limit if limit is not None else",
        "is_whole = True if limit is not None else",
        (_JOURNALS,),
    ),
    Fault(
        "whole records after a broken one are passed over",
        _RECOVERY,
        "else not has_record_after(data, offset, head.mark)",
        "else True",
        (_JOURNALS,),
    ),
    Fault(
        "a journal of another format is read as one of this",
        _SEGMENTS,
        "return int(version) if is_whole else None",
        "return FORMAT if is_whole else None",
        (_JOURNALS,),
    ),
    Fault(
        "a torn record at the journal's end stops the start",
        _RECOVERY,
        "        elif limit is None and not ends_at(data, offset):\n",
        "        elif limit is None and not ends_at(data, offset):\n            raise _corrupt(path, name, offset)\n",
        (_JOURNALS,),
    ),
    Fault(
        "the first record after a crash has a number that others have",
        _JOURNAL,
        "            self._next_number = segment.next_number\n",
        "",
        (_JOURNALS,),
    ),
    Fault(
        "what an earlier use left in a segment is read again",
        _SEGMENTS,
        "        salt = secrets.token_bytes(16)\n",
        "        salt = bytes(16)\n",
        (_JOURNALS,),
    ),
    Fault(
        "the newest segment is let go of first",
        _JOURNAL,
        "name, size = self._closed[0]",
        "name, size = self._closed[-1]",
        (_JOURNALS,),
    ),
    Fault(
        "an id is not compared when the journal is read back",
        f"{_FILES}/replay.py",
        "        return there if self._has(there, id_) else None\n",
        "        return there\n",
        (_CRASH, "tests/files/test_ids.py"),
    ),
    Fault(
        "what the journal holds of a purged instance is taken for lost",
        f"{_FILES}/replay.py",
        "any(name.startswith(id_) for name in self._places.folders(PURGED))",
        "False",
        (_CRASH,),
    ),
    Fault(
        "values whose instance is nowhere are thrown away",
        f"{_FILES}/replay.py",
        "self._lost(id_, path)",
        "None",
        (_CRASH,),
    ),
    Fault(
        "two workers own one store",
        f"{_FILES}/parts.py",
        "        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)\n",
        "        pass\n",
        ("tests/files/test_start.py",),
    ),
    Fault(
        "the journal goes on in a segment before it is certain that none comes after it",
        "sessionworker/stores/files/journal.py",
        "                self._sync_folder()  # a later one",
        "                pass  # a later one",
        (
            "tests/files/test_after_a_crash.py",
            "tests/simulation/test_simulation.py::test_a_history_that_failed_once_does_not_again",
        ),
    ),
    Fault(
        "what a failed restore took along is in no list",
        "sessionworker/stores/files/checkpoints.py",
        "        self._catalogue.put_back()",
        "        pass",
        ("tests/simulation/test_simulation.py::test_a_history_that_failed_once_does_not_again",),
    ),
    Fault(
        "an instance answers without what the journal could not give to it",
        f"{_FILES}/catalogue.py",
        "if not self.held.keys().isdisjoint(folder.ids()):",
        "if False:",
        (_UNSEEN,),
    ),
    Fault(
        "an instance is told of without what the journal could not give to it",
        f"{_FILES}/catalogue.py",
        "        if self.held and not instance.id:\n            self.open(instance).close()",
        "        pass",
        (_UNSEEN,),
    ),
    Fault(
        "an instance is given up for lost while not all folders can be listed",
        f"{_FILES}/replay.py",
        "if self._unread is None and self._is_something_unlisted():",
        "if False:",
        (_UNSEEN,),
    ),
    Fault(
        "a copy is given what is of a folder that cannot be looked at",
        f"{_FILES}/replay.py",
        "if self._unread is not None and (meant is None or not self._is_original(meant, id_)):",
        "if self._unread is not None and meant is None:",
        (_WORD,),
    ),
    Fault(
        "a folder that was moved is taken for a copy of it",
        f"{_FILES}/identity.py",
        'return _inode_in(self._folder.id_files().get(id_, "")) == str(self._folder.identity[1])',
        "return False",
        (_WORD,),
    ),
    Fault(
        "two ids in the journal are taken for one instance",
        f"{_FILES}/replay.py",
        "if id_ in ids and len(ids) > 1:",
        "if False:",
        (_WORD,),
    ),
    Fault(
        "what was erased is forgotten while the journal holds it for nobody",
        f"{_FILES}/checkpoints.py",
        'if name.partition("-")[0] not in held',
        "",
        (_UNSEEN,),
    ),
    Fault(
        "something is erased that may be what the journal could not give",
        f"{_FILES}/moves.py",
        "            if self._catalogue.held:",
        "            if False:",
        (_UNSEEN,),
    ),
    Fault(
        "what nobody was given counts as waiting",
        f"{_FILES}/committing.py",
        "if state.apart_bytes - held >",
        "if state.apart_bytes >",
        (_WORD,),
    ),
)
