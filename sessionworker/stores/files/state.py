"""What was committed, as reads see it, and which part of it is not in the files yet.

A commit applies its changes here. A checkpoint takes what it is about (`begin_checkpoint`), brings it into the files
and says so for each instance (`let_go`, `saved`), or sets that instance apart (`failed`). Nothing here waits, asks the
disk or fails. Whoever calls holds the state lock, but while the store is opened.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sessionworker.errors import WorkerError
from sessionworker.names import CREDS
from sessionworker.stores.files.copies import Copies
from sessionworker.stores.files.instance import NOTHING, Instance, NewVersion
from sessionworker.stores.files.instance import Value as AnyValue
from sessionworker.stores.files.records import Broken, Gone, Large, NewCreds, Pending, Value
from sessionworker.stores.files.tally import Tally


class State:
    """What waits for its files, instance by instance and in all."""

    def __init__(self, copies: Copies) -> None:
        """Begin with nothing that waits. `copies` is told of keys that are written."""
        self._copies = copies
        self.to_save: dict[Instance, None] = {}
        """In the order in which they first changed."""
        self.waiting_files = 0
        """Session files that wait to be written or removed, those of instances that are set apart left out."""
        self.waiting_bytes = 0
        """Bytes of values that wait in memory for their files, those of instances that are set apart left out."""
        self.apart_bytes = 0
        """The same, of the instances that are set apart alone."""
        self.apart: dict[Instance, None] = {}
        """Those whose files could not follow."""

    def apply(self, instance: Instance, changes: Sequence[Pending], when: int) -> None:
        """Make changes of an instance that are in the journal; readers see all of them at once."""
        instance.is_changing = True
        first = changes[0]
        if len(changes) == 1 and type(first) is Value:  # as nearly always, so it is not looked at in five ways
            values: dict[str, AnyValue] = {first.key: first.value}
        else:
            values = self._values_of(instance, changes)
        unsaved = instance.unsaved
        new = []
        size = 0
        for key, value in values.items():
            if key in unsaved:
                before = unsaved[key]
                if type(before) is bytes:  # as nearly always, here and below
                    size -= len(before)
                else:
                    self._supersede(instance, before)
            else:
                new.append(key)
            if type(value) is bytes:
                size += len(value)
        if unsaved:
            unsaved.update(values)
        else:
            instance.unsaved = values
        if new or size:
            self._count(instance, len(new), size)
        if new:  # the names of the others are known since then
            self._copies.add(instance, new)  # after the values: a name that is not known has none
        instance.last_write = when
        instance.writes += 1  # last: whoever read a file before sees that there was one
        instance.is_changing = False
        self.to_save[instance] = None

    def _values_of(self, instance: Instance, changes: Sequence[Pending]) -> dict[str, AnyValue]:
        """Return the values that changes lead to, and note what they mean besides."""
        values: dict[str, AnyValue] = {}
        for change in changes:
            match change:
                case Value(key, value):
                    values[key] = value
                case Gone(key):
                    values[key] = None
                case NewCreds(value, at, _, _, is_current):
                    instance.new_versions = (*instance.new_versions, NewVersion(at, change.creds, value))
                    self._count(instance, 0, _size(value))
                    instance.last_version = max(instance.last_version, at)
                    instance.creds = change.creds or instance.creds
                    instance.has_no_creds = value is None
                    instance.creds_lost = False
                    if is_current:
                        values[CREDS] = value
                case Large(key):
                    values[key] = change
                case Broken(key):
                    instance.broken |= {key}
        for change in changes:
            if isinstance(change, Large) and values[change.key] is not change:
                self._supersede(instance, change)
        return values

    def _supersede(self, instance: Instance, value: AnyValue) -> None:
        if isinstance(value, Large):
            instance.superseded = (*instance.superseded, value.file_name)

    def _count(self, instance: Instance, files: int, size: int) -> None:
        instance.waiting_files += files
        instance.waiting_bytes += size
        if instance.refusal is None:
            self.waiting_files += files
            self.waiting_bytes += size
        else:
            self.apart_bytes += size

    def _recount(self, instance: Instance) -> None:
        values = [*instance.unsaved.values(), *instance.saving.values()]
        versions = [version.value for version in (*instance.saving_versions, *instance.new_versions)]
        size = sum(map(_size, [*values, *versions]))
        self._count(instance, len(values) - instance.waiting_files, size - instance.waiting_bytes)

    # Checkpoints

    def begin_checkpoint(self) -> list[Instance]:
        """Return the instances to save, with what is now `saving` of each.

        Those with deletions come first: they free room. What could not be saved before stays in `saving`: values move
        in one direction alone.
        """
        instances, self.to_save = list(self.to_save), {}
        for instance in instances:
            for key in instance.saving.keys() & instance.unsaved.keys():
                before = instance.saving[key]
                self._count(instance, -1, -_size(before))
                self._supersede(instance, before)
            instance.saving = {**instance.saving, **instance.unsaved}
            instance.unsaved = NOTHING
            instance.saving_versions = (*instance.saving_versions, *instance.new_versions)
            instance.new_versions = ()
            instance.saving_broken |= instance.broken
            instance.broken = frozenset()
        return sorted(instances, key=lambda instance: None not in instance.saving.values())

    def begin_save(self, instance: Instance) -> Tally | None:
        """Note that an instance's files begin to change; return what they came to, if that is known."""
        tally, instance.tally = instance.tally, None
        instance.saves |= 1
        return tally

    def end_save(self, instance: Instance) -> None:
        """Note that an instance's files do not change any more, and nobody knows what they come to."""
        instance.saves += instance.is_being_saved

    def let_go(self, instance: Instance, values: Iterable[AnyValue]) -> None:
        """Count out values that are in their files."""
        sizes = list(map(_size, values))
        self._count(instance, -len(sizes), -sum(sizes))

    def saved(self, instance: Instance, tally: Tally | None) -> None:
        """Note that an instance's folder holds all that was `saving`, and what its files come to, if that is known.

        It takes writes again if it was set apart.
        """
        instance.tally = tally
        instance.saves += 1
        instance.saving, instance.saving_versions, instance.saving_broken = NOTHING, (), frozenset()
        self._recount(instance)
        self._set_refusal(instance, None)

    def failed(self, instance: Instance, refusal: type[WorkerError]) -> None:
        """Set an instance apart, since its files could not follow: it is the only one that minds."""
        instance.new_versions = (*instance.saving_versions, *instance.new_versions)
        instance.broken |= instance.saving_broken
        instance.saving_versions, instance.saving_broken = (), frozenset()
        self.end_save(instance)
        self._recount(instance)
        self._set_refusal(instance, refusal)
        self.to_save[instance] = None

    def forget(self, instance: Instance) -> None:
        """Let go of all that waits of an instance, which was erased for good."""
        instance.is_purged = True
        instance.unsaved = instance.saving = NOTHING
        instance.new_versions = instance.saving_versions = ()
        self._recount(instance)
        self._set_refusal(instance, None)
        self.to_save.pop(instance, None)

    def forget_names(self, instance: Instance) -> None:
        """Forget which names an instance has, which is dropped."""
        self._copies.forget(instance)

    def _set_refusal(self, instance: Instance, refusal: type[WorkerError] | None) -> None:
        files, size = instance.waiting_files, instance.waiting_bytes
        self._count(instance, -files, -size)
        instance.refusal = refusal
        self._count(instance, files, size)
        if refusal is None:
            self.apart.pop(instance, None)
        else:
            self.apart[instance] = None

    # What is pending of an instance, to be written to the journal once more

    @staticmethod
    def pending(instance: Instance, keys: Iterable[str] | None = None) -> list[Pending]:
        """Return changes that lead to what waits of an instance now; with `keys`, to the values of these alone.

        Without them, to all older `creds` that are no version yet.
        """
        if keys is None:
            return [_new_creds(version, is_current=False) for version in instance.new_versions]
        pending: list[Pending] = []
        for key in keys:
            if key in instance.broken:
                pending.append(Broken(key))
            if key in instance.unsaved:
                pending.append(_change_of(key, instance.unsaved[key], instance))
            elif key in instance.saving:
                pending.append(_change_of(key, instance.saving[key], instance))
        return pending


def _change_of(key: str, value: AnyValue, instance: Instance) -> Pending:
    if key == CREDS and instance.new_versions:
        return _new_creds(instance.new_versions[-1], is_current=True)
    if value is None:
        return Gone(key)
    return value if isinstance(value, Large) else Value(key, value)


def _new_creds(version: NewVersion, *, is_current: bool) -> NewCreds:
    creds = version.creds
    if creds is None:
        return NewCreds(None, version.when, is_current=is_current)
    return NewCreds(version.value, version.when, creds.identity, creds.next_pre_key, is_current)


def _size(value: AnyValue) -> int:
    return len(value) if isinstance(value, bytes) else 0
