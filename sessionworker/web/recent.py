"""What there was in the last seconds, for charts: what the metrics count for ever begins anew here."""

from __future__ import annotations

from msgspec import Struct


class Recent(Struct):
    """What there was since somebody asked last."""

    requests: int = 0
    failures: int = 0
    """Requests that were answered with a status of 500 or more."""
    changes: int = 0
    """That were made durable."""
    slowest_sync: float | None = None
    """Seconds; None where there was no sync."""
    lag: float = 0.0
    """Seconds that the reactor was late, at the most."""
