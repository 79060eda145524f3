"""A body that is refused goes with its answer: Python looks seldom for what refers to itself, and bodies are large."""

from __future__ import annotations

import gc
import tracemalloc

import pytest

from tests.memory import Worker
from tests.protocol.words import CREDS, SALES

TEXT = b'"' + b"a" * 2**20 + b'"'

REFUSED = {
    "creds that are none": (CREDS, b'{"data": %b}' % TEXT, 400),
    "a value that is none": (f"{SALES}/a", b'{"data": %b}' % TEXT, 400),
    "a value that is cut off": (f"{SALES}/a", b'{"data": %b' % TEXT, 400),
    "a value of nobody": ("/session/codechat/nobody/a", b'{"data": "%b"}' % TEXT.replace(b'"', b'\\"'), 404),
    "many values that ask for nothing": (SALES, b'{"values": {"a": %b}}' % TEXT, 400),
    "many values that are cut off": (SALES, b'{"changes": {"a": %b}' % TEXT, 400),
    "many values with creds that are none": (SALES, b'{"changes": {"creds": %b}}' % TEXT, 400),
    "many values of nobody": ("/session/codechat/nobody", b'{"changes": {"a": %b}}' % TEXT, 404),
    "a group": ("/session", b'{"group": %b}' % TEXT, 400),
}


@pytest.mark.parametrize(("path", "body", "status"), REFUSED.values(), ids=REFUSED)
def test_what_is_refused_is_not_kept(worker: Worker, path: str, body: bytes, status: int) -> None:
    assert worker.ask("POST", path, body).status == status
    gc.collect()
    gc.disable()
    tracemalloc.start()
    try:
        for _ in range(6):
            assert worker.ask("POST", path, body).status == status
        worker.store.calls.clear()
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        gc.enable()
    assert kept < 3 * len(body)
