"""Instances as a transaction has them: their rows are locked, and what is to become of them is noted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from msgspec import Struct, field

from sessionworker.errors import StoreUnavailable
from sessionworker.stores.postgres.codec import Codec
from sessionworker.stores.postgres.tables import Row
from sessionworker.stores.rules.creds import Creds
from sessionworker.stores.rules.leases import Lease, Tenure
from sessionworker.stores.rules.versions import DELETED, Version


class Moment(NamedTuple):
    """When a transaction takes place, by the database's clock."""

    now: int
    """Milliseconds since 1970."""
    seconds: float
    """Seconds since 1970, for leases."""


class Since(NamedTuple):
    """A moment of an instance: it was changed so often."""

    id: UUID
    writes: int


def not_its_own() -> StoreUnavailable:
    """Return what is told where an instance's id does not belong to its name: somebody exchanged rows."""
    return StoreUnavailable("This instance cannot be used: its row was made for another instance.")


class Held(Struct, eq=False):
    """An instance whose row is locked."""

    id: UUID
    group: str
    name: str
    writes: int
    last_write: int
    last_version: int
    has_creds: bool
    """Whether the newest version of its `creds` is no deletion: there should be some."""
    tenure: Tenure | None
    versions: dict[Version, bytes | None] = field(default_factory=dict)
    """Those that were kept, without their values, if anything is to become of them; and the new ones, with theirs."""
    before: Sequence[Version] = ()
    """Those that were kept."""
    values: dict[str, bytes | None] = field(default_factory=dict)
    """What keys hold from now on; None for nothing."""
    aside: list[str] = field(default_factory=list)
    """Keys whose broken values are to be kept for a person."""
    is_touched: bool = False
    """Whether its row is to be written."""
    is_proven: bool = True
    """Whether its id belongs to its name, as far as that can be told."""

    @property
    def since(self) -> Since:
        """This moment of it."""
        return Since(self.id, self.writes)

    @property
    def creds(self) -> Creds | None:
        """What its newest creds are about, if there are any."""
        newest = max(self.versions, default=None)
        if newest is None or newest.is_deletion:
            return None
        return Creds(newest.identity, newest.next_pre_key)

    def __str__(self) -> str:
        """Say which one it is."""
        return f"instance {self.name!r} in group {self.group!r}"


COLUMNS = "i.id, i.writes, i.last_write, i.last_version, i.has_creds, i.owner, i.lease, i.lease_until, i.proof"
"""The columns of an instance's row that `held_of` takes."""

CLOCK = "extract(epoch from clock_timestamp())::double precision"


def held_of(group: str, name: str, row: Row, codec: Codec) -> Held:
    """Return an instance by its locked row."""
    id_, writes, last_write, last_version, has_creds, owner, lease, until, proof = row
    tenure = Tenure(owner, Lease(lease), until) if owner else None
    is_proven = codec.is_proven(proof, "instance", str(id_), group, name)
    return Held(id_, group, name, writes, last_write, last_version, has_creds, tenure, is_proven=is_proven)


def version_in(made_at: int, number: int, identity: str, next_pre_key: int) -> Version:
    """Return the version that a row is about."""
    return Version(made_at, number, identity, next_pre_key if identity != DELETED else 0)
