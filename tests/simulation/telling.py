"""A history in words."""

from __future__ import annotations

from collections.abc import Iterator

from tests.simulation.operations import (
    BringBack,
    Change,
    Check,
    Checkpoint,
    Condition,
    Failing,
    Full,
    Hand,
    History,
    LetGo,
    Look,
    MakeCurrent,
    Operation,
    PurgeOld,
    Send,
    SetClock,
    Step,
    Tell,
    Write,
)
from tests.simulation.subject import CreateGroup, CreateInstance, DropGroup, DropInstance, Label
from tests.simulation.values import Creds, Value


def tell_history(history: History) -> Iterator[str]:
    """Tell a history line by line."""
    for number, step in enumerate(history, 1):
        yield f"{number:3}. {tell_step(step)}"


def tell_step(step: Step) -> str:
    """Tell a step."""
    parts = []
    conditions = [tell_condition(condition) for condition in step.conditions]
    if step.restarts:
        parts.append(" ".join(["stop,", *[f"{condition}," for condition in conditions], "start"]))
    else:
        parts += conditions
    parts.append(" || ".join(tell_operation(operation) for operation in step.operations))
    if step.passes:
        parts.append(f"{step.passes:g} s pass")
    if step.crash is not None:
        again = "".join(f", again at call {calls} of the start: {how}" for calls, how in step.crash.again)
        parts.append(f"crash at call {step.crash.calls}: {step.crash.how}{again}")
    if step.wakes:
        parts.append("(the background work begins meanwhile)")
    return "; ".join(part for part in parts if part) or "nothing"


def tell_operation(operation: Operation) -> str:
    """Tell what clients do."""
    match operation:
        case Send(entries):
            return ", ".join(map(_tell_entry, entries))
        case BringBack(place, name, into, replaces):
            where = f"{f' as {name}' if name else ''}{f' in {into}' if into else ''}"
            where += ", in the place of what is there" if replaces else ""
            return f"restore the drop at {place:.2f} of the list{where}"
        case LetGo(place):
            return f"purge the drop at {place:.2f} of the list"
        case PurgeOld():
            return "purge old drops"
        case MakeCurrent(group, instance, place):
            return f"make version {place:.2f} of {group}/{instance} current"
        case Look(group, instance, keys, recalls):
            return f"{'recall' if recalls else 'read'} {group}/{instance} {', '.join(keys)}"
        case Check(group, instance):
            return f"check and read creds of {group}/{instance}"
        case Tell(what, group, instance):
            return f"list {what} ({group}/{instance})"
        case Checkpoint():
            return "checkpoint"


def _tell_entry(entry: Write | CreateGroup | CreateInstance | DropInstance | DropGroup | Label) -> str:
    match entry:
        case Write(group, instance, changes):
            return f"write {group}/{instance} {{{', '.join(map(_tell_change, changes))}}}"
        case CreateGroup(group):
            return f"create group {group}"
        case CreateInstance(group, instance):
            return f"create {group}/{instance}"
        case DropInstance(group, instance):
            return f"drop {group}/{instance}"
        case DropGroup(group):
            return f"drop group {group}"
        case Label(group, instance, label):
            return f"call {group}/{instance} {label!r}"


def _tell_change(change: Change) -> str:
    return f"{change.key}: {'delete' if change.value is None else _tell_value(change.value)}"


def _tell_value(value: Value) -> str:
    size = f", {value.size} bytes more" if value.size else ""
    if isinstance(value, Creds):
        number = value.next_pre_key if len(value.next_pre_key) < 22 else f"{len(value.next_pre_key)} digits"
        return f"#{value.number} of identity {value.identity}, next {number}{size}"
    return f"#{value.number} {value.kind}{size}"


def tell_condition(condition: Condition) -> str:
    """Tell what is wrong."""
    match condition:
        case Failing(rule, steps):
            return f"for {steps} steps: {rule}"
        case Full(blocks, inodes, steps, empties):
            more = f" and {inodes} inodes" if inodes is not None else ""
            return (
                f"for {steps} steps: {blocks} blocks{more} are left{', then nearly all is deleted' if empties else ''}"
            )
        case Hand(what, group, instance, key, steps):
            return f"by hand: {what} ({group}/{instance} {key}, {steps} steps)"
        case SetClock(seconds):
            return f"the clock is set by {seconds:g} s"
