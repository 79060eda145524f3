"""What is made of measurements, and looked up of processes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

MIB = 2**20


def resident_bytes(pid: int, field: str = "VmRSS") -> int:
    """Return a process' memory as Linux counts it; `VmHWM` is the most it ever had."""
    status = Path(f"/proc/{pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith(f"{field}:"))
    return int(line.split()[1]) * 1024


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value below which so great a share of all lies."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]
