"""The way in for a browser: a token is typed once, or a link's code handed in, and a cookie stands for it then."""

from __future__ import annotations

import re
from hashlib import sha256
from http import HTTPStatus
from math import ceil
from urllib.parse import unquote

from klein import Klein
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.web.server import Request

from sessionworker.access import RIGHTS, Access, Grant, Right, Role
from sessionworker.page.attempts import Attempts
from sessionworker.page.bounds import keep_connection
from sessionworker.page.browsers import Browsers
from sessionworker.page.cookies import set_cookie, shown
from sessionworker.page.forms import form_of
from sessionworker.page.origins import is_from_this_page, is_private
from sessionworker.page.rendering import frame, redirect, render
from sessionworker.page.sessions import Codes, Session, Sessions
from sessionworker.web.metrics import Metrics
from sessionworker.web.watching import host_of

START = "/ui/"

BY_ITSELF = b"X-Refresh"
"""A header of what a page asks for without anybody having clicked."""

NOT_FROM_HERE = (
    "Your browser does not say that this comes from a form of this page. Load the page again, and repeat it."
)
FORM_TOO_OLD = "This form was shown before you signed in. Load the page again, and repeat it."
MAY_NOT_CHANGE = "The token that you signed in with changes nothing: the operator's does."

_below = re.compile(r"/ui/(?!/)[A-Za-z0-9._~!$&'()*+,;=:@%/?-]*").fullmatch


