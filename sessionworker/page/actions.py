"""What can be done on the page: each is a commit that the worker's own routes have, too, and asks before it is made."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from http import HTTPStatus
from typing import Any

from msgspec import Struct
from twisted.internet.defer import Deferred, maybeDeferred, succeed
from twisted.python.failure import Failure
from twisted.web.server import Request

from sessionworker.errors import Forbidden, NameNotAllowed, NameTaken
from sessionworker.names import check_label, check_name
from sessionworker.offload import Offload
from sessionworker.page.forms import form_of
from sessionworker.page.looking import Looking
from sessionworker.page.rendering import frame, path_of, redirect, render, root_of
from sessionworker.page.sessions import Session
from sessionworker.page.site import Routes, check_names, failed
from sessionworker.stores.changes import DropInstance, Entry, LabelInstance, PurgeDrop, RestoreInstance
from sessionworker.web.admin import read_restore
from sessionworker.web.watching import host_of


class Question(Struct, frozen=True):
    """What is asked before something is done: texts of the page, in English."""

    title: str
    will: Sequence[str]
    """What will happen, and what has to be done first."""
    undo: str
    button: str
    stopped: bool = False
    """Whether the instance has to be stopped in the API first."""
    must_type: bool = False
    """Whether the name has to be typed."""
    is_final: bool = False
    has_new_name: bool = False


MAKE_CURRENT = Question(
    "Make older creds current",
    (
        "These creds take the place of the current ones, which stay as a version.",
        "Stop this instance in the API first: it would write its own creds over them.",
    ),
    "This can be undone: make the other version current again.",
    "Make current",
    stopped=True,
)

DROP = Question(
    "Drop an instance",
    (
        "The instance leaves its place, whole, and goes to the trash.",
        "Stop and delete it in the API first: it would make it anew, with another identity.",
    ),
    "This can be undone as long as it is in the trash.",
    "Drop",
    stopped=True,
    must_type=True,
    is_final=True,
)

BRING_BACK = Question(
    "Bring an instance back",
    (
        "It goes back to its place, as it was when it was dropped. No QR code is needed.",
        "Start it in the API afterwards, under the name that it has here.",
    ),
    "This can be undone: drop it again.",
    "Bring back",
    has_new_name=True,
)

PURGE = Question(
    "Erase for good",
    ("All that this instance holds is erased from the trash, with its older creds.",),
    "This cannot be undone. Only a backup brings it back.",
    "Erase for good",
    must_type=True,
    is_final=True,
)

LONGEST_NUMBER = 20
"""Digits of a time in an address."""

NAME_TAKEN = "There is an instance of this name. Choose another one, or drop that first."
NOT_TYPED = "What was typed is not its name."
NOT_STOPPED = "Stop it in the API first."
NOT_ALLOWED = "An instance cannot be called so."


class Actions:
    """Asks, and does it."""

    def __init__(self, offload: Offload, looking: Looking, routes: Routes) -> None:
        """Change the store behind `offload`."""
        self._offload = offload
        self._looking = looking
        self._routes = routes

    def add(self) -> None:
        """Add the routes."""
        one, drop = "/ui/instances/<group>/<name>", "/ui/trash/<group>/<name>/<drop>"
        self._add(f"{one}/versions/<version>", MAKE_CURRENT, self._make_current)
        self._add(f"{one}/drop", DROP, self._drop)
        self._add(f"{drop}/restore", BRING_BACK, self._bring_back)
        self._add(f"{drop}/purge", PURGE, self._purge)
        self._post(f"{one}/label", self._label)
        self._post("/ui/checkpoint", lambda _request, _session: self._checkpoint())

    def _post(self, path: str, do: Callable[..., Deferred[str]]) -> None:
        """Do something at a POST, for who may change things; `do` returns where to go then, relative to the root."""

        def run(request: Request, **names: str) -> Any:
            session = self._routes.signing_in.check_change(request)
            if session is None:
                return self._routes.signing_in.refuse(request)
            check_names(names)
            done = maybeDeferred(do, request, session, **names)
            done.addCallback(partial(self._go_on, request))
            return done.addErrback(partial(failed, request, session))

        run.__name__ = f"post_{path}"
        self._routes.app.route(path, methods=["POST"])(run)

    def _go_on(self, request: Request, outcome: str | bytes) -> bytes:
        return outcome if isinstance(outcome, bytes) else redirect(request, root_of(request) + outcome)

    def _add(self, path: str, question: Question, do: Callable[..., Deferred[str]]) -> None:
        """Add a page that asks, and what is done where the answer is yes."""

        def ask(request: Request, **names: str) -> Any:
            session = self._routes.signing_in.session_of(request)
            if session is None:
                return self._routes.signing_in.ask(request)
            if not frame(session)["may_change"]:
                return failed(request, session, Failure(Forbidden("This token changes nothing.")))
            check_names(names)
            return self._ask(request, session, question, names)

        def answered(request: Request, session: Session, **names: str) -> Deferred[Any]:
            form = form_of(request)
            problem = ""
            if question.must_type and not _is_typed(form.get("typed", ""), names["name"]):
                problem = NOT_TYPED
            elif question.stopped and form.get("stopped") != "yes":
                problem = NOT_STOPPED
            if problem:
                return succeed(self._ask(request, session, question, names, problem))
            done = maybeDeferred(do, request, form, **names)
            return done.addErrback(self._again, request, session, question, names)

        ask.__name__ = f"ask_{path}"
        self._routes.app.route(path, methods=["GET"])(ask)
        self._post(path, answered)

    def _again(
        self, failure: Failure, request: Request, session: Session, question: Question, names: Mapping[str, str]
    ) -> bytes:
        """Ask again for a name, where that is what was wrong."""
        failure.trap(NameTaken, NameNotAllowed)
        problem = NAME_TAKEN if failure.check(NameTaken) else NOT_ALLOWED
        return self._ask(request, session, question, names, problem)

    def _ask(
        self, request: Request, session: Session, question: Question, names: Mapping[str, str], problem: str = ""
    ) -> bytes:
        new_name = None
        if question.has_new_name:
            is_one_line = names["name"].splitlines() == [names["name"]]  # others are no text of a field
            new_name = f"{names['name']}-before" if problem else names["name"] if is_one_line else ""
        back = "trash" if "drop" in names else f"instances/{path_of(names['group'], names['name'])}"
        when = names.get("version", "").split("-")[0]
        return render(
            request,
            "confirm.html",
            status=HTTPStatus.CONFLICT if problem else HTTPStatus.OK,
            here="confirm",
            worker=None,
            group=names["group"],
            name=names["name"],
            label=self._looking.label_of(names["group"], names["name"], names.get("drop", "")),
            when=int(when) if when.isdecimal() and len(when) <= LONGEST_NUMBER else 0,
            action="",
            back=root_of(request) + back,
            new_name=new_name,
            problem=problem,
            **{name: getattr(question, name) for name in question.__struct_fields__ if name != "has_new_name"},
            **frame(session),
        )

    # What is done

    def _commit(self, entry: Entry) -> Deferred[Any]:
        """Change the store."""
        return self._see_to(self._offload.commit(entry))

    def _see_to(self, done: Deferred[Any]) -> Deferred[Any]:
        """Have all asked again once something was done, whether or not the browser waits for it."""
        told: Deferred[Any] = Deferred()

        def came(outcome: object) -> None:
            self._looking.known.forget()
            told.callback(outcome)

        done.addBoth(came)
        return told

    def _make_current(self, request: Request, _form: Mapping[str, str], group: str, name: str, version: str) -> Any:
        done = read_restore(self._offload, group, name, version, by=host_of(request)).addCallback(self._commit)
        return done.addCallback(lambda _: f"instances/{path_of(group, name)}")

    def _drop(self, request: Request, _form: Mapping[str, str], group: str, name: str) -> Any:
        done = self._commit(DropInstance(group, name, by=host_of(request)))
        return done.addCallback(lambda _: "trash")

    def _bring_back(self, request: Request, form: Mapping[str, str], group: str, name: str, drop: str) -> Any:
        new_name = check_name("instance", form.get("name") or name)
        change = RestoreInstance(group, name, drop, new_name, by=host_of(request))
        done = self._commit(change)
        return done.addCallback(lambda _: f"instances/{path_of(group, new_name)}")

    def _purge(self, request: Request, _form: Mapping[str, str], group: str, name: str, drop: str) -> Any:
        return self._commit(PurgeDrop(group, name, drop, by=host_of(request))).addCallback(lambda _: "trash")

    def _label(self, request: Request, _session: Session, group: str, name: str) -> Any:
        label = check_label(form_of(request).get("label", "").strip())
        done = self._commit(LabelInstance(group, name, label))
        return done.addCallback(lambda _: f"instances/{path_of(group, name)}")

    def _checkpoint(self) -> Any:
        return self._see_to(self._offload.ask(self._offload.store.checkpoint)).addCallback(lambda _: "settings")


def _is_typed(typed: str, name: str) -> bool:
    """Tell whether a name was typed, but for its white space: a browser takes some of it away."""
    return typed != "" and "".join(typed.split()) == "".join(name.split())
