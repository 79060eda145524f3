"""A cluster of PostgreSQL that Patroni leads, with an etcd: failovers that nobody acts.

Debian has both programs: `patroni` and `etcd-server`.
"""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote
from urllib.request import urlopen

from tests.ports import free_port
from tests.postgres.network import Machine, Network
from tests.postgres.processes import children_of, descendants_of, has_ended, send, stop, wait_until_ended
from tests.postgres.room import Room

PROGRAMS = PATRONI, ETCD = "/usr/bin/patroni", "/usr/bin/etcd"

TTL_SECONDS = 6
"""How long a leader that says nothing more stays the leader. Patroni's own default is 30."""

HERE = "127.0.0.1"

POLL_SECONDS = 0.05


def dcs(ttl: int = TTL_SECONDS) -> dict[str, Any]:
    """Return what all members of a cluster have in common: nothing that was acknowledged may be lost."""
    return {
        "ttl": ttl,
        "loop_wait": 1,
        "retry_timeout": 2,
        "synchronous_mode": True,
        "synchronous_mode_strict": True,
        "primary_start_timeout": 0,
        "maximum_lag_on_failover": 1024 * 1024,
        "postgresql": {
            "use_pg_rewind": True,
            # A machine that cannot be rewound is made anew.
            "remove_data_directory_on_rewind_failure": True,
            "remove_data_directory_on_diverged_timelines": True,
            "parameters": _PARAMETERS,
        },
    }


_PARAMETERS = {
    "fsync": "off",  # nothing here outlives the machine
    "shared_buffers": "16MB",
    "dynamic_shared_memory_type": "mmap",
    "max_connections": 60,
    "wal_log_hints": "on",  # for pg_rewind
    "wal_keep_size": "256MB",
    "wal_retrieve_retry_interval": "200ms",
}


def _network_of(machine: Machine | None) -> Path | None:
    return None if machine is None else machine.namespace


class Etcd:
    """The one member of an etcd. As a context manager it runs inside."""

    def __init__(self, room: Room, machine: Machine | None = None) -> None:
        """Make it in `room`, and on a machine of a network, if one is given."""
        self.room = room
        self.folder = room.new_folder()
        self.machine = machine
        self.host = HERE if machine is None else machine.address
        self.port = free_port()
        self.pid = 0

    def __enter__(self) -> Self:
        """Start it."""
        own, peers = f"http://{self.host}:{self.port}", f"http://{self.host}:{free_port()}"
        options = {
            "data-dir": self.folder / "data",
            "listen-client-urls": own,
            "advertise-client-urls": own,
            "listen-peer-urls": peers,
            "initial-advertise-peer-urls": peers,
            "initial-cluster": f"default={peers}",
            "enable-v2": "true",
            "log-level": "error",
        }
        words = [f"--{name}={value}" for name, value in options.items()]
        self.pid = self.room.start(self.folder / "log", ETCD, *words, network=_network_of(self.machine))
        return self

    def __exit__(self, *exception: object) -> None:
        """Kill it."""
        send(signal.SIGKILL, [self.pid])
        wait_until_ended([self.pid], 10)


