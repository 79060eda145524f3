"""Histories of the journal that failed once. What they found stands in `cases`."""

from __future__ import annotations

from tests.simulation.operations import Change, Crash, Full, History, Look, Send, Step, Write
from tests.simulation.subject import CreateInstance
from tests.simulation.values import Creds, Plain

NOT_COUNTED: History = (
    Step(
        seed=1966219508,
        operations=(
            Send(entries=(CreateInstance(group="g", instance="Loja São"), CreateInstance(group="g", instance="one"))),
        ),
        stretch=3.0,
    ),
    Step(
        seed=3073047220,
        operations=(
            Send(
                entries=(
                    Write(
                        group="g",
                        instance="Loja São",
                        changes=(
                            Change(
                                key="creds",
                                value=Creds(identity=1, next_pre_key="6", number=6, size=0, has_surrogate=True),
                            ),
                        ),
                    ),
                )
            ),
        ),
        conditions=(Full(blocks=8, inodes=None, steps=1, empties=False),),
        stretch=3.0,
    ),
    Step(seed=3720519411, operations=(), stretch=3.0),
    Step(
        seed=1475884842,
        operations=(
            Send(
                entries=(
                    Write(
                        group="g",
                        instance="one",
                        changes=(Change(key="creds", value=Creds(identity=3, next_pre_key="25", number=25, size=0)),),
                    ),
                )
            ),
            Send(
                entries=(
                    Write(
                        group="g",
                        instance="one",
                        changes=(
                            Change(
                                key="creds",
                                value=Creds(
                                    identity=1,
                                    next_pre_key="999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999",
                                    number=26,
                                    size=0,
                                ),
                            ),
                        ),
                    ),
                )
            ),
        ),
        stretch=3.0,
    ),
    Step(
        seed=3075814875,
        operations=(
            Send(entries=(Write(group="g", instance="one", changes=(Change(key="creds", value=None),)),)),
            Send(
                entries=(
                    Write(
                        group="g",
                        instance="one",
                        changes=(
                            Change(
                                key="creds",
                                value=Creds(
                                    identity=1,
                                    next_pre_key="999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999",
                                    number=27,
                                    size=0,
                                    has_surrogate=True,
                                ),
                            ),
                        ),
                    ),
                )
            ),
            Send(
                entries=(
                    Write(
                        group="g",
                        instance="one",
                        changes=(Change(key="creds", value=Creds(identity=1, next_pre_key="28", number=28, size=0)),),
                    ),
                )
            ),
        ),
        stretch=3.0,
    ),
    Step(
        seed=986993072,
        operations=(
            Look(group="g", instance="one", keys=("creds",), recalls=False),
            Look(group="g", instance="one", keys=("creds",), recalls=False),
            Send(entries=(Write(group="g", instance="one", changes=(Change(key="creds", value=None),)),)),
        ),
        stretch=3.0,
    ),
    Step(
        seed=1928769662,
        operations=(
            Send(
                entries=(
                    Write(
                        group="g",
                        instance="one",
                        changes=(
                            Change(key="sender-key-1::2", value=Plain(kind="object", number=41, size=0)),
                            Change(key="creds", value=Creds(identity=2, next_pre_key="42", number=42, size=0)),
                        ),
                    ),
                )
            ),
        ),
        conditions=(Full(blocks=19, inodes=None, steps=4, empties=True),),
    ),
    Step(
        seed=1420707913,
        operations=(
            Send(
                entries=(
                    Write(
                        group="g",
                        instance="Loja São",
                        changes=(Change(key="sender-key-1::2", value=Plain(kind="object", number=43, size=0)),),
                    ),
                )
            ),
        ),
        stretch=3.0,
    ),
    Step(seed=1152637799, operations=(), passes=6.0, stretch=3.0),
    Step(
        seed=3597854144,
        operations=(
            Send(
                entries=(
                    Write(
                        group="g",
                        instance="one",
                        changes=(Change(key="creds", value=Creds(identity=1, next_pre_key="46", number=46, size=0)),),
                    ),
                )
            ),
            Send(
                entries=(
                    Write(
                        group="g",
                        instance="one",
                        changes=(Change(key="creds", value=Creds(identity=1, next_pre_key="47", number=47, size=0)),),
                    ),
                )
            ),
            Send(
                entries=(
                    Write(
                        group="g",
                        instance="one",
                        changes=(
                            Change(
                                key="creds",
                                value=Creds(identity=1, next_pre_key="9999999999999999999", number=48, size=0),
                            ),
                        ),
                    ),
                )
            ),
            Send(
                entries=(
                    Write(
                        group="g",
                        instance="one",
                        changes=(Change(key="creds", value=Creds(identity=3, next_pre_key="-1", number=49, size=0)),),
                    ),
                )
            ),
        ),
        wakes=True,
        stretch=3.0,
    ),
    Step(
        seed=1987454275,
        operations=(
            Send(
                entries=(
                    Write(
                        group="g",
                        instance="one",
                        changes=(Change(key="creds", value=Creds(identity=3, next_pre_key="50", number=50, size=0)),),
                    ),
                )
            ),
            Look(group="g", instance="one", keys=("creds",), recalls=False),
            Send(entries=(Write(group="g", instance="one", changes=(Change(key="creds", value=None),)),)),
        ),
        wakes=True,
        stretch=3.0,
    ),
    Step(
        seed=1801011230,
        operations=(
            Send(entries=(Write(group="g", instance="one", changes=(Change(key="creds", value=None),)),)),
            Look(group="g", instance="one", keys=("creds",), recalls=True),
            Send(
                entries=(
                    Write(
                        group="g",
                        instance="one",
                        changes=(Change(key="creds", value=Creds(identity=1, next_pre_key="51", number=51, size=0)),),
                    ),
                )
            ),
        ),
        crash=Crash(calls=36, how="kill", again=()),
        stretch=3.0,
    ),
    Step(seed=1782470745, operations=(), crash=Crash(calls=109, how="kill", again=())),
    Step(
        seed=635341494,
        operations=(
            Send(
                entries=(
                    Write(
                        group="g",
                        instance="Loja São",
                        changes=(Change(key="creds", value=Creds(identity=2, next_pre_key="54", number=54, size=0)),),
                    ),
                )
            ),
        ),
    ),
    Step(seed=3397354036, operations=(), crash=Crash(calls=1, how="power cut", again=())),
)
