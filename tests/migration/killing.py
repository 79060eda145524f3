"""Work that is killed at each of its steps, as `kill -9` does."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterable, Iterator
from itertools import count
from typing import Any

Step = tuple[Any, str]
"""A function by where it is looked for, and its name there."""


def killed_at_each_step(work: Callable[[], object], steps: Iterable[Step]) -> Iterator[int]:
    """Run work in processes of its own that are killed before its first step, its second, and so on; then to its end.

    Yields how many steps were done each time.
    """
    for number in count():
        process = os.fork()
        if process == 0:
            _run(work, steps, number)
        _, status = os.waitpid(process, 0)
        yield number
        if not os.WIFSIGNALED(status):
            assert os.waitstatus_to_exitcode(status) == 0
            return


def _run(work: Callable[[], object], steps: Iterable[Step], number: int) -> None:
    done = count()

    def counted(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            if next(done) == number:
                os.kill(os.getpid(), signal.SIGKILL)
            return function(*arguments, **options)

        return call

    status = 1
    try:
        for place, name in steps:
            setattr(place, name, counted(getattr(place, name)))
        work()
        status = 0
    finally:
        os._exit(status)
