"""Conversations as odd as they come: on a connection whose heads are remembered they go as on a fresh one."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from itertools import chain, groupby
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from twisted.web.http_headers import Headers

from sessionworker.http.heads import Head, KnownHeaders
from sessionworker.http.request import WorkerRequest
from sessionworker.names import SessionFile
from tests.conversations.heads import INSTANCE, KEYS, WRONG_TOKEN
from tests.conversations.talks import ENDS_SENDING, HANGS_UP_AT_ONCE, Talk, conversations, heads_near
from tests.memory import Worker, request
from tests.server import TOKEN
from tests.tools import show_figure

OF_THE_BACKGROUND = ("checkpoint", "drops before")
"""What a store is not asked by a request."""

VALUES = {key: b'{"first": 1}' if key == "creds" else None for key in KEYS}
BEGINNING = ["codechat"], {"sales": VALUES}
"""What the store holds when a conversation begins."""

Cut = Callable[[Talk], list[bytes]]


class Forgetful(KnownHeaders):
    """Remembers nothing, so each request is read line by line."""

    def add(self, head: Head, headers: Headers, *, is_strange: bool) -> None:
        """Do nothing."""


class Outcome(NamedTuple):
    """What came of a conversation."""

    answers: list[list[bytes]]
    """On each connection."""
    are_closed: list[bool]
    asked: list[object]
    """Of the store, in its order."""
    state: object
    """What the store holds afterwards."""


class Trials:
    """A worker with which conversations are held, each from the same beginning."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self._begin()

    def remember(self, talks: list[Talk]) -> KnownHeaders:
        """Let each request come by itself, and the heads near its own: what can be remembered of them is."""
        requests = {data for talk in talks for data in talk.requests}
        known = self._worker.site.known_headers = KnownHeaders(b"apikey")
        for data in sorted(requests) + sorted({head for one in requests for head in heads_near(one)}):
            connection = self._worker.connect()
            connection.send(data)
            connection.close()
        return known

    def hold(
        self, talks: list[Talk], known: KnownHeaders, cut: Cut, *, waits: bool = False, is_used: bool = False
    ) -> Outcome:
        """Hold a conversation.

        `cut` is how the bytes come, `waits` whether the answers to each piece are awaited, and `is_used` whether
        something innocent was asked on each connection before.
        """
        worker = self._worker
        self._begin()
        worker.site.known_headers = known
        asked: list[object] = []
        answers, are_closed = [], []
        for talk in talks:
            connection = worker.connect()
            if is_used:
                connection.send(request("GET", f"{INSTANCE}/creds"))
                worker.settle()
            before = len(connection.transport.received)
            worker.store.calls.clear()
            is_patient = talk.ending != HANGS_UP_AT_ONCE
            for piece in cut(talk):
                connection.send(piece)
                if waits and is_patient:
                    worker.settle()
            if talk.ending == ENDS_SENDING:
                connection.end_sending()
            if is_patient:
                worker.settle()
            answers.append(split(bytes(connection.transport.received[before:]), talk))
            are_closed.append(not connection.is_open)
            connection.close()
            self._finish()
            asked += [call for call, _ in groupby(worker.store.calls) if call not in OF_THE_BACKGROUND]
        return Outcome(answers, are_closed, asked, self._state())

    def _begin(self) -> None:
        """Put the store into the state in which each conversation begins."""
        if self._state() == BEGINNING:
            return
        self._worker.site.known_headers = Forgetful(b"apikey")
        self._worker.ask("DELETE", "/session/codechat/other")
        self._worker.ask("POST", "/session/codechat", {"instance": "sales"})
        for key, value in VALUES.items():
            if self._read("sales", key) != value:
                path = f"{INSTANCE}/{key}"
                self._worker.ask("DELETE", path) if value is None else self._worker.ask(
                    "POST", path, {"data": value.decode()}
                )
        assert self._state() == BEGINNING

    def _finish(self) -> None:
        """Let the store do what clients asked for that hung up."""
        while self._worker.offload.under_way:
            self._worker.reactor.run_one_call()

    def _state(self) -> object:
        self._finish()
        store = self._worker.store
        names = store.instances("codechat") if store.groups() else []
        return store.groups(), {name: {key: self._read(name, key) for key in VALUES} for name in names}

    def _read(self, instance: str, key: str) -> bytes | None:
        return self._worker.store.read(SessionFile("codechat", instance, key))


