"""Programs of ours that need not load what they are made of: a process has loaded it, and each of them is a fork of it.

To load it takes a processor a second, most of what many a test takes. All else is as at a start from nothing: the
arguments, the environment, what is open, what ends it, and how. Where that is what a test is about, and where there is
more in the environment than our own settings, or another network, programs start from nothing: see `is_possible`.

`python -m tests.warm FD` is that process. An order comes over a socket as one message: the program, its arguments, its
environment and its umask, in JSON, with four files: its standard input, output and error, and where its exit status
goes. It is answered with a process id. Where no more orders can come, all that runs is killed.
"""

from __future__ import annotations

import gc
import json
import os
import select
import signal
import socket
import subprocess
import sys
from atexit import register
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryFile
from threading import Lock
from typing import Any, NamedTuple

REPOSITORY = Path(__file__).parent.parent

SETTINGS_PREFIXES = ("SESSIONWORKER_", "GLOBAL_AUTH_TOKEN", "BODY_SIZE", "HTTP_LOGS")
"""What a worker's environment variables begin with."""

OF_NO_ACCOUNT = (*SETTINGS_PREFIXES, "PYTEST_")
"""What variables begin with that nothing asks for before it is told what to do."""

TWISTD = "twistd"
COMMANDS = "sessionworker"
"""The programs."""

LOADED = (
    "twisted.scripts.twistd",
    "twisted.application.app",
    "twisted.internet.reactor",
    "sessionworker.service",
    "sessionworker.commands.main",
    "sessionworker.commands.moving_in",
    "sessionworker.commands.moving_out",
    "sessionworker.page.build",
    "sessionworker.stores.postgres.store",
)
"""Also what a worker loads only where it is wanted: to have it in memory changes nothing."""

MOST_BYTES = 2**17
"""Of an order."""


class Forked:
    """A program that was forked: as much of `subprocess.Popen` as is asked of one."""

    def __init__(self, pid: int, status: int) -> None:
        """Take its process id, and the file that says its exit status."""
        self.pid = pid
        self.returncode: int | None = None
        self._status = status
        self._lock = Lock()  # tests stop workers in one thread and look at them in another

    def poll(self) -> int | None:
        """Return its exit status, negative when a signal ended it; None while it runs."""
        return self._look(0)

    def wait(self, timeout: float | None = None) -> int:
        """Return its exit status when it has ended."""
        if (status := self._look(timeout)) is None:
            raise subprocess.TimeoutExpired(f"process {self.pid}", timeout or 0)
        return status

    def send_signal(self, number: int) -> None:
        """Send it a signal, if it has not ended."""
        if self.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)

    def _look(self, seconds: float | None) -> int | None:
        if self.returncode is None and _is_readable(self._status, seconds):
            with self._lock:
                if self.returncode is None:
                    said = os.read(self._status, 100)
                    os.close(self._status)
                    self.returncode = os.waitstatus_to_exitcode(int(said)) if said else -signal.SIGKILL
        return self.returncode


def _is_readable(file: int, seconds: float | None) -> bool:
    looking = select.poll()  # select() takes no file above 1023, and tests open thousands
    looking.register(file, select.POLLIN)
    return bool(looking.poll(None if seconds is None else seconds * 1000))


class Warm:
    """The process that has loaded all, as tests have it."""

    def __init__(self) -> None:
        """Start it. It ends with this process."""
        self._lock = Lock()
        self._mine, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._environment = _of_account(os.environ)
        assert _network() == _HERE  # or all that is forked later were in a network that is gone
        with its:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.warm", str(its.fileno())],
                cwd=REPOSITORY,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[its.fileno()],
            )

        register(self.close)

    def close(self) -> None:
        """End it, and all that was started with it and still runs."""
        self._mine.close()
        self._process.wait(20)

    def is_like(self, environment: Mapping[str, str]) -> bool:
        """Whether it was started in such an environment: had to be for a fork to be no other than a start."""
        return _of_account(environment) == self._environment

    def start(
        self, program: str, arguments: Sequence[str], environment: Mapping[str, str], files: tuple[int, int, int]
    ) -> Forked:
        """Start a program, in the repository's folder, with files as its standard input, output and error."""
        umask = os.umask(0o077)
        os.umask(umask)
        order = json.dumps([program, list(arguments), dict(environment), umask]).encode()
        status, its_end = os.pipe()
        try:
            with self._lock:
                socket.send_fds(self._mine, [order], [*files, its_end])
                pid = int(self._mine.recv(100) or 0)
        finally:
            os.close(its_end)
        assert pid, f"what loads programs for the tests is gone: {self._process.poll()}"
        return Forked(pid, status)