class Node:
    """A machine with a PostgreSQL and its Patroni."""

    def __init__(self, room: Room, etcd: Etcd, number: int, ttl: int, machine: Machine | None = None) -> None:
        """Make one in `room`, and on a machine of a network, if one is given."""
        self.room = room
        self.machine = machine
        self.host = HERE if machine is None else machine.address
        self.name = f"node{number}"
        self.folder = room.new_folder()
        self.port, self._rest = free_port(), free_port()
        self._log = self.folder / "log"
        self._config = self.folder / "patroni.json"  # which is YAML
        self._patroni = 0
        self._config.write_text(json.dumps(self._settings(etcd, ttl)))

    def _settings(self, etcd: Etcd, ttl: int) -> dict[str, Any]:
        rest, place, password = f"{self.host}:{self._rest}", f"{self.host}:{self.port}", self.room.password
        return {
            "scope": "sessionworker",
            "name": self.name,
            "restapi": {"listen": rest, "connect_address": rest},
            # Not etcd3: Patroni 3.0 believes for ever what it remembers of that, if it has stood still for a while.
            "etcd": {"host": f"{etcd.host}:{etcd.port}"},
            "bootstrap": {
                "dcs": dcs(ttl),
                "initdb": [{"encoding": "UTF8"}, {"locale": "C"}, {"auth": "scram-sha-256"}, "no-sync"],
            },
            "postgresql": {
                "listen": place,
                "connect_address": place,
                "data_dir": str(self.folder / "data"),
                "bin_dir": str(self.room.programs / "bin"),
                "pgpass": str(self.folder / "pgpass"),
                "authentication": {
                    "superuser": {"username": "postgres", "password": password},
                    "replication": {"username": "replicator", "password": password},
                },
                "parameters": {"unix_socket_directories": str(self.folder)},
                "pg_hba": ["local all,replication all trust", "host all,replication all 0.0.0.0/0 scram-sha-256"],
            },
        }

    def start(self) -> None:
        """Start its Patroni, which starts the rest."""
        self._patroni = self.room.start(self._log, PATRONI, str(self._config), network=_network_of(self.machine))

    @property
    def log(self) -> str:
        """All that its Patroni has said."""
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    @property
    def _postmaster(self) -> int:
        with suppress(FileNotFoundError, ValueError, IndexError):
            pid = int((self.folder / "data" / "postmaster.pid").read_text().split()[0])
            return 0 if has_ended(pid) else pid
        return 0

    @property
    def _processes(self) -> list[int]:
        first = [pid for pid in (self._patroni, self._postmaster) if pid]
        return list(dict.fromkeys(one for pid in first for one in (pid, *descendants_of(pid))))

    def kill(self) -> None:
        """Let the machine lose its power."""
        self.pause()
        pids = self._processes
        send(signal.SIGKILL, pids)
        wait_until_ended(pids, 10)

    def kill_database(self) -> None:
        """Kill PostgreSQL alone; Patroni sees it."""
        pid = self._postmaster
        assert pid
        stop([pid])
        pids = [pid, *children_of(pid)]
        send(signal.SIGKILL, pids)
        wait_until_ended(pids, 10)

    def pause(self) -> None:
        """Let the machine stand still: connections stay, and nothing answers."""
        stop([self._patroni])
        if self._postmaster:
            stop([self._postmaster])
        stop(self._processes)

    def go_on(self) -> None:
        """Let it go on after `pause`."""
        send(signal.SIGCONT, reversed(self._processes))

    @property
    def role(self) -> str:
        """What it is now, by its own word; empty if it says nothing."""
        return str(self._ask("patroni").get("role", ""))

    @property
    def members(self) -> list[dict[str, str]]:
        """What it knows of all members."""
        found: list[dict[str, str]] = self._ask("cluster").get("members", [])
        return found

    def _ask(self, path: str) -> dict[str, Any]:
        with suppress(OSError, ValueError), urlopen(f"http://{self.host}:{self._rest}/{path}", timeout=2) as answer:
            found: dict[str, Any] = json.load(answer)
            return found
        return {}


class Cluster:
    """Some machines, of which one leads. As a context manager it runs inside."""

    def __init__(self, room: Room, count: int = 3, ttl: int = TTL_SECONDS, network: Network | None = None) -> None:
        """Make it in `room`, and each part of it on a machine of a network, if one is given; `ttl` is in seconds."""
        self.room = room
        machines = [None if network is None else network.add() for _ in range(count + 1)]
        self.etcd = Etcd(room, machines.pop())
        self.nodes = [Node(room, self.etcd, number, ttl, machine) for number, machine in enumerate(machines)]
        for node in self.nodes:
            room.hand_over(node.folder / "patroni.json")

    def __enter__(self) -> Self:
        """Start it, and wait until all is as it should be."""
        self.etcd.__enter__()
        for node in self.nodes:
            node.start()
        self.wait_until_whole(90)
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        """Kill all of it. An error that passes gets the logs as notes."""
        for node in self.nodes:
            if error is not None:
                error.add_note(f"{node.name}, {node.role}:\n{node.log[-3000:]}")
            node.kill()
        self.etcd.__exit__()

    def url(self, database: str = "postgres") -> str:
        """Return where the cluster is, whoever leads it."""
        places = ",".join(f"{node.host}:{node.port}" for node in self.nodes)
        return f"postgresql://postgres:{quote(self.room.password)}@{places}/{database}?connect_timeout=2"

    @property
    def leader(self) -> Node | None:
        """Who leads, by its own word and by that of all others."""
        for node in self.nodes:
            if node.role in {"master", "primary"}:
                names = {one["name"] for other in self.nodes for one in other.members if one["role"] == "leader"}
                return node if names == {node.name} else None
        return None

    def wait_for_leader(self, *, but: Node | None = None, seconds: float = 60) -> Node:
        """Wait until one leads, and that another one, if one is given."""
        found: list[Node] = []

        def is_led() -> bool:
            found[:] = [one for one in [self.leader] if one is not None and one is not but]
            return bool(found)

        self._wait(is_led, seconds)
        return found[0]

    def wait_until_whole(self, seconds: float = 60) -> None:
        """Wait until one leads, all others follow it, and one of them has all that is acknowledged."""

        def is_whole() -> bool:
            leader = self.leader
            members = leader.members if leader else []
            roles = [one["role"] for one in members if one["state"] in {"running", "streaming"}]
            return len(roles) == len(self.nodes) and "sync_standby" in roles

        self._wait(is_whole, seconds)

    def _wait(self, is_so: Callable[[], bool], seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not is_so():
            if time.monotonic() > deadline:
                raise TimeoutError(f"not so after {seconds} s")
            time.sleep(POLL_SECONDS)
