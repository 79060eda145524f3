"""Measure moving in: `python -m benchmarks.moving`. It needs the packages of the tests, Node, and a Redis.

An Evolution API 2 that is made up keeps its accounts in a PostgreSQL and a Redis of their own. They are imported into a
worker, by a command that is killed three times and begun again. Meanwhile a client writes to another instance of that
worker, through the APIs' own code: what its writes take beside the import, and without it. Then all is read back, and
compared with the source.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.figures import MIB, percentile
from benchmarks.moving.accounts import Size, installed
from benchmarks.moving.runs import Asked, Run, measure
from tests.node_packages import install_node_packages
from tests.process import LoadedAnew

COLUMNS = {
    "what": 15,
    "accounts": 8,
    "seconds": 7,
    "first after": 11,
    "command MiB": 11,
    "worker MiB": 10,
    "writes": 6,
    "p50 ms": 7,
    "p99 ms": 7,
    "max ms": 7,
    "load": 5,
}
"""What is said of each run, and how wide that is."""


def line(cells: Iterable[str]) -> str:
    """Return cells as a line of the table."""
    return "  ".join(cell.rjust(width) for cell, width in zip(cells, COLUMNS.values(), strict=True))


def cells_of(run: Run) -> Iterator[str]:
    """Yield what is said of a run. What a command alone has is left out where there is none."""
    of_command = (
        str(run.arrived),
        f"{run.seconds:.1f}",
        f"{run.plan_seconds:.1f}",
        f"{run.command_bytes / MIB:.0f}",
        f"{run.worker_bytes / MIB:.0f}",
    )
    yield run.what
    yield from of_command if run.command_bytes else ("", f"{run.seconds:.1f}", "", "", "")
    yield str(len(run.seen.latencies))
    yield from (f"{run.seen.at(share):.2f}" for share in (0.5, 0.99, 1))
    yield f"{run.load_average:.1f}"


def table(runs: Iterable[Run]) -> str:
    """Return what was measured, for a terminal."""
    return "\n".join(map(line, [COLUMNS, *map(cells_of, runs)]))


def percentile_of(runs: Iterable[Run], share: float, *, beside: bool) -> float:
    """Return a percentile of all writes beside imports, or of all others."""
    return percentile([one for run in runs if bool(run.command_bytes) == beside for one in run.seen.latencies], share)


def main() -> None:
    """Measure, and print what was found."""
    parser = argparse.ArgumentParser(prog="benchmarks.moving", description=__doc__)
    parser.add_argument("--accounts", type=int, default=500, help="[%(default)s]")
    parser.add_argument("--keys", type=int, default=800, help="of each account [%(default)s]")
    parser.add_argument("--seconds", type=float, default=60, help="for writes without an import [%(default)s]")
    parser.add_argument("--output", type=Path, default=Path("benchmarks/results"), help="folder [%(default)s]")
    options = parser.parse_args()
    install_node_packages()
    options.output.mkdir(parents=True, exist_ok=True)
    size = Size(options.accounts, options.keys)
    # Beside the results, not in the system's temporary folder: that one may be memory, where a sync costs nothing.
    with TemporaryDirectory(prefix="moving-", dir=options.output) as name:
        folder = Path(name)
        begun = time.monotonic()
        with installed(folder, size) as source, LoadedAnew(folder / "store") as worker:
            made = f"{size.accounts} accounts of {size.keys_each} keys, {source.value_bytes / MIB:.0f} MiB"
            print(f"{made}: made in {time.monotonic() - begun:.0f} s\n{line(COLUMNS)}", flush=True)
            runs = []
            for run in measure(worker, source, size, folder / "report.json", options.seconds):
                runs.append(run)
                print(line(cells_of(run)), flush=True)
            asked, digests = Asked(worker), source.digests()
            equal = sum(asked.digest(account) == digest for account, digest in digests.items())
            asked.close()
            others = set(asked.names()) - digests.keys()
            asked.close()
        beside, alone = percentile_of(runs, 0.99, beside=True), percentile_of(runs, 0.99, beside=False)
        seconds = sum(run.seconds for run in runs if run.command_bytes)
        print(f"digests equal: {equal} of {len(digests)}; accounts that the source does not have: {len(others)}")
        print(f"p99 of a write: {beside:.2f} ms beside the import, {alone:.2f} ms without: {beside / alone:.2f} times")
        print(f"all runs together: {seconds:.0f} s, {size.keys / seconds:,.0f} keys a second")


if __name__ == "__main__":
    main()
