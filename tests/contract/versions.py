"""What is promised of versions: older `creds` are kept, as many as the rules say, and can be had again."""

from __future__ import annotations

import time

import pytest
from msgspec.structs import replace

from sessionworker.errors import CredsNotAllowed, HeldElsewhere, NoSuchVersion
from sessionworker.stores.changes import Batch, Delete, Existing, Restore, Write
from sessionworker.stores.rules.leases import Lease
from sessionworker.stores.rules.versions import DAY, HOUR, Keep, Version, parse_version, to_keep
from tests.contract.base import Contract
from tests.contract.clock import stopped_clock
from tests.contract.words import (
    CREDS,
    KEY,
    SUPPORT,
    Life,
    Place,
    changes,
    commit,
    create,
    creds,
    delete,
    kept,
    read_and_recall,
    refusals,
    versions,
    write,
)

NONSENSE = [
    "",
    "creds",
    "../creds",
    "1700000000000-0.0123456789ab.1",
    "1700000000000-0.deleted.0",
    "1700000000000",
    "latest",
    "/",
    "\x00",
    "\ud83d",
    "9" * 5000,
    f"{'9' * 5000}-0.0123456789ab.1",
    f"1700000000000-{'9' * 5000}.0123456789ab.1",
    f"1700000000000-0.0123456789ab.{'9' * 5000}",
    f"1700000000000-0.0123456789ab.-{'9' * 5000}",
    "\u0661" * 13 + "-0.0123456789ab.1",
]


def parsed(name: str) -> Version:
    """Return the version that a name stands for."""
    version = parse_version(name)
    assert version is not None
    return version


