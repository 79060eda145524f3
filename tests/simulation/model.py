"""What may be true: possible worlds, of which each thing that is seen rules some out. None left is a failure.

There is one world nearly always. There are several after a crash: what was under way is there or not, each request for
itself. And a request that was refused because the disk failed under it (not for want of room) is in doubt. A batch is
not there, but may be after the next start: such a world has a hidden state beside the one that is seen. What creates,
drops, restores or purges is a rename: it is there at once or not, for a rename that is done and cannot be synced can be
seen.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tests.simulation.looks import Problem, explain_seen
from tests.simulation.records import Commit, Excuses, Failure, Read, Seen
from tests.simulation.state import EMPTY, Account, Dropped, State, Unsure
from tests.simulation.ways import MOST_STATES, World, check_reads, follow


class Model:
    """Begins with an empty store."""

    def __init__(self) -> None:
        """Begin with one world."""
        self.worlds = [World(EMPTY)]

    @property
    def state(self) -> State:
        """One of the possible states: the one, nearly always."""
        return self.worlds[0].now

    def follow(self, commits: Sequence[Commit], reads: Sequence[Read], excuses: Excuses) -> None:
        """Take in what happened in a step. Raises Failure where it cannot be."""
        problems: list[Problem] = []
        worlds: list[World] = []
        for world in self.worlds:
            ways, found = follow(world, commits, excuses)
            problems += found
            for way in ways:
                problem = check_reads(way, reads, excuses)
                if problem is None:
                    worlds.append(way.world)
                else:
                    problems.append(problem)
        self._keep(worlds, problems)

    def start(self) -> None:
        """Take in that the store was started: what was hidden may be what is."""
        states: list[State] = []
        for world in self.worlds:
            for state in (world.now, *world.hidden):
                if state not in states:
                    states.append(state)
        self._keep([World(state) for state in states], [])

    def show(self) -> None:
        """Take in that what is hidden may be seen without a start, now or later."""
        self._keep([World(state, hidden) for now, hidden in self.worlds for state in (now, *hidden)], [])

    def see(self, seen: Seen, excuses: Excuses) -> None:
        """Take in what the store tells of itself. Raises Failure where it cannot be."""
        problems: list[tuple[int, Problem]] = []
        worlds = []
        for world in self.worlds:
            state, problem, stage = explain_seen(world.now, seen, excuses)
            if problem is None:
                worlds.append(world._replace(now=state))
            else:
                problems.append((stage, problem))
        problems.sort(key=lambda found: -found[0])
        self._keep(worlds, [problem for _, problem in problems])

    def change(self, change: Callable[[State], State]) -> None:
        """Take in what was done to the disk from outside."""
        self.worlds = [World(change(world.now), tuple(map(change, world.hidden))) for world in self.worlds]

    def change_account(self, group: str, instance: str, change: Callable[[Account], Account]) -> None:
        """Take in what was done to one instance from outside."""
        self.change(lambda state: state.changed(group, instance, change))

    def purge(self, before: int) -> None:
        """Take in that what was dropped before a time may be let go of."""

        def let_go(dropped: Dropped) -> Dropped:
            return dropped._replace(may_be_gone=True) if dropped.since <= before else dropped

        self.change(lambda state: state._replace(drops=tuple(map(let_go, state.drops))))

    def _keep(self, worlds: list[World], problems: Sequence[Problem]) -> None:
        if not worlds:
            raise _failure(problems)
        if len(worlds) > 1:
            distinct: list[World] = []
            for world in worlds:
                if world not in distinct:
                    distinct.append(world)
            worlds = distinct
        if sum(1 + len(world.hidden) for world in worlds) > MOST_STATES:
            raise Unsure
        self.worlds = worlds


def _failure(problems: Sequence[Problem]) -> Failure:
    """Return the failure that no world was possible, the likeliest first."""
    kind, rule, text = problems[0]
    others = dict.fromkeys(other[2] for other in problems if other[2] != text)
    return Failure(kind, rule, "; or ".join([text, *list(others)[:2]]))
