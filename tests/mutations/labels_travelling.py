"""Faults of labels on their way: into an archive, out of it, and from where people know an account by another name."""

from __future__ import annotations

from tests.mutations.fault import Fault

_RECORDS = "sessionworker/migration/archives/records.py"
_READING = "sessionworker/migration/archives/reading.py"
_SOURCE = "sessionworker/migration/sources/archive.py"
_IMPORTING = "sessionworker/migration/importing.py"
_ARRIVING = "sessionworker/migration/arriving.py"

_ARCHIVE_TESTS = "tests/migration/test_archive_labels.py"
_IMPORT_TESTS = "tests/migration/test_importing_labels.py"
_TRAVEL_TESTS = "tests/commands/test_labels_travel.py"

FAULTS: tuple[Fault, ...] = (
    Fault(
        "an archive with labels is damaged to a version that knows none",
        _RECORDS,
        "encode(one.without_label)",
        "encode(one)",
        (f"{_ARCHIVE_TESTS}::test_a_version_that_knows_no_labels_reads_all_else",),
    ),
    Fault(
        "an archive is another one where nothing has a label",
        _RECORDS,
        "class Sum(Struct, frozen=True, omit_defaults=True,",
        "class Sum(Struct, frozen=True,",
        (_ARCHIVE_TESTS,),
    ),
    Fault(
        "a label that was changed in an archive is not seen",
        _READING,
        "return one.label if one.label_sha256 == digest_of_label(one.group, one.instance, one.label) else None",
        "return one.label",
        (_ARCHIVE_TESTS,),
    ),
    Fault(
        "a label of another instance is taken for that of one",
        _RECORDS,
        "encode((group, instance, label))",
        "encode(label)",
        (f"{_ARCHIVE_TESTS}::test_a_label_that_was_moved_to_another_account_is_seen",),
    ),
    Fault(
        "an account is taken for a damaged one for its label",
        _SOURCE,
        'if one.is_whole or Note("archive_damaged") in account.notes:',
        "if one.is_whole or account.notes:",
        (_ARCHIVE_TESTS,),
    ),
    Fault(
        "a backup with other labels is taken for whole",
        "sessionworker/commands/backing_up.py",
        "(digest_of(one.values), one.label)",
        "(digest_of(one.values), next(told.label for told in written))",
        ("tests/commands/test_old_backups.py::test_a_backup_with_another_label_is_none_either",),
    ),
    Fault(
        "an export leaves labels behind",
        "sessionworker/commands/exporting.py",
        "told.group, values, told.label)",
        "told.group, values)",
        (_TRAVEL_TESTS,),
    ),
    Fault(
        "a label is put in the place of the one that an instance has",
        _ARRIVING,
        "        if name not in self._labelled[group]:\n",
        "        if True:\n",
        (f"{_IMPORT_TESTS}::test_one_that_has_a_label_keeps_it",),
    ),
    Fault(
        "all instances are asked for their labels for each account",
        _ARRIVING,
        "        if group not in self._labelled:\n",
        "        if True:\n",
        (f"{_IMPORT_TESTS}::test_labels_are_asked_for_once_whatever_comes",),
    ),
    Fault(
        "what stands in the place of one that was left out is given its label",
        _IMPORTING,
        "if told.label and told.state in THERE:",
        "if told.label:",
        (f"{_IMPORT_TESTS}::test_one_that_is_left_where_another_stands_does_not_label_that",),
    ),
    Fault(
        "an account that was there already gets no label",
        _IMPORTING,
        "if told.label and told.state in THERE:",
        "if told.label and told.state is State.IMPORTED:",
        (_IMPORT_TESTS,),
    ),
    Fault(
        "a label that is refused ends the import",
        _IMPORTING,
        "        except ClientError as error:  # the account is there",
        "        except NotAllowed as error:  # the account is there",
        (f"{_IMPORT_TESTS}::test_a_label_that_is_refused_keeps_no_account_from_arriving",),
    ),
    Fault(
        "what can be no label is shown to a terminal as it is",
        _IMPORTING,
        '{"label": shown(label[:LONGEST_LABEL])',
        '{"label": label',
        (f"{_IMPORT_TESTS}::test_what_is_no_label_keeps_no_account_from_arriving",),
    ),
)
