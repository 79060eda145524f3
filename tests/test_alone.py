"""A test that measures has the machine to itself, and does not wait for ever to have it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.alone import in_the_room

PATIENCE = 10
MOMENT = 0.05

Enter = Callable[[bool], threading.Event]


@pytest.fixture
def places(tmp_path: Path) -> tuple[Path, Path]:
    for name in ("door", "room"):
        (tmp_path / name).touch()
    return tmp_path / "door", tmp_path / "room"


@pytest.fixture
def enter(places: tuple[Path, Path]) -> Iterator[Enter]:
    """Have another want to go in, alone or not; its event tells that it is inside. All leave after the test."""
    leave = threading.Event()
    threads: list[threading.Thread] = []

    def run(inside: threading.Event, alone: bool) -> None:
        with in_the_room(*places, alone=alone):
            inside.set()
            leave.wait(PATIENCE)

    def start(alone: bool) -> threading.Event:
        inside = threading.Event()
        threads.append(threading.Thread(target=run, args=(inside, alone)))
        threads[-1].start()
        return inside

    yield start
    leave.set()
    for thread in threads:
        thread.join(PATIENCE)


def test_two_that_measure_nothing_are_inside_together(places: tuple[Path, Path], enter: Enter) -> None:
    with in_the_room(*places, alone=False):
        assert enter(False).wait(PATIENCE)


@pytest.mark.parametrize(("first", "second"), [(True, True), (True, False), (False, True)])
def test_one_that_measures_is_inside_with_nobody(
    places: tuple[Path, Path], enter: Enter, *, first: bool, second: bool
) -> None:
    with in_the_room(*places, alone=first):
        inside = enter(second)
        assert not inside.wait(MOMENT)
    assert inside.wait(PATIENCE)


def test_one_that_measures_for_a_part_of_its_time_is_alone_for_that(places: tuple[Path, Path], enter: Enter) -> None:
    with in_the_room(*places, alone=False) as place:
        with place.alone():
            later = enter(False)
            assert not later.wait(MOMENT)
        assert later.wait(PATIENCE)


def test_two_that_want_to_be_alone_for_a_part_do_not_wait_for_each_other(places: tuple[Path, Path]) -> None:
    both_are_inside = threading.Barrier(2, timeout=PATIENCE)
    measuring, at_once = list[int](), list[int]()

    def run() -> None:
        with in_the_room(*places, alone=False) as place:
            both_are_inside.wait()
            with place.alone():
                measuring.append(1)
                time.sleep(MOMENT)
                at_once.append(len(measuring))
                measuring.pop()

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert at_once == [1, 1]


def test_whoever_comes_later_does_not_keep_one_that_measures_waiting(places: tuple[Path, Path], enter: Enter) -> None:
    with in_the_room(*places, alone=False):
        measures = enter(True)
        assert not measures.wait(MOMENT)
        later = enter(False)
        assert not later.wait(MOMENT)
    assert measures.wait(PATIENCE)
    assert not later.wait(MOMENT)
