"""Where things lie in a store.

<store>/codechat/sales/creds       group / instance / key, names escaped as `names` says; see `folders`
<store>/.sessionworker/            ours: the lock, the token, the journal, large values, dropped instances
"""

from __future__ import annotations

from dataclasses import dataclass

from sessionworker.names import encode_name
from sessionworker.stores.folders import InstanceFolder, Staged

OURS = ".sessionworker"
"""The folder in the store that is the worker's own."""


@dataclass(frozen=True)
class Layout:
    """The places of one store. `sync` tells whether what is written there waits for the disk."""

    root: str
    sync: bool

    @property
    def ours(self) -> str:
        """The folder that is the worker's own."""
        return f"{self.root}/{OURS}"

    def group(self, name: str) -> str:
        """Return the path of a group's folder."""
        return f"{self.root}/{encode_name(name)}"

    def instance(self, group: str, name: str) -> InstanceFolder:
        """Return an instance's folder, which need not exist."""
        return InstanceFolder(f"{self.group(group)}/{encode_name(name)}", sync=self.sync)

    @property
    def staging(self) -> str:
        """The folder of large values that are not their keys' files yet."""
        return f"{self.ours}/staged"

    def staged(self, name: str) -> Staged:
        """Return the place of one of them."""
        return Staged(f"{self.staging}/{encode_name(name)}")
