"""The npm package, built from the sources of now."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.node_packages import install_node_packages
from tests.process import REPOSITORY, SETTINGS_PREFIXES, ProcessError

PACKAGE = REPOSITORY / "npm"


def run_in_package(*command: str, seconds: float = 300, more: Mapping[str, str] | None = None) -> None:
    """Run a program in the package's folder, with more in its environment.

    Raises ProcessError with what it said if it ends with a status but 0.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith(SETTINGS_PREFIXES)}
    environment = {**kept, **(more or {}), "TWISTD": str(Path(sys.executable).with_name("twistd"))}
    done = subprocess.run(
        command,
        cwd=PACKAGE,
        env=environment,
        timeout=seconds,
        check=False,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if done.returncode != 0:
        raise ProcessError(f"{' '.join(command)} ended with status {done.returncode} in {PACKAGE}:\n{done.stdout}")


def build_package() -> None:
    """Build the package, with its tools installed before if they are not there."""
    install_node_packages(PACKAGE)
    run_in_package("npm", "run", "build")


def build_modules(folder: Path) -> None:
    """Build the package's modules to a folder of their own: where they usually are, its own tests build them anew."""
    install_node_packages(PACKAGE)
    run_in_package("node_modules/.bin/tsc", "-p", "tsconfig.json", "--outDir", str(folder))
    (folder / "package.json").write_text('{"type":"module"}')