class SigningIn:
    """Lets people in, knows them again, and lets them out. Other tokens than before end all sessions."""

    _log = Logger()

    def __init__(self, reactor: IReactorTime, access: Access, metrics: Metrics, worker: str) -> None:
        """Let in who has a token of `access` that may look. `worker` tells this one from others on its machine.

        To a cookie all ports of a machine are one: so workers have different names for it.
        """
        self._access = access
        self._metrics = metrics
        self.sessions = Sessions(reactor)
        """Who is signed in."""
        self._codes = Codes(reactor)
        self._attempts = Attempts(reactor)
        self._foreign = Attempts(reactor)
        self._seen_changes = access.changes
        mark = sha256(worker.encode("utf-8", "surrogateescape")).hexdigest()[:8]
        self._cookie = f"sw-session-{mark}".encode()
        self._browsers = Browsers(reactor, f"sw-browser-{mark}".encode())

    def add_to(self, app: Klein) -> None:
        """Add the routes that need nobody to be signed in."""
        self._app = app

        @app.route("/ui/login", methods=["GET"])
        def show_login(request: Request) -> bytes:
            if request.requestHeaders.hasHeader(BY_ITSELF) and self.session_of(request) is not None:
                request.setResponseCode(HTTPStatus.NO_CONTENT)  # what a script asks that shows what was asked for then
                return b""
            return self._show(request, HTTPStatus.OK)

        @app.route("/ui/login", methods=["POST"])
        def sign_in(request: Request) -> bytes:
            return self._sign_in(request)

        @app.route("/ui/logout", methods=["POST"])
        def sign_out(request: Request) -> bytes:
            session = self.session_of(request)
            if session is not None:
                if _why_not(request, session):
                    return self.refuse(request)
                self.sessions.close(session)
            return self._leave(request)

        @app.route("/ui/names", methods=["POST"])
        def hide_names(request: Request) -> bytes:
            session = self.session_of(request)
            if session is None or _why_not(request, session):
                return self.refuse(request)
            form = form_of(request)
            session.hides_names = form.get("hide") == "yes"
            return redirect(request, f"./{_rest_of(form.get('next', ''))}")

        @app.route("/ui/logout-everywhere", methods=["POST"])
        def sign_out_everywhere(request: Request) -> bytes:
            if self.check_change(request) is None:
                return self.refuse(request)
            self._end_all()
            self._log.info(
                "All sessions of the page ended, as {address} asked.",
                event="signed_out_everywhere",
                address=host_of(request),
            )
            return self._leave(request)

    def session_of(self, request: Request) -> Session | None:
        """Return the session of a request; None where nobody is signed in, or no longer."""
        self._end_what_others_opened()
        is_used = not request.requestHeaders.hasHeader(BY_ITSELF)
        for secret in shown(request, self._cookie):
            session = self.sessions.find(secret, is_used=is_used)
            if session is not None:
                keep_connection(request)
                return session
        return None

    def make_code(self) -> str:
        """Return a code that signs an operator in, once and soon."""
        self._end_what_others_opened()
        return self._codes.make(Role.ADMIN)

    def ask(self, request: Request) -> bytes:
        """Answer what nobody is signed in for: at the same address, so that it is shown as soon as somebody is.

        After a form it goes on at what can be shown: there, or at the nearest address above.
        """
        next_path = request.uri.decode("latin-1")
        if request.method == b"POST":
            next_path = next_path.partition("?")[0]
            pages = self._app.url_map.bind("page")
            while next_path.startswith(START) and not pages.test(unquote(next_path), "GET"):
                next_path = next_path.rpartition("/")[0]
        return self._show(request, HTTPStatus.UNAUTHORIZED, next_path=next_path)

    def check_change(self, request: Request) -> Session | None:
        """Return the session of a form that changes something; None where it has to be refused."""
        session = self.session_of(request)
        return None if session is None or _why_not(request, session, needs=Right.CHANGE) else session

    def may_send_file(self, request: Request) -> bool:
        """Tell whether a request, of which the head has come, may have a file: somebody is signed in, and sends a form.

        Whether the form is one that was shown stands in itself.
        """
        kind = (request.getHeader(b"content-type") or b"").lower()
        is_form = kind.startswith(b"multipart/form-data")
        return is_form and is_from_this_page(request) and self.session_of(request) is not None

    def refuse(self, request: Request, reason: str = "") -> bytes:
        """Answer a form that may not do what it is for."""
        session = self.session_of(request)
        if session is None:
            return self.ask(request)
        return render(
            request,
            "refused.html",
            status=HTTPStatus.FORBIDDEN,
            reason=reason or _why_not(request, session, needs=Right.CHANGE),
            here="",
            worker=None,
            **frame(session),
        )

    def _sign_in(self, request: Request) -> bytes:
        form = form_of(request)
        next_path = form.get("next", "")
        if not is_from_this_page(request):
            self._count_foreign(request)
            return self._show(request, HTTPStatus.FORBIDDEN, problem="foreign", next_path=next_path)
        self._end_what_others_opened()
        typed = (form.get("code") or form.get("token", "")).strip()
        # Nobody guesses a code, so these do not wait: an operator gets in whom a guesser of tokens has locked out.
        role, result = self._codes.take(typed), "link"
        if role is None:
            who = self._browsers.who(request)
            seconds = self._attempts.seconds_to_wait(who)
            if seconds:
                return self._make_wait(request, seconds, next_path)
            grant = self._access.grant_of(typed.encode("utf-8", "surrogatepass"))
            role, result = _role_of(grant), "token"
            if role is None:
                self._attempts.failed(who)
                return self._refuse(request, grant, next_path, is_code=bool(form.get("code")))
        self._metrics.login(result)
        self._log.info(
            "{address} signed in at the page, to {what}, with a {result}.",
            event="signed_in",
            address=host_of(request),
            what="change things" if role is Role.ADMIN else "look",
            result=result,
        )
        before = self.session_of(request)
        if before is not None:
            self.sessions.close(before)
        secret, _ = self.sessions.open(role)
        set_cookie(request, self._cookie, secret)
        self._browsers.know(request)
        return redirect(request, f"./{_rest_of(next_path)}")

    def _make_wait(self, request: Request, seconds: float, next_path: str) -> bytes:
        """Answer that there were too many tries. It is not logged: whoever tries on would fill the log."""
        self._metrics.login("throttled")
        request.setHeader("Retry-After", str(ceil(seconds)))
        return self._show(
            request, HTTPStatus.TOO_MANY_REQUESTS, problem="throttled", seconds=ceil(seconds), next_path=next_path
        )

    def _refuse(self, request: Request, grant: Grant | None, next_path: str, *, is_code: bool) -> bytes:
        if grant is not None:
            problem, reason = "api", "the token is an API's, which does not open the page"
        elif is_code:
            problem, reason = "code", "the link is used, or too old"
        else:
            problem, reason = "refused", "the token is not this worker's"
        self._count_refused(request, "refused", reason)
        return self._show(request, HTTPStatus.UNAUTHORIZED, problem=problem, next_path=next_path)

    def _count_foreign(self, request: Request) -> None:
        """Count a form of elsewhere. It is logged as often as somebody may fail, and keeps nobody waiting."""
        reason = "the browser does not say that it comes from this page's form"
        who = self._browsers.who(request)
        if self._foreign.seconds_to_wait(who):
            self._metrics.login("foreign")
        else:
            self._foreign.failed(who)
            self._count_refused(request, "foreign", reason)

    def _count_refused(self, request: Request, result: str, reason: str) -> None:
        self._metrics.login(result)
        self._log.warn(
            "Somebody at {address} could not sign in at the page: {reason}.",
            event="sign_in_refused",
            address=host_of(request),
            reason=reason,
        )

    def _show(
        self, request: Request, status: int, *, problem: str = "", seconds: int = 0, next_path: str = ""
    ) -> bytes:
        rest = _rest_of(next_path)
        return render(
            request,
            "login.html",
            status=status,
            problem=problem,
            seconds=seconds,
            next_path=START + rest,
            here_path=rest,
            is_readable_by_others=not is_private(request),
            worker=None,
            **frame(None),
        )

    def _leave(self, request: Request) -> bytes:
        set_cookie(request, self._cookie, "", seconds=0)
        return redirect(request, "login")

    def _end_what_others_opened(self) -> None:
        """End all that was opened before other tokens came into force."""
        if self._access.changes != self._seen_changes:
            self._seen_changes = self._access.changes
            if len(self.sessions):
                self._log.info("All sessions of the page ended: the tokens are other ones.", event="sessions_ended")
            self._end_all()

    def _end_all(self) -> None:
        self.sessions.close_all()
        self._codes.forget_all()


def _role_of(grant: Grant | None) -> Role | None:
    """Return as what somebody is let in, if he is. An API's token is as an operator's where that is all there is."""
    if grant is None or Right.LOOK not in grant.rights:
        return None
    return Role.ADMIN if Right.CHANGE in grant.rights else Role.VIEW


def _why_not(request: Request, session: Session, needs: Right = Right.LOOK) -> str:
    """Return why a form may not do what it is for; empty if it may."""
    if not is_from_this_page(request):
        return NOT_FROM_HERE
    if not session.is_own(form_of(request).get("csrf", "")):
        return FORM_TOO_OLD
    return "" if needs in RIGHTS[session.role] else MAY_NOT_CHANGE


def _rest_of(path: str) -> str:
    """Return what follows `/ui/` in a path of this page, with its query; of any other, nothing: the first page."""
    if not _below(path) or {".", ".."} & set(map(unquote, path.partition("?")[0].split("/"))):
        return ""
    return path.removeprefix(START)
