"""Faults in the way in for a browser."""

from __future__ import annotations

from tests.mutations.fault import Fault

_PAGE = "sessionworker/page"
_SIGNING_IN = f"{_PAGE}/signing_in.py"
_SESSIONS = f"{_PAGE}/sessions.py"
_ORIGINS = f"{_PAGE}/origins.py"
_ATTEMPTS = f"{_PAGE}/attempts.py"
_BOUNDS = f"{_PAGE}/bounds.py"

_ODD = ("tests/page/test_oddities.py",)
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
        _SIGNING_IN,
        "            httpOnly=True,\n",
        "",
        _IN,
    ),
    Fault(
        "the cookie is sent with forms from elsewhere",
        _SIGNING_IN,
        '            sameSite="strict",\n',
        "",
        _IN,
    ),
    Fault(
        "the cookie is sent in the clear, too",
        _SIGNING_IN,
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
        "                self._attempts.failed(network_of(request))\n",
        "",
        _ATTACKS,
    ),
    Fault(
        "each address of a network may fail as often",
        _SIGNING_IN,
        "self._attempts.failed(network_of(request))",
        "self._attempts.failed(host_of(request))",
        _ATTACKS,
    ),
    Fault(
        "a page that refreshes itself keeps a session for ever",
        _SIGNING_IN,
        ", is_used=not request.requestHeaders.hasHeader(BY_ITSELF)",
        "",
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
        "a form without a length lies on the disk",
        _BOUNDS,
        "super().gotLength(0)",
        "super().gotLength(_length)",
        ("tests/page/test_bounds.py",),
    ),
    Fault(
        "a form may be as large as it likes",
        _BOUNDS,
        "if self._came <= MOST_BYTES or self._may_be_as_large():",
        "if True:",
        ("tests/page/test_bounds.py",),
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
        "            self._foreign.failed(network_of(request))\n",
        "",
        _IN,
    ),
    Fault(
        "for a further client nobody is hung up on",
        _BOUNDS,
        "            oldest.transport.abortConnection()\n",
        "",
        ("tests/page/test_bounds.py",),
    ),
)
