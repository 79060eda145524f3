"""The workers that are measured, and the plain connection that measures one request at a time."""

from __future__ import annotations

import http.client
import json
import time
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import urlsplit

TIMEOUT_SECONDS = 120
SETTLE_SECONDS = 5
"""Between turns: one worker may still bring its files up to date, and that is not to be charged to the other."""


@dataclass(frozen=True)
class Target:
    """A worker at an address."""

    name: str
    url: str
    token: str = field(repr=False)


class Connection:
    """One kept-alive connection to a worker. Each call returns the milliseconds that it took."""

    def __init__(self, target: Target) -> None:
        """Connect at the first request."""
        address = urlsplit(target.url)
        self._headers = {"apikey": target.token, "Content-Type": "application/json"}
        self._connection = http.client.HTTPConnection(
            address.hostname or "", address.port or 80, timeout=TIMEOUT_SECONDS
        )

    def __enter__(self) -> Self:
        """Nothing to do."""
        return self

    def __exit__(self, *exception: object) -> None:
        """Close the connection."""
        self._connection.close()

    def create(self, group: str, instance: str) -> float:
        """Make sure that an instance exists, as the API does before each connect."""
        self._request("POST", "/session", json.dumps({"group": group}).encode(), (204,))
        return self._request("POST", f"/session/{group}", json.dumps({"instance": instance}).encode(), (204,))

    def write(self, path: str, body: bytes) -> float:
        """Store the key at `path`, that is group/instance/key."""
        return self._request("POST", f"/session/{path}", body, (204,))

    def read(self, path: str) -> float:
        """Fetch the key at `path`, which must exist."""
        return self._request("GET", f"/session/{path}", None, (200,))

    def miss(self, path: str) -> float:
        """Ask for a key that does not exist; workers before this one answer 400."""
        return self._request("GET", f"/session/{path}", None, (404, 400))

    def drop(self, group: str, instance: str) -> float:
        """Remove an instance."""
        return self._request("DELETE", f"/session/{group}/{instance}", None, (200,))

    def ask(self, path: str) -> tuple[float, Any]:
        """Ask an operator's question; returns its answer, too."""
        begun = time.perf_counter()
        answer = self.fetch(path)
        return (time.perf_counter() - begun) * 1000, json.loads(answer)

    def fetch(self, path: str) -> bytes:
        """Return what an operator's question is answered with, unread."""
        self._connection.request("GET", path, headers=self._headers)
        return self._connection.getresponse().read()

    def _request(self, method: str, path: str, body: bytes | None, expected: tuple[int, ...]) -> float:
        begun = time.perf_counter()
        self._connection.request(method, path, body, self._headers)
        response = self._connection.getresponse()
        response.read()
        milliseconds = (time.perf_counter() - begun) * 1000
        if response.status not in expected:
            raise RuntimeError(f"{method} of a {path.count('/')}-part path was answered with {response.status}")
        return milliseconds


def write_body(value: str) -> bytes:
    """Return the body of the request that stores the JSON text `value`."""
    return json.dumps({"data": value}).encode()


def session_value(size: int = 1300) -> str:
    """Return a JSON text of about `size` bytes, in the shape of a session with one contact."""
    frame = json.dumps({"_sessions": {"ratchet": ""}, "version": "v1"})
    return json.dumps({"_sessions": {"ratchet": "a" * (size - len(frame))}, "version": "v1"})
