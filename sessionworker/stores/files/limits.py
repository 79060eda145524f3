"""How much may wait, and for how long. Each number stands in docs/operations.md, too."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """The bounds of one store; those of a store in a test are lower."""

    lag_seconds: float = 5.0
    """How long a file may lag behind what was acknowledged for it, while the disk keeps up."""

    summary_seconds: float = 600.0
    """How often it is written down what the instances hold, so that a start after a kill has little to count."""

    checkpoint_bytes: int = 32 * 2**20
    """Bytes that the journal may hold before a checkpoint begins at once."""

    journal_bytes: int = 128 * 2**20
    """Bytes that the journal may hold; a commit that would pass it waits for a checkpoint."""

    waiting_files: int = 20_000
    """Session files that may wait to be written; a commit that would pass it waits. A few seconds' work at the most, so
    that a worker that is told to stop can bring them up to date."""

    waiting_bytes: int = 64 * 2**20
    """Bytes of values that may wait in memory for their files; a commit that would pass it waits for a checkpoint."""

    apart_bytes: int = 32 * 2**20
    """Bytes of values that instances that are set apart may hold in memory, all together; past it, all writes are
    refused."""

    files_at_once: int = 250
    """Session files that a checkpoint syncs together; then waiting commits go on. More hold them up for longer."""

    large_value: int = 2**20
    """Bytes from which on a value is written beside the commits of others."""
