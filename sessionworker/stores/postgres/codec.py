"""How names and values lie in the tables: as they are, or sealed."""

from __future__ import annotations

from typing import Protocol


class Codec(Protocol):
    """Writes names and values as they are to lie in the tables, and reads them."""

    def name(self, name: str, *place: str) -> bytes:
        """Return what stands for a name of a place: a group, an instance of a group, a key of an instance's id."""

    def open_name(self, data: bytes, *place: str) -> str:
        """Return the name of a place that something stands for."""

    def seal(self, value: bytes, *bound: str) -> bytes:
        """Return what is stored for a value that is bound to what it is."""

    def open(self, data: bytes, *bound: str) -> bytes | None:
        """Return the value that was stored so; None where it is broken."""


class Plain:
    """All as it is."""

    @staticmethod
    def name(name: str, *_place: str) -> bytes:
        """Return the name in UTF-8."""
        return name.encode()

    @staticmethod
    def open_name(data: bytes, *_place: str) -> str:
        """Return the name."""
        return data.decode(errors="backslashreplace")

    @staticmethod
    def seal(value: bytes, *_bound: str) -> bytes:
        """Return the value."""
        return value

    @staticmethod
    def open(data: bytes, *_bound: str) -> bytes:
        """Return the value."""
        return data
