"""Tasks, locks, clocks, faults and crashes of the simulated machine."""

from __future__ import annotations

import errno
import os as module_under_test_os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import pytest

from tests.simulation.faults import Rule
from tests.simulation.machine import Machine
from tests.simulation.schedule import SECOND, Stuck, Task

THIS = sys.modules[__name__]
os: Any = module_under_test_os  # by this name it is replaced; what is asked of it is what stores ask


@pytest.fixture(params=range(20))
def machine(request: pytest.FixtureRequest) -> Iterator[Machine]:
    """A machine with a seed of its own, which this module uses."""
    made = Machine(request.param)
    made.stretch = 1.0
    with made.installed([THIS]):
        yield made


def run(machine: Machine, *functions: Callable[[], object], seconds: float = 100) -> list[Task]:
    """Run functions as tasks, until all are done or the machine is dead."""
    tasks = [machine.start(f"task {number}", function) for number, function in enumerate(functions)]
    machine.run(lambda: all(task.is_done for task in tasks), steps=10_000, seconds=seconds)
    for task in tasks:
        if task.error is not None:
            raise task.error
    return tasks


def test_what_is_installed_is_taken_out_again() -> None:
    before = os, threading, time
    with Machine(1).installed([THIS]):
        assert (os, threading, time) != before
        with pytest.raises(AttributeError):
            os.system("true")
    assert (os, threading, time) == before


def test_a_lock_lets_one_in_at_a_time(machine: Machine) -> None:
    lock = threading.Lock()
    inside: list[int] = []
    order: list[int] = []

    def work(number: int) -> None:
        for _ in range(5):
            with lock:
                assert not inside
                inside.append(number)
                os.path.exists("/")
                inside.remove(number)
                order.append(number)

    run(machine, lambda: work(1), lambda: work(2))
    assert len(order) == 10


def test_a_lock_that_can_be_taken_again_by_who_has_it(machine: Machine) -> None:
    lock = threading.RLock()

    def work() -> None:
        with lock, lock:
            os.path.exists("/")

    run(machine, work, work)


def test_who_waits_for_each_other_is_stuck(machine: Machine) -> None:
    one, other = threading.Lock(), threading.Lock()
    both = threading.Event()

    def first() -> None:
        with one:
            both.set()
            time.sleep(1)
            with other:
                pass

    def second() -> None:
        both.wait()
        with other, one:
            pass

    with pytest.raises(Stuck, match="nobody can go on: task 0, task 1"):
        run(machine, first, second)


def test_who_goes_on_for_ever_is_stuck(machine: Machine) -> None:
    def work() -> None:
        while True:
            os.path.exists("/")

    with pytest.raises(Stuck, match="went on"):
        run(machine, work)


def test_a_condition_wakes_those_who_wait(machine: Machine) -> None:
    condition = threading.Condition()
    seen: list[int] = []

    def wait() -> None:
        with condition:
            while not seen:
                condition.wait()
            seen.append(2)

    def wake() -> None:
        with condition:
            seen.append(1)
            condition.notify_all()

    run(machine, wait, wait, wake)
    assert seen == [1, 2, 2]


def test_waits_end_with_time_and_clocks_tell_it(machine: Machine) -> None:
    def work() -> None:
        begun = time.monotonic()
        assert threading.Event().wait(5) is False
        assert 5 <= time.monotonic() - begun < 5.1
        condition = threading.Condition()
        with condition:
            assert condition.wait(2) is False

    before = machine.wall_clock()
    run(machine, work)
    machine.wall -= 3600 * SECOND
    assert machine.wall_clock() - before < -3590 * SECOND


def test_time_passes_for_those_who_wait(machine: Machine) -> None:
    woken: list[float] = []

    def work() -> None:
        for _ in range(3):
            time.sleep(5)
            woken.append(time.monotonic())

    machine.start("sleeper", work)
    machine.pass_time(11, steps=1000)
    assert len(woken) == 2
    machine.pass_time(11, steps=1000)
    assert len(woken) == 3


def test_all_orders_come_up() -> None:
    orders = set()
    for seed in range(40):
        machine = Machine(seed)
        machine.stretch = 1.0
        with machine.installed([THIS]):
            order: list[int] = []

            def work(number: int, order: list[int] = order) -> None:
                os.path.exists("/")
                order.append(number)

            run(machine, lambda: work(1), lambda: work(2), lambda: work(3))
        orders.add(tuple(order))
    assert len(orders) == 6


# Crashes


