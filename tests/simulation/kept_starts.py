"""Histories of starts that failed once. What they found stands in `cases`."""

from __future__ import annotations

from tests.simulation.faults import Rule
from tests.simulation.operations import BringBack, Change, Crash, Failing, Hand, History, Send, Step, Write
from tests.simulation.subject import CreateInstance, DropInstance
from tests.simulation.values import Creds, Plain

REFUSED: History = (
    Step(
        seed=1,
        operations=(
            Send(
                entries=(CreateInstance(group="g", instance="Loja São"), CreateInstance(group="h", instance="Loja São"))
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
                        instance="Loja São",
                        changes=(Change(key="creds", value=Creds(identity=1, next_pre_key="17", number=17, size=0)),),
                    ),
                )
            ),
        ),
    ),
    Step(
        seed=1,
        conditions=(Hand(what="gone", group="g", instance="Loja São", key="app-state-sync-key-AA/+b==", steps=1),),
    ),
    Step(
        seed=1,
        conditions=(Hand(what="unreadable", group="h", instance="Loja São", key="creds", steps=1),),
        restarts=True,
    ),
)

LEFT_OPEN: History = (
    Step(seed=1, conditions=(Failing(rule=Rule(error=5, calls=frozenset({"stat"})), steps=2),)),
    Step(seed=1, crash=Crash(calls=14, how="kill", again=((58, "torn"),))),
)

LOOKED_GONE: History = (
    Step(
        seed=848007617,
        operations=(
            Send(
                entries=(
                    CreateInstance(group="g", instance="two"),
                    CreateInstance(group="g", instance="Loja São"),
                )
            ),
        ),
        stretch=1000000.0,
    ),
    Step(
        seed=1969389245,
        conditions=(
            Failing(
                rule=Rule(
                    error=5,
                    first=3,
                    count=None,
                    calls=frozenset({"open"}),
                    path="/data/g/Loja São",
                    sticks=True,
                    part="all",
                    loses=True,
                ),
                steps=4,
            ),
        ),
        stretch=1000000.0,
    ),
    Step(
        seed=4005164662,
        operations=(
            Send(
                entries=(
                    Write(
                        group="g",
                        instance="Loja São",
                        changes=(
                            Change(key="app-state-sync-key-AA/+b==", value=Plain(kind="object", number=15, size=0)),
                        ),
                    ),
                )
            ),
        ),
        stretch=1000000.0,
    ),
    Step(
        seed=3625449256,
        operations=(Send(entries=(DropInstance(group="g", instance="Loja São"),)),),
        stretch=1000000.0,
    ),
    Step(
        seed=861331772,
        operations=(BringBack(place=0.0, name=None),),
        crash=Crash(calls=32, how="kill", again=()),
        stretch=1000000.0,
    ),
)

AS_IF_A_COPY: History = (
    Step(
        seed=2861362384,
        operations=(
            Send(
                entries=(
                    CreateInstance(group="g", instance="Loja São"),
                    CreateInstance(group="h", instance="Loja São"),
                    Write(
                        group="h",
                        instance="Loja São",
                        changes=(Change(key="creds", value=Creds(identity=1, next_pre_key="2", number=2, size=0)),),
                    ),
                )
            ),
        ),
        stretch=1.0,
    ),
    Step(
        seed=2862224229,
        conditions=(Failing(rule=Rule(error=24, first=2, count=None, path="/data/g/Loja São"), steps=4),),
        stretch=1000000.0,
    ),
    Step(seed=1040759520, operations=(Send(entries=(DropInstance(group="h", instance="Loja São"),)),), stretch=1.0),
    Step(seed=3025858761, wakes=True, stretch=1000000.0),
    Step(
        seed=3312522146,
        operations=(BringBack(place=0.0, name=None),),
        crash=Crash(calls=48, how="kill", again=()),
        stretch=1.0,
    ),
)
