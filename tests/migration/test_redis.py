"""Accounts come out of Redis as each program has put them there.

The layouts are those that the programs' own code writes; baileys-redis-auth's and fazer-ai's names and values were
compared with it line by line.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from sessionworker.migration.baileys_names import file_name_of
from sessionworker.migration.found import SourceError
from sessionworker.migration.readers.redis_hash import Redis
from sessionworker.migration.sources.evolution_1 import open_evolution_1_redis
from sessionworker.migration.sources.redis_stores import open_baileys_redis_auth, open_fazer_ai, open_unoapi_redis
from sessionworker.migration.sources.whatsapp_api_old import open_whatsapp_api_redis
from tests.migration.examples import account
from tests.migration.reading import Values, in_strings, note_codes, read_all
from tests.migration.servers import PASSWORD, redis_server

pytestmark = pytest.mark.slow

ODD_NAME = "Loja [1]: *São?\\ João"
"""A name with all that means something in a pattern of Redis, and a colon."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with redis_server(tmp_path_factory.mktemp("redis")) as url:
        yield url


@pytest.fixture
def client(server: str) -> Iterator[redis.Redis]:
    """Who writes as the programs do, into an empty database; not the first one."""
    with redis.Redis.from_url(f"{server}/6") as client:
        client.flushall()
        yield client


@pytest.fixture
def url(server: str, client: redis.Redis) -> str:
    return f"{server}/6"


def put(client: redis.Redis, key: str, fields: Values) -> None:
    mapping: dict[Any, Any] = dict(fields)
    client.hset(key, mapping=mapping)


def test_evolution_1_keeps_texts_in_strings(client: redis.Redis, url: str) -> None:
    put(client, f"evolution-cache:instance:{ODD_NAME}", in_strings(account()))
    put(client, "evolution-cache:instance:two", in_strings(account("two")))
    put(client, "evolution-cache:baileys:two", {"creds": b"no instance"})
    client.set("evolution-cache:instance:text", "a string")
    source = open_evolution_1_redis(url)
    assert read_all(source) == {ODD_NAME: account(), "two": account("two")}
    assert note_codes(source, ODD_NAME) == []
    source.close()


def test_a_mapping_is_a_string_in_both_encodings(client: redis.Redis, url: str) -> None:
    put(client, "a:instance:strings", in_strings(account()))
    put(client, "a:texts", account())
    found = read_all(open_evolution_1_redis(url, prefix="a"))
    for values in found.values():
        assert values["lid-mapping-5511888888888"] == b'"223456789012345"'
        assert values["device-list-5511888888888"] == b'["0","12"]'
    assert found == {"strings": account(), "texts": account()}


def test_a_prefix_is_no_pattern(client: redis.Redis, url: str) -> None:
    put(client, "evo[1]*:instance:mine", in_strings(account()))
    put(client, "evo1x:instance:others", in_strings(account()))
    assert list(read_all(open_evolution_1_redis(url, prefix="evo[1]*"))) == ["mine"]
    with pytest.raises(SourceError, match=r"several prefixes: evo1x, evo\[1\]\*\. Say which by --prefix"):
        open_evolution_1_redis(url)


def test_evolution_1_before_1_7_3_keeps_texts(client: redis.Redis, url: str) -> None:
    put(client, "evolution:one", account())
    put(client, "evolution:other", {"field": b"no creds, so no account"})
    put(client, "bare", account("two"))
    assert read_all(open_evolution_1_redis(url)) == {"one": account()}
    bare = read_all(open_evolution_1_redis(url, no_prefix=True))
    assert bare["bare"] == account("two")


def test_an_instance_in_the_layouts_of_both_versions_is_a_question(client: redis.Redis, url: str) -> None:
    put(client, "evolution:one", account())
    put(client, "evolution:instance:one", in_strings(account()))
    source = open_evolution_1_redis(url)
    first, second = source.accounts()
    assert [note.code for note in first.notes] == ["same_name_there"]
    assert (
        second.notes[0].text()
        == "evolution:instance:one would have the same name, one. Only one of them can be imported."
    )


def test_names_become_the_ids_that_evolution_2_knows(client: redis.Redis, url: str) -> None:
    put(client, "e:instance:Loja 1", in_strings(account()))
    put(client, "e:instance:Loja 2", in_strings(account("two")))
    source = open_evolution_1_redis(url, names={"Loja 1": "3f1c9b1e"})
    first, second = source.accounts()
    assert (first.name, first.label, first.notes) == ("3f1c9b1e", "Loja 1", ())
    assert (second.name, [note.code for note in second.notes]) == ("Loja 2", ["no_new_name"])


def test_what_cannot_be_read_is_told(client: redis.Redis, url: str) -> None:
    broken = {"pre-key-7": b'"{', "pre-key-8": b"null", "pre-key-9": b"", "a/../b": b'"7"', "pre-key-10": b'"null"'}
    put(client, "e:instance:one", {**in_strings(account()), **broken})
    client.hset("e:instance:one", b"\xff", b'"7"')
    source = open_evolution_1_redis(url)
    [one] = source.accounts()
    reading = source.read(one)
    assert reading.values == account()
    told = {note.code: note.details["names"] for note in reading.notes}
    assert told == {
        "skipped_empty": "pre-key-9",
        "skipped_name": "a/../b, \N{REPLACEMENT CHARACTER}",
        "skipped_null": "pre-key-10, pre-key-8",
        "skipped_unreadable": "pre-key-7",
    }


