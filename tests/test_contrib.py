"""The patches for the two APIs: what they touch, that they are well formed, and what the code in them does.

The APIs' own sources are not here. What a patch shows of them is put together into a program by `tests/node`.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.documents.reading import read
from tests.process import NODE_PROGRAMS, REPOSITORY, NodeProgram, WorkerProcess
from tests.tools import require

STATE = "src/utils/use-multi-file-auth-state-provider-files.ts"

PATCHES = {
    "evolution-api": (["src/api/provider/sessions.ts", STATE], b"\n"),
    "whatsapp-api": (["src/provider/sessions.ts", STATE], b"\r\n"),
}
"""API -> the files that its patch touches, and the line ends of its sources."""

HUNK = re.compile(rb"^@@ -(\d+),(\d+) \+(\d+),(\d+) @@.*$", re.MULTILINE)

each_api = pytest.mark.parametrize("api", PATCHES)


def path_of(api: str) -> Path:
    return REPOSITORY / "contrib" / f"{api}.patch"


def files_of(patch: bytes) -> dict[str, list[tuple[list[int], list[bytes]]]]:
    """File that a patch touches -> its hunks: the four numbers of its head, and its lines with their ends."""
    found = {}
    for part in patch.split(b"diff --git ")[1:]:
        name = re.findall(rb"^\+\+\+ b/(.*)\n", part, re.MULTILINE)[0].decode()
        heads = [[int(number) for number in head] for head in HUNK.findall(part)]
        bodies = [body.removeprefix(b"\n").splitlines(keepends=True) for body in HUNK.sub(b"@@", part).split(b"\n@@")]
        found[name] = list(zip(heads, bodies[1:], strict=True))
    for hunks in found.values():
        for _, lines in hunks[:-1]:
            lines[-1] = lines[-1].removesuffix(b"\n") + b"\n"
    return found


@each_api
def test_a_patch_touches_the_files_of_the_session_worker_and_no_other(api: str) -> None:
    names, _ = PATCHES[api]
    assert list(files_of(path_of(api).read_bytes())) == names


@each_api
def test_each_line_of_a_patch_has_the_line_end_of_the_file_that_it_is_for(api: str) -> None:
    _, end = PATCHES[api]
    for hunks in files_of(path_of(api).read_bytes()).values():
        for _, lines in hunks:
            assert {line[len(line.rstrip(b"\r\n")) :] for line in lines} == {end}


@each_api
def test_each_hunk_has_as_many_lines_as_its_head_says_and_stands_where_those_before_it_put_it(api: str) -> None:
    for hunks in files_of(path_of(api).read_bytes()).values():
        shift = 0
        for (old, before, new, after), lines in hunks:
            added, removed = (sum(line.startswith(sign) for line in lines) for sign in (b"+", b"-"))
            assert (len(lines) - added, len(lines) - removed) == (before, after)
            assert new - old == shift
            shift += added - removed


@each_api
def test_a_patch_says_which_worker_it_speaks_to_in_every_error_and_hands_no_error_of_axios_on(api: str) -> None:
    added = [line for line in path_of(api).read_text().splitlines() if line.startswith("+")]
    assert not any("throw error" in line for line in added)
    assert sum("Session worker: " in line for line in added) == 3


@each_api
@pytest.mark.slow
def test_git_takes_a_patch_for_files_that_are_as_it_expects(api: str, tmp_path: Path) -> None:
    for name, hunks in files_of(path_of(api).read_bytes()).items():
        _, end = PATCHES[api]
        content: list[bytes] = []
        for (old, *_), lines in hunks:
            content += [b"another line" + end] * (old - 1 - len(content))
            content += [line[1:] for line in lines if not line.startswith(b"+")]
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"".join(content))
    subprocess.run([require("git"), "init", "--quiet"], cwd=tmp_path, check=True)
    subprocess.run([require("git"), "apply", str(path_of(api))], cwd=tmp_path, check=True)
    assert all(b"many" in (tmp_path / name).read_bytes() for name in PATCHES[api][0])


@each_api
@pytest.mark.parametrize("document", ["docs/patches.md", "docs/patches.pt-BR.md"])
def test_the_documents_name_each_patch_and_the_files_that_it_touches(api: str, document: str) -> None:
    text = read(document)
    assert f"contrib/{api}.patch" in text
    assert all(f"`{name}`" in text for name in PATCHES[api][0])


@each_api
@pytest.mark.usefixtures("node_client")
def test_a_patched_api_makes_no_identity_of_an_error_and_hides_none(api: str) -> None:
    with NodeProgram(NODE_PROGRAMS / "patched.mjs", "-", None, str(path_of(api)), "fail") as program:
        result = program.result(120)
        assert result["wrong"] == []
        assert result["identities"] == 1


@each_api
@pytest.mark.usefixtures("node_client")
def test_a_patched_api_makes_one_request_of_one_call_and_waits_for_a_worker_that_comes_back(
    api: str, worker: WorkerProcess
) -> None:
    arguments = (str(path_of(api)), "talk")
    with NodeProgram(NODE_PROGRAMS / "patched.mjs", worker.url, worker.token, *arguments) as program:
        program.wait_for("pause", 120)
        worker.kill()
        program.go_on()
        program.wait_for("waiting")
        worker.start()
        worker.wait_until_ready()
        result = program.result(120)
        assert result["wrong"] == []
        assert result["identities"] == 1
