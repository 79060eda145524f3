"""Requests that schemathesis makes from the description, right ones and wrong ones, to a worker on a real port."""

from __future__ import annotations

import json
import os
import random
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.threads import deferToThread

from sessionworker.access import Role, Token
from sessionworker.client import Client
from sessionworker.http.ports import Watcher
from sessionworker.stores.files.store import FileStore
from sessionworker.stores.seal import KEY_BYTES, Key, KeyRing
from tests.openapi.description import DESCRIPTION, Operation, operations, path_of
from tests.process import REPOSITORY
from tests.server import TOKEN, asynchronous, running_worker
from tests.tools import show_figure

pytestmark = pytest.mark.slow

EXAMPLES, EXAMPLES_IN_FULL = 2, 100
"""Of each operation and kind, for each of the workers below, besides those that are made by a system."""

DESCRIBED = sum(len(operation.statuses) for operation in operations())

ADMIN, VIEW, OF_SUPPORT = "for-an-operator", "to-look", "for-support"
ROLES = [
    Token(Role.API, TOKEN.encode()),
    Token(Role.API, OF_SUPPORT.encode(), frozenset({"support"})),
    Token(Role.ADMIN, ADMIN.encode()),
    Token(Role.VIEW, VIEW.encode()),
]

WHO = {
    "everything": ("an API that may do everything", None, TOKEN, False),
    "sealed": ("the same, and a store that is sealed", None, TOKEN, True),
    "operator": ("an operator", ROLES, ADMIN, False),
    "view": ("somebody who may look", ROLES, VIEW, False),
    "group": ("an API with a group of its own", ROLES, OF_SUPPORT, False),
}
"""Who asks, with which tokens in force, and whether the store is sealed."""

IN_GATE = ("sealed", "group")
"""Without `--full`: one who may ask for all, and one who is refused much. What each role is refused tests/test_roles.py
says, and whatever it is answered has to be described, too."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Let all ask, or those who are enough."""
    who = WHO if metafunc.config.getoption("--full") else IN_GATE
    metafunc.parametrize(("name", "tokens", "token", "is_sealed"), [WHO[one] for one in who], ids=who)


class Noting:
    """A watcher that notes which operations were asked for, and what was answered; see `http.ports.Watcher`."""

    def __init__(self, watcher: Watcher) -> None:
        self._watcher = watcher
        self.answers: Counter[tuple[Operation, int]] = Counter()

    def answered(self, request: Any, seconds: float) -> None:
        path = path_of(request.uri.decode("ascii", "replace"))
        self.answers[Operation(request.method.decode(), path or ""), int(request.code)] += 1
        self._watcher.answered(request, seconds)

    def refused(self, status: int) -> None:
        self._watcher.refused(status)

    def late(self, seconds: float) -> None:
        self._watcher.late(seconds)


def generate(url: str, token: str, examples: int) -> subprocess.CompletedProcess[str]:
    """Have schemathesis make requests, and check the answers with all that it has."""
    command = [str(Path(sys.executable).with_name("schemathesis"))]
    command += ["--config-file", "tests/openapi/schemathesis.toml", "run", str(DESCRIPTION), "--url", url]
    command += ["--max-examples", str(examples), "--seed", str(random.getrandbits(64))]
    return subprocess.run(
        command,
        cwd=REPOSITORY,
        env={**os.environ, "TOKEN_OF_RUN": token, "PYTHONPATH": str(REPOSITORY)},
        check=False,
        capture_output=True,
        text=True,
    )


@asynchronous
async def test_whatever_is_asked_the_answer_is_one_that_is_described(
    tmp_path: Path, full: bool, name: str, tokens: Sequence[Token] | None, token: str, is_sealed: bool
) -> None:
    ring = KeyRing([Key(bytes(KEY_BYTES))]) if is_sealed else None
    store = FileStore(tmp_path / "store", sync=False, ring=ring)
    async with running_worker(tmp_path, store=store, tokens=tokens) as worker:
        async with Client(worker.url, TOKEN) as client:
            for group in ("codechat", "support"):
                for instance in ("sales", "list-instances"):
                    await client.create_instance(group, instance)
                    for number in range(3):
                        await client.write(group, instance, "creds", json.dumps({"number": number}))
                await client.drop_instance(group, "list-instances")
        worker.site.watcher = noting = Noting(worker.site.watcher)
        begun = time.monotonic()
        done = await deferToThread(generate, worker.url, token, EXAMPLES_IN_FULL if full else EXAMPLES)
        seconds = time.monotonic() - begun
    print(done.stdout, done.stderr)
    assert done.returncode == 0
    [count] = re.findall(r"^  (\d+) generated", done.stdout, re.MULTILINE)
    answers = {(operation, status) for operation, status in noting.answers if operation in operations()}
    show_figure(
        f"schemathesis, {name}: {count} requests in {seconds:.0f} s, {sum(noting.answers.values())} with those that "
        f"checks made; {len(answers)} of {DESCRIBED} answers that are described"
    )
    assert {operation for operation, _ in answers} == {*operations()}
