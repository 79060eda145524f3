"""What stands in front of the tree: nothing is read, written or listed before a request has passed here."""

from __future__ import annotations

from hmac import compare_digest
from typing import Any

from twisted.web.resource import IResource, Resource
from twisted.web.server import NOT_DONE_YET

from sessionworker.errors import Unauthorized, WorkerError
from sessionworker.http.answers import answer_error, send
from sessionworker.http.ports import Asked
from sessionworker.http.request import WorkerRequest
from sessionworker.web.paths import check_path, is_session_file
from sessionworker.web.session_files import SessionFiles

OPEN = {(b"OPTIONS", b"/ping"), (b"GET", b"/health"), (b"HEAD", b"/health")}
"""What needs no token: the client's first question, and a health check, which tells no details."""


class Gate(Resource):
    """Checks the token and the raw path, then hands the request on. See `http.ports.Application`."""

    isLeaf = True

    def __init__(self, token: bytes, session_files: SessionFiles, tree: IResource) -> None:
        """Ask for `token` in front of `tree`, and of its leaf for session files, to which there is a shorter way."""
        super().__init__()
        self._token = token
        self._session_files = session_files
        self._tree = tree

    def render(self, request: WorkerRequest) -> Any:
        """Answer what is refused, and hand on what is not."""
        path = request.path
        try:
            if (request.method, path) not in OPEN:
                self._check_token(request)
            check_path(path, request.uri)
        except WorkerError as error:
            send(request, answer_error(request, error))
            return NOT_DONE_YET
        if is_session_file(path):
            return self._session_files.render(request)
        request.split_path()
        return self._tree.render(request)

    def refusal_of(self, request: Asked) -> WorkerError | None:
        """Return the reason for which a request is refused whatever its body is, if there is one."""
        try:
            self._check_token(request)
        except Unauthorized as error:
            return error
        return None

    def _check_token(self, request: Asked) -> None:
        """Raise Unauthorized unless the request carries the token."""
        headers = request.requestHeaders
        given = headers.getRawHeaders(b"apikey", ())
        if headers.hasHeader(b"Authorization"):
            given = [*given, *_bearers(headers.getRawHeaders(b"Authorization"))]
        if len(given) != 1 or not compare_digest(given[0], self._token):
            raise Unauthorized


def _bearers(values: list[bytes]) -> list[bytes]:
    """Return the tokens of the scheme Bearer (RFC 6750): another scheme is the business of a proxy before us."""
    found = (value.split(None, 1) for value in values)
    return [parts[-1] for parts in found if parts and parts[0].lower() == b"bearer"]
