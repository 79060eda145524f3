"""The operations name what there is: metrics, log lines, tests and commands."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

from sessionworker.logs import OTHER
from sessionworker.web.metrics import COUNTS, GAUGES
from tests.documents.reading import blocks, read, rows
from tests.memory import Worker
from tests.process import REPOSITORY, WorkerProcess
from tests.tools import require


def test_every_metric_stands_in_the_operations_and_no_other(tmp_path: Path) -> None:
    with Worker(tmp_path) as worker:
        text = worker.metrics.text().decode()
    # A histogram and what a counter counts are called the same, whatever the samples add to it.
    ours = {name for name in re.findall(r"^# TYPE (\S+) ", text, re.MULTILINE) if name.startswith("sessionworker_")}
    assert {f"sessionworker_{name}_total" for name in COUNTS} <= ours
    ours |= {f"sessionworker_{name}" for name in GAUGES if name.startswith("database_")}  # this store is one of files
    documented = set(re.findall(r"`(sessionworker_\w+)`", read("docs/operations.md")))
    assert documented == ours


def templates() -> set[str]:
    """Every text in the program, with an ellipsis for what differs."""
    found = set()
    for path in (REPOSITORY / "sessionworker").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.JoinedStr):
                parts = [part.value if isinstance(part, ast.Constant) else "…" for part in node.values]
                found.add("".join(map(str, parts)))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.add(re.sub(r"{\w+}", "…", node.value))
    return found


def test_every_log_line_in_the_operations_is_one_of_the_program() -> None:
    lines = [line for block in blocks(read("docs/operations.md"), "log") for line in block.splitlines()]
    assert len(lines) > 20
    # Of a text that is little but what differs nothing can be said.
    known = [
        re.compile(re.escape(text).replace("…", ".+"))
        for text in templates()
        if len(text.replace("…", "")) > len("The worker is")
    ]
    assert [line for line in lines if not any(pattern.fullmatch(line) for pattern in known)] == []


def events() -> Iterator[tuple[str, str]]:
    """Every event that the program gives a name, with its level."""
    for path in (REPOSITORY / "sessionworker").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                yield from events_of(node)


def events_of(call: ast.Call) -> Iterator[tuple[str, str]]:
    """What a call logs: through a logger, whose method is the level, or through the store's `Faults` and `Event`."""
    name = ast.unparse(call.func).rpartition(".")[2].lstrip("_")
    keywords = {keyword.arg: literal(keyword.value) for keyword in call.keywords}
    if keywords.get("event"):
        yield keywords["event"], "critical" if name == "failure" else name
    if name in STORE_EVENTS and call.args:
        place, level = STORE_EVENTS[name]
        said = literal(call.args[place]) if len(call.args) > place else ""
        if said and " " not in said:  # the page says sentences
            given = {literal(value) for value in call.args[place + 1 :]} & {"info", "warn", "error"}
            yield said, keywords.get("level") or next(iter(given), level)


STORE_EVENTS = {"say": (0, "error"), "note": (1, "error"), "Event": (0, "error"), "moved": (0, "info")}
"""How the store tells of an event: where its name stands among the arguments, and its level if none is given."""


def literal(node: ast.expr) -> str:
    """A text as it stands in the program; nothing for what is no plain text."""
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def test_every_event_of_the_log_stands_in_the_operations_with_its_level_and_no_other_does() -> None:
    section = read("docs/operations.md").partition("\n## The log\n")[2].partition("\n## ")[0]
    documented = {(name, row[1]) for row in rows(section)[1:] for name in row[0].split(", ")}
    assert len(documented) > 10
    assert all(re.fullmatch(r"[a-z0-9]+(_[a-z0-9]+)*", name) for name, _ in documented)
    assert documented == {*events(), (OTHER, "warn, error, critical")}


def test_every_test_that_the_operations_name_exists_and_those_of_promises_are_named() -> None:
    named = set(re.findall(r"\]\(\.\./tests/([\w/]+\.py)\)", read("docs/operations.md")))
    assert {name for name in named if not (REPOSITORY / "tests" / name).is_file()} == set()
    assert {"test_kill.py", "simulation/test_simulation.py", "test_broken_creds.py", "test_full_disk.py"} <= named


@pytest.mark.slow
def test_every_command_in_the_operations_works(tmp_path: Path) -> None:
    bash, _ = require("bash"), require("curl")
    # Those that change the machine, rather than ask the worker or the store, are marked "console": no test runs them.
    commands = blocks(read("docs/operations.md"), "sh")
    assert not any("/sys/" in command for command in commands)
    assert sum("curl" in command for command in commands) >= 6
    with WorkerProcess(tmp_path / "instances") as worker:
        (tmp_path / "instances/.sessionworker/token").write_text(worker.token)
        introduction = commands[0].replace("http://127.0.0.1:5656", worker.url)
        assert worker.url in introduction

        def ask(method: str, path: str, body: str = "") -> Any:
            return answer_of(worker, method, path, body)

        for command in commands[1:]:
            ask("POST", "/session/codechat", '{"instance": "sales"}')
            for number in (1, 2):
                creds = f'{{"data": "{{\\"registrationId\\": 1, \\"nextPreKeyId\\": {number}}}"}}'
                ask("POST", "/session/codechat/sales/creds", creds)
            variables = {"VERSION": ask("GET", "/admin/groups/codechat/instances/sales/versions")[-1]["version"]}
            if "/admin/drops/" in command:
                ask("DELETE", "/session/codechat/sales")
                variables["DROP"] = ask("GET", "/admin/drops")[0]["drop"]
            done = subprocess.run(
                [bash, "-euc", introduction + command],
                cwd=tmp_path,
                env={**os.environ, **variables},
                timeout=30,
                check=False,
                capture_output=True,
                text=True,
            )
            assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    assert (tmp_path / "restored/codechat/sales/creds").is_file()


def answer_of(worker: WorkerProcess, method: str, path: str, body: str) -> Any:
    """What a worker answers; an error is a failure."""
    request = Request(  # noqa: S310 - the worker's own address
        worker.url + path, data=body.encode() or None, method=method, headers={"apikey": worker.token}
    )
    with urlopen(request, timeout=10) as response:  # noqa: S310
        return json.loads(response.read() or b"null")
