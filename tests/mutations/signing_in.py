"""Faults in the way in for a browser."""

from __future__ import annotations

from tests.mutations.fault import Fault

_PAGE = "sessionworker/page"
_SIGNING_IN = f"{_PAGE}/signing_in.py"
_SESSIONS = f"{_PAGE}/sessions.py"
_ORIGINS = f"{_PAGE}/origins.py"
_ATTEMPTS = f"{_PAGE}/attempts.py"
_SERVICE = "sessionworker/service.py"
_BROWSERS = f"{_PAGE}/browsers.py"
_COOKIES = f"{_PAGE}/cookies.py"
_BOUNDS = f"{_PAGE}/bounds.py"

_ODD = ("tests/page/test_oddities.py",)
_BOUNDED = ("tests/page/test_connections.py",)
_IN = ("tests/page/test_signing_in.py",)
_ATTACKS = ("tests/page/test_attacks.py",)

FAULTS: tuple[Fault, ...] = (
    Fault(
        "a form of another port of the host signs in and out",
        _ORIGINS,
        'return _only(headers, b"Sec-Fetch-Site") == "same-origin"',
        'return _only(headers, b"Sec-Fetch-Site") in {"same-origin", "same-site"}',
        _ATTACKS,
    ),
    Fault(
        "a form is taken that does not say where it is from",
        _ORIGINS,
        "    if not origin or not host:\n        return False\n",
        "    if not origin or not host:\n        return True\n",
        _ATTACKS,
    ),
    Fault(
        "the port of an origin is no matter",
        _ORIGINS,
        "rest.removesuffix(port) == asked",
        'rest.partition(":")[0] == asked.partition(":")[0]',
        _ATTACKS,
    ),
    Fault(
        "nobody asks for the token of a form",
        _SIGNING_IN,
        'if not session.is_own(form_of(request).get("csrf", "")):',
        "if False:",
        _ATTACKS,
    ),
    Fault(
        "signing in asks for no origin",
        _SIGNING_IN,
        "        if not is_from_this_page(request):\n            self._count_foreign",
        "        if False:\n            self._count_foreign",
        _ATTACKS,
    ),
    Fault(
        "who may look may change things",
        _SIGNING_IN,
        'return "" if needs in RIGHTS[session.role] else MAY_NOT_CHANGE',
        'return ""',
        _IN,
    ),
    Fault(
        "an API's token opens the page",
        _SIGNING_IN,
        "if grant is None or Right.LOOK not in grant.rights:",
        "if grant is None:",
        _IN,
    ),
    Fault(
        "a session goes on after other tokens came into force",
        _SIGNING_IN,
        "        if self._access.changes != self._seen_changes:\n",
        "        if False:\n",
        _IN,
    ),
    Fault(
        "signing out leaves the session open",
        _SIGNING_IN,
        "                self.sessions.close(session)\n            return self._leave(request)",
        "            return self._leave(request)",
        _IN,
    ),
    Fault(
        "signing out everywhere leaves the codes in force",
        _SIGNING_IN,
        "        self._codes.forget_all()\n",
        "",
        _IN,
    ),
    Fault(
        "a script can read the cookie",
        _COOKIES,
        "        httpOnly=True,\n",
        "",
        _IN,
    ),
    Fault(
        "the cookie is sent with forms from elsewhere",
        _COOKIES,
        '        sameSite="strict",\n',
        "",
        _IN,
    ),
    Fault(
        "the cookie is sent in the clear, too",
        _COOKIES,
        'or (request.getHeader(b"origin") or b"").lower().startswith(b"https:")',
        "",
        _IN,
    ),
    Fault(
        "signing in leads out of the page",
        _SIGNING_IN,
        'if not _below(path) or {".", ".."} & set(map(unquote, path.partition("?")[0].split("/"))):',
        "if not path:",
        _IN,
    ),
    Fault(
        "a failure to sign in is not counted",
        _SIGNING_IN,
        "                self._attempts.failed(who)\n",
        "",
        _ATTACKS,
    ),
    Fault(
        "each address of a network may fail as often",
        _BROWSERS,
        "return Who(network_of(request), ",
        "return Who(host_of(request), ",
        _ATTACKS,
    ),
    Fault(
        "a page that refreshes itself keeps a session for ever",
        _SIGNING_IN,
        "is_used = not request.requestHeaders.hasHeader(BY_ITSELF)",
        "is_used = True",
        _IN,
    ),
    Fault(
        "many addresses may fail as often as they like",
        _ATTEMPTS,
        "return max(0.0, own, of_all)",
        "return max(0.0, own)",
        ("tests/page/test_attempts.py",),
    ),
    Fault(
        "the addresses of guessers are remembered for ever",
        _ATTEMPTS,
        " if free_at > now}",
        "}",
        ("tests/page/test_attempts.py",),
    ),
    Fault(
        "the secret of a session is kept",
        _SESSIONS,
        "return sha256(_as_bytes(secret)).digest()",
        "return secret",
        ("tests/page/test_sessions.py",),
    ),
    Fault(
        "a code signs in again and again",
        _SESSIONS,
        "self._made.pop(_digest_of(code), (None, 0.0))",
        "self._made.get(_digest_of(code), (None, 0.0))",
        ("tests/page/test_sessions.py",),
    ),
    Fault(
        "a form may be as large as it likes",
        _BOUNDS,
        "if self._came <= MOST_BYTES or self._may_be_as_large():",
        "if True:",
        ("tests/page/test_bounds.py",),
    ),
    Fault(
        "a head that comes byte by byte may take for ever",
        _BOUNDS,
        "        self._wait(HEADER_SECONDS)\n        return 0",
        "        return 0",
        _BOUNDED,
    ),
    Fault(
        "an address without end makes links without end",
        f"{_PAGE}/rendering.py",
        'min(inside.count("/"), DEEPEST)',
        'inside.count("/")',
        _ODD,
    ),
    Fault(
        "a language leads out of the page",
        f"{_PAGE}/site.py",
        'if {".", ".."} & {*names}:',
        "if not names:",
        _ODD,
    ),
    Fault(
        "nothing has to be typed",
        f"{_PAGE}/actions.py",
        'typed != "" and "".join(typed.split())',
        '"".join(typed.split())',
        _ODD,
    ),
    Fault(
        "what was late holds for as long again and again",
        f"{_PAGE}/known.py",
        "min(max(VALID_SECONDS, REST * question.took), LONGEST_SECONDS)",
        "max(VALID_SECONDS, REST * question.took)",
        ("tests/page/test_known.py",),
    ),
    Fault(
        "forms of elsewhere fill the log",
        _SIGNING_IN,
        "            self._foreign.failed(who)\n",
        "",
        _IN,
    ),
    Fault(
        "who signs in again after a form lands where nothing is shown",
        _SIGNING_IN,
        'if request.method == b"POST":',
        "if False:",
        _ODD,
    ),
    Fault(
        "what a field cannot hold comes back under another name",
        f"{_PAGE}/actions.py",
        'names["name"] if is_one_line else ""',
        'names["name"]',
        _ODD,
    ),
    Fault(
        "strangers take the connections of who is signed in",
        _SIGNING_IN,
        "            keep_connection(request)\n",
        "            pass\n",
        _BOUNDED,
    ),
    Fault(
        "a stop cuts off what the page is asked",
        _SERVICE,
        "[self._site] if page is None else [self._site, page.site]",
        "[self._site]",
        ("tests/page/test_end.py",),
    ),
    Fault(
        "the connections of the page take the files of writes",
        _SERVICE,
        "OTHER_FILES + (MOST_SOCKETS if settings.ui_listen else 0)",
        "OTHER_FILES",
        ("tests/page/test_end.py",),
    ),
    Fault(
        "the page answers at every name",
        f"{_PAGE}/build.py",
        ", settings.hosts)",
        ")",
        _ATTACKS,
    ),
    Fault(
        "a guesser keeps out who signed in before",
        _BROWSERS,
        "            return Who(digest)\n",
        "            break\n",
        _ATTACKS,
    ),
    Fault(
        "a guesser from far keeps out who is on this machine",
        _BROWSERS,
        "return Crowd.FAR if address.is_global else Crowd.NEAR",
        "return Crowd.FAR",
        _ATTACKS,
    ),
    Fault(
        "a browser is known for ever",
        _BROWSERS,
        " and now - self._known[one] < KNOWN_SECONDS",
        "",
        _ATTACKS,
    ),
    Fault(
        "all browsers are remembered",
        _BROWSERS,
        "        if len(self._known) >= MOST_KNOWN:\n",
        "        if False:\n",
        _ATTACKS,
    ),
    Fault(
        "a cookie of another program signs out",
        _COOKIES,
        "                yield value",
        "                if found == 1:\n                    yield value",
        _ATTACKS,
    ),
)
