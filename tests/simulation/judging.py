"""Whether a request may have been answered as it was."""

from __future__ import annotations

from collections.abc import Iterable

from tests.simulation.looks import Problem
from tests.simulation.records import Commit, Excuses
from tests.simulation.state import State
from tests.simulation.subject import (
    Batch,
    CreateInstance,
    DropGroup,
    DropInstance,
    Label,
    Outcome,
    Put,
    Refusal,
    Request,
    Restore,
)


def judge(state: State, request: Request, natural: Outcome, outcome: Outcome, excuses: Excuses) -> Problem | None:
    """Say what is wrong about an outcome that is not the one which the dictionary gives."""
    told = tell_request(request)
    if outcome is None:
        if only_removes(request):
            return None  # nothing was to be deleted
        return "lost", "acknowledged what cannot be", f"{told}, although {natural.value if natural else ''}"
    if outcome in (Refusal.FULL, Refusal.UNAVAILABLE):
        if excuses.allow(request) or is_gone(state, request) or _are_many_apart(state, request, excuses):
            return None
        return "stopped", "refused without a reason", f"{told}: {outcome.value}"
    if outcome is Refusal.MISSING:
        if isinstance(request, Restore) and any(each.may_be_gone for each in state.drops if each.drop == request.drop):
            return None
        if is_gone(state, request):
            return None
        if natural is None:
            return "lost", "said to be missing", told
        if natural is Refusal.TAKEN and excuses.are_any:
            return None
    if natural is None:
        return "stopped", "refused without a reason", f"{told}: {outcome.value}"
    return "lost", "refused for a wrong reason", f"{told}: {outcome.value}, not {natural.value}"


def only_removes(request: Request) -> bool:
    """Tell whether nothing but deletions is asked for."""
    return isinstance(request, Batch) and not any(isinstance(change, Put) for change in request.changes)


def is_gone(state: State, request: Request) -> bool:
    """Tell whether a request is about an instance whose folder was removed from outside."""
    match request:
        case (
            Batch(group, instance)
            | CreateInstance(group, instance)
            | DropInstance(group, instance)
            | Label(group, instance)
        ):
            account = state.find(group, instance)
            return account is not None and account.is_gone
        case DropGroup(group):
            return any(account.is_gone for account in state.groups.get(group, {}).values())
        case Restore(group, instance, drop, into, name, replaces):
            replaced = state.find(into, name) if replaces else None
            dropped = [each.account for each in state.drops if each.drop == drop]
            return any(account.is_gone for account in (*dropped, replaced) if account is not None)
    return False


def _are_many_apart(state: State, request: Request, excuses: Excuses) -> bool:
    """Tell whether those that are hurt may hold so much back that all are refused what needs room."""
    hurt = [account for group, of in state.groups.items() for name, account in of.items() if excuses.cover(group, name)]
    if excuses.drops:
        hurt += [dropped.account for dropped in state.drops]
    values = [value for account in hurt for value in account.values.values()]
    versions = [version.value or b"" for account in hurt for version in account.versions]
    return sum(map(len, (*values, *versions))) > excuses.most_apart and not only_removes(request)


def was_replaced(request: Request, commits: Iterable[Commit]) -> bool:
    """Tell whether the instance that a batch was prepared for may be another one now, or none."""
    assert isinstance(request, Batch)
    group, instance = request.group, request.instance
    for commit in commits:
        for other in commit.requests:
            match other:
                case CreateInstance() | DropInstance() if other == (group, instance):
                    return True
                case DropGroup() if other.group == group:
                    return True
                case Restore() if (other.into, other.name) == (group, instance):
                    return True
                case _:
                    pass
    return False


def tell_request(request: Request) -> str:
    """Tell a request in a few words."""
    if isinstance(request, Batch):
        changes = ", ".join(
            f"{change.key}={shorten(change.value)}" if isinstance(change, Put) else f"{change.key} deleted"
            for change in request.changes
        )
        return f"{request.group}/{request.instance}: {changes}"
    return f"{type(request).__name__} {' '.join(map(str, request))}"


def shorten(value: object) -> str:
    """Show a value in a few characters."""
    text = repr(value)
    return text if len(text) < 60 else f"{text[:44]}...({len(value) if isinstance(value, bytes) else ''} bytes)"
