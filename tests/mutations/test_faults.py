"""Every fault can still be planted: the code that it is about has not moved away from it."""

from __future__ import annotations

import pytest

from tests.mutations.fault import Fault
from tests.mutations.run import FAULTS, REPOSITORY, changed


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_can_be_planted(fault: Fault) -> None:
    changed((REPOSITORY / fault.file).read_text(), fault)


def test_no_two_faults_have_one_name() -> None:
    assert len({fault.name for fault in FAULTS}) == len(FAULTS)
