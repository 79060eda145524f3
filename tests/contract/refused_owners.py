"""What is promised of owners that ask for what is refused for another reason than that somebody else has it."""

from __future__ import annotations

import pytest

from sessionworker.errors import StoreUnavailable
from sessionworker.stores.changes import CreateInstance, DropInstance, Entry
from sessionworker.stores.rules.leases import LEASE_SECONDS
from tests.contract.clock import Clock
from tests.contract.owners import ONE, OTHER, OwnersContract, ask, lease, seconds_left
from tests.contract.words import CREDS, Life, create


class RefusedOwnersContract(OwnersContract):
    """Owners of an instance, refused ones among them."""

    @pytest.mark.parametrize("entry", [CreateInstance("codechat", "sales"), DropInstance("codechat", "sales")])
    def test_what_is_refused_for_a_problem_neither_takes_nor_renews_a_lease(
        self, quiet: Life, clock: Clock, entry: Entry
    ) -> None:
        create(quiet.store)
        if not quiet.place.refuse(quiet.store, CREDS, "nobody knows"):
            pytest.skip("an instance of this store never has a problem of its own")
        assert isinstance(ask(quiet.store, entry, ONE), StoreUnavailable)
        quiet.place.refuse(quiet.store, CREDS, "")
        lease(quiet.store, OTHER)
        clock.seconds += LEASE_SECONDS - 1
        quiet.place.refuse(quiet.store, CREDS, "nobody knows")
        assert isinstance(ask(quiet.store, entry, OTHER), StoreUnavailable)
        assert seconds_left(quiet.store, ONE, entry) == 1
