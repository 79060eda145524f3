"""Faults in what session files hold and are called: creds, other values, and names."""

from __future__ import annotations

from tests.mutations.fault import Fault

_FILES = "sessionworker/stores/files"
_READING = f"{_FILES}/reading.py"
_CREDS = f"{_FILES}/creds.py"
_JUDGE = f"{_FILES}/judge.py"
_SAVING = f"{_FILES}/saving.py"
_VERSIONS = "sessionworker/stores/rules/versions.py"
_NAMES = "sessionworker/file_names.py"
_VALUES = "sessionworker/values.py"

_FILE_NAMES = "tests/files/test_names.py"
_BROKEN = "tests/broken_files"
_THERE_AND_BACK = "tests/files/test_there_and_back.py"
_CONTRACT = "tests/contract/test_file_store.py::TestFileStore"

FAULTS: tuple[Fault, ...] = (
    # Creds
    Fault(
        "creds that are deleted are no version",
        _JUDGE,
        "return NewCreds(None, self._next_version(instance))",
        "return Gone(change.key)",
        (f"{_CONTRACT}::test_a_deletion_is_a_version_that_cannot_be_read",),
    ),
    Fault(
        "the newest creds of each identity are not kept",
        _VERSIONS,
        "    kept = pinned(versions)\n",
        "    kept: set[Version] = set()\n",
        (f"{_CONTRACT}::test_the_last_creds_of_an_identity_are_kept_for_good",),
    ),
    Fault(
        "the last creds of each day are not kept",
        _VERSIONS,
        "((HOUR, keep.hours), (DAY, keep.days))",
        "((HOUR, keep.hours),)",
        ("tests/test_versions.py",),
    ),
    Fault(
        "the creds that were there before versions are lost",
        _SAVING,
        "        if not existing:\n",
        "        if False:\n",
        ("tests/files/test_session_manager.py", "tests/contract/test_file_store_corners.py"),
    ),
    Fault(
        "creds that are not whole are served",
        _CREDS,
        "if value is not None and read_creds(value) is not None:\n            self._reading",
        "if value is not None:\n            self._reading",
        (_BROKEN,),
    ),
    Fault(
        "creds that are missing are said to be none",
        _READING,
        "if key == CREDS and not instance.has_no_creds:",
        "if False:",
        ("tests/files/test_reading.py", _BROKEN),
    ),
    Fault(
        "creds that were deleted are brought back",
        _CREDS,
        "if versions and versions[-1].is_deletion:",
        "if False:",
        (_BROKEN,),
    ),
    Fault(
        "the oldest good creds take the place of broken ones",
        _CREDS,
        "for version in reversed(versions):",
        "for version in versions:",
        (_BROKEN,),
    ),
    Fault(
        "creds that cannot be read now are taken for broken",
        _CREDS,
        "            if not _is_broken(error):\n                raise  #",
        "            if False:\n                raise  #",
        ("tests/files/test_reading.py",),
    ),
    Fault(
        "a repair is made although something was written since",
        _JUDGE,
        "condition.since == Since(instance, instance.writes)",
        "isinstance(condition.since, Since)",
        ("tests/defects/test_repairs.py", f"{_CONTRACT}::test_a_repair_is_refused_once_something_else_was_written"),
    ),
    Fault(
        "a repair is made although its own commit writes something else before",
        _JUDGE,
        "instance not in self._touched and condition.since",
        "condition.since",
        (f"{_CONTRACT}::test_a_repair_is_made_once", f"{_CONTRACT}::test_a_batch_of_several_changes_is_refused_as_one"),
    ),
    Fault(
        "half of a batch is made",
        _JUDGE,
        "            if isinstance(pending, WorkerError):\n                return pending\n",
        "            if isinstance(pending, WorkerError):\n                break\n",
        (f"{_CONTRACT}::test_nothing_is_seen_of_a_batch_with_a_bad_member",),
    ),
    # Values
    Fault(
        "a file that holds no JSON is served",
        _READING,
        "if value is None or is_json(value):\n                self.remember",
        "if True:\n                self.remember",
        (_BROKEN,),
    ),
    Fault(
        "a value that is no JSON is taken",
        "sessionworker/web/bodies.py",
        "    if not is_json(value):\n",
        "    if False:\n",
        ("tests/test_bodies.py",),
    ),
    Fault(
        "a value that is no UTF-8 is taken for JSON",
        _VALUES,
        "if not value.isascii() and not is_utf8(value):",
        "if False:",
        ("tests/defects/test_odd_creds.py",),
    ),
    Fault(
        "a value with half an emoji is refused",
        _VALUES,
        "return _is_json_with_lone_surrogates(value)",
        "return False",
        ("tests/test_bodies.py",),
    ),
    Fault(
        "a symbolic link in a key's place is followed",
        "sessionworker/disk.py",
        "_FILE = os.O_RDONLY | os.O_NOFOLLOW |",
        "_FILE = os.O_RDONLY |",
        ("tests/files/test_disk.py",),
    ),
    Fault(
        "others may read session files",
        "sessionworker/disk.py",
        "os.open(name, _NEW_FILE, 0o600, dir_fd=folder)",
        "os.open(name, _NEW_FILE, 0o644, dir_fd=folder)",
        ("tests/files/test_plain_files.py",),
    ),
    # Names
    Fault("a slash in a name is not escaped", _NAMES, r"[/\x00%]", r"[\x00%]", (_FILE_NAMES,)),
    Fault("a percent sign in a name is not escaped", _NAMES, r"[/\x00%]", r"[/\x00]", (_FILE_NAMES,)),
    Fault(
        "a percent sign is escaped where no other name would be read",
        _NAMES,
        "and decode_name(name) == name:",
        'and "%" not in name and decode_name(name) == name:',
        (_THERE_AND_BACK,),
    ),
    Fault(
        "escapes that are no text stand for nothing",
        _NAMES,
        "    except UnicodeDecodeError:\n        return file_name\n",
        "    except UnicodeDecodeError:\n        return None\n",
        (_THERE_AND_BACK,),
    ),
    Fault(
        "a name whose escaped spelling no file can have is refused",
        f"{_FILES}/creating.py",
        "        if len(escaped) <= LONGEST_FILE_NAME:\n",
        "        if True:\n",
        (_THERE_AND_BACK,),
    ),
    Fault(
        "a new instance is made beside a folder that is called like it and not taken for it",
        f"{_FILES}/creating.py",
        "return not (_is_called(name, folder) or any(",
        "return not (any(",
        (_THERE_AND_BACK,),
    ),
    Fault(
        "a new group is made beside a folder that is called like it and not taken for it",
        f"{_FILES}/creating.py",
        "if name not in _OF_OTHERS and _is_called(name, self._places.root):",
        "if False:",
        (_THERE_AND_BACK,),
    ),
    Fault(
        "a name that begins like the worker's own is not escaped",
        _NAMES,
        "return file_name.startswith(OURS) or file_name in _NOT_FREE",
        "return file_name in _NOT_FREE",
        (_FILE_NAMES,),
    ),
    Fault(
        "lost+found is taken for a group",
        _NAMES,
        '_NOT_FREE = ("lost+found", ',
        "_NOT_FREE = (",
        (_FILE_NAMES,),
    ),
    Fault(
        "the group called lost+found lies in the volume's own folder",
        _NAMES,
        'if _plain(name) and name != "lost+found":',
        "if _plain(name):",
        (_FILE_NAMES,),
    ),
)
