"""A copy has everything, between files and PostgreSQL in all ways, whatever both are sealed with."""

from __future__ import annotations

import pytest

from tests.contract.words import CREDS, commit, creds, versions, write
from tests.copying.ends import RINGS, Make, bring_all_back, everything, fill, run

KINDS = ("files", "postgres")

every_way = pytest.mark.parametrize(("one", "other"), [(one, other) for one in KINDS for other in KINDS])
every_seal = pytest.mark.parametrize(
    ("seal", "other_seal"),
    [
        ("plain", "plain"),
        ("sealed", "sealed"),
        ("plain", "sealed"),
        ("sealed", "plain"),
        ("sealed", "sealed otherwise"),
    ],
)


@every_way
@every_seal
def test_a_copy_has_everything(make: Make, one: str, other: str, seal: str, other_seal: str) -> None:
    source, target = make(one, RINGS[seal]), make(other, RINGS[other_seal])
    worker = source.worker()
    fill(worker)
    worker.close()
    worker = source.worker()  # of files the times are known from them alone
    before = everything(worker)
    worker.close()
    result = run(source, target)
    assert result.is_finished
    assert result.left_out == []
    assert result.source == result.target
    assert (result.target.groups, result.target.drops, result.target.broken) == (12, 6, 2)
    assert (result.written, result.equal, result.removed) == (result.target.instances + 6, 0, 0)
    copied = target.worker()
    assert everything(copied) == before
    said = copied.encryption()
    assert (said.done, said.plain) == (said.instances, target.ring is None)
    bring_all_back(copied)
    commit(copied, write(CREDS, creds(3)))
    assert len(versions(copied)) == len(before["codechat\0sales\0versions"]) + 1
    copied.close()
