"""Histories of starts that failed once. What they found stands in `cases`."""

from __future__ import annotations

from tests.simulation.faults import Rule
from tests.simulation.operations import Change, Crash, Failing, Hand, History, Send, Step, Write
from tests.simulation.subject import CreateInstance
from tests.simulation.values import Creds

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
