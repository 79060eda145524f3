"""What stands in front of the tree: nothing is read, written or listed before a request has passed here."""

from __future__ import annotations

import re
from collections.abc import Callable
from ipaddress import ip_address
from typing import Any

from twisted.web.resource import IResource, Resource
from twisted.web.server import NOT_DONE_YET

from sessionworker.access import Access, Grant
from sessionworker.errors import Misdirected, Unauthorized, WorkerError
from sessionworker.http.answers import answer_error, send
from sessionworker.http.ports import Asked
from sessionworker.http.request import WorkerRequest
from sessionworker.web.many_keys import ManyKeys
from sessionworker.web.paths import check_path, group_in, is_instance, is_session_file, right_to
from sessionworker.web.session_files import SessionFiles
from sessionworker.web.throttle import Throttle
from sessionworker.web.watching import network_of

OPEN = {(b"OPTIONS", b"/ping"), (b"GET", b"/health"), (b"HEAD", b"/health")}
"""What needs no token: the client's first question, and a health check, which tells no details."""


_port = re.compile(r":[0-9]*\Z")


class Gate(Resource):
    """Checks the token, the raw path and what the token is for, then hands the request on.

    See `http.ports.Application`. Whoever shows wrong tokens again and again waits for the answers.
    """

    isLeaf = True
    credential = b"apikey"

    def __init__(
        self,
        access: Access,
        throttle: Throttle,
        session_files: SessionFiles,
        many_keys: ManyKeys,
        tree: IResource,
        hosts: frozenset[str] | None = None,
    ) -> None:
        """Ask for a token in front of `tree`, and of its leaves for session files, to which there is a shorter way.

        With `hosts`, only those names may be asked for, and any address.
        """
        super().__init__()
        self._hosts = hosts
        self._access = access
        self._throttle = throttle
        self._session_files = session_files
        self._many_keys = many_keys
        self._tree = tree

    def render(self, request: WorkerRequest) -> Any:
        """Answer what is refused, and hand on what is not."""
        path = request.path
        try:
            if self._hosts is not None:
                check_host(request, self._hosts)
            if (request.method, path) in OPEN:
                check_path(path, request.uri)
            else:
                request.known = grant = self._grant_of(request)
                request.site.strangers.pop(request.channel, None)
                check_path(path, request.uri)
                _check_right(grant, request)
        except Unauthorized as error:
            self.turn_away(request, send, request, answer_error(request, error))
            return NOT_DONE_YET
        except WorkerError as error:
            send(request, answer_error(request, error))
            return NOT_DONE_YET
        if is_session_file(path):
            return self._session_files.render(request)
        if request.method == b"POST" and is_instance(path):
            return self._many_keys.render(request)
        request.split_path()
        return self._tree.render(request)

    def refusal_of(self, request: Asked) -> WorkerError | None:
        """Return the reason for which a request is refused whatever its body is, if there is one."""
        try:
            self._grant_of(request)
        except Unauthorized as error:
            return error
        return None

    def turn_away(self, request: Asked, answer: Callable[..., object], *arguments: object) -> None:
        """Call what answers a request that is refused for its token: late, where there were many from its network."""
        self._throttle.call(network_of(request), answer, *arguments)

    def _grant_of(self, request: Asked) -> Grant:
        """Return what the token of a request opens. Raises Unauthorized unless it carries one."""
        headers = request.requestHeaders
        given = headers.getRawHeaders(self.credential, ())
        if headers.hasHeader(b"Authorization"):
            given = [*given, *_bearers(headers.getRawHeaders(b"Authorization"))]
        grant = self._access.grant_of(given[0]) if len(given) == 1 else None
        if grant is None or request.is_strange:  # its body is gone, whatever token may be in force by now
            raise Unauthorized
        return grant


def check_host(request: Asked, hosts: frozenset[str]) -> None:
    """Raise Misdirected, unless a request asks for one of some names, or for an address.

    A page in a browser can have a name of its own lead here (DNS rebinding), and an address never.
    """
    given = request.requestHeaders.getRawHeaders(b"Host", [b""])[0].decode("latin-1")
    name = _port.sub("", given).lower().removesuffix(".")
    if name in hosts:
        return
    try:
        ip_address(name.strip("[]"))
    except ValueError:
        raise Misdirected from None


def _check_right(grant: Grant, request: Asked) -> None:
    """Raise Forbidden, unless a token is for what a request asks for."""
    right = right_to(request.method, request.path)
    if right is not None:
        grant.check(right)
    if grant.groups is not None:
        group = group_in(request.path)
        if group is not None:
            grant.check_group(group)


def _bearers(values: list[bytes]) -> list[bytes]:
    """Return the tokens of the scheme Bearer (RFC 6750): another scheme is the business of a proxy before us."""
    found = (value.split(None, 1) for value in values)
    return [parts[-1] for parts in found if parts and parts[0].lower() == b"bearer"]
