"""Makes a failing history short: parts are taken away as long as what is left still fails in the same way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from tests.simulation.operations import History, Look, Send, Step, Write


def shrink(history: History, fails: Callable[[History], bool], *, most_tries: int = 3000) -> History:
    """Return a short history that fails. `fails` tells whether one does, in the same way."""
    tries = 0

    def still_fails(shorter: History) -> bool:
        nonlocal tries
        tries += 1
        return tries <= most_tries and fails(shorter)

    before: History = ()
    while history != before and tries <= most_tries:
        before = history
        history = _remove_steps(history, still_fails)
        for make in (_without_parts, _with_fewer_operations, _with_shorter_operations, _simpler):
            history = _improve(history, make, still_fails)
    return history


def _remove_steps(history: History, fails: Callable[[History], bool]) -> History:
    size = max(1, len(history) // 2)
    while True:
        place = 0
        while place < len(history):
            shorter = history[:place] + history[place + size :]
            if shorter and fails(shorter):
                history = shorter
            else:
                place += size
        if size == 1:
            return history
        size //= 2


def _improve(history: History, make: Callable[[Step], Iterator[Step]], fails: Callable[[History], bool]) -> History:
    """Replace each step by the first of the simpler ones with which it still fails, as long as there is one."""
    for place in range(len(history)):
        is_better = True
        while is_better:
            is_better = False
            for step in make(history[place]):
                other = (*history[:place], step, *history[place + 1 :])
                if fails(other):
                    history, is_better = other, True
                    break
    return history


def _without_parts(step: Step) -> Iterator[Step]:
    if step.crash is not None:
        yield step._replace(crash=None)
        if step.crash.again:
            yield step._replace(crash=step.crash._replace(again=()))
            yield step._replace(crash=step.crash._replace(again=step.crash.again[1:]))
    for place in range(len(step.conditions)):
        yield step._replace(conditions=step.conditions[:place] + step.conditions[place + 1 :])
        condition = step.conditions[place]
        steps = getattr(condition, "steps", 1)
        for fewer in range(1, steps):
            shorter: Any = condition
            yield step._replace(
                conditions=(*step.conditions[:place], shorter._replace(steps=fewer), *step.conditions[place + 1 :])
            )
    if step.restarts:
        yield step._replace(restarts=False)
    if step.passes:
        yield step._replace(passes=0)


def _with_fewer_operations(step: Step) -> Iterator[Step]:
    for place in range(len(step.operations)):
        yield step._replace(operations=step.operations[:place] + step.operations[place + 1 :])


def _with_shorter_operations(step: Step) -> Iterator[Step]:
    for place, operation in enumerate(step.operations):
        for shorter in _shorter(operation):
            yield step._replace(operations=(*step.operations[:place], shorter, *step.operations[place + 1 :]))


def _shorter(operation: Any) -> Iterator[Any]:
    match operation:
        case Send(entries):
            for place, entry in enumerate(entries):
                if len(entries) > 1:
                    yield Send(entries[:place] + entries[place + 1 :])
                if isinstance(entry, Write):
                    for write in _shorter_writes(entry):
                        yield Send((*entries[:place], write, *entries[place + 1 :]))
        case Look(keys=keys) if len(keys) > 1:
            for place in range(len(keys)):
                yield operation._replace(keys=keys[:place] + keys[place + 1 :])


def _shorter_writes(write: Write) -> Iterator[Write]:
    for place, change in enumerate(write.changes):
        if len(write.changes) > 1:
            yield write._replace(changes=write.changes[:place] + write.changes[place + 1 :])
        if change.value is not None and change.value.size:
            smaller = change._replace(value=change.value._replace(size=0))
            yield write._replace(changes=(*write.changes[:place], smaller, *write.changes[place + 1 :]))


def _simpler(step: Step) -> Iterator[Step]:
    if step.wakes:
        yield step._replace(wakes=False)
    if step.stretch < 10**6:
        yield step._replace(stretch=10.0**6)
    if step.passes > 6:
        yield step._replace(passes=6.0)
    if step.crash is not None and step.crash.how != "kill":
        yield step._replace(crash=step.crash._replace(how="kill"))
