"""Accounts come out of tables as each program has put them there.

mysql-baileys' rows are those that version 1.5.4 of its npm package writes: its own code was run to see them. The others
are those of the programs' schemas.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from sessionworker.migration.baileys_names import file_name_of
from sessionworker.migration.found import SourceError
from sessionworker.migration.readers.sql import open_database
from sessionworker.migration.sources.sql_rows import open_baileys_store, open_mysql_baileys, open_sql
from sessionworker.migration.sources.ticketz import open_ticketz
from tests.migration.examples import account, keys_of, paired_creds, text_of, with_numbers
from tests.migration.filled import Filled
from tests.migration.reading import all_closed, in_strings, note_codes, read_all
from tests.migration.servers import PASSWORD

pytestmark = pytest.mark.slow

COLUMNS = {"table": "auth_state", "session_column": "bot", "key_column": "k", "value_column": "v"}


@pytest.fixture(params=["postgresql", "mysql"])
def either(request: pytest.FixtureRequest) -> Filled:
    found: Filled = request.getfixturevalue(request.param)
    return found


@pytest.fixture(autouse=True)
def closed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with all_closed(monkeypatch):
        yield


def fill(database: Filled, values: dict[str, bytes], bot: str = "one", kind: str = "TEXT") -> None:
    database.run(f"CREATE TABLE IF NOT EXISTS auth_state(bot VARCHAR(50), k VARCHAR(200), v {kind})")
    for key, value in values.items():
        database.run("INSERT INTO auth_state VALUES(%s, %s, %s)", bot, key, value.decode())


def test_a_table_of_texts(either: Filled) -> None:
    fill(either, account(), "São \N{GRINNING FACE}")
    fill(either, account("two"), "são \N{GRINNING FACE}")
    fill(either, account("two"), "são \N{GRINNING FACE} ")
    source = open_sql(either.url, **COLUMNS)
    two = account("two")
    names = ("São \N{GRINNING FACE}", "são \N{GRINNING FACE}", "são \N{GRINNING FACE} ")
    assert read_all(source) == dict(zip(names, (account(), two, two), strict=True))
    source.close()
    assert list(read_all(open_sql(either.url, **COLUMNS, session=names[1]))) == [names[1]]
    with pytest.raises(SourceError, match="There is no session none in the table auth_state of"):
        open_sql(either.url, **COLUMNS, session="none")


def test_a_table_of_strings(either: Filled) -> None:
    fill(either, in_strings(account()))
    assert read_all(open_sql(either.url, **COLUMNS, encoding="string")) == {"one": account()}


def test_a_table_of_documents(either: Filled) -> None:
    fill(either, account(), kind="JSON" if either.is_mysql else "JSONB")
    [values] = read_all(open_sql(either.url, **COLUMNS, encoding="document")).values()
    assert {key: json.loads(value) for key, value in values.items()} == {"creds": paired_creds(), **keys_of()}
    assert values["lid-mapping-5511888888888"] == b'"223456789012345"'
    assert b'": ' not in values["creds"]


def test_a_table_of_documents_with_buffers_of_numbers(either: Filled) -> None:
    documents = {"creds": paired_creds(), **keys_of()}
    fill(either, {key: text_of(with_numbers(one)) for key, one in documents.items()}, kind="JSON")
    assert read_all(open_sql(either.url, **COLUMNS, encoding="document")) == {"one": account()}


def test_a_table_of_names_like_files(either: Filled) -> None:
    fill(either, {file_name_of(key): value for key, value in account().items()})
    assert read_all(open_sql(either.url, **COLUMNS, name_style="fixed")) == {"one": account()}


def test_values_may_be_bytes_and_sessions_numbers(either: Filled) -> None:
    either.run(f"CREATE TABLE auth_state(bot INT, k VARCHAR(99), v {'LONGBLOB' if either.is_mysql else 'BYTEA'})")
    for key, value in account().items():
        either.run("INSERT INTO auth_state VALUES(7, %s, %s)", key, value)
    either.run("INSERT INTO auth_state VALUES(NULL, 'creds', NULL), (7, 'pre-key-9', NULL), (7, NULL, NULL)")
    source = open_sql(either.url, **COLUMNS)
    assert read_all(source) == {"7": account()}
    assert "skipped_null" in note_codes(source, "7")


def test_a_source_sees_one_moment_and_can_write_nothing(either: Filled) -> None:
    fill(either, account())
    source = open_sql(either.url, **COLUMNS)
    either.run("DELETE FROM auth_state")
    assert read_all(source) == {"one": account()}
    database = open_database(either.url)
    with pytest.raises(SourceError, match=r"(?i)does not answer: .*read.only"):
        database.rows("INSERT INTO auth_state VALUES('a', 'b', 'c')")
    database.close()
    source.close()


def test_what_is_not_there_is_told(either: Filled) -> None:
    with pytest.raises(SourceError, match="There is no table auth_state in"):
        open_sql(either.url, **COLUMNS)
    fill(either, {})
    with pytest.raises(SourceError, match="has no column nothing, nowhere"):
        open_sql(either.url, **{**COLUMNS, "key_column": "nothing", "value_column": "nowhere"})
    with pytest.raises(SourceError, match="There is no session in the table"):
        open_sql(either.url, **COLUMNS)
    with pytest.raises(SourceError, match="one of text, string, document"):
        open_sql(either.url, **COLUMNS, encoding="xml")
    with pytest.raises(SourceError, match="one of raw, fixed"):
        open_sql(either.url, **COLUMNS, name_style="cooked")


def test_a_collation_that_takes_two_names_for_one_is_told(mysql: Filled) -> None:
    fill(mysql, account())
    source = open_sql(mysql.url, **COLUMNS)
    assert note_codes(source, "one") == ["names_without_case"]
    source.close()
    mysql.run("ALTER TABLE auth_state MODIFY k VARCHAR(200) COLLATE utf8mb4_bin")
    assert note_codes(open_sql(mysql.url, **COLUMNS), "one") == []


def test_mysql_baileys_writes_mappings_without_quotes(mysql: Filled) -> None:
    mysql.run(
        "CREATE TABLE `auth` (`session` varchar(50) NOT NULL, `id` varchar(80) NOT NULL, `value` LONGTEXT DEFAULT "
        "NULL, UNIQUE KEY `idxunique` (`session`,`id`), KEY `idxsession` (`session`), KEY `idxid` (`id`)) ENGINE=MyISAM"
    )
    for key, value in account().items():
        mysql.run("INSERT INTO auth VALUES('bot', %s, %s)", key, value.decode().strip('"'))
    source = open_mysql_baileys(mysql.url)
    assert read_all(source) == {"bot": account()}
    assert note_codes(source, "bot") == ["names_without_case", "mappings_quoted"]


def test_baileys_store(either: Filled) -> None:
    quote = "`" if either.is_mysql else '"'
    either.run(
        'CREATE TABLE "Session"("pkId" INT, "sessionId" VARCHAR(128), "id" VARCHAR(255), "data" TEXT)'.replace(
            '"', quote
        )
    )
    fixed = {file_name_of(key): value for key, value in account().items()}
    for key, value in {**fixed, "session-config-one": b'{"ssl":1}'}.items():
        either.run(f"INSERT INTO {quote}Session{quote} VALUES(1, 'one', %s, %s)", key, value.decode())
    source = open_baileys_store(either.url)
    assert read_all(source) == {"one": account()}
    assert "skipped_foreign" in note_codes(source, "one")


def ticketz(database: Filled, session: str | None, name: str = "Suporte", id_: int = 1) -> None:
    database.run('CREATE TABLE IF NOT EXISTS "Whatsapps"(id INT, name TEXT, session TEXT)')
    database.run('INSERT INTO "Whatsapps" VALUES(%s, %s, %s)', id_, name, session)


def test_ticketz(postgresql: Filled) -> None:
    ticketz(postgresql, text_of({"creds": paired_creds(), "keys": {}}).decode())
    ticketz(postgresql, None, "Vazia", 2)
    ticketz(postgresql, "{cut", "Quebrada", 3)
    postgresql.run('CREATE TABLE "BaileysKeys"("whatsappId" INT, type TEXT, key TEXT, value TEXT)')
    for key, value in keys_of().items():
        kind = next(one for one in sorted(OF_TICKETZ, key=len, reverse=True) if key.startswith(f"{one}-"))
        row = (kind, key.removeprefix(f"{kind}-"), text_of(with_numbers(value)).decode())
        postgresql.run('INSERT INTO "BaileysKeys" VALUES(1, %s, %s, %s)', *row)
    source = open_ticketz(postgresql.url)
    found = read_all(source)
    assert found["Suporte"] == account()
    assert set(found) == {"Suporte", "Quebrada"}
    assert found["Quebrada"] == {"creds": b"null"}
    assert [note.text() for note in source.notes()] == ["Connections without a session, left out (1): Vazia."]


OF_TICKETZ = {key.split("-5")[0].split("-1")[0] for key in keys_of()} | {
    "pre-key", "session", "sender-key", "sender-key-memory", "app-state-sync-key", "app-state-sync-version",
    "lid-mapping", "device-list", "identity-key", "tctoken",
}  # fmt: skip


def test_old_forks_keep_keys_in_the_envelope(postgresql: Filled) -> None:
    keys = {"preKeys": {"1": keys_of()["pre-key-1"]}, "appStateVersions": {"regular": {"version": 1}}}
    session = {"creds": paired_creds(), "keys": {**keys, "senderKeyMemory": {"1@g.us": {"a": True}}}}
    ticketz(postgresql, text_of(with_numbers(session)).decode())
    ticketz(postgresql, text_of(session).decode(), id_=2)
    source = open_ticketz(postgresql.url)
    first, second = source.accounts()
    assert [note.code for note in first.notes] == [note.code for note in second.notes] == ["same_name_there"]
    reading = source.read(first)
    assert [note.code for note in reading.notes] == ["keys_in_old_form"]
    assert reading.values == source.read(second).values
    assert reading.values == {
        "creds": account()["creds"],
        "pre-key-1": account()["pre-key-1"],
        "app-state-sync-version-regular": b'{"version":1}',
        "sender-key-memory-1@g.us": b'{"a":true}',
    }


@pytest.mark.parametrize("scheme", ["postgresql", "mysql"])
def test_what_is_wrong_with_a_server_is_told_without_the_password(scheme: str) -> None:
    with pytest.raises(SourceError, match=rf"{scheme}://127\.0\.0\.1:1/base cannot be opened") as error:
        open_database(f"{scheme}://me:secret@127.0.0.1:1/base?schema=public")
    assert "secret" not in str(error.value)
    for unreadable in (
        f"{scheme}://me:{PASSWORD}@127.0.0.1/base",
        "sqlite:///secret",
        "postgres://me:secret#@host/base",
    ):
        with pytest.raises(SourceError, match="The URL of a database cannot be read") as error:
            open_database(unreadable)
        assert "secret" not in str(error.value)
        assert PASSWORD not in str(error.value)


def test_a_wrong_password_is_told(either: Filled) -> None:
    before, _, after = either.url.rpartition("@")
    with pytest.raises(SourceError, match=r"cannot be opened: .*(password authentication failed|Access denied)"):
        open_database(f"{before}wrong@{after}")
