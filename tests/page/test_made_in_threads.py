"""The reactor makes no page: a list of thousands takes longer than many writes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from http.client import RemoteDisconnected
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import Deferred

from tests.page.visiting import Answer, Browser
from tests.page.whole import Whole, operator, whole_page


class Threads:
    """What is to be called in threads, which a test calls when it likes."""

    def __init__(self) -> None:
        self.waiting: list[tuple[Callable[[], object], Deferred[Any]]] = []

    def call(self, make: Callable[[], object]) -> Deferred[Any]:
        done: Deferred[Any] = Deferred()
        self.waiting.append((make, done))
        return done

    def run(self, count: int = 1) -> None:
        for _ in range(count):
            make, done = self.waiting.pop(0)
            done.callback(make())


@pytest.fixture
def threads() -> Threads:
    return Threads()


@pytest.fixture
def page(tmp_path: Path, threads: Threads) -> Iterator[Whole]:
    with whole_page(tmp_path / "store", threads.call) as whole:
        threads.run()  # what is made ready at the start
        whole.make("codechat", "sales")
        yield whole


def visit(browser: Browser, path: str, meanwhile: Callable[[], object]) -> Answer:
    """Go to a page; something is done before the browser goes away."""
    browser.page.clock.callLater(0.5, meanwhile)
    return browser.ask_and_wait(path, 0.5)


@pytest.mark.parametrize("path", ["", "instances", "instances/codechat/sales", "trash", "health", "events", "settings"])
def test_each_page_is_made_in_a_thread(page: Whole, threads: Threads, path: str) -> None:
    answer = visit(operator(page), f"/ui/{path}", threads.run)
    assert answer.status == 200
    assert "</html>" in answer.body
    assert threads.waiting == []


def test_one_page_is_made_at_a_time(page: Whole, threads: Threads) -> None:
    first, second = operator(page), operator(page)
    counts: list[int] = []

    def meanwhile() -> None:
        counts.append(len(threads.waiting))
        answers.append(visit(second, "/ui/instances", both))

    def both() -> None:
        counts.append(len(threads.waiting))
        threads.run()
        counts.append(len(threads.waiting))
        threads.run()

    answers: list[Answer] = []
    answers.append(visit(first, "/ui/", meanwhile))
    assert counts == [1, 1, 1]
    assert [answer.status for answer in answers] == [200, 200]


def test_who_goes_away_keeps_nobody_waiting(page: Whole, threads: Threads) -> None:
    browser = operator(page)
    page.waits = 0.1
    with pytest.raises(RemoteDisconnected):
        browser.visit("/ui/")
    assert visit(browser, "/ui/trash", lambda: threads.run(2)).status == 200
