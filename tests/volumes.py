"""Small file systems for tests, each mounted on a folder for as long as it is needed."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def mounted(folder: Path, kind: str, size: int) -> Iterator[None]:
    """Mount an empty `tmpfs` or `ext4` of so many bytes; where that is not allowed, the test is skipped and says so."""
    folder.mkdir(exist_ok=True)
    mount, umount, mkfs = (shutil.which(program) or "" for program in ("mount", "umount", "mkfs.ext4"))
    if not (mount and umount and mkfs):
        pytest.skip(f"no {kind} file system can be made here")
    command = [mount, "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    if kind == "ext4":
        image = folder.with_suffix(".image")
        image.touch()
        os.truncate(image, size)
        subprocess.run([mkfs, "-q", "-m", "0", str(image)], check=True, capture_output=True)
        command = [mount, "-o", "loop", str(image), str(folder)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode != 0:
        pytest.skip(f"mounting a {kind} file system is not allowed here: {done.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run([umount, str(folder)], check=True, capture_output=True)