def test_creds_that_cannot_be_read_are_there(client: redis.Redis, url: str) -> None:
    put(client, "e:instance:one", {**in_strings(account()), "creds": b'"{\\"noiseKey'})
    assert read_all(open_evolution_1_redis(url))["one"]["creds"] == b""


def test_whatsapp_api_1_3_puts_ids_before_names(client: redis.Redis, url: str) -> None:
    put(client, f"codechat_v1:12:{ODD_NAME}", account())
    put(client, "codechat_v1:cache", {"creds": b"{}"})
    assert read_all(open_whatsapp_api_redis(url, release="1.3.0")) == {ODD_NAME: account()}


def test_whatsapp_api_1_2_does_not(client: redis.Redis, url: str) -> None:
    put(client, "codechat:12:name", account())
    assert read_all(open_whatsapp_api_redis(url, release="1.2.8")) == {"12:name": account()}
    put(client, "bare", account("two"))
    assert read_all(open_whatsapp_api_redis(url, release="1.2", no_prefix=True))["bare"] == account("two")
    with pytest.raises(SourceError, match="--release is one of them"):
        open_whatsapp_api_redis(url, release="2.0")


def test_baileys_redis_auth_calls_its_fields_like_files(client: redis.Redis, url: str) -> None:
    fixed = {file_name_of(key): value for key, value in account().items()}
    put(client, "session:auth", fixed)
    put(client, "bot:auth", {"name": b"no account of Baileys"})
    for key, value in {**fixed, "creds": account("two")["creds"]}.items():
        client.set(f"a:{key}", value)
        client.set(f"a:b:{key}", value)
    client.set("unoapi-auth:5511:creds", b"{}")
    plain = {**account(), "creds": account("two")["creds"]}
    assert read_all(open_baileys_redis_auth(url)) == {"session": account(), "a": plain, "a:b": plain}
    one = open_baileys_redis_auth(url, prefix="a")
    assert list(read_all(one)) == ["a"]
    assert note_codes(one, "a") == []
    with pytest.raises(SourceError, match="There is no prefix none with creds in"):
        open_baileys_redis_auth(url, prefix="none")


def test_a_field_of_an_unknown_type_is_taken_as_it_is_called(client: redis.Redis, url: str) -> None:
    put(client, "session:auth", {"creds": account()["creds"], "new-type-1--2": b"7", "metadata": b"{}"})
    source = open_baileys_redis_auth(url)
    assert set(read_all(source)["session"]) == {"creds", "new-type-1--2"}
    assert note_codes(source, "session") == ["skipped_foreign", "unknown_type"]


def test_fazer_ai_keeps_its_own_fields_beside_the_keys(client: redis.Redis, url: str) -> None:
    fields = {**account(), "metadata": b"{}", "import-candidates": b"[]"}
    put(client, "@baileys-api:connections:+5511999999999:authState", fields)
    put(client, "@baileys-api:connections:+5511999999999:locks", {"creds": b"{}"})
    source = open_fazer_ai(url)
    assert read_all(source) == {"+5511999999999": account()}
    assert note_codes(source, "+5511999999999") == ["skipped_foreign"]


def test_unoapi_keeps_a_string_for_each_key(client: redis.Redis, url: str) -> None:
    for key, value in account().items():
        client.set(f"unoapi-auth:5511999999999:{key}", value, ex=1000)
        client.set(f"unoapi-auth:55119999999990:{key}", value)
    client.set("unoapi-config:5511999999999", b"{}")
    assert read_all(open_unoapi_redis(url)) == {"5511999999999": account(), "55119999999990": account()}


def test_the_number_of_the_database_is_that_of_the_url(client: redis.Redis, server: str, url: str) -> None:
    put(client, "evolution:instance:one", in_strings(account()))
    assert list(read_all(open_evolution_1_redis(url))) == ["one"]
    with pytest.raises(SourceError, match=r"There is no hash \*:instance:\*.* in redis://127\.0\.0\.1:\d+/0"):
        open_evolution_1_redis(f"{server}/0")
    with pytest.raises(SourceError, match="names no database of Redis: those have numbers"):
        Redis(f"{server}/six")


def test_nothing_is_changed(client: redis.Redis, url: str) -> None:
    put(client, "evolution:instance:one", in_strings(account()))
    before = client.info("commandstats")
    client.config_resetstat()
    read_all(open_evolution_1_redis(url))
    used = {name.removeprefix("cmdstat_") for name in client.info("commandstats")}
    assert before
    assert used <= {
        "auth",
        "hello",
        "client|setinfo",
        "select",
        "ping",
        "scan",
        "type",
        "hget",
        "hgetall",
        "config|resetstat",
        "info",
    }


def test_what_is_wrong_with_a_server_is_told_without_the_password(server: str, tmp_path: Path) -> None:
    for wrong in (server.replace("default:", "default:x"), "redis://:secret@127.0.0.1:1/0"):
        with pytest.raises(
            SourceError, match=r"redis://127\.0\.0\.1:\d+/ does not answer as Redis|:1/0 does not answer"
        ):
            Redis(wrong)
    for unreadable in (f"redis://default:{PASSWORD}@127.0.0.1/0", "http://a:secret@b", "redis://a:secret@b:port/0"):
        with pytest.raises(SourceError, match="The URL of Redis cannot be read") as error:
            Redis(unreadable)
        assert "secret" not in str(error.value)
        assert PASSWORD not in str(error.value)
