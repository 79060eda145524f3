"""The numbers in the documents are those of the code, and what the store logs stands in the operations.

The English operations are read here; `test_languages` sees to it that the Portuguese ones have the same numbers.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from sessionworker.offload import LONGEST_QUEUE, MOST_WAITING_BYTES
from sessionworker.options import OPTIONS
from sessionworker.stores.files.journal import SEGMENT_SIZE
from sessionworker.stores.files.limits import Limits
from sessionworker.stores.files.spares import RESERVE
from sessionworker.stores.rules.versions import Keep
from tests.documents.reading import blocks, read, rows
from tests.process import REPOSITORY


def test_the_limits_in_the_operations_are_those_of_the_program() -> None:
    mib, limits = 2**20, Limits()
    idle = RESERVE + 2  # one segment that is used, and one more that is ready
    found = {row[0]: row[1] for row in rows(read("docs/operations.md")) if len(row) == 2}
    expected = {
        "a segment of the journal": f"{SEGMENT_SIZE // mib} MiB",
        f"the reserve, always there: {RESERVE} segments": f"{RESERVE * SEGMENT_SIZE // mib} MiB",
        "the journal with the reserve, nothing to do": f"{idle * SEGMENT_SIZE // mib} MiB",
        "records in the journal after which files are written at once": f"{limits.checkpoint_bytes // mib} MiB",
        "records in the journal at the most; a write that would pass it waits": f"{limits.journal_bytes // mib} MiB",
        "what the worker needs for itself at the most": f"{(limits.journal_bytes + idle * SEGMENT_SIZE) // mib} MiB",
        "values in memory that wait for their files; past it, writes wait": f"{limits.waiting_bytes // mib} MiB",
        "files that wait to be written; past it, writes wait": f"{limits.waiting_files:,}",
        "values in memory of instances whose files cannot follow; past it, all writes are refused": (
            f"{limits.apart_bytes // mib} MiB"
        ),
    }
    assert {name: found.get(name) for name in expected} == expected
    text = " ".join(read("docs/operations.md").split())
    assert f"within about {limits.lag_seconds:g} seconds" in text
    assert f"calls under way` (the limit is {LONGEST_QUEUE:,})" in text.replace("_", " ")
    assert f"queued value bytes` ({MOST_WAITING_BYTES // mib} MiB)" in text.replace("_", " ")


def test_the_readmes_keep_as_many_versions_and_drops_as_the_program() -> None:
    keep = {option.flag: option.default for option in OPTIONS if option.flag.startswith("keep-")}
    assert (Keep().newest, Keep().hours, Keep().days) == tuple(
        int(keep[f"keep-{name}"]) for name in ("versions", "hours", "days")
    )
    assert f"for {int(keep['keep-drops'])} days (`--keep-drops`)" in read("docs/operations.md")


def test_every_line_that_the_store_logs_stands_in_the_operations() -> None:
    lines = [line for block in blocks(read("docs/operations.md"), "log") for line in block.splitlines()]
    missing = [
        text
        for path in sorted((REPOSITORY / "sessionworker" / "stores").rglob("*.py"))
        for text in said_in(path)
        if not any(re.compile(re.escape(text).replace("…", ".+")).fullmatch(line) for line in lines)
    ]
    assert missing == []


def said_in(path: Path) -> Iterator[str]:
    """The texts that are handed to a log, or to whoever starts the worker."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
            name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
            if name in {"note", "report", "_report", "StartError"}:
                for argument in node.args:
                    if isinstance(argument, ast.JoinedStr):
                        parts = (part.value if isinstance(part, ast.Constant) else "…" for part in argument.values)
                        yield "".join(map(str, parts))
                    elif isinstance(argument, ast.Constant) and " " in str(argument.value):
                        yield str(argument.value)
