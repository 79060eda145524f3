"""Whatever the database does, a call is refused within its limit, and the store works again by itself."""

from __future__ import annotations

import time
from functools import partial

import pytest

from sessionworker.errors import NoSpace
from tests.postgres.room import Room
from tests.postgres.server import Server
from tests.postgres_store.at_once import at_once
from tests.postgres_store.load import Load
from tests.postgres_store.opened import opened, wait_until
from tests.postgres_store.troubles import PARAMETERS, TROUBLES, Trouble
from tests.tools import show_figure

MOST_SECONDS = 8.0
"""How long a call may take, whatever the database does."""

WELL_SECONDS = 12.0
"""Until when all works again."""

THREADS = 4
CONNECTIONS = THREADS + 2

BUSY = 4
"""How many are lent to those that ask all the time."""

MOST_CONNECTIONS = 8 * CONNECTIONS
"""How many may be made, or tried, at first."""

MOST_EACH_SECOND = 2
"""And then."""


def test_calls_are_refused_in_time_and_the_store_is_well_again_by_itself(
    postgres: Server, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    room = postgres.room
    told = at_once({name: partial(have_trouble, room, name, TROUBLES[name]) for name in TROUBLES})
    printed = capfd.readouterr()
    assert (printed.out, printed.err) == ("", "")
    assert not [text for text in (caplog.text, *told.values()) if room.password in text or "secret" in text]


def have_trouble(room: Room, name: str, trouble: Trouble) -> str:
    """Have a server of its own, and a trouble with it; return what a store on it has told, and says of itself."""
    with Server(room, PARAMETERS) as server, opened(server.url(), THREADS) as one, Load(one.store) as load:
        wait_until(lambda: one.connections == CONNECTIONS or load.works_since(0.0), 10)
        time.sleep(0.5)
        connected = one.connections_tried
        with trouble.begin(server):
            began = time.monotonic()
            time.sleep(trouble.seconds)
            is_problem_told = one.store.figures().gauges["writes_refused"]
            ended = time.monotonic()
        over = time.monotonic()
        well_after = wait_until(lambda: load.works_since(over), WELL_SECONDS)
        whole_after = well_after + wait_until(lambda: one.connections >= CONNECTIONS - BUSY, WELL_SECONDS)
        time.sleep(2)  # in which it stays so
        late = [call for kind in ("read", "write") for call in load.refused(kind, over + well_after)]
        assert one.store.figures().gauges["writes_refused"] == 0
        told = one.told
    assert load.wrong == []
    assert len(late) <= CONNECTIONS
    assert {kind for kind in ("read", "write") if load.refused(kind, began)} == trouble.refuses
    for kind in trouble.refuses:
        assert not [call for call in load.done(kind, began + 1) if call.begun + call.seconds < ended], kind
    slowest = max(call.seconds for call in load.calls)
    assert slowest < MOST_SECONDS
    check_what_was_told(trouble, told, [event.text for event in one.events], is_problem_told)
    if name == "disk full":
        assert {call.outcome for call in load.refused("write", began)} == {NoSpace.__name__}
    made = one.connections_tried - connected
    assert made <= MOST_CONNECTIONS + MOST_EACH_SECOND * trouble.seconds
    show_figure(
        f"PostgreSQL {name} for {trouble.seconds:.0f} s: the slowest call took {slowest:.2f} s; all worked again after "
        f"{well_after:.2f} s, with all connections after {whole_after:.2f} s, of which {made} were tried; {len(late)} "
        "calls were refused after that"
    )
    return f"{one.events!r} {one.store!r} {one.address!r}"


def check_what_was_told(trouble: Trouble, told: dict[str, int], texts: list[str], is_problem_told: float) -> None:
    assert [text for text in texts if any(reason in text for reason in trouble.reasons)], texts
    if trouble.event == "database_failed":
        assert is_problem_told
        assert told["database_failed"] == told["database_well_again"]
        assert 1 <= told["database_failed"] <= 3  # while others take its connections it may get one back, for a moment
        assert told["statement_failed"] <= 3
    else:
        assert (told["database_failed"], told[trouble.event]) == (0, 1)
