"""How many session files a folder holds, of which types, and their bytes.

Every function may raise OSError.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Generator, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from typing import NamedTuple, Self

from msgspec import Struct
from msgspec.structs import replace

from sessionworker.names import KEY_TYPES, type_of_key
from sessionworker.stores.files.codec import Codec
from sessionworker.stores.files.folder import Folder

TYPES = (*KEY_TYPES, "other")
AT_ONCE = 500
"""Files that are counted before something else may be done."""

_places = {kind: place for place, kind in enumerate(TYPES)}


class Tally(Struct, frozen=True, array_like=True, gc=False):
    """What a folder holds, as long as nobody changes the names in it."""

    changed: int
    """The time of the folder's last change then, in nanoseconds: each change of a name in it sets it."""
    inode: int
    """The folder's own: a copy of it has another one, and may have that time."""
    files: int = 0
    bytes: int = 0
    last_write: int = 0
    """Milliseconds since 1970, 0 if nothing was written."""
    of_types: tuple[int, ...] = (0,) * len(TYPES)
    """How many files there are of each of TYPES."""
    is_plain: bool = True
    """Whether each file has the name that we would give it: else what waits for one may have another in its place."""

    @property
    def is_possible(self) -> bool:
        """Whether its numbers can be those of a folder."""
        numbers = (self.files, self.bytes, self.last_write, *self.of_types)
        return len(self.of_types) == len(TYPES) and min(numbers) >= 0 and sum(self.of_types) == self.files

    @property
    def types(self) -> dict[str, int]:
        """How many files there are of each type of key that there is."""
        return _types_of(self.of_types)

    def has(self, kind: str) -> bool:
        """Tell whether there is a file of a type of key."""
        return self.of_types[_places[kind]] > 0

    def after(self, gone: Mapping[str, int], new: Mapping[str, int]) -> Self:
        """Return it after files of some keys went, and came, each with its bytes."""
        of_types = list(self.of_types)
        for key in gone:
            of_types[_places[type_of_key(key)]] -= 1
        for key in new:
            of_types[_places[type_of_key(key)]] += 1
        return replace(
            self,
            files=self.files - len(gone) + len(new),
            bytes=self.bytes - sum(gone.values()) + sum(new.values()),
            of_types=tuple(of_types),
        )


@lru_cache(maxsize=10_000)  # thousands are asked for again and again, and nobody changes them
def _types_of(of_types: tuple[int, ...]) -> dict[str, int]:
    return {kind: count for kind, count in zip(TYPES, of_types, strict=True) if count}


class _File(NamedTuple):
    key: str
    size: int
    when: int


def nothing_in(status: os.stat_result) -> Tally:
    """Return what a folder holds that has no session files, by its status."""
    return Tally(status.st_mtime_ns, status.st_ino)


def counting(folder: Folder, apart: Collection[str] = ()) -> Generator[None, None, tuple[Tally, Tally]]:
    """Count the session files of a folder, some with each step; return all, and those of other keys than `apart`."""
    status = os.fstat(folder.handle)
    files: dict[str, _File] = {}
    is_plain = True
    with os.scandir(folder.handle) as entries:
        for number, entry in enumerate(entries, 1):
            key = folder.key_of(entry.name)
            if key is not None and entry.is_file(follow_symlinks=False):
                is_ours = folder.name_of(key) == entry.name
                is_plain = is_plain and is_ours
                if is_ours or key not in files:
                    with suppress(FileNotFoundError):  # deleted meanwhile
                        found = entry.stat(follow_symlinks=False)
                        size = folder.codec.size_in(found.st_size, entry.name)
                        files[key] = _File(key, size, found.st_mtime_ns // 1_000_000)
            if number % AT_ONCE == 0:
                yield
    nothing = replace(nothing_in(status), is_plain=is_plain)
    whole = _sum_up(nothing, list(files.values()))
    return whole, _sum_up(nothing, [one for key, one in files.items() if key not in apart]) if apart else whole


def _sum_up(tally: Tally, files: Sequence[_File]) -> Tally:
    of_types = [0] * len(TYPES)
    for file in files:
        of_types[_places[type_of_key(file.key)]] += 1
    return replace(
        tally,
        files=len(files),
        bytes=sum(file.size for file in files),
        last_write=max((file.when for file in files), default=0),
        of_types=tuple(of_types),
    )


def last_change(folder: Folder) -> int:
    """Return when a name in a folder changed last, in nanoseconds."""
    return os.fstat(folder.handle).st_mtime_ns


def file_sizes(root: int, path: str, codec: Codec, id_: str, keys: Iterable[str]) -> dict[str, int]:
    """Return the bytes of the values that some keys have in the folder of an instance, which is at `path` in `root`."""
    sizes = {}
    for key in keys:
        try:
            name = codec.encode_name(key, "key", id_)
            status = os.stat(f"{path}/{name}", dir_fd=root, follow_symlinks=False)
        except (FileNotFoundError, NotADirectoryError):
            continue
        if stat.S_ISREG(status.st_mode):
            sizes[key] = codec.size_in(status.st_size, name)
    return sizes
