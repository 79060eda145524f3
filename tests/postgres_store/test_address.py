"""A password is shown nowhere, also where it was written down wrongly."""

from __future__ import annotations

import pytest

from sessionworker.errors import StartError
from sessionworker.stores.postgres.address import read_address


@pytest.mark.parametrize(
    "text",
    [
        "postgresql://user:Tr0ub4@dor@host/sessions",
        "postgresql://user:Tr0ub4/dor@host/sessions",
        "postgresql://user:Tr0ub4#dor@host:port/sessions",
        "postgresql://user:Tr0ub4%@host/sessions",
        "postgresql://host/sessions?pasword=Tr0ub4dor",
    ],
)
def test_an_address_with_a_slip_is_refused_without_being_repeated(text: str) -> None:
    with pytest.raises(StartError) as refusal:
        read_address(text)
    said = [str(refusal.value), repr(refusal.value), repr(refusal.value.__cause__)]
    assert not [one for one in said if "Tr0ub4" in one or "dor" in one]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("postgresql://user:Tr0ub4dor@host/sessions", "postgresql://host:5432/sessions"),
        ("postgresql://user:Tr0ub4?dor@host/sessions", "postgresql://host:5432/sessions"),
        ("postgresql://host/sessions?user=user&password=Tr0ub4dor", "postgresql://host:5432/sessions"),
        ("postgresql://user:Tr0ub4%40dor@one,two:5433/sessions", "postgresql://one:5432,two:5433/sessions"),
        ("postgresql://user:Tr0ub4dor@[::1]:5433/sessions?sslmode=require", "postgresql://::1:5433/sessions"),
    ],
)
def test_an_address_is_shown_without_its_password(text: str, shown: str) -> None:
    address = read_address(text)
    assert (address.shown, repr(address), f"{address}") == (shown, shown, shown)
    assert "Tr0ub4" in address.conninfo
