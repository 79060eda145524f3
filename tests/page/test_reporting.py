"""A report that is opened on the page: who may, what is shown of it, and that nothing of it is kept."""

from __future__ import annotations

import gc
import re
import tempfile
import tracemalloc
from collections.abc import Callable, Iterator
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred, execute, fail, succeed
from twisted.internet.error import ConnectionDone
from twisted.python.failure import Failure

from sessionworker.migration.notes import TOLD, Note
from sessionworker.migration.reports import State
from sessionworker.page import reporting
from sessionworker.page.reported import NOT_A_REPORT, OTHER_VERSION
from sessionworker.page.reporting import NO_FILE, PATH, TOO_LARGE, Refusal
from sessionworker.page.signing_in import FORM_TOO_OLD, NOT_FROM_HERE
from sessionworker.page.uploads import LARGEST
from tests.page.reports import HOSTILE, many, report, several, told
from tests.page.test_in_browser import LARGEST_PAGE
from tests.page.test_pages import text_of_page
from tests.page.visiting import BOUNDARY, HOST, VIEWER, Answer, Browser, Transport, form_with
from tests.page.whole import Whole, operator, whole_page

PLAIN = re.compile(r"<[^>]+>")


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Whole]:
    with whole_page(tmp_path / "store") as whole, whole:
        yield whole
        assert not [event for event in whole.events if event["log_level"].name in {"error", "critical"}]


