"""Two accounts in the midst of a Signal conversation are moved, and moved back, and nobody notices.

Baileys' own code encrypts, decrypts and decides what is stored, in each of four parts: where a program keeps its
accounts; after `sessionworker import`, in the worker, by the APIs' client and then by the npm package; and in the old
form, written back, where there is a target for it. What was sealed before a move is heard after it:
`tests/node/moving.mjs` says what there is.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from sessionworker.client import Client
from sessionworker.commands.endings import Code
from tests.commands.typed import asked
from tests.migration.multi_file import VERSIONS
from tests.migration.old_forms import SOURCES, baileys
from tests.migration.surroundings import Form, Place, Surroundings, WayBack
from tests.npm_package import build_modules
from tests.process import NODE_PROGRAMS, NodeProgram, WorkerProcess
from tests.server import asynchronous
from tests.tools import show_figure

pytestmark = pytest.mark.slow

PARTS, PARTS_WITHOUT_WAY_BACK = 4, 3
WELL = {"lost": 0, "identities": 0, "back": 0, "failures": 0}
NEWEST = VERSIONS[-1]
OF_6 = {
    *("whatsapp_api_redis", "whatsapp_api_redis_1_2", "whatsapp_api_mongo", "evolution_1_redis", "evolution_1_mongo"),
    *("evolution_1_mongo_files", "mysql_baileys", "baileys_store", "ticketz"),
}
"""Programs that were written for Baileys 6."""
SELDOM = {
    *("waha", "openclaw", "unoapi", "unoapi_redis", "baileys_store", "session_manager_node"),
    *("evolution_files", "evolution_all_in_redis", "evolution_mysql", "evolution_mysql_files", "evolution_1_redis"),
    *("evolution_1_mongo", "evolution_1_mongo_files", "whatsapp_api_mongo", "whatsapp_api_redis_1_2"),
}
"""Forms like another one here, in other places and under other names, or that few have: with `--full` alone."""

LOST_BEFORE = {("whatsapp_api_mongo", "6.17")}
"""This version writes the keys of groups as arrays, which MongoDB refuses, and that program does not notice."""

TOLD_OF_SESSION_MANAGER = {"not_objects"}
"""Baileys 7 keeps what its GET does not give back."""

Source = Callable[[Path, Surroundings], Form]
_numbers = count()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Take each source with each version; without `--full`, those that differ most, as they are mostly used."""
    if "source" not in metafunc.fixturenames:
        return
    cases = [
        (source, version) for source in SOURCES for version in VERSIONS if (source.__name__, version) not in LOST_BEFORE
    ]
    if not metafunc.config.getoption("--full"):
        usual = {source: (VERSIONS[0] if source.__name__ in OF_6 else NEWEST) for source in SOURCES}
        cases = [
            (source, version) for source, version in cases if source.__name__ not in SELDOM and version == usual[source]
        ]
        cases.append((baileys, VERSIONS[0]))
    ids = [f"{source.__name__}-{version}" for source, version in cases]
    metafunc.parametrize(("source", "version"), cases, ids=ids)


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorkerProcess]:
    with WorkerProcess(tmp_path_factory.mktemp("worker") / "store") as running:
        yield running


@pytest.fixture(scope="module")
def programs(
    node_client: None, worker: WorkerProcess, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], NodeProgram]]:
    """A program for each version of Baileys, in which all conversations of that version are held."""
    package = tmp_path_factory.mktemp("package")
    build_modules(package)
    started: dict[str, NodeProgram] = {}
    with ExitStack() as stack:

        def start(version: str) -> NodeProgram:
            if version not in started:
                program = NodeProgram(
                    NODE_PROGRAMS / "moving.mjs", worker.url, worker.token, str(package), baileys=version
                )
                started[version] = stack.enter_context(program)
                program.wait_for("ready")
            return started[version]

        yield start


