"""What a client may do, and what may fail, drawn from a seed."""

from __future__ import annotations

import errno
from random import Random

from tests.simulation.faults import MAKES, REMOVES, SYNCS, WRITES, Part, Rule
from tests.simulation.operations import (
    BringBack,
    Change,
    Check,
    Checkpoint,
    LetGo,
    Look,
    MakeCurrent,
    Operation,
    Send,
    Tell,
    Write,
)
from tests.simulation.state import CREDS
from tests.simulation.subject import ROOT, CreateGroup, CreateInstance, DropGroup, DropInstance, Label, Subject
from tests.simulation.values import Plain, make_creds, make_plain

KINDS = ("odd", "large", "drops", "groups", "full", "faults", "hands", "crashes", "restarts", "clock", "admin", "races")
"""What may be left out. `odd`: creds with odd numbers. `races`: several operations at once."""

GROUPS = ("g", "h")
INSTANCES = ("one", "two", "Loja São")
LABELS = ("", "Loja Centro", "\U0001f511" * 100)
KEYS = ("pre-key-1", "session-5511.0", "app-state-sync-key-AA/+b==", ".x", "ação", "sender-key-1::2")
SHARE = 0.6
"""Of the kinds, what one seed has."""


class Draws:
    """Draws for one history, about few names: what meets each other finds more."""

    def __init__(self, seed: int, subject: Subject, without: frozenset[str]) -> None:
        """Draw the names, and which kinds of things there are."""
        random = self.random = Random(seed)
        self.subject = subject
        self.kinds = {kind for kind in KINDS if random.random() < SHARE} - without
        self.groups = GROUPS[: 2 if "groups" in self.kinds else 1]
        self.instances = random.sample(INSTANCES, random.choice((1, 2, 2, 3)))
        self.keys = random.sample(KEYS, random.choice((1, 2, 3, 4)))
        self._number = 0

    def has(self, kind: str) -> bool:
        """Tell whether there are such things."""
        return kind in self.kinds

    def place(self) -> tuple[str, str]:
        """Draw an instance."""
        return self.random.choice(self.groups), self.random.choice(self.instances)

    def creds(self) -> Change:
        """Draw new creds."""
        self._number += 1
        return Change(CREDS, make_creds(self.random, self._number, are_odd=self.has("odd")))

    def change(self) -> Change:
        """Draw a change of one key."""
        random = self.random
        if random.random() < 0.35:
            return Change(CREDS, None) if random.random() < 0.05 else self.creds()
        self._number += 1
        large_from = self.subject.large_from if self.has("large") else 600
        value = make_plain(random, self._number, large_from)
        return Change(random.choice(self.keys), None if random.random() < 0.2 else value)

    def plain(self, key: str) -> Change:
        """Draw a small value."""
        self._number += 1
        return Change(key, Plain("number", self._number, 0))

    def write(self) -> Send:
        """Draw writes of one to three instances."""
        random = self.random
        entries: list[Write] = []
        for _ in range(random.choice((1, 1, 1, 2, 3))):
            group, instance = self.place()
            changes = tuple(self.change() for _ in range(random.choice((1, 1, 2, 3, 6))))
            entries.append(Write(group, instance, changes[: 6 // max(1, len(entries) + 1)]))
        return Send(tuple(entries))

    def large(self, group: str, instance: str, key: str | None = None) -> Write:
        """Draw a write of a large value."""
        self._number += 1
        size = self.subject.large_from + self.random.randrange(2 * self.subject.large_from)
        change = Change(key or self.random.choice(self.keys), Plain("text", self._number, size))
        return Write(group, instance, (change,))

    def bring_back(self) -> BringBack:
        """Draw a restore."""
        random = self.random
        name = random.choice(self.instances) if random.random() < 0.4 else None
        place = random.choice((0.0, 0.0, random.random()))
        into = random.choice(self.groups) if random.random() < 0.3 else None
        return BringBack(place, name, into, random.random() < 0.5)

    def operation(self) -> Operation:
        """Draw anything that a client does."""
        random = self.random
        group, instance = self.place()
        kind = random.random()
        if kind < 0.45:
            return self.write()
        if kind < 0.52:
            return Send((CreateInstance(group, instance),))
        if kind < 0.70:
            keys = tuple(random.choice((CREDS, *self.keys, "never-written")) for _ in range(random.randrange(1, 4)))
            return Look(group, instance, keys, recalls=random.random() < 0.4)
        if kind < 0.76:
            return Check(group, instance)
        if kind < 0.79 and self.has("large"):
            return Send((self.large(group, instance),))
        if kind < 0.82:
            return Checkpoint()
        if kind < 0.90 and self.has("admin"):
            return self._administer(group, instance)
        if kind < 0.95 and self.has("drops"):
            return random.choice((self.bring_back(), Send((DropInstance(group, instance),)), LetGo(random.random())))
        if kind < 0.97 and self.has("groups"):
            return Send((random.choice((CreateGroup(group), DropGroup(group))),))
        return self.write()

    def _administer(self, group: str, instance: str) -> Operation:
        random = self.random
        if random.random() < 0.3:
            return Send((Label(group, instance, random.choice(LABELS)),))
        if random.random() < 0.4:
            return MakeCurrent(group, instance, random.random())
        return Tell(random.choice(("versions", "drops", "groups", "health", "description")), group, instance)

    # What fails

    def rule(self) -> Rule:
        """Draw which calls fail, and how."""
        random = self.random
        error = random.choice(
            (errno.EIO, errno.EIO, errno.EIO, errno.ENOSPC, errno.ENOSPC, errno.EACCES, errno.EDQUOT, errno.EROFS, 0)
        )
        if random.random() < 0.03:
            error = errno.EMFILE
        calls = None
        if random.random() < 0.5:
            calls = random.choice(
                (WRITES, SYNCS, MAKES, REMOVES, frozenset({"rename"}), frozenset({"open"}), frozenset({"stat"}))
            )
        if error == 0:
            return Rule(0, random.randrange(1, 5), random.choice((1, None)), None, part="a part")
        path = None
        if random.random() < 0.25:
            path = "/".join((ROOT, *self.place()))
        part: Part = "nothing"
        if error == errno.EIO:
            part = random.choice(("nothing", "nothing", "a part", "all"))
        elif error == errno.ENOSPC and random.random() < 0.25:
            part = "a part"
        return Rule(
            error,
            random.randrange(1, random.choice((2, 3, 8) if calls or path else (2, 5, 20, 60))),
            random.choice((1, 1, 2, 5, None, None)),
            calls,
            path,
            sticks=random.random() < 0.6,
            part=part,
            loses=error == errno.EIO and random.random() < 0.3,
        )
