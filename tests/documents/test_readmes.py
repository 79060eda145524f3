"""The READMEs say what the program does: its settings, its commands, and the client's example."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from sessionworker import errors
from sessionworker.options import HTTP_LOGS_VARIABLE, OPTIONS, TOKEN_VARIABLES
from tests.documents.reading import READMES, blocks, read, rows
from tests.process import REPOSITORY, WorkerProcess


@pytest.mark.parametrize("readme", READMES)
def test_every_setting_stands_in_the_readme_with_its_variable_and_its_default(readme: str) -> None:
    table = {(row[0], row[1]): row[2] for row in rows(read(readme)) if len(row) == 4}
    nothing = {"README.md": "none", "README.pt-BR.md": "nenhum"}[readme]
    for option in OPTIONS:
        assert table[f"--{option.flag}", option.variable] == (option.default or nothing)
    assert table["--http-logs", HTTP_LOGS_VARIABLE] == "false"
    assert set(TOKEN_VARIABLES.values()) <= {variable for _, variable in table}


@pytest.mark.parametrize("readme", READMES)
def test_no_setting_stands_in_the_readme_that_does_not_exist(readme: str) -> None:
    flags = {row[0] for row in rows(read(readme)) if row[0].startswith("--") and len(row) == 4}
    assert flags == {f"--{option.flag}" for option in OPTIONS} | {"--http-logs"}


@pytest.mark.slow
def test_the_python_example_of_the_readme_does_what_its_comments_say(tmp_path: Path) -> None:
    (example,) = blocks(read("README.md"), "python")
    with WorkerProcess(tmp_path / "instances") as worker:
        (tmp_path / "instances/.sessionworker/token").write_text(worker.token)
        (tmp_path / "example.py").write_text(example.replace("http://127.0.0.1:5656", worker.url))
        done = subprocess.run(
            [sys.executable, "example.py"],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY), "PYTHONWARNINGS": "error"},
            timeout=60,
            check=False,
            capture_output=True,
            text=True,
        )
    assert done.stderr == ""
    assert done.stdout.splitlines() == [
        """b'{"registered": true}'""",
        "None",
        "['sales']",
        f"404: {errors.NoSuchInstance.message}",
    ]


def test_the_commands_of_the_readme_are_those_of_the_makefile() -> None:
    targets = set(re.findall(r"^([\w-]+):", read("Makefile"), re.MULTILINE))
    used = set(re.findall(r"^make ([\w-]+)", "".join(blocks(read("README.md"), "sh")), re.MULTILINE))
    assert {"run", "test", "test-fast"} <= used <= targets
