"""What each page says of a worker whose disk is full, or slow."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from sessionworker.page.series import STEP_SECONDS
from sessionworker.stores.changes import DropInstance
from tests.migration.examples import paired_creds
from tests.page.test_pages import PAGES, text_of_page
from tests.page.whole import Whole, operator, whole_page


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Whole]:
    with whole_page(tmp_path / "store") as whole:
        yield whole


def let_pass(page: Whole, seconds: int, **syncs: float) -> None:
    """Let time pass in which syncs take so long."""
    for _ in range(seconds // STEP_SECONDS):
        page.clock.advance(STEP_SECONDS)
        for milliseconds in syncs.values():
            page.metrics.sync(milliseconds / 1000, 1)
        page.built.take_sample()


def test_that_writes_are_refused_is_told_on_each_page_and_since_when(page: Whole) -> None:
    page.room.update(writes_refused=1.0, store_free_bytes=0.0, store_size_bytes=1e9)
    browser = operator(page)
    let_pass(page, 600)
    now = time.time()
    told = set()
    for path in PAGES:
        body = browser.visit(path).body
        said = text_of_page(body)
        assert "✖ Writes are refused since" in said
        assert ": the disk has no room. What was acknowledged is safe. APIs wait and repeat." in said
        assert "Make room on the disk: 0 B are free. What takes most room" in said
        assert "Nothing needs you." not in said
        told.add(re.findall(r'refused since <time datetime="([^"]*)"', body)[0])
        page.clock.advance(3)
    assert len(told) == 1
    assert datetime.fromisoformat(told.pop()).timestamp() == pytest.approx(now - 600, abs=15)
    page.room.update(writes_refused=0.0, store_free_bytes=1e7)
    page.clock.advance(60)
    assert "The disk is nearly full: 9.5 MiB are free." in browser.visit("/ui/").body


def test_where_a_disk_is_full_its_inodes_are_told_and_what_takes_most_of_it(page: Whole) -> None:
    for number in range(7):
        page.make(f"group {number}", "sales", **{f"pre-key-{key}": {"a": "b" * 1000} for key in range(number + 1)})
    page.make("evolution", "one", creds=paired_creds(), **{"pre-key-1": {"a": "b" * 100_000}})
    page.do(DropInstance("evolution", "one"))
    browser = operator(page)
    assert "What takes most room" not in browser.visit("/ui/").body
    page.room.update(
        writes_refused=1.0,
        store_free_bytes=1e9,
        store_size_bytes=1e10,
        store_free_inodes=0.0,
        store_inodes=1e6,
        journal_bytes=5.0,
    )
    page.clock.advance(60)
    body = browser.visit("/ui/").body
    said = text_of_page(body)
    assert "Make room on the disk: 954 MiB and 0 inodes are free. What takes most room" in said
    _, _, found = said.rpartition("What takes most room")
    assert re.findall(r"(Trash|group \d) [\d.]+ KiB", found) == ["Trash", "group 6", "group 5", "group 4", "group 3"]
    assert 'href="./#largest"' in body
    page.room.update(writes_refused=0.0)
    page.clock.advance(60)
    assert "What takes most room" not in browser.visit("/ui/").body


def test_a_slow_disk_is_told_and_one_slow_sync_is_not(page: Whole) -> None:
    browser = operator(page)
    let_pass(page, 50, usual=210.0)
    assert "The disk is slow" not in browser.visit("/ui/").body
    let_pass(page, 20, usual=210.0, slowest=340.0)
    body = browser.visit("/ui/trash").body
    assert "! The disk is slow: a sync takes 340 ms (limit 100 ms)." in text_of_page(body)
    assert "APIs wait" not in body
    assert 'href="./health">Health</a></p>' in body
    let_pass(page, 10, usual=20.0)
    assert "The disk is slow" not in browser.visit("/ui/").body
