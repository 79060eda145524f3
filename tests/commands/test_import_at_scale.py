"""An import does not stand in the way of those whom the worker serves, and needs no more memory for more accounts.

`python -m benchmarks.moving` measures the same with 500 accounts.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from benchmarks.figures import MIB
from benchmarks.moving.__main__ import percentile_of, table
from benchmarks.moving.accounts import Size, installed
from benchmarks.moving.runs import Asked, measure
from tests.process import WorkerProcess
from tests.tools import show_figure

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("node_client")]

SIZE, FULL_SIZE = Size(16, 800), Size(500, 800)

MOST_MILLISECONDS = 100
"""For a write beside an import, all but the slowest; on a busy machine five times that of one without."""

SHARE, FULL_SHARE = 0.95, 0.99
"""What part of the writes has to be fast: one slow sync holds up a hundredth of those of a few seconds."""

COMMAND_MIB, WORKER_MIB = 250, 250


def test_who_is_served_beside_an_import_that_is_killed_and_begun_again_hardly_waits(
    tmp_path: Path, alone: Callable[[], AbstractContextManager[None]], full: bool
) -> None:
    size = FULL_SIZE if full else SIZE
    with installed(tmp_path, size) as source, WorkerProcess(tmp_path / "store") as worker:
        with alone():
            runs = list(measure(worker, source, size, tmp_path / "report.json", 60 if full else 3, after=full))
        print(table(runs))
        asked = Asked(worker)
        arrived = {name: asked.digest(name) for name in asked.names()}
        asked.close()
        assert arrived == source.digests()
        assert worker.failures == []
    imports = [run for run in runs if run.command_bytes]
    assert [bool(run.arrived) for run in imports] == [True] * 4
    assert sum(run.arrived for run in imports) == size.accounts
    share = FULL_SHARE if full else SHARE
    beside, without = percentile_of(runs, share, beside=True), percentile_of(runs, share, beside=False)
    command, most = max(run.command_bytes for run in imports) / MIB, max(run.worker_bytes for run in imports) / MIB
    show_figure(
        f"import of {size.keys} keys in {size.accounts} accounts, {source.value_bytes / MIB:.0f} MiB, killed three "
        f"times: {sum(run.seconds for run in imports):.1f} s; memory {command:.0f} MiB, and {most:.0f} of the worker; "
        f"digests equal; writes beside it: {share:.0%} within {beside:.1f} ms, {without:.1f} without"
    )
    assert beside < max(5 * without, MOST_MILLISECONDS)
    assert command < COMMAND_MIB
    assert most < WORKER_MIB
