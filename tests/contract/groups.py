"""What is promised of groups."""

from __future__ import annotations

from contextlib import suppress

import pytest

from sessionworker.errors import NoSuchGroup, NoSuchInstance
from sessionworker.stores.changes import CreateGroup, CreateInstance, DropGroup, DropInstance
from sessionworker.stores.interface import UNKNOWN
from tests.contract.base import Contract
from tests.contract.words import (
    CREDS,
    KEY,
    SUPPORT,
    Life,
    commit,
    create,
    creds,
    delete,
    read_all,
    read_and_recall,
    refusals,
    write,
)


class GroupsContract(Contract):
    """Groups, and what does not exist."""

    def test_nothing_is_found_in_a_group_or_instance_that_nobody_created(self, life: Life) -> None:
        commit(life.store, CreateGroup("codechat"))
        for file, error in [
            (KEY._replace(instance="nobody"), NoSuchInstance),
            (KEY._replace(group="nobody"), NoSuchGroup),
        ]:
            with pytest.raises(error):
                life.store.read(file)
            with suppress(error):
                assert life.store.recall(file) is UNKNOWN
            with pytest.raises(error):
                life.store.check_creds(file.group, file.instance)
            with pytest.raises(error):
                life.store.versions(file.group, file.instance)
            with pytest.raises(error):
                life.store.read_version(file.group, file.instance, "1700000000000-0.0123456789ab.1")
            assert refusals(life.store, write(file, b"1")) == [error]
            commit(life.store, delete(file), DropInstance(file.group, file.instance))
        life.go_on()
        for list_ in (life.store.instances, life.store.describe):
            with pytest.raises(NoSuchGroup):
                list_("nobody")
        assert life.store.groups() == ["codechat"]
        assert life.store.instances("codechat") == []
        assert life.store.drops() == []

    def test_an_empty_store_has_no_group(self, life: Life) -> None:
        assert life.store.groups() == []
        life.go_on()
        assert life.store.groups() == []

    def test_groups_are_sorted(self, life: Life) -> None:
        names = ["b", "a", "ä", "A", "10", "9", "a b", "z", "\U0001f511", "\uffff"]
        commit(life.store, *(CreateGroup(name) for name in names))
        life.go_on()
        assert life.store.groups() == sorted(names)

    def test_creating_again_changes_nothing(self, life: Life) -> None:
        create(life.store)
        commit(life.store, write(KEY, b"1"), write(CREDS, creds(1)))
        life.go_on()
        commit(life.store, CreateGroup("codechat"), CreateInstance("codechat", "sales"), CreateGroup("codechat"))
        life.go_on()
        assert life.store.instances("codechat") == ["sales"]
        assert read_all(life.store, KEY, CREDS) == [b"1", creds(1)]

    def test_an_empty_group_and_an_empty_instance_last(self, life: Life) -> None:
        commit(life.store, CreateGroup("empty"), CreateInstance("codechat", "sales"))
        life.go_on()
        assert life.store.groups() == ["codechat", "empty"]
        assert life.store.instances("empty") == []
        assert life.store.instances("codechat") == ["sales"]

    def test_a_dropped_group_is_gone_and_may_be_made_again(self, life: Life) -> None:
        in_other = KEY._replace(group="other")
        create(life.store, CREDS, in_other)
        commit(life.store, write(CREDS, creds(1)), write(in_other, b"3"))
        life.go_on()
        commit(life.store, DropGroup("codechat"))
        life.go_on()
        assert life.store.groups() == ["other"]
        assert refusals(life.store, write(CREDS, creds(2)), DropGroup("codechat")) == [NoSuchGroup, NoSuchGroup]
        commit(life.store, CreateGroup("codechat"))
        life.go_on()
        assert life.store.groups() == ["codechat", "other"]
        assert life.store.instances("codechat") == []
        assert read_and_recall(life.store, in_other) == b"3"

    def test_an_empty_group_is_dropped_and_nothing_of_it_is_listed(self, life: Life) -> None:
        commit(life.store, CreateGroup("empty"))
        life.go_on()
        commit(life.store, DropGroup("empty"))
        life.go_on()
        assert life.store.groups() == []
        assert life.store.drops() == []

    def test_an_instance_of_a_group_that_is_made_again_starts_empty(self, life: Life) -> None:
        for number in range(3):
            create(life.store, CREDS, SUPPORT)
            assert read_all(life.store, CREDS, KEY, SUPPORT) == [None] * 3
            commit(life.store, write(CREDS, creds(number)), write(KEY, b"%d" % number), write(SUPPORT, creds(number)))
            life.go_on()
            commit(life.store, DropGroup("codechat"))
            life.go_on()
            assert life.store.groups() == []

    def test_a_group_that_is_not_there_cannot_be_dropped(self, life: Life) -> None:
        assert refusals(life.store, DropGroup("codechat")) == [NoSuchGroup]
        life.go_on()
        assert life.store.groups() == []
