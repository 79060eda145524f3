"""Faults in archives, and in the commands that write and read them."""

from __future__ import annotations

from tests.mutations.fault import Fault

_ARCHIVES = "sessionworker/migration/archives"
_READING = f"{_ARCHIVES}/reading.py"
_WRITING = f"{_ARCHIVES}/writing.py"
_ENCRYPTION = f"{_ARCHIVES}/encryption.py"
_SOURCE = "sessionworker/migration/sources/archive.py"
_OLD_BACKUPS = "sessionworker/commands/old_backups.py"
_WEB = "sessionworker/web/many_keys.py"
_BACKUP = "sessionworker/commands/backing_up.py"

_ARCHIVE_TESTS = "tests/migration/test_archive.py"
_WRITING_TESTS = "tests/migration/test_archive_writing.py"
_BACKUP_TESTS = "tests/commands/test_old_backups.py"

FAULTS: tuple[Fault, ...] = (
    Fault(
        "an archive without its end is taken for whole",
        _READING,
        '        raise self._error("It was cut off: its end is missing.")\n',
        "        self.end = total.end\n",
        (_ARCHIVE_TESTS,),
    ),
    Fault(
        "what was changed inside an archive is not seen",
        _READING,
        "sums = one.sha256, one.keys, one.bytes",
        "sums = digest_of(values), one.keys, one.bytes",
        (_ARCHIVE_TESTS,),
    ),
    Fault(
        "a hostile archive that unpacks to any size fills the memory",
        _READING,
        "                if self._room < 0:\n",
        "                if False:\n",
        (_ARCHIVE_TESTS,),
    ),
    Fault(
        "an archive of many instances is taken for one that is too large",
        _READING,
        "                    self._room = LARGEST\n",
        "",
        (_ARCHIVE_TESTS,),
    ),
    Fault(
        "an archive that names an instance twice is taken for whole",
        _READING,
        "if (group, instance) in seen:",
        "if False:",
        (_ARCHIVE_TESTS,),
    ),
    Fault(
        "an archive that is nested deep ends in a traceback",
        _READING,
        ", UnicodeError, RecursionError)",
        ", UnicodeError)",
        (_ARCHIVE_TESTS,),
    ),
    Fault(
        "an archive says to the terminal what it likes",
        _READING,
        "self.made = shown(first.made)",
        "self.made = first.made",
        (_ARCHIVE_TESTS,),
    ),
    Fault(
        "the other end of a pipe is waited for",
        _READING,
        "os.O_RDONLY | os.O_NONBLOCK",
        "os.O_RDONLY",
        (_ARCHIVE_TESTS,),
    ),
    Fault(
        "an archive takes the place of what is there",
        _WRITING,
        "    if os.path.lexists(place):\n",
        "    if False:\n",
        (_WRITING_TESTS,),
    ),
    Fault(
        "what an archive left that was killed stays",
        _WRITING,
        "        _remove_left(place)\n",
        "",
        (_WRITING_TESTS,),
    ),
    Fault(
        "an archive that is being written is removed as one that was left",
        _WRITING,
        "            fcntl.flock(handle, fcntl.LOCK_EX)\n",
        "            pass\n",
        (_WRITING_TESTS,),
    ),
    Fault(
        "an archive goes on in a file that was removed",
        _WRITING,
        "        if os.fstat(handle).st_nlink:\n",
        "        if True:\n",
        (_WRITING_TESTS,),
    ),
    Fault(
        "an archive that is not finished gets its place",
        _WRITING,
        "                if not writer.is_finished:\n",
        "                if False:\n",
        (_ARCHIVE_TESTS,),
    ),
    Fault(
        "an archive that is not finished stays beside its place",
        _WRITING,
        "            temporary.unlink(missing_ok=True)\n",
        "            pass\n",
        (_ARCHIVE_TESTS,),
    ),
    Fault(
        "creds are not the last of an instance in an archive",
        _WRITING,
        "key=lambda key: (key == CREDS, key)",
        "key=lambda key: key",
        (_WRITING_TESTS,),
    ),
    Fault(
        "everybody can read an archive",
        _WRITING,
        "os.O_CLOEXEC, 0o600)",
        "os.O_CLOEXEC, 0o644)",
        (_WRITING_TESTS,),
    ),
    Fault(
        "an encrypted archive that could not be written is taken for whole",
        _ENCRYPTION,
        "            raise self._out.error\n",
        "            return\n",
        (_ARCHIVE_TESTS,),
    ),
    Fault(
        "what cannot be decrypted is taken for the end",
        _ENCRYPTION,
        "        if self._failure:\n",
        "        if self._failure and self._out is not None:\n",
        (_ARCHIVE_TESTS,),
    ),
    Fault(
        "an account that is damaged in an archive is brought back",
        _SOURCE,
        '"archive_damaged": not one.is_whole',
        '"archive_damaged": False',
        (_ARCHIVE_TESTS,),
    ),
    Fault(
        "an archive that was replaced meanwhile is believed",
        _SOURCE,
        'if one.is_whole or Note("archive_damaged") in account.notes:',
        "if True:",
        (_ARCHIVE_TESTS,),
    ),
    Fault(
        "the newest backup goes though the clock was set back",
        _OLD_BACKUPS,
        " and one.name != new.name",
        "",
        (_BACKUP_TESTS,),
    ),
    Fault(
        "archives that somebody named alike are removed as backups",
        _OLD_BACKUPS,
        "if _is_backup(one.name) and",
        "if one.name.startswith(NAME) and",
        (_BACKUP_TESTS,),
    ),
    Fault(
        "one backup less than was wished is kept",
        _OLD_BACKUPS,
        "len(names) - keep + 1)",
        "len(names) - keep + 2)",
        (_BACKUP_TESTS,),
    ),
    Fault(
        "a backup that is being written is removed by the next one",
        _OLD_BACKUPS,
        " and one.stat().st_mtime < oldest",
        "",
        (_BACKUP_TESTS,),
    ),
    Fault(
        "an export waits for a reader of its output though it was interrupted",
        "sessionworker/commands/output.py",
        "            elif self._is_given_up.is_set():\n",
        "            elif False:\n",
        ("tests/commands/test_export_to_output.py",),
    ),
    Fault(
        "the last backups go for those of a worker that has nothing",
        _BACKUP,
        "keep if written and exported.is_whole else None",
        "keep if exported.is_whole else None",
        ("tests/commands/test_backups.py",),
    ),
    Fault(
        "an archive that is not what was read is taken for a backup",
        _BACKUP,
        "    if found != {",
        "    if False and found != {",
        (_BACKUP_TESTS,),
    ),
    Fault(
        "values that are broken are missing in a backup that counts as whole",
        "sessionworker/stores/files/many.py",
        "broken=len(listed - {CREDS} - values.keys())",
        "broken=0",
        ("tests/broken_files/test_other_keys.py",),
    ),
    Fault(
        "rows that are broken are missing in a backup that counts as whole",
        "sessionworker/stores/postgres/whole.py",
        "                    broken += 1\n",
        "                    pass\n",
        ("tests/postgres/test_whole_under_attack.py",),
    ),
    Fault(
        "all of an instance on PostgreSQL is read in two steps",
        "sessionworker/stores/postgres/whole.py",
        "            rows = self._reading.look_for(connection, self._statement, assumed, over, most_bytes)\n",
        "            rows = self._reading.look_for(connection, self._statement, assumed, over, most_bytes)\n"
        "            later = self._reading.look_for(connection, self._statement, assumed, over, most_bytes)\n"
        "            rows = [*rows[: len(rows) // 2], *later[len(rows) // 2 :]]\n",
        ("tests/postgres/test_whole_under_attack.py",),
    ),
    Fault(
        "older backups go though values are missing in the new one",
        "sessionworker/commands/exporting.py",
        " and not any(note.level is Level.FAILURE for note in notes)",
        "",
        ("tests/commands/test_backups.py",),
    ),
    Fault(
        "any number of instances are read whole at once",
        "sessionworker/web/one_at_a_time.py",
        "while self._waiting and not self._is_reading:",
        "while self._waiting:",
        ("tests/test_one_at_a_time.py",),
    ),
    Fault(
        "an instance is read whole for a client that has gone",
        "sessionworker/web/one_at_a_time.py",
        "            if one.is_wanted():\n",
        "            if True:\n",
        ("tests/test_one_at_a_time.py",),
    ),
    Fault(
        "all of an instance is in memory three times while it is read",
        _WEB,
        "_encode(values.pop(key).decode())",
        "_encode(values[key].decode())",
        ("tests/protocol/test_many_keys.py",),
    ),
)
