"""The report of an import, opened in a browser: the file that somebody chooses is shown, and nothing of it is kept."""

from __future__ import annotations

from functools import partial
from http import HTTPStatus
from typing import Any, NamedTuple

from twisted.internet.defer import Deferred, DeferredLock, succeed
from twisted.web.server import Request

from sessionworker.migration.notes import Language
from sessionworker.migration.words import WORDS
from sessionworker.page.forms import file_form_of
from sessionworker.page.languages import Speaking
from sessionworker.page.listing import read_number
from sessionworker.page.origins import is_from_this_page
from sessionworker.page.rendering import answer, compose, frame, render, root_of, speaking_to
from sessionworker.page.reported import NotShownError, Shown, read_report
from sessionworker.page.sessions import Session
from sessionworker.page.signing_in import FORM_TOO_OLD, NOT_FROM_HERE
from sessionworker.page.site import Context, InThread, Routes, Show, failed
from sessionworker.page.uploads import LARGEST

PATH = "/ui/report"

NO_FILE = "Choose the file that <code>--report</code> has written."
TOO_LARGE = "This file is too large: a report of at most {most} can be shown."


class Refusal(NamedTuple):
    """That a file is not shown: it is returned, as a thread's failure would keep all of the file for a long while."""

    reason: str
    """A text of the page, in English."""


class Reporting:
    """Shows reports, one after the other: each takes some of the processor's time."""

    def __init__(self, routes: Routes, in_thread: InThread) -> None:
        """Read them by `in_thread`."""
        self._routes = routes
        self._in_thread = in_thread
        self._turns = DeferredLock()

    def add(self) -> None:
        """Add the routes."""
        self._routes.page(PATH, "report.html", self.form)
        self._routes.app.route(PATH, methods=["POST"])(self.open)

    def form(self, request: Request) -> Deferred[Show]:
        """Show the form."""
        context = _context(speaking_to(request))
        return succeed(lambda: context)

    def open(self, request: Request) -> Any:
        """Show the file that a form sent."""
        signing_in = self._routes.signing_in
        session = signing_in.session_of(request)
        if session is None:
            return signing_in.ask(request)
        if not is_from_this_page(request):
            return signing_in.refuse(request, NOT_FROM_HERE)
        if getattr(request, "is_too_large", False):
            return _refuse(request, session, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, TOO_LARGE)
        done = self._read(request, session)
        done.addCallback(self._answer, request, session)
        return done.addErrback(partial(failed, request, session))

    def _read(self, request: Request, session: Session) -> Deferred[bytes | Refusal]:
        """Return the page of a file, once those that came before were read. Who has gone is not waited for."""
        told: Deferred[bytes | Refusal] = Deferred()

        def begin() -> Any:
            if told.called or request.content is None:
                return None
            request.content.seek(0)
            kind = (request.getHeader(b"content-type") or b"").decode("latin-1")
            body, speaking, root = request.content.read(), speaking_to(request), root_of(request)
            return self._in_thread(lambda: _page_of(body, kind, session, speaking, root)).addBoth(told.callback)

        self._turns.run(begin)
        return told

    def _answer(self, outcome: bytes | Refusal, request: Request, session: Session) -> bytes:
        if isinstance(outcome, bytes):
            return answer(request, outcome)
        if outcome.reason == FORM_TOO_OLD:
            return self._routes.signing_in.refuse(request, FORM_TOO_OLD)
        return _refuse(request, session, HTTPStatus.BAD_REQUEST, outcome.reason)


def _page_of(body: bytes, content_type: str, session: Session, speaking: Speaking, root: str) -> bytes | Refusal:
    """Return the page that shows a file, or why there is none. To be called in a thread."""
    form = file_form_of(body, content_type)
    if not session.is_own(form.fields.get("csrf", "")):
        return Refusal(FORM_TOO_OLD)
    if not form.file:
        return Refusal(NO_FILE)
    try:
        shown = read_report(form.file, read_number(form.fields.get("from", "")), _language_of(speaking))
    except NotShownError as error:
        return Refusal(str(error))
    return compose(speaking, root, "report.html", {"worker": None, **frame(session), **_context(speaking, shown)})


def _refuse(request: Request, session: Session, status: int, problem: str) -> bytes:
    """Say why a file is not shown. What the worker is like is not shown with it: by address that is the empty form."""
    context = _context(speaking_to(request), problem=problem)
    return render(request, "report.html", status=status, worker=None, **frame(session), **context)


def _context(speaking: Speaking, shown: Shown | None = None, problem: str = "") -> Context:
    return {
        "here": "report",
        "here_path": "report",
        "shown": shown,
        "problem": problem,
        "most": LARGEST,
        "words": WORDS[_language_of(speaking)],
    }


def _language_of(speaking: Speaking) -> Language:
    return "pt-BR" if speaking.language == "pt-BR" else "en"
