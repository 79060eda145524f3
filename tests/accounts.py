"""Accounts that change all that they have, one call after another, and know what was acknowledged."""

from __future__ import annotations

import http.client
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from sessionworker.stores.rules.creds import read_creds
from tests.process import WorkerProcess

GROUP = "storm"

KEYS = ["pre-key-1", "session-5511999999999.0", "app-state-sync-key-AA/b+=", "lid-mapping-55", "sender-key-1::2"]


class Interrupted(Exception):
    """A call brought no answer: the worker was killed."""


class Caller:
    """One connection to the worker, kept from call to call."""

    def __init__(self, worker: WorkerProcess) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", worker.port, timeout=20)
        self._headers = {"apikey": worker.token, "Content-Type": "application/json"}

    def call(self, method: str, path: str, body: Any = None) -> tuple[int, bytes]:
        try:
            data = None if body is None else json.dumps(body)
            self._connection.request(method, path, data, self._headers)
            answer = self._connection.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise Interrupted from error

    def get(self, path: str) -> Any:
        status, body = self.call("GET", path)
        assert status == 200, (path, status, body)
        return json.loads(body)

    def close(self) -> None:
        self._connection.close()


@contextmanager
def calling(worker: WorkerProcess) -> Iterator[Caller]:
    caller = Caller(worker)
    try:
        yield caller
    finally:
        caller.close()


@dataclass(frozen=True)
class Instance:
    """What an instance holds: the value of each key, and the newest `creds` of each identity that it ever had."""

    values: Mapping[str, bytes] = field(default_factory=dict)
    identities: Mapping[str, bytes] = field(default_factory=dict)

    def with_value(self, key: str, value: bytes | None) -> Instance:
        values = {**self.values, key: value} if value is not None else _without(self.values, key)
        creds = read_creds(value) if key == "creds" and value is not None else None
        identities = {**self.identities, creds.identity: value} if creds and value is not None else self.identities
        return Instance({name: kept for name, kept in values.items() if kept is not None}, identities)


@dataclass(frozen=True)
class State:
    """What an account has: its instances by name, and what it dropped, oldest first, under the name that it had."""

    instances: Mapping[str, Instance] = field(default_factory=dict)
    drops: tuple[tuple[str, Instance], ...] = ()

    def as_seen(self) -> tuple[dict[str, Any], list[tuple[str, int, int]]]:
        """What the worker tells of it: of instances everything, of drops the name and how many files and bytes."""
        instances = {
            name: {
                "values": dict(instance.values),
                "identities": {identity: len(value) for identity, value in instance.identities.items()},
            }
            for name, instance in self.instances.items()
        }
        drops = [(name, len(drop.values), sum(map(len, drop.values.values()))) for name, drop in self.drops]
        return instances, drops

    def with_instance(self, name: str, instance: Instance) -> State:
        return replace(self, instances={**self.instances, name: instance})

    def dropped(self, name: str) -> State:
        return State(_without(self.instances, name), (*self.drops, (name, self.instances[name])))

    def purged(self, place: int) -> State:
        return replace(self, drops=self.drops[:place] + self.drops[place + 1 :])

    def restored(self, place: int, name: str) -> State:
        instance = self.drops[place][1]
        return State({**self.instances, name: instance}, self.drops[:place] + self.drops[place + 1 :])


