"""`label`: what people call an instance, one by one or as Evolution API knows them all."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sessionworker.commands.endings import Code
from sessionworker.commands.showing import printable
from tests.commands.typed import asked, fill, send, typed
from tests.process import WorkerProcess

CENTRO, NORTE, AWAY = (f"3f0a9c12-0000-4000-8000-00000000000{number}" for number in range(3))

FETCHED = [
    {"id": CENTRO, "name": "Loja Centro", "connectionStatus": "open", "token": "B5F1-SECRET", "Setting": {"x": None}},
    {"id": NORTE, "name": "Loja Norte 🔑", "connectionStatus": "close", "token": None},
    {"id": AWAY, "name": "elsewhere"},
]
"""What `GET /instance/fetchInstances` answers, as far as it matters."""

LINE = "A label is one line of at most 100 characters, without control characters."


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[WorkerProcess]:
    """A worker with instances of two groups."""
    with WorkerProcess(tmp_path / "store") as running:
        for name in (CENTRO, NORTE):
            assert send(running, "POST", "/session/evolution", {"instance": name}) == 204
        fill(running, "codechat", "sales")
        yield running


def labels(worker: WorkerProcess) -> dict[str, str]:
    done = asked(worker, "--json", "ls")
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return {one["instance"]: one.get("label", "") for one in found}


@pytest.mark.slow
def test_an_instance_is_labelled_listed_and_dropped_with_its_label(worker: WorkerProcess) -> None:
    done = asked(worker, "label", "codechat/sales", "Loja São")
    assert (done.returncode, done.stdout, done.stderr) == (Code.DONE, "", "codechat/sales is Loja São now.\n")
    head, line = asked(worker, "ls", "codechat").stdout.splitlines()
    assert head.index("LABEL") == line.index("Loja São")
    assert asked(worker, "drop", "codechat/sales", "--yes").returncode == Code.DONE
    assert "Loja São" in asked(worker, "drops").stdout
    assert asked(worker, "undrop", "codechat/sales").returncode == Code.DONE
    assert labels(worker)["sales"] == "Loja São"
    assert "has no label now" in asked(worker, "label", "codechat/sales", "").stderr
    assert labels(worker)["sales"] == ""
    missing = asked(worker, "label", "codechat/nobody", "x")
    assert (missing.returncode, "does not exist" in missing.stderr) == (Code.FAILED, True)


@pytest.mark.slow
def test_all_get_the_names_that_evolution_knows_and_no_token_of_it_is_shown(
    worker: WorkerProcess, tmp_path: Path
) -> None:
    file = tmp_path / "fetched.json"
    file.write_text(json.dumps(FETCHED))
    done = asked(worker, "label", "--from", file)
    assert (done.returncode, done.stdout) == (Code.DONE, "")
    assert done.stderr == "Labels given: 2, of 2 instances. In the file and not here: 1.\n"
    assert labels(worker) == {"sales": "", CENTRO: "Loja Centro", NORTE: "Loja Norte 🔑"}
    assert asked(worker, "label", "--from", file).stderr.startswith("Labels given: 0, of 2 instances.")
    nobody = asked(worker, "label", "--from", file, "--group", "codechat")
    assert (nobody.returncode, "none of the 3 instances in the file" in nobody.stderr) == (Code.FAILED, True)


@pytest.mark.slow
def test_a_name_that_is_no_label_is_told_and_the_others_are_given(worker: WorkerProcess, tmp_path: Path) -> None:
    file = tmp_path / "fetched.json"
    file.write_text(json.dumps([{"id": CENTRO, "name": "two\nlines"}, {"id": NORTE, "name": "Loja Norte"}]))
    done = asked(worker, "label", "--from", file)
    assert (done.returncode, f"evolution/{CENTRO}: what it is called is no label." in done.stderr) == (
        Code.PARTLY,
        True,
    )
    assert labels(worker) == {"sales": "", CENTRO: "", NORTE: "Loja Norte"}


@pytest.mark.parametrize(
    "words",
    [(), ("g/i",), ("g/i", "x", "--from", "-"), ("--from", "-", "g/i"), ("g/i", "x", "--group", "g"), ("gi", "x")],
    ids=str,
)
def test_what_makes_no_sense_is_told_in_a_sentence(words: tuple[str, ...]) -> None:
    result = typed("label", *words)
    assert result.exit_code == Code.USAGE
    assert "Name an instance and its label" in result.output or "GROUP/INSTANCE" in result.output


@pytest.mark.parametrize("text", ["x" * 101, "two\nlines", "\x1b[31m", "\u202egnp.exe"], ids=ascii)
def test_what_is_no_label_is_refused_before_a_worker_is_asked(text: str) -> None:
    result = typed("label", "g/i", text)
    assert (result.exit_code, LINE in result.output) == (Code.USAGE, True)


@pytest.mark.parametrize(
    "written",
    [
        b"",
        b"{",
        b"{}",
        b"\xff",
        b'["x"]',
        b'[{"instance": {"instanceName": "sales", "instanceId": "3f0a"}}]',  # of Evolution API 1
        b'[{"id": "3f0a", "name": null}]',
        b"[" * 100_000,
    ],
    ids=lambda written: ascii(written[:20]),
)
def test_a_file_of_something_else_is_told_in_a_sentence(tmp_path: Path, written: bytes) -> None:
    file = tmp_path / "fetched.json"
    file.write_bytes(written)
    result = typed("label", "--from", file)
    assert result.exit_code == Code.FAILED
    assert "must hold what GET /instance/fetchInstances of Evolution API 2 answers" in result.output


def test_what_changes_a_terminal_is_not_shown() -> None:
    assert printable("Loja \U0001f468\u200d\U0001f467 ação") == "Loja \U0001f468\u200d\U0001f467 ação"
    assert printable("\x1b[2J\u202e\u200bx") == "?[2J??x"
