"""What programs have around them whose accounts are moved: servers, folders, and the way back into those."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import pytest

from sessionworker.migration.targets.baileys_folder import open_baileys_target
from sessionworker.migration.targets.target import Target
from tests.migration.evolution import Evolution
from tests.migration.filled import Filled
from tests.migration.mongo_server import MongoStandIn

Place = dict[str, Any]

NAMES = {"alice": "alice", "bob": "bob"}
EVOLUTION_KEY = "evolution:instance:*"
PHONES = {"alice": "+5511900000001", "bob": "+5511900000002"}


WayBack: TypeAlias = Callable[[Path], tuple[Target, Place]]


class Form(NamedTuple):
    """A program's way to keep accounts."""

    place: Place
    words: tuple[object, ...]
    """What is typed behind `sessionworker import`."""
    way_back: WayBack | None
    """Opens what accounts are written to, in a folder that is empty or where the program had them; None where there is
    no such target: the program's accounts come in, and do not go out again."""
    names: Mapping[str, str] = NAMES
    """What the program calls them."""
    has_groups: bool = False
    """Whether their group is in the source."""


class Surroundings:
    """What a program has around it: servers, which are started when they are asked for, and the worker's group."""

    def __init__(self, request: pytest.FixtureRequest, group: str) -> None:
        self._request = request
        self.group = group

    @property
    def redis_url(self) -> str:
        """A Redis, in which nothing is."""
        self._request.getfixturevalue("client")
        url: str = self._request.getfixturevalue("redis_url")
        return url

    @property
    def postgresql(self) -> Filled:
        filled: Filled = self._request.getfixturevalue("postgresql")
        return filled

    @property
    def mysql(self) -> Filled:
        filled: Filled = self._request.getfixturevalue("mysql")
        return filled

    @property
    def evolution(self) -> Evolution:
        evolution: Evolution = self._request.getfixturevalue("evolution")
        return evolution

    @property
    def evolution_on_mysql(self) -> Evolution:
        evolution: Evolution = self._request.getfixturevalue("on_mysql")
        return evolution

    @property
    def mongo_url(self) -> str:
        """What stands in for a MongoDB, in which nothing is."""
        mongo: MongoStandIn = self._request.getfixturevalue("mongo")
        mongo.forget()
        return mongo.url


def to_folders(folder: Path, layout: str = "baileys", *below: str) -> tuple[Target, Place]:
    return open_baileys_target(folder, layout=layout), folders(folder.joinpath(*below))


def folders(folder: Path) -> Place:
    return {"kind": "folder", "folder": str(folder)}


def hash_in(around: Surroundings, key: str, **how: bool) -> Place:
    return {"kind": "redis-hash", "url": around.redis_url, "key": key, **how}
