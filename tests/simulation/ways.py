"""What commits lead to, from one possible world: to another, or to several, or to none."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from tests.simulation.judging import judge, only_removes, was_replaced
from tests.simulation.looks import Problem, explain_read
from tests.simulation.records import Commit, Excuses, Read
from tests.simulation.state import State, Unsure, apply, halves, learn_drops
from tests.simulation.subject import Batch, DropGroup, DropInstance, DropSeen, Outcome, Refusal, Request, Restore

MOST_STATES = 64
"""More possible states than these are not followed: the history ends there, and counts as passed."""


class World(NamedTuple):
    """One possible state, and those that it may turn out to be after the next start."""

    now: State
    hidden: tuple[State, ...] = ()


class Way(NamedTuple):
    """A world after a step, and the states in between: those after k commits end at `marks[k]`."""

    world: World
    states: tuple[State, ...]
    marks: tuple[int, ...] = (0,)
    assumed: State | None = None
    """Within a commit: the state if also those of its requests had been made that the disk refused."""


def follow(world: World, commits: Sequence[Commit], excuses: Excuses) -> tuple[list[Way], list[Problem]]:
    """Follow the commits of a step; the last may have been cut off. Return the ways, and why others are none."""
    ways, problems = [Way(world, (world.now,))], []
    for place, commit in enumerate(commits):
        if commit.outcomes is None:
            ways = [longer for way in ways for longer in _finish(way, commit)]
            break
        ways = [way._replace(assumed=way.world.now) for way in ways]
        for number, (request, outcome) in enumerate(zip(commit.requests, commit.outcomes, strict=True)):
            began = commit.prepared_at[number]
            is_stale = began is not None and was_replaced(request, commits[began : place + 1])
            longer = []
            for way in ways:
                learned = way._replace(world=_learn(way.world, commit.listed[number]))
                found = _answer(learned, request, outcome, commit, excuses, is_stale=is_stale)
                if isinstance(found, list):
                    longer += found
                else:
                    problems.append(found)
            ways = longer
            if len(ways) > MOST_STATES:
                raise Unsure
        ways = [way._replace(marks=(*way.marks, len(way.states) - 1)) for way in ways]
    return ways, problems


def _answer(
    way: Way, request: Request, outcome: Outcome, commit: Commit, excuses: Excuses, *, is_stale: bool
) -> list[Way] | Problem:
    """Return what a request that was answered leads to, or why it cannot have been."""
    (now, hidden), when = way.world, commit.when
    after, natural = apply(now, request, when)
    # As if those before it in the same commit had been made that the disk refused: by that it may have been judged.
    assumed, expected = apply(way.assumed or now, request, when)
    if outcome is not natural and (outcome is None or outcome is not expected):
        problem = None if is_stale and outcome is not None else judge(now, request, natural, outcome, excuses)
        if problem is not None:
            return problem
    way = way._replace(assumed=assumed)
    if outcome is None:
        _go_along(request, excuses)
        followed = _follow_hidden(hidden, request, when)
        ways = [_to(way, after, followed)]
        if isinstance(request, Restore) and request.into in now.groups and excuses.are_any:
            # The label of its place could not be handed on.
            ways += [_to(way, state, followed) for state in halves(now, request, when) if state != after]
        if isinstance(request, DropInstance) and now.find(request.group, request.instance) is None:
            # A creation that was refused may have left a folder, which the drop finds then.
            ways += [_to(way, state, followed) for state in followed if state != after]
        return ways
    if natural is not None or outcome not in (Refusal.FULL, Refusal.UNAVAILABLE):
        return [way]
    if not commit.is_injured:
        # It was taken back, and a crash may bring back that there was a group for it.
        left = () if isinstance(request, Batch) else tuple(halves(now, request, when)[:1])
        return [way._replace(world=World(now, _add(hidden, left, now)))]
    possible = (after, *halves(now, request, when))
    doubtful = [now, *possible, *_follow_hidden(hidden, request, when)]
    ways = [way._replace(world=World(now, _add(hidden, doubtful, now)))]
    if not isinstance(request, Batch):
        # A rename that is done and not synced: it can be seen, and whoever was refused has to look.
        ways += [_to(way, state, _add(hidden, doubtful, state)) for state in possible if state != now]
    return ways


def _to(way: Way, state: State, hidden: tuple[State, ...]) -> Way:
    return way._replace(world=World(state, hidden), states=(*way.states, state))


def _add(hidden: tuple[State, ...], more: Iterable[State], now: State) -> tuple[State, ...]:
    """Return hidden states with others, each once."""
    found = list(hidden)
    for state in more:
        if state != now and state not in found:
            found.append(state)
    if len(found) > MOST_STATES:
        raise Unsure
    return tuple(found)


def _follow_hidden(hidden: tuple[State, ...], request: Request, when: int) -> tuple[State, ...]:
    """Make a change that was acknowledged in hidden states; one in which it cannot be made is none any more."""
    after = []
    for state in hidden:
        changed, outcome = apply(state, request, when)
        if (outcome is None or only_removes(request)) and changed not in after:
            after.append(changed)
    return tuple(after)


def _learn(world: World, listed: list[DropSeen] | None) -> World:
    if listed is None:
        return world
    return World(
        learn_drops(world.now, listed, all_are_listed=False),
        tuple(learn_drops(state, listed, all_are_listed=False) for state in world.hidden),
    )


def _finish(way: Way, commit: Commit) -> list[Way]:
    """Return what may have become of a commit that a crash cut off: each of its requests is there or not."""
    ways = [way]
    for request, listed in zip(commit.requests, commit.listed, strict=True):
        longer: list[Way] = []
        for before in ways:
            now, hidden = _learn(before.world, listed)
            after, outcome = apply(now, request, commit.when)
            possible = [after, *halves(now, request, commit.when)] if outcome is None else []
            followed = _follow_hidden(hidden, request, commit.when)
            longer.append(before._replace(world=World(now, hidden)))
            longer += [_to(before, state, followed) for state in possible]
        ways = longer
        if sum(1 + len(each.world.hidden) for each in ways) > 4 * MOST_STATES:
            raise Unsure
    return [each._replace(marks=(*each.marks, len(each.states) - 1)) for each in reversed(ways)]


def _go_along(request: Request, excuses: Excuses) -> None:
    """What failed for an instance is its own matter still where it was moved to."""
    match request:
        case DropInstance(group, instance):
            excuses.drops |= excuses.cover(group, instance)
        case DropGroup(group):
            excuses.drops |= excuses.cover(group)
        case Restore(into=into, name=name, replaces=replaces):
            was_hurt = excuses.drops
            excuses.drops |= replaces and excuses.cover(into, name)
            if was_hurt:
                excuses.instances.add((into, name))


def check_reads(way: Way, reads: Iterable[Read], excuses: Excuses) -> Problem | None:
    """Say which read cannot have had its result on a way, and why."""
    for read in reads:
        begin = way.marks[min(read.begin, len(way.marks) - 1)]
        end = way.marks[min(read.end, len(way.marks) - 1)]
        problem: Problem | None = None
        for state in way.states[begin : end + 1]:
            problem = explain_read(state, read, excuses)
            if problem is None:
                break
        if problem is not None:
            return problem
    return None
