"""The documents say what the program does: settings, routes, sentences, limits, metrics, log lines and commands."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

from sessionworker import errors
from sessionworker.client.errors import _BY_MESSAGE
from sessionworker.errors import WorkerError
from sessionworker.http.channel import WorkerChannel
from sessionworker.http.limits import (
    BODY_SECONDS,
    HEADER_SECONDS,
    IDLE_SECONDS,
    MOST_BODY_BYTES,
    SLOWEST_BODY,
    TRUSTED_BODY,
)
from sessionworker.offload import LONGEST_QUEUE, MOST_WAITING_BYTES, Offload
from sessionworker.settings import HTTP_LOGS_VARIABLE, OPTIONS, TOKEN_VARIABLE
from sessionworker.stores.files.store import FileStore
from sessionworker.web.api import CREATE_SECONDS, build_api
from sessionworker.web.gate import OPEN
from sessionworker.web.health import LIMIT_SECONDS, Health
from sessionworker.web.metrics import COUNTS, Metrics
from sessionworker.web.session_files import METHODS, SessionFiles
from tests.memory import Reactor, Worker
from tests.process import REPOSITORY, WorkerProcess
from tests.tools import require

READMES = ("README.md", "README.pt-BR.md")
DOCUMENTS = sorted([*REPOSITORY.glob("*.md"), *(REPOSITORY / "docs").glob("*.md")])

LETTERS = {"group": "G", "name": "I", "key:key": "K", "version": "V", "drop": "D"}
"""The parameters of the tree's routes, and what the documents call them."""


def read(name: str) -> str:
    return (REPOSITORY / name).read_text()


