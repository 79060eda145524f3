"""What others try who want in, or want something done by who is: each is refused, and the table says with what."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from sessionworker.page.browsers import KNOWN_SECONDS, MOST_KNOWN
from sessionworker.page.signing_in import FORM_TOO_OLD, NOT_FROM_HERE
from tests.page.visiting import HOST, OPERATOR, SHOWN, Browser, Page
from tests.page.whole import operator, whole_page
from tests.tools import show_figure

LOCAL = "127.0.0.1:5657"


class Victim:
    """Somebody who is signed in, in a browser that has another page open, too."""

    def __init__(self, base: str) -> None:
        self.page = Page()
        self.browser = Browser(self.page, base=base)
        assert self.browser.sign_in(OPERATOR).status == 303
        self.csrf = self.browser.visit("/ui/").hidden("csrf")
        assert self.browser.hand_in("/ui/change", csrf=self.csrf).status == 200
        self.page.changes = 0

    def headers(self, **further: str) -> dict[str, str]:
        """A request with his cookie that does not say where it comes from."""
        host = self.browser.base.partition("://")[2]
        return {"Host": host, "Cookie": self.browser.cookie_line("/ui/"), **further}


@pytest.fixture(params=[f"http://{HOST}", f"http://{LOCAL}", "https://sessions.example"], ids=["lan", "local", "tls"])
def victim(request: pytest.FixtureRequest) -> Iterator[Victim]:
    one = Victim(request.param)
    with one.page:
        yield one
    assert one.page.changes == 0
    assert not [event for event in one.page.events if event["log_level"].name in {"error", "critical"}]


def refusal(body: str) -> str:
    """What an answer says of why."""
    found = re.search(r'role="alert">\s*(.*?)\s*</p>|<h1>That was refused.</h1>\s*<p>(.*?)</p>', body, re.DOTALL)
    assert found is not None
    return unescape(found[1] or found[2])


def test_another_port_of_the_same_host(victim: Victim) -> None:
    """To a cookie it is the same site, so the cookie goes with the form; suppose that it knows the token of forms."""
    base = victim.browser.base
    other = f"{base.rpartition(':')[0]}:8080" if base.count(":") > 1 else f"{base}:8080"
    assert victim.browser.cookie_line("/ui/change") != ""
    answer = victim.browser.hand_in("/ui/change", origin=other, csrf=victim.csrf)
    assert (answer.status, refusal(answer.body)) == (403, NOT_FROM_HERE)
    show_figure(f"attack: a form of another port of the host, with the cookie, to {base}: {answer.status}")


def test_another_port_of_the_same_host_is_shown_no_cookie(victim: Victim) -> None:
    """A browser sends a cookie to all ports of a host, but only to the folder that it is of."""
    for path in ("/", "/manager", "/ui-of-another", "/instance/ui/"):
        assert victim.browser.cookie_line(path) == ""


def test_a_form_from_elsewhere(victim: Victim) -> None:
    """SameSite=Strict keeps the cookie back; suppose that it does not."""
    for path in ("/ui/change", "/ui/logout", "/ui/logout-everywhere", "/ui/login"):
        for csrf in (victim.csrf, ""):
            answer = victim.browser.hand_in(path, origin="https://evil.example", csrf=csrf, token=OPERATOR)
            assert (answer.status, refusal(answer.body), answer.cookies) == (403, NOT_FROM_HERE, [])
    assert SHOWN in victim.browser.visit("/ui/").body
    show_figure(f"attack: a form from elsewhere, with the cookie, to {victim.browser.base}: {answer.status}")


@pytest.mark.parametrize("origin", ["null", "", "https://evil.example"])
def test_a_page_without_an_origin(victim: Victim, origin: str) -> None:
    body = f"csrf={victim.csrf}".encode()
    headers = victim.headers(Origin=origin) | {"Content-Length": str(len(body))}
    answer = victim.page.ask("POST", "/ui/change", headers, body)
    assert (answer.status, refusal(answer.body)) == (403, NOT_FROM_HERE)


def test_no_headers(victim: Victim) -> None:
    body = f"csrf={victim.csrf}&token={OPERATOR}".encode()
    headers = victim.headers() | {"Content-Length": str(len(body))}
    for path in ("/ui/change", "/ui/logout", "/ui/logout-everywhere", "/ui/login"):
        answer = victim.page.ask("POST", path, headers, body)
        assert (answer.status, refusal(answer.body), answer.cookies) == (403, NOT_FROM_HERE, [])
    show_figure(f"attack: a form that does not say where it is from, to {victim.browser.base}: {answer.status}")


def test_no_token_of_the_form(victim: Victim) -> None:
    """As where a proxy takes away what the browser says and puts in its own."""
    other = Browser(victim.page, base=victim.browser.base)
    other.sign_in(OPERATOR)
    for csrf in ("", "wrong", victim.csrf[:-1], other.visit("/ui/").hidden("csrf")):
        answer = victim.browser.hand_in("/ui/change", csrf=csrf)
        assert (answer.status, refusal(answer.body)) == (403, FORM_TOO_OLD)
    show_figure(f"attack: this page's origin, and no token of the form, to {victim.browser.base}: {answer.status}")


def test_a_stolen_cookie_after_signing_out(victim: Victim) -> None:
    stolen = dict(victim.browser.cookies)
    assert victim.browser.hand_in("/ui/logout", csrf=victim.csrf).status == 303
    victim.browser.cookies = stolen
    assert victim.browser.visit("/ui/").status == 401
    answer = victim.browser.hand_in("/ui/change", csrf=victim.csrf)
    assert answer.status == 401
    show_figure(f"attack: a cookie that was stolen, after signing out, to {victim.browser.base}: {answer.status}")


def test_a_made_up_cookie(victim: Victim) -> None:
    [name] = [one for one in victim.browser.cookies if one.startswith("sw-session-")]
    for value in ("", "x", "A" * 43, "%00", "\xff\xfe", "x" * 10_000):
        answer = victim.page.ask("GET", "/ui/", {"Host": HOST, "Cookie": f"{name}={value}"})
        assert answer.status == 401


def test_a_thousand_wrong_tokens_from_one_address() -> None:
    with Page() as page:
        browser, statuses = Browser(page), Counter[int]()
        for number in range(1_000):
            statuses[browser.sign_in(f"wrong-{number}").status] += 1
            page.clock.advance(0.05)
        assert statuses == {401: 5 + 4, 429: 1_000 - 9}  # in 50 s one more each 10 s
        last = browser.sign_in(OPERATOR)
        assert last.status == 429
        page.clock.advance(float(last.headers.headers["Retry-After"]))
        assert browser.sign_in(OPERATOR).status == 303
        assert page.logins() == {"refused": 9, "throttled": 992, "token": 1}
        assert len(page.logged("sign_in_refused")) == 9
    show_figure("attack: 1,000 wrong tokens in 50 s from one address: 9 looked at (401), 991 not (429)")


def guess_from_everywhere(page: Page, network: str) -> Counter[int]:
    """What comes of a thousand wrong tokens in 50 s from as many addresses."""
    statuses = Counter[int]()
    for number in range(1_000):
        browser = Browser(page, address=f"{network}.{number // 250}.{number % 250}")
        statuses[browser.sign_in(f"wrong-{number}").status] += 1
        page.clock.advance(0.05)
    return statuses


@pytest.mark.parametrize(
    ("network", "others"), [("198.20", ("10.0.0.7", "127.0.0.1", "fe80::1")), ("10.0", ("8.8.8.8",))]
)
def test_a_thousand_wrong_tokens_from_as_many_addresses(network: str, others: tuple[str, ...]) -> None:
    """They keep out nobody of this machine or its network, nor who signed in before in the same browser."""
    with Page() as page:
        known = Browser(page, address=f"{network}.9.9")
        known.sign_in(OPERATOR)
        page.signing_in.sessions.close_all()
        assert guess_from_everywhere(page, network) == {401: 30, 429: 970}
        assert len(page.logged("sign_in_refused")) == 30
        assert Browser(page, address=f"{network}.8.8").sign_in(OPERATOR).status == 429
        assert [known.sign_in(token).status for token in ("mistyped", OPERATOR)] == [401, 303]
        for other in others:
            assert Browser(page, address=other).sign_in("mistyped").status == 401
            assert Browser(page, address=other).sign_in(OPERATOR).status == 303
    show_figure("attack: 1,000 wrong tokens in 50 s from 1,000 addresses: 30 looked at (401), 970 not (429)")


def test_a_guesser_behind_the_same_proxy_keeps_out_nobody_who_signed_in_before() -> None:
    with Page() as page:
        known = Browser(page)
        known.sign_in(OPERATOR)
        while Browser(page).sign_in("a guess").status != 429:
            pass
        assert Browser(page).sign_in(OPERATOR).status == 429
        assert known.sign_in(OPERATOR).status == 303


def test_a_thousand_wrong_tokens_from_a_browser_in_which_somebody_signed_in() -> None:
    with Page() as page:
        browsers = [Browser(page, address=f"198.20.0.{number}") for number in range(3)]
        browsers[0].sign_in(OPERATOR)
        for other in browsers[1:]:
            other.cookies = browsers[0].cookies  # it was stolen
        statuses = Counter(browsers[number % 3].sign_in("wrong").status for number in range(1_000))
        assert statuses == {401: 5, 429: 995}
        page.clock.advance(KNOWN_SECONDS)
        assert [browser.sign_in("wrong").status for browser in browsers] == [401] * 3
        browsers[0].cookies = {name: (path, "made-up") for name, (path, _) in browsers[0].cookies.items()}
        assert Counter(browsers[0].sign_in("wrong").status for _ in range(10)) == {401: 4, 429: 6}


def test_no_more_browsers_are_known_than_somebody_needs() -> None:
    with Page() as page:
        first, again = Browser(page), Browser(page)
        first.sign_in(OPERATOR)
        for _ in range(MOST_KNOWN + 10):
            again.sign_in(OPERATOR)
        assert len(page.signing_in._browsers) == 2
        for _ in range(MOST_KNOWN):
            Browser(page).sign_in(OPERATOR)
        assert len(page.signing_in._browsers) == MOST_KNOWN
        while Browser(page).sign_in("a guess").status != 429:
            pass
        assert first.sign_in(OPERATOR).status == 429


def test_a_cookie_that_another_program_of_the_machine_sets_signs_nobody_out(victim: Victim) -> None:
    line = victim.browser.cookie_line("/ui/")
    [name] = [one for one in victim.browser.cookies if one.startswith("sw-session-")]
    for tossed in (f"{name}=x; {line}", f"{line}; {name}=x", f"{name}; {name}=; {line}"):
        assert SHOWN in victim.page.ask("GET", "/ui/", {"Host": HOST, "Cookie": tossed}).body
    assert victim.page.ask("GET", "/ui/", {"Host": HOST, "Cookie": f"{name}=x; " * 10 + line}).status == 401


def test_a_whole_network_of_ipv6_is_one_address() -> None:
    with Page() as page:
        statuses = Counter(
            Browser(page, address=f"2001:db8::{number:x}").sign_in("wrong").status for number in range(20)
        )
        assert statuses == {401: 5, 429: 15}


@pytest.mark.parametrize("host", ["evil.example:5657", "sessions.example.evil.example", ""])
def test_a_name_that_was_made_to_lead_here(tmp_path: Path, host: str) -> None:
    """With `--hosts` it is refused, as on the worker's own port."""
    with whole_page(tmp_path, SESSIONWORKER_HOSTS="vps,sessions.example") as page:
        for path in ("/ui/", "/", "/ui/static/x", "/ui/nothing"):
            answer = page.ask("GET", path, {"Host": host})
            headers = answer.headers.headers
            assert (answer.status, headers["Content-Type"]) == (421, "application/json")
            assert headers["X-Content-Type-Options"] == "nosniff"
        form = Browser(page, base=f"http://{host}").sign_in(OPERATOR)
        assert (form.status, form.cookies) == (421, [])
        for known in ("vps:5657", "Sessions.Example.", "[::1]:5657"):
            assert page.ask("GET", "/ui/", {"Host": known}).status == 401
    show_figure(f"attack: a form at a name that was made to lead here, {host!r}, with --hosts: {form.status}")


def test_nothing_that_changes_something_is_done_for_a_form_of_another_page(tmp_path: Path) -> None:
    """Each route of the whole page that takes a POST, whichever there will be."""
    with whole_page(tmp_path) as page:
        browser = operator(page)
        csrf = browser.visit("/ui/settings").hidden("csrf")
        door: Any = page.built.site.resource
        rules = [rule for rule in door.tree._app.url_map.iter_rules() if "POST" in (rule.methods or ())]
        assert {rule.rule for rule in rules} >= {"/ui/login", "/ui/logout", "/ui/logout-everywhere", "/ui/checkpoint"}
        for rule in rules:
            path = re.sub("<.*?>", "a", rule.rule)
            answer = browser.hand_in(
                path, origin="http://vps:8080", csrf=csrf, token=OPERATOR, stopped="yes", typed="a"
            )
            assert (path, answer.status, refusal(answer.body)) == (path, 403, NOT_FROM_HERE)
    show_figure(f"attack: a form of another port for each of the {len(rules)} routes that change something: 403")
