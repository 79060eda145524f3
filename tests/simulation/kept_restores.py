"""Histories of restores that failed once. What they found stands in `cases`."""

from __future__ import annotations

from tests.simulation.faults import Rule
from tests.simulation.operations import BringBack, Change, Crash, Failing, Hand, History, Look, Send, Step, Write
from tests.simulation.subject import CreateInstance, DropGroup
from tests.simulation.values import Creds

GONE_WITH_ITS_GROUP: History = (
    Step(
        seed=2614802434,
        conditions=(Hand(what="copied in", group="g", instance="one", key="pre-key-1", steps=1, number=3),),
        restarts=True,
        stretch=3.0,
    ),
    Step(seed=1314026513, operations=(Send(entries=(CreateInstance(group="h", instance="one"),)),), stretch=3.0),
    Step(
        seed=48941740,
        operations=(
            Send(
                entries=(
                    Write(
                        group="g",
                        instance="one",
                        changes=(
                            Change(
                                key="creds",
                                value=Creds(identity=3, next_pre_key="4", number=4, size=0, has_surrogate=False),
                            ),
                        ),
                    ),
                )
            ),
        ),
        stretch=3.0,
    ),
    Step(
        seed=365303196,
        conditions=(
            Failing(
                rule=Rule(
                    error=5,
                    first=1,
                    count=5,
                    calls=frozenset({"fdatasync", "fsync", "sync_all"}),
                    path=None,
                    sticks=True,
                    part="nothing",
                    loses=True,
                ),
                steps=2,
            ),
        ),
        passes=6.0,
        stretch=3.0,
    ),
    Step(
        seed=3337855125, operations=(Look(group="h", instance="one", keys=("ação",), recalls=False),), stretch=1000000.0
    ),
    Step(seed=254139660, stretch=3.0),
    Step(seed=4235743934, operations=(Send(entries=(DropGroup(group="g"),)),), stretch=3.0),
    Step(
        seed=326403998,
        conditions=(
            Failing(
                rule=Rule(
                    error=5,
                    first=7,
                    count=None,
                    calls=frozenset({"posix_fallocate", "mkdir", "rename", "symlink"}),
                    path=None,
                    sticks=False,
                    part="all",
                    loses=True,
                ),
                steps=2,
            ),
        ),
        passes=6.0,
        stretch=3.0,
    ),
    Step(
        seed=299412903,
        operations=(BringBack(place=0.35806658321353835, name="Loja São"),),
        crash=Crash(calls=104, how="torn", again=()),
        wakes=True,
        stretch=1000000.0,
    ),
)

GONE_WITH_WHAT_IT_LEFT: History = (
    Step(seed=1, operations=(Send(entries=(CreateInstance(group="g", instance="one"),)),)),
    Step(seed=1, operations=(Send(entries=(DropGroup(group="g"),)),), stretch=1000000.0),
    Step(seed=1, conditions=(Failing(rule=Rule(error=13, first=22, count=2), steps=2),)),
    Step(seed=1, operations=(BringBack(place=0.0, name=None),)),
    Step(seed=5, crash=Crash(calls=1, how="torn", again=())),
)
