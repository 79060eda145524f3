"""What is promised of instances."""

from __future__ import annotations

from contextlib import suppress

import pytest

from sessionworker.errors import NoSuchInstance
from sessionworker.stores.changes import CreateInstance, DropInstance
from sessionworker.stores.interface import UNKNOWN
from tests.contract.base import Contract
from tests.contract.words import (
    CREDS,
    KEY,
    OTHER_KEY,
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


class InstancesContract(Contract):
    """Instances, and what is left of them."""

    def test_instances_are_sorted(self, life: Life) -> None:
        names = ["b", "a", "ä", "A", "10", "9", "a b", "z", "\U0001f511", "\uffff"]
        commit(life.store, *(CreateInstance("codechat", name) for name in names))
        life.go_on()
        assert life.store.instances("codechat") == sorted(names)

    def test_a_dropped_instance_is_gone_with_all_its_files(self, life: Life) -> None:
        create(life.store, CREDS, SUPPORT)
        commit(life.store, write(CREDS, creds(1)), write(KEY, b"1"), write(SUPPORT, creds(2)))
        life.go_on()
        commit(life.store, DropInstance("codechat", "sales"))
        life.go_on()
        assert life.store.instances("codechat") == ["support"]
        for file in (CREDS, KEY):
            with pytest.raises(NoSuchInstance):
                life.store.read(file)
            with suppress(NoSuchInstance):
                assert life.store.recall(file) is UNKNOWN
        assert read_and_recall(life.store, SUPPORT) == creds(2)

    def test_a_late_write_does_not_bring_a_dropped_instance_back(self, life: Life) -> None:
        create(life.store)
        commit(life.store, write(CREDS, creds(1)))
        commit(life.store, DropInstance("codechat", "sales"))
        life.go_on()
        assert refusals(life.store, write(CREDS, creds(2))) == [NoSuchInstance]
        commit(life.store, delete(CREDS), DropInstance("codechat", "sales"))
        life.go_on()
        assert life.store.instances("codechat") == []

    def test_an_instance_that_is_created_again_has_no_creds_of_the_one_before(self, life: Life) -> None:
        create(life.store)
        commit(life.store, write(CREDS, creds(1)))
        life.go_on()
        commit(life.store, DropInstance("codechat", "sales"))
        create(life.store)
        commit(life.store, write(KEY, b"1"))
        life.store.check_creds("codechat", "sales")
        assert read_and_recall(life.store, CREDS) is None
        assert life.store.versions("codechat", "sales") == []
        life.go_on()
        life.store.check_creds("codechat", "sales")
        assert read_and_recall(life.store, CREDS) is None
        assert life.store.versions("codechat", "sales") == []

    def test_an_instance_that_is_created_again_starts_empty(self, life: Life) -> None:
        files = [CREDS, KEY, OTHER_KEY]
        create(life.store)
        for number in range(3):
            commit(life.store, write(files[number], creds(0)))
            life.go_on()
            commit(life.store, DropInstance("codechat", "sales"))
            commit(life.store, CreateInstance("codechat", "sales"))
            assert read_all(life.store, *files) == [None] * 3
            life.go_on()
            assert read_all(life.store, *files) == [None] * 3
        commit(life.store, write(CREDS, creds(1)))
        life.go_on()
        assert read_all(life.store, *files) == [creds(1), None, None]

    def test_dropping_what_is_not_there_is_no_error(self, life: Life) -> None:
        create(life.store, SUPPORT)
        commit(life.store, DropInstance("codechat", "sales"), DropInstance("nobody", "sales"))
        life.go_on()
        assert life.store.groups() == ["codechat"]
        assert life.store.instances("codechat") == ["support"]
        assert life.store.drops() == []

    def test_a_group_is_there_when_its_last_instance_was_dropped(self, life: Life) -> None:
        create(life.store)
        life.go_on()
        commit(life.store, DropInstance("codechat", "sales"))
        life.go_on()
        assert life.store.groups() == ["codechat"]
        assert life.store.instances("codechat") == []
