"""Faults in what is taken of other programs' stores, and in what is written for them."""

from __future__ import annotations

from tests.mutations.fault import Fault

_READERS = "sessionworker/migration/readers"
_SOURCES = "sessionworker/migration/sources"
_FOLDER = f"{_READERS}/folder.py"
_COLLECTING = f"{_READERS}/collecting.py"
_SQLITE = f"{_READERS}/sqlite.py"
_PLACES = f"{_SOURCES}/places.py"
_GORM = f"{_SOURCES}/session_manager_sqlite.py"
_NEW_PLACES = "sessionworker/migration/targets/new_places.py"

_FOLDERS = "tests/migration/test_folder_reader.py"
_DATABASES = "tests/migration/test_baileys_sqlite.py"
_GORM_TESTS = "tests/migration/test_session_manager_sqlite.py"
_MANAGER = "tests/migration/test_session_manager.py"
_TARGETS = "tests/migration/test_targets.py"
_REFUSED = "tests/migration/test_importing_refused.py"
_FULL_DISK = (
    "tests/commands/test_import_in_trouble.py::"
    "test_a_disk_that_fills_up_is_told_and_the_rest_arrives_once_there_is_room"
)

FAULTS: tuple[Fault, ...] = (
    Fault(
        "a backup of a key is taken though nobody wished it",
        _FOLDER,
        "        return self._use_bak\n",
        "        return True\n",
        (_FOLDERS,),
    ),
    Fault(
        "creds that are cut off are imported though their backup is whole",
        _FOLDER,
        "return is_json_object(value) if key == CREDS else",
        "return True if key == CREDS else",
        (_FOLDERS,),
    ),
    Fault(
        "raw names are decoded as if Baileys had made them",
        _FOLDER,
        "                self._layout = RAW_AMONG_OTHERS\n",
        "",
        (_FOLDERS,),
    ),
    Fault(
        "a file is read once, in the midst of its write",
        _FOLDER,
        "for _ in range(ATTEMPTS - 1):",
        "for _ in range(0):",
        (_FOLDERS,),
    ),
    Fault(
        "files that were cut off long ago are waited for",
        _FOLDER,
        "if time.time() - os.stat(name, dir_fd=folder).st_mtime > RECENTLY:",
        "if False:",
        (_FOLDERS,),
    ),
    Fault(
        "a key that has two files gets the value of whichever comes last",
        _COLLECTING,
        "if key in self._values:",
        "if False:",
        (_FOLDERS,),
    ),
    Fault(
        "buffers of numbers are left to fail in Baileys 7",
        _COLLECTING,
        'if has_buffers_of_numbers(self._values.get(CREDS, b"")):',
        "if False:",
        (_FOLDERS,),
    ),
    Fault(
        "reading a database leaves files beside it",
        _SQLITE,
        'if _has_log(path) and not Path(f"{path}-shm").exists():',
        "if False:",
        (_DATABASES,),
    ),
    Fault(
        "a database is copied without its log",
        _SQLITE,
        '_BESIDE = ("-wal", "-journal")',
        '_BESIDE = ("-journal",)',
        (_DATABASES,),
    ),
    Fault(
        "a database is copied without what undoes a crash",
        _SQLITE,
        '_BESIDE = ("-wal", "-journal")',
        '_BESIDE = ("-wal",)',
        (_DATABASES,),
    ),
    Fault(
        "a database changes while it is read",
        _SQLITE,
        '        connection.execute("BEGIN")\n',
        "",
        (_DATABASES,),
    ),
    Fault(
        "two folders that mean one name are both imported without a word",
        _PLACES,
        "if len(all_of_name) == 1:",
        "if True:",
        (_MANAGER,),
    ),
    Fault(
        "an instance without files is not made, and its API loses it",
        f"{_SOURCES}/session_manager.py",
        "group=group_name, is_empty=True,",
        "group=group_name, is_empty=False,",
        (_MANAGER,),
    ),
    Fault(
        "the oldest row of a key is taken",
        _GORM,
        "SELECT max(id)",
        "SELECT min(id)",
        (_GORM_TESTS,),
    ),
    Fault(
        "creds that a restart began anew hide the account",
        _GORM,
        "if creds is not None and is_paired(creds):",
        "if True:",
        (_GORM_TESTS,),
    ),
    Fault(
        "what a migration of Baileys left under a wrong type takes the place of the right one",
        f"{_SOURCES}/baileys_sqlite.py",
        "text_of(id_).startswith(_MEMORY):",
        "False:",
        (_DATABASES,),
    ),
    Fault(
        "an account is written into a folder that is there",
        _NEW_PLACES,
        "        if stands_in(name, parent):\n",
        "        if False:\n",
        (_TARGETS,),
    ),
    Fault(
        "creds are written before the keys",
        _NEW_PLACES,
        "(one == CREDS, one)",
        "(one != CREDS, one)",
        (_TARGETS,),
    ),
    Fault(
        "an account is in its place before it is durable",
        _NEW_PLACES,
        "            sync_file_system(folder)\n",
        "",
        (_TARGETS,),
    ),
    Fault(
        "what was half written is left",
        _NEW_PLACES,
        "                    remove_tree(temporary, parent)\n",
        "                    pass\n",
        (_TARGETS,),
    ),
    Fault(
        "a new database is readable for everybody",
        "sessionworker/migration/targets/baileys_sqlite.py",
        'write_new(name, parent, b"", sync=False)',
        "pass",
        (_TARGETS,),
    ),
    Fault(
        "what the worker refuses halfway stays in it",
        "sessionworker/migration/arriving.py",
        "                await self._erase(waiting)\n",
        "                pass\n",
        (_REFUSED,),
    ),
    Fault(
        "a refusal after which nothing can be erased is forgotten",
        "sessionworker/migration/arriving.py",
        "            with suppress(ClientError):\n",
        "            with suppress(NotReadBack):\n",
        (_REFUSED,),
    ),
    Fault(
        "an import goes on where no room is left",
        "sessionworker/migration/importing.py",
        "                        break\n",
        "",
        (_REFUSED,),
    ),
    Fault(
        "an import that no room was left for ends as if all were well",
        "sessionworker/migration/importing.py",
        "            raise no_space\n",
        "            pass\n",
        (_REFUSED,),
    ),
    Fault(
        "an import that was stopped halfway ends as if nothing were imported",
        "sessionworker/commands/importing.py",
        "            code = Code.PARTLY\n",
        "            pass\n",
        (_FULL_DISK,),
    ),
)
