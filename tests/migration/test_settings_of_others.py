"""The settings of other programs are read as they read them, and say where accounts lie."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessionworker.migration.found import SourceError
from sessionworker.migration.readers import servers
from sessionworker.migration.readers.env_file import read_env_file, settings_in
from sessionworker.migration.readers.redis_hash import escaped
from sessionworker.migration.readers.servers import driver, place_of
from sessionworker.migration.sources.evolution_creds import Creds, choose, creds_of
from sessionworker.migration.sources.evolution_settings import Settings, settings_of
from tests.migration.examples import paired_creds, text_of, unpaired_creds
from tests.migration.reading import in_strings

URL = "postgresql://u:p@host/evolution"

NAMES = st.from_regex(r"[A-Z][A-Z0-9_]{0,9}", fullmatch=True)
PLAIN = st.text("aZ0=:/\\$@é{}%,;", max_size=20)


@given(st.dictionaries(NAMES, PLAIN))
def test_what_is_written_is_read(settings: dict[str, str]) -> None:
    assert settings_in("".join(f"{name}={value}\n" for name, value in settings.items())) == settings
    assert (
        settings_in("".join(f" export {name} = '{value}' # {value}\r\n" for name, value in settings.items()))
        == settings
    )


@given(st.text())
def test_any_text_can_be_read(text: str) -> None:
    settings_in(text)


def test_quotes_and_comments_are_those_of_dotenv() -> None:
    text = '# A=1\nA="a\\nb#c" # d\nB=`it\'s "b"`\nC=c#d\nD=\nE\nF: f\nG=${A}\nH=\'x\ny\'\n=z\nA.B-C=1'
    assert settings_in(text) == {
        "A": "a\nb#c", "B": "it's \"b\"", "C": "c", "D": "", "F": "f", "G": "${A}", "H": "x\ny", "A.B-C": "1",
    }  # fmt: skip


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"none cannot be read: No such file"):
        read_env_file(tmp_path / "none")


@given(st.text(st.characters(codec="ascii", exclude_categories=["C"]), min_size=1).filter(lambda text: text.strip()))
def test_no_url_that_cannot_be_read_is_shown(password: str) -> None:
    said = []
    try:
        place = place_of(f"redis://me:MARK{password}MARK@host:1/0", ("redis",), "Redis")
    except SourceError as error:
        said += [str(error)]
    else:
        said += [place.shown, str(place.failure("fails", f"driver: {place.password}"))]
    assert "MARK" not in "".join(said)


@pytest.mark.parametrize("mark", "/?#")
def test_a_password_that_looks_like_a_port_is_not_taken_for_one(mark: str) -> None:
    with pytest.raises(SourceError, match="The URL of Redis cannot be read") as error:
        place_of(f"redis://me:1234{mark}rest@host/0", ("redis",), "Redis")
    assert "1234" not in str(error.value)


@pytest.mark.parametrize("mark", ["@/", "@x/", "@x?", "@x:1/"])
def test_what_stands_behind_an_at_in_a_password_is_taken_for_no_host_and_no_path(mark: str) -> None:
    with pytest.raises(SourceError, match="The URL of Redis cannot be read") as error:
        place_of(f"redis://me:MARK{mark}MARK@host:1/0", ("redis",), "Redis")
    assert "MARK" not in str(error.value)


def test_a_password_with_spaces_is_not_shown() -> None:
    place = place_of("redis://me:a%20%20b@host/0", ("redis",), "Redis")
    assert str(place.failure("fails", "wrong password: a  b")) == "redis://host/0 fails."


def test_a_place_is_shown_without_who_asks_there() -> None:
    place = place_of(" postgresql://me:p%40ss@[::1]:5433/my%20base?schema=a ", ("postgresql",), "a database")
    assert place.shown == "postgresql://[::1]:5433/my base"
    assert (place.user, place.password, place.port, place.options) == ("me", "p@ss", 5433, {"schema": "a"})
    assert str(place.failure("fails", "a\n  b.")) == "postgresql://[::1]:5433/my base fails: a b."


def test_a_library_that_is_not_installed_is_told() -> None:
    with pytest.raises(SourceError, match=r"pip install 'sessionworker\[migrate\]'"):
        driver("no_such_library", "Redis")
    assert driver("json", "JSON") is servers.driver("json", "JSON")


@pytest.mark.parametrize(("text", "pattern"), [("a:b", "a:b"), ("[a]*?\\", "\\[a\\]\\*\\?\\\\")])
def test_what_means_something_in_a_pattern_is_escaped(text: str, pattern: str) -> None:
    assert escaped(text) == pattern


def installation(**env: str) -> Settings:
    return settings_of({"DATABASE_CONNECTION_URI": URL, "CACHE_REDIS_URI": "redis://r/6", **env}, Path("/nowhere"))


def test_the_rules_of_evolution_2() -> None:
    prisma = installation(DATABASE_SAVE_DATA_INSTANCE="true", CACHE_REDIS_ENABLED="true")
    assert (prisma.creds_in_redis, prisma.keys, prisma.prefix) == (False, "redis", "evolution-cache")
    saved = installation(CACHE_REDIS_ENABLED="true", CACHE_REDIS_SAVE_INSTANCES="true")
    assert (saved.creds_in_redis, saved.keys) == (True, "redis")
    with pytest.raises(SourceError, match="/nowhere/instances is no folder: give it by --instances"):
        installation(DATABASE_SAVE_DATA_INSTANCE="true", CACHE_REDIS_SAVE_INSTANCES="true")
    with pytest.raises(SourceError, match=r"in a worker \(PROVIDER_ENABLED=true\)"):
        installation(PROVIDER_ENABLED="true", DATABASE_SAVE_DATA_INSTANCE="true")
    for no in ("false", "TRUE", "1"):
        with pytest.raises(SourceError, match="keeps no accounts"):
            installation(DATABASE_SAVE_DATA_INSTANCE=no)


def test_what_an_operator_gives_goes_over_the_settings(tmp_path: Path) -> None:
    env = {"PROVIDER_ENABLED": "true", "DATABASE_CONNECTION_URI": "postgresql://a/b", "CACHE_REDIS_URI": "redis://a"}
    found = settings_of(
        env, None, database=URL, redis="redis://b", prefix="p", client_name="c", instances=tmp_path, keys="redis"
    )
    assert found == Settings(URL, "redis://b", "p", "c", tmp_path, creds_in_redis=False, keys="redis", is_sure=True)


def test_what_is_missing_is_asked_for() -> None:
    for options, said in (
        ({}, "Its database is not named"),
        ({"database": URL}, "It is not named: give it by --instances"),
        ({"database": URL, "keys": "redis"}, "Its Redis is not named"),
        ({"database": URL, "keys": "elsewhere"}, "--keys is one of redis, files, nowhere"),
        ({"database": "mongodb://host"}, "settings of an Evolution 1.x"),
    ):
        with pytest.raises(SourceError, match=said):
            settings_of(None, None, **options)  # type: ignore[arg-type]


def creds(place: str, document: dict[str, object]) -> Creds:
    found = creds_of(place, in_strings({"creds": text_of(document)})["creds"])
    assert found is not None
    return found


def test_a_new_pairing_is_not_lost_for_an_unpaired_one() -> None:
    paired, unpaired = creds("a", paired_creds()), creds("b", unpaired_creds("two"))
    assert choose(paired, unpaired) == choose(paired, None)
    asked = choose(unpaired, paired)
    assert asked.creds == paired
    assert [note.code for note in asked.notes] == ["creds_of_two_accounts"]
    assert choose(None, None).creds is None


@pytest.mark.parametrize("value", [None, b"", b" ", b"null", b'"null"'])
def test_no_creds_are_none(value: bytes | None) -> None:
    assert creds_of("a", value) is None


@given(st.integers(0, 5), st.integers(0, 5), st.integers(0, 5), st.integers(0, 5))
def test_of_one_pairing_no_newer_creds_are_left(first: int, second: int, third: int, fourth: int) -> None:
    used = creds("a", paired_creds(nextPreKeyId=first, accountSyncCounter=second))
    other = creds("b", paired_creds(nextPreKeyId=third, accountSyncCounter=fourth))
    taken = choose(used, other).creds
    assert taken is not None
    assert taken.age == max(used.age, other.age)
    assert taken is used or other.age > used.age
