"""Names, addresses and heads that nobody would think of, and somebody sends."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import quote, unquote, urljoin

import pytest
from markupsafe import escape

from sessionworker.migration.reports import State
from sessionworker.page.listing import A_PAGE
from sessionworker.stores.changes import DropInstance, PurgeDrop, RestoreInstance
from sessionworker.wire import EventSummary
from tests.page.reports import report, told
from tests.page.visiting import HOST, OPERATOR, Browser
from tests.page.whole import Whole, operator, whole_page

NAMES = [
    "drop",
    "versions",
    "label",
    "..%2f",
    "%41",
    " a ",
    "a\n",
    "a\nb",
    "a\r\nb",
    "{{ 7*7 }}",
    "{x}%s",
    "\u2028",
    " ",
]
NAMES += ["\"'><svg onload=1>", "a\u202eb", "a?b#c;d+e&amp;", "\x01\ufeff", "a\\b", "..a", "*", "😀"]


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Whole]:
    with whole_page(tmp_path / "store") as whole, whole:
        yield whole
        assert not [event for event in whole.events if event["log_level"].name in {"error", "critical"}]


class Apart(HTMLParser):
    """Notes where names are that turn the direction of a page, and of more than themselves."""

    def __init__(self) -> None:
        super().__init__()
        self._around: list[tuple[str, str]] = []
        self.not_apart: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in {"meta", "link", "input"}:
            self._around.append((tag, dict(attrs).get("class") or ""))

    def handle_endtag(self, tag: str) -> None:
        assert self._around.pop()[0] == tag

    def handle_data(self, data: str) -> None:
        is_apart = any(tag in APART or {*names.split()} & {"id", "group"} for tag, names in self._around)
        if "\u202e" in data and not is_apart:
            self.not_apart.append(data)


APART = {"title", "pre", "a", "code", "strong", "option", "bdi"}
"""What is a line of its own, or stands apart by what page.css says, or by itself."""


def test_a_name_that_turns_the_direction_turns_nothing_besides_itself(page: Whole) -> None:
    for number in range(3):
        page.make("codechat", f"{number}\u202eb")
        page.do(DropInstance("codechat", f"{number}\u202eb"))
    erased = page.store.drops()[-1]
    page.do(PurgeDrop("codechat", erased.instance, erased.drop, by="10.0.0.7"))
    page.make("codechat", "3\u202eb")
    person, one = operator(page), "/ui/instances/codechat/3%E2%80%AEb"
    drop = page.store.drops()[0]
    paths = ["/ui/", "/ui/instances", one, f"{one}/drop", "/ui/trash", "/ui/events"]
    for path in [*paths, f"/ui/trash/codechat/{quote(drop.instance)}/{drop.drop}/restore"]:
        found = Apart()
        body = person.visit(path).body
        found.feed(body)
        assert (path, "\u202e" in body, found.not_apart) == (path, True, [])
    state = told("\u202eb", State.FAILED)
    answer = person.hand_in_file("/ui/report", report(state), csrf=person.visit("/ui/report").hidden("csrf"))
    found = Apart()
    found.feed(answer.body)
    assert ("\u202e" in answer.body, found.not_apart) == (True, [])


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_an_instance_may_be_called_anything(page: Whole, name: str) -> None:
    page.make(name, name)
    person = operator(page)
    one = f"/ui/instances/{quote(name, safe='')}/{quote(name, safe='')}"
    for path in ("/ui/instances", "/ui/", one, f"{one}/drop"):
        answer = person.visit(path)
        assert (path, answer.status, "<svg onload" in answer.body) == (path, 200, False)
        assert path == "/ui/" or str(escape(name)) in answer.body
    assert f'href="./{one[4:]}"' in person.visit("/ui/instances").body
    in_portuguese = f"/ui/language/pt-BR/{one[4:]}"
    assert person.follow(person.visit(in_portuguese), in_portuguese) == one
    csrf = person.visit(f"{one}/drop").hidden("csrf")
    assert person.hand_in(f"{one}/drop", csrf=csrf, typed="", stopped="yes").status == 409
    typed = name.replace("\n", "").replace("\r", "")  # a field has one line: a browser leaves them out
    assert person.hand_in(f"{one}/drop", csrf=csrf, typed=typed, stopped="yes").status == 303
    assert [drop.instance for drop in page.store.drops()] == [name]
    assert person.visit("/ui/trash").status == 200
    drop = quote(page.store.drops()[0].drop)
    path = f"/ui/trash{one.removeprefix('/ui/instances')}/{drop}/restore"
    field = re.search(r'name="name"[^>]* value="([^"]*)"', person.visit(path).body)
    assert field is not None
    new_name = unescape(field[1]).replace("\n", "").replace("\r", "")
    assert person.follow(person.hand_in(path, csrf=csrf, name=new_name), path) == one
    assert page.store.instances(name) == [name]


HEADS = [
    ("GET", "/ui/instances/%ff/%ff", 404),
    ("GET", "/ui//instances", 404),
    ("GET", "//evil.example/ui/", 404),
    ("GET", "http://evil.example/ui/", 404),
    ("PUT", "/ui/", 405),
    ("GET", "/ui/logout", 405),
    ("GET", "/ui/static/..%2fpage.css", 404),
    ("GET", "/ui/events?page=99999999999", 200),
    ("GET", f"/ui/instances/a/b/versions/{'9' * 20}-1", 200),
    ("GET", f"/ui/instances/a/b/versions/{'9' * 5000}", 200),
    ("GET", "/ui/instances/a/b/versions/%D9%A3-%C2%B2", 200),
    ("HEAD", "/ui/", 200),
    ("GET", "/ui/language/en", 404),
    ("OPTIONS", "*", 404),
    ("GET", "*", 404),
]


@pytest.mark.parametrize(("method", "path", "status"), HEADS, ids=[path[:40] for _, path, _ in HEADS])
def test_an_odd_address_is_answered_in_the_frame_of_the_page(page: Whole, method: str, path: str, status: int) -> None:
    person = operator(page)
    answer = page.ask(method, path, {"Host": HOST, "Cookie": person.cookie_line("/ui/")})
    assert answer.status == status
    assert answer.headers.headers["Content-Security-Policy"]
    assert "Server" not in answer.headers.headers


@pytest.mark.parametrize("host", ["", "\xff\xfe", "a" * 300, "..", "[::1", "x:y:z", "\"'<b>"])
def test_an_odd_host_is_answered(page: Whole, host: str) -> None:
    cookie = operator(page).cookie_line("/ui/")
    assert page.ask("GET", "/ui/", {"Host": host, "Cookie": cookie}).status == 200


@pytest.mark.parametrize("name", ["Accept-Language", "Sec-Fetch-Site", "Origin", "Cookie", "X-Refresh", "Accept"])
def test_an_odd_header_is_answered(page: Whole, name: str) -> None:
    for value in ("\xff\xfe", "", "=;,;=", "a" * 10_000, '"'):
        body = b"token=x"
        headers = {"Host": HOST, "Origin": f"http://{HOST}", "Content-Length": str(len(body))} | {name: value}
        assert page.ask("GET", "/ui/", {"Host": HOST, name: value}).status == 401
        assert page.ask("POST", "/ui/login", headers, body).status in {401, 403}


@pytest.mark.parametrize(
    "rest", ["..%2f..%2f%2fevil.example", "../../x", "a/%2e%2e/%2e%2e/%2e%2e/x", "%2f%2fevil.example"]
)
def test_choosing_a_language_leads_nowhere_but_to_the_page(page: Whole, rest: str) -> None:
    path = f"/ui/language/en/{rest}"
    answer = page.ask("GET", path, {"Host": HOST})
    if answer.status == 303:
        whole = urljoin(f"http://{HOST}{path}", str(answer.headers.headers["Location"]))
        assert whole.startswith(f"http://{HOST}/ui/")
    else:
        assert answer.status == 404


@pytest.mark.parametrize("name", ["%00", "a%00b", "..", "%2e", "a" * 300])
def test_nothing_is_asked_of_the_store_by_what_is_no_name(page: Whole, name: str) -> None:
    """A database fails at a NUL: be it that of everybody's commit."""
    person = operator(page)
    csrf = person.visit("/ui/settings").hidden("csrf")
    page.here.hangs = True
    one = f"/ui/instances/{name}/{name}"
    for path in (one, f"{one}/drop", f"{one}/versions/1-1", f"/ui/trash/{name}/a/1/purge"):
        assert (path, person.ask_and_wait(path, 2.0).status) == (path, 400)
    for path in (f"{one}/drop", f"{one}/label", f"/ui/trash/a/{name}/1/restore", f"{one}/versions/1-1"):
        assert (path, person.hand_in(path, csrf=csrf, typed=unquote(name), stopped="yes").status) == (path, 400)
    if "%00" in name:
        for path in (f"/ui/trash/a/a/{name}/purge", f"/ui/instances/a/a/versions/{name}"):
            assert (path, person.hand_in(path, csrf=csrf, typed="a", stopped="yes").status) == (path, 404)


