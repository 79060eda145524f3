"""How the connections of the page begin and end."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from twisted.internet.address import IPv4Address

from sessionworker.http.limits import (
    BODY_SECONDS,
    FAREWELL_SECONDS,
    HEADER_SECONDS,
    IDLE_SECONDS,
    LAST_SECONDS,
    MOST_TURNED_AWAY,
    STRANGER_SECONDS,
)
from sessionworker.page.bounds import MOST_CONNECTIONS, MOST_SOCKETS
from tests.page.visiting import HOST, OPERATOR, SHOWN, Browser, Page
from tests.transport import Transport


class Client:
    """Somebody with a connection."""

    def __init__(self, page: Page) -> None:
        channel: Any = page.site.buildProtocol(IPv4Address("TCP", "10.0.0.7", 50_000))
        self.transport = Transport(channel)
        channel.makeConnection(self.transport)

    def send(self, text: str) -> None:
        """Send something, if the worker is there."""
        if self.transport.connected:
            self.transport.arrive(text.encode())
        self.transport.flush()

    def begin(self, *headers: str) -> None:
        """Send the head of a form."""
        lines = ["POST /ui/login HTTP/1.1", f"Host: {HOST}", f"Origin: http://{HOST}", *headers, "", ""]
        self.send("\r\n".join(lines))

    def ask(self, path: str = "/ui/", cookie: str = "") -> None:
        """Look at a page."""
        self.send(f"GET {path} HTTP/1.1\r\nHost: {HOST}\r\nCookie: {cookie}\r\n\r\n")

    def said(self) -> str:
        """What the worker has said since this was called last."""
        self.transport.flush()
        said = self.transport.received.decode()
        self.transport.received.clear()
        return said

    @property
    def is_open(self) -> bool:
        """Whether the worker still listens."""
        self.transport.flush()
        return self.transport.connected and not self.transport.ended_writing


@pytest.fixture
def page() -> Iterator[Page]:
    with Page() as one:
        one.site.doStart()
        yield one
        one.site.doStop()


def pass_time(page: Page, seconds: float) -> None:
    """Let time pass, a second at a time."""
    for _ in range(int(seconds)):
        page.clock.advance(1)


@pytest.mark.parametrize("is_first", [True, False])
@pytest.mark.parametrize("head", ["GET /ui/ HTTP/1.1\r\n", "GET /" + "a" * 200])
def test_a_head_that_comes_byte_by_byte_has_an_end(page: Page, head: str, *, is_first: bool) -> None:
    client = Client(page)
    if not is_first:
        client.ask()
        assert client.said().startswith("HTTP/1.1 401 ")
        pass_time(page, 20)
    for number in range(int(HEADER_SECONDS) - 1):
        client.send(head[number : number + 1])
        pass_time(page, 1)
    assert client.is_open
    pass_time(page, 2)
    assert not client.is_open


def test_a_form_that_comes_byte_by_byte_has_an_end(page: Page) -> None:
    client = Client(page)
    client.begin("Content-Length: 1000")
    for _ in range(int(BODY_SECONDS)):
        client.send("a")
        pass_time(page, 1)
    assert client.is_open
    pass_time(page, 2)
    assert not client.is_open


def test_a_connection_that_is_silent_has_an_end(page: Page) -> None:
    client = Client(page)
    client.ask()
    assert client.said().startswith("HTTP/1.1 401 ")
    pass_time(page, IDLE_SECONDS - 1)
    assert client.is_open
    pass_time(page, 2)
    assert not client.is_open


@pytest.mark.parametrize(
    "line", ["nonsense", "GET /ui/ HTTP/9.9", "GET /ui/ HTTP/1.1\r\nno header", "GET /\x01 HTTP/1.1"]
)
def test_what_is_no_request_is_told_so_and_no_more(page: Page, line: str) -> None:
    client = Client(page)
    client.send(f"{line}\r\n\r\n")
    head, _, body = client.said().partition("\r\n\r\n")
    assert head.startswith("HTTP/1.1 400 ")
    assert "X-Content-Type-Options: nosniff" in head
    assert "Content-Type: application/json" in head
    assert not re.search("twisted|klein|server|<", head + body, re.IGNORECASE)
    assert not client.is_open


def test_a_request_has_one_host(page: Page) -> None:
    client = Client(page)
    client.send(f"GET /ui/ HTTP/1.1\r\nHost: {HOST}\r\nHost: evil\r\n\r\n")
    said = client.said()
    assert (said.startswith("HTTP/1.1 400 "), "application/json" in said) == (True, True)
    client.ask()
    assert client.said().startswith("HTTP/1.1 401 ")


def test_there_is_room_for_so_many_connections(page: Page) -> None:
    clients = [Client(page) for _ in range(MOST_CONNECTIONS)]
    refused = Client(page)
    assert refused.said().startswith("HTTP/1.1 503 ")
    assert not refused.is_open
    page.clock.advance(STRANGER_SECONDS)
    further = Client(page)
    assert [client.is_open for client in clients] == [False] + [True] * (MOST_CONNECTIONS - 1)
    further.ask()
    assert further.said().startswith("HTTP/1.1 401 ")


def test_whoever_is_signed_in_keeps_his_connections(page: Page) -> None:
    browser = Browser(page)
    browser.sign_in(OPERATOR)
    person = Client(page)
    person.ask(cookie=browser.cookie_line("/ui/"))
    assert SHOWN in person.said()
    for _ in range(3 * MOST_CONNECTIONS):
        Client(page)
        page.clock.advance(0.01)
    assert person.is_open
    person.ask(cookie=browser.cookie_line("/ui/"))
    assert SHOWN in person.said()


def test_no_more_files_are_open_than_are_kept_for_it(page: Page) -> None:
    clients = [Client(page) for _ in range(2 * MOST_SOCKETS)]
    assert MOST_CONNECTIONS + MOST_TURNED_AWAY == MOST_SOCKETS
    assert sum(client.transport.connected and not client.transport.aborted for client in clients) <= MOST_SOCKETS
    page.clock.advance(FAREWELL_SECONDS)


def test_an_end_answers_what_is_under_way_and_closes_what_is_silent(page: Page) -> None:
    silent, busy, late = (Client(page) for _ in range(3))
    silent.ask()
    busy.begin("Content-Length: 7")
    late.begin("Content-Length: 7")
    pass_time(page, 2)
    ended: list[object] = []
    page.site.drain(LAST_SECONDS).addCallback(ended.append)
    assert not silent.is_open
    busy.send("token=x")
    said = busy.said()
    assert (said.startswith("HTTP/1.1 401 "), "Connection: close" in said) == (True, True)
    assert not busy.is_open
    assert ended == []
    page.site.abort()
    assert not late.is_open
    assert ended == [None]


def test_a_form_has_no_longer_for_announcing_more(page: Page) -> None:
    client = Client(page)
    client.begin("Content-Length: 1000000000")
    for _ in range(int(BODY_SECONDS) + 5):
        client.send("a")
        pass_time(page, 1)
    assert not client.is_open
