"""Histories of room that failed once. What they found stands in `cases`."""

from __future__ import annotations

from tests.simulation.faults import Rule
from tests.simulation.operations import Change, Checkpoint, Failing, Full, Hand, History, Look, Send, Step, Write
from tests.simulation.subject import CreateInstance, DropInstance
from tests.simulation.values import Creds, Plain

NO_ROOM_TO_DELETE: History = (
    Step(
        seed=1,
        operations=(
            Send(
                entries=(
                    CreateInstance(group="g", instance="two"),
                    Write(
                        group="g",
                        instance="two",
                        changes=(Change(key="creds", value=Creds(identity=1, next_pre_key="1", number=1, size=0)),),
                    ),
                    CreateInstance(group="g", instance="one"),
                    CreateInstance(group="h", instance="two"),
                    CreateInstance(group="h", instance="one"),
                )
            ),
        ),
    ),
    Step(
        seed=1,
        operations=(
            Send(
                entries=(
                    Write(
                        group="h",
                        instance="one",
                        changes=(Change(key="pre-key-1", value=Plain(kind="surrogate", number=4, size=0)),),
                    ),
                    Write(
                        group="h",
                        instance="one",
                        changes=(
                            Change(
                                key="creds",
                                value=Creds(identity=2, next_pre_key="5", number=5, size=0, has_surrogate=True),
                            ),
                        ),
                    ),
                )
            ),
        ),
        conditions=(Full(blocks=5, inodes=None, steps=4, empties=True),),
    ),
    Step(
        seed=1,
        operations=(
            Send(
                entries=(
                    Write(
                        group="h",
                        instance="two",
                        changes=(Change(key=".x", value=Plain(kind="text", number=16, size=0)),),
                    ),
                )
            ),
        ),
    ),
    Step(
        seed=3,
        operations=(
            Send(
                entries=(
                    Write(
                        group="h",
                        instance="two",
                        changes=(
                            Change(key="pre-key-1", value=Plain(kind="text", number=17, size=0)),
                            Change(key="creds", value=Creds(identity=1, next_pre_key="18", number=18, size=0)),
                        ),
                    ),
                    Write(
                        group="g",
                        instance="one",
                        changes=(
                            Change(key="pre-key-1", value=Plain(kind="number", number=19, size=0)),
                            Change(key="creds", value=Creds(identity=1, next_pre_key="20", number=20, size=0)),
                            Change(key=".x", value=None),
                        ),
                    ),
                    Write(
                        group="g",
                        instance="two",
                        changes=(Change(key=".x", value=Plain(kind="object", number=22, size=0)),),
                    ),
                )
            ),
            Send(entries=(DropInstance(group="h", instance="one"),)),
        ),
        stretch=1000000.0,
    ),
    Step(seed=1, restarts=True),
)

COPIED_IN: History = (
    Step(
        seed=1,
        conditions=(Hand(what="copied in", group="h", instance="Loja São", key="ação", steps=1, number=63),),
        restarts=True,
    ),
    Step(
        seed=1,
        operations=(
            Send(
                entries=(
                    Write(group="h", instance="Loja São", changes=(Change(key="ação", value=None),)),
                    Write(
                        group="h",
                        instance="Loja São",
                        changes=(Change(key="ação", value=Plain(kind="array", number=66, size=0)),),
                    ),
                )
            ),
        ),
        conditions=(Full(blocks=0, inodes=None, steps=1, empties=False),),
    ),
)

STILL_FULL: History = (
    Step(
        seed=2,
        operations=(
            Send(entries=(CreateInstance(group="g", instance="one"), CreateInstance(group="h", instance="one"))),
        ),
    ),
    Step(
        seed=4,
        conditions=(Hand(what="file in its place", group="h", instance="one", key="sender-key-1::2", steps=1),),
        restarts=True,
        stretch=3.0,
    ),
    Step(seed=1, operations=(Checkpoint(), Look(group="h", instance="two", keys=("creds",), recalls=True)), wakes=True),
    Step(
        seed=1,
        operations=(
            Send(
                entries=(
                    Write(
                        group="g",
                        instance="one",
                        changes=(
                            Change(key="session-5511.0", value=None),
                            Change(key="pre-key-1", value=Plain(kind="object", number=33, size=0)),
                        ),
                    ),
                )
            ),
        ),
        conditions=(Failing(rule=Rule(error=28, count=None), steps=1),),
    ),
)

KEPT: History = (
    Step(
        seed=1,
        operations=(
            Send(
                entries=(
                    CreateInstance(group="g", instance="two"),
                    Write(
                        group="g",
                        instance="two",
                        changes=(Change(key="creds", value=Creds(identity=1, next_pre_key="1", number=1, size=0)),),
                    ),
                    CreateInstance(group="h", instance="two"),
                )
            ),
        ),
    ),
    Step(seed=1, conditions=(Full(blocks=20, inodes=None, steps=6, empties=True),)),
    Step(
        seed=1,
        operations=(
            Send(
                entries=(
                    Write(
                        group="h",
                        instance="two",
                        changes=(Change(key="session-5511.0", value=Plain(kind="array", number=16, size=0)),),
                    ),
                )
            ),
        ),
    ),
    Step(seed=1),
    Step(seed=1, restarts=True),
    Step(seed=1),
    Step(
        seed=1,
        conditions=(
            Failing(rule=Rule(error=30, first=2, count=None, calls=frozenset({"rename"}), sticks=True), steps=7),
        ),
    ),
    Step(seed=1, operations=(Send(entries=(DropInstance(group="h", instance="two"),)),)),
    Step(seed=1, passes=30.0),
    Step(
        seed=1,
        operations=(
            Send(
                entries=(
                    Write(
                        group="g",
                        instance="two",
                        changes=(Change(key="session-5511.0", value=Plain(kind="number", number=18, size=0)),),
                    ),
                    Write(
                        group="g",
                        instance="one",
                        changes=(Change(key=".x", value=Plain(kind="number", number=20, size=0)),),
                    ),
                )
            ),
            Send(
                entries=(
                    Write(
                        group="g",
                        instance="two",
                        changes=(
                            Change(key="app-state-sync-key-AA/+b==", value=Plain(kind="number", number=25, size=0)),
                        ),
                    ),
                    Write(
                        group="g",
                        instance="two",
                        changes=(Change(key=".x", value=Plain(kind="number", number=26, size=0)),),
                    ),
                    Write(
                        group="g",
                        instance="one",
                        changes=(Change(key="ação", value=Plain(kind="number", number=27, size=0)),),
                    ),
                    Write(
                        group="h",
                        instance="two",
                        changes=(Change(key="sender-key-1::2", value=Plain(kind="number", number=28, size=0)),),
                    ),
                )
            ),
        ),
    ),
    Step(
        seed=1,
        operations=(
            Send(
                entries=(
                    Write(
                        group="g",
                        instance="two",
                        changes=(Change(key="pre-key-1", value=Plain(kind="object", number=29, size=0)),),
                    ),
                )
            ),
        ),
        passes=6.0,
    ),
    Step(seed=1, passes=6.0),
    Step(seed=1, passes=6.0),
)
