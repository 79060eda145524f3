"""The clients' own code against a real worker: axios for the calls, Baileys' Signal code for what is stored.

Every version of Baileys that `tests/node/package.json` pins goes through all of it with `--full`. Without, the newest
does, and the others through what depends most on a version; the conversations are shorter, and less is killed.
"""

from __future__ import annotations

import json
import random
import shutil
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

import pytest

from sessionworker.names import KEY_TYPES
from tests.process import NODE_PROGRAMS, NodeProgram, WorkerProcess
from tests.tools import show_figure

pytestmark = pytest.mark.usefixtures("node_client")

PINNED = json.loads((NODE_PROGRAMS / "package.json").read_text())["dependencies"]
VERSIONS = {
    alias.removeprefix("baileys-"): package.removeprefix("npm:baileys@")
    for alias, package in PINNED.items()
    if alias.startswith("baileys-")
}
"""What a version of Baileys is called in the tests' programs -> the exact version."""

NEWEST = [*VERSIONS][-1]

every_version = pytest.mark.every_version
"""What all versions go through in any case."""

LOSSES = {"lost": 0, "identities": 0, "missing": [], "failures": 0}


@pytest.fixture(scope="module")
def tallies() -> Iterator[dict[str, Counter[str]]]:
    """Version of Baileys -> what was compared, survived and lost; shown in one line each, and one for all."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    yield counts
    for version, count in [*counts.items(), ("in all", sum(counts.values(), Counter()))]:
        show_figure(
            f"real client, Baileys {version}: {count['values']} values compared, {count['messages']} messages, worker "
            f"killed {count['kills']} times, lost {count['lost']}, identities lost {count['identities']}"
        )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Let a test have each version of Baileys that it is for."""
    if "client" in metafunc.fixturenames:
        is_for_all = metafunc.config.getoption("--full") or metafunc.definition.get_closest_marker("every_version")
        metafunc.parametrize("client", VERSIONS if is_for_all else [NEWEST], indirect=True)


class Client:
    """One version of Baileys against one worker."""

    def __init__(self, name: str, worker: WorkerProcess, tally: Counter[str]) -> None:
        self.name = name
        self.worker = worker
        self._tally = tally

    def run(self, script: str, *arguments: str, token: str | None = "") -> NodeProgram:
        """Start a program, with the worker's token or another one, or with none at all."""
        worker = self.worker
        token = worker.token if token == "" else token
        return NodeProgram(NODE_PROGRAMS / script, worker.url, token, *arguments, baileys=self.name)

    def kill_the_worker(self) -> None:
        self.worker.kill()
        self._tally["kills"] += 1

    def start_the_worker(self) -> None:
        self.worker.start()
        self.worker.wait_until_ready()

    def survive_a_kill_at(self, program: NodeProgram, pause: str) -> None:
        assert program.wait_for("pause", 120) == pause
        self.kill_the_worker()
        self.start_the_worker()
        program.go_on()

    def assert_nothing_was_lost(self, program: NodeProgram) -> dict[str, Any]:
        result = program.result(300)
        self._tally.update({what: result[what] for what in ("values", "messages", "identities")})
        self._tally["lost"] += result["lost"] + len(result["missing"])
        assert {what: result[what] for what in LOSSES} == LOSSES, program.output
        assert result["baileys"] == VERSIONS[self.name]
        assert program.wait_until_ended() == 0
        return result


@pytest.fixture
def client(request: pytest.FixtureRequest, worker: WorkerProcess, tallies: dict[str, Counter[str]]) -> Client:
    return Client(request.param, worker, tallies[VERSIONS[request.param]])


def test_an_api_starts_with_the_right_token_alone_and_no_other_ever_makes_an_identity(client: Client) -> None:
    for token in (f"{client.worker.token}x", None):
        with client.run("start.mjs", "account", token=token) as program:
            assert "401" in program.wait_for("refused")
            assert program.wait_until_ended() == -9  # by its own hand, as both APIs
    assert not (client.worker.store / "start").exists()
    with client.run("start.mjs", "account") as program:
        assert program.read_line() == "started"
        assert "401" in program.wait_for("another token: refused")
        assert "401" in program.wait_for("no token: refused")
        assert program.read_line() == "the right token: fresh"
        assert program.read_line() == "again: known"
        client.assert_nothing_was_lost(program)


