"""What an archive is made of: JSON, one record a line.

The first record says what it is. Each instance has one `file` for each of its keys, `creds` last, and then an
`instance` that sums them up. The last record is the `end`: an archive without it was cut off.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TypeAlias

import msgspec
from msgspec import Struct, structs

FORM = 1
"""The number of this form. A reader refuses a higher one."""


class ArchiveError(Exception):
    """Why an archive cannot be written or read: one sentence for the operator, without anything secret."""


class Head(Struct, frozen=True, tag="archive", tag_field="record"):
    """The first record."""

    form: int
    made: str
    """When it was begun, in UTC."""
    by: str
    """Which version of the worker's commands wrote it."""


class File(Struct, frozen=True, tag="file", tag_field="record"):
    """A session file."""

    group: str
    instance: str
    key: str
    data: str
    """Its JSON text, byte for byte."""


class Sum(Struct, frozen=True, omit_defaults=True, tag="instance", tag_field="record"):
    """What the files of an instance come to, behind them."""

    group: str
    instance: str
    keys: int
    bytes: int
    sha256: str
    """Of all keys and values; see `digest_of`."""
    label: str = ""
    """What people call it."""
    label_sha256: str = ""
    """Of the names and the label; see `digest_of_label`."""

    @property
    def without_label(self) -> Sum:
        """As a version writes and reads it that knows no labels."""
        return structs.replace(self, label="", label_sha256="")


class End(Struct, frozen=True, tag="end", tag_field="record"):
    """The last record."""

    instances: int
    keys: int
    bytes: int
    sha256: str
    """Of the `instance` records, as they stand in lines, without what separates these, and without labels."""


Record: TypeAlias = Head | File | Sum | End

encode = msgspec.json.Encoder().encode
decode = msgspec.json.Decoder(Record).decode


def digest_of_label(group: str, instance: str, label: str) -> str:
    """Return what tells a label from another one, and from that of another instance; nothing where there is none."""
    return sha256(encode((group, instance, label))).hexdigest() if label else ""


class Total:
    """Adds up instances, in their order."""

    def __init__(self) -> None:
        """Begin with none."""
        self.instances = self.keys = self.bytes = 0
        self._digest = sha256()

    def add(self, one: Sum) -> None:
        """Count an instance."""
        self.instances += 1
        self.keys += one.keys
        self.bytes += one.bytes
        self._digest.update(encode(one.without_label))

    @property
    def end(self) -> End:
        """What the last record says."""
        return End(self.instances, self.keys, self.bytes, self._digest.hexdigest())
