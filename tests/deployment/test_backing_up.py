"""The unit that makes backups, line by line as it stands, with restic; and one instance, brought back as described."""

from __future__ import annotations

import ctypes
import json
import os
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from sessionworker.commands.endings import Code
from tests.commands.test_export import everything
from tests.commands.typed import COMMAND, environment, send
from tests.deployment.units import INSTALLED_PROGRAMS, RESTIC, setting
from tests.documents.reading import blocks, read
from tests.migration.examples import account
from tests.process import WorkerProcess
from tests.tools import require

pytestmark = pytest.mark.slow

UNIT = "sessionworker-backup.service"

SETTINGS = "/etc/sessionworker"
"""Where the token is, and what restic is told."""

PASSWORD = "a password"

FROM_SETTINGS = {"RESTIC_REPOSITORY", "RESTIC_PASSWORD_FILE"}
"""What an operator has from there."""


class Backups:
    """What the unit would have on a machine, below a folder: its state, its credentials, and the repository."""

    def __init__(self, root: Path, worker: WorkerProcess, repository: Path) -> None:
        """Make it ready, with a copy of a repository that has nothing in it."""
        self.state = root / "state/sessionworker-backup"
        (root / "state/private/sessionworker-backup").mkdir(parents=True, mode=0o700)
        self.state.symlink_to("private/sessionworker-backup")  # as systemd has it for a user of the unit's own
        self.programs = root / "programs"
        self.programs.mkdir()
        (self.programs / "sessionworker").write_text(f'#!/bin/sh\nexec {shlex.join(COMMAND)} "$@"\n')
        (self.programs / "sessionworker").chmod(0o700)
        self.settings = root / "settings"
        self.settings.mkdir()
        for _, _, path in (value.partition(":") for value in setting(UNIT, "LoadCredential")):
            (self.settings / Path(path).name).write_text(PASSWORD)
        (self.settings / "token").write_text(worker.token)
        [file] = setting(UNIT, "EnvironmentFile")
        (self.settings / Path(file).name).write_text(f"RESTIC_REPOSITORY={root / 'repository'}\n")
        self._specifiers = {"%S": root / "state", "%C": root / "cache", "%t": root / "run", "%d": self.settings}
        [self._runtime] = [root / "run" / name for name in setting(UNIT, "RuntimeDirectory")]
        given = dict(self.replaced(value).split("=", 1) for value in setting(UNIT, "Environment"))
        self.variables = environment(
            {"SESSIONWORKER_URL": worker.url, "RESTIC_REPOSITORY": str(root / "repository"), **given}
        )
        shutil.copytree(repository, root / "repository")

    def replaced(self, text: str) -> str:
        """Return a line of the unit with the paths that are meant here."""
        for specifier, path in self._specifiers.items():
            text = text.replace(specifier, str(path))
        return text.replace(INSTALLED_PROGRAMS, str(self.programs)).replace(RESTIC, require("restic"))

    def run(self) -> list[int]:
        """Run the unit's lines, each if the one before it succeeded, and return their exit statuses."""
        [folder] = setting(UNIT, "WorkingDirectory")
        statuses = []
        shutil.rmtree(self._runtime, ignore_errors=True)  # systemd removes it when the unit ends
        self._runtime.mkdir(parents=True)
        for line in setting(UNIT, "ExecStart"):
            done = subprocess.run(
                [word.replace("$$", "$") for word in shlex.split(self.replaced(line))],
                cwd=self.replaced(folder),
                env=self.variables,
                preexec_fn=deny_write_execute,
                check=False,
                timeout=120,
            )
            statuses.append(done.returncode)
            if done.returncode:
                break
        return statuses

    def restic(self, *words: str) -> str:
        """Run restic as an operator does."""
        done = subprocess.run(
            [require("restic"), *words], env=self.variables, check=True, capture_output=True, text=True, timeout=120
        )
        return done.stdout

    def tags(self) -> list[list[str] | None]:
        """Return the tags of each snapshot in restic, oldest first."""
        return [one.get("tags") for one in json.loads(self.restic("snapshots", "--json")) or []]


