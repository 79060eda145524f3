"""Anything that may happen to a store, beside a store in dictionaries: at each moment both say the same."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from sessionworker.names import SessionFile
from sessionworker.stores.changes import (
    Batch,
    CreateInstance,
    Delete,
    DropGroup,
    DropInstance,
    Entry,
    Existing,
    LabelInstance,
    ReleaseInstance,
    Write,
)
from sessionworker.stores.interface import UNKNOWN
from sessionworker.stores.rules.leases import Lease
from tests.contract.memory_store import MemoryStore
from tests.contract.story_parts import (
    ALL,
    CHANGES,
    CONDITIONS,
    DELETIONS,
    ENTRIES,
    GROUPS,
    INSTANCES,
    KEYS,
    LABELS,
    OWNERS,
    PLACES,
    WRITES,
    WRITES_OF_CREDS,
    Drop,
    listed,
    name_of,
    one_of,
    told,
)
from tests.contract.words import Place, commit, delete, kept, kinds, purge, read_and_recall, replace, restore, write


class Story(RuleBasedStateMachine):
    """Anything that may happen."""

    def __init__(self, place: Place) -> None:
        """Begin in a place with nothing in it."""
        super().__init__()
        self.place = place
        self.model = MemoryStore(keep=ALL)
        self.drops: list[Drop] = []
        self.prepared: list[tuple[Batch, Batch]] = []
        self.was_killed = False
        self.leases: dict[str, str] = {}
        """Which lease of the store is which of the model, and the other way round."""

    @initialize()
    def begin(self) -> None:
        self.store = self.place.open()
        create = CreateInstance("g", "one")
        commit(self.model, create)
        commit(self.store, create)

    def open_again(self) -> None:
        """Open the store that was closed, or killed: nobody has an instance any more."""
        self.store = self.place.open()
        if not self.place.keeps_owners:
            self.model.tenures.forget()

    def both(self, *entries: Entry) -> None:
        """Commit entries to both."""
        store, model = self.store.commit(entries), self.model.commit(entries)
        assert kinds(store) == kinds(model)
        for one, other in zip(store, model, strict=True):
            if isinstance(one, Lease) and isinstance(other, Lease):
                assert self.leases.setdefault(one.id, other.id) == other.id
                assert self.leases.setdefault(other.id, one.id) == one.id

    def one(self, place: int) -> tuple[str, str]:
        """Return the names of one of the instances that there are; one is made where there is none."""
        groups = self.model.contents.groups.items()
        there = sorted((group, instance) for group, instances in groups for instance in instances)
        if not there:
            self.both(CreateInstance("g", "one"))
        return one_of(there, place) or ("g", "one")

    @rule(entries=st.lists(ENTRIES, max_size=5))
    def commit(self, entries: list[Entry]) -> None:
        self.both(*entries)

    @rule(place=PLACES, changes=CHANGES)
    def change(self, place: int, changes: list[Write | Delete]) -> None:
        self.both(Batch(*self.one(place), tuple(changes)))

    @rule(place=PLACES, changes=CHANGES, owner=st.sampled_from(["", "a", "b"]), condition=CONDITIONS)
    def change_as_an_owner(
        self, place: int, changes: list[Write | Delete], owner: str, condition: Existing | None
    ) -> None:
        self.both(Batch(*self.one(place), tuple(changes), condition, owner))

    @rule(place=PLACES, owner=OWNERS)
    def release(self, place: int, owner: str | None) -> None:
        self.both(ReleaseInstance(*self.one(place), owner))

    @rule(place=PLACES, label=LABELS)
    def label(self, place: int, label: str) -> None:
        self.both(LabelInstance(*self.one(place), label))

    @rule(place=PLACES, write=st.one_of(WRITES, WRITES_OF_CREDS))
    def write(self, place: int, write: Write) -> None:
        self.both(Batch(*self.one(place), (write,)))

    @rule(place=PLACES, deletion=DELETIONS)
    def delete(self, place: int, deletion: Delete) -> None:
        self.both(Batch(*self.one(place), (deletion,)))

    # Large values

    @rule(place=PLACES, key=st.sampled_from(KEYS[1:]), more=CHANGES, text=st.sampled_from("abc"))
    def prepare(self, place: int, key: str, more: list[Write | Delete], text: str) -> None:
        value = b'"%b"' % (text.encode() * self.place.large_from)
        batch = Batch(*self.one(place), (*more[:1], Write(key, value), *more[1:]))
        self.prepared.append((batch, self.store.prepare(batch)))

    @rule(entries=st.lists(ENTRIES, max_size=2))
    def commit_what_was_prepared(self, entries: list[Entry]) -> None:
        outcomes = self.store.commit([*entries, *(prepared for _, prepared in self.prepared)])
        assert kinds(outcomes) == kinds(self.model.commit([*entries, *(batch for batch, _ in self.prepared)]))
        self.prepared = []

    # Dropping, bringing back, erasing

    @rule(place=PLACES, owner=OWNERS)
    def drop_instance(self, place: int, owner: str | None) -> None:
        entry = DropInstance(*self.one(place), owner=owner)
        with self.noting_drops():
            self.both(entry)

    @rule(place=PLACES)
    def drop_group(self, place: int) -> None:
        entry = DropGroup(self.one(place)[0])
        with self.noting_drops():
            self.both(entry)

    @contextmanager
    def noting_drops(self) -> Iterator[None]:
        """Note which drop of the store is which of the model, of those that a block makes."""
        self.commit_what_was_prepared([])
        known = listed(self.model), listed(self.store)
        yield
        new = (listed(self.model).keys() - known[0].keys(), listed(self.store).keys() - known[1].keys())
        assert [name[:2] for name in sorted(new[0])] == [name[:2] for name in sorted(new[1])]
        for model, store in zip(sorted(new[0]), sorted(new[1]), strict=True):
            self.drops.append(Drop(listed(self.model)[model], listed(self.store)[store]))

    @rule(place=PLACES, name=st.one_of(st.just(""), INSTANCES), into=st.one_of(st.just(""), GROUPS))
    def bring_back(self, place: int, name: str, into: str) -> None:
        found = one_of(self.drops, place)
        if found is not None:
            [expected] = kinds(self.model.commit([restore(found.model, name, into)]))
            assert kinds(self.store.commit([restore(found.store, name, into)])) == [expected]
            if expected is None:
                self.drops.remove(found)

    @rule(place=PLACES, of=PLACES, owner=OWNERS)
    def bring_back_in_the_place_of_another(self, place: int, of: int, owner: str | None) -> None:
        found = one_of(self.drops, place)
        if found is not None:
            group, name = self.one(of)
            with self.noting_drops():
                [expected] = kinds(self.model.commit([replace(found.model, name, group, owner=owner)]))
                assert kinds(self.store.commit([replace(found.store, name, group, owner=owner)])) == [expected]
            if expected is None:
                self.drops.remove(found)

    @rule(place=PLACES, name=st.one_of(st.just(""), INSTANCES))
    def drop_and_bring_back(self, place: int, name: str) -> None:
        self.drop_instance(place, None)
        self.bring_back(-1, name, "")  # the latest

    @rule(place=PLACES)
    def erase(self, place: int) -> None:
        found = one_of(self.drops, place)
        if found is not None:
            commit(self.model, purge(found.model))
            commit(self.store, purge(found.store))
            self.drops.remove(found)

    # Versions

    @rule(place=PLACES, version=PLACES)
    def make_a_version_current(self, place: int, version: int) -> None:
        group, instance = self.one(place)
        value = one_of(kept(self.store, SessionFile(group, instance, "creds")).versions, version)
        if value is not None:
            self.both(Batch(group, instance, (Write("creds", value),)))

    # Its life

    @rule()
    def settle(self) -> None:
        self.place.settle(self.store)

    @rule()
    def stop_and_start(self) -> None:
        self.commit_what_was_prepared([])
        self.store.close()
        self.open_again()

    @rule()
    def kill_and_start(self) -> None:
        self.prepared = []
        self.was_killed = True
        self.place.kill(self.store)
        self.open_again()

    @rule(place=PLACES, key=st.sampled_from(KEYS))
    def break_and_repair(self, place: int, key: str) -> None:
        self.commit_what_was_prepared([])
        file = SessionFile(*self.one(place), key)
        value = self.model.read(file)
        if value is None:
            return
        self.store.close()
        self.place.damage(file, b"{")
        self.open_again()
        asked: list[Batch] = []
        self.store.on_repair(asked.append)
        assert self.store.read(file) == (value if key == "creds" else None)
        commit(self.store, asked[0])
        commit(self.model, write(file, value) if key == "creds" else delete(file))

    # What has to hold

    @invariant()
    def both_say_the_same(self) -> None:
        assert self.store.groups() == self.model.groups()
        for group in self.model.groups():
            assert self.store.instances(group) == self.model.instances(group)
            assert told(self.store, group) == told(self.model, group)
            for instance in self.model.instances(group):
                for key in KEYS:
                    file = SessionFile(group, instance, key)
                    assert self.store.recall(file) in {self.model.read(file), UNKNOWN}

    @invariant()
    def both_list_the_same_drops(self) -> None:
        assert listed(self.store) == {name_of(drop.store): drop.store for drop in self.drops}
        for model, store in self.drops:
            assert name_of(model)[:2] == name_of(store)[:2]
            assert (model.files, model.bytes, model.label) == (store.files, store.bytes, store.label)

    @rule(place=PLACES)
    def look_at_an_instance(self, place: int) -> None:
        self.compare(SessionFile(*self.one(place), "creds"))

    def compare(self, creds_: SessionFile) -> None:
        """See that an instance holds the same in both."""
        self.store.check_creds(creds_.group, creds_.instance)
        for key in KEYS:
            file = creds_._replace(key=key)
            assert read_and_recall(self.store, file) == self.model.read(file)
        assert kept(self.store, creds_, *KEYS) == kept(self.model, creds_, *KEYS)

    def teardown(self) -> None:
        try:
            self.end()
        finally:
            self.place.erase()

    def end(self) -> None:
        """Stop and start once more, and look at everything, what was dropped included."""
        self.commit_what_was_prepared([])
        self.place.settle(self.store)
        assert self.was_killed or self.place.litter() == []
        self.store.close()
        self.open_again()
        while self.drops:
            self.bring_back_somewhere(self.drops[0])
        for group in self.model.groups():
            for instance in self.model.instances(group):
                self.compare(SessionFile(group, instance, "creds"))
                self.both(Batch(group, instance, (Write(".x", b'"the end"'),)))
        self.place.settle(self.store)
        assert self.place.litter() == []
        self.store.close()

    def bring_back_somewhere(self, found: Drop) -> None:
        """Bring back a drop under a name that nobody has, to look at it."""
        name = f"back {len(self.drops)}"
        commit(self.model, restore(found.model, name))
        commit(self.store, restore(found.store, name))
        self.drops.remove(found)
