"""A path means one thing, to the gate and to the tree, or nothing; and a name comes back from its path."""

from __future__ import annotations

from collections import Counter
from urllib.parse import quote, unquote_to_bytes

from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.strategies import DataObject

from sessionworker.access import Role
from sessionworker.errors import NameNotAllowed, NotFound, RequestNotAllowed, StartError
from sessionworker.file_names import decode_name, encode_name
from sessionworker.names import SessionFile, check_key, check_name
from sessionworker.tokens import _read_line
from sessionworker.web.paths import check_path, group_in, is_session_file, loggable, read_path, right_to, route_of
from tests.fuzz.changed import changed, pieces_of
from tests.fuzz.conftest import API, Tries
from tests.fuzz.requests import Sent, spellings, targets
from tests.memory import Worker
from tests.test_names import NAMES

PARTS = (b"/", b"//", b"/session/", b"/admin/", b"/..", b"/.", b"%", b"%2F", b"%2f", b"%00", b"%FF", b"%25", b"?", b"#")
SPELLED = st.builds("/session/{}/{}/{}".format, *[NAMES.flatmap(spellings)] * 3).map(str.encode)
RAW = SPELLED | st.binary(max_size=60) | pieces_of(*PARTS) | targets().map(lambda target: target.encode("latin-1"))


def test_a_path_of_any_bytes_is_refused_as_foreseen_or_names_what_is_allowed(tries: Tries, cases: Counter[str]) -> None:
    @tries(320)
    @given(RAW, st.sampled_from([b"GET", b"POST", b"x"]))
    def try_one(uri: bytes, method: bytes) -> None:
        path = uri.partition(b"?")[0]
        assert "5511" not in loggable(path + b"/G/I/K/5511")
        assert route_of(path) in {"/admin", "other", "/ping", "/health", "/metrics"} or route_of(path).startswith(
            "/session"
        )
        right_to(method, path)
        try:
            check_path(path, uri)
        except (NotFound, RequestNotAllowed, NameNotAllowed):
            cases["refused"] += 1
            return
        group = group_in(path)
        if not is_session_file(path):
            cases["of no session file"] += 1
            return
        try:
            file = read_path(path)
        except NameNotAllowed:
            cases["not allowed"] += 1
            return
        assert file == SessionFile(
            check_name("group", file.group), check_name("instance", file.instance), check_key(file.key)
        )
        assert file.group == group
        assert unquote_to_bytes(path).decode() == f"/session/{file.group}/{file.instance}/{file.key}"
        cases["of a session file"] += 1

    try_one()


def test_what_was_allowed_comes_back_from_its_path(tries: Tries, cases: Counter[str]) -> None:
    @tries(200)
    @given(NAMES, NAMES, NAMES, st.sampled_from(["", "/", "!$&'()*+,;=:@"]))
    def try_one(group: str, instance: str, key: str, safe: str) -> None:
        try:
            file = SessionFile(check_name("group", group), check_name("instance", instance), check_key(key))
        except NameNotAllowed:
            cases["not allowed"] += 1
            return
        names = [quote(group, safe=safe), quote(instance, safe=safe), quote(key, safe=safe)]
        path = f"/session/{'/'.join(names)}".encode()
        check_path(path, path)
        assert read_path(path) == file
        assert group_in(path) == group
        cases["came back"] += 1

    try_one()


def test_the_gate_and_the_tree_read_the_same_names_in_a_path(worker: Worker, tries: Tries, cases: Counter[str]) -> None:
    """They read them by themselves: the gate from the raw path, the tree's router from the decoded one."""
    groups = NAMES.flatmap(spellings)

    @tries(120)
    @given(
        groups, st.sampled_from(["/list-instances", "/sales", "/sales/creds", ""]), st.sampled_from(["GET", "DELETE"])
    )
    @example("a%2525", "/list-instances", "GET")
    @example("a+b", "/sales/creds", "GET")
    @example("a%7Cb", "/list-instances", "GET")
    @example("a%0Ab", "/sales", "DELETE")
    def try_one(spelled: str, rest: str, method: str) -> None:
        target = f"/session/{spelled}{rest}"
        worker.store.calls.clear()
        [answer] = worker.raw(Sent(method, target, "1.1", [("apikey", API)], b"").data, method)
        named = [getattr(call, "group", call) for call in worker.store.calls if call != "check"]
        if answer.status == 400:
            assert named == []
        assert [group for group in named if group != group_in(target.encode())] == []
        cases["the same" if named else "asked nothing"] += 1

    try_one()


def test_a_file_name_that_was_changed_stands_for_one_name_or_none(tries: Tries, cases: Counter[str]) -> None:
    @tries(200)
    @given(NAMES.filter(lambda name: name not in {"", ".", ".."}), st.data())
    def try_one(name: str, data: DataObject) -> None:
        file_name = data.draw(changed(encode_name(name).encode())).decode(errors="surrogateescape")
        found = decode_name(file_name)
        assert found not in {"", ".", ".."}
        assert found is None or decode_name(encode_name(found)) == found
        cases["none" if found is None else "a name"] += 1

    try_one()


def test_a_line_of_a_token_file_is_a_token_or_refused_with_a_line_that_does_not_hold_it(
    tries: Tries, cases: Counter[str]
) -> None:
    @tries(200)
    @given(st.text(min_size=8), st.sampled_from(["", "*:", "codechat:", "a%2Fb:", "%FF:", "a,,b:", "%:", ":"]))
    def try_one(secret: str, groups: str) -> None:
        line = f"{groups}{secret}"
        try:
            token = _read_line(Role.API, line, "Line 1 of the token file x")
        except StartError as stop:
            refusal = str(stop)
        else:
            assert token.secret
            assert line.endswith(token.secret.decode())
            assert token.groups is None or all(check_name("group", group) for group in token.groups)
            cases["taken"] += 1
            return
        assert secret not in refusal
        cases["refused"] += 1

    try_one()