def split(received: bytes, talk: Talk) -> list[bytes]:
    """The answers in what was received."""
    if talk.ending == ENDS_SENDING:  # of which the worker may hear before an answer or after it
        received = received.replace(b"Connection: close\r\n", b"")
    return re.findall(rb"HTTP/1\.[01] \d.*?(?=HTTP/1\.[01] \d|\Z)", received, re.DOTALL)


def is_success(answer: bytes) -> bool:
    """Whether an answer is one that needs the token."""
    return answer.startswith((b"HTTP/1.1 2", b"HTTP/1.0 2")) and not answer.endswith(b"\r\n\r\npong")


def by_a_stranger(talk: Talk) -> Talk:
    """The same, with a wrong token wherever the right one is."""
    return replace(talk, requests=tuple(one.replace(TOKEN.encode(), WRONG_TOKEN.encode()) for one in talk.requests))


@pytest.fixture
def taken_whole(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The paths of the requests that took the shorter way."""
    paths: list[bytes] = []
    receive = WorkerRequest.receive

    def note_path(taken: WorkerRequest, method: bytes, path: bytes, body: bytes) -> None:
        paths.append(path)
        receive(taken, method, path, body)

    monkeypatch.setattr(WorkerRequest, "receive", note_path)
    return paths


def test_a_conversation_goes_the_same_way_where_its_heads_are_remembered(
    tmp_path: Path, full: bool, monkeypatch: pytest.MonkeyPatch, taken_whole: list[bytes]
) -> None:
    figures: Counter[str] = Counter()

    @settings(max_examples=5000 if full else 150, suppress_health_check=list(HealthCheck), deadline=None)
    @given(conversations())
    def hold_everywhere(talks: list[Talk]) -> None:
        known = trials.remember(talks)
        taken_whole.clear()
        fresh = trials.hold(talks, Forgetful(b"apikey"), Talk.one_by_one, waits=True)
        assert taken_whole == []
        assert trials.hold(talks, KnownHeaders(b"apikey"), Talk.whole) == fresh
        assert trials.hold(talks, known, Talk.whole, is_used=True) == fresh
        assert trials.hold(talks, known, Talk.in_pieces) == fresh
        taken_whole.clear()
        assert trials.hold(talks, known, Talk.one_by_one, waits=True) == fresh
        figures["whole"] += len(taken_whole)
        strangers = trials.hold([by_a_stranger(talk) for talk in talks], known, Talk.whole)
        assert strangers.asked == []
        assert [answer for answer in chain(*strangers.answers) if is_success(answer)] == []
        assert worker.failures == []
        assert [line for line in worker.log if "Traceback" in line] == []
        worker.log.clear()
        figures["conversations"] += 1
        figures["requests"] += sum(len(talk.one_by_one()) for talk in talks)
        figures["answers"] += len(list(chain(*fresh.answers)))
        figures["successes"] += len([answer for answer in chain(*fresh.answers) if is_success(answer)])

    with Worker(tmp_path / "store", body_size=3000) as worker:
        monkeypatch.setattr(worker.store, "recall", worker.store.read)  # or it would depend on what is in memory
        trials = Trials(worker)
        hold_everywhere()
    show_figure(
        "{conversations:,} odd conversations, {requests:,} requests, {answers:,} answers, {successes:,} of them 2xx; "
        "where their heads were remembered, {whole:,} took the shorter way, and no answer was another".format(**figures)
    )
    assert figures["whole"] > figures["requests"] / 5
