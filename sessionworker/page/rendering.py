"""Templates made into answers."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache, partial
from hashlib import blake2b, sha256
from http import HTTPStatus
from importlib.resources import files
from shlex import quote as quote_for_shell
from typing import Any, NamedTuple
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from twisted.web.server import Request

from sessionworker.access import RIGHTS, Right
from sessionworker.page.kinds import KINDS
from sessionworker.page.languages import LANGUAGES, UNKNOWN, Speaking, choose
from sessionworker.page.origins import is_private
from sessionworker.page.problems import TRANSLATED, explain
from sessionworker.page.sessions import Session
from sessionworker.page.troubles import bars
from sessionworker.version import VERSION

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    # With "no-referrer" a browser says "Origin: null" with a form, and nobody could tell it from one of elsewhere.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""Of every answer: no script, style or picture from elsewhere, and nobody may put the page into a frame."""

LANGUAGE_COOKIE = b"sw-language"

MARK_BYTES = 3
"""Of a mark in the place of a name: with two of them, two marks in ten pages would be those of another name, too."""

DEEPEST = 10
"""Folders below the first page's, at most: an address of thousands, which leads nowhere, makes no long links."""

TYPES = {"css": "text/css; charset=utf-8", "mjs": "text/javascript; charset=utf-8", "svg": "image/svg+xml"}


class Static(NamedTuple):
    """A file that the pages name."""

    content: bytes
    content_type: str


@cache
def static_files() -> dict[str, Static]:
    """Return the files by their names, which hold a hash of what is in them: a new version has new names."""
    found = {}
    for one in files(__package__).joinpath("static").iterdir():
        stem, _, kind = one.name.rpartition(".")
        if kind in TYPES:
            content = one.read_bytes()
            found[f"{stem}.{sha256(content).hexdigest()[:12]}.{kind}"] = Static(content, TYPES[kind])
    return found


def static_name(name: str) -> str:
    """Return under which name a file is served."""
    stem, _, kind = name.rpartition(".")
    return next(one for one in static_files() if one.startswith(f"{stem}.") and one.endswith(f".{kind}"))


@cache
def _environment() -> Environment:
    return Environment(  # what a template shows is escaped, and a name that it does not get is an error
        loader=PackageLoader("sessionworker.page", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )


def compile_templates() -> None:
    """Make all templates ready: that takes as long as a hundred pages. May be called in any thread."""
    for name in _environment().list_templates():
        _environment().get_template(name)


def speaking_to(request: Request) -> Speaking:
    """Return what speaks the language of whoever asks."""
    cookie = (request.getCookie(LANGUAGE_COOKIE) or b"").decode("ascii", "replace")
    return Speaking(choose(cookie, (request.getHeader(b"accept-language") or b"").decode("latin-1")))


def set_language(request: Request, language: str) -> None:
    """Remember a language for whoever asks, if it is one of ours."""
    if language in LANGUAGES:
        request.addCookie(
            LANGUAGE_COOKIE, language.encode(), path=b"/", max_age=b"31536000", httpOnly=True, sameSite="lax"
        )


def root_of(request: Request) -> str:
    """Return the way from a page to the first one, relative: a proxy may have put all of it below another path."""
    inside = request.path.decode("ascii", "replace").removeprefix("/ui/")
    return "../" * min(inside.count("/"), DEEPEST) or "./"


def time_of(milliseconds: int) -> Markup:
    """Return a time, in UTC; a script shows it in the zone of whoever looks. A dash where there is no such year."""
    try:
        moment = datetime.fromtimestamp(milliseconds / 1000, UTC)
    except (OverflowError, ValueError, OSError):
        return Markup("{}").format(UNKNOWN)
    return Markup('<time datetime="{}">{}</time>').format(
        moment.strftime("%Y-%m-%dT%H:%M:%SZ"), moment.strftime("%Y-%m-%d %H:%M UTC")
    )


def mark_of(key: bytes, name: str) -> str:
    """Return what is shown of a name that is hidden: the same of the same one with a key, and nothing of none.

    Without a key, whoever guesses a name could tell by its mark whether it is the one.
    """
    if not name:
        return ""
    return f"•••• {blake2b(name.encode('utf-8', 'surrogatepass'), key=key, digest_size=MARK_BYTES).hexdigest()}"


def render(request: Request, template: str, *, status: int = HTTPStatus.OK, **context: Any) -> bytes:
    """Answer with a page that is small, and made at once."""
    return answer(request, compose(speaking_to(request), root_of(request), template, context), status)


def compose(speaking: Speaking, root: str, template: str, context: Mapping[str, Any]) -> bytes:
    """Return a page. May be called in any thread."""
    session = context.get("session")
    text: str = (
        _environment()
        .get_template(template)
        .render(
            _=speaking.say,
            number=speaking.number,
            size=speaking.size,
            age=speaking.age,
            time=time_of,
            language=speaking.language,
            languages=LANGUAGES,
            root=root,
            static=static_name,
            now=time.time_ns() // 1_000_000,
            version=VERSION,
            bars=bars,
            kinds=KINDS,
            translated=TRANSLATED,
            explain=explain,
            path_of=path_of,
            named=partial(mark_of, session.marks_key) if session is not None and session.hides_names else str,
            shell=quote_for_shell,
            **context,
        )
    )
    return text.encode()


def answer(request: Request, page: bytes, status: int = HTTPStatus.OK) -> bytes:
    """Answer with a page that was made."""
    request.setResponseCode(status)
    set_headers(request)
    request.setHeader("Content-Type", "text/html; charset=utf-8")
    request.setHeader("Cache-Control", "no-store")
    return page


def frame(session: Session | None) -> dict[str, Any]:
    """Return what the frame around each page shows."""
    may_change = session is not None and Right.CHANGE in RIGHTS[session.role]
    return {"session": session, "may_change": may_change, "csrf": session.csrf if session is not None else ""}


def set_headers(request: Request) -> None:
    """Set what every answer has."""
    for name, value in HEADERS.items():
        request.setHeader(name, value)
    if is_private(request):  # elsewhere a browser takes no notice of it, and complains
        request.setHeader("Cross-Origin-Opener-Policy", "same-origin")


def redirect(request: Request, to: str) -> bytes:
    """Answer that it goes on elsewhere, with a GET; `to` is relative to the request's own path."""
    set_headers(request)
    request.setResponseCode(HTTPStatus.SEE_OTHER)
    request.setHeader("Location", to)
    request.setHeader("Cache-Control", "no-store")
    return b""


def path_of(*names: str) -> str:
    """Return names as parts of a path."""
    return "/".join(quote(name, safe="") for name in names)
