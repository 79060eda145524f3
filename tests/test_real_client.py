"""The clients' own code against a real worker: axios for the calls, Baileys' Signal code for what is stored."""

from __future__ import annotations

import random
import shutil
import time
from typing import Any

import pytest

from tests.process import NODE_PROGRAMS, NodeProgram, WorkerProcess
from tests.tools import show_figure

CONVERSATION = NODE_PROGRAMS / "conversation.mjs"


pytestmark = pytest.mark.usefixtures("node_client")


def converse(worker: WorkerProcess, *arguments: str) -> NodeProgram:
    return NodeProgram(CONVERSATION, worker.url, worker.token, *arguments)


def assert_nothing_was_lost(program: NodeProgram) -> dict[str, Any]:
    result = program.result(120)
    losses = {what: result[what] for what in ("lost", "identities", "missing", "failures")}
    assert losses == {"lost": 0, "identities": 0, "missing": [], "failures": 0}, program.output
    assert result["messages"] > 0
    assert result["keys"] > 0
    assert program.wait_until_ended() == 0
    return result


def test_two_accounts_talk_and_every_value_of_baileys_comes_back(worker: WorkerProcess) -> None:
    with converse(worker, "--messages", "100") as program:
        assert_nothing_was_lost(program)


@pytest.mark.parametrize("end", ["kill", "terminate"])
def test_a_client_does_not_notice_that_the_worker_was_stopped_and_started_between_messages(
    worker: WorkerProcess, end: str
) -> None:
    with converse(worker, "--messages", "60", "--reload-every", "15", "--stop", "between") as program:
        for pause in ("pause 15", "pause 30", "pause 45", "pause values"):
            assert program.wait_for("pause") == pause
            if end == "kill":
                worker.kill()
            else:
                assert worker.terminate() == 0
            worker.start()
            worker.wait_until_ready()
            program.go_on()
        assert_nothing_was_lost(program)


def test_a_worker_killed_while_messages_are_under_way_keeps_all_it_acknowledged(worker: WorkerProcess) -> None:
    rounds = 8
    moment = random.Random()
    with converse(worker, "--stop", "under-way", "--rounds", str(rounds), "--pairs", "4") as program:
        for number in range(1, rounds + 1):
            for _ in range(moment.randint(1, 40)):
                program.wait_for("said")
            time.sleep(moment.uniform(0, 0.01))  # not a wait: somewhere inside of a message, not at its end
            worker.kill()
            assert program.wait_for("interrupted") == f"interrupted {number}"
            worker.start()
            worker.wait_until_ready()
            program.go_on()
        result = assert_nothing_was_lost(program)
    assert result["interruptions"] == rounds
    show_figure(
        f"real client, worker killed {rounds} times under 4 conversations: "
        f"{result['messages']} messages, {result['keys']} keys checked, 0 lost"
    )


def test_a_lost_key_and_a_lost_identity_do_not_escape_the_client(worker: WorkerProcess) -> None:
    """The other tests here would prove nothing with a client that notices nothing."""
    with converse(worker, "--messages", "2", "--reload-every", "1", "--stop", "between") as program:
        program.wait_for("pause 1")
        assert worker.terminate() == 0
        alice = next((worker.store / "conversation").glob("*-alice"))
        bob = next((worker.store / "conversation").glob("*-bob"))
        (bob / "pre-key-9").unlink()
        shutil.copyfile(alice / "creds", bob / "creds")
        worker.start()
        worker.wait_until_ready()
        program.go_on()
        program.wait_for("pause values")
        program.go_on()
        result = program.result()
        assert result["identities"] == 1
        assert f"{bob.name}/pre-key-9" in result["missing"]
        assert program.wait_until_ended() == 1
