"""Histories in which it was told wrongly what an instance holds. What they found stands in `cases`."""

from __future__ import annotations

from tests.simulation.faults import Rule
from tests.simulation.operations import Change, Crash, Failing, Full, History, Send, Step, Write
from tests.simulation.subject import CreateInstance, DropGroup
from tests.simulation.values import Creds, Plain

OVERTAKEN: History = (
    Step(
        seed=4104758629,
        operations=(
            Send(
                entries=(
                    CreateInstance(group="g", instance="two"),
                    CreateInstance(group="g", instance="Loja São"),
                    CreateInstance(group="h", instance="two"),
                    CreateInstance(group="h", instance="Loja São"),
                )
            ),
        ),
        stretch=50.0,
    ),
    Step(seed=986570138, conditions=(Full(blocks=1, inodes=None, steps=1, empties=False),), stretch=1000000.0),
    Step(
        seed=2407135729,
        operations=(
            Send(
                entries=(
                    Write(
                        group="g",
                        instance="two",
                        changes=(
                            Change(
                                key="creds",
                                value=Creds(identity=1, next_pre_key="true", number=74, size=0, has_surrogate=False),
                            ),
                        ),
                    ),
                )
            ),
        ),
        stretch=10.0,
    ),
    Step(
        seed=111456749,
        operations=(
            Send(
                entries=(
                    Write(
                        group="h",
                        instance="two",
                        changes=(
                            Change(key="app-state-sync-key-AA/+b==", value=Plain(kind="text", number=98, size=15617)),
                        ),
                    ),
                )
            ),
        ),
        stretch=3.0,
    ),
    Step(
        seed=2094338526,
        operations=(Send(entries=(Write(group="g", instance="two", changes=(Change(key="creds", value=None),)),)),),
        stretch=3.0,
    ),
    Step(
        seed=1080585704,
        operations=(
            Send(
                entries=(
                    Write(
                        group="g",
                        instance="Loja São",
                        changes=(
                            Change(
                                key="creds",
                                value=Creds(identity=1, next_pre_key="true", number=102, size=0, has_surrogate=False),
                            ),
                        ),
                    ),
                    Write(
                        group="h",
                        instance="two",
                        changes=(
                            Change(
                                key="creds",
                                value=Creds(identity=1, next_pre_key="104", number=104, size=0, has_surrogate=False),
                            ),
                        ),
                    ),
                )
            ),
        ),
        conditions=(
            Failing(
                rule=Rule(error=30, first=1, count=2, calls=None, path=None, sticks=True, part="nothing", loses=False),
                steps=4,
            ),
        ),
        stretch=50.0,
    ),
    Step(seed=3015426026, passes=6.0, crash=Crash(calls=83, how="kill", again=()), stretch=3.0),
    Step(
        seed=1380496113,
        operations=(
            Send(entries=(Write(group="g", instance="Loja São", changes=(Change(key="pre-key-1", value=None),)),)),
            Send(
                entries=(
                    Write(
                        group="g",
                        instance="Loja São",
                        changes=(Change(key="pre-key-1", value=Plain(kind="object", number=106, size=0)),),
                    ),
                )
            ),
        ),
        stretch=1.0,
    ),
    Step(
        seed=661255200,
        operations=(
            Send(
                entries=(
                    Write(
                        group="h",
                        instance="Loja São",
                        changes=(
                            Change(key="app-state-sync-key-AA/+b==", value=Plain(kind="number", number=110, size=0)),
                        ),
                    ),
                )
            ),
            Send(entries=(CreateInstance(group="h", instance="Loja São"),)),
            Send(
                entries=(
                    Write(
                        group="g",
                        instance="two",
                        changes=(
                            Change(
                                key="creds",
                                value=Creds(
                                    identity=1,
                                    next_pre_key="1180591620717411303424",
                                    number=117,
                                    size=0,
                                    has_surrogate=False,
                                ),
                            ),
                        ),
                    ),
                )
            ),
        ),
        stretch=10.0,
    ),
    Step(seed=3764951321, operations=(Send(entries=(DropGroup(group="g"),)),), stretch=1000000.0),
)
