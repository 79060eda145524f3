"""A right token does what it was given out for, in whatever spelling something else is asked for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from sessionworker.stores.changes import Probe
from sessionworker.stores.interface import Store
from tests.fuzz.conftest import ADMIN, API, SUPPORT, VIEW, Tries
from tests.fuzz.requests import METHODS, Sent, requests, spellings
from tests.memory import Worker

OF_OPERATORS = {"groups", "describe", "versions", "drops", "events", "overview", "encryption"}
OF_APIS = {"recall", "read", "read_many", "names", "instances", "check_creds"}
OF_NOBODY = {"check", "drops_before", "figures", "room", "maintain", "close", "on_repair", "waiting"}
"""What a worker asks by itself, or for a health check."""


class Asked:
    """What the store was asked, by the names of its methods."""

    def __init__(self, worker: Worker, patch: pytest.MonkeyPatch) -> None:
        self.methods: set[str] = set()
        self.calls: list[str] = []
        for name in {name for name in dir(Store) if not name.startswith("_")} - OF_NOBODY:
            patch.setattr(worker.store, name, self._noting(name, getattr(worker.store, name)))

    def _noting(self, name: str, method: Callable[..., Any]) -> Callable[..., Any]:
        def note(*arguments: Any, **options: Any) -> Any:
            if name != "commit" or set(arguments[0]) != {Probe()}:  # which a health check asks for
                self.methods.add(name)
                self.calls.append(repr(arguments))
            return method(*arguments, **options)

        return note

    def forget(self) -> None:
        self.methods.clear()
        self.calls.clear()


@pytest.fixture
def asked(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> Asked:
    return Asked(worker, monkeypatch)


def status_of(worker: Worker, sent: Sent) -> int:
    answers = [answer for answer in worker.raw(sent.data, sent.method, sent.method) if answer.status != 100]
    [answer] = answers
    return answer.status


@pytest.mark.parametrize(
    ("token", "may"),
    [
        (VIEW, OF_OPERATORS),
        (ADMIN, OF_OPERATORS | {"commit", "checkpoint", "rewrite", "read_version"}),
        (API, OF_APIS | {"commit", "prepare"}),
        (SUPPORT, OF_APIS | {"commit", "prepare"}),
    ],
    ids=["to look", "of operators", "of an API", "of some groups"],
)
def test_a_token_asks_the_store_for_nothing_else_in_whatever_spelling(
    worker: Worker, asked: Asked, token: str, may: set[str], tries: Tries, cases: Counter[str]
) -> None:
    @tries(60)
    @given(requests(st.just([("apikey", token)])))
    @example(Sent("GET", "/%73ession/codechat/sales/creds", "1.1", [("apikey", token)], b""))
    @example(Sent("DELETE", "/session/codechat/sales/creds", "1.1", [("apikey", token)], b""))
    @example(Sent("DELETE", "/%61dmin/groups/codechat", "1.1", [("apikey", token)], b""))
    @example(Sent("POST", "/session", "1.1", [("apikey", token), ("Content-Length", "20")], b'{"group":"codechat"}'))
    @example(Sent("POST", "/admin/checkpoin%74", "1.1", [("apikey", token)], b""))
    @example(Sent("POST", "http://worker/admin/encryption/rewrite", "1.0", [("apikey", token)], b""))
    def try_one(sent: Sent) -> None:
        asked.forget()
        status = status_of(worker, sent)
        assert status not in {401, 500}
        assert asked.methods <= may
        assert status != 403 or asked.methods == set()
        if token == SUPPORT:
            assert not [call for call in asked.calls if "codechat" in call]
        cases[str(status)] += 1

    try_one()
    assert worker.failures == []


OTHER_GROUPS = ["codechat", "Support", "support ", " support", "support%", "support.", "support\0", "s", "suppor\u0442"]
NEARLY = st.sampled_from(OTHER_GROUPS) | st.text(st.characters(codec="utf-8", exclude_characters="/"), min_size=1)
RESTS = ["", "/list-instances", "/sales", "/sales/creds", "/sales/a//b", "/sales/../../support/sales/creds", "/", "//"]


@st.composite
def elsewhere(draw: DrawFn) -> tuple[str, str]:
    """A method, and a path in a group that is not `support`."""
    group = draw(NEARLY)
    group = group if unquote(group) != "support" else "codechat"
    return draw(METHODS), f"/session/{draw(spellings(group))}{draw(st.sampled_from(RESTS))}"


def test_a_token_of_some_groups_is_refused_for_any_other_with_every_verb(
    worker: Worker, asked: Asked, tries: Tries, cases: Counter[str]
) -> None:
    @tries(120)
    @given(elsewhere(), st.sampled_from(["1.1", "1.0"]), st.sampled_from(["", "http://worker", "HTTP://support@x:1"]))
    @example(("GET", "/session/%53upport/sales/creds"), "1.1", "")
    @example(("BREW", "/session/support%00/sales/creds"), "1.1", "")
    @example(("GET", "/session/%2573upport/sales/creds"), "1.1", "")
    def try_one(said: tuple[str, str], version: str, start: str) -> None:
        method, path = said
        asked.forget()
        sent = Sent(method, start + path, version, [("apikey", SUPPORT)], b"")
        assert (sent, status_of(worker, sent)) == (sent, 403)
        assert asked.methods == set()
        cases["403"] += 1

    try_one()


def test_a_token_of_some_groups_is_taken_for_these_in_each_spelling(worker: Worker, tries: Tries) -> None:
    """So the test above does not pass because nothing is ever allowed."""

    @tries(25)
    @given(spellings("support"))
    def try_one(group: str) -> None:
        sent = Sent("GET", f"/session/{group}/list-instances", "1.1", [("apikey", SUPPORT)], b"")
        assert status_of(worker, sent) == 200

    try_one()


CHANGING = METHODS.filter(lambda method: method not in {"GET", "HEAD"})
BELOW = [
    *("/admin/groups", "/admin/checkpoint", "/admin/drops", "/admin/encryption/rewrite", "/admin/overview", "/admin/"),
    *("/admin/groups/codechat", "/admin/drops/codechat/sales/1-0", "/admin/drops/codechat/sales/1-0/restore"),
    "/admin/groups/codechat/instances/sales/versions/1700000000000-0.0123456789ab.31/restore",
]


def test_a_token_to_look_changes_nothing_with_any_verb(
    worker: Worker, asked: Asked, tries: Tries, cases: Counter[str]
) -> None:
    @tries(80)
    @given(CHANGING, st.sampled_from(BELOW), st.data(), st.sampled_from(["1.1", "1.0"]))
    def try_one(method: str, path: str, data: st.DataObject, version: str) -> None:
        asked.forget()
        rest = "/".join(data.draw(spellings(part)) for part in path.removeprefix("/admin/").split("/"))
        sent = Sent(method, f"/admin/{rest}", version, [("apikey", VIEW)], b"")
        assert (sent, status_of(worker, sent)) == (sent, 403)
        assert asked.methods == set()
        cases["403"] += 1

    try_one()


def test_a_token_to_look_opens_no_session_file_with_any_verb(
    worker: Worker, asked: Asked, tries: Tries, cases: Counter[str]
) -> None:
    @tries(60)
    @given(METHODS, st.sampled_from(["codechat", "support"]), st.sampled_from(RESTS), st.data())
    def try_one(method: str, group: str, rest: str, data: st.DataObject) -> None:
        asked.forget()
        sent = Sent(method, f"/session/{data.draw(spellings(group))}{rest}", "1.1", [("apikey", VIEW)], b"")
        assert (sent, status_of(worker, sent)) == (sent, 403)
        assert asked.methods == set()
        cases["403"] += 1

    try_one()