class VersionsContract(Contract):
    """Versions of `creds`."""

    def test_versions_are_listed_newest_first(self, life: Life) -> None:
        create(life.store)
        assert versions(life.store) == []
        values = [creds(1), creds(2), creds(3, 2), creds(4, 2), creds(5)]
        begun = time.time_ns() // 1_000_000
        for value in values:
            commit(life.store, write(CREDS, value))
            life.go_on()
        found = versions(life.store)
        assert [life.store.read_version(*CREDS[:2], one.version) for one in found] == values[::-1]
        assert [one.bytes for one in found] == list(map(len, values[::-1]))
        assert [one.is_current for one in found] == [True, False, False, False, False]
        assert [one.is_pinned for one in found] == [True, True, False, False, False]
        assert found[0].identity == found[3].identity == found[4].identity != ""
        assert found[1].identity == found[2].identity not in {"", found[0].identity}
        times = [one.when for one in found]
        assert times == sorted(set(times), reverse=True)
        assert begun <= times[-1] <= times[0] <= time.time_ns() // 1_000_000 + len(values)

    def test_the_names_of_versions_are_those_that_all_stores_have(self, life: Life) -> None:
        create(life.store)
        commit(life.store, write(CREDS, creds(1)), write(CREDS, creds(2, 2)), delete(CREDS))
        life.go_on()
        for one in versions(life.store):
            version = parsed(one.version)
            assert version.file_name == one.version
            assert version.when == one.when
            assert ("" if version.is_deletion else version.identity) == one.identity

    def test_two_creds_in_one_batch_are_two_versions(self, life: Life) -> None:
        create(life.store)
        commit(life.store, changes(Write("creds", creds(1)), Write(KEY.key, b"1"), Write("creds", creds(2))))
        life.go_on()
        assert kept(life.store).versions == [creds(2), creds(1)]
        assert read_and_recall(life.store, CREDS) == creds(2)
        assert [one.is_current for one in versions(life.store)] == [True, False]

    def test_a_batch_that_was_refused_leaves_no_version(self, life: Life) -> None:
        create(life.store)
        commit(life.store, write(CREDS, creds(1)))
        made = changes(Write("creds", creds(2)), Delete("creds"), Write("creds", b"[]"))
        assert refusals(life.store, made) == [CredsNotAllowed]
        life.go_on()
        assert kept(life.store).versions == [creds(1)]
        assert len(versions(life.store)) == 1

    def test_a_deletion_is_a_version_that_cannot_be_read(self, life: Life) -> None:
        create(life.store)
        commit(life.store, write(CREDS, creds(1)))
        life.go_on()
        commit(life.store, delete(CREDS))
        life.go_on()
        deletion, before = versions(life.store)
        assert (deletion.identity, deletion.bytes, deletion.is_pinned, deletion.is_current) == ("", 0, False, True)
        assert (before.is_pinned, before.is_current) == (True, False)
        with pytest.raises(NoSuchVersion):
            life.store.read_version(*CREDS[:2], deletion.version)
        assert life.store.read_version(*CREDS[:2], before.version) == creds(1)
        assert read_and_recall(life.store, CREDS) is None

    def test_deleting_what_is_gone_takes_no_version_away(self, life: Life) -> None:
        create(life.store)
        values = [creds(number) for number in range(8)]
        commit(life.store, *(write(CREDS, value) for value in values))
        for _ in range(12):
            life.go_on()
            commit(life.store, delete(CREDS))
        life.settle()
        assert kept(life.store).versions == values[::-1]
        life.store.check_creds("codechat", "sales")

    def test_a_version_is_made_current_by_writing_it_again(self, life: Life) -> None:
        create(life.store)
        commit(life.store, write(CREDS, creds(1)), write(CREDS, creds(2)), delete(CREDS))
        life.go_on()
        oldest = versions(life.store)[-1].version
        commit(life.store, write(CREDS, life.store.read_version(*CREDS[:2], oldest)))
        life.go_on()
        assert read_and_recall(life.store, CREDS) == creds(1)
        assert kept(life.store).versions == [creds(1), creds(2), creds(1)]
        assert [one.is_current for one in versions(life.store)] == [True, False, False, False]

    @pytest.mark.parametrize("name", NONSENSE, ids=lambda name: repr(name[:20]))
    def test_what_is_no_version_of_an_instance_cannot_be_read(self, life: Life, name: str) -> None:
        create(life.store, CREDS, SUPPORT)
        commit(life.store, write(CREDS, creds(1)), write(SUPPORT, creds(2, 2)))
        life.go_on()
        for version in (name, versions(life.store, SUPPORT)[0].version):
            with pytest.raises(NoSuchVersion):
                life.store.read_version("codechat", "sales", version)

    @pytest.mark.parametrize("step", [0, -HOUR, -400 * DAY])
    def test_a_clock_that_stands_still_or_goes_back_puts_no_older_version_before_a_newer_one(
        self, life: Life, step: int
    ) -> None:
        values = [creds(number, number % 3) for number in range(6)]
        with stopped_clock() as clock:
            create(life.store)
            for value in values:
                commit(life.store, write(CREDS, value))
                clock.now += step
                life.go_on()
            assert kept(life.store).versions == values[::-1]
            assert read_and_recall(life.store, CREDS) == values[-1]
            life.settle()
            assert kept(life.store).versions == values[::-1]

    @pytest.mark.parametrize("minutes", [1, 20, 90, 1000])
    def test_as_many_versions_are_kept_as_the_rules_say(self, life: Life, minutes: int) -> None:
        with stopped_clock() as clock:
            create(life.store)
            names: list[str] = []
            for number in range(80):
                commit(life.store, write(CREDS, creds(number, number % 3 if number < 6 else 9)))
                names.append(versions(life.store)[0].version)
                clock.now += minutes * 60_000
                if number % 7 == 0:
                    life.go_on()
            life.settle()
            expected = to_keep(list(map(parsed, names)), Keep())
            assert len(expected) < len(names)
            assert [parsed(one.version) for one in versions(life.store)] == sorted(expected, reverse=True)
            for name in names:
                if parsed(name) not in expected:
                    with pytest.raises(NoSuchVersion):
                        life.store.read_version("codechat", "sales", name)

    def test_as_many_versions_are_kept_as_a_store_is_told(self, place: Place) -> None:
        life = Life(place.fresh(Keep(newest=2, hours=0, days=0)), "at once")
        create(life.store)
        for number in range(5):
            commit(life.store, write(CREDS, creds(number)))
        commit(life.store, *(write(CREDS, creds(number, 2)) for number in range(5)))
        life.settle()
        assert kept(life.store).versions == [creds(4, 2), creds(3, 2), creds(4)]
        life.store.close()

    def test_the_last_creds_of_an_identity_are_kept_for_good(self, life: Life) -> None:
        with stopped_clock() as clock:
            create(life.store)
            commit(life.store, *(write(CREDS, creds(number, 7)) for number in range(3)))
            for number in range(40):
                clock.now += 3 * DAY
                commit(life.store, write(CREDS, creds(number, 8)))
            life.go_on()
            life.settle()
            of_old = [one for one in versions(life.store) if one.identity == versions(life.store)[-1].identity]
            assert [life.store.read_version(*CREDS[:2], one.version) for one in of_old] == [creds(2, 7)]
            assert of_old[0].is_pinned

    @pytest.mark.parametrize("is_apart", [True, False], ids=["in a commit before", "in the same commit"])
    def test_an_owner_sees_by_its_leases_id_that_older_creds_were_made_the_current_ones(
        self, quiet: Life, *, is_apart: bool
    ) -> None:
        create(quiet.store)
        renewal = Batch("codechat", "sales", (), Existing(), "host-1:71:a")
        [first] = quiet.store.commit([renewal])
        undo = Batch("codechat", "sales", (Restore(CREDS.key, creds(4), by="10.0.0.7"),))
        if is_apart:
            commit(quiet.store, undo)
            [second] = quiet.store.commit([renewal])
        else:
            [_, second] = quiet.store.commit([undo, renewal])
        [third] = quiet.store.commit([renewal])
        assert isinstance(first, Lease)
        assert isinstance(second, Lease)
        assert first != second == third
        assert refusals(quiet.store, replace(renewal, owner="host-2:9:b")) == [HeldElsewhere]