def deny_write_execute() -> None:
    """Do as the unit's MemoryDenyWriteExecute does, from Linux 6.3 on; older ones do nothing."""
    ctypes.CDLL(None).prctl(65, 1, 0, 0, 0)  # PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[WorkerProcess]:
    with WorkerProcess(tmp_path / "store") as running:
        for name, phone in (("sales", "5511999999999"), ("support", "5511888888888")):
            assert send(running, "POST", "/session/codechat", {"instance": name}) == 204
            values = {key: json.loads(value) for key, value in account(name, phone).items()}
            assert send(running, "POST", f"/session/codechat/{name}", {"changes": {**values, "counter": 1}}) == 204
        yield running


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One that has nothing in it. To make one takes long on purpose, for whoever guesses passwords."""
    path = tmp_path_factory.mktemp("restic") / "repository"
    variables = {**os.environ, "RESTIC_REPOSITORY": str(path), "RESTIC_PASSWORD": PASSWORD}
    subprocess.run([require("restic"), "init", "--quiet"], env=variables, check=True, timeout=120)
    return path


@pytest.fixture
def backups(worker: WorkerProcess, repository: Path, tmp_path: Path) -> Backups:
    return Backups(tmp_path, worker, repository)


def test_each_night_has_a_whole_archive_in_restic_and_one_instance_comes_back_alone(
    worker: WorkerProcess, backups: Backups, tmp_path: Path
) -> None:
    for _ in range(2):  # somebody else's; by the unit's rule one of them would go: they are of one day
        backups.restic("backup", str(backups.settings))
    lines = len(setting(UNIT, "ExecStart"))
    assert lines == 6
    assert backups.run() == [0] * lines
    assert send(worker, "POST", "/session/codechat/sales/counter", {"data": "2"}) == 204
    before = everything(worker)
    assert backups.run() == [0] * lines
    assert before["codechat/sales"]["counter"] == "2"
    assert len(list(backups.state.iterdir())) == 2
    assert backups.tags() == [None, None, ["sessionworker"]]

    assert send(worker, "POST", "/session/codechat/sales/counter", {"data": "3"}) == 204
    assert send(worker, "POST", "/session/codechat/support/later", {"data": "1"}) == 204
    [command] = [block for block in blocks(read("docs/operations.md"), "console") if "restic dump" in block]
    variables = {
        **{name: value for name, value in backups.variables.items() if name not in FROM_SETTINGS},
        "PATH": f"{backups.programs}:{os.environ['PATH']}",
    }
    subprocess.run(
        [require("bash"), "-euc", command.replace(SETTINGS, str(backups.settings))],
        cwd=tmp_path,
        env=variables,
        check=True,
        timeout=120,
    )
    found = everything(worker)
    assert found["codechat/sales"] == before["codechat/sales"]
    assert found["codechat/support"] == {**before["codechat/support"], "later": "1"}
    assert (tmp_path / "archive.jsonl").stat().st_mode & 0o777 == 0o600


def test_a_backup_that_fails_never_gets_into_restic(worker: WorkerProcess, backups: Backups) -> None:
    worker.terminate()
    assert backups.run() == [Code.NO_WORKER]
    assert backups.tags() == []


def test_what_is_not_refused_gets_into_restic_and_the_unit_fails_at_its_end(
    worker: WorkerProcess, backups: Backups, tmp_path: Path
) -> None:
    worker.terminate()
    refused = tmp_path / "store/codechat/support"
    (refused / "creds").write_bytes(b"{")
    shutil.rmtree(refused / ".sessionworker/versions")
    with WorkerProcess(tmp_path / "store") as again:
        backups.variables["SESSIONWORKER_URL"] = again.url
        (backups.settings / "token").write_text(again.token)
        lines = len(setting(UNIT, "ExecStart"))
        assert backups.run() == [*[0] * (lines - 1), Code.PARTLY]
        assert backups.tags() == [["sessionworker"]]
        assert any("/sessionworker-20" in line for line in backups.restic("ls", "latest").splitlines())
        assert send(again, "DELETE", "/session/codechat/support") == 200
        assert backups.run() == [0] * lines
