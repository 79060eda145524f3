"""What a record of the journal says: which values which instances have.

An instance is named by its id; where it lay at that time is a hint that saves looking everywhere. Creating, dropping,
restoring and purging are no records: a value belongs to its instance wherever that lies by now, and writing it down
once more does no harm. The format's version stands in each segment (`segments.FORMAT`); it changes when this does.
Of what there are thousands a second the collector is told that it is in no cycle (`gc=False`).
"""

from __future__ import annotations

from typing import Annotated, TypeAlias

import msgspec
from msgspec import Meta, Struct

from sessionworker.stores.rules.creds import Creds

# What is read back becomes names of files. Whoever can write to the journal alone must not reach any others with it.
Key: TypeAlias = Annotated[str, Meta(pattern=r"\A(?!\.{0,2}\Z)")]
LargeFile: TypeAlias = Annotated[str, Meta(pattern=r"\Alarge-[0-9a-z-]+\Z")]
Id: TypeAlias = Annotated[str, Meta(pattern=r"\A(?!\.{1,2}\Z)[^/\x00]+\Z")]
Path: TypeAlias = Annotated[str, Meta(pattern=r"(?s)\A(?!.*(?:^|/)\.{0,2}(?:/|\Z))[^\x00]+\Z")]
Identity: TypeAlias = Annotated[str, Meta(pattern=r"\A[0-9a-f]{0,64}\Z")]


class Value(Struct, frozen=True, array_like=True, tag=1, gc=False):
    """A key has a value."""

    key: Key
    value: bytes


class Gone(Struct, frozen=True, array_like=True, tag=2):
    """A key holds nothing."""

    key: Key


class NewCreds(Struct, frozen=True, array_like=True, tag=3):
    """There are new `creds`, or for None none any more."""

    value: bytes | None
    when: int
    """Milliseconds since 1970; within an instance always more than before, whatever the clock says."""
    identity: Identity = ""
    next_pre_key: int = 0
    is_current: bool = True
    """Not so for those that were replaced already when this was written, and are a version only."""

    @property
    def creds(self) -> Creds | None:
        """What they are about."""
        return None if self.value is None else Creds(self.identity, self.next_pre_key)


class Large(Struct, frozen=True, array_like=True, tag=4):
    """A key has the value that is in a file of the instance's own folder already, and becomes the key's file."""

    key: Key
    file_name: LargeFile
    size: int


class Broken(Struct, frozen=True, array_like=True, tag=5):
    """What the key's file holds is broken, and is to be kept before another file takes its place."""

    key: Key


Pending: TypeAlias = Value | Gone | NewCreds | Large | Broken


class Part(Struct, frozen=True, array_like=True, gc=False):
    """What a record says of one instance."""

    id: Id
    path: Path
    """Where its folder lay in the store."""
    changes: list[Pending]
    when: int
    """When the instance was written to, in milliseconds since 1970."""


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(list[Part])


def encode(parts: list[Part]) -> bytes:
    """Write a record down."""
    return _encoder.encode(parts)


def decode(payload: bytes) -> list[Part]:
    """Read a record. Raises msgspec.MsgspecError for one that this version does not know."""
    try:
        return _decoder.decode(payload)
    except (UnicodeError, RecursionError):
        raise msgspec.DecodeError from None
