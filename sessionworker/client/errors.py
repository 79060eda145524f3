"""What a call may raise, by what the worker said, or did not say."""

from __future__ import annotations

from http import HTTPStatus

import msgspec

from sessionworker import errors
from sessionworker.wire import ErrorForm

NOT_THE_FORM = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What decoding an answer raises."""


class ClientError(Exception):
    """A call that did not succeed."""


class NoAnswer(ClientError):
    """No whole answer came. Whether the worker made a change that it was asked for is not known."""


class ConnectionFailed(NoAnswer):
    """No connection could be made, or it was lost."""


class TimedOut(NoAnswer):
    """The call took longer than the client's time limit."""


class Refused(ClientError):
    """The worker, or something in front of it, answered with another status than that of success.

    `status` is the HTTP status, `message` the sentence that came with it. `retry_after` is the number of seconds after
    which the worker asked to be tried again, or None.
    """

    def __init__(self, status: int, message: str, retry_after: int | None = None) -> None:
        """Keep what was answered."""
        super().__init__(status, message, retry_after)
        self.status = status
        self.message = message
        self.retry_after = retry_after

    def __str__(self) -> str:
        """Show the status and the sentence."""
        return f"{self.status}: {self.message}"


class NotAllowed(Refused):
    """A name that is not allowed, or a value that is not JSON (400)."""


class Unauthorized(Refused):
    """The token is not the worker's (401)."""


class NotFound(Refused):
    """There is nothing under the name that was given (404)."""


class NoSuchGroup(NotFound):
    """A group that nobody created."""


class NoSuchInstance(NotFound):
    """An instance that nobody created, or that was dropped."""


class NoSuchKey(NotFound):
    """A key that holds nothing. `read` gives None for it."""


class NoSuchVersion(NotFound):
    """A version of `creds` that does not exist, or is not kept any more."""


class NoSuchDrop(NotFound):
    """A dropped instance that does not exist, or is not kept any more."""


class Conflict(Refused):
    """The worker holds something else, or for somebody else (409)."""


class HeldElsewhere(Conflict):
    """Another owner holds the instance (409). Nothing was changed."""

    @property
    def seconds(self) -> int:
        """Until that owner's lease ends, if it asks for nothing more."""
        return self.retry_after or 1


class NameTaken(Conflict):
    """An instance cannot be brought back under a name that another one has (409)."""


class BodyTooLarge(Refused):
    """A value over the worker's limit (413)."""


class Unavailable(Refused):
    """The worker has too much to do, or its store cannot be used now (503). `retry_after` says when to come back."""


class Overloaded(Unavailable):
    """The worker has too much to do (503), and has done nothing of the call: it may be made again, whatever it asks."""


class NoSpace(Refused):
    """The worker's disk is full (507). The key still holds what it held."""


class UnexpectedAnswer(Refused):
    """An answer that says success, but not in the worker's words: the URL is probably not a worker's."""


_BY_STATUS: dict[int, type[Refused]] = {
    HTTPStatus.BAD_REQUEST: NotAllowed,
    HTTPStatus.UNAUTHORIZED: Unauthorized,
    HTTPStatus.NOT_FOUND: NotFound,
    HTTPStatus.CONFLICT: Conflict,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: BodyTooLarge,
    HTTPStatus.SERVICE_UNAVAILABLE: Unavailable,
    HTTPStatus.INSUFFICIENT_STORAGE: NoSpace,
}

# A 404 tells what is missing by its sentence alone, a 409 what is in the way, and a 503 whether anything is broken.
# A 404 that is not known here stays a NotFound: nobody may take it for a key that holds nothing, and make a new
# identity in its place.
_BY_MESSAGE: dict[str, type[Refused]] = {
    errors.NoSuchGroup.message: NoSuchGroup,
    errors.NoSuchInstance.message: NoSuchInstance,
    errors.NoSuchKey.message: NoSuchKey,
    errors.NoSuchVersion.message: NoSuchVersion,
    errors.NoSuchDrop.message: NoSuchDrop,
    errors.HeldElsewhere.message: HeldElsewhere,
    errors.NameTaken.message: NameTaken,
    errors.Overloaded.message: Overloaded,
    errors.Overloaded.too_many_connections: Overloaded,
}


def refusal_of(status: int, retry_after: str | None, body: bytes) -> Refused:
    """Return what an answer of another status than that of success means."""
    try:
        message = " ".join(msgspec.json.decode(body, type=ErrorForm).message)
    except NOT_THE_FORM:
        message = "This answer is not in a worker's form: something else answers at the URL."
    kind = UnexpectedAnswer if status < HTTPStatus.MULTIPLE_CHOICES else _BY_STATUS.get(status, Refused)
    found = _BY_MESSAGE.get(message)
    if found is not None and issubclass(found, kind):
        kind = found
    return kind(status, message, int(retry_after) if retry_after and retry_after.isdecimal() else None)
