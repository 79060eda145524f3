"""The words in which the tests speak of a store, where it lives, and what happens to it between two steps of a test."""

from __future__ import annotations

import json
from typing import NamedTuple, Protocol

from msgspec import structs

from sessionworker.errors import WorkerError
from sessionworker.names import SessionFile
from sessionworker.stores.changes import (
    Batch,
    Change,
    CreateInstance,
    Delete,
    DropInstance,
    Entry,
    PurgeDrop,
    RestoreInstance,
    Write,
)
from sessionworker.stores.interface import UNKNOWN, Outcome, Store
from sessionworker.stores.rules.leases import Lease
from sessionworker.stores.rules.versions import Keep
from sessionworker.wire import DropSummary, InstanceSummary, VersionSummary

MIB = 2**20

CREDS = SessionFile("codechat", "sales", "creds")
"""The `creds` of the instance that most tests are about."""

KEY = CREDS._replace(key="session-5511999999999.0")
"""Another key of it."""

OTHER_KEY = CREDS._replace(key="pre-key-1")
"""And another."""

SUPPORT = CREDS._replace(instance="support")
"""The `creds` of another instance of its group."""


# Where a store lives


ASKED_FOR = {
    "instance_dropped",
    "group_dropped",
    "instance_restored",
    "drop_purged",
    "version_restored",
    "encrypted",
}
"""Events that tell of nothing that went wrong, or was odd."""


class Place(Protocol):
    """Where one store lives, through all its openings."""

    large_from: int
    """Bytes from which on its store takes a value for a large one."""
    stories: int
    """How many stories are told of its store: as many as take some seconds; with `--full` ten times as many."""
    keeps_owners: bool
    """Whether several workers share the store: who has which instance outlives each of them then."""

    def open(self) -> Store:
        """Open the store. It is not open already."""

    def settle(self, store: Store) -> None:
        """Do what the store would do in the background, now."""

    def kill(self, store: Store) -> None:
        """Leave an open store as `kill -9` of its process does."""

    def damage(self, file: SessionFile, value: bytes | None) -> None:
        """Let other bytes, or nothing, stand where a value was, as a disk does that rots. The store is closed."""

    def refuse(self, store: Store, file: SessionFile, problem: str) -> bool:
        """Let an instance have a problem, for which it is refused; or none, if that is empty. Tell if it may have one.

        That is a file store's own: something else stands in the place of its folder, for instance.
        """

    def litter(self) -> list[str]:
        """Name what lies about and belongs to no value, once the store has settled."""

    def erase(self) -> None:
        """Remove all that is there; a store that is open is killed."""

    def fresh(self, keep: Keep) -> Place:
        """Return another place, with nothing in it, whose store keeps as many versions of `creds` as that."""


class Life:
    """A store, and what happens to it between the steps of a test."""

    def __init__(self, place: Place, what_happens: str) -> None:
        """Open the store of a place."""
        self.place = place
        self._what_happens = what_happens
        self.store = place.open()

    def go_on(self) -> None:
        """Let it happen."""
        match self._what_happens:
            case "when settled":
                self.settle()
            case "when opened again":
                self.open_again()
            case "after a kill":
                self.kill()

    def settle(self) -> None:
        """Let the store do what it would do in the background."""
        self.place.settle(self.store)

    def open_again(self) -> None:
        """Stop and start the store."""
        self.store.close()
        self.store = self.place.open()

    def kill(self) -> None:
        """Kill the store, and start it."""
        self.place.kill(self.store)
        self.store = self.place.open()

    def damage(self, file: SessionFile, value: bytes | None) -> None:
        """Stop the store, let other bytes or nothing stand where a value was, and start it."""
        self.store.close()
        self.place.damage(file, value)
        self.store = self.place.open()


# Changes


def write(file: SessionFile, value: bytes, owner: str | None = None) -> Batch:
    """Store a value."""
    return Batch(file.group, file.instance, (Write(file.key, value),), owner=owner)


def delete(file: SessionFile) -> Batch:
    """Let a key hold nothing."""
    return Batch(file.group, file.instance, (Delete(file.key),))


def changes(*made: Change, instance: str = CREDS.instance, group: str = CREDS.group) -> Batch:
    """Make several changes of one instance, all or none."""
    return Batch(group, instance, made)


