"""A store in dictionaries, without a disk or a thread: the simplest that keeps every store's promises.

The tests' model, and a store for tests of what stands before one. A value never changes in its place: a commit puts a
new dictionary where the old one was, so whoever looks meanwhile sees all of a batch or nothing of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from threading import Event as ThreadEvent
from typing import Literal

from sessionworker import errors, wire
from sessionworker.events import Event
from sessionworker.names import CREDS, SessionFile
from sessionworker.stores import changes, interface
from sessionworker.stores.changes import Batch, Delete, Entry, Existing, PurgeDrop, SetAside, Write
from sessionworker.stores.interface import UNKNOWN, Outcome
from sessionworker.stores.rules.creds import Oddity, find_oddities, read_creds
from sessionworker.stores.rules.drops import is_due
from sessionworker.stores.rules.versions import Keep, to_keep, version_of
from sessionworker.values import is_json
from tests.contract.memory_contents import (
    Contents,
    Instance,
    NothingWaits,
    Tenures,
    fitting,
    is_settled,
    now,
    summaries_of,
)


class MemoryStore:
    """Session files in dictionaries. See `interface.Store` for what each method is for."""

    def __init__(self, contents: Contents | None = None, *, keep: Keep = Keep()) -> None:  # noqa: B008 - it is frozen
        """Show what is in `contents`, and change it."""
        self.contents = contents if contents is not None else Contents()
        self._keep = keep
        self._ask: Callable[[Batch], None] = lambda _: None
        self._is_closed = ThreadEvent()
        self.waiting = NothingWaits()
        self.tenures = Tenures()

    def on_repair(self, ask: Callable[[Batch], None]) -> None:
        self._ask = ask

    def prepare(self, batch: Batch) -> Batch:
        return batch

    def commit(self, entries: Sequence[Entry]) -> list[Outcome]:
        return [self._make(entry) for entry in entries]

    def _make(self, entry: Entry) -> Outcome:
        groups, drops = self.contents.groups, self.contents.drops
        match entry:
            case Batch():
                return self._make_batch(entry)
            case changes.CreateGroup(group):
                groups.setdefault(group, {})
            case changes.CreateInstance(group, name, owner):
                return self.tenures.let_in(groups.setdefault(group, {}).setdefault(name, Instance()), owner)
            case changes.ReleaseInstance():
                return self._release(entry)
            case changes.DropInstance(group, name, by, owner):
                if name in groups.get(group, {}):
                    return self._drop_one(group, name, by, owner)
            case changes.DropGroup(group, by):
                if group not in groups:
                    return errors.NoSuchGroup()
                self._drop(group, list(groups[group]))
                del groups[group]
                self._tell("group_dropped", group, "", by)
            case changes.RestoreInstance():
                return self._restore(entry)
            case changes.LabelInstance():
                return self._label(entry)
            case PurgeDrop(group, instance, drop, by):
                if drops.pop((group, instance, drop), None) is None:
                    return errors.NoSuchDrop()
                if by:
                    self._tell("drop_purged", group, instance, by)
        return None

    def _restore(self, entry: changes.RestoreInstance) -> Outcome:
        groups, drops = self.contents.groups, self.contents.drops
        dropped, (into, name) = (entry.group, entry.instance, entry.drop), entry.place
        if dropped not in drops:
            return errors.NoSuchDrop()
        if name in groups.get(into, {}):
            if not entry.replacing:
                return errors.NameTaken()
            replaced = groups[into][name]
            if (refusal := self._drop_one(into, name, entry.by, entry.owner, mark="r0")) is not None:
                return refusal
            drops[dropped].label = drops[dropped].label or replaced.label
        groups.setdefault(into, {})[name] = drops.pop(dropped)
        self._tell("instance_restored", entry.group, entry.instance, entry.by)
        return None

    def _label(self, entry: changes.LabelInstance) -> errors.WorkerError | None:
        try:
            instance = self._find(entry.group, entry.instance)
        except errors.NotFound as error:
            return error
        if not instance.problem:
            instance.label = entry.label
        return errors.StoreUnavailable() if instance.problem else None

    def _drop_one(self, group: str, name: str, by: str, owner: str | None, *, mark: str = "0") -> Outcome:
        refusal = self.tenures.let_in(self.contents.groups[group][name], owner)
        if isinstance(refusal, errors.WorkerError):
            return refusal
        self._drop(group, [name], mark)
        self._tell("instance_dropped", group, name, by)
        return None

    def _drop(self, group: str, names: list[str], mark: str = "0") -> None:
        for name in names:
            self.contents.last_drop = max(now(), self.contents.last_drop + 1)
            drop = f"{self.contents.last_drop:013}-{mark}"
            self.contents.drops[group, name, drop] = instance = self.contents.groups[group].pop(name)
            self.tenures.end(instance)

    def _release(self, entry: changes.ReleaseInstance) -> errors.WorkerError | None:
        try:
            instance = self._find(entry.group, entry.instance)
        except errors.NotFound as error:
            return error
        is_held = self.tenures.has(instance)
        refusal = self.tenures.let_go(instance, entry.owner)
        if entry.owner is None and is_held:
            self._tell("lease_ended", entry.group, entry.instance, entry.by)
        return refusal

    def _make_batch(self, batch: Batch) -> Outcome:
        group = self.contents.groups.get(batch.group)
        instance = group.get(batch.instance) if group is not None else None
        if instance is None:
            if batch.condition != Existing() and all(isinstance(change, Delete) for change in batch.changes):
                return None
            return errors.NoSuchInstance() if group is not None else errors.NoSuchGroup()
        lease = self.tenures.let_in_for(instance, batch)
        if isinstance(lease, errors.WorkerError):
            return lease
        if batch.condition not in (None, Existing(), instance.unwritten):
            return errors.ConditionFailed()
        before = instance.values
        values, versions = dict(instance.values), dict(instance.versions)
        is_changed, aside = False, []
        for change in batch.changes:
            if isinstance(change, SetAside):
                aside += [values[key] for key in [change.key] if key in values]
                continue
            value = change.value if isinstance(change, Write) else None
            creds = read_creds(value) if value is not None and change.key == CREDS else None
            if value is not None:
                values[change.key] = value
            elif values.pop(change.key, None) is None and (change.key != CREDS or is_settled(versions)):
                continue
            is_changed = True
            if change.key == CREDS:
                if value is not None and creds is None:
                    return errors.CredsNotAllowed()
                when = max([now(), *(version.when + 1 for version in versions)])
                versions[version_of(when, 0, creds)] = value
        if is_changed:
            kept = to_keep(list(versions), self._keep)
            instance.versions = {version: value for version, value in versions.items() if version in kept}
            instance.values, instance.last_write = values, now()
            instance.writes += 1
            self.contents.aside += aside
            self._tell_of_creds(batch, before)
        return lease

    def _tell_of_creds(self, batch: Batch, before: Mapping[str, bytes]) -> None:
        new = [change for change in batch.changes if isinstance(change, Write) and change.key == CREDS]
        if restored := [change for change in new if isinstance(change, changes.Restore)]:
            self._tell("version_restored", batch.group, batch.instance, restored[0].by)
            return
        creds = [read_creds(value) for value in (before.get(CREDS, b""), *(change.value for change in new))]
        for oddity in find_oddities(one for one in creds if one is not None):
            name = "identity_changed" if oddity is Oddity.ANOTHER_IDENTITY else "creds_out_of_order"
            self._tell(name, batch.group, batch.instance, "")

    # Reading

    def _group(self, name: str) -> dict[str, Instance]:
        if name not in self.contents.groups:
            raise errors.NoSuchGroup
        return self.contents.groups[name]

    def _find(self, group: str, name: str) -> Instance:
        found = self._group(group).get(name)
        if found is None:
            raise errors.NoSuchInstance
        return found

    def read_many(self, group: str, instance: str, keys: Sequence[str], most_bytes: int) -> dict[str, bytes | None]:
        self._find(group, instance)
        return fitting({key: self.read(SessionFile(group, instance, key)) for key in keys}, most_bytes)

    def names(self, group: str, instance: str, *, beginning: str, after: str, most: int) -> list[str]:
        keys = sorted(self._find(group, instance).values)
        return [key for key in keys if key.startswith(beginning) and key > after][:most]

    def whole(self, group: str, instance: str, most_bytes: int) -> interface.AllValues:
        keys = sorted({*(held := self._find(group, instance).values), CREDS})
        found = {key: value for key in keys if (value := self.read(SessionFile(group, instance, key))) is not None}
        if sum(map(len, found.values())) > most_bytes:
            raise errors.InstanceTooLarge(most_bytes)
        return interface.AllValues(found, broken=len(held.keys() - {CREDS} - found.keys()))

    def read(self, file: SessionFile) -> bytes | None:
        recalled = self.recall(file)
        if recalled is not UNKNOWN:
            return recalled
        instance = self._find(file.group, file.instance)
        good: bytes | None = None
        repair: tuple[changes.Change, ...] = SetAside(file.key), Delete(file.key)
        if file.key == CREDS:
            good = next((value for _, value in sorted(instance.versions.items(), reverse=True) if value), None)
            if good is None:
                raise errors.StoreUnavailable
            repair = SetAside(CREDS), Write(CREDS, good)
        self._ask(Batch(file.group, file.instance, repair, instance.unwritten))
        return good

    def recall(self, file: SessionFile) -> bytes | Literal[interface.Unknown.UNKNOWN] | None:
        instance = self._find(file.group, file.instance)
        value = instance.values.get(file.key)
        if value is not None:
            is_whole = is_json(value) if file.key != CREDS else read_creds(value) is not None
            return value if is_whole else UNKNOWN
        return None if file.key != CREDS or is_settled(instance.versions) else UNKNOWN

    def check_creds(self, group: str, instance: str) -> None:
        self.read(SessionFile(group, instance, CREDS))

    def groups(self) -> list[str]:
        return sorted(self.contents.groups)

    def instances(self, group: str) -> list[str]:
        return sorted(self._group(group))

    def describe(self, group: str) -> list[wire.InstanceSummary]:
        return [one.told_as(name) for name, one in sorted(self._group(group).items())]

    def versions(self, group: str, instance: str) -> list[wire.VersionSummary]:
        return summaries_of(self._find(group, instance).versions)

    def read_version(self, group: str, instance: str, version: str) -> bytes:
        for one, value in self._find(group, instance).versions.items():
            if one.file_name == version and value is not None:
                return value
        raise errors.NoSuchVersion

    def drops(self) -> list[wire.DropSummary]:
        newest_first = reversed(self.contents.drops.items())
        return [one.dropped_as(*names) for names, one in newest_first]

    def drops_before(self, when: int) -> list[PurgeDrop]:
        return [PurgeDrop(one.group, one.instance, one.drop) for one in self.drops() if is_due(one.drop, when, now())]

    def overview(self) -> wire.StoreOverview:
        instances = [one for group in self.contents.groups.values() for one in group.values()]
        without_creds = sum(CREDS not in one.values for one in instances)
        states = {"well": len(instances), "apart": 0, "refused": 0}
        return wire.StoreOverview(len(self.contents.groups), len(instances), states, without_creds, {}, [])

    def encryption(self) -> wire.EncryptionSummary:
        return wire.EncryptionSummary("", [], True, False, 0, 0)

    def rewrite(self, *, is_wanted: bool) -> None:
        """Nothing is encrypted here."""

    def events(self, after: int) -> list[wire.EventSummary]:
        return self.contents.events.after(after)

    def _tell(self, name: str, group: str, instance: str, by: str) -> None:
        self.contents.events.add(Event(name, "", group, instance, by), now())

    def check(self) -> None: ...

    checkpoint = serve = check

    def figures(self) -> interface.Figures:
        groups = self.contents.groups
        return interface.Figures({}, {"groups": len(groups), "instances": sum(map(len, groups.values()))})

    def room(self) -> Mapping[str, float]:
        return {}

    def maintain(self) -> None:
        self._is_closed.wait()

    def close(self) -> None:
        self._is_closed.set()
