"""A client of which all answers are held against the simulation's model, while machines and networks fail under it.

What was not acknowledged may be made, until something later was acknowledged: then it was made before that, or never.
"""

from __future__ import annotations

import http.client
import json
import random
import time
from collections import Counter
from contextlib import closing
from threading import Event, Lock, Thread
from typing import Any, Self

from tests.simulation.model import Model
from tests.simulation.records import Commit, Excuses, Failure, Read, Seen
from tests.simulation.subject import Batch, CreateInstance, Outcome, Put, Refusal, Remove, Request

GROUP = "judged"

KEYS = [f"key-{number}" for number in range(6)]

MOST_IN_DOUBT = 2
"""With so many writes in doubt nothing more is written until all is well: each doubles what may be true."""

PATIENCE = 40.0
"""Longer than anything waits that stands between us and a worker."""

ALL_IS_EXCUSED = Excuses(everything=True)


class JudgedClient:
    """Writes to and reads one instance, one request after another. As a context manager it does so inside."""

    def __init__(self, port: int, token: str, instance: str, pause: float = 0.02) -> None:
        """Make the instance, by whatever listens on `port`. A request follows another after `pause` s at the most."""
        self._pause = pause
        self.counts: Counter[str] = Counter()
        self.failure: Failure | None = None
        self._port = port
        self._token = token
        self._instance = instance
        self._model = Model()
        self._random = random.Random(instance)
        self._turn = Lock()
        self._is_over = Event()
        self._in_doubt = 0
        self._number = 0
        self._thread = Thread(target=self._repeat)
        self._settle_request(CreateInstance(GROUP, instance), "", {"instance": instance})

    def __enter__(self) -> Self:
        """Begin."""
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        """Come to an end."""
        self._is_over.set()
        self._thread.join(2 * PATIENCE)
        assert not self._thread.is_alive()

    def settle(self) -> None:
        """See that all is as it should be, now that all is well: nothing is excused but that it takes a while.

        Raises Failure where something was lost, or came back.
        """
        with self._turn:
            if self.failure is not None:
                raise self.failure
            self._model.start()
            status, answer = self._ask_until_well("", {"keys": KEYS})
            assert status == 200, answer
            seen = Seen()
            seen.reads += [(GROUP, self._instance, key, _encode(answer["values"][key])) for key in KEYS]
            self._model.see(seen, Excuses())
            self._settle_request(Batch(GROUP, self._instance, (self._next_put(),)))
            assert len(self._model.worlds) == 1
            assert not self._model.worlds[0].hidden
            self._in_doubt = 0

    def _settle_request(self, request: Request, path: str = "", body: dict[str, Any] | None = None) -> None:
        """Ask for something until it is acknowledged."""
        if isinstance(request, Batch):
            path, body = f"/{self._instance}", {"changes": _as_json(request)}
        status, answer = self._ask_until_well(path, body, instance="")
        assert status == 204, answer
        self._follow(request, None)

    def _ask_until_well(
        self, path: str, body: dict[str, Any] | None, *, instance: str | None = None
    ) -> tuple[int, Any]:
        deadline = time.monotonic() + PATIENCE
        while True:
            status, answer = self._ask("POST", path, body, instance=instance)
            if status not in {502, 503} or time.monotonic() > deadline:
                return status, answer
            time.sleep(0.1)

    def _repeat(self) -> None:
        while not self._is_over.wait(self._random.uniform(0, self._pause)):
            with self._turn:
                try:
                    if self._in_doubt < MOST_IN_DOUBT and self._random.random() < 0.6:
                        self._write()
                    else:
                        self._read()
                except Failure as failure:
                    self.failure = failure
                    return

    def _write(self) -> None:
        keys = self._random.sample(KEYS, self._random.choice([1, 1, 2, 5]))
        changes = tuple(self._next_put(key) if self._random.random() < 0.8 else Remove(key) for key in keys)
        request = Batch(GROUP, self._instance, changes)
        [first, *rest] = changes
        if rest:
            status, _ = self._ask("POST", "", {"changes": _as_json(request)})
        elif isinstance(first, Put):
            status, _ = self._ask("POST", f"/{first.key}", {"data": first.value.decode()})
        else:
            status, _ = self._ask("DELETE", f"/{first.key}")
        outcome = {200: None, 204: None, 404: Refusal.MISSING}.get(status, Refusal.UNAVAILABLE)
        if status not in {200, 204, 502, 503}:
            raise Failure("stopped", "answered with a status that means nothing here", str(status))
        self._in_doubt = 0 if outcome is None else self._in_doubt + 1
        self.counts["acknowledged" if outcome is None else "refused"] += 1
        self._follow(request, outcome)

    def _read(self) -> None:
        if self._random.random() < 0.5:
            keys = [self._random.choice(KEYS)]
            status, answer = self._ask("GET", f"/{keys[0]}")
            is_nothing = status == 404 and "This key holds nothing." in answer["message"]
            found = {keys[0]: None if is_nothing else answer}
            is_answer = status == 200 or is_nothing
        else:
            keys = self._random.sample(KEYS, 4)
            status, answer = self._ask("POST", "", {"keys": keys})
            is_answer = status == 200
            found = answer["values"] if is_answer else {}
        if is_answer:
            results: dict[str, bytes | Refusal | None] = {key: _encode(found[key]) for key in keys}
        else:
            results = dict.fromkeys(keys, Refusal.MISSING if status == 404 else Refusal.UNAVAILABLE)
        self.counts["read" if is_answer else "reads refused"] += 1
        self._model.show()
        reads = [Read("read", GROUP, self._instance, key, result, 0, 0) for key, result in results.items()]
        self._model.follow([], reads, ALL_IS_EXCUSED)

    def _follow(self, request: Request, outcome: Outcome) -> None:
        if outcome is None:
            self._model.start()  # whatever was in doubt was made before this, or will never be
        commit = Commit([request], 0, [None], [None], [outcome], is_injured=True)
        self._model.follow([commit], [], ALL_IS_EXCUSED)

    def _next_put(self, key: str = KEYS[0]) -> Put:
        self._number += 1
        return Put(key, b"%d" % self._number)

    def _ask(
        self, method: str, path: str, body: dict[str, Any] | None = None, *, instance: str | None = None
    ) -> tuple[int, Any]:
        """Return the status and what was answered, if it was JSON; 502 stands for no answer, too."""
        place = f"/{self._instance}" if instance is None else instance
        with closing(http.client.HTTPConnection("127.0.0.1", self._port, timeout=PATIENCE)) as connection:
            try:
                data = None if body is None else json.dumps(body)
                connection.request(method, f"/session/{GROUP}{place}{path}", data, {"apikey": self._token})
                answer = connection.getresponse()
                said = answer.read()
            except (OSError, http.client.HTTPException):
                return 502, None
            return answer.status, json.loads(said) if said else None


def _as_json(batch: Batch) -> dict[str, Any]:
    return {change.key: json.loads(change.value) if isinstance(change, Put) else None for change in batch.changes}


def _encode(value: Any) -> bytes | None:
    return None if value is None else json.dumps(value).encode()
