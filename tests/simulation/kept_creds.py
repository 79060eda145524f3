"""Histories of creds that failed once. What they found stands in `cases`."""

from __future__ import annotations

from tests.simulation.faults import Rule
from tests.simulation.operations import BringBack, Change, Check, Crash, Failing, History, Look, Send, Step, Write
from tests.simulation.subject import CreateInstance, DropGroup, DropInstance
from tests.simulation.values import Creds, Plain

NOT_READ: History = (
    Step(seed=1, operations=(Send(entries=(CreateInstance(group="g", instance="two"),)),)),
    Step(
        seed=1,
        operations=(
            Send(
                entries=(
                    Write(
                        group="g",
                        instance="two",
                        changes=(Change(key="creds", value=Creds(identity=2, next_pre_key="5", number=5, size=0)),),
                    ),
                )
            ),
        ),
    ),
    Step(
        seed=1,
        operations=(Check(group="g", instance="two"),),
        conditions=(Failing(rule=Rule(error=13, first=2, count=None), steps=1),),
    ),
)

OLDER: History = (
    Step(
        seed=1,
        operations=(
            Send(
                entries=(
                    CreateInstance(group="h", instance="two"),
                    Write(
                        group="h",
                        instance="two",
                        changes=(Change(key="creds", value=Creds(identity=3, next_pre_key="1", number=1, size=0)),),
                    ),
                )
            ),
        ),
    ),
    Step(seed=1, passes=6.0),
    Step(
        seed=1,
        operations=(
            Send(
                entries=(
                    Write(
                        group="h",
                        instance="two",
                        changes=(Change(key="creds", value=Creds(identity=2, next_pre_key="20", number=20, size=0)),),
                    ),
                )
            ),
        ),
    ),
    Step(seed=1, operations=(Send(entries=(DropGroup(group="h"),)),)),
    Step(seed=1, wakes=True),
    Step(seed=5, operations=(BringBack(place=0.0, name=None),)),
    Step(seed=1, operations=(Look(group="h", instance="two", keys=("creds",), recalls=True),)),
)

DELETED: History = (
    Step(
        seed=1,
        operations=(
            Send(
                entries=(
                    CreateInstance(group="g", instance="two"),
                    Write(
                        group="g",
                        instance="two",
                        changes=(Change(key="creds", value=Creds(identity=2, next_pre_key="1", number=1, size=0)),),
                    ),
                )
            ),
        ),
    ),
    Step(
        seed=1,
        operations=(Send(entries=(Write(group="g", instance="two", changes=(Change(key="creds", value=None),)),)),),
    ),
    Step(seed=1, passes=6.0),
    Step(
        seed=1,
        operations=(Check(group="g", instance="two"),),
        conditions=(Failing(rule=Rule(error=13, first=2), steps=1),),
    ),
)

GONE: History = (
    Step(
        seed=1,
        operations=(
            Send(
                entries=(
                    CreateInstance(group="g", instance="two"),
                    CreateInstance(group="g", instance="Loja São"),
                    Write(
                        group="g",
                        instance="Loja São",
                        changes=(Change(key="creds", value=Creds(identity=1, next_pre_key="1", number=1, size=0)),),
                    ),
                )
            ),
        ),
    ),
    Step(seed=1, conditions=(Failing(rule=Rule(error=5, count=None, path="/data/g/two"), steps=3),)),
    Step(seed=1, operations=(Send(entries=(DropInstance(group="g", instance="Loja São"),)),)),
    Step(seed=1, operations=(BringBack(place=0.0, name=None),), crash=Crash(calls=25, how="kill")),
)

OF_ANOTHER: History = (
    Step(
        seed=2,
        operations=(
            Send(
                entries=(
                    CreateInstance(group="g", instance="one"),
                    Write(
                        group="g",
                        instance="one",
                        changes=(Change(key="creds", value=Creds(identity=1, next_pre_key="-1", number=1, size=0)),),
                    ),
                    CreateInstance(group="g", instance="Loja São"),
                    Write(
                        group="g",
                        instance="Loja São",
                        changes=(Change(key="creds", value=Creds(identity=1, next_pre_key="2", number=2, size=0)),),
                    ),
                )
            ),
        ),
        wakes=True,
        stretch=1.0,
    ),
    Step(
        seed=1,
        operations=(
            Send(
                entries=(
                    Write(
                        group="g",
                        instance="one",
                        changes=(
                            Change(key=".x", value=Plain(kind="object", number=4, size=0)),
                            Change(key="pre-key-1", value=Plain(kind="surrogate", number=5, size=0)),
                            Change(key="creds", value=Creds(identity=1, next_pre_key="6", number=6, size=0)),
                        ),
                    ),
                    Write(
                        group="g",
                        instance="one",
                        changes=(Change(key="creds", value=Creds(identity=2, next_pre_key="7", number=7, size=0)),),
                    ),
                )
            ),
        ),
        stretch=1.0,
    ),
    Step(seed=1, conditions=(Failing(rule=Rule(error=5, first=53), steps=5),)),
    Step(seed=1, passes=6.0),
    Step(seed=1, operations=(Send(entries=(DropInstance(group="g", instance="Loja São"),)),)),
    Step(seed=1, operations=(Send(entries=(CreateInstance(group="g", instance="Loja São"),)),)),
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
    Step(seed=1, conditions=(Failing(rule=Rule(error=13, count=None, sticks=True), steps=2),)),
    Step(seed=1, restarts=True),
)
