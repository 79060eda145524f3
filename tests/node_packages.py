"""The packages of the real Node client, and of the npm package's tools."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from tests.process import NODE_PROGRAMS, ProcessError


def install_node_packages(folder: Path = NODE_PROGRAMS, seconds: float = 300) -> None:
    """Install what a folder's `package-lock.json` names, if it is not there yet."""
    manifest = json.loads((folder / "package.json").read_text())
    wanted = [*manifest.get("dependencies", ()), *manifest.get("devDependencies", ())]
    if all((folder / "node_modules" / name).is_dir() for name in wanted):
        return
    command = ("npm", "ci", "--loglevel=error")
    output = subprocess.PIPE
    done = subprocess.run(command, cwd=folder, timeout=seconds, check=False, stdout=output, stderr=subprocess.STDOUT)
    if done.returncode != 0:
        raise ProcessError(f"npm ci failed in {folder}:\n{done.stdout.decode(errors='replace')}")
