"""What those who come to the page may cost."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from typing import Any, cast

import pytest
from twisted.internet.address import IPv4Address
from twisted.internet.error import ConnectionDone
from twisted.python.failure import Failure

from sessionworker.page.bounds import MOST_BYTES
from sessionworker.page.uploads import LARGEST, MOST_DROPPED, MOST_FILES
from tests.page.visiting import HOST, OPERATOR, Browser, Page, Transport

CLIENT = IPv4Address("TCP", "10.0.0.7", 50_000)


MEBI = 2**20


def begun(page: Page, *head: str, origin: str = f"http://{HOST}") -> tuple[Any, Transport]:
    """A connection on which the head of a form has come."""
    transport = Transport(peerAddress=CLIENT)
    channel: Any = page.site.buildProtocol(CLIENT)
    channel.makeConnection(transport)
    lines = ["POST /ui/login HTTP/1.1", f"Host: {HOST}", f"Origin: {origin}", *head, "", ""]
    channel.dataReceived("\r\n".join(lines).encode())
    return channel, transport


@pytest.fixture(autouse=True)
def _no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing that comes is written to a disk: Twisted's own request would write what is large, or has no length."""

    def refuse() -> None:
        raise AssertionError

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)


@pytest.mark.parametrize("head", [f"Content-Length: {MOST_BYTES}", "Transfer-Encoding: chunked"])
def test_what_is_small_enough_is_answered(head: str) -> None:
    channel, transport = begun(Page(), head)
    body = b"token=" + b"a" * (MOST_BYTES - 6)
    channel.dataReceived(body if "Length" in head else b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body))
    assert transport.value().startswith(b"HTTP/1.1 401 ")
    channel.connectionLost(Failure(ConnectionDone()))


@pytest.mark.parametrize("head", ["Content-Length: 1000000000", "Transfer-Encoding: chunked"])
def test_what_is_too_large_is_hung_up_on(head: str) -> None:
    channel, transport = begun(Page(), head)
    assert transport.value() == b""
    chunk = b"a" * 1024 if "Length" in head else b"400\r\n" + b"a" * 1024 + b"\r\n"
    cut_at = []
    for number in range(1, MOST_BYTES // 1024 + 2):
        channel.dataReceived(chunk)
        cut_at += [number] if transport.is_cut else []
    assert cut_at == [MOST_BYTES // 1024 + 1]
    channel.connectionLost(Failure(ConnectionDone()))


def test_who_is_hung_up_on_is_looked_at_once_however_much_came_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """To look for a session in long cookies took 2 ms, for each of the ten thousand parts that are read at once."""
    page = Page()
    looked_at: list[object] = []
    monkeypatch.setattr(page.signing_in, "session_of", looked_at.append)
    channel, transport = begun(page, "Content-Type: multipart/form-data; boundary=x", "Transfer-Encoding: chunked")
    channel.dataReceived(b"%x\r\n%b\r\n" % (MOST_BYTES, bytes(MOST_BYTES)))
    assert not looked_at
    channel.dataReceived(b"1\r\na\r\n" * 1000)
    assert (len(looked_at), transport.is_cut) == (1, True)


class Sending:
    """Somebody who is signed in, and has begun to send a form with a file."""

    def __init__(self, page: Page, *, origin: str = f"http://{HOST}", **others: str) -> None:
        browser = Browser(page)
        assert browser.sign_in(OPERATOR).status == 303
        head = {
            "Cookie": browser.cookie_line("/ui/login"),
            "Content-Type": "multipart/form-data; boundary=x",
            "Content-Length": str(10**9),
        }
        site: Any = page.site
        make, self.request = site.requestFactory, cast("Any", None)

        def keep(*arguments: Any) -> Any:
            self.request = make(*arguments)
            return self.request

        site.requestFactory = keep
        lines = (f"{name}: {value}" for name, value in (head | others).items())
        self._channel, self.transport = begun(page, *lines, origin=origin)
        site.requestFactory = make

    def send(self, size: int) -> None:
        """Send as many bytes."""
        self._channel.dataReceived(bytes(size))

    def go(self) -> None:
        """Hang up."""
        self._channel.connectionLost(Failure(ConnectionDone()))

    @property
    def kept(self) -> int:
        """Bytes that are kept of what was sent."""
        return len(self.request.content.getvalue())


def test_who_is_signed_in_may_send_a_file_of_which_nothing_is_kept_once_it_is_too_large() -> None:
    sending = Sending(Page())
    most = 0
    for came in range(1, MOST_DROPPED // MEBI + 1):
        sending.send(MEBI)
        most = max(most, sending.kept)
        assert sending.request.is_too_large == (came > LARGEST // MEBI)
    assert (most, sending.kept, sending.transport.is_cut) == (LARGEST, 0, False)
    sending.send(1)
    assert sending.transport.is_cut
    sending.go()


@pytest.mark.parametrize(
    "head",
    [
        {"Cookie": "sw-session=made-up"},
        {"origin": "http://vps:8080"},
        {"Sec-Fetch-Site": "same-site"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "application/octet-stream"},
    ],
    ids=str,
)
def test_a_file_of_who_is_not_signed_in_and_what_is_no_form_of_the_page_is_hung_up_on(head: Mapping[str, str]) -> None:
    sending = Sending(Page(), **head)
    sending.send(MOST_BYTES)
    assert not sending.transport.is_cut
    sending.send(1)
    assert sending.transport.is_cut


def test_for_one_file_too_many_the_oldest_is_hung_up_on() -> None:
    page = Page()
    gone, dropped, answered = Sending(page), Sending(page), Sending(page, **{"Content-Length": str(MEBI)})
    gone.send(MEBI)
    gone.go()
    dropped.send(LARGEST + 1)
    answered.send(MEBI)
    assert answered.transport.value().startswith(b"HTTP/1.1 401 ")
    several = [Sending(page) for _ in range(MOST_FILES + 1)]
    for one in several:
        one.send(MEBI)
    assert [one.transport.is_cut for one in several] == [True] + [False] * MOST_FILES
    several[0].go()
    several[1].send(MEBI)
    assert several[1].kept == 2 * MEBI
