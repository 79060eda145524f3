"""A folder goes from session-manager to the worker and back, whatever the names in it are: each stays its own.

session-manager makes the folder of an instance under the name that it is told in a body, and finds it, and the keys,
under the path of a request with its escapes undone.
"""

from __future__ import annotations

import json
from contextlib import nullcontext
from pathlib import Path

import pytest

from sessionworker.names import SessionFile
from tests.contract.words import creds
from tests.defects.test_folders import unreadable
from tests.files.old_names import (
    FILES,
    GROUP,
    INSTANCE,
    NAMES,
    NOT_SAID_TO_NODE,
    Api,
    api,
    as_a_component,
    as_node_does,
    files_of,
    found_by_session_manager,
    leave,
    values_of,
)
from tests.files.words import contents, session_files
from tests.memory import Worker


def test_every_name_is_its_own_there_and_back_and_there_again(folder: Path) -> None:
    values = values_of(1)
    leave(folder, values)
    with api(folder) as first:
        assert first.read_all() == values
        for place, file in enumerate(FILES):
            match place % 3:
                case 0:
                    values[file] = values_of(2)[file]
                    assert first.ask("POST", *file, body={"data": values[file].decode()}) == (204, b"")
                case 1:
                    del values[file]
                    assert first.ask("DELETE", *file) == (200, b"null")
        assert first.read_all() == values
    assert found_by_session_manager(folder) == values

    written = {file: value for place, (file, value) in enumerate(values_of(3).items()) if place % 2}
    values.update(written)
    leave(folder, written)
    with api(folder) as second:
        assert second.read_all() == values
    assert found_by_session_manager(folder) == values


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_a_name_that_is_new_has_the_file_that_session_manager_looks_for(folder: Path, name: str) -> None:
    with api(folder) as first:
        for file in files_of(name):
            assert first.connect(file) == (204, 204)
            assert first.ask("POST", *file, body={"data": "{}"}) == (204, b"")
            assert first.ask("GET", *file) == (200, b"{}")
        assert json.loads(first.ask("GET", GROUP, "list-instances")[1]) == sorted({INSTANCE, name})
    assert found_by_session_manager(folder) == dict.fromkeys(files_of(name), b"{}")


def test_names_that_an_earlier_version_escaped_without_need_are_their_own_again(folder: Path) -> None:
    leave(folder, {SessionFile("100%25", "a%25C3", "%252E"): b"1"})
    file = SessionFile("100%", "a%C3", "%2E")
    with api(folder) as asked:
        assert asked.connect(file) == (204, 204)
        assert asked.ask("GET", *file) == (200, b"1")
        assert asked.ask("POST", *file, body={"data": "2"}) == (204, b"")
    assert found_by_session_manager(folder) == {file: b"2"}


def test_a_client_that_escapes_nothing_finds_what_its_url_can_say(folder: Path) -> None:
    leave(folder, values_of(1))
    said = {file: value for file, value in values_of(1).items() if not any(map(NOT_SAID_TO_NODE.search, file))}
    assert len(said) > len(FILES) / 2
    with Worker(folder) as worker:
        for file, value in said.items():
            assert worker.ask("GET", "/".join(["/session", *map(as_node_does, file)])).body == value


@pytest.mark.parametrize("where", ["group", "instance"])
@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_what_is_dropped_under_a_name_and_brought_back_has_its_name_again(folder: Path, name: str, where: str) -> None:
    file = SessionFile(name, INSTANCE, "creds") if where == "group" else SessionFile(GROUP, name, "creds")
    leave(folder, {file: creds(1)})
    with Worker(folder) as worker:
        asked = Api(worker)
        assert asked.ask("DELETE", file.group, file.instance) == (200, b"null")
        assert asked.ask("GET", *file)[0] == 404
        assert found_by_session_manager(folder) == {}
        [dropped] = worker.ask("GET", "/admin/drops").json
        assert (dropped["group"], dropped["instance"]) == file[:2]
        path = "/".join(["/admin/drops", *map(as_a_component, (*file[:2], dropped["drop"])), "restore"])
        assert worker.ask("POST", path).status == 204
    assert found_by_session_manager(folder) == {file: creds(1)}


# What cannot be held


EVERYWHERE = ("group", "instance", "key")
REFUSED = {
    "nothing": ("", EVERYWHERE),
    "one dot": (".", EVERYWHERE),
    "two dots": ("..", EVERYWHERE),
    "two dots in a key": ("a/../b", EVERYWHERE),
    "NUL": ("a\0b", EVERYWHERE),
    "256 bytes": ("x" * 256, EVERYWHERE),
    "128 letters of two bytes": ("é" * 128, EVERYWHERE),
    "255 bytes that need escapes of their own": ("%20" * 85, EVERYWHERE),
    "slashes that need too many": ("/" * 86, EVERYWHERE),
    "a slash": ("a/b", ("group", "instance")),  # a key may have them, though session-manager finds none of those
    "a lone surrogate": ("a\ud83d", ("group", "instance")),  # no path can hold one
}


