"""What people call an instance goes where it goes: in an archive and a backup, from one store to the other and back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sessionworker.commands.endings import Code
from tests.commands.typed import asked, fill, ran, send
from tests.copying.ends import PostgresEnd
from tests.postgres.server import Server
from tests.process import WorkerProcess

pytestmark = pytest.mark.slow

LABELS = {"codechat/sales": "Loja São 🔑", "codechat/support": "", "other/new": "Nova"}


def labels(worker: WorkerProcess) -> dict[str, str]:
    found = json.loads(asked(worker, "--json", "ls").stdout)
    return {f"{one['group']}/{one['instance']}": one.get("label", "") for one in found}


def test_labels_go_with_an_archive_from_files_to_a_database_and_back(tmp_path: Path, postgres: Server) -> None:
    archive, end = tmp_path / "all.jsonl.gz", PostgresEnd(postgres.url())
    with WorkerProcess(tmp_path / "store") as worker:
        fill(worker, "codechat", "sales")
        for group, name in (("codechat", "support"), ("other", "new")):
            assert send(worker, "POST", f"/session/{group}", {"instance": name}) == 204
        for place, label in LABELS.items():
            assert asked(worker, "label", place, label).returncode == Code.DONE
        assert asked(worker, "export", "archive", archive).returncode == Code.DONE
    try:
        with WorkerProcess(end.address) as worker:
            done = asked(worker, "import", "archive", archive)
            assert (done.returncode, labels(worker)) == (Code.DONE, LABELS), done.stdout + done.stderr
            assert asked(worker, "label", "codechat/sales", "Matriz").returncode == Code.DONE
            assert asked(worker, "import", "archive", archive).returncode == Code.DONE
            assert labels(worker) == {**LABELS, "codechat/sales": "Matriz"}
            assert asked(worker, "backup", tmp_path / "backups").returncode == Code.DONE
    finally:
        end.clear()
    [backup] = (tmp_path / "backups").iterdir()
    assert "codechat/sales (Matriz)" in ran("verify", backup, "--list").stdout.splitlines()
    with WorkerProcess(tmp_path / "another") as worker:
        assert asked(worker, "import", "archive", backup).returncode == Code.DONE
        assert labels(worker) == {**LABELS, "codechat/sales": "Matriz"}


def test_an_export_to_other_programs_takes_no_label_and_says_whose_it_is(tmp_path: Path) -> None:
    with WorkerProcess(tmp_path / "store") as worker:
        fill(worker, "codechat", "sales")
        assert asked(worker, "label", "codechat/sales", "Loja").returncode == Code.DONE
        done = asked(worker, "--json", "export", "baileys", tmp_path / "out")
    assert done.returncode == Code.DONE, done.stderr
    [told] = json.loads(done.stdout)["accounts"]
    assert (told["label"], told["state"]) == ("Loja", "exported")
    assert b"Loja" not in b"".join(path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file())