def test_of_an_instance_with_many_events_the_last_are_shown(page: Whole) -> None:
    page.make("codechat", "sales")
    for number in range(A_PAGE + 10):
        page.do(DropInstance("codechat", "sales", by=f"10.0.0.{number}"))
        page.do(RestoreInstance("codechat", "sales", page.store.drops()[0].drop, "sales", by=f"10.0.0.{number}"))
    body = operator(page).visit("/ui/instances/codechat/sales").body
    assert (body.count('<span class="when">'), "All events" in body) == (A_PAGE, True)


def test_an_event_that_this_version_does_not_know_is_shown_as_it_is(
    page: Whole, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = EventSummary(1, 1_700_000_000_000, "<b>{odd}</b>", "codechat", "sales", "", "Odd.")
    monkeypatch.setattr(page.store, "events", lambda _after: [event])
    assert "<strong>&lt;b&gt;{odd}&lt;/b&gt;</strong>" in operator(page).visit("/ui/events").body


@pytest.mark.parametrize(
    ("path", "goes_on_at"),
    [
        ("/ui/instances/codechat/Loja%20S%C3%A3o%0Aa/label", "/ui/instances/codechat/Loja%20S%C3%A3o%0Aa"),
        ("/ui/instances/codechat/sales/drop", "/ui/instances/codechat/sales/drop"),
        ("/ui/instances/codechat/sales/versions/1-1?a=b", "/ui/instances/codechat/sales/versions/1-1"),
        ("/ui/trash/codechat/sales/1-1/purge", "/ui/trash/codechat/sales/1-1/purge"),
        ("/ui/checkpoint", "/ui/"),
        ("/ui/logout-everywhere", "/ui/"),
    ],
)
def test_whose_session_ended_over_a_form_goes_on_at_a_page(page: Whole, path: str, goes_on_at: str) -> None:
    person = Browser(page)
    asked = person.hand_in(path, csrf="of the session that ended")
    assert asked.status == 401
    person.sign_in(OPERATOR)
    answer = person.sign_in(OPERATOR, next=asked.hidden("next"))
    assert person.follow(answer, "/ui/login") == goes_on_at
    assert person.visit(goes_on_at).status in {200, 404}


def test_an_address_of_thousands_of_folders_makes_no_long_answer(page: Whole) -> None:
    answer = page.ask("GET", "/ui/" + "a/" * 8_000, {"Host": HOST})
    assert (answer.status, len(answer.body) < 10_000) == (404, True)
