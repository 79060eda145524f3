"""Labels in the tables: rows of their own, so a worker that knows none uses the same tables."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sessionworker.stores.seal import KeyRing
from tests.contract.labels import label
from tests.contract.words import CREDS, SUPPORT, commit, create, drop, drops_of, purge, replace, summary
from tests.postgres.sealed import FIRST, Workers, workers_on
from tests.postgres.server import Server


@pytest.fixture
def database(postgres: Server) -> Iterator[Workers]:
    """A schema of its own."""
    with workers_on(postgres.url(), "labels") as found:
        yield found


def rows(database: Workers) -> list[tuple[object, ...]]:
    """What lies there of labels."""
    return database.execute("SELECT value FROM {state} WHERE name LIKE %s ORDER BY name", "label-%")


@pytest.mark.parametrize("ring", [None, FIRST], ids=["plain", "sealed"])
def test_nothing_is_left_of_one_that_was_taken_away_or_whose_instance_was_erased(
    database: Workers, ring: KeyRing | None
) -> None:
    store = database.start(ring)
    create(store, CREDS, SUPPORT)
    commit(store, label("Loja"), label("Matriz", SUPPORT))
    assert len(rows(database)) == 2
    assert (b"Loja" in database.dump()) is (ring is None)
    commit(store, label(""))
    dropped = drop(store, SUPPORT)
    assert len(rows(database)) == 1
    commit(store, purge(dropped))
    assert rows(database) == []


@pytest.mark.parametrize("data", [b"\xff", b"x" * 101, b"two\nlines", b""], ids=ascii)
def test_what_is_no_label_is_none(database: Workers, data: bytes) -> None:
    store = database.start(None)
    create(store)
    commit(store, label("Loja"))
    database.execute("UPDATE {state} SET value = %s WHERE name LIKE %s", data, "label-%")
    assert summary(store).label == ""
    assert drop(store).label == ""


def test_every_worker_on_the_database_tells_it(database: Workers) -> None:
    one, other = database.start(None), database.start(None)
    create(one, CREDS, SUPPORT)
    commit(one, label("Loja"))
    assert summary(other).label == "Loja"
    commit(other, replace(drop(one, SUPPORT), "sales"))
    assert (summary(one).label, drops_of(one)[0].label) == ("Loja", "Loja")


def test_a_row_that_belongs_to_another_instance_opens_for_none(database: Workers) -> None:
    store = database.start(FIRST)
    create(store, CREDS, SUPPORT)
    commit(store, label("Loja"), label("Matriz", SUPPORT))
    one, other = (value for (value,) in rows(database))
    database.execute("UPDATE {state} SET value = %s WHERE value = %s", one, other)
    assert sorted(found.label for found in store.describe("codechat")) in (["", "Loja"], ["", "Matriz"])
