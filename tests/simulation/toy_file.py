"""The one file of the toy store: a state as JSON."""

from __future__ import annotations

import json
from typing import Any

from tests.simulation.state import Account, Dropped, State, Version


def encode(state: State) -> bytes:
    """Return the bytes that hold a state."""
    return json.dumps(
        {
            "groups": {
                group: {name: _account_to_json(account) for name, account in accounts.items()}
                for group, accounts in state.groups.items()
            },
            "drops": [
                [each.group, each.name, _account_to_json(each.account), each.since, each.drop] for each in state.drops
            ],
            "used": sorted(state.used),
        }
    ).encode()


def decode(data: bytes) -> State:
    """Return the state that bytes hold. Raises ValueError."""
    found = json.loads(data)
    groups = {
        group: {name: _account_from_json(account) for name, account in accounts.items()}
        for group, accounts in found["groups"].items()
    }
    drops = tuple(
        Dropped(group, name, _account_from_json(account), since, drop)
        for group, name, account, since, drop in found["drops"]
    )
    return State(groups, drops, frozenset(found["used"]))


def _account_to_json(account: Account) -> Any:
    values = {key: value.decode("latin-1") for key, value in account.values.items()}
    versions = [
        [each.identity, None if each.value is None else each.value.decode("latin-1")] for each in account.versions
    ]
    return [values, versions, account.label, account.born]


def _account_from_json(found: Any) -> Account:
    values, versions, label, born = found
    return Account(
        {key: value.encode("latin-1") for key, value in values.items()},
        tuple(Version(name, None if value is None else value.encode("latin-1")) for name, value in versions),
        label=label,
        born=born,
    )
