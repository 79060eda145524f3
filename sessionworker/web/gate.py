"""What stands in front of the tree: nothing is read, written or listed before a request has passed here."""

from __future__ import annotations

from hmac import compare_digest
from typing import Any
from urllib.parse import unquote_to_bytes

from twisted.web.resource import IResource, Resource
from twisted.web.server import NOT_DONE_YET

from sessionworker.errors import NameNotAllowed, NotFound, RequestNotAllowed, Unauthorized, WorkerError
from sessionworker.web.answers import answer_error, send
from sessionworker.web.request import WorkerRequest
from sessionworker.web.session_files import PARTS_BEFORE_KEY, SessionFiles, is_session_file

OPEN = {(b"OPTIONS", b"/ping"), (b"GET", b"/health"), (b"HEAD", b"/health")}
"""What needs no token: the client's first question, and a health check, which tells no details."""


class Gate(Resource):
    """Checks the token and the raw path, then hands the request on."""

    isLeaf = True

    def __init__(self, token: bytes, session_files: SessionFiles, tree: IResource) -> None:
        """Ask for `token` in front of `tree`, and of its leaf for session files, to which there is a shorter way."""
        super().__init__()
        self._token = token
        self._session_files = session_files
        self._tree = tree

    def render(self, request: WorkerRequest) -> Any:
        """Answer what is refused, and hand on what is not."""
        try:
            if (request.method, request.path) not in OPEN:
                self.check_token(request)
            _check_path(request)
        except WorkerError as error:
            send(request, answer_error(request, error))
            return NOT_DONE_YET
        if is_session_file(request.path):
            return self._session_files.render(request)
        request.split_path()
        return self._tree.render(request)

    def check_token(self, request: WorkerRequest) -> None:
        """Raise Unauthorized unless the request carries the token."""
        given = request.requestHeaders.getRawHeaders(b"apikey", ())
        if len(given) != 1 or not compare_digest(given[0], self._token):
            raise Unauthorized


def _check_path(request: WorkerRequest) -> None:
    path = request.path
    if not path.startswith(b"/") or path.startswith(b"//"):
        raise NotFound
    if path not in {request.uri, b"/ping"}:
        raise RequestNotAllowed("This path takes no query. A '?' in a key is sent as %3F.")
    if not path.isascii():
        raise RequestNotAllowed("A path holds ASCII only; anything else is sent as %XX, in UTF-8.")
    if b"%" in path:
        _check_escapes(path)


def _check_escapes(path: bytes) -> None:
    # The tree decodes before it routes, so an escaped slash in a name would make another name of what follows it.
    names = path if path.startswith(b"/admin/") else b"/".join(path.split(b"/", PARTS_BEFORE_KEY)[:PARTS_BEFORE_KEY])
    if b"%2f" in names.lower():
        raise NameNotAllowed("The name of a group or an instance cannot hold a slash.")
    try:
        unquote_to_bytes(path).decode()
    except UnicodeDecodeError:
        raise NameNotAllowed("A path must be UTF-8, escaped as %XX.") from None
