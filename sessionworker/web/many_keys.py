"""Many keys of an instance in one request: `POST /session/G/I`. See docs/protocol.md, "Many keys at once"."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import count
from typing import Any, TypeAlias

import msgspec
from twisted.internet.defer import Deferred, succeed
from twisted.python.failure import Failure
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET

from sessionworker.errors import WorkerError
from sessionworker.http.answers import answer, answer_error, answer_when, in_turn, send
from sessionworker.http.ports import Answerable
from sessionworker.http.request import WorkerRequest
from sessionworker.names import CREDS, SessionFile
from sessionworker.offload import Offload
from sessionworker.stores.changes import Batch, Change, Existing
from sessionworker.stores.interface import UNKNOWN
from sessionworker.stores.rules.leases import Lease
from sessionworker.web.bodies import takes_time
from sessionworker.web.many_bodies import Keys, Names, Question, Whole, read_many
from sessionworker.web.one_at_a_time import OneAtATime
from sessionworker.web.owners import answer_done, given_owners, read_owner
from sessionworker.web.paths import read_place
from sessionworker.web.watching import host_of
from sessionworker.wire import MOST_KEYS, NamesForm

_Answered: TypeAlias = Deferred[bytes | Lease | None]
"""A body that answers, or what the owner of changes is told."""

_Made: TypeAlias = Callable[[tuple[Change, ...]], Batch]

_Read: TypeAlias = Callable[[Question], Deferred[bytes]]

LARGE_BODY = 2**16
"""Bytes of a body from which on it is read in a thread, beside everything else."""

MOST_BYTES_OF_ALL = 256 * 2**20
"""Bytes of an instance that is read whole, at most: so much is in memory, and up to three times while the
answer is made, of one at a time."""

_encode = msgspec.json.Encoder().encode


class _Reads(Exception):
    """A large body turned out to change nothing."""

    def __init__(self, asked: Question) -> None:
        super().__init__()
        self.asked = asked


class ManyKeys(Resource):
    """Serves POST of `/session/G/I`. The other methods are the tree's."""

    isLeaf = True

    def __init__(self, offload: Offload, count: Callable[[str, int], None], body_size: int) -> None:
        """Serve the store behind `offload`; the values of one answer have about `body_size` bytes at most.

        `count` is told how many keys were "read" or "changed" by each request.
        """
        super().__init__()
        self._offload = offload
        self._count = count
        self._body_size = body_size
        self._large_reads = OneAtATime()

    def render(self, request: WorkerRequest) -> int:
        """Make the changes of a request, or answer what it asks for."""
        try:
            group, instance = read_place(request.path)
            body = request.body
            made = partial(self._batch, group, instance, given_owners(request), host_of(request))
            read = partial(self._read, request, group, instance)
            is_slow = takes_time(body, LARGE_BODY)
            take = partial(self._take_large, group, instance) if is_slow else self._take_small
            answer_when(take(body, made, read), _prepare, request)
        except WorkerError as error:
            send(request, answer_error(request, error))
        return NOT_DONE_YET

    def _take_small(self, body: bytes, batch: _Made, read: _Read) -> _Answered:
        asked = read_many(body)
        if isinstance(asked, Question):
            return read(asked)  # type: ignore[return-value]  # of one of these
        return self._offload.commit(batch(asked))  # type: ignore[return-value]  # of one of these

    def _take_large(self, group: str, instance: str, body: bytes, batch: _Made, read: _Read) -> _Answered:
        """Read a body in a thread, as if it held changes: what comes later for the instance waits for them."""

        def make() -> Batch:
            asked = read_many(body)
            if isinstance(asked, Question):
                raise _Reads(asked)
            return batch(asked)

        def read_instead(failure: Failure) -> Any:
            if not failure.check(_Reads):
                return failure  # `trap` would raise it from here, and so it would keep itself, and the body
            return read(failure.value.asked)  # type: ignore[union-attr]  # one of these

        done: _Answered = self._offload.commit_made(group, instance, len(body), make)  # type: ignore[assignment]
        return done.addErrback(read_instead)

    def _batch(
        self, group: str, instance: str, owners: list[bytes] | None, by: str, changes: tuple[Change, ...]
    ) -> Batch:
        owner = read_owner(owners)  # not before it is known that something is to be changed
        self._count("changed", len(changes))
        return Batch(group, instance, changes, Existing(), owner, by)

    def _read(self, request: WorkerRequest, group: str, instance: str, asked: Question) -> Deferred[bytes]:
        if isinstance(asked, Names):
            return in_turn(lambda: self._offload.ask(self._names, group, instance, asked), request)
        if isinstance(asked, Whole):
            whole = partial(self._whole, request, group, instance)
            ask = partial(self._offload.ask_in_turn, group, instance, whole)
            times = count()  # from the second one on it has room, for which others wait
            read = partial(self._large_reads.read, ask, lambda: not _has_gone(request))
            return in_turn(lambda: read(is_next=next(times) > 0), request)
        self._count("read", len(asked.keys))
        return in_turn(lambda: self._find(group, instance, asked), request, is_urgent=CREDS in asked.keys)

    def _find(self, group: str, instance: str, asked: Keys) -> Deferred[bytes]:
        """Find what keys hold, and make the answer's body of it, both in a thread."""
        if len(asked.keys) == 1:  # most reads of a conversation: what memory knows of one key needs no thread
            [key] = asked.keys
            value = self._offload.recall(SessionFile(group, instance, key))
            if value is not UNKNOWN:
                return succeed(values_form(asked.keys, {key: value}))
        read = partial(self._offload.store.read_many, group, instance, asked.keys, self._body_size)
        return self._offload.read_many(asked.keys, lambda: values_form(asked.keys, read()))

    def _names(self, group: str, instance: str, asked: Names) -> bytes:
        most = MOST_KEYS + 1  # one more tells whether there are more
        found = self._offload.store.names(group, instance, beginning=asked.beginning, after=asked.after, most=most)
        return _encode(NamesForm(found[:MOST_KEYS], more=len(found) == most))

    def _whole(self, request: WorkerRequest, group: str, instance: str) -> bytes:
        found = self._offload.store.whole(group, instance, MOST_BYTES_OF_ALL)
        return b"" if _has_gone(request) else texts_form(*found)


def _has_gone(request: Answerable) -> bool:
    return request.channel is None


def _prepare(done: bytes | Lease | None, request: WorkerRequest) -> bytes:
    return answer(request, done) if isinstance(done, bytes) else answer_done(done, request)


def values_form(keys: Sequence[str], values: Mapping[str, bytes | None]) -> bytes:
    """Return `{"values": ...}` with the texts that the first keys hold; those without a value are listed as `left`."""
    parts: list[bytes] = []
    for key, value in values.items():
        parts += b",", _encode(key), b":", value or b"null"
    left = keys[len(values) :]
    end = b',"left":%b}' % _encode(left) if left else b"}"
    return b"".join((b'{"values":{', *parts[1:], b"}", end))  # at once: in steps it would be in memory several times


def texts_form(values: dict[str, bytes], broken: int = 0) -> bytes:
    """Return `{"texts": ...}` with all that an instance holds, and how many values are broken, if any is.

    `values` is empty then, so that nothing is there twice.

    It is put together at once: in steps it would be in memory several times, and each holds up all other threads.
    """
    parts: list[bytes] = []
    for key in [*values]:
        parts += b",", _encode(key), b":", _encode(values.pop(key).decode())
    end = b'},"broken":%d}' % broken if broken else b"}}"
    return b"".join((b'{"texts":{', *parts[1:], end))
