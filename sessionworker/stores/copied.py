"""What a store says that a copy was made into, or is being made; see `transfer`."""

from __future__ import annotations

from sessionworker.errors import StartError

UNFINISHED, FINISHED = "unfinished", "finished"
"""What the mark of such a store says."""


def unfinished(store: str) -> StartError:
    """Return what a start is refused with where a store holds a part of a copy."""
    return StartError(
        f"The store {store} holds a part of a copy: 'sessionworker copy' was ended before it had all, or is under way. "
        "Run it again to its end."
    )
