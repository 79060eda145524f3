"""What the tests of the client share: a worker, a client of it, and a reactor that is left as it was found."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

from sessionworker.client import (
    Client,
)
from tests.client.waiting import reactor, wait_until
from tests.server import RunningWorker, asynchronous_fixture, running_worker


@asynchronous_fixture(autouse=True)
async def _nothing_is_left_in_the_reactor() -> AsyncIterator[None]:
    def content() -> set[object]:
        return {*reactor.getDelayedCalls(), *reactor.getReaders(), *reactor.getWriters()}

    before = content()
    yield
    await wait_until(lambda: content() <= before)


@asynchronous_fixture()
async def worker(tmp_path: Path) -> AsyncIterator[RunningWorker]:
    async with running_worker(tmp_path / "store") as running:
        yield running


@asynchronous_fixture()
async def client(worker: RunningWorker) -> AsyncIterator[Client]:
    """A client of a worker that has the instance 'sales' in the group 'codechat', and nothing else."""
    async with Client(worker.url, worker.token) as opened:
        await opened.create_instance("codechat", "sales")
        yield opened
