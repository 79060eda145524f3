"""What each operation does: it runs in a task of its own, beside others, as the calls of clients do."""

from __future__ import annotations

from collections.abc import Callable

from tests.simulation.operations import (
    BringBack,
    Check,
    Checkpoint,
    LetGo,
    Look,
    MakeCurrent,
    Operation,
    PurgeOld,
    Send,
    Tell,
    Write,
)
from tests.simulation.records import Failure
from tests.simulation.schedule import SECOND
from tests.simulation.state import is_creds
from tests.simulation.subject import Batch, DropSeen, Entry, Purge, Put, Refusal, Remove, Request, Restore
from tests.simulation.values import to_bytes
from tests.simulation.worker import Worker

DAY = 24 * 3600 * SECOND


def to_requests(write: Write, most_changes: int) -> list[Batch]:
    """Return the batches that changes are, each with no more changes than the store takes."""
    changes = [
        Remove(key) if value is None else Put(key, to_bytes(value)) for key, value in dict(write.changes).items()
    ]
    return [
        Batch(write.group, write.instance, tuple(changes[place : place + most_changes]))
        for place in range(0, len(changes), most_changes)
    ]


class Clients:
    """Carries out operations. Every method runs in a task."""

    def __init__(self, worker: Worker, purged: Callable[[int], None]) -> None:
        """Speak to `worker`. `purged` is told which drops may be gone: those that are older than a time."""
        self._worker = worker
        self._purged = purged

    def do(self, operation: Operation) -> None:
        """Carry out one operation."""
        worker = self._worker
        match operation:
            case Send(entries):
                requests: list[Request] = []
                for entry in entries:
                    if isinstance(entry, Write):
                        requests += to_requests(entry, worker.subject.most_changes)
                    else:
                        requests.append(entry)
                worker.send(requests)
            case BringBack(place, name, into, replaces):
                listed = self._list_drops()
                if listed:
                    found = listed[int(place * len(listed))]
                    request = Restore(*found[:3], into or found.group, name or found.instance, replaces)
                    worker.committer.submit([Entry(request)], listed=listed)
            case LetGo(place):
                self._let_go(place)
            case PurgeOld():
                self._purge()
            case MakeCurrent(group, instance, place):
                self._make_current(group, instance, place)
            case Look(group, instance, keys, recalls):
                for key in keys:
                    worker.read("recall" if recalls else "read", group, instance, key)
            case Check(group, instance):
                if worker.read("check", group, instance) is None:
                    worker.read("read after check", group, instance, "creds")
            case Tell(what, group, instance):
                worker.ask(lambda: self._tell(what, group, instance))
            case Checkpoint():
                worker.ask(worker.store.checkpoint)

    def _tell(self, what: str, group: str, instance: str) -> object:
        store = self._worker.store
        match what:
            case "versions":
                return store.versions(group, instance)
            case "drops":
                return store.drops()
            case "groups":
                return [store.instances(each) for each in store.groups()]
            case "health":
                store.check()
                return None
        return store.describe(group)

    def _list_drops(self) -> list[DropSeen]:
        listed = self._worker.ask(self._worker.store.drops)
        return [] if isinstance(listed, Refusal) else listed

    def _let_go(self, place: float) -> None:
        if not self._worker.subject.can_purge_one:
            self._purge()
            return
        listed = self._list_drops()
        if listed:
            self._worker.committer.submit([Entry(Purge(*listed[int(place * len(listed))][:3]))], listed=listed)

    def _purge(self) -> None:
        worker = self._worker
        self._purged(worker.machine.wall_clock() - int(worker.subject.keep_drops_days * DAY))
        worker.ask(worker.store.purge)

    def _make_current(self, group: str, instance: str, place: float) -> None:
        """Write an older version of creds, as the administrator's path does."""
        store = self._worker.store
        listed = self._worker.ask(lambda: store.versions(group, instance))
        if isinstance(listed, Refusal):
            return
        good = [seen for seen in listed if not seen.is_deletion]
        if not good:
            return
        value = self._worker.ask(lambda: store.read_version(group, instance, good[int(place * len(good))].version))
        if isinstance(value, bytes):
            if not is_creds(value):
                raise Failure("lost", "a broken version was given out", f"{group}/{instance}: {value[:40]!r}...")
            self._worker.send([Batch(group, instance, (Put("creds", value),))])
