"""Commands as they are typed: in this process where no worker is asked, and as programs where one is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection

from click.testing import CliRunner, Result

from sessionworker.commands.main import main
from sessionworker.options import PREFIX
from tests import warm
from tests.process import REPOSITORY, SETTINGS_PREFIXES, WorkerProcess

COMMAND = [sys.executable, "-m", "sessionworker.commands.main"]

Ended = subprocess.CompletedProcess[str]


def environment(given: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return this process's variables without those of a worker, and with some others."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(SETTINGS_PREFIXES)}
    return {**kept, "PYTHONPATH": str(REPOSITORY), **(given or {})}


def typed(*words: object, **variables: str) -> Result:
    """Run a command that asks no worker. No traceback comes of it."""
    unset = {name: None for name in os.environ if name.startswith((PREFIX, "GLOBAL_AUTH_TOKEN"))}
    result = CliRunner(env={**unset, **variables}).invoke(main, [str(word) for word in words])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def ran(*words: object, **variables: str) -> Ended:
    """Run a command as a program, to its end. No traceback comes of it."""
    arguments = [str(word) for word in words]
    variables = {
        **{name: os.environ[name] for name in os.environ if not name.startswith(SETTINGS_PREFIXES)},
        **variables,
    }
    if warm.is_possible(variables):
        done = warm.run(warm.COMMANDS, arguments, variables, seconds=120)
    else:
        done = subprocess.run(
            [*COMMAND, *arguments],
            cwd=REPOSITORY,
            env=environment(variables),
            stdin=subprocess.DEVNULL,
            check=False,
            capture_output=True,
            text=True,
            timeout=120,
        )
    assert "Traceback" not in done.stderr, done.stderr
    return done


def asked(worker: WorkerProcess, *words: object, **variables: str) -> Ended:
    """Ask a worker that runs."""
    return ran(*words, **{"SESSIONWORKER_URL": worker.url, "GLOBAL_AUTH_TOKEN": worker.token, **variables})


@contextmanager
def ended(process: subprocess.Popen[str]) -> Iterator[None]:
    """See that a program is gone after the block. What `Popen` does there itself would wait for it without a limit."""
    try:
        yield
    finally:
        process.kill()
        process.communicate(timeout=60)


WHOLE = {
    "noiseKey": {"private": "n"},
    "signedIdentityKey": {"public": "i"},
    "signedPreKey": {"keyId": 1},
    "registrationId": 1,
    "advSecretKey": "a",
    "account": {"details": "d"},
    "me": {"id": "5511@s.whatsapp.net"},
    "nextPreKeyId": 2,
}
"""`creds` of an account that a phone has paired."""


def fill(worker: WorkerProcess, group: str, instance: str, **values: object) -> None:
    """Make an instance that holds whole creds, a pre-key, and some other values; `_` in a name stands for a dash."""
    assert send(worker, "POST", f"/session/{group}", {"instance": instance}) == CREATED
    for key, value in {"creds": WHOLE, "pre_key_1": {"private": 1}, **values}.items():
        path = f"/session/{group}/{instance}/{key.replace('_', '-')}"
        assert send(worker, "POST", path, {"data": json.dumps(value)}) == CREATED


CREATED = 204


def send(worker: WorkerProcess, method: str, path: str, body: object = None) -> int:
    """Make one request, and return the status of its answer."""
    connection = HTTPConnection(worker.host, worker.port, timeout=30)
    try:
        headers = {"apikey": worker.token, "Content-Type": "application/json"}
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        answer = connection.getresponse()
        answer.read()
        return answer.status
    finally:
        connection.close()