class Conversation:
    """One that is in the midst, wherever it goes on."""

    def __init__(self, program: NodeProgram, worker: WorkerProcess, form: Form, group: str, kept: Path) -> None:
        self._program = program
        self._worker = worker
        self.parts = PARTS if form.way_back else PARTS_WITHOUT_WAY_BACK
        self._asked = {"parts": self.parts, "group": group, "accounts": form.names, "kept": str(kept)}
        self.form = form
        self.group = group
        self.messages: list[int] = []

    def go_on(self, place: Place) -> dict[str, Any]:
        """Hold the next part, and return what came of it."""
        asked = {**self._asked, "part": len(self.messages) + 1, "place": place}
        self._program.go_on(json.dumps(asked))
        result = self._program.result()
        self.messages.append(result["messages"])
        return result

    def go_on_well(self, place: Place) -> None:
        """Hold the next part, of which nothing may be lost."""
        result = self.go_on(place)
        assert {what: result[what] for what in WELL} == WELL, self._program.output
        assert result["messages"] > 0

    def move_in(self) -> None:
        """Import both accounts."""
        words = self.form.words if self.form.has_groups else (*self.form.words, "--group", self.group)
        done = asked(self._worker, "--json", "import", *words)
        assert done.returncode == Code.DONE, done.stdout + done.stderr
        states = {one["instance"]: one["state"] for one in json.loads(done.stdout)["accounts"]}
        assert states == dict.fromkeys(self.form.names.values(), "imported")

    async def move_back(self, way_back: WayBack, client: Client, folder: Path) -> Place:
        """Read both accounts from the worker, whole, write them as they were kept before, and return where that is."""
        target, place = way_back(folder)
        with closing(target):
            for name in self.form.names.values():
                values = await client.read_many(self.group, name, await client.keys(self.group, name))
                held = {key: value for key, value in values.items() if value is not None}
                assert held.keys() == values.keys()
                assert {note.code for note in target.write(name, self.group, held)} <= TOLD_OF_SESSION_MANAGER
        return place


Begin = Callable[[Source, str], Conversation]


@pytest.fixture
def begin(
    request: pytest.FixtureRequest,
    programs: Callable[[str], NodeProgram],
    worker: WorkerProcess,
    tmp_path: Path,
) -> Begin:
    """Begin a conversation where a source keeps its accounts."""

    def begin(source: Source, version: str) -> Conversation:
        group = f"group-{next(_numbers)}"
        folder = tmp_path / "old"
        folder.mkdir()
        form = source(folder, Surroundings(request, group))
        conversation = Conversation(programs(version), worker, form, group, tmp_path / "kept")
        conversation.go_on_well(form.place)
        return conversation

    return begin


@asynchronous
async def test_a_conversation_goes_on_in_the_worker_and_in_the_old_form_where_it_can_be_written(
    source: Source, version: str, begin: Begin, worker: WorkerProcess, tmp_path: Path
) -> None:
    conversation = begin(source, version)
    conversation.move_in()
    conversation.go_on_well({"kind": "worker"})
    conversation.go_on_well({"kind": "package"})
    if conversation.form.way_back:
        (tmp_path / "new").mkdir()
        async with Client(worker.url, worker.token) as client:
            place = await conversation.move_back(conversation.form.way_back, client, tmp_path / "new")
        conversation.go_on_well(place)
    assert len(conversation.messages) == conversation.parts
    heard = " + ".join(map(str, conversation.messages))
    show_figure(
        f"moved conversation, {source.__name__}, Baileys {version}: {heard} messages, lost 0, identities lost 0"
    )


@asynchronous
async def test_a_session_that_did_not_come_along_is_noticed(begin: Begin, worker: WorkerProcess) -> None:
    conversation = begin(baileys, NEWEST)
    conversation.move_in()
    async with Client(worker.url, worker.token) as client:
        [session, *_] = await client.keys(conversation.group, "bob", "session-5511900000001")
        await client.delete(conversation.group, "bob", session)
    result = conversation.go_on({"kind": "worker"})
    assert result["lost"] > 0
    assert result["identities"] == 0


def test_a_ratchet_that_moved_on_after_the_import_is_noticed(begin: Begin) -> None:
    """The API was not stopped."""
    conversation = begin(baileys, NEWEST)
    conversation.move_in()
    conversation.go_on_well(conversation.form.place)
    result = conversation.go_on({"kind": "worker"})
    assert result["lost"] > 0
    assert result["identities"] == 0


@asynchronous
async def test_another_identity_is_noticed(begin: Begin, worker: WorkerProcess) -> None:
    conversation = begin(baileys, NEWEST)
    conversation.move_in()
    async with Client(worker.url, worker.token) as client:
        creds = await client.read(conversation.group, "alice", "creds")
        await client.write(conversation.group, "bob", "creds", creds or b"")
    assert conversation.go_on({"kind": "worker"})["identities"] == 1
