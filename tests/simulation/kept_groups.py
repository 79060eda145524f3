"""Histories of groups that failed once. What they found stands in `cases`."""

from __future__ import annotations

from tests.simulation.faults import Rule
from tests.simulation.operations import Change, Crash, Failing, Full, History, Send, Step, Write
from tests.simulation.subject import CreateGroup, CreateInstance, DropGroup
from tests.simulation.values import Creds

NOT_MADE: History = (
    Step(
        seed=1,
        operations=(Send(entries=(CreateGroup(group="g"),)),),
        conditions=(
            Failing(
                rule=Rule(error=5, first=2, count=None, calls=frozenset({"fdatasync", "fsync", "sync_all"})), steps=1
            ),
        ),
    ),
)

NOT_MADE_AGAIN: History = (
    Step(
        seed=1,
        conditions=(
            Failing(
                rule=Rule(error=5, first=4, count=None, calls=frozenset({"fdatasync", "fsync", "sync_all"})), steps=2
            ),
        ),
    ),
    Step(seed=1, operations=(Send(entries=(CreateInstance(group="g", instance="Loja São"),)),)),
    Step(seed=1),
    Step(seed=1, operations=(Send(entries=(CreateInstance(group="g", instance="Loja São"),)),)),
)

LEFT_BEHIND: History = (
    Step(
        seed=1,
        operations=(Send(entries=(CreateInstance(group="g", instance="Loja São"),)),),
        conditions=(Full(blocks=2, inodes=None, steps=1, empties=False),),
    ),
)

GONE_AFTER_A_CRASH: History = (
    Step(seed=1, operations=(Send(entries=(CreateInstance(group="g", instance="one"),)),), stretch=1000000.0),
    Step(
        seed=1,
        operations=(Send(entries=(DropGroup(group="g"),)),),
        conditions=(Failing(rule=Rule(error=5, count=None, calls=frozenset({"rename"}), part="all"), steps=1),),
    ),
    Step(seed=1, crash=Crash(calls=4, how="torn")),
)

REFUSED_AFTER_A_DROP: History = (
    Step(seed=1, operations=(Send(entries=(CreateInstance(group="g", instance="Loja São"),)),)),
    Step(
        seed=1,
        operations=(Send(entries=(DropGroup(group="g"),)),),
        conditions=(Failing(rule=Rule(error=5, first=11, count=None), steps=1),),
    ),
)

REFUSED_AFTER_A_START: History = (
    Step(
        seed=1,
        operations=(
            Send(
                entries=(
                    CreateInstance(group="g", instance="Loja São"),
                    Write(
                        group="g",
                        instance="Loja São",
                        changes=(Change(key="creds", value=Creds(identity=1, next_pre_key="2", number=2, size=0)),),
                    ),
                )
            ),
        ),
    ),
    Step(
        seed=1,
        conditions=(Failing(rule=Rule(error=5, first=37, count=None, sticks=True), steps=1),),
        crash=Crash(calls=4, how="kill"),
    ),
)
