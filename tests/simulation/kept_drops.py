"""Histories of drops and restores that failed once. What they found stands in `cases`."""

from __future__ import annotations

from tests.simulation.faults import Rule
from tests.simulation.operations import BringBack, Change, Crash, Failing, History, Send, Step, Tell, Write
from tests.simulation.subject import CreateInstance, DropGroup, DropInstance
from tests.simulation.values import Creds, Plain

REFUSED: History = (
    Step(seed=1, operations=(Send(entries=(CreateInstance(group="h", instance="Loja São"),)),)),
    Step(seed=1, conditions=(Failing(rule=Rule(error=5, first=4, count=None, part="all"), steps=2),)),
    Step(seed=1, operations=(Send(entries=(DropInstance(group="h", instance="Loja São"),)),)),
)

THERE_AND_DROPPED: History = (
    Step(seed=1, operations=(Send(entries=(CreateInstance(group="g", instance="two"),)),)),
    Step(
        seed=1, conditions=(Failing(rule=Rule(error=5, first=2, count=None, path="/data/g/two", part="all"), steps=3),)
    ),
    Step(seed=2, operations=(Send(entries=(DropInstance(group="g", instance="two"),)),)),
    Step(seed=1, operations=(BringBack(place=0.0, name="two"),)),
)

NOT_LISTED: History = (
    Step(seed=1, operations=(Send(entries=(CreateInstance(group="g", instance="two"),)),)),
    Step(seed=1, operations=(Send(entries=(DropInstance(group="g", instance="two"),)),)),
    Step(
        seed=1,
        conditions=(
            Failing(
                rule=Rule(
                    error=5, count=None, calls=frozenset({"mkdir", "posix_fallocate", "rename", "symlink"}), part="all"
                ),
                steps=2,
            ),
        ),
    ),
    Step(seed=1, operations=(BringBack(place=0.0, name=None),)),
)

CAME_BACK: History = (
    Step(seed=1, operations=(Tell(what="health", group="g", instance="two"),)),
    Step(seed=1, operations=(Send(entries=(CreateInstance(group="g", instance="two"),)),)),
    Step(seed=1, operations=(Send(entries=(DropInstance(group="g", instance="two"),)),)),
    Step(
        seed=1,
        conditions=(
            Failing(
                rule=Rule(
                    error=5, count=None, calls=frozenset({"mkdir", "posix_fallocate", "rename", "symlink"}), part="all"
                ),
                steps=2,
            ),
        ),
    ),
    Step(seed=1, operations=(BringBack(place=0.0, name="two"),)),
    Step(seed=1, operations=(Send(entries=(DropInstance(group="g", instance="two"),)),)),
    Step(
        seed=3,
        operations=(
            Send(
                entries=(
                    Write(
                        group="g",
                        instance="two",
                        changes=(Change(key=".x", value=Plain(kind="surrogate", number=35, size=0)),),
                    ),
                )
            ),
        ),
        crash=Crash(calls=2, how="torn"),
    ),
)

TAKEN: History = (
    Step(seed=1, operations=(Send(entries=(CreateInstance(group="g", instance="two"),)),)),
    Step(seed=1, operations=(Send(entries=(DropInstance(group="g", instance="two"),)),)),
    Step(
        seed=1,
        operations=(Send(entries=(CreateInstance(group="g", instance="one"),)),),
        conditions=(Failing(rule=Rule(error=5, count=None, calls=frozenset({"rename"}), part="all"), steps=1),),
    ),
    Step(seed=1),
    Step(seed=1, operations=(BringBack(place=0.0, name="one"),)),
)

TAKEN_FOR_NEW: History = (
    Step(
        seed=1,
        operations=(
            Send(
                entries=(
                    CreateInstance(group="h", instance="Loja São"),
                    Write(
                        group="h",
                        instance="Loja São",
                        changes=(Change(key="creds", value=Creds(identity=1, next_pre_key="2", number=2, size=0)),),
                    ),
                )
            ),
        ),
    ),
    Step(seed=1, operations=(Send(entries=(DropInstance(group="h", instance="Loja São"),)),)),
    Step(seed=1, passes=6.0),
    Step(
        seed=1,
        conditions=(
            Failing(
                rule=Rule(
                    error=5, count=None, calls=frozenset({"mkdir", "posix_fallocate", "rename", "symlink"}), part="all"
                ),
                steps=2,
            ),
        ),
    ),
    Step(seed=1, operations=(BringBack(place=0.0, name="two"),), stretch=1000000.0),
    Step(seed=1),
    Step(seed=1, operations=(Send(entries=(CreateInstance(group="h", instance="two"),)),)),
)

VALUE_CAME_BACK: History = (
    Step(seed=1, operations=(Send(entries=(CreateInstance(group="h", instance="two"),)),)),
    Step(
        seed=1,
        operations=(
            Send(
                entries=(
                    Write(
                        group="h",
                        instance="two",
                        changes=(Change(key="app-state-sync-key-AA/+b==", value=Plain(kind="text", number=9, size=0)),),
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
                    Write(group="h", instance="two", changes=(Change(key="app-state-sync-key-AA/+b==", value=None),)),
                )
            ),
        ),
    ),
    Step(seed=1, operations=(Send(entries=(DropInstance(group="h", instance="two"),)),)),
    Step(seed=1, operations=(BringBack(place=0.0, name=None),)),
)

LISTED_AGAIN: History = (
    Step(seed=1, operations=(Send(entries=(CreateInstance(group="g", instance="Loja São"),)),)),
    Step(seed=1, operations=(Send(entries=(CreateInstance(group="g", instance="one"),)),)),
    Step(
        seed=1,
        operations=(
            Send(
                entries=(
                    Write(
                        group="g",
                        instance="Loja São",
                        changes=(Change(key="pre-key-1", value=Plain(kind="number", number=46, size=0)),),
                    ),
                    Write(
                        group="g",
                        instance="one",
                        changes=(Change(key="session-5511.0", value=Plain(kind="number", number=47, size=0)),),
                    ),
                )
            ),
        ),
    ),
    Step(
        seed=1,
        conditions=(
            Failing(rule=Rule(error=5, count=None, calls=frozenset({"mkdir", "rename"}), path="/data/g/one/"), steps=4),
        ),
        crash=Crash(calls=27, how="kill"),
    ),
    Step(
        seed=1,
        operations=(
            Send(entries=(Write(group="g", instance="Loja São", changes=(Change(key="pre-key-1", value=None),)),)),
        ),
        passes=6.0,
    ),
    Step(
        seed=1,
        operations=(
            Send(entries=(Write(group="g", instance="one", changes=(Change(key="session-5511.0", value=None),)),)),
        ),
    ),
    Step(seed=2, operations=(Send(entries=(DropInstance(group="g", instance="Loja São"),)),)),
    Step(
        seed=1,
        conditions=(Failing(rule=Rule(error=5, first=53), steps=1),),
        passes=6.0,
        crash=Crash(calls=10, how="kill"),
    ),
)

LEFT_NOWHERE: History = (
    Step(
        seed=3415975169,
        operations=(
            Send(entries=(CreateInstance(group="h", instance="two"), CreateInstance(group="h", instance="one"))),
        ),
    ),
    Step(seed=656793436, operations=(Send(entries=(DropGroup(group="h"),)),)),
    Step(seed=831693357, operations=(BringBack(place=0.0, name=None),)),
    Step(
        seed=542305072,
        operations=(),
        conditions=(Failing(rule=Rule(error=5, first=14, count=None, part="all"), steps=2),),
    ),
    Step(seed=2275884119, operations=(BringBack(place=0.0, name=None),)),
)
