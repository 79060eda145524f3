"""What the tests of the site send, and what has to become of what is refused."""

from __future__ import annotations

from tests.answers import Answer
from tests.memory import Connection, Worker, request

FILE = "/session/codechat/sales/session-1"

BODY_SIZE = 200_000

SMUGGLED = request("POST", "/session", {"group": "smuggled"})


def chunked(*chunks: bytes, end: bytes = b"0\r\n\r\n") -> bytes:
    head = request("POST", FILE, headers=[("Transfer-Encoding", "chunked")])
    return head + b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks) + end


def assert_refused_and_closed(worker: Worker, data: bytes, status: int) -> Answer:
    """Send bytes, and something that must not be obeyed after them, at once and in pieces."""
    messages = set()
    for size in (len(data) + len(SMUGGLED), 1000, 17):
        connection = worker.connect()
        everything = data + SMUGGLED
        for start in range(0, len(everything), size):
            connection.send(everything[start : start + size])
        [answer] = connection.answers()
        assert answer.status == status
        assert answer.header("connection") == "close"
        assert not connection.is_open
        messages.add(answer.message)
    assert len(messages) == 1
    assert worker.store.calls == []
    return answer


def seconds_until_closed(worker: Worker, connection: Connection, each_second: bytes = b"", every: int = 1) -> int:
    """Let time pass, with bytes sent now and then, and return how long the connection lived."""
    for second in range(1, 2000):
        worker.advance(1)
        if not connection.transport.connected:
            return second
        if second % every == 0:
            connection.send(each_second)
    raise AssertionError("the connection was never closed")
