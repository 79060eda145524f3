"""What an error of the database means for what was asked, and what a client and the log are told.

A text never holds what the database says: its messages quote values.
"""

from __future__ import annotations

from psycopg import Error, InterfaceError, OperationalError, errors

from sessionworker.errors import NoSpace, StoreUnavailable, WorkerError

_AGAIN = {"40001", "40P01"}
"""Somebody else was in between: serialization_failure, deadlock_detected (PostgreSQL, appendix A)."""

_FULL = {"53100"}

_ANOTHER = {"25006", "0A000", "26000", "42P05"}
"""Another connection may do: this server has become a standby; a statement was prepared for tables that have changed
since, or in another session, where something between us and the server lends sessions."""

_LOCKED = {"55P03"}

_OF_ONE = {"57014"} | _LOCKED | _AGAIN
"""Says nothing of the database as a whole."""

WORDS = {
    "25006": "it takes no writes now: it is a standby, or was made read-only",
    "28000": "it does not let this role in",
    "28P01": "the password is wrong",
    "3D000": "there is no such database",
    "40001": "others were in between each time",
    "40P01": "others were in between each time",
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

_REFUSED = {
    "password authentication failed": "28P01",
    "no pg_hba.conf entry": "28000",
    "too many clients": "53300",
    "too many connections": "53300",
    "remaining connection slots": "53300",
    "starting up": "57P03",
    "shutting down": "57P03",
    "read-only": "25006",
    "hot standby": "25006",
    "recovery mode": "57P03",
}
"""What a server says where it lets nobody in, in English: libpq has no SQLSTATE then."""

_GONE = "it cannot be reached, or the connection was lost"

UNKNOWN_OUTCOME = "it is not known whether it has made a change, or whether a standby has it"


class RowsLockedError(StoreUnavailable):
    """Somebody else keeps rows locked: nothing is the matter with the others."""


class OutcomeUnknownError(Error):
    """A transaction's end was sent, and it is not known what became of it."""

    def __init__(self, *, is_lost: bool = False) -> None:
        """Say whether its connection was lost by that."""
        super().__init__()
        self.is_lost = is_lost


class UnansweredError(OutcomeUnknownError):
    """So many of these wait at the server that nothing more is sent."""


def is_to_be_tried_again(error: Error) -> bool:
    """Tell whether a transaction was rolled back, and is to be begun anew."""
    return error.sqlstate in _AGAIN


def is_lost(error: Error) -> bool:
    """Tell whether the connection is of no more use."""
    if isinstance(error, OutcomeUnknownError):
        return error.is_lost
    state = error.sqlstate or ""
    is_gone = not state and isinstance(error, OperationalError | InterfaceError)
    is_end = error.diag.severity_nonlocalized in {"FATAL", "PANIC"}
    return is_gone or is_end or state in _ANOTHER or state.startswith(("08", "57P"))


def is_rolled_back(error: Error) -> bool:
    """Tell whether it is certain that nothing of a transaction stays whose end brought this error."""
    return bool(error.sqlstate) and (not is_lost(error) or error.sqlstate in _ANOTHER) and error.sqlstate != "40003"


def is_general(error: Error) -> bool:
    """Tell whether whatever else is asked of the database will bring the same error."""
    return (
        is_lost(error)
        or isinstance(error, OutcomeUnknownError)
        or (error.sqlstate in WORDS and error.sqlstate not in _OF_ONE)
    )


def refusal_for(error: Error) -> WorkerError:
    """Return what a client is told."""
    if error.sqlstate in _LOCKED:
        return RowsLockedError()
    return NoSpace() if error.sqlstate in _FULL else StoreUnavailable()


def reason_of(error: Error) -> str:
    """Return why something failed, in words that may be logged."""
    state = error.sqlstate
    if state is not None and state.startswith("08"):  # a pooler says so of its own connection to the server
        return _GONE
    if state is not None:
        return WORDS.get(state) or _unforeseen(error)
    if isinstance(error, OutcomeUnknownError):
        return UNKNOWN_OUTCOME
    said = str(error)
    found = [WORDS[code] for words, code in _REFUSED.items() if words in said]
    if found:
        return found[0]
    return _GONE if is_lost(error) else _unforeseen(error)


def _unforeseen(error: Error) -> str:
    kind = errors.lookup(error.sqlstate).__name__ if error.sqlstate else type(error).__name__
    return f"an error that was not foreseen, {kind}"
