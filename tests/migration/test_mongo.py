"""Accounts come out of MongoDB as Evolution 1.x and whatsapp-api 1.2 have put them there.

No MongoDB is run: mongomock stands in for the server, and is no more than what its authors know of one.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mongomock
import pymongo
import pytest

from sessionworker.migration.baileys_names import file_name_of
from sessionworker.migration.found import SourceError
from sessionworker.migration.readers.mongo import open_mongo
from sessionworker.migration.sources.evolution_1 import open_evolution_1_mongo
from sessionworker.migration.sources.whatsapp_api_old import open_whatsapp_api_mongo
from tests.migration.examples import account, keys_of, paired_creds
from tests.migration.reading import all_closed, note_codes, read_all

URL = "mongodb://root:secret@host-a:27017,host-b:27018/?authSource=admin"


@pytest.fixture(autouse=True)
def closed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with all_closed(monkeypatch):
        yield


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Any:
    store: Any = mongomock.MongoClient()
    monkeypatch.setattr(pymongo, "MongoClient", lambda *_, **__: store)
    return store


def as_bson(value: Any) -> Any:
    """What Node's driver makes of numbers above 2**31."""
    if isinstance(value, int) and abs(value) > 2**31:
        return float(value)
    if isinstance(value, dict):
        return {name: as_bson(one) for name, one in value.items()}
    return value


def put(client: Any, name: str, documents: dict[str, Any], database: str = "evolution-instances") -> None:
    collection = client[database][name]
    for key, value in documents.items():
        if not isinstance(value, str):  # MongoDB refuses a text, and Evolution does not say so
            content = {"content_array": value} if isinstance(value, list) else as_bson(value)
            collection.insert_one({"_id": key, **content})


def without_texts(values: dict[str, bytes]) -> dict[str, bytes]:
    return {key: value for key, value in values.items() if not value.startswith(b'"')}


def test_all_keys_are_in_mongodb(client: Any) -> None:
    session = {"_sessions": {"BQ": {"created": 1700000000000, "used": 1.5}}, "version": "v1"}
    put(client, "Loja 1: São", {"creds": paired_creds(), **keys_of(), "session-1.0": session})
    put(client, "Loja 1: São", {"integration": {"integration": "WHATSAPP-BAILEYS"}})
    put(client, "cloud", {"integration": {"integration": "WHATSAPP-BUSINESS"}})
    client["evolution"]["others"].insert_one({"_id": "creds"})
    source = open_evolution_1_mongo(URL)
    text = b'{"_sessions":{"BQ":{"created":1700000000000,"used":1.5}},"version":"v1"}'
    assert read_all(source) == {"Loja 1: São": {**without_texts(account()), "session-1.0": text}}
    assert note_codes(source, "Loja 1: São") == ["skipped_foreign"]
    assert source.shown == "mongodb://host-a:27017/ (evolution-instances)"


def test_keys_in_files_are_newer_than_those_in_mongodb(client: Any, tmp_path: Path) -> None:
    put(client, "one", {"creds": paired_creds(), "pre-key-1": {"old": True}, "pre-key-99": {"old": True}})
    put(client, "two", {"creds": paired_creds("two")})
    (tmp_path / "one").mkdir()
    for key, value in account().items():
        (tmp_path / "one" / f"{file_name_of(key)}.json").write_bytes(b"{}" if key == "creds" else value)
    source = open_evolution_1_mongo(URL, instances=tmp_path, names={"one": "id-1", "two": "id-2"})
    found = read_all(source)
    assert found == {"id-1": account(), "id-2": {"creds": account("two")["creds"]}}
    assert note_codes(source, "id-1") == ["old_documents_left"]
    assert note_codes(source, "id-2") == ["keys_in_files"]
    with pytest.raises(SourceError, match="is no folder"):
        open_evolution_1_mongo(URL, instances=tmp_path / "none")


def test_whatsapp_api_has_a_database_of_another_name(client: Any) -> None:
    put(client, "one", {"creds": paired_creds(), "pre-key-1": keys_of()["pre-key-1"]}, "codechat-instances")
    put(client, "two", {"creds": paired_creds("two")})
    with pytest.raises(SourceError, match="several databases of instances: codechat-instances, evolution-instances"):
        open_whatsapp_api_mongo(URL)
    source = open_whatsapp_api_mongo(URL, database="codechat-instances")
    assert read_all(source) == {"one": {key: account()[key] for key in ("creds", "pre-key-1")}}
    with pytest.raises(SourceError, match="No collection of the database none"):
        open_whatsapp_api_mongo(URL, database="none")


def test_nothing_there_is_told(client: Any) -> None:
    with pytest.raises(SourceError, match=r"No database in mongodb://host-a:27017/ has a name that ends in -instances"):
        open_evolution_1_mongo(URL)


def test_what_is_no_json_is_told(client: Any) -> None:
    put(client, "one", {"creds": paired_creds(), "pre-key-1": {"private": b"bytes"}, "pre-key-2": {"a": float("nan")}})
    source = open_evolution_1_mongo(URL)
    assert set(read_all(source)["one"]) == {"creds"}
    assert "skipped_unreadable" in note_codes(source, "one")


def test_a_url_that_is_wrong_is_told_without_the_password() -> None:
    for wrong in ("mongodb+srv://me:secret@host:1/", "mongodb://me:sec/ret@host", "http://me:secret@host"):
        with pytest.raises(SourceError) as error:
            open_mongo(wrong)
        assert "ret" not in str(error.value)
