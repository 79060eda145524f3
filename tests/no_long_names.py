"""What tests use in the place of a store's long names, where they ask for the names that a store gives."""

from __future__ import annotations

from sessionworker.stores.files.long_names import LongNames


class NoLongNames(LongNames):
    """Names that are all short."""

    def __init__(self) -> None:
        """Have none."""

    def get(self, _file_name: str) -> None:
        """Return none."""
