"""An instance takes the place of another, and the machine dies at each call in between, in each way; or calls fail."""

from __future__ import annotations

import errno
from itertools import product

import pytest

from tests.simulation.crashes import HOWS, How
from tests.simulation.faults import MAKES, SYNCS, Part, Rule
from tests.simulation.operations import BringBack, Change, Crash, Failing, History, Look, Send, Step, Tell, Write
from tests.simulation.run import find_subject, run_history
from tests.simulation.subject import CreateInstance, DropInstance, Label
from tests.simulation.values import Creds, Plain

CALLS = {
    "subject_files:FileSubject": range(78, 127),
    "subject_sealed:SealedSubject": range(118, 176),
}
"""Those of the disk in which a replacement is made and the label handed on, counted from where its step begins."""

CHANGES = 30
"""More calls than it makes that change something."""


def written(instance: str, number: int) -> Write:
    """Write creds and a value that no other one is."""
    creds = Creds(1 + number % 2, str(number), number, 10)
    return Write("g", instance, (Change("creds", creds), Change("k", Plain("text", number, 10))))


def history(*, crash: Crash | None = None, failing: Failing | None = None, seed: int = 1) -> History:
    """Return one in which two instances are written, and one takes the place of the other, and with it its label."""
    return (
        Step(seed=1, operations=(Send((CreateInstance("g", "one"), CreateInstance("g", "two"))),)),
        Step(
            seed=1,
            operations=(Send((written("one", 1), written("two", 2), Label("g", "one", "Matriz"))),),
            passes=6.0,
            wakes=True,
        ),
        Step(seed=1, operations=(Send((written("one", 3), written("two", 4), DropInstance("g", "two"))),)),
        Step(
            seed=seed,
            operations=(
                BringBack(place=0.0, name="one", replaces=True),
                Look("g", "one", ("creds", "k"), recalls=True),
            ),
            conditions=() if failing is None else (failing,),
            crash=crash,
        ),
        Step(seed=1, operations=(Send((Write("g", "one", (Change("k", Plain("text", 9, 10)),)),)),)),
        Step(seed=1, operations=(Tell("drops", "g", "one"), BringBack(place=0.0, name="one", replaces=True))),
        Step(seed=1, restarts=True, passes=6.0, wakes=True),
    )


def check(subject: str, history: History) -> None:
    """See that nothing is lost, stopped or stuck in it."""
    failure, figures = run_history(find_subject(subject), history)
    assert failure is None
    assert figures.operations > 5


@pytest.mark.parametrize("subject", CALLS)
@pytest.mark.parametrize("how", HOWS)
def test_whenever_the_machine_dies_one_of_the_two_has_the_place(subject: str, how: How) -> None:
    for calls, seed in product(CALLS[subject], (1, 2) if how == "torn" else (1,)):
        check(subject, history(crash=Crash(calls, how), seed=seed))


def test_what_was_acknowledged_is_there_after_a_power_cut() -> None:
    for seed in range(1, 30):
        told = history()
        check("subject_files:FileSubject", (*told[:4], Step(seed=seed, crash=Crash(1, "torn")), *told[4:]))


@pytest.mark.parametrize("part", ["nothing", "all"])
@pytest.mark.parametrize("lasts", [False, True], ids=["once", "for two steps"])
def test_whichever_call_fails_and_the_machine_dies_then_one_of_the_two_has_the_place(
    part: Part, *, lasts: bool
) -> None:
    for first in range(1, CHANGES):
        rule = Rule(errno.EIO, first, None if lasts else 1, MAKES | SYNCS, part=part, loses=lasts)
        check("subject_files:FileSubject", history(failing=Failing(rule, 2 if lasts else 1)))
        later = history(failing=Failing(rule, 2 if lasts else 1))
        check("subject_files:FileSubject", (*later[:4], later[4]._replace(crash=Crash(1, "power cut")), *later[5:]))
