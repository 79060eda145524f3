"""What is promised of `creds`: an instance is told that it has none only where it never had any, or let go of them."""

from __future__ import annotations

import pytest

from sessionworker.errors import CredsNotAllowed, StoreUnavailable
from tests.contract.base import Contract
from tests.contract.words import (
    CREDS,
    KEY,
    MIB,
    SUPPORT,
    Life,
    commit,
    create,
    creds,
    delete,
    read_all,
    read_and_recall,
    refusals,
    versions,
    write,
)

UNPAIRED = b'{"registrationId":7,"noiseKey":{"public":"7"},"nextPreKeyId":1,"registered":false}'
"""`creds` of an instance that was not paired with a telephone yet: they have no `me`."""

NO_OBJECTS = [b"null", b"[]", b"1", b'"x"', b"true", b" [{}]", b'"{}"', b"{} {}", b"{", b"", b"\xef\xbb\xbf{}"]

NOT_UTF_8 = b'{"registrationId":1,"noiseKey":"a\xffb","nextPreKeyId":3}'


class CredsContract(Contract):
    """Reading and checking `creds`."""

    def test_a_new_instance_has_no_creds_and_passes_their_check(self, life: Life) -> None:
        create(life.store)
        life.store.check_creds("codechat", "sales")
        life.go_on()
        life.store.check_creds("codechat", "sales")
        assert read_and_recall(life.store, CREDS) is None

    def test_an_instance_with_other_keys_alone_has_no_creds_and_passes_their_check(self, life: Life) -> None:
        create(life.store)
        commit(life.store, write(KEY, b"1"))
        life.go_on()
        life.store.check_creds("codechat", "sales")
        assert read_and_recall(life.store, CREDS) is None

    @pytest.mark.parametrize("value", [creds(1), UNPAIRED, b"{}"], ids=["paired", "not paired yet", "empty"])
    def test_an_instance_with_creds_passes_their_check(self, life: Life, value: bytes) -> None:
        create(life.store)
        commit(life.store, write(CREDS, value))
        life.store.check_creds("codechat", "sales")
        life.go_on()
        life.store.check_creds("codechat", "sales")
        assert read_and_recall(life.store, CREDS) == value

    def test_an_instance_whose_creds_were_deleted_has_none_and_passes_their_check(self, life: Life) -> None:
        create(life.store)
        commit(life.store, write(CREDS, creds(1)))
        life.go_on()
        commit(life.store, delete(CREDS))
        life.store.check_creds("codechat", "sales")
        life.go_on()
        life.store.check_creds("codechat", "sales")
        assert read_and_recall(life.store, CREDS) is None
        assert read_and_recall(life.store, CREDS) is None

    def test_creds_that_were_deleted_are_brought_back_by_nothing_but_a_write(self, life: Life) -> None:
        create(life.store)
        for number in range(3):
            commit(life.store, write(CREDS, creds(number)))
            life.go_on()
            commit(life.store, delete(CREDS))
            life.go_on()
            commit(life.store, write(KEY, b"%d" % number))
            life.go_on()
            life.store.check_creds("codechat", "sales")
            assert read_all(life.store, CREDS, KEY) == [None, b"%d" % number]

    @pytest.mark.parametrize("value", [*NO_OBJECTS, NOT_UTF_8], ids=repr)
    def test_creds_that_are_no_object_are_refused_and_the_ones_before_stay(self, life: Life, value: bytes) -> None:
        create(life.store)
        assert refusals(life.store, write(CREDS, value)) == [CredsNotAllowed]
        life.go_on()
        life.store.check_creds("codechat", "sales")
        assert read_and_recall(life.store, CREDS) is None
        commit(life.store, write(CREDS, creds(1)))
        assert refusals(life.store, write(CREDS, value)) == [CredsNotAllowed]
        life.go_on()
        assert read_and_recall(life.store, CREDS) == creds(1)
        assert len(versions(life.store)) == 1

    def test_creds_that_break_before_there_was_a_version_are_refused_until_others_are_written(self, life: Life) -> None:
        create(life.store, CREDS, SUPPORT)
        life.damage(CREDS, NOT_UTF_8)
        for _ in range(2):
            with pytest.raises(StoreUnavailable):
                life.store.check_creds("codechat", "sales")
            with pytest.raises(StoreUnavailable):
                life.store.read(CREDS)
            life.go_on()
        life.store.check_creds("codechat", "support")
        commit(life.store, write(CREDS, creds(1)))
        life.go_on()
        life.store.check_creds("codechat", "sales")
        assert read_and_recall(life.store, CREDS) == creds(1)

    def test_creds_of_megabytes_are_kept_with_their_versions(self, life: Life) -> None:
        values = [b'{"registrationId":%d,"padding":"%b"}' % (number, b"x" * 3 * MIB) for number in range(2)]
        create(life.store)
        for value in values:
            commit(life.store, write(CREDS, value))
            life.go_on()
            life.store.check_creds("codechat", "sales")
            assert read_and_recall(life.store, CREDS) == value
        newer, older = versions(life.store)
        assert life.store.read_version("codechat", "sales", newer.version) == values[1]
        assert life.store.read_version("codechat", "sales", older.version) == values[0]
