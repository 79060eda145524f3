"""The way in for a browser, and the way out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sessionworker.access import Role, Token
from sessionworker.page.sessions import CODE_SECONDS, IDLE_SECONDS, LONGEST_SECONDS
from tests.page.visiting import API, OPERATOR, SHOWN, TOKENS, VIEWER, Browser, Page
from tests.page.whole import whole_page


@pytest.fixture
def page() -> Iterator[Page]:
    with Page() as one:
        yield one


def signed_in(page: Page, token: str = OPERATOR, **options: str) -> Browser:
    browser = Browser(page, **options)
    assert browser.sign_in(token).status == 303
    assert SHOWN in browser.visit("/ui/").body
    return browser


@pytest.mark.parametrize("base", ["http://vps:5657", "http://127.0.0.1:5657", "https://sessions.example"])
@pytest.mark.parametrize("prefix", ["", "/a/worker"])
def test_a_token_is_typed_once(page: Page, base: str, prefix: str) -> None:
    browser = Browser(page, base=base, prefix=prefix)
    asked = browser.visit("/ui/instances/codechat/Loja%20S%C3%A3o?page=2")
    assert (asked.status, SHOWN in asked.body) == (401, False)
    answer = browser.sign_in(OPERATOR, next=asked.hidden("next"))
    assert browser.follow(answer, "/ui/login") == "/ui/instances/codechat/Loja%20S%C3%A3o?page=2"
    assert SHOWN in browser.visit("/ui/instances/codechat/Loja%20S%C3%A3o").body
    assert SHOWN in browser.visit("/ui/").body
    assert page.logins() == {"token": 1}


def test_the_cookie_is_for_the_page_alone(page: Page) -> None:
    browser = Browser(page, base="https://sessions.example", prefix="/a")
    session, known = (cookie.split("; ") for cookie in browser.sign_in(OPERATOR).cookies)
    assert (session[0][:11], known[0][:11]) == ("sw-session-", "sw-browser-")
    assert {one.lower() for one in session[1:]} == {"httponly", "samesite=strict", "secure"}
    assert {one.lower() for one in known[1:]} == {"httponly", "samesite=strict", "secure", "max-age=2592000"}
    assert browser.cookie_line("/a/ui/") != ""
    assert [browser.cookie_line(path) for path in ("/", "/a/", "/a/uix", "/ui/", "/manager")] == [""] * 5
    assert "secure" not in "".join(Browser(page).sign_in(OPERATOR).cookies).lower()


def test_the_cookie_is_secure_where_the_worker_speaks_tls_itself(page: Page) -> None:
    headers = {"Host": "vps", "Sec-Fetch-Site": "same-origin", "Content-Length": str(len(f"token={OPERATOR}"))}
    for cookie in page.ask("POST", "/ui/login", headers, f"token={OPERATOR}".encode(), is_tls=True).cookies:
        assert "secure" in cookie.lower()


def test_workers_on_one_machine_have_cookies_of_their_own() -> None:
    pages = [Page(), Page()]
    pages[1].signing_in = type(pages[1].signing_in)(pages[1].clock, pages[1].access, pages[1].metrics, "another store")
    names = {page.signing_in._cookie for page in pages}
    assert len(names) == 2
    assert Page().signing_in._cookie in names


@pytest.mark.parametrize(
    ("tokens", "token", "may_look", "may_change"),
    [
        (TOKENS, OPERATOR, True, True),
        (TOKENS, VIEWER, True, False),
        (TOKENS, API, False, False),
        ([Token(Role.API, API.encode())], API, True, True),
        ([Token(Role.API, API.encode()), Token(Role.VIEW, VIEWER.encode())], API, True, True),
        ([Token(Role.API, API.encode(), frozenset({"codechat"}))], API, False, False),
        (TOKENS, "", False, False),
        (TOKENS, "çé", False, False),
        (TOKENS, f"  {OPERATOR}\r\n", True, True),
    ],
)
def test_who_may_what(tokens: list[Token], token: str, may_look: bool, may_change: bool) -> None:
    page = Page(tokens)
    browser = Browser(page)
    assert browser.sign_in(token).status == (303 if may_look else 401)
    seen = browser.visit("/ui/")
    assert seen.status == (200 if may_look else 401)
    csrf = seen.hidden("csrf") if may_look else ""
    changed = browser.hand_in("/ui/change", csrf=csrf)
    assert changed.status == (200 if may_change else 403 if may_look else 401)
    assert page.changes == may_change


def test_whoever_sends_forms_of_elsewhere_does_not_fill_the_log(page: Page) -> None:
    browser = Browser(page)
    for _ in range(100):
        assert browser.sign_in(OPERATOR, origin="http://evil.example").status == 403
    assert len(page.logged("sign_in_refused")) == 5
    assert page.logins() == {"foreign": 100}
    assert browser.sign_in(OPERATOR).status == 303


def test_a_right_token_for_something_else_is_said_to_be_that(page: Page) -> None:
    assert "That token is an API" in Browser(page).sign_in(API).body
    assert "That is not a token of this worker." in Browser(page).sign_in("wrong").body
    assert page.logins() == {"refused": 2}
    assert [event["address"] for event in page.logged("sign_in_refused")] == ["10.0.0.7"] * 2
    assert page.logged("sign_in_refused")[0]["log_level"].name == "warn"


@pytest.mark.parametrize(
    "path",
    [
        *("", "https://evil.example/", "//evil.example/", "/ui//evil.example/", "/ui/../session", "/ui/%2e%2E/session"),
        *("/ui/\\..\\x", "/ui/./x", "/session/", "/ui", "/uix/", "/ui/\t/x", "/ui/\nSet-Cookie: a=b", "/ui/é", "ui/x"),
        "javascript:alert(1)",
    ],
)
def test_it_goes_on_on_this_page_alone(page: Page, path: str) -> None:
    for prefix in ("", "/a"):
        browser = Browser(page, prefix=prefix)
        assert browser.follow(browser.sign_in(OPERATOR, next=path), "/ui/login") == "/ui/"


def test_who_signs_out_is_out(page: Page) -> None:
    browser, other = signed_in(page, prefix="/a"), signed_in(page)
    stolen = dict(browser.cookies)
    csrf = browser.visit("/ui/").hidden("csrf")
    answer = browser.hand_in("/ui/logout", csrf=csrf)
    assert browser.follow(answer, "/ui/logout") == "/ui/login"
    assert [name for name in browser.cookies if name.startswith("sw-session-")] == []
    browser.cookies = stolen
    assert browser.visit("/ui/").status == 401
    assert browser.hand_in("/ui/change", csrf=csrf).status == 401
    assert SHOWN in other.visit("/ui/").body
    assert browser.hand_in("/ui/logout", csrf=csrf).status == 303  # again does no harm


def test_an_operator_signs_all_out(page: Page) -> None:
    browser, viewer = signed_in(page), signed_in(page, VIEWER)
    code = page.signing_in.make_code()
    refused = viewer.hand_in("/ui/logout-everywhere", csrf=viewer.visit("/ui/").hidden("csrf"))
    assert (refused.status, "changes nothing" in refused.body) == (403, True)
    assert len(page.signing_in.sessions) == 2
    browser.hand_in("/ui/logout-everywhere", csrf=browser.visit("/ui/").hidden("csrf"))
    assert len(page.signing_in.sessions) == 0
    assert [one.visit("/ui/").status for one in (browser, viewer)] == [401, 401]
    assert Browser(page).sign_in(code).status == 401
    assert len(page.logged("signed_out_everywhere")) == 1


def test_who_signs_in_again_leaves_his_old_session(page: Page) -> None:
    browser = signed_in(page)
    before = dict(browser.cookies)
    browser.sign_in(OPERATOR)
    assert browser.cookies != before
    assert len(page.signing_in.sessions) == 1


def test_a_session_ends_by_itself(page: Page) -> None:
    browser = signed_in(page)
    for _ in range(int(LONGEST_SECONDS / IDLE_SECONDS) * 2 - 1):
        page.clock.advance(IDLE_SECONDS / 2)
        assert browser.visit("/ui/").status == 200
    page.clock.advance(IDLE_SECONDS / 2)
    assert browser.visit("/ui/").status == 401


def test_what_a_page_asks_for_by_itself_keeps_no_session(page: Page) -> None:
    browser = signed_in(page)
    line = browser.cookie_line("/ui/")
    for _ in range(2):
        page.clock.advance(IDLE_SECONDS / 2 - 1)
        assert page.ask("GET", "/ui/", {"Host": "vps", "Cookie": line, "X-Refresh": "1"}).status == 200
    page.clock.advance(2)
    assert browser.visit("/ui/").status == 401


def test_other_tokens_end_all_sessions_and_codes(page: Page) -> None:
    browser, code = signed_in(page), page.signing_in.make_code()
    page.access.replace(TOKENS)
    assert browser.visit("/ui/").status == 200
    page.access.replace([*TOKENS, Token(Role.VIEW, b"one-more")])
    assert browser.visit("/ui/").status == 401
    assert Browser(page).sign_in(code).status == 401
    assert len(page.logged("sessions_ended")) == 1


def test_a_code_signs_in_once(page: Page) -> None:
    for field in ("code", "token"):  # the script hands it in, or a person without scripts
        code = page.signing_in.make_code()
        browser = Browser(page)
        assert browser.hand_in("/ui/login", **{field: code}).status == 303
        assert SHOWN in browser.visit("/ui/").body
        again = Browser(page).hand_in("/ui/login", **{field: code})
        assert again.status == 401
        assert ("That link was used" in again.body) == (field == "code")
    late = page.signing_in.make_code()
    page.clock.advance(CODE_SECONDS)
    assert Browser(page).hand_in("/ui/login", code=late).status == 401
    assert page.logins() == {"link": 2, "refused": 3}


def test_a_code_lets_in_whom_a_guesser_of_tokens_has_locked_out(page: Page) -> None:
    browser = Browser(page)
    while browser.sign_in("a guess").status != 429:
        pass
    assert browser.sign_in(OPERATOR).status == 429
    assert browser.hand_in("/ui/login", code=page.signing_in.make_code()).status == 303


def test_who_signs_in_waits_for_no_store(tmp_path: Path) -> None:
    """A token that is refused is wrong: a store that hangs is said to hang by the pages behind."""
    with whole_page(tmp_path) as page:
        page.here.hangs = True
        browser = Browser(page)
        assert browser.sign_in("wrong").status == 401
        assert browser.sign_in(OPERATOR).status == 303


def test_a_token_in_the_address_is_not_read(page: Page) -> None:
    """It would stand in logs, so nobody is to find out that it works."""
    browser = Browser(page)
    assert browser.hand_in(f"/ui/login?token={OPERATOR}", next="/ui/").status == 401


def test_each_answer_tells_the_browser_to_be_strict(page: Page) -> None:
    browser = signed_in(page)
    answers = [
        *(browser.visit("/ui/login"), browser.sign_in("wrong"), browser.sign_in(OPERATOR)),
        *(browser.hand_in("/ui/change", csrf=""), Browser(page).visit("/ui/"), browser.visit("/ui/nothing")),
    ]
    assert [answer.status for answer in answers] == [200, 401, 303, 403, 401, 404]
    for answer in answers:
        headers = answer.headers.headers
        policy = dict(part.split(" ", 1) for part in headers["Content-Security-Policy"].split("; "))
        assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == "'none'"
        assert policy["script-src"] == policy["style-src"] == policy["form-action"] == "'self'"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cross-Origin-Opener-Policy"] is None  # to plain HTTP browsers complain of it
        assert headers["Cache-Control"] == "no-store"
        # "no-referrer" has browsers say "Origin: null" with a form, to plain HTTP they say nothing else
        assert headers["Referrer-Policy"] == "same-origin"


def test_who_is_on_the_way_reads_along_where_the_browser_knows_of_no_tls(page: Page) -> None:
    warning = "This connection is not encrypted"
    assert warning in Browser(page).visit("/ui/login").body
    for base in ("http://127.0.0.1:5657", "https://sessions.example"):
        assert warning not in Browser(page, base=base).visit("/ui/login").body


def test_no_token_and_no_code_is_in_the_log(page: Page) -> None:
    code = page.signing_in.make_code()
    for shown in (code, code, OPERATOR, "a-wrong-one", API):
        Browser(page).sign_in(shown)
    Browser(page).hand_in("/ui/login", code="a-wrong-one")
    said = repr(page.events)
    assert len(page.logged("signed_in")) == 2
    for secret in (code, OPERATOR, API, "a-wrong-one"):
        assert secret not in said


@pytest.mark.parametrize("base", ["http://127.0.0.1:5657", "https://sessions.example"])
def test_no_page_that_opened_this_one_keeps_a_hold_of_it(page: Page, base: str) -> None:
    headers = Browser(page, base=base).visit("/ui/login").headers.headers
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"


def test_a_script_learns_whether_somebody_is_signed_in(page: Page) -> None:
    """The browser keeps the cookie back for a link from elsewhere, and not for what the page asks for itself."""
    browser = signed_in(page)
    headers = {"Host": "vps", "X-Refresh": "1"}
    assert page.ask("HEAD", "/ui/login", headers).status == 200
    assert page.ask("HEAD", "/ui/login", headers | {"Cookie": browser.cookie_line("/ui/login")}).status == 204
    assert browser.visit("/ui/login").status == 200
