"""How a command ends: exit statuses that a script can tell apart, each with one sentence."""

from __future__ import annotations

from enum import IntEnum

import click


class Code(IntEnum):
    """Exit statuses. One that is not here is a failure, too."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    """The command line makes no sense."""
    PARTLY = 3
    """Some of it is done; what is not was listed."""
    FOUND = 4
    """All was looked at, and something needs a person."""
    NO_WORKER = 10
    """No worker answers, or there is no store."""
    IN_USE = 11
    """Another worker has the store."""
    TOKEN_REFUSED = 12
    INTERRUPTED = 130
    """Ctrl-C, or SIGTERM."""


class Stop(click.ClickException):
    """Ends a command with a sentence, on standard error, and an exit status."""

    def __init__(self, message: str, code: Code = Code.FAILED) -> None:
        """Keep both."""
        super().__init__(message)
        self.exit_code = int(code)  # type: ignore[misc]  # each has its own