@pytest.mark.parametrize(
    ("name", "place"),
    [pytest.param(name, place, id=f"{kind} {place}") for kind, (name, places) in REFUSED.items() for place in places],
)
def test_a_name_that_cannot_be_held_is_refused_with_400(folder: Path, name: str, place: str) -> None:
    with api(folder) as asked:
        match place:
            case "group":
                assert asked.ask("POST", body={"group": name})[0] == 400
            case "instance":
                assert asked.ask("POST", GROUP, body={"instance": name})[0] == 400
            case "key":
                assert asked.connect(FILES[0]) == (204, 204)
                for method, body in (("GET", None), ("POST", {"data": "1"}), ("DELETE", None)):
                    assert asked.ask(method, GROUP, INSTANCE, name, body=body)[0] == 400
    assert session_files(folder) == {}


def test_a_path_that_is_no_utf_8_names_nothing(folder: Path) -> None:
    with Worker(folder) as worker:
        for path in ("/session/%FF", "/session/codechat/%FF/creds", "/session/codechat/sales/%FF"):
            assert worker.ask("POST", path, {"instance": "a", "data": "1"}).status == 400


NOT_TAKEN_OVER = {
    "an escaped name": ("a%20b", "instance", (204, 503)),  # it stands for 'a b', as 0.1.0 and others left that
    "an escaped slash": ("a%2Fb", "instance", (204, 503)),
    "the worker's own, nearly": (".sessionworker-1", "instance", (204, 503)),
    "a volume's own": ("lost+found", "instance", (204, 503)),
    "0.1.0's own": (".versions", "instance", (204, 503)),
    "an escaped slash, as a group": ("a%2Fb", "group", (503, 503)),
    "the worker's own, nearly, as a group": (".sessionworkers", "group", (503, 503)),
    "0.1.0's own, as a group": (".aside", "group", (503, 503)),
}
"""Names that session-manager can make and that are not read as themselves; how a group and an instance fare then."""


@pytest.mark.parametrize(("name", "place", "statuses"), NOT_TAKEN_OVER.values(), ids=NOT_TAKEN_OVER)
def test_a_folder_that_is_not_taken_for_its_name_is_left_alone_and_its_api_is_stopped(
    folder: Path, name: str, place: str, statuses: tuple[int, int]
) -> None:
    """An empty instance in its place would be a new identity."""
    file = SessionFile(name, INSTANCE, "creds") if place == "group" else SessionFile(GROUP, name, "creds")
    leave(folder, {file: creds(1)})
    with Worker(folder) as worker:
        for _ in range(2):
            assert Api(worker).connect(file) == statuses
            assert Api(worker).ask("GET", *file)[0] == 404
        assert repr(name) in worker.reports[0]
    assert found_by_session_manager(folder) == {file: creds(1)}


KEYS_NOT_TAKEN_OVER = ["a%20b", "a%2Fb", ".sessionworker-1", "lost+found", ".aside"]


@pytest.mark.parametrize("key", KEYS_NOT_TAKEN_OVER)
def test_a_key_that_is_not_taken_for_its_name_holds_nothing_and_its_file_is_kept(folder: Path, key: str) -> None:
    file = SessionFile(GROUP, INSTANCE, key)
    leave(folder, {FILES[0]: creds(1), file: b'"old"'})
    with api(folder) as asked:
        assert asked.connect(file) == (204, 204)
        assert asked.ask("GET", *file)[0] == 404
        assert asked.ask("POST", *file, body={"data": '"new"'}) == (204, b"")
        assert asked.ask("GET", *file) == (200, b'"new"')
    assert sorted(session_files(folder).values()) == sorted([creds(1), b'"old"', b'"new"'])


@pytest.mark.parametrize("is_readable", [True, False], ids=["readable", "unreadable"])
def test_lost_and_found_is_nobody_s_and_a_group_of_that_name_lies_elsewhere(folder: Path, *, is_readable: bool) -> None:
    file = SessionFile("lost+found", INSTANCE, "creds")
    leave(folder, {FILES[0]: creds(1)})
    if is_readable:
        (folder / "lost+found" / "#12").mkdir(parents=True)
    with nullcontext() if is_readable else unreadable(folder, "lost+found"), Worker(folder) as worker:
        assert worker.ask("GET", "/admin/groups").json == [GROUP]
        assert Api(worker).connect(file) == (204, 204)
        assert Api(worker).ask("POST", *file, body={"data": "{}"}) == (204, b"")
        assert Api(worker).ask("GET", *FILES[0]) == (200, creds(1))
    assert contents(folder)["%6Cost+found/sales/creds"] == b"{}"
    assert [path.name for path in (folder / "lost+found").iterdir()] == ["#12"] * is_readable