def commit(store: Store, *entries: Entry) -> None:
    """Commit entries, none of which is refused."""
    assert store.commit(entries) == [None] * len(entries)


def kinds(outcomes: list[Outcome]) -> list[type[WorkerError | Lease] | None]:
    """The outcomes of a commit as their classes, to compare them."""
    return [None if outcome is None else type(outcome) for outcome in outcomes]


def refusals(store: Store, *entries: Entry) -> list[type[WorkerError | Lease] | None]:
    """Commit entries, and return what each came to."""
    return kinds(store.commit(entries))


def create(store: Store, *files: SessionFile) -> None:
    """Make the instances of some session files, or of CREDS."""
    commit(store, *(CreateInstance(file.group, file.instance) for file in files or (CREDS,)))


def drop(store: Store, file: SessionFile = CREDS) -> DropSummary:
    """Drop the instance of a session file; return what it is listed as."""
    known = {found.drop for found in drops_of(store, file)}
    commit(store, DropInstance(file.group, file.instance))
    [new] = [found for found in drops_of(store, file) if found.drop not in known]
    return new


def drops_of(store: Store, file: SessionFile = CREDS) -> list[DropSummary]:
    """The dropped instances of one name, newest first."""
    return [found for found in store.drops() if (found.group, found.instance) == (file.group, file.instance)]


def restore(dropped: DropSummary, name: str = "", into: str = "") -> RestoreInstance:
    """Bring back an instance that was dropped, under its own name or another one."""
    return RestoreInstance(dropped.group, dropped.instance, dropped.drop, name or dropped.instance, into=into)


def replace(dropped: DropSummary, name: str = "", into: str = "", *, owner: str | None = None) -> RestoreInstance:
    """Bring it back as that does, in the place of what stands there."""
    return structs.replace(restore(dropped, name, into), replacing=True, owner=owner)


def purge(dropped: DropSummary) -> PurgeDrop:
    """Erase an instance that was dropped."""
    return PurgeDrop(dropped.group, dropped.instance, dropped.drop)


# Values


def creds(number: int, identity: int = 1) -> bytes:
    """The `creds` of an identity, as far as a next pre-key."""
    key = {"public": str(identity)}
    fields = {"registrationId": identity, "noiseKey": key, "signedIdentityKey": key, "nextPreKeyId": number}
    return json.dumps(fields).encode()


def value_of(file: SessionFile) -> bytes:
    """A value that no other file has, and that any key may have."""
    return json.dumps({"of": file}).encode()


def large_value(place: Place, text: str = "x") -> bytes:
    """A value that a place's store takes for a large one."""
    return b'"%b"' % (text.encode() * (place.large_from // len(text)))


# Questions


def read_and_recall(store: Store, file: SessionFile) -> bytes | None:
    """Read a session file, and see that what `recall` says before and after is the same, or that it does not know."""
    recalled = store.recall(file)
    value = store.read(file)
    for said in (recalled, store.recall(file)):
        assert said is UNKNOWN or said == value
    return value


def read_all(store: Store, *files: SessionFile) -> list[bytes | None]:
    """Read several session files as `read_and_recall` does."""
    return [read_and_recall(store, file) for file in files]


def summary(store: Store, file: SessionFile = CREDS) -> InstanceSummary:
    """What is said of the instance of a session file."""
    [found] = [one for one in store.describe(file.group) if one.instance == file.instance]
    return found


def versions(store: Store, file: SessionFile = CREDS) -> list[VersionSummary]:
    """The versions of an instance's `creds`, newest first."""
    return store.versions(file.group, file.instance)


class Kept(NamedTuple):
    """What an instance holds, to be compared with what it held before, wherever that was."""

    values: list[bytes | None]
    versions: list[bytes]


def kept(store: Store, file: SessionFile = CREDS, *keys: str) -> Kept:
    """The values of some keys of an instance, and those of its versions that are `creds`, newest first."""
    files = [file._replace(key=key) for key in keys or ("creds", KEY.key, OTHER_KEY.key)]
    listed = [one.version for one in versions(store, file) if one.identity]
    return Kept(read_all(store, *files), [store.read_version(file.group, file.instance, one) for one in listed])
