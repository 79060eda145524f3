"""Faults of labels: what operators call an instance."""

from __future__ import annotations

from tests.mutations.fault import Fault

_FILES, _POSTGRES = "sessionworker/stores/files", "sessionworker/stores/postgres"
_LABELS, _ROWS = f"{_FILES}/labels.py", f"{_POSTGRES}/labels.py"

_CONTRACT = "tests/contract/test_file_store.py::TestFileStore"
_ON_POSTGRES = "tests/contract/test_postgres_store_catalogue.py::TestPostgresStoreCatalogue"
_LAST = "test_an_instance_has_the_label_that_it_was_given_last"
_PLACE = "test_what_takes_a_place_has_its_own_label_or_that_of_the_place"
_KNOWN = "tests/files/test_labels_known.py"
_TESTS, _TESTS_OF_ROWS = "tests/files/test_labels.py", "tests/postgres_store/test_labels.py"
_SIMULATED = ("tests/simulation/test_labels.py",)
_REWRITTEN, _ROWS_REWRITTEN = ("tests/files/test_rewriting.py",), ("tests/postgres/test_rewriting_rows.py",)
_OVER_HTTP = ("tests/admin/test_labels.py",)
_COPIED = ("tests/copying/test_all.py",)
_COPIED_AGAIN = ("tests/copying/test_changes.py::test_a_second_copy_brings_what_has_changed_and_removes_what_is_gone",)

