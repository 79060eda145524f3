"""Faults in copying one store into another: what is compared, what is copied, and the mark."""

from __future__ import annotations

from tests.mutations.fault import Fault

_STORES = "sessionworker/stores"
_TRANSFER = f"{_STORES}/transfer.py"
_COPYING = f"{_STORES}/copying.py"
_FILES = f"{_STORES}/files"
_POSTGRES = f"{_STORES}/postgres"

_ALL = "tests/copying/test_all.py"
_CHANGES = "tests/copying/test_changes.py"
_MARKS = "tests/copying/test_marks.py"
_CUT_OFF = "tests/copying/test_cut_off.py"
_COMMAND = "tests/copying/test_command.py"

FAULTS: tuple[Fault, ...] = (
    # What is compared
    Fault(
        "values are not compared",
        _TRANSFER,
        "            self._sum.update(value)\n",
        "",
        (_CHANGES,),
    ),
    Fault(
        "the ids of copied instances are not compared",
        _TRANSFER,
        '"record", record.id, record.group',
        '"record", record.group',
        (_CHANGES,),
    ),
    Fault(
        "the time of the last write is not compared",
        _TRANSFER,
        "last_write = record.last_write if files else 0",
        "last_write = 0",
        (_CHANGES,),
    ),
    Fault(
        "nobody looks whether what was copied is read back as it was",
        _COPYING,
        "if there is None or there.digest != found.digest:",
        "if there is None:",
        (_CHANGES,),
    ),
    Fault(
        "what the source has not any more stays in a copy",
        _COPYING,
        "            if self._without_broken or not result.left_out:",
        "            if False:",
        (_CHANGES,),
    ),
    Fault(
        "an instance that would be refused for its creds is copied",
        _TRANSFER,
        "    if not (is_good or is_deleted or has_good) and (creds or record.has_creds):",
        "    if False:",
        (_CHANGES,),
    ),
    # What is copied
    Fault(
        "files that are copied are as new as the copy",
        f"{_FILES}/contents.py",
        "            os.utime(file_name, ns=(time, time), dir_fd=folder.handle, follow_symlinks=False)\n",
        "",
        (_ALL,),
    ),
    Fault(
        "what lies in the place of a copied instance stays in its way",
        f"{_FILES}/target.py",
        "for id_ in {record.id, other} & self._lying.keys():",
        "for id_ in {record.id} & self._lying.keys():",
        (_CHANGES,),
    ),
    Fault(
        "a copy on PostgreSQL is of no one moment",
        f"{_POSTGRES}/side.py",
        "        connection.isolation_level = IsolationLevel.REPEATABLE_READ\n",
        "",
        (_CHANGES,),
    ),
    Fault(
        "the drops of another store cannot be brought back",
        "sessionworker/stores/rules/drops.py",
        r"([0-9]{13,19})-([0-9a-z]{1,32})",
        r"([0-9]{13,19})-([0-9]{1,9})",
        (_ALL,),
    ),
    # The mark
    Fault(
        "a copy is not marked before it is made",
        f"{_FILES}/target.py",
        "            write_mark(root, UNFINISHED)\n",
        "",
        (_MARKS,),
    ),
    Fault(
        "a part of a copy is served from files",
        f"{_FILES}/copied.py",
        "    if mark == UNFINISHED:",
        "    if False:",
        (_MARKS,),
    ),
    Fault(
        "a part of a copy is served from a database",
        f"{_POSTGRES}/sealing.py",
        "if found is not None and found.copy == UNFINISHED and not self._is_target:",
        "if False:",
        (_MARKS,),
    ),
    Fault(
        "a worker that serves a copy leaves it one",
        f"{_FILES}/store.py",
        "        forget_mark(self._root, str(self.ours.parent))",
        "        pass",
        (_MARKS,),
    ),
    Fault(
        "workers go on while a store is copied over theirs",
        f"{_POSTGRES}/sealing.py",
        "self._is_copied_over |= self._is_serving and bool(statement.copy)",
        "self._is_copied_over |= False",
        (_MARKS,),
    ),
    Fault(
        "a store in use is copied over",
        f"{_FILES}/side.py",
        "    if not _NO_GROUPS.issuperset(os.listdir(root)):",
        "    if False:",
        (_MARKS,),
    ),
    Fault(
        "a copy is said to be whole before it is",
        f"{_FILES}/target.py",
        "                self._places.move(new, path)\n",
        "                self._places.move(new, path)\n                write_mark(self._places.root, FINISHED)\n",
        (_CUT_OFF,),
    ),
    Fault(
        "a copy stays one whoever serves it",
        "sessionworker/service.py",
        "        store.serve()\n",
        "",
        (_COMMAND,),
    ),
    Fault(
        "it is said of a source that it has the target's key",
        f"{_STORES}/seals.py",
        "        if not self.keys or ring is None:\n            return None\n        return KeyRing(keys",
        "        if ring is None:\n            return None\n        return KeyRing(keys",
        (_COMMAND,),
    ),
)
