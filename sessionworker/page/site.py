"""The site of the page: its routes, and what all of them have in common.

All links are relative, and the cookie has the path that it was given at: so it works below any path of a proxy.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from http import HTTPStatus
from typing import Any, TypeAlias

from klein import Klein
from twisted.internet.defer import CancelledError, Deferred, DeferredSemaphore, maybeDeferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.server import Request
from werkzeug.exceptions import HTTPException
from werkzeug.routing import PathConverter, RequestRedirect

from sessionworker.errors import NotFound, WorkerError
from sessionworker.names import check_name
from sessionworker.page.bounds import PageSite
from sessionworker.page.looking import Looking
from sessionworker.page.rendering import (
    answer,
    compose,
    frame,
    path_of,
    redirect,
    render,
    root_of,
    set_headers,
    set_language,
    speaking_to,
    static_files,
)
from sessionworker.page.sessions import Session
from sessionworker.page.signing_in import SigningIn
from sessionworker.page.uploads import Uploads

Context: TypeAlias = Mapping[str, Any]
Show: TypeAlias = Callable[[], Context]
"""Makes what a template shows."""

View: TypeAlias = Callable[..., Deferred[Show]]
"""Is given a request and what is in its path. What it returns is called in a thread, and says what a template shows."""

InThread: TypeAlias = Callable[[Callable[[], Any]], Deferred[Any]]
"""Calls something in a thread."""

_log = Logger()


class _Rest(PathConverter):
    """The rest of a path, which may have names that have several lines."""

    regex = "(?s:[^/].*?)"


class Routes:
    """Adds routes to the tree. All below are for those who are signed in."""

    def __init__(self, app: Klein, signing_in: SigningIn, looking: Looking, in_thread: InThread) -> None:
        """Add to `app`. Pages are made `in_thread`: a list takes longer than many writes."""
        self.app = app
        self.signing_in = signing_in
        self.looking = looking
        self._in_thread = in_thread
        self._turns = DeferredSemaphore(1)  # threads that compute keep each other, and the reactor, waiting

    def page(self, path: str, template: str, view: View) -> None:
        """Show a template at a path: what `view` returns is in it."""

        def show(request: Request, **names: str) -> Any:
            session = self.signing_in.session_of(request)
            if session is None:
                self.looking.prepare_rows()
                return self.signing_in.ask(request)
            check_names(names)
            worker = self.looking.overview()  # before the view waits: both wait at once
            done = maybeDeferred(view, request, **names)
            done.addCallback(partial(self._show, request, template, session, worker))
            return done.addErrback(partial(failed, request, session))

        show.__name__ = f"show_{template}"
        self.app.route(path, methods=["GET"])(show)

    def _show(
        self, request: Request, template: str, session: Session, worker: Deferred[Any], show: Show
    ) -> Deferred[bytes]:
        """Show what a view found, and what each page tells of the worker."""
        path = request.path.decode("ascii", "replace").removeprefix("/ui/")
        speaking, root, around = speaking_to(request), root_of(request), frame(session)
        around |= {"here_path": path, "label_of": self.looking.label_of}

        def make(seen: object) -> Deferred[bytes]:
            def page() -> bytes:
                return compose(speaking, root, template, {**around, "worker": seen, **show()})

            return self._turns.run(self._in_thread, page)

        return worker.addCallback(make).addCallback(partial(answer, request))


def check_names(names: Mapping[str, str]) -> None:
    """Raise NameNotAllowed or NotFound for what an address names, where there can be nothing of such a name."""
    for part, what in (("group", "group"), ("name", "instance")):
        if part in names:
            check_name(what, names[part])
    if any("\x00" in name for name in names.values()):
        raise NotFound


def failed(request: Request, session: Session | None, failure: Failure) -> bytes:
    """Say what did not succeed, in the frame of a page."""
    error = failure.value
    status, reason = HTTPStatus.INTERNAL_SERVER_ERROR, ""
    if isinstance(error, WorkerError):
        status, reason = HTTPStatus(error.status), error.message
    elif isinstance(error, RequestRedirect):  # it lacks a slash at its end, or has one too many
        status = HTTPStatus.NOT_FOUND
    elif isinstance(error, HTTPException):
        status = HTTPStatus(error.code or status)
    elif isinstance(error, CancelledError):  # whoever asked has gone
        return b""
    else:
        _log.failure("A page could not be shown", failure, event="page_failed")
    problem = {"code": int(status), "reason": reason, "worker": None, "here": ""}
    return render(request, "problem.html", status=status, **problem, **frame(session))


def build_page(
    reactor: IReactorTime,
    signing_in: SigningIn,
    looking: Looking,
    in_thread: InThread,
    add: Callable[[Routes], None],
    hosts: frozenset[str] | None = None,
) -> PageSite:
    """Build the site, with the pages that `add` adds, which are made `in_thread`; with `hosts`, for those names."""
    app = Klein()
    app.url_map.merge_slashes = False  # where there are too many of them there is nothing
    app.url_map.converters = {**app.url_map.converters, "rest": _Rest}
    routes = Routes(app, signing_in, looking, in_thread)

    @app.route("/")
    def enter(request: Request) -> bytes:
        return redirect(request, "ui/")

    @app.route("/ui")
    def enter_below(request: Request) -> bytes:
        return redirect(request, "ui/")

    @app.route("/ui/static/<name>", methods=["GET"])
    def static(request: Request, name: str) -> bytes:
        found = static_files().get(name)
        if found is None:
            raise NotFound
        set_headers(request)
        request.setHeader("Content-Type", found.content_type)
        request.setHeader("Cache-Control", "public, max-age=31536000, immutable")
        return found.content

    @app.route("/ui/language/<tag>/", methods=["GET"], defaults={"rest": ""})
    @app.route("/ui/language/<tag>/<rest:rest>", methods=["GET"])
    def choose_language(request: Request, tag: str, rest: str) -> bytes:
        names = rest.split("/")
        if {".", ".."} & {*names}:  # they would lead to another program that a proxy has at the same host
            raise NotFound
        set_language(request, tag)
        return redirect(request, root_of(request) + path_of(*names))

    signing_in.add_to(app)
    add(routes)

    @app.handle_errors(Exception)  # type: ignore[arg-type]
    def wrong(request: Request, failure: Failure) -> bytes:
        return failed(request, signing_in.session_of(request), failure)

    return PageSite(app.resource(), Uploads(signing_in.may_send_file), reactor, hosts)
