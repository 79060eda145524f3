"""What the store asks for itself is committed in its turn."""

from __future__ import annotations

import threading

from sessionworker.stores.changes import Batch, SetAside, Write
from tests.offload.rig import CREDS, Rig, write
from tests.reactor import LONGEST_WAIT


def test_a_repair_that_the_store_asks_for_in_a_thread_is_committed_in_its_turn(rig: Rig) -> None:
    repair = Batch("codechat", "sales", (SetAside("creds"), Write("creds", b"{}")))
    asking = threading.Thread(target=rig.store.ask_for, args=[repair])
    asking.start()
    asking.join(LONGEST_WAIT)
    rig.reactor.run_one_call()
    assert rig.result(rig.offload.commit(write(CREDS._replace(key="k"), b"2"))) is None
    assert repair in [entry for entries in rig.store.commits for entry in entries]


def test_a_repair_that_is_refused_is_nobody_s_failure(rig: Rig) -> None:
    rig.store.ask_for(write(CREDS._replace(instance="nobody"), b"1"))
    rig.reactor.run_one_call()
    assert rig.result(rig.offload.commit(write(CREDS, b"1"))) is None
