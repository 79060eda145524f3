"""Faults in what the store keeps in memory and shows: locks, reads, checkpoints."""

from __future__ import annotations

from tests.mutations.fault import Fault

_FILES = "sessionworker/stores/files"
_READING = f"{_FILES}/reading.py"
_STATE = f"{_FILES}/state.py"
_SAVING = f"{_FILES}/saving.py"
_CHECKPOINTS = f"{_FILES}/checkpoints.py"
_COMMITTING = f"{_FILES}/committing.py"

_READS = "tests/files/test_races_of_reads.py"
_DROPS = "tests/files/test_races_of_drops.py"
_MOVES = "tests/files/test_races_of_moves.py"
_APART = ("tests/files/test_apart.py", "tests/files/test_apart_in_bounds.py")
_BOUNDS = "tests/files/test_bounds.py"

FAULTS: tuple[Fault, ...] = (
    # Locks
    Fault(
        "a commit takes no state lock",
        _COMMITTING,
        "            with self._state_lock:\n",
        "            if True:\n",
        (_READS,),
    ),
    Fault(
        "a checkpoint takes what is committed without the state lock",
        _CHECKPOINTS,
        "            with self._locks.state:\n                is_worth_it",
        "            if True:\n                is_worth_it",
        (_READS,),
    ),
    Fault(
        "what is saved is counted out without the state lock",
        _SAVING,
        "        with self._locks.state:\n            if not instance.is_purged:",
        "        if True:\n            if not instance.is_purged:",
        (_MOVES,),
    ),
    Fault(
        "a copy of a file is kept without the memory lock",
        _READING,
        "        with self._locks.memory:\n            if value is not None",
        "        if True:\n            if value is not None",
        (_READS,),
    ),
    Fault(
        "what is saved replaces copies without the memory lock",
        _CHECKPOINTS,
        "with self._locks.memory, self._locks.state:",
        "with self._locks.state:",
        (_READS,),
    ),
    Fault(
        "two checkpoints run at once",
        _CHECKPOINTS,
        "        with self._locks.checkpoint:\n            if self.is_closed:",
        "        if True:\n            if self.is_closed:",
        seeds=500,
    ),
    Fault(
        "a folder is moved without the moves lock",
        f"{_FILES}/moving.py",
        "        with self._locks.moves:\n",
        "        if True:\n",
        (_DROPS,),
    ),
    Fault(
        "a folder that is not there is not looked for once more",
        f"{_FILES}/catalogue.py",
        "except (FileNotFoundError, NotADirectoryError, NotItsFolder):\n            with",
        "except ZeroDivisionError:\n            with",
        (_DROPS,),
    ),
    Fault(
        "two health checks write to one file",
        f"{_FILES}/store.py",
        "            with self._parts.locks.probe:\n",
        "            if True:\n",
        ("tests/contract/test_file_store_races.py",),
    ),
    # What reads see
    Fault(
        "a copy is remembered although something was written since",
        _READING,
        "if value is not None and since.still_holds:",
        "if value is not None:",
        (_READS,),
    ),
    Fault(
        "writes are not counted, so that nobody sees that there was one",
        _STATE,
        "instance.writes += 1  # last",
        "instance.writes += 0  # last",
        (_READS,),
    ),
    Fault(
        "a copy of a file is shown before what waits for it",
        _READING,
        """        waiting = waiting_value(instance, key)
        if waiting is not MISSING:
            return UNKNOWN if isinstance(waiting, Large) else waiting
        copy = self._copies.get(instance, key)
        if copy is not None:
            return copy
""",
        """        copy = self._copies.get(instance, key)
        if copy is not None:
            return copy
        waiting = waiting_value(instance, key)
        if waiting is not MISSING:
            return UNKNOWN if isinstance(waiting, Large) else waiting
""",
        (_READS,),
    ),
    Fault(
        "what a checkpoint saves is shown before what was written since",
        _READING,
        "(instance.unsaved, instance.saving):",
        "(instance.saving, instance.unsaved):",
        _APART,
    ),
    Fault(
        "values are out of sight while a checkpoint takes them",
        _STATE,
        """            instance.saving = {**instance.saving, **instance.unsaved}
            instance.unsaved = NOTHING
""",
        """            unsaved, instance.unsaved = instance.unsaved, NOTHING
            instance.saving = {**instance.saving, **unsaved}
""",
        (_READS,),
    ),
    Fault(
        "old copies stay when newer values are in their files",
        _CHECKPOINTS,
        "self._copies.keep(instance, key, value if isinstance(value, bytes) else None)",
        "pass",
        (_READS,),
    ),
    Fault(
        "keys that are written while a folder is listed are not known",
        _READING,
        "                for key in instance.learning:\n                    known.add(key)\n",
        "",
        (_READS,),
    ),
    Fault(
        "the names that are remembered have no bound",
        f"{_FILES}/copies.py",
        "if self.names + len(names) > MOST_KNOWN_NAMES:",
        "if False:",
        ("tests/files/test_known_names.py",),
    ),
    Fault(
        "recent values that are remembered have no bound",
        f"{_FILES}/memory.py",
        "while self.bytes > self._most_bytes:",
        "while False:",
        ("tests/test_memory.py",),
    ),
    # Checkpoints
    Fault(
        "an instance that cannot be saved stops the checkpoint of others",
        _CHECKPOINTS,
        "        except Exception as error:  # noqa: BLE001 - whatever it is, it is this instance's alone\n",
        "        except ZeroDivisionError as error:\n",
        _APART,
    ),
    Fault(
        "an instance that is set apart takes writes",
        _COMMITTING,
        "        if instance.refusal is not None:\n",
        "        if False:\n",
        _APART,
    ),
    Fault(
        "what is set apart has no bound",
        _COMMITTING,
        "if state.apart_bytes - held > self._parts.limits.apart_bytes:",
        "if False:",
        _APART,
    ),
    Fault(
        "what is set apart is let go with the journal",
        _CHECKPOINTS,
        "                self._append_again(instance)\n",
        "                pass\n",
        _APART,
    ),
    Fault(
        "the versions of an instance that is set apart are forgotten",
        _STATE,
        "        instance.new_versions = (*instance.saving_versions, *instance.new_versions)\n",
        "",
        _APART,
    ),
    Fault(
        "no commit waits for the files to follow",
        f"{_FILES}/background.py",
        "while self._waiting.is_used() and not self._is_closing:",
        "while False:",
        (_BOUNDS,),
    ),
    Fault(
        "what waits has no bound",
        _COMMITTING,
        "if self._is_crowded else None",
        "if False else None",
        (_BOUNDS,),
    ),
    Fault(
        "unfinished files are not swept",
        _SAVING,
        "            folder.sweep(large_of(instance))\n",
        "",
        ("tests/files/test_start.py",),
    ),
    Fault(
        "large values that are needed are swept",
        f"{_FILES}/folder.py",
        "if self._unfinished.is_left_over(name) and name not in needed:",
        "if self._unfinished.is_left_over(name):",
        ("tests/files/test_start.py",),
    ),
)
