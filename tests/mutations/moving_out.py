"""Faults in what is written for other programs, where something may be already."""

from __future__ import annotations

from tests.mutations.fault import Fault

_TARGETS = "sessionworker/migration/targets"
_EVOLUTION = f"{_TARGETS}/evolution.py"
_ROW = f"{_TARGETS}/evolution_row.py"
_HASHES = f"{_TARGETS}/hashes.py"
_NEW_PLACES = f"{_TARGETS}/new_places.py"

_WRITING = "tests/migration/test_evolution_target.py"
_FAILING = "tests/migration/test_evolution_target_failing.py"
_FOLDERS = "tests/migration/test_targets_in_folders.py"

FAULTS: tuple[Fault, ...] = (
    Fault(
        "what an Evolution has is replaced though nobody wished it",
        _EVOLUTION,
        "if self._replaces or not held or held == wanted:",
        "if True:",
        (_WRITING,),
    ),
    Fault(
        "an export that goes on stumbles over what it wrote itself",
        _EVOLUTION,
        " or held == wanted:",
        ":",
        (_WRITING,),
    ),
    Fault(
        "keys are replaced before the database has taken the creds",
        _EVOLUTION,
        "            put_creds(database, row, None if self._settings.creds_in_redis else creds.decode())\n"
        "            self._put_keys(row, values, skipped)\n",
        "            self._put_keys(row, values, skipped)\n"
        "            put_creds(database, row, None if self._settings.creds_in_redis else creds.decode())\n",
        (f"{_FAILING}::test_what_the_database_refuses_leaves_keys_as_they_were",),
    ),
    Fault(
        "creds are real before their keys are there",
        _EVOLUTION,
        "            self._put_keys(row, values, skipped)\n",
        "            database.commit()\n            self._put_keys(row, values, skipped)\n",
        (f"{_FAILING}::test_a_kill_at_any_step_leaves_what_was_there_readable",),
    ),
    Fault(
        "an instance is not connected when its API starts",
        _ROW,
        'OPEN = "open"',
        'OPEN = "close"',
        (_WRITING,),
    ),
    Fault(
        "the instance of another installation is written to",
        _ROW,
        "if client != client_name:",
        "if False:",
        (_WRITING,),
    ),
    Fault(
        "a name is taken for another instance's id",
        _ROW,
        "rows.get(name) or next(iter(rows.values()))",
        "next(reversed(rows.values()))",
        (_WRITING,),
    ),
    Fault(
        "MySQL cuts creds off",
        _ROW,
        "if longest is not None and size > longest:",
        "if False:",
        (_WRITING,),
    ),
    Fault(
        "a column that changes creds is not noticed",
        _ROW,
        "if bytes_of(found) != creds.encode():",
        "if False:",
        (_WRITING,),
    ),
    Fault(
        "old keys stay in a hash",
        _HASHES,
        "                pipe.delete(name)\n",
        "",
        (_WRITING,),
    ),
    Fault(
        "who writes to a hash meanwhile is written over",
        _HASHES,
        "                pipe.watch(name)\n",
        "                pipe.watch(name)\n                pipe.unwatch()\n                pipe.watch('another')\n",
        (f"{_FAILING}::test_somebody_who_writes_meanwhile_is_noticed",),
    ),
    Fault(
        "a folder is gone while another takes its place",
        _NEW_PLACES,
        "                    exchange(temporary, place.name, parent)\n",
        "                    remove_tree(place.name, parent)\n"
        "                    os.rename(temporary, place.name, src_dir_fd=parent, dst_dir_fd=parent)\n",
        (f"{_FAILING}::test_a_kill_at_any_step_leaves_what_was_there_readable",),
    ),
    Fault(
        "a program may not read what root has written for it",
        _NEW_PLACES,
        "    if os.geteuid() == 0:\n",
        "    if False:\n",
        (_FOLDERS,),
    ),
)
