"""What stands in front of the tree: nothing is read, written or listed before a request has passed here."""

from __future__ import annotations

from hmac import compare_digest

from twisted.web.http import Request
from twisted.web.resource import IResource, Resource
from twisted.web.server import NOT_DONE_YET

from sessionworker.errors import NameNotAllowed, NotFound, RequestNotAllowed, Unauthorized, WorkerError
from sessionworker.web.answers import answer_error


class Gate(Resource):
    """Checks the token and the raw path, then hands the request on."""

    isLeaf = True

    def __init__(self, token: bytes, behind: IResource) -> None:
        """Ask for `token` in front of `behind`."""
        super().__init__()
        self._token = token
        self._behind = behind

    def render(self, request: Request) -> int | bytes:
        """Answer what is refused, and hand on what is not."""
        try:
            self.check_token(request, request.method, request.path)
            _check_path(request)
        except WorkerError as error:
            body = answer_error(request, error)
            request.write(body)
            request.finish()
            return NOT_DONE_YET
        return self._behind.render(request)

    def check_token(self, request: Request, method: bytes, path: bytes) -> None:
        """Raise Unauthorized unless the request carries the token, or needs none.

        Method and path are given apart from the request, which does not know them before its body has come.
        """
        if path == b"/ping" and method == b"OPTIONS":
            return
        given = request.requestHeaders.getRawHeaders(b"apikey", ())
        if len(given) != 1 or not compare_digest(given[0], self._token):
            raise Unauthorized


def _check_path(request: Request) -> None:
    path = request.path
    if not path.startswith(b"/"):
        raise NotFound
    if request.uri != path and path.startswith(b"/session"):
        raise RequestNotAllowed("This path takes no query. A '?' in a key is sent as %3F.")
    if b"%" not in path:
        if not path.isascii():
            raise RequestNotAllowed("A path holds ASCII only; anything else is sent as %XX, in UTF-8.")
        return
    # The tree decodes before it routes, so an escaped slash in a name would make another name of what follows it.
    if b"%2f" in b"/".join(path.split(b"/", 4)[:4]).lower():
        raise NameNotAllowed("The name of a group or an instance cannot hold a slash.")
    try:
        b"/".join(request.postpath).decode()
    except UnicodeDecodeError:
        raise NameNotAllowed("A path must be UTF-8.") from None
