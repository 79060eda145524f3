"""What the worker asks of its process, and of whoever ends it."""

from __future__ import annotations

import ctypes
import gc
import os
import resource
import select
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from twisted.internet.error import ReactorNotRunning

PR_SET_DUMPABLE = 4
"""See prctl(2)."""

YOUNG_OBJECTS = 10_000
"""New objects after which the collector looks for cycles among them; Python's own number is 700 before 3.13."""

SWITCH_SECONDS = 0.0005
"""After which a thread that computes lets another one compute; Python's own number is 0.005."""


def keep_private() -> None:
    """See that nobody else reads what the process writes, and that none of its memory gets to a disk."""
    os.umask(0o077)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)  # where a core goes to a program, that limit is not asked


def collect_garbage_rarely() -> None:
    """Have the collector look less often for cycles, and never among what lives as long as the process.

    A burst of requests makes thousands of objects, nearly all of which are gone by themselves when it is answered.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS)


def let_threads_take_turns() -> None:
    """Have a thread that computes let go of the interpreter sooner when another one asks for it.

    A write passes through it three times. While a checkpoint of thousands of files, or a batch of as many keys, was
    under way, it waited for 5 ms each time.
    """
    sys.setswitchinterval(SWITCH_SECONDS)


def use_a_clock_that_nobody_sets(reactor: Any) -> None:
    """Have a reactor count seconds from its start: its own are those of the wall clock, which people and NTP set.

    Deadlines would pass at once, or never. Nothing may be scheduled yet: its time would be another clock's.
    """
    reactor.seconds = time.monotonic


def raise_open_files_limit() -> int:
    """Raise this process's soft limit on open files to its hard limit, and return it: every connection is one."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def stop_on_sigterm(reactor: Any) -> None:
    """Let SIGTERM end the process with status 0: being told to stop is not a failure.

    `twistd` would end itself with the signal that stopped it, so the reactor, which takes signals as it begins to run,
    must not be the one to see it.
    """
    signal.signal(signal.SIGTERM, lambda *_: reactor.callFromThread(_stop, reactor))


def start_despite_sighup() -> None:
    """Have SIGHUP do nothing until `read_again_on_sighup`: what it asks for is still to be read for the first time.

    It would end the process, and systemd takes that for a clean end, after which nothing is started again. Where there
    is a terminal, it comes as that is closed, and may do so.
    """
    if not is_at_a_terminal():
        signal.signal(signal.SIGHUP, signal.SIG_IGN)


def read_again_on_sighup(reactor: Any, *read_again: Callable[[], object]) -> None:
    """Call each of `read_again` on SIGHUP. Where it comes as a terminal is closed, it ends the process as SIGTERM."""
    has_terminal = is_at_a_terminal()

    def hang_up() -> None:
        if has_terminal and not is_at_a_terminal():
            _stop(reactor)
        else:
            for read in read_again:
                read()

    signal.signal(signal.SIGHUP, lambda *_: reactor.callFromThread(hang_up))


def _stop(reactor: Any) -> None:
    with suppress(ReactorNotRunning):  # a second signal changes nothing
        reactor.stop()


def is_at_a_terminal() -> bool:
    """Tell whether the process has a terminal that is open."""
    try:
        os.close(os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY))
    except OSError:
        return False
    return True


def take_who_waits(port: Any) -> None:
    """Accept whoever waits at a port of Twisted that is about to be closed: the kernel would reset them.

    It is told to let nobody wait any more: who comes now is refused, or asks again in a second.
    """
    port.socket.listen(0)
    waiting = select.poll()
    waiting.register(port, select.POLLIN)
    while waiting.poll(0):
        port.doRead()
