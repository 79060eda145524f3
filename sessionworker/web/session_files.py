"""The leaf of the tree where nearly every request ends: one session file.

Its path is read by `paths`: the tree's router would find the same, in nearly half of the time that a request takes.
"""

from __future__ import annotations

from twisted.internet.defer import Deferred, succeed
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET

from sessionworker.errors import MethodNotAllowed, NoSuchKey, WorkerError
from sessionworker.http.answers import answer, answer_error, answer_when, in_turn, send
from sessionworker.http.request import WorkerRequest
from sessionworker.http.sending import SMALL_ANSWER
from sessionworker.names import CREDS, SessionFile
from sessionworker.offload import Offload
from sessionworker.stores.changes import Batch, Change, Delete, Write
from sessionworker.stores.interface import UNKNOWN
from sessionworker.stores.rules.leases import Lease
from sessionworker.web.bodies import read_data, takes_time
from sessionworker.web.owners import answer_done, owner_of
from sessionworker.web.paths import read_path
from sessionworker.web.watching import host_of

METHODS = "DELETE, GET, HEAD, POST"
LARGE_BODY = 2**20
"""Bytes of a body from which on its value is read, checked and prepared in a thread, beside the commits of others."""


class SessionFiles(Resource):
    """Serves `/session/G/I/K`."""

    isLeaf = True

    def __init__(self, offload: Offload) -> None:
        """Serve the files of the store behind `offload`."""
        super().__init__()
        self._offload = offload

    def render(self, request: WorkerRequest) -> int:
        """Answer at once what memory knows, and the rest when the store has done it."""
        try:
            file = read_path(request.path)
            match request.method:
                case b"GET" | b"HEAD":
                    value = self._offload.recall(file)
                    if value is None or (value is not UNKNOWN and len(value) <= SMALL_ANSWER):
                        send(request, _found(value, request))
                    else:
                        found = in_turn(lambda: self._find(file), request, is_urgent=file.key == CREDS)
                        answer_when(found, _found, request)
                case b"POST":
                    answer_when(self._store(file, request), answer_done, request)
                case b"DELETE":
                    batch = _batch(file, Delete(file.key), owner_of(request), host_of(request))
                    answer_when(self._offload.commit(batch), _removed, request)
                case _:
                    raise MethodNotAllowed(METHODS)
        except WorkerError as error:
            send(request, answer_error(request, error))
        return NOT_DONE_YET

    def _find(self, file: SessionFile) -> Deferred[bytes | None]:
        value = self._offload.recall(file)
        return self._offload.read(file) if value is UNKNOWN else succeed(value)

    def _store(self, file: SessionFile, request: WorkerRequest) -> Deferred[Lease | None]:
        owner, by, body = owner_of(request), host_of(request), request.body
        if not takes_time(body, LARGE_BODY):
            return self._offload.commit(_batch(file, Write(file.key, read_data(body)), owner, by))
        return self._offload.commit_made(
            file.group, file.instance, len(body), lambda: _batch(file, Write(file.key, read_data(body)), owner, by)
        )


def _batch(file: SessionFile, change: Change, owner: str, by: str) -> Batch:
    return Batch(file.group, file.instance, (change,), None, owner, by)


def _found(value: bytes | None, request: WorkerRequest) -> bytes:
    if value is None:
        raise NoSuchKey
    return answer(request, value)


def _removed(_: Lease | None, request: WorkerRequest) -> bytes:
    return answer(request, b"null")
