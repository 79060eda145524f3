"""Faults of bringing an instance back in the place of another."""

from __future__ import annotations

from tests.mutations.fault import Fault

_FILES = "sessionworker/stores/files"
_REPLACING, _MOVES, _STORE = f"{_FILES}/replacing.py", f"{_FILES}/moves.py", f"{_FILES}/store.py"
_POSTGRES = "sessionworker/stores/postgres"
_RULE = "sessionworker/stores/rules/drops.py"

_TESTS = "tests/files/test_replacing.py"
_KILLED = (f"{_TESTS}::test_whichever_call_is_the_last_one_of_the_two_has_the_place_after_a_start",)
_FAILED = (f"{_TESTS}::test_whichever_call_fails_one_of_the_two_has_the_place",)
_TAKEN_BACK = (
    f"{_TESTS}::test_what_was_written_after_a_replacement_was_taken_back_is_there",
    f"{_TESTS}::test_what_cannot_be_moved_to_the_place_nor_back_is_no_instance_less",
)
_BESIDE = "tests/files/test_replacing_beside.py"
_READ = (
    f"{_BESIDE}::test_whoever_reads_meanwhile_is_never_told_that_there_is_none",
    f"{_BESIDE}::test_a_read_that_began_before_is_answered_with_what_has_the_place_now",
)
_SIMULATED = ("tests/simulation/test_replacing.py",)
_CONTRACT = "tests/contract/test_file_store.py::TestFileStore"
_ON_POSTGRES = "tests/contract/test_postgres_store_catalogue.py::TestPostgresStoreCatalogue"
_WAITING = ("tests/postgres_store/test_replacing.py",)
_IMPORTED_BESIDE = ("tests/migration/test_importing_beside.py",)
_IMPORTED = ("tests/migration/test_importing.py",)

