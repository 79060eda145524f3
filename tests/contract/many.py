"""What is promised of several keys at once: what they hold, and which there are."""

from __future__ import annotations

import pytest

from sessionworker.errors import InstanceTooLarge, NoSuchGroup, NoSuchInstance, WorkerError
from sessionworker.stores.changes import Batch, Change, Delete, Existing, Write
from tests.contract.base import Contract
from tests.contract.conditions import break_
from tests.contract.words import CREDS, KEY, OTHER_KEY, SUPPORT, Life, changes, commit, create, creds, refusals, write

IDS = [f"device-list-{number}" for number in range(20)]


def names(life: Life, beginning: str = "", after: str = "", most: int = 100) -> list[str]:
    return life.store.names(CREDS.group, CREDS.instance, beginning=beginning, after=after, most=most)


def read_many(life: Life, *keys: str, most_bytes: int = 10_000) -> dict[str, bytes | None]:
    return life.store.read_many(CREDS.group, CREDS.instance, keys, most_bytes)


def whole(life: Life, most_bytes: int = 10_000) -> dict[str, bytes]:
    found = life.store.whole(CREDS.group, CREDS.instance, most_bytes)
    assert found.broken == 0
    return found.values


class ManyKeysContract(Contract):
    """Several keys of one instance."""

    def test_several_keys_are_read_at_once(self, life: Life) -> None:
        create(life.store)
        commit(life.store, write(CREDS, creds(1)), changes(*(Write(key, b'"%s"' % key.encode()) for key in IDS)))
        life.go_on()
        commit(life.store, changes(Delete(IDS[1]), Write(IDS[2], b"2")))
        expected = {"creds": creds(1), IDS[0]: b'"device-list-0"', IDS[1]: None, IDS[2]: b"2", "never written": None}
        assert read_many(life, *expected) == expected
        life.go_on()
        assert read_many(life, *expected) == expected
        assert read_many(life) == {}

    @pytest.mark.parametrize("goes_on", [True, False])
    def test_of_several_keys_those_are_read_that_have_so_many_bytes(self, life: Life, goes_on: bool) -> None:
        create(life.store)
        values = {key: b'"%s"' % (key * 3).encode() for key in IDS[:5]}
        commit(life.store, write(CREDS, creds(1)), changes(*(Write(key, value) for key, value in values.items())))
        if goes_on:
            life.go_on()
        size = len(values[IDS[0]])
        asked = [IDS[0], "never written", *IDS[1:5], "creds"]
        for most_bytes, count in ((0, 1), (size - 1, 1), (size, 2), (2 * size - 1, 2), (2 * size, 3), (10_000, 7)):
            found = read_many(life, *asked, most_bytes=most_bytes)
            expected = {"creds": creds(1), **values}
            assert list(found.items()) == [(key, expected.get(key)) for key in asked[:count]]

    def test_the_keys_that_hold_something_are_listed_in_order(self, life: Life) -> None:
        create(life.store, CREDS, SUPPORT)
        commit(life.store, write(CREDS, creds(1)), write(KEY, b"1"), write(SUPPORT, creds(2)))
        commit(life.store, changes(*(Write(key, b"1") for key in IDS)))
        life.go_on()
        commit(life.store, changes(Delete(IDS[1]), Delete("never written"), Write("é☎/😀", b"1")))
        for _ in range(2):
            assert names(life) == sorted({*IDS, "creds", KEY.key, "é☎/😀"} - {IDS[1]})
            assert names(life, "device-list-1") == sorted(key for key in IDS[2:] if key.startswith("device-list-1"))
            assert names(life, "device-list-", "device-list-18") == sorted(key for key in IDS if key > "device-list-18")
            assert names(life, "device-list-", most=2) == ["device-list-0", "device-list-10"]
            assert names(life, "nothing") == []
            life.go_on()

    def test_an_instance_that_does_not_exist_has_no_keys(self, life: Life) -> None:
        for error in (NoSuchGroup, NoSuchInstance):
            with pytest.raises(error):
                read_many(life, "creds")
            with pytest.raises(error):
                names(life)
            with pytest.raises(error):
                whole(life)
            create(life.store, SUPPORT)

    def test_all_that_an_instance_holds_is_read_at_once(self, life: Life) -> None:
        create(life.store, CREDS, SUPPORT)
        commit(life.store, write(CREDS, creds(1)), write(SUPPORT, creds(2)), changes(Write(KEY.key, b" null ")))
        commit(life.store, changes(*(Write(key, b"1") for key in IDS)))
        life.go_on()
        commit(life.store, changes(Delete(IDS[1]), Write(IDS[2], b"2"), Write("é☎/😀", b' "\\ud83d" ')))
        values = {
            "creds": creds(1),
            KEY.key: b" null ",
            "é☎/😀": b' "\\ud83d" ',
            **dict.fromkeys(IDS, b"1"),
            IDS[2]: b"2",
        }
        del values[IDS[1]]
        for _ in range(2):
            assert list(whole(life).items()) == sorted(values.items())
            life.go_on()
        commit(life.store, changes(*map(Delete, values)))
        assert whole(life) == {}

    def test_an_instance_that_is_too_large_is_not_read_at_once(self, life: Life) -> None:
        create(life.store)
        commit(life.store, write(CREDS, creds(1)), write(KEY, b"1" * 1000))
        size = len(creds(1)) + 1000
        for _ in range(2):
            assert len(whole(life, size)) == 2
            with pytest.raises(InstanceTooLarge):
                whole(life, size - 1)
            life.go_on()

    @pytest.mark.parametrize("broken", [b"{", b"", b"\xff"])
    def test_of_all_that_an_instance_holds_it_is_said_how_much_is_broken(self, life: Life, broken: bytes) -> None:
        create(life.store)
        commit(life.store, write(CREDS, creds(1)), write(CREDS, creds(2)), write(KEY, b"1"), write(OTHER_KEY, b"2"))
        break_(life, KEY, broken)
        assert life.store.whole(*CREDS[:2], 10_000) == ({"creds": creds(2), OTHER_KEY.key: b"2"}, 1)
        break_(life, OTHER_KEY, broken)
        found = life.store.whole(*CREDS[:2], 10_000)
        assert found.values == {"creds": creds(2)}
        assert found.broken in {1, 2}  # the first one may be set aside by now
        break_(life, CREDS, broken)
        assert life.store.whole(*CREDS[:2], 10_000).values == {"creds": creds(2)}

    @pytest.mark.parametrize("made", [(), (Delete(KEY.key),), (Delete(KEY.key), Delete(OTHER_KEY.key))])
    def test_a_batch_may_ask_for_an_instance_that_exists(self, life: Life, made: tuple[Change, ...]) -> None:
        batch = Batch(CREDS.group, CREDS.instance, made, Existing())
        expected: list[type[WorkerError]] = [NoSuchGroup, NoSuchInstance]
        for error in expected:
            assert refusals(life.store, batch) == [error]
            create(life.store, SUPPORT)
        create(life.store)
        commit(life.store, write(KEY, b"1"), batch)
        life.go_on()
        assert life.store.read(KEY) == (None if made else b"1")
