"""The store behind its threads, in the words of the tests of the defects; it belongs to `store`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sessionworker.names import SessionFile
from sessionworker.offload import Offload
from sessionworker.stores.changes import Batch, Write
from tests.defects.store import SEGMENT, Entry, Store
from tests.reactor import LONGEST_WAIT, Reactor


class _PlainStore(Store):
    """A store that does nothing about large values before they are committed, as its interface allows."""

    def prepare(self, batch: Batch) -> Batch:
        return batch


def open_plain_store(folder: Path) -> Store:
    """Open a store that does nothing about large values before they are committed."""
    return _PlainStore(folder, sync=False, segment_size=SEGMENT)


class Queue:
    """A store that is asked by a queue, as by the worker's clients. A result is None, or why it was refused."""

    def __init__(self, store: Store) -> None:
        self._reactor = Reactor()
        self._offload = Offload(self._reactor, store, threads=1)
        self._offload.start()

    def send(self, entry: Entry) -> list[object]:
        """Send a change; the list holds its result once there is one."""
        result: list[object] = []
        self._offload.commit(entry).addCallbacks(result.append, lambda failure: result.append(failure.value))
        return result

    def send_large(self, file: SessionFile, size: int, read_value: Callable[[], bytes]) -> list[object]:
        """Send a large value, which `read_value` returns in a thread."""
        result: list[object] = []
        sent = self._offload.commit_made(
            file.group, file.instance, size, lambda: Batch(file.group, file.instance, (Write(file.key, read_value()),))
        )
        sent.addCallbacks(result.append, lambda failure: result.append(failure.value))
        return result

    def wait_for(self, *results: list[object]) -> None:
        """Wait until there are these results."""
        end = time.monotonic() + LONGEST_WAIT
        while not all(results):
            assert time.monotonic() < end
            self._reactor.run_one_call()

    @property
    def waiting_bytes(self) -> int:
        """Bytes that count towards those that may wait."""
        return self._offload.waiting_bytes

    def stop(self) -> None:
        """Finish what was sent, and close the store."""
        stopped: list[object] = []
        self._offload.stop().addBoth(stopped.append)
        self.wait_for(stopped)


@contextmanager
def queue_of(store: Store) -> Iterator[Queue]:
    """Ask a store by a queue; it is closed at the end."""
    queue = Queue(store)
    try:
        yield queue
    finally:
        queue.stop()
