"""What every store promises, whatever it stands on: the same tests for each.

A kind of store passes them by a subclass of `StoreContract` whose fixture `place` says where such a store lives.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Protocol

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from sessionworker.errors import NoSuchGroup, NoSuchInstance, WorkerError
from sessionworker.names import SessionFile, check_key
from sessionworker.stores.interface import (
    UNKNOWN,
    Change,
    CreateGroup,
    CreateInstance,
    Delete,
    DropGroup,
    DropInstance,
    Store,
    Write,
)

MIB = 2**20

CREDS = SessionFile("codechat", "sales", "creds")

AWKWARD_KEYS = [
    "session-5511999999999.0",
    "session-123456_1.12",
    "sender-key-120363000000000000@g.us::123_1::5",
    "app-state-sync-key-AA/+on==",
    "/",
    "//",
    "a//b/",
    "a",
    "a/",
    ".hidden",
    ".sessionworker-1",
    "...",
    "%",
    "%2F",
    "%252F",
    "a b",
    "a+b",
    "CREDS",
    "creds",
    "creds.tmp",
    "new\nline",
    "tab\tand \x7f",
    "\\",
    "ação",
    "ac\u0327a\u0303o",  # the same word for a reader, and another key
    "日本語",
    "🔑",
    "k" * 200,
]


class Place(Protocol):
    """Where one store lives, through all its openings."""

    def open(self) -> Store:
        """Open the store. It is not open already."""

    def settle(self, store: Store) -> None:
        """Do what the store would do in the background, now."""

    def kill(self, store: Store) -> None:
        """Leave an open store as `kill -9` of its process does."""

    def fresh(self) -> Place:
        """Return another place, with nothing in it."""


class Model:
    """A store in a dict, one change after another."""

    def __init__(self) -> None:
        self.groups: dict[str, dict[str, dict[str, bytes]]] = {}

    def commit(self, changes: list[Change]) -> list[type[WorkerError] | None]:
        return [self._make(change) for change in changes]

    def _make(self, change: Change) -> type[WorkerError] | None:
        match change:
            case CreateGroup(group):
                self.groups.setdefault(group, {})
            case CreateInstance(group, name):
                self.groups.setdefault(group, {}).setdefault(name, {})
            case DropGroup(group):
                return None if self.groups.pop(group, None) is not None else NoSuchGroup
            case DropInstance(group, name):
                self.groups.get(group, {}).pop(name, None)
            case Delete((group, name, key)):
                self.groups.get(group, {}).get(name, {}).pop(key, None)
            case Write((group, name, key), value):
                if group not in self.groups:
                    return NoSuchGroup
                if name not in self.groups[group]:
                    return NoSuchInstance
                self.groups[group][name][key] = value
        return None


def kinds(outcomes: list[WorkerError | None]) -> list[type[WorkerError] | None]:
    """The outcomes of a commit as their classes, to compare them."""
    return [None if outcome is None else type(outcome) for outcome in outcomes]


def commit(store: Store, *changes: Change) -> None:
    """Commit changes, none of which is refused."""
    assert store.commit(changes) == [None] * len(changes)


def value_of(file: SessionFile) -> bytes:
    """A value that no other file has."""
    return json.dumps(file).encode()


def create(store: Store, file: SessionFile = CREDS) -> None:
    """Make the instance of a session file."""
    commit(store, CreateInstance(file.group, file.instance))


def read_and_recall(store: Store, file: SessionFile) -> bytes | None:
    """Read a session file, and see that what `recall` says before and after is the same, or that it does not know."""
    recalled = store.recall(file)
    value = store.read(file)
    for said in (recalled, store.recall(file)):
        assert said is UNKNOWN or said == value
    return value


class Life:
    """A store, and what happens to it between the steps of a test."""

    def __init__(self, place: Place, what_happens: str) -> None:
        self._place = place
        self._what_happens = what_happens
        self.store = place.open()

    def go_on(self) -> None:
        """Let it happen."""
        match self._what_happens:
            case "when settled":
                self._place.settle(self.store)
            case "when opened again":
                self.store.close()
                self.store = self._place.open()
            case "after a kill":
                self._place.kill(self.store)
                self.store = self._place.open()


class StoreContract(ABC):
    """The promises, a test for each."""

    @abstractmethod
    @pytest.fixture
    def place(self) -> Iterator[Place]:
        """A place for a store, with nothing in it."""

    @pytest.fixture(params=["at once", "when settled", "when opened again", "after a kill"])
    def life(self, request: pytest.FixtureRequest, place: Place) -> Iterator[Life]:
        """An empty store, and what may lie between a commit and a look at it."""
        life = Life(place, request.param)
        yield life
        life.store.close()

    # Values

    def test_what_was_written_is_read(self, life: Life) -> None:
        create(life.store)
        commit(life.store, Write(CREDS, b'{"a":1}'))
        life.go_on()
        assert read_and_recall(life.store, CREDS) == b'{"a":1}'

    def test_the_last_of_several_writes_holds(self, life: Life) -> None:
        create(life.store)
        for number in range(5):
            commit(life.store, Write(CREDS, b"%d" % number), Write(CREDS, b"[%d]" % number))
            life.go_on()
            assert read_and_recall(life.store, CREDS) == b"[%d]" % number

    @pytest.mark.parametrize(
        "value",
        [
            b"null",
            b'"text"',
            b"[]",
            b' {"a" : 1.0, "a" : -0e+00}\r\n\t',
            '{"ação": "日本\\u0000"}'.encode(),
            b'{"data":"%b"}' % (b"x" * 5 * MIB),
        ],
        ids=["null", "text", "array", "spaces and odd numbers", "UTF-8 and escapes", "5 MiB"],
    )
    def test_a_value_comes_back_byte_for_byte(self, life: Life, value: bytes) -> None:
        other = CREDS._replace(key="app-state-sync-version-regular")
        create(life.store)
        commit(life.store, Write(CREDS, value), Write(other, value))
        life.go_on()
        assert read_and_recall(life.store, CREDS) == value
        assert read_and_recall(life.store, other) == value

    def test_each_awkward_key_has_its_own_value(self, life: Life) -> None:
        files = [SessionFile("codechat", "sales", check_key(key)) for key in AWKWARD_KEYS]
        create(life.store)
        commit(life.store, *(Write(file, value_of(file)) for file in files))
        life.go_on()
        assert [read_and_recall(life.store, file) for file in files] == [value_of(file) for file in files]
        for number, file in enumerate(files):
            commit(life.store, Delete(file))
            assert [read_and_recall(life.store, left) for left in files] == [
                None if position <= number else value_of(left) for position, left in enumerate(files)
            ]

    @pytest.mark.parametrize("name", ["a b", ".hidden", "%2F", "ação", "Sales", "sales", "creds", "..."])
    def test_awkward_groups_and_instances_are_kept_apart(self, life: Life, name: str) -> None:
        file = SessionFile(name, name, "creds")
        create(life.store, SessionFile(name, "other", "creds"))
        create(life.store, SessionFile("other", name, "creds"))
        create(life.store, file)
        commit(life.store, Write(file, b'"mine"'))
        life.go_on()
        assert life.store.instances(name) == sorted([name, "other"])
        assert read_and_recall(life.store, file) == b'"mine"'
        assert read_and_recall(life.store, SessionFile(name, "other", "creds")) is None
        assert read_and_recall(life.store, SessionFile("other", name, "creds")) is None

    def test_a_deleted_key_holds_nothing(self, life: Life) -> None:
        create(life.store)
        commit(life.store, Write(CREDS, b"1"))
        life.go_on()
        commit(life.store, Delete(CREDS))
        life.go_on()
        assert read_and_recall(life.store, CREDS) is None

    # What does not exist

    def test_nothing_is_found_in_a_group_or_instance_that_nobody_created(self, life: Life) -> None:
        commit(life.store, CreateGroup("codechat"))
        for file, error in [
            (SessionFile("codechat", "nobody", "creds"), NoSuchInstance),
            (SessionFile("nobody", "sales", "creds"), NoSuchGroup),
        ]:
            for look in (life.store.read, life.store.recall):
                with pytest.raises(error):
                    look(file)
            assert kinds(life.store.commit([Write(file, b"1")])) == [error]
            assert life.store.commit([Delete(file), DropInstance(file.group, file.instance)]) == [None, None]
        with pytest.raises(NoSuchGroup):
            life.store.instances("nobody")
        assert life.store.instances("codechat") == []

    def test_a_key_that_was_never_written_holds_nothing(self, life: Life) -> None:
        create(life.store)
        life.go_on()
        assert read_and_recall(life.store, CREDS) is None
        assert life.store.commit([Delete(CREDS)]) == [None]
        assert read_and_recall(life.store, CREDS) is None

    # Groups and instances

    def test_creating_again_changes_nothing(self, life: Life) -> None:
        create(life.store)
        commit(life.store, Write(CREDS, b"1"))
        life.go_on()
        commit(life.store, CreateGroup("codechat"), CreateInstance("codechat", "sales"), CreateGroup("codechat"))
        life.go_on()
        assert life.store.instances("codechat") == ["sales"]
        assert read_and_recall(life.store, CREDS) == b"1"

    def test_an_empty_group_and_an_empty_instance_last(self, life: Life) -> None:
        commit(life.store, CreateGroup("empty"), CreateInstance("codechat", "sales"))
        life.go_on()
        assert life.store.instances("empty") == []
        assert life.store.instances("codechat") == ["sales"]

    def test_a_dropped_group_is_gone_and_may_be_made_again(self, life: Life) -> None:
        create(life.store)
        create(life.store, CREDS._replace(group="other"))
        commit(life.store, Write(CREDS, b"1"))
        life.go_on()
        commit(life.store, DropGroup("codechat"))
        life.go_on()
        assert life.store.groups() == ["other"]
        assert kinds(life.store.commit([Write(CREDS, b"2"), DropGroup("codechat")])) == [NoSuchGroup, NoSuchGroup]
        commit(life.store, CreateGroup("codechat"))
        life.go_on()
        assert life.store.groups() == ["codechat", "other"]
        assert life.store.instances("codechat") == []

    def test_instances_are_sorted(self, life: Life) -> None:
        names = ["b", "a", "ä", "A", "10", "9", "a b", "z"]
        commit(life.store, *(CreateInstance("codechat", name) for name in names))
        life.go_on()
        assert life.store.instances("codechat") == sorted(names)

    def test_a_dropped_instance_is_gone_with_all_its_files(self, life: Life) -> None:
        other = SessionFile("codechat", "support", "creds")
        create(life.store)
        create(life.store, other)
        commit(life.store, Write(CREDS, b"1"), Write(other, b"2"))
        life.go_on()
        commit(life.store, DropInstance("codechat", "sales"))
        life.go_on()
        assert life.store.instances("codechat") == ["support"]
        with pytest.raises(NoSuchInstance):
            life.store.read(CREDS)
        with pytest.raises(NoSuchInstance):
            life.store.recall(CREDS)
        assert read_and_recall(life.store, other) == b"2"

    def test_a_late_write_does_not_bring_a_dropped_instance_back(self, life: Life) -> None:
        create(life.store)
        commit(life.store, Write(CREDS, b"1"))
        commit(life.store, DropInstance("codechat", "sales"))
        life.go_on()
        assert kinds(life.store.commit([Write(CREDS, b'"late"')])) == [NoSuchInstance]
        assert life.store.commit([Delete(CREDS), DropInstance("codechat", "sales")]) == [None, None]
        life.go_on()
        assert life.store.instances("codechat") == []

    def test_an_instance_that_is_created_again_has_no_creds_of_the_one_before(self, life: Life) -> None:
        create(life.store)
        commit(life.store, Write(CREDS, b'{"of": "the one before"}'))
        life.go_on()
        commit(life.store, DropInstance("codechat", "sales"))
        create(life.store)
        commit(life.store, Write(CREDS._replace(key="pre-key-1"), b"1"))
        life.store.check_creds("codechat", "sales")
        assert read_and_recall(life.store, CREDS) is None
        life.go_on()
        life.store.check_creds("codechat", "sales")
        assert read_and_recall(life.store, CREDS) is None

    def test_an_instance_that_is_created_again_starts_empty(self, life: Life) -> None:
        files = [CREDS, CREDS._replace(key="session-1"), CREDS._replace(key="session-2")]
        create(life.store)
        for number in range(3):
            commit(life.store, Write(files[number], b'"old"'))
            life.go_on()
            commit(life.store, DropInstance("codechat", "sales"))
            commit(life.store, CreateInstance("codechat", "sales"))
            assert [read_and_recall(life.store, file) for file in files] == [None] * 3
            life.go_on()
            assert [read_and_recall(life.store, file) for file in files] == [None] * 3
        commit(life.store, Write(CREDS, b'"new"'))
        life.go_on()
        assert [read_and_recall(life.store, file) for file in files] == [b'"new"', None, None]

    # Several changes at once

    @pytest.mark.parametrize(
        ("changes", "refused", "value"),
        [
            ([CreateInstance("codechat", "new"), Write(CREDS._replace(instance="new"), b"1")], [], b"0"),
            ([Write(CREDS, b"1"), Delete(CREDS)], [], None),
            ([Delete(CREDS), Write(CREDS, b"1")], [], b"1"),
            ([Delete(CREDS), Write(CREDS, b"1"), Delete(CREDS)], [], None),
            ([Write(CREDS, b"1"), Write(CREDS, b"2")], [], b"2"),
            ([DropInstance("codechat", "sales"), CreateInstance("codechat", "sales")], [], None),
            ([DropInstance("codechat", "sales"), CreateInstance("codechat", "sales"), Write(CREDS, b"1")], [], b"1"),
            (
                [DropInstance("codechat", "sales"), Write(CREDS, b"1"), CreateInstance("codechat", "sales")],
                [(1, NoSuchInstance)],
                None,
            ),
            (
                [Write(CREDS, b"1"), DropInstance("codechat", "sales"), CreateInstance("codechat", "sales")],
                [],
                None,
            ),
            (
                [
                    Write(CREDS._replace(group="nobody"), b'"x"'),
                    Write(CREDS, b"1"),
                    Write(CREDS._replace(instance="nobody"), b'"x"'),
                    Write(CREDS, b"2"),
                ],
                [(0, NoSuchGroup), (2, NoSuchInstance)],
                b"2",
            ),
            (
                [CreateGroup("new"), Write(SessionFile("new", "nobody", "creds"), b'"x"')],
                [(1, NoSuchInstance)],
                b"0",
            ),
            (
                [
                    CreateInstance("new", "short"),
                    DropInstance("new", "short"),
                    Write(SessionFile("new", "short", "creds"), b'"x"'),
                ],
                [(2, NoSuchInstance)],
                b"0",
            ),
            ([DropGroup("codechat"), CreateGroup("codechat"), CreateInstance("codechat", "sales")], [], None),
            (
                [DropGroup("codechat"), Write(CREDS, b"1"), CreateInstance("codechat", "sales")],
                [(1, NoSuchGroup)],
                None,
            ),
            (
                [
                    CreateInstance("codechat", "new"),
                    DropGroup("codechat"),
                    Write(CREDS._replace(instance="new"), b"1"),
                    CreateInstance("codechat", "sales"),
                ],
                [(2, NoSuchGroup)],
                None,
            ),
            ([CreateGroup("new"), DropGroup("new"), DropGroup("new")], [(2, NoSuchGroup)], b"0"),
            ([], [], b"0"),
        ],
        ids=[
            "create then write",
            "write then delete",
            "delete then write",
            "delete, write, delete",
            "write twice",
            "drop then create",
            "drop, create, write",
            "drop, write, create",
            "write, drop, create",
            "refused ones between others",
            "write into a group that is new",
            "write into a group that is new, after a drop",
            "drop the group then create",
            "drop the group, write, create",
            "create, drop the group, write",
            "create and drop a group",
            "nothing",
        ],
    )
    def test_the_changes_of_one_commit_are_made_in_their_order(
        self,
        life: Life,
        changes: list[Change],
        refused: list[tuple[int, type[WorkerError]]],
        value: bytes | None,
    ) -> None:
        create(life.store)
        commit(life.store, Write(CREDS, b"0"))
        life.go_on()
        expected: list[type[WorkerError] | None] = [None] * len(changes)
        for position, error in refused:
            expected[position] = error
        assert kinds(life.store.commit(changes)) == expected
        life.go_on()
        assert read_and_recall(life.store, CREDS) == value

    def test_many_changes_fit_into_one_commit(self, life: Life) -> None:
        files = [SessionFile("codechat", f"i{number % 7}", f"pre-key-{number}") for number in range(2000)]
        creations: list[Change] = [CreateInstance("codechat", f"i{number}") for number in range(7)]
        commit(life.store, *creations, *(Write(file, value_of(file)) for file in files))
        life.go_on()
        assert [life.store.read(file) for file in files] == [value_of(file) for file in files]

    # Anything

    def test_any_story_ends_as_it_would_in_a_dict(self, place: Place) -> None:
        class StoryHere(Story):
            def __init__(self) -> None:
                super().__init__(place.fresh())

        run_state_machine_as_test(
            StoryHere,
            settings=settings(max_examples=60, stateful_step_count=30, deadline=None),
        )


GROUPS = st.sampled_from(["g", "h h"])
INSTANCES = st.sampled_from(["one", ".two"])
KEYS = ["creds", "a/b+=", ".x"]
FILES = st.builds(SessionFile, GROUPS, INSTANCES, st.sampled_from(KEYS))
VALUES = st.one_of(
    st.integers(0, 99).map(lambda number: b"%d" % number),
    st.integers(0, 9000).map(lambda size: b'"%b"' % (b"x" * size)),
)
CHANGES = st.one_of(
    st.builds(Write, FILES, VALUES),
    st.builds(Write, FILES, VALUES),
    st.builds(CreateInstance, GROUPS, INSTANCES),
    st.builds(Delete, FILES),
    st.builds(DropInstance, GROUPS, INSTANCES),
    st.builds(CreateGroup, GROUPS),
    st.builds(DropGroup, GROUPS),
)


class Story(RuleBasedStateMachine):
    """Anything that may happen to a store, beside a dict."""

    def __init__(self, place: Place) -> None:
        super().__init__()
        self.place = place
        self.model = Model()

    @initialize()
    def begin(self) -> None:
        self.store = self.place.open()

    @rule(changes=st.lists(CHANGES, max_size=6))
    def commit(self, changes: list[Change]) -> None:
        assert kinds(self.store.commit(changes)) == self.model.commit(changes)

    @rule(file=FILES)
    def read(self, file: SessionFile) -> None:
        if file.group not in self.model.groups:
            with pytest.raises(NoSuchGroup):
                self.store.read(file)
        elif file.instance not in self.model.groups[file.group]:
            with pytest.raises(NoSuchInstance):
                self.store.read(file)
        else:
            assert read_and_recall(self.store, file) == self.model.groups[file.group][file.instance].get(file.key)

    @rule()
    def settle(self) -> None:
        self.place.settle(self.store)

    @rule()
    def stop_and_start(self) -> None:
        self.store.close()
        self.store = self.place.open()

    @rule()
    def kill_and_start(self) -> None:
        self.place.kill(self.store)
        self.store = self.place.open()

    @invariant()
    def is_what_the_dict_says(self) -> None:
        assert self.store.groups() == sorted(self.model.groups)
        for group, instances in self.model.groups.items():
            assert self.store.instances(group) == sorted(instances)
            for name, values in instances.items():
                for key in KEYS:
                    said = self.store.recall(SessionFile(group, name, key))
                    assert said is UNKNOWN or said == values.get(key)

    def teardown(self) -> None:
        self.store.close()
        store = self.place.open()  # and once more after a clean end
        for group, instances in self.model.groups.items():
            for name, values in instances.items():
                for key in KEYS:
                    assert store.read(SessionFile(group, name, key)) == values.get(key)
        store.close()
