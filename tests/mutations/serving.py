"""Faults in the http side: the token, limits, answers, health and metrics."""

from __future__ import annotations

from tests.mutations.fault import Fault

_WEB = "sessionworker/web"
_ACCESS = "sessionworker/access.py"
_GATE = f"{_WEB}/gate.py"
_CHANNEL = "sessionworker/http/channel.py"
_SITE = "sessionworker/http/site.py"
_LIMITS = "sessionworker/http/limits.py"
_ANSWERS = "sessionworker/http/answers.py"
_PATHS = f"{_WEB}/paths.py"
_HEALTH = f"{_WEB}/health.py"
_METRICS = f"{_WEB}/metrics.py"
_FAULTS = "sessionworker/stores/files/faults.py"

_GATES = ("tests/test_gate.py",)
_SITES = ("tests/site",)
_HEADS = ("tests/test_heads.py",)
_OVERLOAD = ("tests/overload",)
_PROTOCOL = "tests/protocol"

FAULTS: tuple[Fault, ...] = (
    # The token
    Fault(
        "the metrics ask for no token",
        _GATE,
        'OPEN = {(b"OPTIONS"',
        'OPEN = {(b"GET", b"/metrics"), (b"OPTIONS"',
        _GATES,
    ),
    Fault(
        "what is below /admin asks for no token",
        _GATE,
        "if (request.method, path) in OPEN:",
        'if (request.method, path) in OPEN or path.startswith(b"/admin/"):',
        _GATES,
    ),
    Fault(
        "the beginning of the token is enough",
        _ACCESS,
        "if compare_digest(shown, secret):",
        "if secret.startswith(shown):",
        _GATES,
    ),
    Fault(
        "the token and more is taken for it",
        _ACCESS,
        "if compare_digest(shown, secret):",
        "if shown.startswith(secret):",
        _GATES,
    ),
    Fault("two tokens are taken for one", _GATE, "if len(given) == 1 else None", "if given else None", _GATES),
    Fault(
        "a large body comes although the token is not there",
        _CHANNEL,
        "if error is not None and (asks_first or self.length is None or self.length > limits.TRUSTED_BODY):",
        "if False:",
        _GATES,
    ),
    Fault(
        "the headers of a stranger are remembered",
        _CHANNEL,
        "is_strange = self.site.application.refusal_of(request) is not None",
        "is_strange = False",
        _HEADS,
    ),
    Fault(
        "others may read the token",
        "sessionworker/tokens.py",
        "os.O_EXCL, 0o600)",
        "os.O_EXCL, 0o644)",
        ("tests/test_tokens.py",),
    ),
    # Limits
    Fault(
        "a body of unknown length has no limit",
        _CHANNEL,
        "is_too_large = so_far + size > self.site.body_size",
        "is_too_large = False",
        _SITES,
    ),
    Fault(
        "a body that is announced to be too large is taken",
        _CHANNEL,
        "if self.length is not None and self.length > self.site.body_size:",
        "if False:",
        _SITES,
    ),
    Fault(
        "all bodies together have no limit",
        _LIMITS,
        "        if size > 0 and self.bytes != besides and self.bytes + size > self._most:",
        "        if False:",
        _OVERLOAD,
    ),
    Fault(
        "bodies of clients that are gone count for ever",
        _CHANNEL,
        "        self._take_body_bytes(-self._body_bytes)\n        self.site.lost(self)",
        "        self.site.lost(self)",
        _OVERLOAD,
    ),
    Fault(
        "connections have no limit",
        _SITE,
        "is_full = len(self.channels) > self.connections",
        "is_full = False",
        _OVERLOAD,
    ),
    Fault(
        "connections that are gone count for ever",
        _SITE,
        "        self.channels.discard(channel)\n",
        "",
        _OVERLOAD,
    ),
    Fault(
        "slow clients are never cut off",
        _CHANNEL,
        "        if now >= self.deadline:\n",
        "        if False:\n",
        _SITES,
    ),
    Fault(
        "a body that is shorter than its Content-Length is taken for whole",
        _CHANNEL,
        "if len(data) < end or self._take_body_bytes",
        "if self._take_body_bytes",
        _HEADS,
    ),
    Fault(
        "what is no HTTP is not refused",
        _CHANNEL,
        "    def _respondToBadRequestAndDisconnect(self) -> None:\n        self.refuse(RequestNotAllowed())",
        "    def _respondToBadRequestAndDisconnect(self) -> None:\n        pass",
        _SITES,
    ),
    Fault(
        "what comes after a request that was refused is obeyed",
        _CHANNEL,
        "        if not self._is_refused:\n            super().lineReceived(line)",
        "        super().lineReceived(line)",
        _SITES,
    ),
    # Paths
    Fault(
        "an escaped slash makes another name",
        _PATHS,
        'if b"%2f" in names.lower():',
        "if False:",
        ("tests/admin", _PROTOCOL),
    ),
    Fault(
        "a query is taken for the end of a key",
        _PATHS,
        'if path not in {uri, b"/ping", EVENTS}:',
        "if False:",
        (f"{_PROTOCOL}/test_bodies_and_names.py::test_a_query_is_refused_rather_than_taken_for_the_end_of_a_key",),
    ),
    # Answers
    Fault(
        "a write is answered before it is committed",
        f"{_WEB}/session_files.py",
        "answer_when(self._store(file, request), answer_done, request)",
        "self._store(file, request) and send(request, answer_done(None, request))",
        (_PROTOCOL, *_OVERLOAD),
    ),
    Fault(
        "a deletion is answered before it is committed",
        f"{_WEB}/session_files.py",
        "answer_when(self._offload.commit(batch), _removed, request)",
        "self._offload.commit(batch) and send(request, _removed(None, request))",
        (_PROTOCOL, *_OVERLOAD),
    ),
    Fault(
        "a value is in an error's text",
        f"{_WEB}/bodies.py",
        """BodyNotAllowed("The text in 'data' must be JSON itself.")""",
        """BodyNotAllowed(f"The text in 'data' must be JSON itself: {text}")""",
        (f"{_PROTOCOL}/test_secrets.py::test_no_token_no_key_and_no_value_is_ever_in_an_error_or_in_the_log",),
    ),
    Fault(
        "a key is in the log",
        _PATHS,
        'return "/".join([*parts[:PARTS_BEFORE_KEY], "..."][: len(parts)])',
        'return "/".join(parts)',
        (f"{_PROTOCOL}/test_secrets.py::test_no_token_no_key_and_no_value_is_ever_in_an_error_or_in_the_log",),
    ),
    Fault(
        "a full disk is said to be unavailable",
        _FAULTS,
        "return NoSpace() if is_full(error) else StoreUnavailable()",
        "return StoreUnavailable()",
        ("tests/files/test_full_disk.py", "tests/files/test_reserve.py"),
    ),
    Fault(
        "a full disk has another status than 507",
        "sessionworker/errors.py",
        "status = HTTPStatus.INSUFFICIENT_STORAGE",
        "status = HTTPStatus.SERVICE_UNAVAILABLE",
        (_PROTOCOL, "tests/test_full_disk.py"),
    ),
    Fault(
        "a quota that is used up is taken for a broken disk",
        "sessionworker/disk.py",
        "{errno.ENOSPC, errno.EDQUOT, errno.EFBIG}",
        "{errno.ENOSPC, errno.EFBIG}",
        ("tests/files/test_disk.py",),
    ),
    Fault(
        "an answer is written to a client that is gone",
        _ANSWERS,
        "    if request.channel is not None:\n",
        "    if True:\n",
        (_PROTOCOL, "tests/test_throttle.py"),
    ),
    Fault(
        "a client that hangs up cancels its call",
        _ANSWERS,
        "    result.addCallbacks(send_result, send_failure)",
        "    request.notifyFinish().addErrback(lambda _: result.cancel())\n"
        "    result.addCallbacks(send_result, send_failure)",
        (_PROTOCOL,),
    ),
    Fault(
        "a create does not look at the creds",
        f"{_WEB}/api.py",
        "offload.ask(offload.store.check_creds, *place).addCallback(lambda _: lease)",
        "lease",
        ("tests/broken_files",),
    ),
    Fault(
        "a create waits for ever for a disk that hangs",
        f"{_WEB}/api.py",
        "    done.addTimeout(CREATE_SECONDS, reactor)\n",
        "",
        _OVERLOAD,
    ),
    Fault(
        "a drain waits for idle connections",
        _CHANNEL,
        "self.deadline = min(self.deadline, self._waits_since + last_seconds)",
        "pass",
        _SITES,
    ),
    Fault(
        "what was dropped is let go of before its time",
        "sessionworker/service.py",
        "- self._settings.keep_drops * DAY",
        "+ self._settings.keep_drops * DAY",
        ("tests/test_service.py",),
    ),
    # Health and metrics
    Fault(
        "a health check is always well",
        _HEALTH,
        "self._set(is_well=not isinstance(outcome, Failure))",
        "self._set(is_well=True)",
        ("tests/test_health.py",),
    ),
    Fault(
        "a store that hangs is well",
        _HEALTH,
        "self._reactor.callLater(LIMIT_SECONDS, self._set, is_well=False)",
        "self._reactor.callLater(LIMIT_SECONDS, self._set, is_well=True)",
        ("tests/test_health.py",),
    ),
    Fault(
        "an answer to a health check holds for ever",
        _HEALTH,
        "        elif age < VALID_SECONDS:\n",
        '        elif self._asked_at > float("-inf"):\n',
        ("tests/test_health.py",),
    ),
    Fault(
        "background work that has ended is well",
        "sessionworker/stores/files/store.py",
        "        if problem:\n",
        "        if False:\n",
        ("tests/test_health.py",),
    ),
    Fault("requests are not counted", _METRICS, "        children[0].inc()\n", "", ("tests/test_metrics.py",)),
    Fault(
        "requests that are refused early are not counted",
        _METRICS,
        "        self._refused.labels(str(status)).inc()\n",
        "",
        ("tests/test_metrics.py",),
    ),
    Fault(
        "what went wrong in the store is not counted",
        _FAULTS,
        "        self.counts[count] += 1\n",
        "",
        ("tests/test_metrics.py",),
    ),
)