@cache
def warm() -> Warm:
    """Return the one of this process."""
    return Warm()


def is_possible(environment: Mapping[str, str]) -> bool:
    """Whether a program can be a fork: elsewhere, or with more of its own than our settings, it starts from nothing."""
    return _network() == _HERE and warm().is_like(environment)


def run(
    program: str, arguments: Sequence[str], environment: Mapping[str, str], seconds: float
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end, as `subprocess.run` does: nothing to read, what it writes is kept."""
    with Path(os.devnull).open("rb") as nothing, TemporaryFile("w+") as output, TemporaryFile("w+") as error:
        fork = warm().start(program, arguments, environment, (nothing.fileno(), output.fileno(), error.fileno()))
        try:
            status = fork.wait(seconds)
        finally:
            fork.kill()
        for file in (output, error):
            file.seek(0)
        return subprocess.CompletedProcess([program, *arguments], status, output.read(), error.read())


def _network() -> str:
    """Return which network this thread is in: some tests make one of their own."""
    return str(Path("/proc/thread-self/ns/net").readlink())


_HERE = _network()


def _of_account(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if not name.startswith(OF_NO_ACCOUNT)}


class Order(NamedTuple):
    """What a fork is to be."""

    program: str
    arguments: list[str]
    environment: dict[str, str]
    umask: int
    files: list[int]


class Loaded:
    """What has loaded all, in its own process."""

    def __init__(self, orders: socket.socket) -> None:
        """Take where orders come from."""
        self._orders = orders
        self._statuses: dict[int, int] = {}  # where that of each process goes
        self._interrupt = signal.signal(signal.SIGINT, signal.SIG_IGN)
        self._woken, waking = socket.socketpair()
        self._waking = waking
        for end in (self._woken, waking):
            end.setblocking(False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(waking.fileno())

    def next_fork(self) -> Order | None:
        """Start what is ordered until nobody can order any more. Each fork gets its order here, and the parent None."""
        while True:
            ready, _, _ = select.select([self._orders, self._woken], [], [])
            if self._woken in ready:
                self._woken.recv(1000)
                self._tell_of_the_ended()
            if self._orders in ready:
                data, files, _, _ = socket.recv_fds(self._orders, MOST_BYTES, 4)
                if not data:
                    for pid in self._statuses:
                        os.kill(pid, signal.SIGKILL)
                    return None
                if (pid := os.fork()) == 0:
                    self._leave(files[3])
                    program, arguments, environment, umask = json.loads(data)
                    return Order(program, arguments, environment, umask, files[:3])
                self._statuses[pid] = files[3]
                for file in files[:3]:
                    os.close(file)
                self._orders.send(str(pid).encode())

    def _tell_of_the_ended(self) -> None:
        with suppress(ChildProcessError):
            while (found := os.waitpid(-1, os.WNOHANG))[0]:
                status = self._statuses.pop(found[0])
                with suppress(BrokenPipeError):  # nobody asks
                    os.write(status, str(found[1]).encode())
                os.close(status)

    def _leave(self, status: int) -> None:
        """Let nothing in a fork be from here."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGINT, self._interrupt)
        for file in (status, *self._statuses.values()):
            os.close(file)
        for end in (self._orders, self._woken, self._waking):
            end.close()


def become(order: Order) -> Any:
    """Be what is ordered, to its end; return its exit status as `sys.exit` takes it."""
    for number, file in enumerate(order.files):
        os.dup2(file, number)
        os.close(file)
    os.umask(order.umask)
    os.environ.clear()
    os.environ.update(order.environment)
    reactor: Any = import_module("twisted.internet.reactor")
    waker = reactor.waker
    reactor.__init__()  # what it has open is the parent's
    for file in (waker.i, waker.o):
        os.close(file)
    sys.modules["__main__"].__package__ = None  # click would give the name of this module as that of the program
    sys.argv = [str(Path(sys.executable).with_name(order.program)), *order.arguments]
    if order.program == TWISTD:
        return import_module("twisted.scripts.twistd").run()
    return import_module("sessionworker.commands.main").main()


def load_and_wait() -> Order | None:
    """Load all, then wait for orders; a fork gets its own."""
    sys.modules.setdefault("tests.warm", sys.modules["__main__"])
    for name in LOADED:
        import_module(name)
    plugins: Any = import_module("twisted.plugin")
    list(plugins.getPlugins(import_module("twisted.application.service").IServiceMaker))
    gc.collect()
    gc.freeze()
    return Loaded(socket.socket(fileno=int(sys.argv[1]))).next_fork()


if __name__ == "__main__" and (given := load_and_wait()) is not None:
    sys.exit(become(given))
