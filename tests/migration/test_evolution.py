"""Evolution API 2's accounts come out of its database, its Redis and its folders, whichever it uses."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
import redis

from sessionworker.migration.found import Source, SourceError
from sessionworker.migration.sources.evolution import open_evolution
from sessionworker.migration.sources.evolution_1 import open_evolution_1_redis
from tests.migration.evolution import BUSINESS, ONE, ORPHAN, OTHERS, TWO, Evolution, keys_alone
from tests.migration.examples import account, awaiting_code, paired_creds, text_of, unpaired_creds
from tests.migration.filled import Filled
from tests.migration.reading import account_of, all_closed, note_codes, read_all
from tests.migration.servers import ESCAPED_PASSWORD, PASSWORD

pytestmark = pytest.mark.slow

CREDS = account()["creds"]


@pytest.fixture(autouse=True)
def closed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with all_closed(monkeypatch):
        yield


def told(source: Source, name: str) -> list[str]:
    """What is told of an account, as people read it."""
    one = account_of(source, name)
    return [note.text() for note in (*one.notes, *source.read(one).notes)]


def test_the_usual_installation_has_creds_in_the_database_and_keys_in_redis(either: Evolution) -> None:
    either.instance(ONE, "São: 1", CREDS)
    either.hash(ONE, keys_alone())
    source = open_evolution(either.env())
    assert read_all(source) == {ONE: account()}
    one = account_of(source, ONE)
    assert (one.label, one.origin, one.is_empty, one.notes) == ("São: 1", f"Instance.{ONE}", False, ())
    assert PASSWORD not in source.shown
    assert ESCAPED_PASSWORD not in source.shown


def test_all_other_instances_are_made_empty(either: Evolution) -> None:
    either.instance(ONE, "one", CREDS, integration=None)
    either.hash(ONE, keys_alone())
    either.instance(TWO, "unpaired", text_of(unpaired_creds()), owner=None)
    either.instance(ORPHAN, "no creds", owner=None)
    either.null_creds(ORPHAN)
    either.instance(BUSINESS, "cloud", integration="WHATSAPP-BUSINESS", owner=None)
    either.instance(OTHERS, "code", text_of(awaiting_code()), owner=None)
    source = open_evolution(either.env())
    assert [one.name for one in source.accounts() if not one.is_empty] == [ONE]
    for name in (TWO, ORPHAN, OTHERS):
        assert note_codes(source, name) == ["made_empty"]
    [said] = told(source, BUSINESS)
    assert said.startswith(
        "It is of another integration, WHATSAPP-BUSINESS, which has no session files. Its instance is"
    )
    assert [read_all(source)[name] for name in (TWO, ORPHAN, OTHERS, BUSINESS)] == [{}] * 4


def test_keys_are_in_files_without_redis(either: Evolution) -> None:
    either.instance(ONE, "one", CREDS)
    either.files(ONE, keys_alone())
    source = open_evolution(either.env(CACHE_REDIS_ENABLED="false"))
    assert read_all(source) == {ONE: account()}
    assert note_codes(source, ONE) == []


def test_creds_are_in_redis_where_instances_are_saved_there(evolution: Evolution) -> None:
    evolution.instance(ONE, "one")
    evolution.hash(ONE, account())
    source = open_evolution(evolution.env(CACHE_REDIS_SAVE_INSTANCES="true", DATABASE_SAVE_DATA_INSTANCE="false"))
    assert read_all(source) == {ONE: account()}
    assert note_codes(source, ONE) == []


def test_an_old_folder_beside_a_hash_is_a_question(evolution: Evolution) -> None:
    evolution.instance(ONE, "one", CREDS)
    evolution.hash(ONE, keys_alone())
    evolution.files(ONE, keys_alone("two"))
    source = open_evolution(evolution.env())
    assert read_all(source) == {ONE: account()}
    assert note_codes(source, ONE) == ["keys_in_two_places"]
    assert "Those in Redis are taken, as the settings say; --keys redis or --keys files" in told(source, ONE)[0]
    off = open_evolution(evolution.env(CACHE_REDIS_ENABLED="false"))
    assert read_all(off) == {ONE: {**keys_alone("two"), "creds": CREDS}}
    assert note_codes(off, ONE) == ["keys_in_two_places"]
    for place, keys in (("redis", keys_alone()), ("files", keys_alone("two")), ("nowhere", {})):
        sure = open_evolution(evolution.env(), keys=place)
        assert read_all(sure) == {ONE: {**keys, "creds": CREDS}}
        assert note_codes(sure, ONE) == []


def test_keys_that_are_not_where_the_settings_say_are_a_question(evolution: Evolution) -> None:
    evolution.instance(ONE, "one", CREDS)
    evolution.files(ONE, keys_alone())
    evolution.instance(TWO, "two", account("two")["creds"])
    evolution.hash(TWO, keys_alone("two"))
    source = open_evolution(evolution.env())
    assert note_codes(source, ONE) == ["keys_elsewhere"]
    assert "keys are in Redis, where it has none. There are some in instances" in told(source, ONE)[0]
    assert note_codes(source, TWO) == []
    off = open_evolution(evolution.env(CACHE_REDIS_ENABLED="false"))
    assert note_codes(off, ONE) == []
    assert note_codes(off, TWO) == ["keys_elsewhere"]


def test_the_newer_of_two_creds_of_one_pairing_is_taken(evolution: Evolution) -> None:
    newer = text_of(paired_creds(nextPreKeyId=40))
    evolution.instance(ONE, "one", CREDS)
    evolution.hash(ONE, {**keys_alone(), "creds": newer})
    evolution.instance(TWO, "two", text_of(paired_creds(accountSyncCounter=3)))
    evolution.hash(TWO, account())
    for saved in ("true", "false"):
        source = open_evolution(evolution.env(CACHE_REDIS_SAVE_INSTANCES=saved))
        found = read_all(source)
        assert found[ONE]["creds"] == newer
        assert json.loads(found[TWO]["creds"])["accountSyncCounter"] == 3
        assert note_codes(source, ONE) == ["creds_in_two_places"]
        assert "those in PostgreSQL are taken" in told(source, TWO)[0]


def test_two_creds_of_two_pairings_are_a_question(evolution: Evolution) -> None:
    evolution.instance(ONE, "one", CREDS)
    evolution.hash(ONE, account("two"))
    for saved, creds in (("true", account("two")["creds"]), ("false", CREDS)):
        source = open_evolution(evolution.env(CACHE_REDIS_SAVE_INSTANCES=saved))
        assert read_all(source)[ONE]["creds"] == creds
        assert note_codes(source, ONE) == ["creds_of_two_accounts"]


def test_creds_that_are_not_where_the_settings_say_are_a_question(evolution: Evolution) -> None:
    evolution.instance(ONE, "one", CREDS)
    evolution.hash(ONE, keys_alone())
    source = open_evolution(evolution.env(CACHE_REDIS_SAVE_INSTANCES="true"))
    assert read_all(source) == {ONE: account()}
    assert note_codes(source, ONE) == ["creds_elsewhere"]
    assert "creds are in Redis, where it has none that can be read. Those in PostgreSQL are" in told(source, ONE)[0]


def test_what_no_row_names_is_a_question_or_left_out(evolution: Evolution) -> None:
    evolution.instance(ONE, "one", CREDS)
    evolution.instance(OTHERS, "others", CREDS, client="another")
    evolution.hash(ONE, keys_alone())
    evolution.hash(OTHERS, keys_alone())
    evolution.hash(ORPHAN, account("two"))
    evolution.hash(TWO, keys_alone("two"))
    evolution.files(ORPHAN, keys_alone("two"))
    source = open_evolution(evolution.env())
    assert read_all(source) == {ONE: account(), ORPHAN: account("two")}
    assert note_codes(source, ORPHAN) == ["no_row"]
    left = "Keys whose instances are not in the table Instance, left out (1): "
    assert [note.text() for note in source.notes()] == [f"{left}evolution:instance:{TWO}."]
    evolution.files(ONE, {})
    files = open_evolution(evolution.env(), keys="files")
    assert f"instances/{ORPHAN}" in files.notes()[0].text()


def test_several_client_names_are_told_apart(evolution: Evolution) -> None:
    evolution.instance(ONE, "one", CREDS)
    evolution.instance(OTHERS, "others", CREDS, client="another")
    evolution.hash(ONE, keys_alone())
    env = evolution.env(DATABASE_CONNECTION_CLIENT_NAME="")
    with pytest.raises(SourceError, match=r"several client names: another, evolution_exchange\. Say which by --client"):
        open_evolution(env)
    assert [one.name for one in open_evolution(env, client_name="another").accounts()] == [OTHERS]
    with pytest.raises(SourceError, match="no instances of the client name x; it has those of another, evolution_exc"):
        open_evolution(env, client_name="x")


def test_the_only_client_name_need_not_be_given(evolution: Evolution) -> None:
    env = evolution.env(DATABASE_CONNECTION_CLIENT_NAME="")
    with pytest.raises(SourceError, match="has no instances"):
        open_evolution(env)
    evolution.instance(ONE, "one", CREDS, client="another")
    evolution.hash(ONE, keys_alone())
    assert read_all(open_evolution(env)) == {ONE: account()}


def test_a_wrong_prefix_or_number_is_told(evolution: Evolution, redis_url: str) -> None:
    evolution.instance(ONE, "one", CREDS)
    evolution.hash(ONE, keys_alone(), prefix="evo*")
    with pytest.raises(SourceError, match=r"no hash evolution:instance:\* in redis.* some under evo\*: give --prefix"):
        open_evolution(evolution.env())
    assert read_all(open_evolution(evolution.env(), prefix="evo*")) == {ONE: account()}
    with pytest.raises(SourceError, match="If that is the wrong Redis, or the wrong number of a database"):
        open_evolution(evolution.env(), redis=redis_url.replace("/6", "/0"))


def test_no_file_is_needed_where_all_is_given(evolution: Evolution, postgresql: Filled, redis_url: str) -> None:
    evolution.instance(ONE, "one", CREDS)
    evolution.hash(ONE, keys_alone(), prefix="p")
    assert read_all(open_evolution(database=postgresql.url, redis=redis_url)) == {ONE: account()}
    evolution.files(ONE, keys_alone("two"))
    files = open_evolution(database=postgresql.url, instances=evolution.instances)
    assert read_all(files) == {ONE: {**keys_alone("two"), "creds": CREDS}}
    evolution.hash(TWO, keys_alone(), prefix="q")
    with pytest.raises(SourceError, match="several prefixes: p, q"):
        open_evolution(database=postgresql.url, redis=redis_url)


def test_creds_that_mysql_cut_off_are_told(on_mysql: Evolution) -> None:
    long = text_of(paired_creds(processedHistoryMessages=[{"key": {"id": "3EB0" * 60}} for _ in range(300)]))
    column = json.dumps(long.decode())
    on_mysql.instance(ONE, "one", column[:65_535])
    on_mysql.hash(ONE, keys_alone())
    source = open_evolution(on_mysql.env())
    assert read_all(source) == {ONE: {**keys_alone(), "creds": b""}}
    assert note_codes(source, ONE) == ["creds_cut_off"]
    on_mysql.hash(ONE, {"creds": CREDS})
    source = open_evolution(on_mysql.env())
    assert read_all(source) == {ONE: account()}
    assert note_codes(source, ONE) == ["creds_elsewhere"]


def test_a_number_that_is_another_one_and_a_closed_connection_are_told(either: Evolution) -> None:
    either.instance(ONE, "one", CREDS, owner="5511777777777@s.whatsapp.net", status="close")
    either.hash(ONE, keys_alone())
    source = open_evolution(either.env())
    assert note_codes(source, ONE) == ["owner_differs", "status_closed"]
    assert "says that it is the number 5511777777777, and its creds are of 5511999999999" in told(source, ONE)[0]


def test_a_redis_that_is_not_in_use_need_not_be_there(evolution: Evolution) -> None:
    evolution.instance(ONE, "one", CREDS)
    evolution.files(ONE, keys_alone())
    gone = evolution.env(CACHE_REDIS_ENABLED="false", CACHE_REDIS_URI="redis://127.0.0.1:1/6")
    assert read_all(open_evolution(gone)) == {ONE: account()}
    with pytest.raises(SourceError, match=r"redis://127\.0\.0\.1:1/6 does not answer as Redis"):
        open_evolution(gone, keys="redis")


def test_an_evolution_1_gets_the_ids_of_an_evolution_2(
    either: Evolution, request: pytest.FixtureRequest, client: redis.Redis, redis_url: str
) -> None:
    either.instance(ONE, "Loja 1")
    either.hash("Loja 1", account(), prefix="old")
    url = request.getfixturevalue("mysql" if "mysql" in request.node.name else "postgresql").url
    source = open_evolution_1_redis(redis_url, prefix="old", map_from_database=url)
    assert read_all(source) == {ONE: account()}
    assert account_of(source, ONE).label == "Loja 1"
