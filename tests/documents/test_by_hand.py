"""The commands with which the operations open an archive by hand are run as they stand there."""

from __future__ import annotations

import json
import os
import pty
import subprocess
from pathlib import Path

import pytest

from sessionworker.migration.archives.encryption import Lock
from sessionworker.migration.targets.archive import ArchiveTarget
from tests.documents.reading import blocks, read
from tests.migration.examples import account
from tests.tools import require

pytestmark = pytest.mark.slow

PASSPHRASE = "correct horse"

IDENTITY = "sessionworker-identity"


def command_with(words: str) -> str:
    """Return the one block of the operations in which something stands."""
    [command] = [block for block in blocks(read("docs/operations.md"), "console") if words in block]
    return command


def write(folder: Path, lock: Lock) -> dict[str, bytes]:
    """Write an archive under the name that stands in the commands, and return what it holds."""
    [name] = {line.partition("=")[2] for line in command_with("one-identity").splitlines() if line.startswith("FILE=")}
    values = account("sales", "5511999999999")
    target = ArchiveTarget(folder / name, lock, is_compressed=True)
    target.write("sales", "codechat", values)
    target.finish()
    target.close()
    return values


def check(folder: Path, values: dict[str, bytes]) -> None:
    """See that the archive is open, and that a value comes out of it as described."""
    records = [json.loads(line) for line in (folder / "archive.jsonl").read_text().splitlines()]
    assert {one["key"]: one["data"].encode() for one in records if one["record"] == "file"} == values
    assert records[-1]["record"] == "end"
    assert (folder / "archive.jsonl").stat().st_mode & 0o777 == 0o600
    require("jq")
    command = [require("bash"), "-euc", command_with("jq --raw-output 'select")]
    creds = subprocess.run(command, cwd=folder, check=True, capture_output=True).stdout
    assert creds == values["creds"] + b"\n"


def test_an_archive_that_is_encrypted_to_a_key_is_opened_with_age(tmp_path: Path) -> None:
    age, bash = require("age"), [require("bash"), "-euc"]
    [making] = [line for line in command_with("age-keygen").splitlines() if line.startswith("(umask")]
    subprocess.run([*bash, making], cwd=tmp_path, check=True)
    assert (tmp_path / IDENTITY).stat().st_mode & 0o777 == 0o600
    public = subprocess.run(
        [f"{age}-keygen", "-y", IDENTITY], cwd=tmp_path, check=True, capture_output=True, text=True
    ).stdout
    values = write(tmp_path, Lock((public.strip(),)))
    [opening] = [
        block
        for block in blocks(read("docs/operations.md"), "console")
        if f"--identity {IDENTITY} " in block and "gunzip" in block
    ]
    subprocess.run([*bash, opening], cwd=tmp_path, check=True)
    check(tmp_path, values)


def test_an_archive_with_a_passphrase_is_opened_with_age_which_asks_for_it(tmp_path: Path) -> None:
    require("age")
    require("jq")
    bash = require("bash")
    values = write(tmp_path, Lock(passphrase=PASSPHRASE))
    command = command_with("one-identity")
    process, terminal = pty.fork()
    if process == 0:  # age asks at the terminal, not at its input
        os.chdir(tmp_path)
        os.execv(bash, [bash, "-euo", "pipefail", "-c", command])  # noqa: S606 - a shell
    said = b""
    while b"passphrase" not in said:
        said += os.read(terminal, 1000)
    os.write(terminal, f"{PASSPHRASE}\n".encode())
    _, status = os.waitpid(process, 0)
    os.close(terminal)
    assert os.waitstatus_to_exitcode(status) == 0, said
    check(tmp_path, values)
