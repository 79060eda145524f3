"""What stands in for a MongoDB where real drivers ask: as much of its protocol as they need for documents by their ids.

No MongoDB is to be had for these tests. Of Node's driver it learns databases, collections and documents, and keeps each
as it came, in BSON's own numbers; Python's reads them.
"""

from __future__ import annotations

import struct
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from socketserver import StreamRequestHandler, ThreadingTCPServer
from threading import Thread
from typing import Any

import bson

HEADER = struct.Struct("<iiii")
OLD_REPLY, OLD_QUERY, MESSAGE = 1, 2004, 2013

HELLO = {
    "isWritablePrimary": True,
    "ismaster": True,
    "maxBsonObjectSize": 16 * 2**20,
    "maxMessageSizeBytes": 48_000_000,
    "maxWriteBatchSize": 100_000,
    "minWireVersion": 0,
    "maxWireVersion": 17,
}
"""A server of its own, of version 6, without sessions."""

Document = dict[str, Any]
Command = Mapping[str, Any]


class MongoStandIn(ThreadingTCPServer):
    """A server without users, whose documents are in memory."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Connection)
        self._databases: defaultdict[str, defaultdict[str, dict[str, Document]]] = defaultdict(
            lambda: defaultdict(dict)
        )

    @property
    def url(self) -> str:
        return f"mongodb://127.0.0.1:{self.server_address[1]}/"

    def forget(self) -> None:
        """Remove all databases."""
        self._databases.clear()

    def answer(self, command: Command) -> Document:
        """Do what a command says."""
        name, value = next(iter(command.items()))
        known: dict[str, Callable[[str, str, Command], Document]] = {
            "find": self._find,
            "update": self._update,
            "delete": self._delete,
            "listDatabases": self._databases_there,
            "listCollections": self._collections_there,
            **dict.fromkeys(("hello", "ismaster", "isMaster"), lambda *_: HELLO),
            **dict.fromkeys(("ping", "endSessions"), lambda *_: {}),
        }
        if name not in known:
            return {"ok": 0, "code": 59, "errmsg": f"no such command: '{name}'"}
        return {"ok": 1, **known[name](command.get("$db", "admin"), value, command)}

    def _find(self, database: str, collection: str, command: Command) -> Document:
        documents = self._databases[database][collection]
        wanted = command.get("filter", {})
        assert wanted.keys() <= {"_id"}
        found = [one for id_, one in documents.items() if not wanted or id_ == wanted["_id"]]
        return _batch(database, collection, found)

    def _update(self, database: str, collection: str, command: Command) -> Document:
        for one in command["updates"]:
            assert one["upsert"]
            assert one["q"].keys() == {"_id"}
            id_ = one["q"]["_id"]
            self._databases[database][collection][id_] = {**one["u"], "_id": id_}
        return {"n": len(command["updates"]), "nModified": 0}

    def _delete(self, database: str, collection: str, command: Command) -> Document:
        documents = self._databases[database][collection]
        return {"n": sum(documents.pop(one["q"]["_id"], None) is not None for one in command["deletes"])}

    def _databases_there(self, *_: object) -> Document:
        return {"databases": [{"name": name} for name, collections in self._databases.items() if any(collections)]}

    def _collections_there(self, database: str, *_: object) -> Document:
        return _batch(database, "$cmd.listCollections", [{"name": name} for name in self._databases[database]])


class _Connection(StreamRequestHandler):
    server: MongoStandIn

    def handle(self) -> None:
        with suppress(ConnectionError):  # a driver that ends takes no leave
            self._answer_all()

    def _answer_all(self) -> None:
        while head := self.rfile.read(HEADER.size):
            length, number, _, kind = HEADER.unpack(head)
            body = self.rfile.read(length - HEADER.size)
            if kind == OLD_QUERY:  # the first word of each connection
                answer = self.server.answer(bson.decode(body[body.index(b"\0", 4) + 9 :]))
                self._send(number, OLD_REPLY, struct.pack("<iqii", 8, 0, 0, 1), answer)
            else:
                assert kind == MESSAGE
                answer = self.server.answer(bson.decode(body[5:]))
                self._send(number, MESSAGE, bytes(5), answer)

    def _send(self, number: int, kind: int, before: bytes, answer: Document) -> None:
        body = before + bson.encode(answer)
        self.wfile.write(HEADER.pack(HEADER.size + len(body), 0, number, kind) + body)


def _batch(database: str, collection: str, documents: list[Document]) -> Document:
    return {"cursor": {"id": bson.Int64(0), "ns": f"{database}.{collection}", "firstBatch": documents}}


@contextmanager
def mongo_standing_in() -> Iterator[MongoStandIn]:
    """Run one."""
    with MongoStandIn() as server:
        thread = Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
