"""What a story is made of, and questions that are asked of both stores in it."""

from __future__ import annotations

from typing import NamedTuple, TypeVar

from hypothesis import strategies as st
from msgspec.structs import replace

from sessionworker.stores.changes import (
    Batch,
    CreateGroup,
    CreateInstance,
    Delete,
    Existing,
    LabelInstance,
    Probe,
    ReleaseInstance,
    Write,
)
from sessionworker.stores.interface import Store
from sessionworker.stores.rules.versions import Keep
from sessionworker.wire import DropSummary, InstanceSummary
from tests.contract.words import creds

ALL = Keep(newest=10**6)
"""All versions, so that when older ones are let go does not matter."""

GROUPS = st.sampled_from(["g", "h h"])
INSTANCES = st.sampled_from(["one", ".two"])
KEYS = ["creds", "a/b+=", ".x"]
VALUES = st.one_of(
    st.integers(0, 99).map(lambda number: b"%d" % number),
    st.integers(0, 9000).map(lambda size: b'"%b"' % (b"x" * size)),
)
WRITES = st.builds(Write, st.sampled_from(KEYS[1:]), VALUES)
WRITES_OF_CREDS = st.builds(Write, st.just("creds"), st.builds(creds, st.integers(0, 99), st.integers(1, 2)))
BAD_WRITES = st.builds(Write, st.just("creds"), st.sampled_from([b"[]", b"null", b"\xff"]))
DELETIONS = st.builds(Delete, st.sampled_from(KEYS))
CHANGES = st.lists(
    st.one_of(WRITES, WRITES, WRITES_OF_CREDS, WRITES_OF_CREDS, DELETIONS, DELETIONS, BAD_WRITES), max_size=4
)
LABELS = st.sampled_from(["", "Loja Centro", "\U0001f511" * 100])
OWNERS = st.sampled_from([None, None, None, "", "a", "b"])
CONDITIONS = st.sampled_from([None, Existing()])
BATCHES = st.builds(Batch, GROUPS, INSTANCES, CHANGES.map(tuple), CONDITIONS, OWNERS)
ENTRIES = st.one_of(
    BATCHES,
    BATCHES,
    BATCHES,
    st.builds(CreateInstance, GROUPS, INSTANCES, OWNERS),
    st.builds(ReleaseInstance, GROUPS, INSTANCES, OWNERS),
    st.builds(CreateGroup, GROUPS),
    st.builds(LabelInstance, GROUPS, INSTANCES, LABELS),
    st.builds(Probe),
)
PLACES = st.integers(0, 5)
"""Which one of several, counted round and round."""

Found = TypeVar("Found")


class Drop(NamedTuple):
    """One drop, as the model and the store list it."""

    model: DropSummary
    store: DropSummary


def told(store: Store, group: str) -> list[InstanceSummary]:
    """What a store tells of a group's instances, but for times."""
    return [replace(one, last_write=None) for one in store.describe(group)]


def name_of(dropped: DropSummary) -> tuple[str, str, str]:
    """What tells one drop from another."""
    return dropped.group, dropped.instance, dropped.drop


def listed(store: Store) -> dict[tuple[str, str, str], DropSummary]:
    """The drops of a store."""
    return {name_of(dropped): dropped for dropped in store.drops()}


def one_of(several: list[Found], place: int) -> Found | None:
    """Return one of several, or None if there is none."""
    return several[place % len(several)] if several else None