@pytest.fixture(autouse=True)
def _no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing that is sent is written to a disk, by whichever of the libraries it goes through."""

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError

    for name in ("TemporaryFile", "SpooledTemporaryFile", "NamedTemporaryFile"):
        monkeypatch.setattr(tempfile, name, refuse)


def opened(browser: Browser, content: bytes, **fields: str) -> Answer:
    """What a report looks like."""
    form = browser.visit(PATH)
    assert form.status == 200
    return browser.hand_in_file(PATH, content, csrf=form.hidden("csrf"), **fields)


def problem(answer: Answer) -> str:
    """What an answer says of why a file is not shown."""
    found = re.search(r'role="alert"><span aria-hidden="true">✖</span> (.*?)</p>', answer.body)
    assert found is not None
    return found[1]


def test_the_list_leads_to_it_and_whoever_may_look_may_open_one(page: Whole) -> None:
    browser = Browser(page)
    assert browser.sign_in(VIEWER).status == 303
    assert 'href="./report"' in browser.visit("/ui/instances").body
    answer = opened(browser, several())
    assert (answer.status, answer.headers.headers["Cache-Control"]) == (200, "no-store")
    assert "Loja Centro" in answer.body


def test_what_is_in_a_report_is_shown_as_text_in_the_language_of_the_page(page: Whole) -> None:
    for language, words in {"en": ("failed", "If it is meant:"), "pt-BR": ("falhou", "Se for isso mesmo:")}.items():
        body = opened(operator(page, language), several()).body
        said = unescape(text_of_page(body))
        for note in (Note("not_paired"), Note("map_not_used", {"count": "1", "names": "nobody"})):
            assert note.text("pt-BR" if language == "pt-BR" else "en") in said
        for word in (*words, "--accept not-paired", HOSTILE, "instances/sales"):
            assert word in said
        assert "<script>" not in body
        assert re.findall(r'<a href="([^"]*)">(?:<strong>)?(?:Loja Centro|old)<', body) == [
            "./instances/codechat/old",
            "./instances/codechat/sales",
        ]
        assert "1.234.567" in said if language == "pt-BR" else "1,234,567" in said


def test_what_it_counts_and_what_it_was_are_said(page: Whole) -> None:
    browser = operator(page)
    done = text_of_page(opened(browser, several()).body)
    assert "imported: 1 · there already, equal: 1 · ready: 1 · left out: 1 · failed: 1" in done
    assert "What came of it" in done
    dry = text_of_page(opened(browser, report(told("sales", State.READY), is_dry=True)).body)
    assert "What would be imported" in dry
    assert "It names no account." in text_of_page(opened(browser, report()).body)


def test_of_five_thousand_accounts_a_part_is_shown_and_all_can_be_seen(page: Whole) -> None:
    browser = operator(page, "pt-BR")
    data = many(5_000)
    first = opened(browser, data)
    assert len(first.body.encode()) <= LARGEST_PAGE
    said = text_of_page(first.body)
    shown = re.search(r"Aqui estão as contas 1 a (\d+) de 5\.000", said)
    assert shown is not None
    following = re.search(r'name="from" min="1" max="5000" value="(\d+)"', first.body)
    assert following is not None
    assert int(following[1]) == int(shown[1]) + 1
    last = opened(browser, data, **{"from": "5000"})
    assert "4e20" not in said
    assert last.body.count('<th scope="row">') == 1
    assert 'max="5000" value="1"' in last.body


@pytest.mark.parametrize("hostile", ["&" * 1_200, "\u20ac" * 1_200, "<b>" * 400])
def test_no_answer_is_large_whatever_is_in_the_report(page: Whole, hostile: str) -> None:
    note = Note("refused_by_worker", {"reason": hostile})
    accounts = [told(f"{number}{hostile}", State.FAILED, [note] * 50, label=hostile) for number in range(9)]
    answer = opened(operator(page), report(*accounts, notes=[note] * 50, source=hostile))
    assert answer.status == 200
    assert len(answer.body.encode()) <= LARGEST_PAGE
    assert "Further notes, which are in the file: 40" in text_of_page(answer.body)


FILES = [
    (b"", NO_FILE, 400),
    (b"{", NOT_A_REPORT, 400),
    (b"[" * (LARGEST - 2**10), NOT_A_REPORT, 400),
    (several().replace(b'"failed"', b'"teleported"'), OTHER_VERSION, 400),
    (b" " * LARGEST, TOO_LARGE, 413),
    (several() + b" " * LARGEST, TOO_LARGE, 413),
]


@pytest.mark.parametrize("language", ["en", "pt-BR"])
@pytest.mark.parametrize(("content", "text", "status"), FILES, ids=range(len(FILES)))
def test_a_file_that_cannot_be_shown_is_told_of_in_one_sentence(
    page: Whole, language: str, content: bytes, text: str, status: int
) -> None:
    browser = operator(page, language)
    answer = opened(browser, content)
    said = problem(answer)
    assert (answer.status, said.count("</p>"), PLAIN.sub("", said)[-1]) == (status, 0, ".")
    assert (said.partition("{")[0][:20] == text[:20]) == (language == "en")
    assert "Traceback" not in answer.body
    assert opened(browser, several()).status == 200


def test_a_report_of_which_the_form_was_shown_to_nobody_or_elsewhere_is_not_looked_at(
    page: Whole, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reporting, "read_report", None)
    browser = operator(page)
    csrf = browser.visit(PATH).hidden("csrf")
    foreign = browser.hand_in_file(PATH, several(), origin="http://vps:8080", csrf=csrf)
    assert (foreign.status, NOT_FROM_HERE in foreign.body) == (403, True)
    for answer in (
        browser.hand_in_file(PATH, several()),
        browser.hand_in_file(PATH, several(), csrf="made up"),
        browser.hand_in(PATH, csrf=csrf),
        browser.send(PATH, "multipart/form-data", form_with(several(), csrf=csrf)),
        browser.send(PATH, "multipart/form-data; boundary=é", form_with(several(), csrf=csrf)),
        browser.send(PATH, f"multipart/form-data; boundary={BOUNDARY}", form_with(several(), csrf=csrf)[:-70] + b"x"),
        browser.send(PATH, f"multipart/form-data; boundary={BOUNDARY}", b""),
        browser.hand_in_file(PATH, several(), **{f"field{number}": "" for number in range(30)}, csrf=csrf),
        browser.hand_in_file(PATH, several(), long="x" * 10**6, csrf=csrf),
    ):
        assert (answer.status, FORM_TOO_OLD in answer.body) == (403, True)


def test_nobody_is_shown_a_report_who_is_not_signed_in(page: Whole) -> None:
    browser = Browser(page)
    assert browser.visit(PATH).status == 401
    answer = browser.hand_in_file(PATH, several())
    assert (answer.status, "Loja Centro" in answer.body) == (401, False)


def begun(page: Whole, browser: Browser, body: bytes) -> tuple[Any, Transport]:
    """A connection on which a form with a file comes."""
    transport = Transport(peerAddress=IPv4Address("TCP", "10.0.0.7", 50_000))
    channel: Any = page.site.buildProtocol(transport.getPeer())
    channel.makeConnection(transport)
    head = [
        f"POST {PATH} HTTP/1.1",
        f"Host: {HOST}",
        f"Origin: http://{HOST}",
        f"Cookie: {browser.cookie_line(PATH)}",
        f"Content-Type: multipart/form-data; boundary={BOUNDARY}",
        f"Content-Length: {len(body)}",
    ]
    channel.dataReceived("\r\n".join([*head, "", ""]).encode() + body)
    return channel, transport


class Threads:
    """Call what they are given at once, or when the test says so."""

    def __init__(self) -> None:
        self.are_busy = False
        self.under_way: list[Deferred[Any]] = []

    def __call__(self, function: Callable[[], Any]) -> Deferred[Any]:
        if not self.are_busy:
            return execute(function)
        self.under_way.append(Deferred())
        return self.under_way[-1]


def test_reports_are_read_one_after_the_other_and_those_of_who_has_gone_not_at_all(tmp_path: Path) -> None:
    threads = Threads()
    with whole_page(tmp_path / "store", threads) as page, page:
        browser = operator(page)
        body = form_with(several(), csrf=browser.visit(PATH).hidden("csrf"))
        threads.are_busy = True
        connections = [begun(page, browser, body) for _ in range(4)]
        assert len(threads.under_way) == 1
        for at in (0, 1):
            connections[at][0].connectionLost(Failure(ConnectionDone()))
        assert len(threads.under_way) == 1  # a thread is not interrupted: the next one waits for it all the same
        threads.under_way[0].callback(b"of nobody")
        assert len(threads.under_way) == 2
        threads.under_way[1].callback(Refusal(NO_FILE))
        threads.under_way[2].callback(b"a page")
        answers = [transport.value()[:13] for _, transport in connections]
        assert answers == [b"", b"", b"HTTP/1.1 400 ", b"HTTP/1.1 200 "]
        gc.collect()  # what failed, and nobody was told of, is logged
        assert not [event for event in page.events if event["log_level"].name in {"error", "critical"}]


def test_every_note_may_be_in_a_page(page: Whole) -> None:
    assert len(TOLD) > 50
    browser = operator(page, "pt-BR")
    details = dict.fromkeys(re.findall(r"\{(\w+)\}", "".join(told.english for told in TOLD.values())), "x")
    accounts = [told("sales", State.FAILED, [Note(code, details)]) for code in TOLD]
    bodies = "".join(
        opened(browser, report(*accounts), **{"from": str(first)}).body for first in range(1, len(TOLD) + 1, 25)
    )
    for note in (Note(code, details) for code in TOLD):
        assert note.text("pt-BR") in unescape(bodies)


def as_in_a_thread(function: Callable[[], Any]) -> Deferred[Any]:
    """Call something as Twisted's threads do: the failure, and the call that it is about, refer to each other."""
    try:
        result = function()
    except Exception:  # noqa: BLE001 - whatever it is
        result = Failure()
    return fail(result) if isinstance(result, Failure) else succeed(result)


@pytest.mark.parametrize("data", [several(), several()[:-9], b"{", several().replace(b"codechat", b"\xff")])
def test_nothing_of_a_file_is_kept_until_somebody_tidies_up(tmp_path: Path, data: bytes) -> None:
    """Python looks seldom for what refers to itself: forty files that were none took 600 MiB."""
    with whole_page(tmp_path / "store", as_in_a_thread) as page:
        browser = operator(page)
        large = data + b" " * (LARGEST // 2)
        opened(browser, large)
        gc.collect()
        gc.disable()
        tracemalloc.start()
        try:
            for _ in range(3):
                opened(browser, large)
            kept, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
            gc.enable()
    assert kept < len(large)
