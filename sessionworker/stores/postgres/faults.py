"""What a database says went wrong: what that means for what was asked, and what a client and the log are told.

A text never holds what the database says: its messages quote values.
"""

from __future__ import annotations

from psycopg import Error, InterfaceError, OperationalError, errors

from sessionworker.errors import NoSpace, StoreUnavailable, WorkerError

_AGAIN = {"40001", "40P01"}
"""Somebody else was in between: serialization_failure, deadlock_detected (PostgreSQL, appendix A)."""

_FULL = {"53100"}

_ELSEWHERE = {"25006"}
"""This server takes no writes any more: it has become a standby."""

WORDS = {
    "25006": "it takes no writes now: it is a standby, or was made read-only",
    "28000": "it does not let this role in",
    "28P01": "the password is wrong",
    "3D000": "there is no such database",
    "42501": "this role may not do what is needed",
    "42P01": "its tables are gone",
    "3F000": "its schema is gone",
    "53100": "its disk is full",
    "53200": "it has no memory left",
    "53300": "it takes no more connections",
    "55P03": "something else keeps rows locked",
    "57014": "it did not answer in time",
    "57P01": "it is being stopped",
    "57P02": "it has crashed",
    "57P03": "it is starting, or being stopped",
}
"""What a person is told, by SQLSTATE."""


def is_to_be_tried_again(error: Error) -> bool:
    """Tell whether a transaction was rolled back, and is to be begun anew."""
    return error.sqlstate in _AGAIN


def is_lost(error: Error) -> bool:
    """Tell whether the connection is of no more use."""
    state = error.sqlstate or ""
    is_gone = not state and isinstance(error, OperationalError | InterfaceError)
    return is_gone or state in _ELSEWHERE or state.startswith(("08", "57P"))


def is_rolled_back(error: Error) -> bool:
    """Tell whether it is certain that nothing of a transaction stays whose end brought this error."""
    return bool(error.sqlstate) and not is_lost(error) and error.sqlstate != "40003"


def refusal_for(error: Error) -> WorkerError:
    """Return what a client is told."""
    return NoSpace() if error.sqlstate in _FULL else StoreUnavailable()


def reason_of(error: Error) -> str:
    """Return why something failed, in words that may be logged."""
    state = error.sqlstate
    if state is None:
        return "it cannot be reached, or the connection was lost" if is_lost(error) else _unforeseen(error)
    return WORDS.get(state) or _unforeseen(error)


def _unforeseen(error: Error) -> str:
    kind = errors.lookup(error.sqlstate).__name__ if error.sqlstate else type(error).__name__
    return f"an error that was not foreseen, {kind}"
