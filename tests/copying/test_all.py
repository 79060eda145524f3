"""A copy has everything, between files and PostgreSQL in all ways, whatever both are sealed with."""

from __future__ import annotations

import pytest

from sessionworker.stores.changes import Batch, Restore
from sessionworker.stores.files.store import FileStore
from sessionworker.stores.seal import KeyRing
from sessionworker.stores.transfer import CopyError
from tests.contract.words import CREDS, commit, creds, versions, write
from tests.copying.ends import KEYS, RINGS, Make, bring_all_back, everything, fill, run
from tests.files.sealed import rewrite as rewrite_files
from tests.postgres.sealed import rewrite as rewrite_rows

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


@pytest.mark.parametrize("kind", KINDS)
def test_a_copy_is_proven_and_all_of_it_can_be_given_another_key(make: Make, kind: str) -> None:
    source, target = make("postgres" if kind == "files" else "files"), make(kind, RINGS["sealed"])
    worker = source.worker()
    fill(worker)
    worker.close()
    run(source, target)
    target.ring = KeyRing([KEYS[2], KEYS[0]])
    worker = target.worker()
    # A file that is rewritten is new.
    before = everything(worker, with_times=False)
    if isinstance(worker, FileStore):
        rewrite_files(worker)
    else:
        rewrite_rows(worker)
    said = worker.encryption()
    assert (said.keys, said.plain, said.is_rewriting) == ([KEYS[2].name], False, False)
    worker.close()
    target.ring = KeyRing(KEYS[2:])
    worker = target.worker()
    assert everything(worker, with_times=False) == before
    newest, older = (one.version for one in versions(worker)[:2])
    value = worker.read_version(*CREDS[:2], older)
    commit(worker, Batch(*CREDS[:2], (Restore("creds", value),)))
    assert worker.read(CREDS) == value != worker.read_version(*CREDS[:2], newest)
    worker.close()
    with pytest.raises(CopyError, match="holds something that no copy brought there"):
        run(source, target)
