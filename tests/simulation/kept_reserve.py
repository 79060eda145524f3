"""Histories in which what the reserve lent was gone before it was used. What they found stands in `cases`."""

from __future__ import annotations

from tests.simulation.operations import Change, Full, Hand, History, Send, Step, Write
from tests.simulation.subject import CreateInstance
from tests.simulation.values import Plain

TAKEN_BACK: History = (
    Step(seed=315867866, operations=(Send(entries=(CreateInstance(group="g", instance="one"),)),), stretch=1.0),
    Step(
        seed=3348205624,
        conditions=(
            Hand(what="copied in", group="h", instance="one", key="app-state-sync-key-AA/+b==", steps=1, number=5),
        ),
        restarts=True,
        stretch=1.0,
    ),
    Step(
        seed=547908282,
        operations=(
            Send(
                entries=(
                    Write(
                        group="g",
                        instance="one",
                        changes=(
                            Change(key="app-state-sync-key-AA/+b==", value=Plain(kind="text", number=6, size=12726)),
                        ),
                    ),
                )
            ),
            Send(
                entries=(
                    Write(
                        group="g",
                        instance="one",
                        changes=(Change(key=".x", value=Plain(kind="text", number=7, size=6398)),),
                    ),
                )
            ),
            Send(
                entries=(
                    Write(
                        group="g",
                        instance="one",
                        changes=(
                            Change(key="app-state-sync-key-AA/+b==", value=Plain(kind="text", number=8, size=6418)),
                        ),
                    ),
                )
            ),
        ),
        conditions=(Full(blocks=8, inodes=None, steps=3, empties=True),),
        stretch=1.0,
    ),
    Step(seed=601100638, stretch=1.0),
    Step(
        seed=94212720,
        operations=(
            Send(
                entries=(
                    Write(
                        group="g",
                        instance="one",
                        changes=(Change(key="session-5511.0", value=Plain(kind="text", number=10, size=6572)),),
                    ),
                )
            ),
        ),
        stretch=1.0,
    ),
)