def test_two_accounts_talk_and_do_not_notice_that_the_worker_is_killed_and_stopped_between_messages(
    client: Client, full: bool
) -> None:
    messages, reload_every = (240, 20) if full else (18, 6)
    arguments = ("--messages", str(messages), "--reload-every", str(reload_every), "--stop", "between")
    with client.run("conversation.mjs", *arguments) as program:
        for number in range(reload_every, messages, reload_every):
            assert program.wait_for("pause") == f"pause {number}"
            if number // reload_every % 2:
                client.kill_the_worker()
            else:
                assert client.worker.terminate() == 0
            client.start_the_worker()
            program.go_on()
        result = client.assert_nothing_was_lost(program)
    assert result["messages"] == 3 * messages
    assert result["values"] > 10


@every_version
def test_a_worker_killed_while_messages_are_under_way_keeps_all_it_acknowledged(client: Client, full: bool) -> None:
    rounds, pairs = (20, "4") if full else (2, "2")
    moment = random.Random()
    with client.run("conversation.mjs", "--stop", "under-way", "--rounds", str(rounds), "--pairs", pairs) as program:
        for number in range(1, rounds + 1):
            for _ in range(moment.randint(1, 40 if full else 12)):
                program.wait_for("said")
            time.sleep(moment.uniform(0, 0.01))  # not a wait: somewhere inside of a message, not at its end
            client.kill_the_worker()
            assert program.wait_for("interrupted") == f"interrupted {number}"
            client.start_the_worker()
            program.go_on()
        result = client.assert_nothing_was_lost(program)
    assert result["interruptions"] == rounds
    assert result["messages"] > 0


def test_a_worker_killed_while_accounts_are_paired_keeps_all_it_acknowledged_and_who_they_are(
    client: Client, full: bool
) -> None:
    rounds = 10 if full else 1
    accounts = 2 if full else 1
    size = ("--contacts", "300", "--members", "40") if full else ("--contacts", "40", "--members", "6")
    moment = random.Random()
    arguments = ("--stop", "under-way", "--rounds", str(rounds), "--accounts", str(accounts), *size)
    with client.run("pairing.mjs", *arguments) as program:
        for number in range(1, rounds + 1):
            program.wait_for("round", 120)
            for _ in range(moment.randint(1, 6 * accounts)):
                program.wait_for("step")
            time.sleep(moment.uniform(0, 0.3))  # not a wait: somewhere inside of a step
            client.kill_the_worker()
            assert program.wait_for("interrupted", 120) == f"interrupted {number}"
            client.start_the_worker()
            program.go_on()
        result = client.assert_nothing_was_lost(program)
    assert result["interruptions"] == rounds
    assert result["messages"] > 0
    assert result["values"] > 812 * rounds * accounts


@every_version
def test_every_type_of_key_comes_back_and_goes_under_every_id_even_if_the_worker_is_killed_between(
    client: Client, full: bool
) -> None:
    every = 1 if full or client.name == NEWEST else 5
    with client.run("values.mjs", str(every)) as program:
        types = program.wait_for("types").split()[1:]
        client.survive_a_kill_at(program, "pause written")
        client.survive_a_kill_at(program, "pause deleted")
        result = client.assert_nothing_was_lost(program)
    assert set(types) <= set(KEY_TYPES), "the worker does not count the files of a type under its name"
    assert result["values"] > 100 / every * len(KEY_TYPES)


def test_a_client_that_writes_after_its_logout_brings_nothing_back_and_can_be_paired_again(client: Client) -> None:
    with client.run("logout.mjs") as program:
        client.survive_a_kill_at(program, "pause dropped")
        client.survive_a_kill_at(program, "pause paired")
        client.assert_nothing_was_lost(program)


def test_a_lost_key_and_a_lost_identity_do_not_escape_the_client(client: Client) -> None:
    """The other tests here would prove nothing with a client that notices nothing."""
    worker = client.worker
    with client.run("conversation.mjs", "--messages", "2", "--reload-every", "1", "--stop", "between") as program:
        program.wait_for("pause 1")
        assert worker.terminate() == 0
        alice = next((worker.store / "conversation").glob("*-alice"))
        bob = next((worker.store / "conversation").glob("*-bob"))
        (bob / "pre-key-9").unlink()
        shutil.copyfile(alice / "creds", bob / "creds")
        client.start_the_worker()
        program.go_on()
        result = program.result()
        assert result["identities"] == 1
        assert f"{bob.name}/pre-key-9" in result["missing"]
        assert program.wait_until_ended() == 1