def _without(mapping: Mapping[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in mapping.items() if name != key}


def brief(seen: object) -> str:
    """Show it with long values cut short."""
    return re.sub(r"(x{8}|p{8})+", "...", str(seen))


class Account:
    """Makes changes of all kinds to instances of its own, and knows what the worker acknowledged."""

    def __init__(self, number: int, random: Random) -> None:
        self.names = [f"account-{number}", f"account-{number}-b", f"account-{number}-c"]
        self.state = State()
        self.under_way: State | None = None
        self.acknowledged = 0
        self._random = random
        self._count = 0

    def work(self, worker: WorkerProcess) -> None:
        """Make changes until the worker is gone."""
        with calling(worker) as caller:
            try:
                while True:
                    self._change(caller)
            except Interrupted:
                return

    def _change(self, caller: Caller) -> None:
        random, state = self._random, self.state
        kind = random.random()
        free = [name for name in self.names if name not in state.instances]
        if not state.instances and not state.drops:
            self._create(caller, free[0])
        elif state.drops and (not state.instances or kind < 0.05):
            self._restore(caller, random.choice(free))
        elif len(state.drops) > 1 and kind < 0.07:
            self._purge(caller)
        elif 0.07 <= kind < 0.072:
            self._do(caller, "POST", "/admin/checkpoint", None, state)
        elif kind < 0.11:
            name = random.choice(list(state.instances))
            if len(state.instances) + len(state.drops) < 2 and random.random() < 0.7:
                name = free[0]
            self._create(caller, name)
        else:
            self._change_instance(caller, random.choice(list(state.instances)), (kind - 0.11) / 0.89)

    def _change_instance(self, caller: Caller, name: str, kind: float) -> None:
        random, state, instance = self._random, self.state, self.state.instances[name]
        path = f"/session/{GROUP}/{name}"
        if kind < 0.04:
            self._do(caller, "DELETE", path, None, state.dropped(name))
        elif kind < 0.06 and len(instance.identities) > 1:
            self._restore_version(caller, name)
        elif kind < 0.16:
            key = random.choice([*KEYS, "creds"])
            self._do(caller, "DELETE", f"{path}/{key}", None, state.with_instance(name, instance.with_value(key, None)))
        else:
            key, value = random.choice(KEYS), self._value()
            if kind < 0.40:
                key, value = "creds", self._creds(instance)
            after = state.with_instance(name, instance.with_value(key, value))
            self._do(caller, "POST", f"{path}/{key}", {"data": value.decode()}, after)

    def _create(self, caller: Caller, name: str) -> None:
        after = self.state
        if name not in after.instances:
            after = after.with_instance(name, Instance())
        self._do(caller, "POST", f"/session/{GROUP}", {"instance": name}, after)

    def _restore(self, caller: Caller, name: str) -> None:
        place = self._random.randrange(len(self.state.drops))
        drop = self.find_drops(caller)[place]
        path = f"/admin/drops/{GROUP}/{drop['instance']}/{drop['drop']}/restore"
        self._do(caller, "POST", path, {"instance": name}, self.state.restored(place, name))

    def _purge(self, caller: Caller) -> None:
        place = self._random.randrange(len(self.state.drops))
        drop = self.find_drops(caller)[place]
        path = f"/admin/drops/{GROUP}/{drop['instance']}/{drop['drop']}"
        self._do(caller, "DELETE", path, None, self.state.purged(place))

    def _restore_version(self, caller: Caller, name: str) -> None:
        """Make the newest `creds` of any identity the current ones."""
        instance = self.state.instances[name]
        identity = self._random.choice(list(instance.identities))
        path = f"/admin/groups/{GROUP}/instances/{name}/versions"
        version = next(version["version"] for version in caller.get(path) if version["identity"] == identity)
        after = instance.with_value("creds", instance.identities[identity])
        self._do(caller, "POST", f"{path}/{version}/restore", None, self.state.with_instance(name, after))

    def _do(self, caller: Caller, method: str, path: str, body: Any, after: State) -> None:
        self.under_way = after
        status, answer = caller.call(method, path, body)
        assert status in {200, 204}, (method, path, status, answer)
        self.state, self.under_way = after, None
        self.acknowledged += 1

    def _value(self) -> bytes:
        self._count += 1
        size = self._random.choice([0, 20, 200, 2000, 20_000])
        return self._random.choice([b'{"n":%d,"pad":"%s"}', b'[%d,"%s"]', b'"%d%s"']) % (self._count, b"x" * size)

    def _creds(self, instance: Instance) -> bytes:
        """The account's next `creds`; now and then those of a new pairing."""
        self._count += 1
        current = instance.values.get("creds")
        identity = json.loads(current) if current else {"registrationId": self._count}
        if self._random.random() < 0.03 and len(instance.identities) < 5:
            identity = {"registrationId": self._count}
        number = identity["registrationId"]
        creds = {
            "registrationId": number,
            "noiseKey": {"private": f"noise of {self.names[0]} {number}"},
            "signedIdentityKey": {"public": f"key of {self.names[0]} {number}"},
            "nextPreKeyId": self._count,
            "pad": "p" * self._random.randrange(3000),
        }
        return json.dumps(creds).encode()

    # After a crash

    def find_drops(self, caller: Caller) -> list[dict[str, Any]]:
        """What the worker lists of this account's dropped instances, oldest first."""
        drops = [drop for drop in caller.get("/admin/drops") if drop["instance"] in self.names]
        return sorted(drops, key=lambda drop: drop["when"])

    def check(self, worker: WorkerProcess) -> tuple[list[str], list[str]]:
        """Compare the worker with what may be there. Returns changes lost and identities lost, each in words."""
        possible = [self.state] if self.under_way is None else [self.state, self.under_way]
        with calling(worker) as caller:
            names = [name for name in caller.get(f"/session/{GROUP}/list-instances") if name in self.names]
            found = {name: self._look(caller, name) for name in names}
            listed = [(drop["instance"], drop["files"], drop["bytes"]) for drop in self.find_drops(caller)]
        seen = (found, listed)
        for state in possible:
            if seen == state.as_seen():
                self.state, self.under_way = state, None
                return [], []
        wrong = "\n".join(
            [f"{self.names[0]} found {brief(seen)}", *(f"may be {brief(state.as_seen())}" for state in possible)]
        )
        identities_lost = [
            f"{name}: identity {identity}"
            for name, instance in self.state.instances.items()
            for identity in instance.identities
            if self.under_way is None and identity not in found.get(name, {}).get("identities", {})
        ]
        return [wrong], identities_lost

    def _look(self, caller: Caller, name: str) -> dict[str, Any]:
        values = {}
        for key in [*KEYS, "creds"]:
            status, body = caller.call("GET", f"/session/{GROUP}/{name}/{key}")
            assert status in {200, 404}, (key, status, body)
            if status == 200:
                values[key] = body
        versions = caller.get(f"/admin/groups/{GROUP}/instances/{name}/versions")
        identities: dict[str, int] = {}
        for version in versions:
            if version["identity"]:
                assert version["isPinned"] == (version["identity"] not in identities)
                identities.setdefault(version["identity"], version["bytes"])
        return {"values": values, "identities": identities}
