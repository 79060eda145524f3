"""What the parts of the machine need of each other, and of what they are handed from outside."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from twisted.internet.interfaces import IReactorTime

from sessionworker.errors import WorkerError
from sessionworker.http.heads import KnownHeaders
from sessionworker.http.limits import Bodies
from sessionworker.http.room import Answers


class Asked(Protocol):
    """A request whose headers have come, as whoever judges and watches it sees it."""

    method: bytes
    path: bytes
    uri: bytes
    requestHeaders: Any
    code: int
    is_strange: bool
    """Whether it had no right token when its body began to come, which was not kept then."""

    def getClientAddress(self) -> Any:
        """Return where it came from."""


class Answerable(Protocol):
    """A request, as whoever answers it sees it."""

    content_type: bytes
    """Of the answer; empty for one that has no body and so no length."""
    channel: Any
    site: Site

    def setResponseCode(self, code: int, message: bytes | None = None) -> None:
        """Set the status."""

    def setHeader(self, name: str, value: str) -> None:
        """Set another header of the answer."""

    def write(self, data: bytes) -> None:
        """Send the whole answer."""

    def finish(self) -> None:
        """End the request."""


class Application(Protocol):
    """What the machine serves; a resource of Twisted's."""

    credential: bytes
    """The name of the header that says who asks, in lower case."""

    def refusal_of(self, request: Asked) -> WorkerError | None:
        """Return the reason for which a request is refused whatever its body is, if there is one."""

    def turn_away(self, request: Asked, answer: Callable[..., object], *arguments: object) -> None:
        """Call what answers a request that is refused for its token, now or later."""

    def render(self, request: Any) -> Any:
        """Answer a request that has come whole."""


class Watcher(Protocol):
    """Who is told what happens."""

    def answered(self, request: Asked, seconds: float) -> None:
        """Take note of a request that was answered, so many seconds after it had come whole."""

    def refused(self, status: int) -> None:
        """Take note of a request that was refused before it had come whole."""

    def late(self, seconds: float) -> None:
        """Take note of how late the reactor is."""


class OneOfMany(Protocol):
    """A connection, as the site sees it."""

    def drain(self, last_seconds: float) -> None:
        """Answer what is under way, and what comes until nothing has come for so long, and close."""

    def abort(self) -> None:
        """Close at once."""

    def close_when_late(self, now: float) -> None:
        """Close if the deadline has passed."""


class Site(Protocol):
    """The site, as a connection and its requests see it."""

    application: Application
    watcher: Watcher
    reactor: IReactorTime
    body_size: int
    bodies: Bodies
    answers: Answers
    known_headers: KnownHeaders
    is_draining: bool
    date: bytes
    channels: set[OneOfMany]
    """The connections that are open."""
    strangers: dict[Any, float]
    """Since when those of them are open that have shown no right token, oldest first; in the reactor's seconds."""

    def opened(self, channel: OneOfMany) -> bool:
        """Count a connection in; tell whether there may be so many."""

    def lost(self, channel: OneOfMany) -> None:
        """Forget a connection."""


class Channel(Protocol):
    """A connection, as its requests see it."""

    site: Site

    def take_chunk(self, size: int, so_far: int) -> bool:
        """Tell whether a part of a body may be kept, after `so_far` bytes of it; if not, the client has been told."""

    def send(self, data: bytes) -> None:
        """Send a small answer, or the beginning of a large one."""

    def send_more(self, piece: bytes) -> None:
        """Send more of a large answer."""

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """Have a producer paused while the client reads nothing."""

    def unregisterProducer(self) -> None:
        """Let go of the producer."""

    def loseConnection(self) -> None:
        """Close."""
