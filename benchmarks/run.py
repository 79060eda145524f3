"""Measure the worker: `make bench`.

Four parts. `load`: the client's own loads through the real Node client. `package`: the same through the npm package,
with one request a call, beside one request a key. `raw`: as many requests as wrk can press through. `growth`: large
stores, long days, large values, and a stop under full load.

Without `--ours`, a worker is started on a store of its own. With `--other`, every load is also run against the worker
at that address, in turn with ours, and the table shows the ratios: start that one yourself, on the same disk.
"""

from __future__ import annotations

import argparse
import os
import platform
import shlex
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import load, package, raw, report
from benchmarks.growth import measure as growth
from benchmarks.growth.bench import FULL, QUICK, Bench, Scale, target_of
from benchmarks.progress import Progress
from benchmarks.target import Target
from tests.node_packages import install_node_packages
from tests.npm_package import build_package
from tests.process import LoadedAnew

PARTS = ("load", "package", "raw", "growth")
PROGRAMS = {"load": ("node", "npm"), "package": ("node", "npm"), "raw": ("wrk",), "growth": ("node", "npm")}


def parse(arguments: list[str]) -> argparse.Namespace:
    """Parse the command line, or end with what is wrong with it."""
    parser = argparse.ArgumentParser(
        prog="benchmarks.run", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", default=",".join(PARTS), metavar="PARTS", help="parts, with commas [%(default)s]")
    parser.add_argument("--ours", metavar="URL", help="a worker of ours that runs already, for all but growth")
    parser.add_argument("--token", default="", help="its token")
    parser.add_argument("--options", default="", help="for the command line of the workers started here")
    parser.add_argument("--other", metavar="URL", help="the worker to compare with")
    parser.add_argument("--other-token", default="", help="its token")
    parser.add_argument("--rounds", type=int, default=5, help="counted passes over the client's loads [%(default)s]")
    parser.add_argument("--raw-rounds", type=int, default=1, help="runs of each wrk load [%(default)s]")
    parser.add_argument("--seconds", type=int, default=60, help="for one run of wrk [%(default)s]")
    parser.add_argument("--growth-store", type=Path, metavar="DIR", help="where to keep the large stores for next time")
    parser.add_argument("--output", type=Path, default=Path("benchmarks/results"), help="folder [%(default)s]")
    parser.add_argument("--quick", action="store_true", help="all of it small and short: to see it work, not to quote")
    options = parser.parse_args(arguments)
    options.parts = options.only.split(",")
    if unknown := set(options.parts) - set(PARTS):
        parser.error(f"there is no part '{unknown.pop()}'; there are {', '.join(PARTS)}")
    if min(options.rounds, options.raw_rounds, options.seconds) < 1:
        parser.error("rounds and seconds begin at 1")
    for program in sorted({program for part in options.parts for program in PROGRAMS[part]}):
        if shutil.which(program) is None:
            parser.error(f"'{program}' is not installed; parts that do not need it can be chosen with --only")
    if options.quick:
        options.rounds, options.seconds = 1, 3
    return options


@contextmanager
def our_worker(options: argparse.Namespace, folder: Path) -> Iterator[Target]:
    """Give the worker at `--ours`, or one that is started here and gone afterwards."""
    if options.ours:
        yield Target("ours", options.ours.rstrip("/"), options.token)
        return
    with LoadedAnew(folder / "ours", *shlex.split(options.options)) as worker:
        yield target_of(worker)


def load_scale(options: argparse.Namespace) -> float:
    """Return what part of the client's loads is run."""
    return 0.1 if options.quick else 1


def growth_scale(options: argparse.Namespace) -> Scale:
    """Return how large the stores are, and how long the days."""
    return QUICK if options.quick else FULL


def expected_seconds(options: argparse.Namespace) -> float:
    """Return about how long the chosen parts take."""
    workers = 2 if options.other else 1
    parts = {
        "load": load.expected_seconds(workers, options.rounds, load_scale(options)),
        "package": package.expected_seconds(options.rounds, load_scale(options)),
        "raw": raw.expected_seconds(workers, options.raw_rounds, options.seconds),
        "growth": growth.expected_seconds(growth_scale(options), other=bool(options.other)),
    }
    return sum(parts[part] for part in options.parts)


def conditions(options: argparse.Namespace) -> list[str]:
    """Say what the figures depend on."""
    machine = f"{os.cpu_count()} processors, {platform.system()} {platform.machine()}"
    python = f"{platform.python_implementation()} {platform.python_version()}"
    lines = [f"{time.strftime('%Y-%m-%d')}: {machine}, {python}"]
    if options.options:
        lines.append(f"ours with {options.options}")
    if {"load", "package"} & set(options.parts):
        lines.append(f"client loads: {options.rounds} rounds")
    if "raw" in options.parts:
        lines.append(f"wrk: {options.raw_rounds} of {options.seconds} s for each load, one thread")
    lines.append("ratios are ours / other, medians of runs in turn; absolute figures hold for this machine alone")
    if options.quick:
        lines.append("--quick: too small and short to quote")
    return lines


def measure(options: argparse.Namespace, folder: Path, progress: Progress, results: report.Results) -> None:
    """Measure the chosen parts, and add what is found to `results`."""
    other = Target("other", options.other.rstrip("/"), options.other_token) if options.other else None
    if {"load", "package", "raw"} & set(options.parts):
        with our_worker(options, folder) as ours:
            for part, loads in (("load", load), ("package", package)):
                if part in options.parts:
                    results.comparisons += loads.measure(
                        ours, other, rounds=options.rounds, scale=load_scale(options), progress=progress
                    )
            if "raw" in options.parts:
                results.comparisons += raw.measure(
                    ours, other, rounds=options.raw_rounds, seconds=options.seconds, progress=progress
                )
    if "growth" in options.parts:
        large_stores = options.growth_store or folder
        worker_options = tuple(shlex.split(options.options))
        bench = Bench(folder, large_stores, worker_options, growth_scale(options), progress)
        growth.measure(bench, other, results)


def main() -> None:
    """Measure, show the tables, and save them with a plot: also what was found before something failed."""
    options = parse(sys.argv[1:])
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that what was started here is ended
    if {"load", "package", "growth"} & set(options.parts):
        install_node_packages()
    if "package" in options.parts:
        build_package()
    results = report.Results(conditions(options))
    options.output.mkdir(parents=True, exist_ok=True)
    try:
        # Beside the results, not in the system's temporary folder: that one may be memory, where a sync costs nothing.
        with (
            TemporaryDirectory(prefix="stores-", dir=options.output) as folder,
            closing(Progress(expected_seconds(options))) as progress,
        ):
            measure(options, Path(folder), progress, results)
    finally:
        if results.comparisons or results.findings:
            print(report.plain_text(results))
            for path in report.save(results, options.output):
                print(f"saved {path}")


if __name__ == "__main__":
    main()
