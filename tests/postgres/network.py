"""A network that exists for one test, with machines on it that can be cut off from one another.

It lies in network namespaces of Linux, and the machine that runs the tests sees nothing of it. A namespace belongs to a
thread: what a test does in the thread that has the network, and all that it starts from there, is in its middle.
"""

from __future__ import annotations

import ctypes
import subprocess
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from itertools import product
from os import strerror
from pathlib import Path
from typing import Self, TypeVar

from tests.tools import require, require_root

CLONE_NEWNET = 0x40000000
"""See unshare(2)."""

PROGRAMS = "ip", "nsenter", "unshare", "setpriv"

NOBODY = "02:00:00:00:00:00"
"""An address of the lower layer that no machine has: what is sent there is lost, and nobody is told."""

MIDDLE_DEVICE = "middle"

Result = TypeVar("Result")


class Place:
    """Where programs run, with one address."""

    def __init__(self, number: int, device: str, enter: Sequence[str] = ()) -> None:
        """Speak of the one whose address ends with `number`; `enter` is what a program there is started by."""
        self.address = f"10.87.0.{number}"
        self.enter = tuple(enter)
        self._device = device

    def ip(self, *words: str) -> None:
        """Let the program `ip` do something there."""
        subprocess.run([*self.enter, "ip", *words], check=True, capture_output=True, timeout=10)

    def lose(self, other: Place) -> None:
        """Let all that is sent from here to the other one be lost."""
        self.ip("neigh", "replace", other.address, "lladdr", NOBODY, "dev", self._device, "nud", "permanent")

    def find(self, other: Place) -> None:
        """Let it arrive again."""
        self.ip("neigh", "del", other.address, "dev", self._device)


class Machine(Place):
    """One on a network. As a context manager it is there inside."""

    def __init__(self, number: int) -> None:
        """Make one without a cable."""
        # The kernel ends it with the thread that has the network, whatever becomes of that.
        command = ["setpriv", "--pdeathsig", "KILL", "unshare", "--net", "sh", "-c", "echo; exec sleep infinity"]
        self._holder = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        assert self._holder.stdout is not None
        self._holder.stdout.readline()
        self.namespace = Path(f"/proc/{self._holder.pid}/ns/net")
        super().__init__(number, "cable", ["nsenter", f"--net={self.namespace}"])

    def __enter__(self) -> Self:
        """Plug it in."""
        there = f"machine{self.address.rpartition('.')[2]}"
        pid = str(self._holder.pid)
        _run("ip", "link", "add", there, "type", "veth", "peer", "name", "cable", "netns", pid)
        _run("ip", "link", "set", there, "master", MIDDLE_DEVICE, "up")
        self.ip("address", "add", f"{self.address}/24", "dev", "cable")
        for device in ("cable", "lo"):
            self.ip("link", "set", device, "up")
        return self

    def __exit__(self, *exception: object) -> None:
        """Let it be gone, once nothing runs there any more."""
        self._holder.kill()
        self._holder.wait(10)
        assert self._holder.stdout is not None
        self._holder.stdout.close()


class Network:
    """The middle, and machines around it."""

    def __init__(self, stack: ExitStack) -> None:
        """Make the middle of the thread that asks, for good. Machines are let go of by `stack`."""
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.unshare(CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), strerror(ctypes.get_errno()))
        self._stack = stack
        self._count = 1
        self.middle = Place(self._count, MIDDLE_DEVICE)
        _run("ip", "link", "add", MIDDLE_DEVICE, "type", "bridge")
        _run("ip", "address", "add", f"{self.middle.address}/24", "dev", MIDDLE_DEVICE)
        for device in (MIDDLE_DEVICE, "lo"):
            _run("ip", "link", "set", device, "up")

    def add(self) -> Machine:
        """Add a machine."""
        self._count += 1
        return self._stack.enter_context(Machine(self._count))


def cut(some: Sequence[Place], others: Sequence[Place]) -> None:
    """Let nothing arrive that these send to one another; who connects is not refused, but hears nothing."""
    for one, other in product(some, others):
        one.lose(other)
        other.lose(one)


def join(some: Sequence[Place], others: Sequence[Place]) -> None:
    """Let everything arrive again."""
    for one, other in product(some, others):
        one.find(other)
        other.find(one)


def in_a_network(work: Callable[[Network], Result]) -> Result:
    """Do something in the middle of a network of its own. Only root can; others are skipped."""
    require_root()
    for program in PROGRAMS:
        require(program)

    def work_there() -> Result:
        with ExitStack() as stack:
            return work(Network(stack))

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(work_there).result()


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, timeout=10)
