"""Faults in what becomes of whole instances: their ids and folders, drops, restores, purges and large values."""

from __future__ import annotations

from tests.mutations.fault import Fault

_FILES = "sessionworker/stores/files"
_CATALOGUE = f"{_FILES}/catalogue.py"
_MOVES = f"{_FILES}/moves.py"
_MOVING = f"{_FILES}/moving.py"
_CHECKPOINTS = f"{_FILES}/checkpoints.py"
_ERASING = f"{_FILES}/erasing.py"
_STATE = f"{_FILES}/state.py"
_DROPS = f"{_FILES}/drops.py"

_ORDER = "tests/files/test_order.py"
_IDS = "tests/files/test_ids.py"
_HANDS = "tests/files/test_hands.py"
_CRASH = "tests/files/test_after_a_crash.py"
_RACES = "tests/files/test_races_of_moves.py"
_LARGE = "tests/files/test_large_values.py"
_CONTRACT = "tests/contract/test_file_store.py::TestFileStore"

FAULTS: tuple[Fault, ...] = (
    # Ids and folders
    Fault(
        "any folder that stands in its place is taken for an instance's",
        _CATALOGUE,
        "if not is_first_look and (not instance.id or instance.id not in folder.ids()):",
        "if False:",
        (_HANDS, _IDS),
    ),
    Fault(
        "a copy of a folder keeps the id of the original",
        f"{_FILES}/adopting.py",
        "elif not self._catalogue.is_free_for(id_, instance):",
        "elif False:",
        (_IDS,),
    ),
    Fault(
        "a folder with two ids is taken for an instance",
        f"{_FILES}/adopting.py",
        "            if len(ids) > 1:\n",
        "            if False:\n",
        (_IDS,),
    ),
    Fault(
        "the name of a new instance's folder is not synced",
        f"{_FILES}/places.py",
        "            self.move(new, path)\n            self.sync_above(path)\n",
        "            self.move(new, path)\n",
        (_ORDER,),
    ),
    Fault(
        "one of two folders that mean one instance is taken for it",
        _CATALOGUE,
        '            known.problem = "two folders have its name"\n',
        "",
        ("tests/files/test_two_names.py",),
    ),
    # Drops and restores
    Fault(
        "a drop is not synced",
        _MOVING,
        "            self._places.sync_above(new, old)\n",
        "",
        (_ORDER,),
    ),
    Fault(
        "a drop is synced only where it goes to",
        _MOVING,
        "self._places.sync_above(new, old)",
        "self._places.sync_above(new)",
        (_ORDER,),
    ),
    Fault(
        "a drop's name is used twice",
        _DROPS,
        "drop = _name(max(when, self._latest.get((group, instance), 0) + 1), is_replaced=is_replaced)",
        'drop = f"{when:013}-0"',
        (_HANDS,),
    ),
    Fault(
        "drops are out of order when the clock goes back",
        _DROPS,
        "drop = _name(max(when, self._latest.get((group, instance), 0) + 1), is_replaced=is_replaced)",
        "drop = _name(when)",
        (_HANDS, f"{_CONTRACT}::test_drops_of_one_name_are_listed_newest_first_whatever_the_clock_says"),
    ),
    Fault(
        "an instance is brought back over one that exists",
        _MOVES,
        "if replaced is None and (name in group.instances or not self._creating.is_free(group, name)):",
        "if False:",
        (f"{_CONTRACT}::test_a_name_that_is_taken_is_refused_and_both_stay_as_they_are",),
    ),
    Fault(
        "an instance is brought back over what somebody put in its place",
        _MOVES,
        "if replaced is None and (name in group.instances or not self._creating.is_free(group, name)):",
        "if replaced is None and name in group.instances:",
        (_HANDS, "tests/files/test_two_names.py"),
    ),
    Fault(
        "a folder stays where a move that failed left it",
        _MOVING,
        "                self._rename(instances, new, old)\n",
        "                pass\n",
        ("tests/defects/test_drops.py",),
    ),
    Fault(
        "it is not noted where a folder was moved to",
        _MOVING,
        "instance.path = new + instance.path[len(old) :]",
        "pass",
        (f"{_CONTRACT}::test_a_dropped_instance_comes_back_under_any_name_with_all_values_and_versions",),
    ),
    Fault(
        "what waits of a dropped instance does not come back with it",
        _MOVES,
        "instance = self._catalogue.dropped.get(drop.path) or Instance(drop.group, drop.instance, drop.path)",
        "instance = Instance(drop.group, drop.instance, drop.path)",
        (f"{_CONTRACT}::test_what_comes_back_is_what_was_written_last_whenever_it_was_settled",),
    ),
    Fault(
        "something is committed to an instance that was dropped and not adopted again",
        _CATALOGUE,
        "        instance.is_adopted = False\n",
        "",
        (
            "tests/files/test_file_faults.py::test_nothing_is_committed_to_an_instance_whose_move_failed_before_it_is_durable_where_it_lies",
        ),
    ),
    # Purges
    Fault(
        "a purge leaves the files",
        _ERASING,
        "yield from emptying(folder)",
        "yield from ()",
        ("tests/files/test_erasing.py",),
    ),
    Fault(
        "a purge leaves the folder",
        _ERASING,
        "                os.rmdir(name, dir_fd=purged)\n",
        "",
        ("tests/defects/test_drops.py", _ORDER),
    ),
    Fault(
        "what was purged is forgotten although the journal holds it",
        _CHECKPOINTS,
        "if is_rotated and not self._journal.closed:",
        "if True:",
        (_CRASH, _ORDER),
    ),
    Fault(
        "records are given back to an instance that was purged",
        _MOVES,
        "            self._leaving.erase(instance)\n        self._drops.forget(drop)",
        "        self._drops.forget(drop)",
        (_RACES,),
    ),
    Fault(
        "a purge is not noted, so that its instance's files hold up others",
        _STATE,
        "        instance.is_purged = True\n",
        "",
        (_RACES,),
    ),
    # Large values
    Fault(
        "a large value for an instance that was made anew is acknowledged",
        f"{_FILES}/judge.py",
        "if change.instance_id != instance.id:",
        "if False:",
        (_LARGE, f"{_CONTRACT}::test_a_large_value_that_was_prepared_for_the_one_before_is_refused_or_kept"),
    ),
    Fault(
        "the folder of a dropped group is removed before what left it is durable",
        _DROPS,
        "                self._places.settle_in(above)\n",
        "",
        ("tests/simulation/test_simulation.py::test_a_history_that_failed_once_does_not_again",),
    ),
    Fault(
        "a large value that was refused leaves its file",
        f"{_FILES}/large.py",
        "            if outcome is not None:\n",
        "            if False:\n",
        (_LARGE,),
    ),
    Fault(
        "a large value that was written over leaves its file",
        _STATE,
        "        if isinstance(value, Large):\n            instance.superseded",
        "        if False:\n            instance.superseded",
        (_LARGE,),
    ),
    Fault(
        "a large value that is nowhere is said to be stored",
        f"{_FILES}/folder.py",
        "        if name is None:\n            return False\n        found",
        "        if name is None:\n            return True\n        found",
        ("tests/contract/test_file_store_corners.py",),
    ),
    Fault(
        "any file of a key is taken for the large value that is missing",
        f"{_FILES}/folder.py",
        "return self.codec.size_in(found, name) == size",
        "return True",
        ("tests/contract/test_file_store_corners.py", _LARGE),
    ),
)