def test_a_crash_ends_everybody_at_once_and_nothing_is_done_after_it(machine: Machine) -> None:
    after: list[str] = []

    def write() -> None:
        handle = os.open("/file", os.O_WRONLY | os.O_CREAT)
        try:
            while True:
                os.write(handle, b"x")
        except Exception:  # noqa: BLE001 - what a store may do, too
            after.append("caught")
        finally:
            os.unlink("/file")
            after.append("unlinked")

    def wait() -> None:
        lock = threading.Lock()
        with lock:
            try:
                threading.Event().wait()
            finally:
                os.mkdir("/after")

    machine.crash_in(20)
    tasks = run(machine, write, wait)
    assert machine.is_dead
    machine.restart_after("kill", Random(1))
    assert after == []
    assert machine.disk.listdir("/") == ["file"]
    assert all(task.is_done for task in tasks)
    assert machine.tasks == []
    run(machine, lambda: os.mkdir("/again"))


def test_tasks_that_never_began_die_too(machine: Machine) -> None:
    task = machine.start("never", lambda: os.mkdir("/never"))
    machine.kill_all()
    assert task.is_done
    assert machine.disk.listdir("/") == []


# Faults


def names_of_errors(machine: Machine, rule: Rule, *calls: Callable[[], object]) -> list[str]:
    """What each call comes to while a rule is in force."""
    fault = machine.add_fault(rule)
    found: list[str] = []

    def work() -> None:
        for call in calls:
            try:
                call()
                found.append("")
            except OSError as error:
                found.append(errno.errorcode[error.errno or 0])

    run(machine, work)
    machine.remove_fault(fault)
    return found


def test_calls_fail_from_the_first_on_as_often_as_they_shall(machine: Machine) -> None:
    def make() -> None:
        os.mkdir(f"/{len(machine.disk.listdir('/'))}")

    rule = Rule(errno.ENOSPC, first=2, count=2, calls=frozenset({"mkdir"}))
    assert names_of_errors(machine, rule, make, make, make, make) == ["", "ENOSPC", "ENOSPC", ""]
    assert names_of_errors(machine, Rule(errno.EIO, path="/0/"), make, lambda: os.mkdir("/0/x"), make) == [
        "",
        "EIO",
        "",
    ]


def test_only_calls_of_the_same_kind_in_the_same_folder_go_on_failing(machine: Machine) -> None:
    machine.disk.mkdir("/a")
    rule = Rule(errno.EIO, first=1, count=None, sticks=True)
    calls = [lambda: os.mkdir("/a/x"), lambda: os.mkdir("/b"), lambda: os.listdir("/a"), lambda: os.mkdir("/a/y")]
    assert names_of_errors(machine, rule, *calls) == ["EIO", "", "", "EIO"]


def test_the_paths_of_what_is_open_are_known(machine: Machine) -> None:
    machine.disk.mkdir("/a")
    folder = machine.disk.open("/a", os.O_RDONLY | os.O_DIRECTORY)
    machine.disk.rename("/a", "/b")
    rule = Rule(errno.EIO, count=None, path="/b/")
    calls = [lambda: os.mkdir("x", dir_fd=folder), lambda: os.fsync(folder), lambda: os.mkdir("/a")]
    assert names_of_errors(machine, rule, *calls) == ["EIO", "EIO", ""]


def test_a_call_that_fails_may_have_been_done_all_the_same_or_in_part(machine: Machine) -> None:
    def write(data: bytes) -> int:
        handle = os.open("/file", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        try:
            return int(os.write(handle, data))
        finally:
            os.close(handle)

    def size() -> int:
        return machine.disk.stat("/file").st_size

    writes = frozenset({"write"})
    assert names_of_errors(machine, Rule(errno.EIO, calls=writes), lambda: write(b"data")) == ["EIO"]
    assert size() == 0
    assert names_of_errors(machine, Rule(errno.EIO, calls=writes, part="a part"), lambda: write(b"data")) == ["EIO"]
    assert size() == 2
    assert names_of_errors(machine, Rule(errno.EIO, calls=writes, part="all"), lambda: write(b"data")) == ["EIO"]
    assert size() == 4
    assert names_of_errors(machine, Rule(0), lambda: write(b"x" * 1000)) == [""]
    assert size() == 500


def test_a_sync_that_fails_makes_nothing_durable(machine: Machine) -> None:
    handle = machine.disk.open("/file", os.O_WRONLY | os.O_CREAT)
    machine.disk.root.sync()
    machine.disk.write(handle, b"data")
    assert names_of_errors(machine, Rule(errno.EIO, loses=True), lambda: os.fsync(handle)) == ["EIO"]
    run(machine, lambda: os.fsync(handle))
    machine.kill_all()
    machine.restart_after("power cut", Random(1))
    assert machine.disk.stat("/file").st_size == 0
