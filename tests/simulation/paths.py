"""As much of pathlib as the file store of 0.1.0 uses, on the simulated disk."""

from __future__ import annotations

import posixpath
from fnmatch import fnmatchcase
from typing import Any

from tests.simulation.operating import Operating


class SimulatedPath:
    """As pathlib.Path."""

    __slots__ = ("_path", "_system")

    def __init__(self, system: Operating, path: str) -> None:
        """Speak of a path on the disk of `system`."""
        self._system = system
        self._path = path

    def __truediv__(self, name: str) -> SimulatedPath:
        return SimulatedPath(self._system, f"{self._path}/{name}")

    def __fspath__(self) -> str:
        """Return it as text, as os.fspath asks for it."""
        return self._path

    def __str__(self) -> str:
        return self._path

    def __lt__(self, other: SimulatedPath) -> bool:
        return self._path < other._path

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SimulatedPath) and self._path == other._path

    def __hash__(self) -> int:
        return hash(self._path)

    @property
    def name(self) -> str:
        """The last part."""
        return posixpath.basename(self._path)

    @property
    def parent(self) -> SimulatedPath:
        """All but the last part."""
        return SimulatedPath(self._system, posixpath.dirname(self._path))

    def absolute(self) -> SimulatedPath:
        """Return itself: only absolute ones are used."""
        return self

    def exists(self) -> bool:
        """Tell whether something stands there; unlike os.path.exists this raises errors."""
        try:
            self._system.stat(self._path)
        except (FileNotFoundError, NotADirectoryError):
            return False
        return True

    def stat(self) -> Any:
        """As os.stat."""
        return self._system.stat(self._path)

    def rename(self, target: SimulatedPath) -> None:
        """As os.rename."""
        self._system.rename(self._path, target._path)

    def unlink(self, *, missing_ok: bool = False) -> None:
        """As os.unlink."""
        try:
            self._system.unlink(self._path)
        except FileNotFoundError:
            if not missing_ok:
                raise

    def read_bytes(self) -> bytes:
        """Return what a file holds."""
        with self._system.fdopen(self._system.open(self._path, self._system.O_RDONLY), "rb") as opened:
            return opened.read()

    def glob(self, pattern: str) -> list[SimulatedPath]:
        """Return those in the folder whose names match; as pathlib does, this takes no folder for an empty one."""
        try:
            names = self._system.listdir(self._path)
        except (FileNotFoundError, NotADirectoryError, PermissionError):
            return []
        return [self / name for name in names if fnmatchcase(name, pattern)]