FAULTS: tuple[Fault, ...] = (
    Fault(
        "a replacement that a crash cut off leaves nothing in the place",
        f"{_FILES}/parts.py",
        "    replaced = finish(places)\n",
        "    replaced = None if places else finish(places)\n",
        _KILLED,
    ),
    Fault(
        "a replacement is not written down before it is made",
        _REPLACING,
        "        self._write_down(place, aside, source)\n",
        "",
        _KILLED,
    ),
    Fault(
        "what is written down of a replacement is not durable before it is made",
        _REPLACING,
        "        self._places.sync(OURS)\n",
        "",
        _SIMULATED,
    ),
    Fault(
        "a replacement is acknowledged that a power cut undoes",
        _REPLACING,
        "            self._places.sync_above(place, source)\n            self._places.trust",
        "            self._places.trust",
        _SIMULATED,
    ),
    Fault(
        "what was written down of a replacement makes another one",
        _REPLACING,
        "    return is_there and stands_in(aside, places.root) and stands_in(source, places.root)\n",
        "    return is_there and stands_in(source, places.root)\n",
        (f"{_TESTS}::test_what_is_written_down_of_one_that_was_taken_back_never_makes_it",),
    ),
    Fault(
        "a replacement that fails is not taken back",
        _REPLACING,
        "                places.put_back(source)\n",
        "",
        _TAKEN_BACK,
    ),
    Fault(
        "an instance whose replacement failed is written to before it is durable where it lies",
        _REPLACING,
        "                self._catalogue.disown(instance)\n",
        "                pass\n",
        _TAKEN_BACK,
    ),
    Fault(
        "an instance that nobody could move back to its place is taken for missing",
        _REPLACING,
        "            places.doubt(place, aside, identities[0])\n",
        "",
        _TAKEN_BACK,
    ),
    Fault(
        "nothing has a name while another instance takes it",
        _MOVES,
        "        group.instances[name] = instance  # in one step",
        "        group.instances.pop(name, None)\n        self._drops.tidy(drop.path)\n"
        "        group.instances[name] = instance  # in one step",
        _READ,
    ),
    Fault(
        "whoever reads what is replaced meanwhile is told that there is none",
        _STORE,
        "                if self._catalogue.get(group, name) is found:\n                    return answer\n",
        "                if self._catalogue.get(group, name) is found:\n                    return answer\n"
        "                raise NoSuchInstance\n",
        _READ,
    ),
    Fault(
        "whoever reads what is replaced meanwhile is told what it held",
        _STORE,
        "                if self._catalogue.get(group, name) is found:\n                    return answer\n",
        "                return answer\n",
        _READ,
    ),
    Fault(
        "an instance is replaced whoever has it",
        _MOVES,
        "self._leaving.find(group.name, name, by, change.owner)",
        "self._leaving.find(group.name, name, by, None)",
        (f"{_CONTRACT}::test_nobody_is_replaced_whom_another_owner_has_and_nobody_has_it_then",),
    ),
    Fault(
        "what was replaced is erased at once where drops are not kept",
        _RULE,
        "(min(before, now - REPLACED_KEPT) if is_replaced(name) else before)",
        "before",
        (f"{_CONTRACT}::test_what_was_replaced_is_kept_for_a_day_also_where_drops_are_not",),
    ),
    Fault(
        "PostgreSQL: what was replaced is a drop like any other",
        f"{_POSTGRES}/moves.py",
        "self._put_aside(connection, [held.id], self._moment(moment), is_replaced=True)",
        "self._put_aside(connection, [held.id], self._moment(moment))",
        (f"{_ON_POSTGRES}::test_what_was_replaced_is_kept_for_a_day_also_where_drops_are_not",),
    ),
    Fault(
        "PostgreSQL: an instance is replaced whoever has it",
        f"{_POSTGRES}/moves.py",
        "        done = self._let_in(held, change.owner, moment)\n        if not isinstance",
        "        done = _Done()\n        if not isinstance",
        (f"{_ON_POSTGRES}::test_nobody_is_replaced_whom_another_owner_has_and_nobody_has_it_then",),
    ),
    Fault(
        "PostgreSQL: an instance is replaced that nobody asked for",
        f"{_POSTGRES}/moves.py",
        "        if not change.replacing:\n",
        "        if False:\n",
        (f"{_ON_POSTGRES}::test_a_name_that_is_taken_is_refused_and_both_stay_as_they_are",),
    ),
    Fault(
        "PostgreSQL: whoever waits for what gives up its place is told that there is none",
        f"{_POSTGRES}/rows.py",
        "        if len(found[0]) < len(set(places)):\n",
        "        if self._codec.is_mixed and len(found[0]) < len(set(places)):\n",
        _WAITING,
    ),
    Fault(
        "an import replaces nothing",
        "sessionworker/migration/arriving.py",
        "into=group, replacing=replaces)",
        "into=group)",
        _IMPORTED,
    ),
    Fault(
        "an account that took its place is told to have failed where the answer was lost",
        "sessionworker/migration/arriving.py",
        "                if held is None or digest_of(held) != digest_of(values):\n                    raise\n",
        "                raise\n",
        _IMPORTED,
    ),
    Fault(
        "an account whose drop is gone is told to have arrived",
        "sessionworker/migration/arriving.py",
        "                if held is None or digest_of(held) != digest_of(values):\n                    raise\n",
        "",
        _IMPORTED,
    ),
    Fault(
        "an account that the worker has under another name is imported unasked",
        "sessionworker/migration/importing.py",
        "        if others and told.state is not State.EQUAL:\n",
        "        if False:\n",
        _IMPORTED_BESIDE,
    ),
    Fault(
        "a new name that another account has is given all the same",
        "sessionworker/migration/importing.py",
        '        if others:\n            one.notes.append(Note("same_new_name"',
        '        if False:\n            one.notes.append(Note("same_new_name"',
        ("tests/migration/test_new_names.py",),
    ),
    Fault(
        "a map with an old name twice is taken",
        "sessionworker/commands/importing.py",
        "            if names.setdefault(*row) != row[1]:\n",
        "            if not names.setdefault(*row):\n",
        ("tests/migration/test_new_names.py",),
    ),
    Fault(
        "an account that another group has is imported unasked",
        "sessionworker/migration/arriving.py",
        "            if group == WAITING_GROUP:\n                continue\n            try:\n",
        "            if group != 'g':\n                continue\n            try:\n",
        _IMPORTED_BESIDE,
    ),
    Fault(
        "what imports that were cut off have left is not told",
        "sessionworker/migration/importing.py",
        "        if left:\n",
        "        if False:\n",
        _IMPORTED_BESIDE,
    ),
    Fault(
        "an import that tidies up tears another one",
        "sessionworker/migration/arriving.py",
        "        except (NoSuchGroup, NoSuchInstance):  # another import has",
        "        except AssertionError:  # another import has",
        _IMPORTED_BESIDE,
    ),
    Fault(
        "a source is read whole before a group is found missing",
        "sessionworker/migration/importing.py",
        "        if not all(told.group for _, told in chosen):\n",
        "        if False:\n",
        _IMPORTED_BESIDE,
    ),
)