FAULTS: tuple[Fault, ...] = (
    Fault(
        "a label is acknowledged before it is durable",
        _LABELS,
        "    if folder.is_synced:\n        os.fsync(folder.ours)\n",
        "",
        _SIMULATED,
    ),
    Fault(
        "a label is written into its file in place",
        _LABELS,
        "            os.rename(temporary, LABEL, src_dir_fd=folder.ours, dst_dir_fd=folder.ours)\n",
        "            handle = os.open(LABEL, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600, dir_fd=folder.ours)\n"
        "            os.write(handle, data)\n            os.close(handle)\n"
        "            os.unlink(temporary, dir_fd=folder.ours)\n",
        _SIMULATED,
    ),
    Fault(
        "a label that was remembered is told after it was changed",
        _LABELS,
        "                instance.label = known\n",
        "                instance.label = instance.label or known\n",
        (f"{_CONTRACT}::{_LAST}",),
    ),
    Fault(
        "a label that was not written is remembered",
        _LABELS,
        "        known = None  # as long as nobody can tell which one is there\n",
        "        known = label\n",
        (f"{_TESTS}::test_on_a_full_disk_the_old_one_stays_and_one_may_be_taken_away",),
    ),
    Fault(
        "a label is read again each time that somebody asks",
        _LABELS,
        "                    instance.label = label\n",
        "                    pass\n",
        (f"{_TESTS}::test_it_is_read_once",),
    ),
    Fault(
        "the label of a drop is read again each time that somebody asks",
        _LABELS,
        "                label = self._of_dropped[path] = read_label(folder)\n",
        "                label = read_label(folder)\n",
        (f"{_KNOWN}::test_a_drop_is_looked_at_once",),
    ),
    Fault(
        "the labels of drops are remembered for good",
        f"{_FILES}/overview.py",
        "        self._labels.keep_only(paths)\n",
        "",
        (f"{_KNOWN}::test_nothing_is_remembered_of_a_drop_that_is_gone",),
    ),
    Fault(
        "the first who asks for drops waits for their labels",
        f"{_FILES}/tallies.py",
        "                self.also_of_dropped(path)\n",
        "                pass\n",
        (f"{_KNOWN}::test_the_background_looks_for_the_labels_of_drops_too",),
    ),
    Fault(
        "an older label is remembered by who read it before it was changed",
        _LABELS,
        "                if instance.times_labelled == times:",
        "                if instance.times_labelled >= times:",
        (f"{_TESTS}::test_who_reads_an_older_one_does_not_remember_it",),
    ),
    Fault(
        "a rewriting puts an older label in the place of a newer one",
        _LABELS,
        "        with self._locks.changing:  # or an older one",
        "        with suppress():  # or an older one",
        (f"{_TESTS}::test_a_rewriting_puts_no_older_one_in_the_place_of_one_that_was_acknowledged",),
    ),
    Fault(
        "a label lies plain in a sealed store",
        _LABELS,
        "folder.codec.seal(label.encode(), LABEL, folder.id)",
        "label.encode()",
        _REWRITTEN,
    ),
    Fault(
        "a label is sealed to no instance",
        _LABELS,
        "        data = folder.codec.seal(label.encode(), LABEL, folder.id)\n",
        '        data = folder.codec.seal(label.encode(), LABEL, "")\n',
        (f"{_TESTS}::test_a_label_that_is_sealed_opens_for_no_other_instance", *_REWRITTEN),
    ),
    Fault(
        "a label stays under the key that is taken away",
        f"{_FILES}/rewriting.py",
        "                    self._labels.rewrite(folder)\n",
        "",
        _REWRITTEN,
    ),
    Fault(
        "the label of a place is not handed on",
        f"{_FILES}/moves.py",
        "            self._labels.hand_on(replaced, instance)\n",
        "",
        (f"{_CONTRACT}::{_PLACE}",),
    ),
    Fault(
        "the label of a place is put over one's own",
        _LABELS,
        "label and not read_label(folder) and folder.ids()",
        "label and folder.ids()",
        (f"{_CONTRACT}::{_PLACE}",),
    ),
    Fault(
        "a replacement is refused because its label cannot be handed on",
        _LABELS,
        "        with suppress(OSError):\n            label",
        "        with suppress():\n            label",
        (f"{_TESTS}::test_a_replacement_is_made_also_where_the_label_cannot_be_handed_on",),
    ),
    Fault(
        "the label of a drop is not told",
        f"{_FILES}/overview.py",
        "                label = self._labels.of_dropped(drop.path)\n",
        "",
        (f"{_CONTRACT}::test_a_label_goes_with_a_drop_and_comes_back_under_any_name",),
    ),
    Fault(
        "a row of a label is written for good",
        _ROWS,
        '            connection.execute(self._statements["delete"], [_name_of(id_)])\n',
        "            pass\n",
        (f"{_ON_POSTGRES}::{_LAST}",),
    ),
    Fault(
        "a row of a label is left when its instance is erased",
        f"{_POSTGRES}/moves.py",
        '        self._labels.put(connection, found[0], "")\n',
        "",
        (_TESTS_OF_ROWS,),
    ),
    Fault(
        "a row of a label is plain in a sealed store",
        _ROWS,
        'self._codec.seal(label.encode(), "label", str(id_))',
        "label.encode()",
        (_TESTS_OF_ROWS, *_ROWS_REWRITTEN),
    ),
    Fault(
        "a row of a label stays under the key that is taken away",
        f"{_POSTGRES}/rewriting.py",
        "        self._labels.rewrite(connection, instance.id)\n",
        "",
        _ROWS_REWRITTEN,
    ),
    Fault(
        "the label of a place is not handed on in a database",
        f"{_POSTGRES}/moves.py",
        "            self._labels.hand_on(connection, held[change.place].id, id_)\n",
        "",
        (f"{_ON_POSTGRES}::{_PLACE}",),
    ),
    Fault(
        "the label of a place is put over one's own in a database",
        _ROWS,
        "if old in found and new not in found:",
        "if old in found:",
        (f"{_ON_POSTGRES}::{_PLACE}",),
    ),
    Fault(
        "a copy leaves labels behind and says that all is equal",
        "sessionworker/stores/transfer.py",
        "        said.append(record.label)\n",
        "",
        _COPIED_AGAIN,
    ),
    Fault(
        "a copy brings no label into files",
        f"{_FILES}/target.py",
        "                    write_label(folder, record.label)\n",
        "",
        _COPIED,
    ),
    Fault(
        "a label may turn the direction of what follows it",
        "sessionworker/names.py",
        " or not _TURNING.isdisjoint(label)",
        "",
        _OVER_HTTP,
    ),
    Fault(
        "a label may have control characters",
        "sessionworker/names.py",
        '_NOT_IN_LABELS = {"Cc", "Cs", "Zl", "Zp"}',
        '_NOT_IN_LABELS = {"Cs", "Zl", "Zp"}',
        _OVER_HTTP,
    ),
    Fault(
        "a label may be longer than is said",
        "sessionworker/names.py",
        "len(label) > LONGEST_LABEL",
        "len(label) > 10 * LONGEST_LABEL",
        _OVER_HTTP,
    ),
    Fault(
        "a label overtakes a large value of its instance",
        "sessionworker/turns.py",
        "            | LabelInstance(group, name)\n",
        "",
        ("tests/offload/test_making.py",),
    ),
    Fault(
        "a label does to a terminal what it likes",
        "sessionworker/commands/showing.py",
        'letter if letter.isprintable() or letter == JOINER else "?" for',
        "letter for",
        ("tests/commands/test_labels.py::test_what_changes_a_terminal_is_not_shown",),
    ),
    Fault(
        "a name of Evolution API that is no label ends all the others",
        "sessionworker/commands/labels.py",
        "                    left += 1\n",
        "                    raise\n",
        ("tests/commands/test_labels.py::test_a_name_that_is_no_label_is_told_and_the_others_are_given",),
    ),
)
