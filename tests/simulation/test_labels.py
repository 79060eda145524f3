"""An instance is given a label, and the machine dies at each call meanwhile, in each way; or calls fail."""

from __future__ import annotations

import errno
from itertools import product

import pytest

from tests.simulation.crashes import HOWS, How
from tests.simulation.faults import MAKES, REMOVES, SYNCS, Part, Rule
from tests.simulation.operations import Crash, Failing, History, Send, Step, Tell
from tests.simulation.run import find_subject, run_history
from tests.simulation.subject import CreateInstance, DropInstance, Label

CALLS = 14
"""More of the disk than it takes to give one; the first label of a start takes some more."""


def history(label: str, *, crash: Crash | None = None, failing: Failing | None = None) -> History:
    """Return one in which an instance that has a label is given another one, or none."""
    labelled = Send((Label("g", "one", label),))
    conditions = () if failing is None else (failing,)
    return (
        Step(seed=1, operations=(Send((CreateInstance("g", "one"), Label("g", "one", "Matriz"))),)),
        Step(seed=1, operations=(labelled,), conditions=conditions, crash=crash),
        Step(seed=1, operations=(Tell("description", "g", "one"),)),
        Step(seed=1, operations=(Send((DropInstance("g", "one"),)),)),
        Step(seed=1, restarts=True, passes=6.0, wakes=True),
    )


def check(subject: str, history: History) -> None:
    """See that nothing is lost, stopped or stuck in it."""
    assert run_history(find_subject(subject), history)[0] is None


@pytest.mark.parametrize("subject", ["subject_files:FileSubject", "subject_sealed:SealedSubject"])
@pytest.mark.parametrize("label", ["Filial", ""])
@pytest.mark.parametrize("how", HOWS)
def test_whenever_the_machine_dies_one_of_the_two_labels_is_there(subject: str, label: str, how: How) -> None:
    for calls in range(1, CALLS):
        check(subject, history(label, crash=Crash(calls, how)))


@pytest.mark.parametrize("label", ["Filial", ""])
@pytest.mark.parametrize("part", ["nothing", "all"])
def test_whichever_call_fails_one_of_the_two_labels_is_told(label: str, part: Part) -> None:
    for first, lasts in product(range(1, CALLS), (False, True)):
        rule = Rule(errno.EIO, first, None if lasts else 1, MAKES | REMOVES | SYNCS, part=part, loses=lasts)
        check("subject_files:FileSubject", history(label, failing=Failing(rule, 2 if lasts else 1)))


@pytest.mark.parametrize("how", HOWS)
def test_what_was_acknowledged_is_there_after_a_power_cut(how: How) -> None:
    for label in ("Filial", ""):
        told = history(label)
        check("subject_files:FileSubject", (*told[:2], Step(seed=1, crash=Crash(1, how)), *told[2:]))
