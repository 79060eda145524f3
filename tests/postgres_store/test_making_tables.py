"""The tables are made once, whoever starts at the same time, and by whoever may."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from sessionworker.errors import StartError
from sessionworker.stores.changes import CreateInstance, Delete, DropGroup, Probe, Write
from sessionworker.stores.postgres.store import PostgresStore
from sessionworker.stores.postgres.tables import NAMES, NEWEST, Tables
from tests.contract.words import CREDS, KEY, changes, commit, create, creds, drop, purge, restore, write
from tests.postgres.databases import Databases
from tests.postgres.server import Server
from tests.postgres_store.opened import SCHEMA, address_of, opened

COLUMNS = """
SELECT table_name, column_name, data_type, is_nullable, column_default FROM information_schema.columns
WHERE table_schema = %s ORDER BY 1, 2
"""
INDEXES = "SELECT tablename, replace(indexdef, %s, '') FROM pg_indexes WHERE schemaname = %s ORDER BY 1, 2"
OPTIONS = """
SELECT relname, reloptions FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
WHERE nspname = %s ORDER BY 1
"""


@pytest.fixture(scope="module")
def databases(postgres: Server) -> Iterator[Databases]:
    with Databases(postgres) as made:
        yield made


@pytest.fixture
def url(databases: Databases) -> Iterator[str]:
    with databases.fresh_database() as url:
        yield url


def ask(url: str, query: str, *parameters: Any) -> list[tuple[Any, ...]]:
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(query.encode(), parameters or None)
        return cursor.fetchall() if cursor.description else []


def shape(url: str, schema: str) -> list[list[tuple[Any, ...]]]:
    return [ask(url, COLUMNS, schema), ask(url, INDEXES, f"{schema}.", schema), ask(url, OPTIONS, schema)]


@pytest.mark.parametrize("number", range(5))
def test_five_stores_that_start_at_once_make_the_tables_once(url: str, number: int) -> None:
    with ThreadPoolExecutor(5) as pool:
        stores = list(pool.map(lambda _: PostgresStore(address_of(url), threads=1), range(5)))
    try:
        assert ask(url, f"SELECT only_row, version FROM {SCHEMA}.schema_version") == [(1, NEWEST)]
        create(stores[0])
        for store in stores:
            assert store.commit([write(KEY, b"1")]) == [None]
            assert store.read(KEY) == b"1"
    finally:
        for store in stores:
            store.close()


def test_tables_of_a_newer_worker_stop_the_start_and_stay(url: str) -> None:
    with opened(url) as one:
        create(one.store)
    ask(url, f"UPDATE {SCHEMA}.schema_version SET version = {NEWEST + 1}")
    before = shape(url, SCHEMA)
    with pytest.raises(StartError, match=f"newer worker: they have version {NEWEST + 1}, and this one knows {NEWEST}"):
        PostgresStore(address_of(url))
    assert shape(url, SCHEMA) == before
    assert ask(url, f"SELECT version FROM {SCHEMA}.schema_version") == [(NEWEST + 1,)]


@pytest.mark.parametrize("schema", ["printed", 'Loja "São"', "select"])
def test_what_is_printed_makes_the_same_tables(url: str, schema: str) -> None:
    script = Tables(schema).script()
    for _ in range(2):  # it does no harm to run it again
        with psycopg.connect(url, autocommit=True) as connection:
            for statement in re.split(r";\n", script):
                if statement.strip():
                    connection.execute(statement.encode())
    with psycopg.connect(url, autocommit=True) as connection:
        Tables("made").make(connection)
    [columns, _, options] = shape(url, schema)
    [made_columns, _, made_options] = shape(url, "made")
    assert (columns, options) == (made_columns, made_options)
    assert {name for name, *_ in columns} == set(NAMES)
    with psycopg.connect(url, autocommit=True) as connection:
        before = ask(url, f"SELECT xmin FROM {Tables(schema).schema}.schema_version")
        Tables(schema).make(connection)
        assert ask(url, f"SELECT xmin FROM {Tables(schema).schema}.schema_version") == before


# Least rights


@pytest.fixture
def least(url: str, postgres: Server) -> Iterator[str]:
    """Where a database is for a role that may do nothing but connect."""
    ask(url, "CREATE ROLE least LOGIN PASSWORD 'least'")
    ask(url, "REVOKE ALL ON SCHEMA public FROM public")
    yield url.replace(f"postgres:{postgres.room.password}", "least:least")
    ask(url, "DROP OWNED BY least")
    ask(url, "DROP ROLE least")


def test_a_role_that_may_only_use_the_tables_can_do_all(url: str, least: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(Tables(SCHEMA).script().encode())
    ask(url, Tables(SCHEMA).rights("least"))
    with opened(least) as one:
        store = one.store
        create(store)
        batch = changes(Write("creds", creds(1)), Write(KEY.key, b"1"), Delete("old"))
        assert store.commit([batch, Probe()]) == [None, None]
        commit(store, restore(drop(store), "another"), CreateInstance("codechat", "sales"))
        commit(store, purge(drop(store, CREDS._replace(instance="another"))), DropGroup("codechat", "10.0.0.1"))
        assert [event.event for event in store.events(0)][-1] == "group_dropped"
        store.checkpoint()
        assert (store.groups(), store.overview().instances, len(store.drops())) == ([], 0, 1)
    assert ask(url, f"SELECT count(*) FROM {SCHEMA}.purged_instance") == [(0,)]


def test_a_role_that_may_not_make_the_tables_is_told_what_to_do(url: str, least: str) -> None:
    with pytest.raises(StartError, match="not made yet, and this role may not make them") as refusal:
        PostgresStore(address_of(least))
    assert "script" in str(refusal.value)


@pytest.mark.parametrize("right", ["nothing", "usage", "select"])
def test_a_role_that_may_not_use_the_tables_is_told_which_rights_it_needs(url: str, least: str, right: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        Tables(SCHEMA).make(connection)
    if right != "nothing":
        ask(url, f"GRANT USAGE ON SCHEMA {SCHEMA} TO least")
    if right == "select":
        ask(url, f"GRANT SELECT ON ALL TABLES IN SCHEMA {SCHEMA} TO least")
    with pytest.raises(StartError) as refusal:
        PostgresStore(address_of(least))
    assert "sessionworker-database rights" in str(refusal.value)


def test_the_right_to_make_tables_is_enough_to_make_them(url: str, least: str) -> None:
    ask(url, f"CREATE SCHEMA {SCHEMA} AUTHORIZATION least")
    with opened(least) as one:
        create(one.store)
