"""A worker inside the test's own process: the real Site, on a real port of the loopback interface, over a real folder.

`running_worker` starts and stops it. In a test:

    @asynchronous
    async def test_something(tmp_path: Path) -> None:
        async with running_worker(tmp_path) as worker:
            ...  # ask worker.url with worker.token

or in a fixture, with `asynchronous_fixture`. For a worker that is killed, see `tests.process`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pytest_twisted  # type: ignore[import-untyped]
from twisted.internet.defer import maybeDeferred

from sessionworker.access import Access, Role, Token
from sessionworker.http.site import WorkerSite
from sessionworker.offload import LONGEST_QUEUE, Offload
from sessionworker.stores.files.store import FileStore
from sessionworker.stores.interface import Store
from sessionworker.web.build import build_site

TOKEN = "the-token-of-the-tests"

MIB = 2**20

PATIENCE_SECONDS = 2.0
"""How long connections may take to end by themselves when a worker stops; a test must not wait for them longer."""


F = TypeVar("F", bound=Callable[..., Any])


def asynchronous(test: F) -> F:
    """Run a coroutine as a test, in the reactor."""
    marked: F = pytest_twisted.ensureDeferred(test)
    return marked


def asynchronous_fixture(*, autouse: bool = False) -> Callable[[F], F]:
    """Make a fixture of an asynchronous generator, which runs in the reactor."""
    decorator: Callable[[F], F] = pytest_twisted.async_yield_fixture(autouse=autouse)
    return decorator


@dataclass(frozen=True)
class RunningWorker:
    """A worker that listens, and its parts."""

    port: int
    token: str
    folder: Path
    """The folder of the session files."""
    store: Store
    offload: Offload
    site: WorkerSite

    @property
    def url(self) -> str:
        """The worker's address, without a path."""
        return f"http://127.0.0.1:{self.port}"


@asynccontextmanager
async def running_worker(
    folder: Path,
    *,
    token: str = TOKEN,
    body_size: int = 32 * MIB,
    threads: int = 2,
    longest_queue: int = LONGEST_QUEUE,
    sync: bool = True,
    http_logs: bool = False,
    store: Store | None = None,
    tokens: Sequence[Token] | None = None,
) -> AsyncIterator[RunningWorker]:
    """Serve `folder`, or `store` where a test brings one of its own. After the block nothing of it is left.

    `body_size` is in bytes. `tokens` are in force instead of `token`, if they are given.
    """
    from twisted.internet import reactor as installed  # noqa: PLC0415 - importing it installs it

    reactor: Any = installed  # its type is an interface that lacks half of what it does
    if store is None:
        store = FileStore(folder, sync=sync)
    offload = Offload(reactor, store, threads=threads, longest_queue=longest_queue)
    access = Access([Token(Role.API, token.encode())] if tokens is None else tokens)
    site = build_site(offload, access, body_size=body_size, http_logs=http_logs, reactor=reactor)
    listening = reactor.listenTCP(0, site, interface="127.0.0.1")
    offload.start()
    try:
        yield RunningWorker(listening.getHost().port, token, folder, store, offload, site)
    finally:
        await maybeDeferred(listening.stopListening)
        impatience = reactor.callLater(PATIENCE_SECONDS, site.abort)
        await site.drain(0)
        if impatience.active():
            impatience.cancel()
        await offload.stop()
