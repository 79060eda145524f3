"""Faults in what operators are told: what instances hold, what happened, who asked."""

from __future__ import annotations

from tests.mutations.fault import Fault

_FILES = "sessionworker/stores/files"
_TALLIES, _SAVING, _EVENTS = f"{_FILES}/tallies.py", f"{_FILES}/saving.py", f"{_FILES}/events.py"
_RULES = "sessionworker/stores/rules/events.py"

_COUNTING = ("tests/files/test_tallies.py", "tests/files/test_uncounted.py")
_COARSE = ("tests/files/test_coarse_clock.py",)
_CONTRACT = "tests/contract/test_file_store.py::TestFileStore"
_HAPPENED = ("tests/test_recent_events.py", "tests/admin/test_overview.py")

FAULTS: tuple[Fault, ...] = (
    Fault(
        "what a client could not read is no trouble at a glance",
        f"{_FILES}/store.py",
        "                    found.unreadable = why_unreadable(error)\n",
        "",
        ("tests/files/test_out_of_use.py",),
    ),
    Fault(
        "a folder that can be read again is trouble for good",
        f"{_FILES}/overview.py",
        "            self._look_again(instance)\n",
        "            pass\n",
        ("tests/files/test_out_of_use.py",),
    ),
    Fault(
        "what changed in a folder by others' hands is not noticed",
        _TALLIES,
        "status.st_mtime_ns == tally.changed",
        "status.st_mtime_ns",
        _COUNTING,
    ),
    Fault(
        "another folder in an instance's place is told of as the instance",
        _TALLIES,
        "is_the_same and status",
        "status",
        (
            "tests/files/test_tallies.py::test_another_folder_with_the_same_time_is_not_taken_for_the_one_that_was_counted",
        ),
    ),
    Fault(
        "what is in no file yet is not told",
        _TALLIES,
        "                whole = tally.after(sizes, sizes_of(waiting))",
        "                whole = tally",
        _COUNTING,
    ),
    Fault(
        "a tally that is overtaken by a checkpoint is told all the same",
        _TALLIES,
        "            if instance.saves == saves:\n",
        "            if True:\n",
        _COARSE,
    ),
    Fault(
        "what was told is told again after a write",
        f"{_FILES}/instance.py",
        " and self.writes == instance.writes\n",
        "\n",
        _COUNTING,
    ),
    Fault(
        "what others do to a folder is never looked for again",
        f"{_FILES}/instance.py",
        " and time.monotonic() - self.at < TOLD_AGAIN_SECONDS",
        "",
        _COUNTING,
    ),
    Fault(
        "what waits is laid over files that have other names",
        _TALLIES,
        "instance.problem or (waiting and not tally.is_plain)",
        "instance.problem",
        _COUNTING,
    ),
    Fault(
        "what is counted while a checkpoint changes files is kept",
        _TALLIES,
        "if instance.saves == saves and not instance.is_being_saved:",
        "if True:",
        _COARSE,
    ),
    Fault(
        "a value that takes another's place is counted twice",
        _SAVING,
        "tally.after(_sizes(folder, instance.saving), {})",
        "tally.after({}, {})",
        _COUNTING,
    ),
    Fault(
        "files that somebody broke are counted as they were",
        _SAVING,
        "if instance.saving_broken:  # somebody",
        "if False:  # somebody",
        _COUNTING,
    ),
    Fault(
        "files of another spelling are counted twice",
        _SAVING,
        "if tally is None or not tally.is_plain or",
        "if tally is None or",
        _COUNTING,
    ),
    Fault(
        "a checkpoint that fails keeps the tally of before",
        f"{_FILES}/state.py",
        "        tally, instance.tally = instance.tally, None\n",
        "        tally = instance.tally\n",
        _COARSE,
    ),
    Fault(
        "a folder that changed just now is written down as it is",
        _TALLIES,
        "            if tally is not None and tally.changed <= settled:",
        "            if tally is not None:",
        _COUNTING,
    ),
    Fault(
        "what instances hold is never written down",
        _TALLIES,
        "            self._places.replace_ours(SUMMARY, _encode(self._all(settled)))",
        "            pass",
        _COUNTING,
    ),
    Fault(
        "a dropped instance takes what is known of it along into nowhere",
        f"{_FILES}/leaving.py",
        "                self._tallies.dropped(instance)\n",
        "",
        _COUNTING,
    ),
    Fault(
        "whoever asks waits until all is counted",
        f"{_FILES}/overview.py",
        "self._tallies.of(instance, may_count=may_count)\n            label =",
        "self._tallies.of(instance)\n            label =",
        _COUNTING,
    ),
    Fault(
        "the background counts nothing",
        f"{_FILES}/background.py",
        "self._try(lambda: self._tallies.go_on(COUNT_SECONDS))",
        "pass",
        ("tests/files/test_uncounted.py",),
    ),
    Fault(
        "events are not written down",
        _EVENTS,
        "        if self._is_saved and not again:\n",
        "        if True:\n",
        (f"{_CONTRACT}::test_who_dropped_brought_back_and_erased_what_is_told",),
    ),
    Fault("events have no bound", _RULES, "if len(self._events) > MOST_EVENTS:", "if False:", _HAPPENED),
    Fault(
        "the same thing again and again fills the list of events",
        _RULES,
        "        if before is not None and 0 <= now - before.since < SAME_MILLISECONDS:\n",
        "        if before is not None and False:\n",
        _HAPPENED,
    ),
    Fault(
        "one instance pushes out the events of others",
        _RULES,
        "if new.group and len(of_instance) > MOST_OF_ONE:",
        "if False:",
        _HAPPENED,
    ),
    Fault(
        "numbers of events are given again after a kill",
        _RULES,
        "default=-AFTER_A_START) + AFTER_A_START",
        "default=0)",
        _HAPPENED,
    ),
    Fault(
        "numbers that no folder can have are believed",
        _TALLIES,
        " if tally.is_possible}",
        "}",
        ("tests/files/test_notes.py",),
    ),
    Fault(
        "a rotten summary stops the start",
        _TALLIES,
        "        except Exception:  # noqa: BLE001 - whatever somebody put there, it stops no start\n",
        "        except OSError:\n",
        ("tests/files/test_notes.py",),
    ),
    Fault(
        "a copy of a folder is taken for the one that was counted",
        _TALLIES,
        " and status.st_ino == tally.inode\n",
        "\n",
        _COUNTING,
    ),
    Fault(
        "numbers of events follow the clock alone",
        _RULES,
        "max(self._last + 1, now)",
        "now",
        _HAPPENED,
    ),
    Fault(
        "nobody is told who asked for a drop",
        "sessionworker/web/api.py",
        ", by=host_of(request), owner",
        ", owner",
        _HAPPENED,
    ),
    Fault(
        "an undo is counted as another identity",
        f"{_FILES}/committing.py",
        "        if accepted.undo is not None:\n",
        "        if False:\n",
        _HAPPENED,
    ),
    Fault(
        "a query that means nothing is passed over",
        "sessionworker/web/paths.py",
        "    if query is None:\n",
        "    if False:\n",
        _HAPPENED,
    ),
    Fault(
        "the overview names nothing that a person has to see to",
        f"{_FILES}/overview.py",
        "                attention.append(Problem(instance.group, instance.name, problem))\n",
        "                pass\n",
        _HAPPENED,
    ),
)
