"""The standard output, as a stream of bytes that waits for its reader no longer than the command goes on."""

from __future__ import annotations

import errno
import os
import select
from threading import Event
from typing import Any

WAIT_MILLISECONDS = 100
"""How long a reader that takes nothing is waited for, until it is asked whether the command goes on."""


class Output:
    """Writes to a handle that may be a pipe."""

    def __init__(self, handle: int) -> None:
        """Write to `handle`, which stays open."""
        self._handle = handle
        self._poll = select.poll()
        self._poll.register(handle, select.POLLOUT)
        self._is_given_up = Event()
        self._is_told = False

    def end_with_the_command(self) -> None:
        """Be given up where the command that is about to run is interrupted."""
        from twisted.internet import reactor as installed  # noqa: PLC0415 - importing it installs it

        reactor: Any = installed
        reactor.addSystemEventTrigger("before", "shutdown", self.give_up)

    def give_up(self) -> None:
        """Wait for the reader no more: a write that does raises OSError, and further ones write nothing."""
        self._is_given_up.set()

    def write(self, data: bytes) -> int:
        """Write all of some bytes. Raises OSError."""
        rest = memoryview(data)
        while rest and not self._is_told:
            if self._poll.poll(WAIT_MILLISECONDS):
                written = os.write(self._handle, rest[: select.PIPE_BUF])  # a pipe that is ready has room for these
                rest = rest[written:]
            elif self._is_given_up.is_set():
                self._is_told = True
                raise OSError(errno.ECANCELED, os.strerror(errno.ECANCELED))
        return len(data)

    def flush(self) -> None:
        """Do nothing: all is written."""
