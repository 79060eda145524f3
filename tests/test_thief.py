"""Whoever gets the disk of a worker that has a key gets nothing, whatever the worker was doing when the power went."""

from __future__ import annotations

import http.client
import json
import random
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sessionworker.keys import find_keys, make_key
from sessionworker.settings import Source
from sessionworker.stores.seal import MARK, Key
from tests.process import NODE_PROGRAMS, NodeProgram, WorkerProcess
from tests.tools import show_figure

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("node_client")]

SECRETS = re.compile(
    rb"privKey|\"private\"|noiseKey|signedIdentityKey|registrationId|advSecretKey|_sessions|_chains|currentRatchet"
    rb"|whatsapp\.net|55119[0-9]{5}|5521[0-9]{7}|5531[0-9]{7}|session-[0-9]|pre-key-|sender-key|app-state-sync|creds"
    rb"|device-list|lid-mapping|identity-key|tctoken"
)
"""What no file, and no name of one, holds: keys, ratchets, phone numbers, and what session files are called."""

LOSSES = {"lost": 0, "identities": 0, "missing": [], "failures": 0}


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    """A file of one key."""
    make_key(tmp_path / "keys")
    return tmp_path / "keys"


@pytest.fixture
def worker(tmp_path: Path, key_file: Path) -> Iterator[WorkerProcess]:
    """A worker that has a key."""
    with WorkerProcess(tmp_path / "store", "--encryption-key-file", str(key_file)) as running:
        yield running
        print(running.output)


def node(worker: WorkerProcess, script: str, *arguments: str) -> NodeProgram:
    return NodeProgram(NODE_PROGRAMS / script, worker.url, worker.token, *arguments)


def assert_nothing_was_lost(program: NodeProgram) -> dict[str, Any]:
    result = program.result(300)
    assert {what: result[what] for what in LOSSES} == LOSSES, program.output
    assert program.wait_until_ended() == 0
    return result


def ask(worker: WorkerProcess, method: str, path: str) -> Any:
    connection = http.client.HTTPConnection("127.0.0.1", worker.port, timeout=30)
    connection.request(method, path, headers={"apikey": worker.token})
    response = connection.getresponse()
    body = response.read()
    connection.close()
    assert response.status < 300, body
    return json.loads(body) if body else None


def look_through(store: Path) -> tuple[int, int]:
    """Look for secrets in every file and every name, as a thief would; return how many files and bytes there were."""
    files = size = 0
    for path in store.rglob("*"):
        found = SECRETS.search(str(path.relative_to(store)).encode())
        assert found is None, f"{found} in the name of {path}"
        if path.is_file():
            data = path.read_bytes()
            found = SECRETS.search(data)
            assert found is None, f"{found} in {path}"
            files, size = files + 1, size + len(data)
    return files, size


PAIRS = {False: ("--pairs", "2"), True: ("--pairs", "4")}
"""How many talk, in the gate and at full length."""


def start_again(worker: WorkerProcess) -> None:
    worker.start()
    worker.wait_until_ready()


def test_a_thief_of_the_disk_finds_nothing_whenever_he_takes_it(worker: WorkerProcess, full: bool) -> None:
    rounds = 20 if full else 2
    moment = random.Random()
    looked = []
    with node(worker, "conversation.mjs", "--stop", "under-way", "--rounds", str(rounds), *PAIRS[full]) as program:
        for _ in range(rounds):
            for _ in range(moment.randint(1, 40 if full else 12)):
                program.wait_for("said")
            time.sleep(moment.uniform(0, 0.01))  # not a wait: somewhere inside of a message, not at its end
            worker.kill()
            looked.append(look_through(worker.store))
            program.wait_for("interrupted")
            start_again(worker)
            program.go_on()
        result = assert_nothing_was_lost(program)
    with node(worker, "pairing.mjs", "--accounts", "1", *(("--contacts", "300") if full else ())) as program:
        assert_nothing_was_lost(program)
    groups = ask(worker, "GET", "/admin/groups")
    ask(worker, "DELETE", f"/admin/groups/{groups[0]}")
    assert worker.terminate() == 0
    looked.append(look_through(worker.store))
    names = [str(path.relative_to(worker.store)) for path in worker.store.rglob("*")]
    assert not [name for name in names for group in groups if group in name]
    files, size = looked[-1]
    show_figure(
        f"encrypted: {result['values']} values, {result['messages']} messages, killed {rounds} times; {files} files of "
        f"{size / 2**20:.1f} MiB hold no secret, no phone number and no name"
    )


def test_keys_are_exchanged_under_load_and_nothing_is_left_under_the_old_one(
    worker: WorkerProcess, key_file: Path, full: bool
) -> None:
    rounds = 12 if full else 3
    old = first_key(key_file)
    with node(worker, "conversation.mjs", "--stop", "under-way", "--rounds", str(rounds), *PAIRS[full]) as program:
        for number in range(rounds):
            for _ in range(12):
                program.wait_for("said")
            worker.kill()
            if number == 0:
                make_key(key_file)
            program.wait_for("interrupted")
            start_again(worker)
            ask(worker, "POST", "/admin/encryption/rewrite")
            program.go_on()
        assert_nothing_was_lost(program)
    new = first_key(key_file)
    wait_until_one_key_is_left(worker, new)
    assert worker.terminate() == 0
    left = [path for path in worker.store.rglob("*") if path.is_file() and MARK + old.id in path.read_bytes()]
    assert left == []
    lines = key_file.read_text().splitlines()
    key_file.write_text("\n".join(lines[:-1]))  # the new one alone
    start_again(worker)
    assert worker.terminate() == 0
    show_figure(
        f"encrypted: the key exchanged under load, killed {rounds} times meanwhile: lost 0, nothing left under it"
    )


def first_key(key_file: Path) -> Key:
    ring = find_keys(Source(key_file))
    assert ring is not None
    return ring.keys[0]


def wait_until_one_key_is_left(worker: WorkerProcess, key: Key) -> None:
    end = time.monotonic() + 60
    while ask(worker, "GET", "/admin/encryption")["keys"] != [key.name]:
        assert time.monotonic() < end, ask(worker, "GET", "/admin/encryption")
        ask(worker, "POST", "/admin/encryption/rewrite")
        time.sleep(0.2)
