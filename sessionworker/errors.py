"""What can go wrong, by the field's names, each with the HTTP status that a client sees.

A message is a sentence that a person can act on. It never holds a token, a key's name or a value of a session file.
"""

from __future__ import annotations

from http import HTTPStatus
from math import ceil


class WorkerError(Exception):
    """Something that the worker answers with an error status.

    `status` is the HTTP status, `message` the sentence for a person, `headers` what the answer must carry besides.
    """

    status = HTTPStatus.INTERNAL_SERVER_ERROR
    message = "The worker failed. Its log says more."

    def __init__(self, message: str | None = None) -> None:
        """Keep `message`, or the class's own where none is given."""
        if message is not None:
            self.message = message
        super().__init__(self.message)

    @property
    def headers(self) -> dict[str, str]:
        """The headers that the answer carries besides its body."""
        return {}


class NameNotAllowed(WorkerError):
    """A group, an instance or a key that cannot be stored under that name."""

    status = HTTPStatus.BAD_REQUEST
    message = "That name is not allowed."


class BodyNotAllowed(WorkerError):
    """A body that is not what the protocol asks for."""

    status = HTTPStatus.BAD_REQUEST
    message = "The body is not what this path asks for."


class LabelNotAllowed(BodyNotAllowed):
    """A label that is none."""

    message = "A label is one line of at most 100 characters, without control characters."


class CredsNotAllowed(BodyNotAllowed):
    """`creds` that are none: taken, they would have to be refused to the client that asks for them."""

    message = "The 'creds' of an instance must be a JSON object."


class RequestNotAllowed(WorkerError):
    """A request that is not well-formed HTTP, or that means two things at once."""

    status = HTTPStatus.BAD_REQUEST
    message = "The request is not well formed."


class Unauthorized(WorkerError):
    """No token, a wrong one, or more than one."""

    status = HTTPStatus.UNAUTHORIZED
    message = "The header 'apikey' (or 'Authorization: Bearer ...') must hold the worker's token, once."

    @property
    def headers(self) -> dict[str, str]:
        """A 401 names its schemes (RFC 9110, section 11.6.1)."""
        return {"WWW-Authenticate": "apikey, Bearer"}


class Forbidden(WorkerError):
    """A right token, for something else."""

    status = HTTPStatus.FORBIDDEN
    message = "This token is not for that."


class Misdirected(WorkerError):
    """A request for a name that the worker is not to be called by."""

    status = HTTPStatus.MISDIRECTED_REQUEST
    message = "This worker is not called by that name. SESSIONWORKER_HOSTS lists the names that are."


class NotFound(WorkerError):
    """A path that is no route."""

    status = HTTPStatus.NOT_FOUND
    message = "There is nothing at this path."


class NoSuchGroup(NotFound):
    """A group that nobody created."""

    message = "This group does not exist. Create it with POST /session."


class NoSuchInstance(NotFound):
    """An instance that nobody created, or that was dropped."""

    message = "This instance does not exist. Create it with POST /session/<group>."


class NoSuchKey(NotFound):
    """A key that holds nothing."""

    message = "This key holds nothing."


class NoSuchVersion(NotFound):
    """A version of `creds` that does not exist, or is not kept any more."""

    message = "This version does not exist, or is not kept any more."


class NoSuchDrop(NotFound):
    """A dropped instance that does not exist, or is not kept any more."""

    message = "No instance was dropped under this name and number, or it is not kept any more."


class NameTaken(WorkerError):
    """An instance cannot be brought back under a name that another one has."""

    status = HTTPStatus.CONFLICT
    message = "An instance with this name exists. Drop it first, or bring this one back under another name."


class HeldElsewhere(WorkerError):
    """An instance that another owner has, for some seconds more at least."""

    status = HTTPStatus.CONFLICT
    message = "Another owner holds this instance."

    def __init__(self, seconds: float) -> None:
        """Tell for how many seconds the other one has it, if it asks for nothing more."""
        super().__init__()
        self.seconds = max(1, ceil(seconds))

    @property
    def headers(self) -> dict[str, str]:
        """Tell the client when to come back, in seconds (RFC 9110, section 10.2.3)."""
        return {"Retry-After": str(self.seconds)}


class ConditionFailed(WorkerError):
    """What a batch was about has changed since."""

    status = HTTPStatus.CONFLICT
    message = "Something else was written meanwhile."


class MethodNotAllowed(WorkerError):
    """A known path, asked with a method that it does not have."""

    status = HTTPStatus.METHOD_NOT_ALLOWED

    def __init__(self, allowed: str) -> None:
        """Name the methods that the path has, as the header `Allow` lists them."""
        super().__init__(f"This path allows {allowed} only.")
        self.allowed = allowed

    @property
    def headers(self) -> dict[str, str]:
        """A 405 names the methods that the path has (RFC 9110, section 15.5.6)."""
        return {"Allow": self.allowed}


class BodyTooLarge(WorkerError):
    """A body over the limit."""

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE

    def __init__(self, limit: int) -> None:
        """Name the limit, given in bytes."""
        super().__init__(f"The body is larger than {limit / 2**20:g} MiB, the limit set by BODY_SIZE.")


class TooManyKeys(WorkerError):
    """More keys in one request than one may have."""

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE

    def __init__(self, limit: int) -> None:
        """Name the limit."""
        super().__init__(f"At most {limit:,} keys in one request.")


class InstanceTooLarge(WorkerError):
    """An instance whose values are too many to be read at once."""

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE

    def __init__(self, limit: int) -> None:
        """Name the limit, in bytes."""
        super().__init__(f"This instance holds more than {limit / 2**20:g} MiB, too much for one answer.")


class Overloaded(WorkerError):
    """More work waits than the worker may hold."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    message = "Too much work is waiting. Try again in a moment."
    too_many_connections = "Too many connections are open. Try again in a moment."

    @property
    def headers(self) -> dict[str, str]:
        """Tell the client when to come back, in seconds (RFC 9110, section 10.2.3)."""
        return {"Retry-After": "1"}


class StoreUnavailable(WorkerError):
    """The store cannot read or write now; what it acknowledged before is kept."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    message = "The store cannot read or write now. What was stored before is kept. The worker's log says more."

    @property
    def headers(self) -> dict[str, str]:
        """Tell the client when to come back, in seconds (RFC 9110, section 10.2.3)."""
        return {"Retry-After": "5"}


class NoSpace(WorkerError):
    """The disk is full, or the user is over quota; the old value is still there."""

    status = HTTPStatus.INSUFFICIENT_STORAGE
    message = "There is no space left to store this. The old value is still there."


class StartError(Exception):
    """A reason not to start, told to the operator in one line."""


def no_packages_for_a_database() -> StartError:
    """Return what is told where a database is asked for, and the extra was not installed."""
    return StartError("A database as a store needs more packages: pip install 'sessionworker[postgresql]'.")