def blocks(text: str, *languages: str) -> list[str]:
    """The code blocks of a document that are of one of the languages, or all of them."""
    found = re.findall(r"^```(\w+)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return [body for language, body in found if not languages or language in languages]


def without_blocks(text: str) -> str:
    return re.sub(r"^```\w+\n.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)


def headings(text: str) -> list[tuple[int, str]]:
    """The headings of a document, each with its level."""
    return [(len(marks), title) for marks, title in re.findall(r"^(#+) (.*)$", without_blocks(text), re.MULTILINE)]


def rows(text: str) -> list[list[str]]:
    """The rows of a document's tables, cell by cell, without the marks of code."""
    lines = re.findall(r"^\| (.*) \|$", text, re.MULTILINE)
    return [[cell.strip().replace("`", "") for cell in re.split(r"(?<!\\)\|", line)] for line in lines]


# The READMEs


@pytest.mark.parametrize("readme", READMES)
def test_every_setting_stands_in_the_readme_with_its_variable_and_its_default(readme: str) -> None:
    table = {(row[0], row[1]): row[2] for row in rows(read(readme)) if len(row) == 4}
    nothing = {"README.md": "none", "README.pt-BR.md": "nenhum"}[readme]
    for option in OPTIONS:
        assert table[f"--{option.flag}", option.variable] == (option.default or nothing)
    assert table["--http-logs", HTTP_LOGS_VARIABLE] == "false"
    assert TOKEN_VARIABLE in {variable for _, variable in table}


@pytest.mark.parametrize("readme", READMES)
def test_no_setting_stands_in_the_readme_that_does_not_exist(readme: str) -> None:
    flags = {row[0] for row in rows(read(readme)) if row[0].startswith("--") and len(row) == 4}
    assert flags == {f"--{option.flag}" for option in OPTIONS} | {"--http-logs"}


def test_both_readmes_have_the_same_structure_and_the_same_code() -> None:
    english, portuguese = map(read, READMES)
    assert [level for level, _ in headings(english)] == [level for level, _ in headings(portuguese)]
    assert blocks(english) == blocks(portuguese)
    links = [sorted(set(re.findall(r"\]\((https?:[^)]*)\)", text))) for text in (english, portuguese)]
    assert links[0] == links[1]


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


# The protocol


def routes(folder: Path) -> Iterator[tuple[str, str]]:
    """Every method of every route of the tree, as the documents write them."""
    reactor: Any = Reactor()
    store = FileStore(folder, sync=False)
    offload = Offload(reactor, store, threads=1)
    tree = build_api(reactor, offload, SessionFiles(offload), Health(reactor, offload), Metrics())
    for rule in tree.url_map.iter_rules():
        if "__rest__" in rule.rule:
            continue  # Klein's own, for what follows a branch
        path = re.sub("<(.*?)>", lambda found: LETTERS[found[1]], rule.rule)
        for method in rule.methods or METHODS.split(", "):
            yield method, path
    store.close()


def test_every_route_stands_in_the_protocol(tmp_path: Path) -> None:
    documented = {row[0] for row in rows(read("docs/protocol.md"))}
    found = {f"{method} {path}" for method, path in routes(tmp_path) if method != "HEAD"}
    assert len(found) > 10
    assert found - documented == set()


def test_no_route_stands_in_the_protocol_that_does_not_exist(tmp_path: Path) -> None:
    documented = {row[0] for row in rows(read("docs/protocol.md")) if re.fullmatch(r"[A-Z]+ /\S*", row[0])}
    assert documented - {f"{method} {path}" for method, path in routes(tmp_path)} == set()


def test_what_needs_no_token_stands_in_the_protocol() -> None:
    text = read("docs/protocol.md")
    assert "Every request but `OPTIONS /ping` and `GET /health` needs the worker's token" in text
    assert {path for _, path in OPEN} == {b"/ping", b"/health"}


def all_errors(kind: type[WorkerError] = WorkerError) -> Iterator[type[WorkerError]]:
    yield kind
    for child in kind.__subclasses__():
        yield from all_errors(child)


def test_every_status_of_an_error_stands_in_the_protocol() -> None:
    statuses = {row[0] for row in rows(read("docs/protocol.md"))}
    assert {str(kind.status.value) for kind in all_errors()} <= statuses


def test_every_sentence_by_which_a_client_tells_errors_apart_stands_in_the_protocol() -> None:
    cells = {cell for row in rows(read("docs/protocol.md")) for cell in row}
    sentences = {kind.message for kind in all_errors() if issubclass(kind, errors.NotFound)}
    assert sentences >= set(_BY_MESSAGE)
    assert {*sentences, errors.NameTaken.message, errors.NoSpace.message} <= cells


def test_the_limits_in_the_protocol_are_those_of_the_program() -> None:
    (body_size,) = [option.default for option in OPTIONS if option.flag == "body-size"]
    (connections,) = [option.default for option in OPTIONS if option.flag == "connections"]
    mib, kib = 2**20, 2**10
    limits = {row[0]: row[1] for row in rows(read("docs/protocol.md")) if len(row) == 3}
    expected = {
        "body": f"BODY_SIZE, {body_size} MiB if not set",
        "body without a token, or with a wrong one": f"{TRUSTED_BODY // kib} KiB, and none that is chunked",
        "headers": f"{WorkerChannel.maxHeaders}, together with the request line "
        f"{WorkerChannel.totalHeadersSize // kib} KiB",
        "time for the headers, and for the first request of a connection": f"{HEADER_SECONDS:g} s",
        "time for the body": f"{BODY_SECONDS:g} s, and one second more for each {SLOWEST_BODY // kib} KiB",
        "silence between requests": f"{IDLE_SECONDS:g} s",
        "connections": f"SESSIONWORKER_CONNECTIONS, {int(connections):,} if not set",
        "calls that wait or are under way": f"{LONGEST_QUEUE:,}; {2 * LONGEST_QUEUE:,} for reads of creds",
        "values that wait to be written": f"{MOST_WAITING_BYTES // mib} MiB, or a single larger one",
        "bodies that are being received": f"{MOST_BODY_BYTES // mib} MiB, or a single larger one",
        "time of the store for GET /health": f"{LIMIT_SECONDS:g} s",
    }
    assert {name: limits.get(name) for name in expected} == expected
    assert f"The check takes {CREATE_SECONDS:g} s at most." in read("docs/protocol.md")


# Operations


def test_every_metric_stands_in_the_operations_and_no_other(tmp_path: Path) -> None:
    with Worker(tmp_path) as worker:
        text = worker.metrics.text().decode()
    # A histogram and what a counter counts are called the same, whatever the samples add to it.
    ours = {name for name in re.findall(r"^# TYPE (\S+) ", text, re.MULTILINE) if name.startswith("sessionworker_")}
    assert {f"sessionworker_{name}_total" for name in COUNTS} <= ours
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


def test_every_test_that_the_operations_name_exists_and_those_of_promises_are_named() -> None:
    named = set(re.findall(r"\]\(\.\./tests/([\w/]+\.py)\)", read("docs/operations.md")))
    assert {name for name in named if not (REPOSITORY / "tests" / name).is_file()} == set()
    assert {"test_kill.py", "simulation/test_simulation.py", "test_broken_creds.py", "test_full_disk.py"} <= named


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


# All documents


def anchor(title: str) -> str:
    """What a heading is called in a link, as GitHub makes it: lower case, dashes for spaces, no punctuation."""
    kept = [letter for letter in title.lower() if letter in " -_" or unicodedata.category(letter)[0] in "LN"]
    return "".join(kept).replace(" ", "-")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.name))
def test_every_link_leads_to_a_file_and_a_heading_that_exist(document: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", without_blocks(document.read_text())):
        if target.startswith("https://"):
            continue
        name, _, heading = target.partition("#")
        path = document.parent / name if name else document
        assert path.exists(), target
        if heading:
            assert heading in {anchor(title) for _, title in headings(path.read_text())}, target


def test_the_two_commands_are_those_of_the_makefile() -> None:
    targets = set(re.findall(r"^(\w+):", read("Makefile"), re.MULTILINE))
    used = set(re.findall(r"^make (\w+)", "".join(blocks(read("README.md"), "sh")), re.MULTILINE))
    assert {"run", "test"} <= used <= targets
