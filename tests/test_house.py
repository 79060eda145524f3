"""How the parts hang together: who imports whom, and how long a module may be."""

from __future__ import annotations

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
PACKAGE = REPOSITORY / "sessionworker"

MOST_LINES = 300

FLOORS = (
    (
        "errors",
        "names",
        "file_names",
        "values",
        "json_members",
        "disk",
        "wire",
        "version",
        "events",
        "logs",
        "access",
        "process",
        "certificates",
    ),
    ("stores.rules", "stores.seal", "stores.seals", "stores.copied"),
    ("stores.changes",),
    ("stores.interface", "stores.transfer", "stores.copying"),
    ("stores.files", "stores.postgres"),
    ("turns",),
    ("holding",),
    ("offload",),
    ("checks",),
    ("options",),
    ("http", "client", "settings", "doorbell", "healthcheck"),
    ("tokens", "keys", "command_line", "web", "migration", "webhook"),
    ("tokens_in_force", "page"),
    ("commands", "opening"),
    ("service",),
)
"""From the ground up. A module is on the floor of the longest name here that its own begins with."""


def modules() -> dict[str, Path]:
    found = {}
    for path in PACKAGE.rglob("*.py"):
        name = ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix("__init__").rstrip(".")
        found[name] = path
    return found


MODULES = modules()


def imports_of(name: str) -> set[str]:
    """The modules of the package that one imports, wherever in it that stands, what is for types alone included."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(MODULES[name].read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            found |= {f"{node.module}.{alias.name}" for alias in node.names} | {node.module or ""}
    inner = {one.removeprefix("sessionworker.") for one in found if one.startswith("sessionworker.")}
    return (inner & MODULES.keys()) - {""}


def floor_of(name: str) -> int:
    """How high a module stands."""
    floors = {part: floor for floor, parts in enumerate(FLOORS) for part in parts}
    names = [part for part in floors if f"{name}.".startswith(f"{part}.")]
    return floors[max(names, key=len)]


def test_every_module_has_a_floor() -> None:
    without = [name for name in MODULES if name not in {"", "stores"} and not _has_floor(name)]
    assert without == []


def _has_floor(name: str) -> bool:
    return any(f"{name}.".startswith(f"{part}.") for parts in FLOORS for part in parts)


@pytest.mark.parametrize("name", sorted(MODULES))
def test_no_module_is_too_long_to_read_at_once(name: str) -> None:
    assert len(MODULES[name].read_text().splitlines()) <= MOST_LINES


def test_no_module_of_tests_and_benchmarks_is_too_long_either() -> None:
    paths = [path for folder in ("tests", "benchmarks") for path in (REPOSITORY / folder).rglob("*.py")]
    ours = [path for path in paths if "node_modules" not in path.parts]
    assert len(ours) > 100
    assert [path for path in ours if len(path.read_text().splitlines()) > MOST_LINES] == []


def test_no_imports_go_in_a_circle() -> None:
    TopologicalSorter({name: imports_of(name) for name in MODULES}).prepare()  # raises CycleError


def test_nothing_is_imported_for_types_alone() -> None:
    """What is hidden so is a circle, or could stand above."""
    assert [name for name, path in MODULES.items() if "TYPE_CHECKING" in path.read_text()] == []


@pytest.mark.parametrize("name", sorted(MODULES.keys() - {"", "stores"}))
def test_nothing_imports_what_stands_above_it(name: str) -> None:
    above = [other for other in imports_of(name) if other != "stores" and floor_of(other) > floor_of(name)]
    assert above == []


MAY = ("copy", "database", "doctor")
"""Commands that know stores."""


@pytest.mark.parametrize("store", ["stores.files", "stores.postgres"])
def test_nothing_but_the_service_that_builds_it_and_what_copies_or_examines_one_knows_a_store(store: str) -> None:
    know = {name for name in MODULES if any(other.startswith(store) for other in imports_of(name))}
    assert {name for name in know if not name.startswith(store)} - {f"commands.{who}" for who in MAY} == {"service"}


def test_the_machine_knows_no_route_no_token_no_store_and_no_metrics() -> None:
    for name in MODULES:
        if name.startswith("http"):
            assert {other.partition(".")[0] for other in imports_of(name)} <= {"http", "errors", "wire"}, name
            text = MODULES[name].read_text()
            assert "/session" not in text, name
            assert "apikey" not in text, name


def test_the_client_knows_nothing_of_the_servers_insides() -> None:
    for name in MODULES:
        if name.startswith("client"):
            assert {other.partition(".")[0] for other in imports_of(name)} <= {
                "client",
                "errors",
                "json_members",
                "values",
                "wire",
            }, name


def test_a_store_is_plain_python() -> None:
    """Neither Twisted nor HTTP in it: so it can be simulated, and another program can use it."""
    for name in MODULES:
        if name.startswith("stores"):
            text = MODULES[name].read_text()
            assert "twisted" not in text, name
            assert not any(other.startswith(("web", "http")) for other in imports_of(name)), name


def test_the_rules_ask_no_disk() -> None:
    for name in MODULES:
        if name.startswith("stores.rules"):
            nodes = ast.walk(ast.parse(MODULES[name].read_text()))
            imported = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
            assert imported.isdisjoint({"os", "pathlib", "time", "threading"}), name
            assert "disk" not in imports_of(name)
