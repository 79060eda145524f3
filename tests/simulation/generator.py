"""A history from a seed.

Each seed leaves out some kinds of things, so that what always fails does not hide what fails rarely, and what is left
comes more often. Some things follow others more often than chance would have it.
"""

from __future__ import annotations

import errno
from collections.abc import Callable
from functools import partial
from itertools import product

from tests.simulation.crashes import HOWS, How
from tests.simulation.draws import KEYS, Draws
from tests.simulation.faults import Rule
from tests.simulation.hands import OF_A_FOLDER, OF_A_KEY, OF_VERSIONS
from tests.simulation.operations import (
    Change,
    Check,
    Condition,
    Crash,
    Failing,
    Full,
    Hand,
    History,
    Look,
    Operation,
    PurgeOld,
    Send,
    SetClock,
    Step,
    Tell,
    Write,
)
from tests.simulation.state import CREDS
from tests.simulation.subject import ROOT, CreateInstance, DropGroup, DropInstance, Subject

TWO_DAYS = 2 * 24 * 3600.0


def generate(seed: int, subject: Subject, without: frozenset[str] = frozenset(), steps: int | None = None) -> History:
    """Make the history of a seed."""
    return _Generator(seed, subject, without).make(steps)


class _Generator(Draws):
    """Draws steps."""

    def __init__(self, seed: int, subject: Subject, without: frozenset[str]) -> None:
        """Begin with nothing that must follow."""
        super().__init__(seed, subject, without)
        self._next: list[Callable[[], Step]] = []
        self._stretches = self.random.choice(((1.0,), (3.0,), (10.0,), (1.0, 3.0, 10.0, 50.0)))

    def make(self, steps: int | None) -> History:
        """Make all steps; the first makes the instances."""
        random = self.random
        first: list[CreateInstance | Write] = []
        for group, name in product(self.groups, self.instances):
            made = random.random()
            if made < 0.8:
                first.append(CreateInstance(group, name))
            if made < 0.55:
                first.append(Write(group, name, (self.creds(),)))
        begun = self._step(Send(tuple(first)))
        count = steps or random.choice((10, 20, 40))
        return (begun, *[self._next.pop(0)() if self._next else self._draw() for _ in range(count)])

    # Steps

    def _step(
        self,
        *operations: Operation,
        conditions: tuple[Condition, ...] = (),
        passes: float = 0,
        restarts: bool = False,
        may_crash: bool = True,
    ) -> Step:
        random = self.random
        crash = (
            self._crash(has_time=passes > 0) if may_crash and self.has("crashes") and random.random() < 0.1 else None
        )
        return Step(
            random.getrandbits(32),
            operations,
            conditions,
            passes,
            crash,
            restarts,
            wakes=random.random() < 0.25,
            stretch=random.choice(self._stretches),
        )

    def _crash(self, *, has_time: bool) -> Crash:
        random = self.random
        calls = random.randrange(1, random.choice((10, 40, 120) if not has_time else (40, 120, 250)))
        again: tuple[tuple[int, How], ...] = ()
        while random.random() < 0.3 and len(again) < 3:
            again += ((random.randrange(1, random.choice((20, 150))), random.choice(HOWS)),)
        return Crash(calls, random.choice(HOWS), again)

    def _draw(self) -> Step:
        random = self.random
        kind = random.random()
        if kind < 0.12:
            return self._step(passes=random.choice((6.0, 6.0, 11.0, 30.0)))
        if kind < 0.17 and self.has("restarts"):
            return self._step(restarts=True)
        if kind < 0.30 and self.has("faults"):
            return self._fail()
        if kind < 0.34 and self.has("full"):
            return self._fill()
        if kind < 0.40 and self.has("hands"):
            return self._touch()
        if kind < 0.43 and self.has("clock"):
            return self._step(conditions=(SetClock(random.choice((-3600.0, 3600.0, -5.0, TWO_DAYS, -TWO_DAYS))),))
        if kind < 0.50 and self.has("drops"):
            return self._drop()
        if kind < 0.60 and self.has("races"):
            return self._storm()
        count = random.choice((1, 1, 2, 2, 3, 4)) if self.has("races") else 1
        return self._step(*(self.operation() for _ in range(count)))

    def _storm(self) -> Step:
        """Several clients are about the same key at once; perhaps again and again."""
        random = self.random
        group, instance = self.place()
        key = random.choice((CREDS, *self.keys))

        def write() -> Operation:
            change = self.creds() if key == CREDS else self.change()._replace(key=key)
            if key != CREDS and self.has("large") and random.random() < 0.4:
                [change] = self.large(group, instance).changes
            return Send((Write(group, instance, (change._replace(key=key),)),))

        def operation() -> Operation:
            chance = random.random()
            if chance < 0.45:
                return write()
            if chance < 0.65:
                return Send((Write(group, instance, (Change(key, None),)),))
            return Look(group, instance, (key, key), recalls=random.random() < 0.2)

        def step() -> Step:
            return self._step(*(operation() for _ in range(random.choice((2, 3, 4)))))

        self._next += [step] * random.choice((0, 1, 2))
        return step()

    def _fail(self) -> Step:
        """Calls fail for some steps, in which something is done that may not go well."""
        random = self.random
        if random.random() < 0.1:
            return self._fail_long()
        steps = random.choice((1, 2, 3, 5, 10))
        if self.has("drops") and random.random() < 0.4:
            self._next += [lambda: self._step(self.bring_back()), lambda: self._step(self.operation())]
        if random.random() < 0.5:
            self._next.insert(0, lambda: self._step(passes=6.0))
        operations = (self.operation(),) if random.random() < 0.7 else ()
        return self._step(*operations, conditions=(Failing(self.rule(), steps),), passes=random.choice((0, 0, 6.0)))

    def _fail_long(self) -> Step:
        """Files cannot follow for long, while one thing after another is deleted, which is not refused."""
        group, instance = self.place()
        rule = Rule(errno.EIO, 1, None, frozenset({"rename", "mkdir"}), f"{ROOT}/{group}/{instance}/")
        places = [(*self.place(), key) for key in KEYS * 2]
        stored = [Write(of, name, (self.plain(key),)) for of, name, key in places]

        def delete(of: str, name: str, key: str) -> Step:
            return self._step(Send((Write(of, name, (Change(key, None),)),)), passes=6.0, may_crash=False)

        failing = Failing(rule, len(places) + 1)
        self._next.append(lambda: self._step(self.write(), conditions=(failing,), passes=6.0))
        self._next += [partial(delete, *place) for place in places]
        return self._step(*(Send(tuple(stored[place : place + 4])) for place in range(0, len(stored), 4)))

    def _fill(self) -> Step:
        random = self.random
        inodes = random.randrange(6) if random.random() < 0.2 else None
        full = Full(random.randrange(25), inodes, random.choice((2, 4, 6)), random.random() < 0.4 and inodes is None)
        if random.random() < 0.6:
            self._next += [lambda: self._step(self.write(), self.write(), passes=6.0)]
        if self.has("crashes") and random.random() < 0.25:
            # A start on a full disk behind a crash, and then clients at once when there is room again.
            self._next += [self._crash_now, self._storm, self._storm]
            return self._step(self.write(), conditions=(full._replace(blocks=random.randrange(4), steps=2),))
        if self.has("large") and random.random() < 0.5:
            # Much is stored, until there is no room any more, and then deleted.
            full = full._replace(
                inodes=None, blocks=random.randrange(4 * len(self.keys)), steps=1 + len(self.keys), empties=True
            )
            for key in self.keys:
                self._next.append(partial(self._store_much, key))
            return self._step(*(Send((self.large(*self.place()),)) for _ in range(3)), conditions=(full,))
        return self._step(self.operation(), conditions=(full,))

    def _crash_now(self) -> Step:
        step = self._step(self.write(), may_crash=False)
        return step._replace(crash=self._crash(has_time=False))

    def _store_much(self, key: str) -> Step:
        return self._step(Send((self.large(*self.place(), key),)))

    def _touch(self) -> Step:
        """Somebody changes a folder; perhaps while the worker is stopped, and clients come at once then."""
        random = self.random
        group, instance = self.place()
        kind = random.random()
        if kind < 0.15:
            return self._touch_while_stopped()
        what = random.choice(OF_A_KEY if kind < 0.5 else OF_VERSIONS if kind < 0.65 else OF_A_FOLDER)
        key = CREDS if random.random() < 0.6 else random.choice(self.keys)
        hands: tuple[Condition, ...] = (Hand(what, group, instance, key, random.choice((1, 2, 4))),)
        if what == "rot" and random.random() < 0.2:
            hands += (Hand("rot a version", group, instance, "x", 1),)
        if random.random() < 0.7:
            self._next.append(lambda: self._step(*self._meet(group, instance, key)))
        if random.random() < 0.5:
            return self._step(conditions=hands, restarts=True)
        return self._step(self.operation(), conditions=hands)

    def _touch_while_stopped(self) -> Step:
        """While the worker is stopped, a folder is copied in, perhaps a broken one, or something that is nobody's."""
        random = self.random
        group, instance = self.place()
        if random.random() < 0.3:
            foreign = Hand("foreign", group, instance, "", random.choice((2, 5)))
            return self._step(conditions=(foreign,), restarts=True)
        self._number += 1
        copied = Hand("copied in", group, instance, random.choice(self.keys), 1, self._number)
        hands: tuple[Condition, ...] = (copied,)
        if random.random() < 0.4:
            hands += (Hand("rot", group, instance, CREDS, 1),)
        if random.random() < 0.7:
            self._next.append(lambda: self._step(*self._meet(group, instance, CREDS)))
        if self.has("drops") and random.random() < 0.5:
            self._next.insert(0, lambda: self._step(conditions=hands, restarts=True))
            return self._step(Send((DropInstance(group, instance),)))
        return self._step(conditions=hands, restarts=True)

    def _meet(self, group: str, instance: str, key: str) -> list[Operation]:
        """Clients that read what was changed, and others that write it."""
        random = self.random
        found: list[Operation] = [Look(group, instance, (key, CREDS), recalls=False)]
        if random.random() < 0.5:
            found = [Check(group, instance)]
        if self.has("races"):
            if random.random() < 0.7:
                found.append(Send((Write(group, instance, (self.creds(),)),)))
            elif random.random() < 0.5:
                found.append(Send((DropInstance(group, instance), CreateInstance(group, instance))))
        return found

    def _drop(self) -> Step:
        random = self.random
        group, instance = self.place()
        drop: Operation = Send((DropInstance(group, instance),))
        kind = random.random()
        if kind < 0.35:
            made = Send((CreateInstance(group, instance), Write(group, instance, (self.creds(),))))
            self._next.append(lambda: self._step(made if random.random() < 0.5 else Send(made.entries[:1])))
            if self.has("large") and random.random() < 0.6:
                self._next.append(lambda: self._step(Send((self.large(group, instance),))))
            if random.random() < 0.4:
                self._next.append(lambda: self._step(passes=6.0))
        elif kind < 0.75:
            if random.random() < 0.3:
                self._next.append(lambda: self._step(passes=6.0))
            self._next.append(lambda: self._step(self.bring_back()))
        elif kind < 0.9 and self.has("clock"):
            self._next += [
                lambda: self._step(Tell("drops", group, instance)),
                lambda: self._step(PurgeOld(), self.bring_back(), conditions=(SetClock(TWO_DAYS),)),
            ]
        if self.has("groups") and random.random() < 0.2:
            drop = Send((DropGroup(group),))
        return self._step(drop)
