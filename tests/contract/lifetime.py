"""What is promised of a store's life: it ends once, and what was committed outlives it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread

import pytest

from sessionworker.names import SessionFile
from sessionworker.stores.changes import CreateInstance, DropInstance
from tests.contract.base import Contract
from tests.contract.words import (
    CREDS,
    KEY,
    OTHER_KEY,
    Life,
    commit,
    create,
    creds,
    delete,
    drops_of,
    kept,
    purge,
    read_all,
    read_and_recall,
    restore,
    write,
)


@contextmanager
def maintained(life: Life) -> Iterator[None]:
    """Let the store do its background work in a thread; the store is closed at the end, and opened again."""
    thread = Thread(target=life.store.maintain)
    thread.start()
    try:
        yield
    finally:
        life.store.close()
        thread.join(20)
        is_over = not thread.is_alive()
    assert is_over
    life.store = life.place.open()


class LifetimeContract(Contract):
    """A store's life."""

    def test_a_store_may_be_closed_twice(self, life: Life) -> None:
        create(life.store)
        commit(life.store, write(CREDS, creds(1)))
        life.go_on()
        life.store.close()
        life.store.close()
        life.store = life.place.open()
        assert read_and_recall(life.store, CREDS) == creds(1)

    def test_closing_again_does_not_touch_the_store_that_was_opened_meanwhile(self, life: Life) -> None:
        create(life.store)
        closed = life.store
        closed.close()
        life.store = life.place.open()
        commit(life.store, write(CREDS, creds(1)))
        closed.close()
        commit(life.store, write(KEY, b"1"))
        life.go_on()
        assert read_all(life.store, CREDS, KEY) == [creds(1), b"1"]

    def test_an_empty_store_may_be_opened_and_closed(self, life: Life) -> None:
        for _ in range(3):
            life.open_again()
            life.go_on()
        assert life.store.groups() == []
        assert life.store.drops() == []

    def test_background_work_ends_when_the_store_is_closed(self, quiet: Life) -> None:
        for number in range(3):
            with maintained(quiet):
                create(quiet.store)
                commit(quiet.store, write(CREDS, creds(number)))
                assert read_and_recall(quiet.store, CREDS) == creds(number)
            assert read_and_recall(quiet.store, CREDS) == creds(number)

    def test_background_work_of_a_store_that_is_closed_ends_at_once(self, quiet: Life) -> None:
        quiet.store.close()
        thread = Thread(target=quiet.store.maintain)
        thread.start()
        thread.join(20)
        assert not thread.is_alive()
        quiet.store = quiet.place.open()

    def test_background_work_beside_commits_loses_nothing(self, quiet: Life) -> None:
        files = [KEY._replace(key=f"pre-key-{number}") for number in range(7)]
        with maintained(quiet):
            create(quiet.store)
            for number in range(300):
                made = [write(file, b"%d" % number) for file in files]
                commit(quiet.store, write(CREDS, creds(number)), *made, delete(files[number % 7]))
                if number % 50 == 0:
                    quiet.store.checkpoint()
                expected = [None if position == number % 7 else b"%d" % number for position in range(7)]
                assert read_all(quiet.store, *files) == expected
        assert read_all(quiet.store, *files, CREDS) == [*expected, creds(299)]

    @pytest.mark.parametrize("rounds", [1, 5])
    def test_what_was_committed_survives_any_number_of_kills(self, quiet: Life, rounds: int) -> None:
        create(quiet.store)
        for number in range(12):
            commit(quiet.store, write(CREDS, creds(number)), write(KEY, b"%d" % number), delete(OTHER_KEY))
            commit(quiet.store, write(KEY._replace(key=f"k{number}"), b"%d" % number))
            for _ in range(rounds):
                quiet.kill()
            if number % 3 == 2:
                quiet.settle()
            assert read_all(quiet.store, CREDS, KEY, OTHER_KEY) == [creds(number), b"%d" % number, None]
        files = [KEY._replace(key=f"k{number}") for number in range(12)]
        assert read_all(quiet.store, *files) == [b"%d" % number for number in range(12)]
        assert kept(quiet.store).versions[:3] == [creds(11), creds(10), creds(9)]

    def test_moves_survive_kills_at_any_of_them(self, quiet: Life) -> None:
        back = CREDS
        for number in range(12):
            create(quiet.store, back)
            commit(quiet.store, write(back, creds(number)), write(back._replace(key="k"), b"%d" % number))
            if number & 1:
                quiet.kill()
            commit(quiet.store, DropInstance(back.group, back.instance))
            if number & 2:
                quiet.kill()
            dropped = drops_of(quiet.store, back)[0]
            back = SessionFile("codechat", f"back {number}", "creds")
            commit(quiet.store, restore(dropped, back.instance))
            if number & 4:
                quiet.kill()
            assert read_all(quiet.store, back, back._replace(key="k")) == [creds(number), b"%d" % number]
            if number & 8:
                quiet.settle()
                quiet.kill()
            commit(quiet.store, CreateInstance("codechat", "other"), DropInstance("codechat", "other"))
            commit(quiet.store, *map(purge, quiet.store.drops()))
            assert quiet.store.instances("codechat") == [back.instance]
            assert quiet.store.drops() == []
        assert kept(quiet.store, back).versions[:10] == [creds(number) for number in range(11, 1, -1)]
