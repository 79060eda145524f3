"""Runs many histories, and makes those that fail short."""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from importlib import import_module
from itertools import count
from typing import cast

from tests.simulation.draws import KINDS
from tests.simulation.generator import generate
from tests.simulation.history import Figures, Runner
from tests.simulation.operations import History
from tests.simulation.records import Failure
from tests.simulation.shrink import shrink
from tests.simulation.subject import Subject
from tests.simulation.telling import tell_history

SUBJECT = "subject_files:FileSubject"
"""The store that is simulated: a module here, and a class in it."""

CHUNK = 20
"""Seeds that a process is handed at once."""

LONGEST = 60
"""Seconds that one history may take. One that takes longer goes on without a system call and without a lock."""


@dataclass
class Found:
    """A history that failed."""

    seed: int
    failure: tuple[str, str, str]
    history: History


@dataclass
class Tally:
    """What histories came to."""

    seeds: int = 0
    figures: Figures = field(default_factory=Figures)
    found: list[Found] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        """Add what another came to."""
        self.seeds += other.seeds
        self.found += other.found
        for name, value in vars(other.figures).items():
            setattr(self.figures, name, getattr(self.figures, name) + value)

    def __str__(self) -> str:
        """Tell it in the one line at the end."""
        kinds = Counter(found.failure[0] for found in self.found)
        figures = self.figures
        return (
            f"seeds {self.seeds}, operations {figures.operations}, crashes {figures.crashes}, faults {figures.faults}, "
            f"lost {kinds['lost']}, stopped {kinds['stopped']}, stuck {kinds['stuck']}"
        )


def find_subject(name: str) -> Subject:
    """Return a subject by the name of its module and class, as `subject_files:FileSubject`."""
    module, _, attribute = name.partition(":")
    return cast("Subject", getattr(import_module(f"tests.simulation.{module}"), attribute)())


class _Endless(BaseException):
    """A history takes too long."""


def _interrupt(*_: object) -> None:
    raise _Endless


def run_history(
    subject: Subject, history: History, tell: Callable[[str], None] | None = None
) -> tuple[Failure | None, Figures]:
    """Carry out a history, in a process's main thread."""
    runner = Runner(subject, history, tell)
    before = signal.signal(signal.SIGALRM, _interrupt)
    signal.alarm(LONGEST)
    try:
        return runner.run(), runner.figures
    except _Endless:
        return Failure("stuck", "no end", f"it goes on for more than {LONGEST} s without a call"), runner.figures
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def run_seeds(subject_name: str, seeds: Sequence[int], without: frozenset[str]) -> Tally:
    """Carry out the histories of seeds."""
    subject = find_subject(subject_name)
    tally = Tally()
    for seed in seeds:
        history = generate(seed, subject, without)
        failure, figures = run_history(subject, history)
        found = [Found(seed, (failure.kind, failure.rule, failure.text), history)] if failure else []
        tally.add(Tally(1, figures, found))
    return tally


def shrink_found(subject: Subject, found: Found, most_tries: int = 3000) -> tuple[History, Failure | None]:
    """Return a short history that fails in the same way, and how."""
    way = found.failure[:2]

    def fails(history: History) -> bool:
        failure = run_history(subject, history)[0]
        return failure is not None and (failure.kind, failure.rule) == way

    short = shrink(found.history, fails, most_tries=most_tries)
    return short, run_history(subject, short)[0]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it as a program."""
    if os.environ.get("PYTHONHASHSEED") != "0":
        # The order of a set of names is a part of a history, too.
        again = [sys.executable, "-m", "tests.simulation", *(sys.argv[1:] if arguments is None else arguments)]
        return subprocess.run(again, env={**os.environ, "PYTHONHASHSEED": "0"}, check=False).returncode
    options = _parse(arguments)
    subject = find_subject(options.subject)
    without = frozenset(options.without)
    if options.seed is not None:
        return _run_one(subject, options, without)
    begun = time.monotonic()
    tally = Tally()
    for part in _run_many(options, without, begun):
        tally.add(part)
    seconds = time.monotonic() - begun
    _tell_found(subject, tally.found, options.shrink)
    calls = tally.figures.calls / seconds
    print(f"{tally.seeds / seconds:.0f} histories and {calls:.0f} system calls a second")
    print(tally)
    return 1 if tally.found else 0


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=500, help="how many histories")
    parser.add_argument("--start", type=int, default=1, help="the first seed")
    parser.add_argument("--minutes", type=float, help="as many histories as fit into this time")
    parser.add_argument("--seed", type=int, help="one history alone, made short if it fails")
    parser.add_argument("--trace", action="store_true", help="with --seed: tell it call by call")
    parser.add_argument("--whole", action="store_true", help="with --seed: do not make it short")
    parser.add_argument("--literal", action="store_true", help="with --seed: print it as it stands in cases.py")
    parser.add_argument("--without", nargs="+", default=[], choices=KINDS, help="what no history shall have")
    parser.add_argument("--shrink", type=int, default=3, help="how many failures of each kind are made short")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--subject", default=SUBJECT, help="module and class")
    return parser.parse_args(arguments)


def _run_many(options: argparse.Namespace, without: frozenset[str], begun: float) -> Iterator[Tally]:
    chunks = (
        count(options.start, CHUNK) if options.minutes else range(options.start, options.start + options.seeds, CHUNK)
    )
    end = options.start + options.seeds if not options.minutes else None
    with ProcessPoolExecutor(options.processes) as pool:
        waiting = []
        for first in chunks:
            if options.minutes and time.monotonic() > begun + 60 * options.minutes:
                break
            last = first + CHUNK if end is None else min(end, first + CHUNK)
            waiting.append(pool.submit(run_seeds, options.subject, range(first, last), without))
            if len(waiting) > 2 * options.processes:
                yield waiting.pop(0).result()
        for future in waiting:
            yield future.result()


def _run_one(subject: Subject, options: argparse.Namespace, without: frozenset[str]) -> int:
    seed = options.seed
    history = generate(seed, subject, without)
    failure = run_history(subject, history)[0]
    if failure is not None and not options.whole:
        history = shrink_found(subject, Found(seed, (failure.kind, failure.rule, failure.text), history))[0]
    if options.trace:
        failure = run_history(subject, history, print)[0]
    print(f"seed {seed}:")
    print(f"Case({failure and failure.rule!r}, {history!r})" if options.literal else "\n".join(tell_history(history)))
    print(failure or "nothing was found")
    return 1 if failure else 0


def _tell_found(subject: Subject, found: list[Found], most: int) -> None:
    ways = Counter(each.failure[:2] for each in found)
    for way, times in ways.most_common():
        print(f"{times} times {way[0]}: {way[1]}")
        of_this = [each for each in found if each.failure[:2] == way]
        print(f"    seeds {', '.join(str(each.seed) for each in of_this[:12])}")
        for each in sorted(of_this, key=lambda each: len(each.history))[:most]:
            short, failure = shrink_found(subject, each)
            print(f"  seed {each.seed}, made short:")
            print("\n".join(f"    {line}" for line in tell_history(short)))
            print(f"    {failure}")
