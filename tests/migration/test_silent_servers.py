"""A server that goes silent is given up with a sentence; that it does in the middle of an answer, or before any."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Any

import bson
import pytest
import redis

from sessionworker.migration.found import SourceError
from sessionworker.migration.readers import redis_hash, servers
from sessionworker.migration.readers.mongo import open_mongo
from sessionworker.migration.readers.redis_hash import Redis
from sessionworker.migration.readers.sql import open_database
from tests.migration.filled import Filled

pytestmark = pytest.mark.slow

LONG = 20
"""Seconds for which a server is silent."""


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(servers, "READ_SECONDS", 0.5)


def test_a_postgresql_that_does_not_end_a_statement(postgresql: Filled) -> None:
    with pytest.raises(SourceError, match=r"does not answer: it took more than 0\.5 s\.$"):
        ask(postgresql, f"SELECT pg_sleep({LONG})")


def test_a_mysql_that_does_not_end_a_statement(mysql: Filled) -> None:
    with pytest.raises(SourceError, match=r"does not answer: .*timed out"):
        ask(mysql, f"SELECT SLEEP({LONG})")


def test_a_statement_that_is_answered_in_time_has_all_of_its_own(postgresql: Filled, mysql: Filled) -> None:
    for database, sleep in ((postgresql, "pg_sleep"), (mysql, "SLEEP")):
        opened = open_database(database.url)
        for _ in range(3):
            opened.rows(f"SELECT {sleep}(0.2)")
        opened.close()


def ask(database: Filled, sql: str) -> None:
    opened = open_database(database.url)
    try:
        opened.rows(sql)
    finally:
        opened.close()


def test_a_redis_that_says_nothing(client: redis.Redis, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redis_hash, "SECONDS", 0.5)
    opened = Redis(redis_url)
    client.client_pause(2000)  # which holds back its own end, too
    with pytest.raises(SourceError, match="does not answer as Redis: Timeout"):
        opened.hash("any")
    opened.close()


@contextmanager
def mongo() -> Iterator[str]:
    """Greet as MongoDB does, and answer no question."""
    greeting = {"ok": 1.0, "ismaster": True, "maxWireVersion": 21, "minWireVersion": 0, "readOnly": False}

    def talk(connection: socket.socket) -> None:
        with connection:
            while head := connection.recv(16, socket.MSG_WAITALL):
                length, number, _, kind = struct.unpack("<iiii", head)
                asked = connection.recv(length - 16, socket.MSG_WAITALL)
                answer: Any = bson.encode(greeting)
                if kind == OP_QUERY:
                    body = struct.pack("<iqii", 0, 0, 0, 1) + answer
                elif b"hello" in asked or b"ismaster" in asked:
                    body = struct.pack("<iB", 0, 0) + answer
                else:
                    continue
                code = OP_REPLY if kind == OP_QUERY else OP_MSG
                connection.sendall(struct.pack("<iiii", 16 + len(body), 1, number, code) + body)

    def serve() -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            Thread(target=talk, args=(connection,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        Thread(target=serve, daemon=True).start()
        yield f"mongodb://127.0.0.1:{listening.getsockname()[1]}/"
        listening.shutdown(socket.SHUT_RDWR)


OP_REPLY, OP_QUERY, OP_MSG = 1, 2004, 2013


def test_a_mongodb_that_says_nothing() -> None:
    with mongo() as url:
        opened = open_mongo(url)
        with pytest.raises(SourceError, match=r"does not answer as MongoDB: .*timed out"):
            opened.databases()
        opened.close()
