"""What a note is made of."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple


class Level(Enum):
    """What a note means for an account."""

    FAILURE = "failure"
    """It cannot be imported."""
    QUESTION = "question"
    """It is not imported, unless the operator says that it shall be."""
    WARNING = "warning"
    """It is imported, and somebody should know this."""
    INFORMATION = "information"
    """It is imported, and all is well."""


class Told(NamedTuple):
    """What a note says."""

    level: Level
    english: str
    portuguese: str
