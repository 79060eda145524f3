"""How an account arrives in a worker: whole or not at all, read back, and what it replaces can be brought back.

It is made in a group that no API looks into, its `creds` last, read back there and compared. Then it takes its place in
one step: it is dropped, and brought back where it belongs, and what stands there is dropped in that. Whatever ends this
before leaves its place as it was, and the next try begins anew; what the worker refused halfway is erased at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from hashlib import sha256
from http import HTTPStatus
from secrets import token_hex

from sessionworker.client import (
    Client,
    ClientError,
    NoSuchDrop,
    NoSuchGroup,
    NoSuchInstance,
    NotFound,
    Overloaded,
    Refused,
    Unavailable,
)
from sessionworker.migration.unbroken import unbroken
from sessionworker.migration.whole import values_of
from sessionworker.names import CREDS
from sessionworker.stores.rules.creds import Creds, read_creds

WAITING_GROUP = "sessionworker-import"
"""Where accounts are made. It is there only while something is imported, or after that was cut off."""

MOST_KEYS = 1_000
"""Keys of one request: a tenth of a second, so that others are served meanwhile."""

MOST_BYTES = 2**20
"""Bytes of values of one request, unless one has more."""


class NotReadBack(Exception):
    """What was written is not what the worker gives back."""


def digest_of(values: Mapping[str, bytes]) -> str:
    """Return what two accounts have in common that hold the same values under the same keys, and no others do."""
    whole = sha256()
    for key in sorted(values):
        name, value = key.encode(), values[key]
        whole.update(b"%d %b %d " % (len(name), name, len(value)))
        whole.update(value)
    return whole.hexdigest()


class Arriving:
    """Brings accounts into a worker. Every method raises ClientError."""

    def __init__(self, api: Client, admin: Client, advance: Callable[[int], None] = lambda _: None) -> None:
        """Write as `api`, and move as `admin`, which may be the same; `advance` is told how many keys were written."""
        self._api = api
        self._admin = admin
        self.advance = advance
        self._labelled: dict[str, set[str]] = {}
        """Instances that have a label, by the groups of which that was asked."""

    async def held(self, group: str, name: str) -> dict[str, bytes] | None:
        """Return all that an instance holds; None where there is none."""
        try:
            return await values_of(self._api, group, name)
        except (NoSuchGroup, NoSuchInstance):
            return None

    async def make_empty(self, group: str, name: str) -> bool:
        """Make an instance without session files, unless there is one; tell whether there was none."""
        with suppress(NoSuchGroup):
            if name in await self._api.instances(group):
                return False
        await self._api.create_instance(group, name)
        return True

    async def arrive(
        self,
        group: str,
        name: str,
        values: Mapping[str, bytes],
        *,
        replaces: bool,
        arrived: Callable[[], None] = lambda: None,
    ) -> None:
        """Write an account, whose `creds` are among its values. Raises NotReadBack, too: its place is as it was then.

        `replaces` tells whether an instance may stand in its place, which is dropped then. `arrived` is called once it
        is there, also if this is cancelled while it takes its place.
        """
        beginning = sha256(f"{group}/{name}".encode()).hexdigest()[:32]
        await self._erase(beginning)
        waiting = f"{beginning}-{token_hex(8)}"  # another import of the same account writes nothing into this one
        try:
            await self._make_whole(waiting, values)
        except (Refused, NotReadBack):  # what is there of it is of no use to anybody, and takes room
            with suppress(ClientError):
                await self._erase(waiting)
            raise
        await self._api.drop_instance(WAITING_GROUP, waiting)
        drop = await self._drop_of(WAITING_GROUP, waiting)
        if drop is None:
            raise NotReadBack

        async def take_place() -> None:
            try:
                await self._admin.restore_instance(WAITING_GROUP, waiting, drop, name, into=group, replacing=replaces)
            except NoSuchDrop:  # a first try has brought it back already, of which the answer was lost
                held = await self.held(group, name)
                if held is None or digest_of(held) != digest_of(values):
                    raise
            arrived()

        await unbroken(take_place())

    async def _make_whole(self, waiting: str, values: Mapping[str, bytes]) -> None:
        """Make an account where no API looks. Raises NotReadBack, too."""
        try:
            await self._make(waiting, values)
        except (NoSuchGroup, NoSuchInstance):  # another import has removed the group as empty meanwhile
            await self._make(waiting, values)
        held = await self.held(WAITING_GROUP, waiting)
        if held is None or digest_of(held) != digest_of(values):
            raise NotReadBack

    async def _make(self, waiting: str, values: Mapping[str, bytes]) -> None:
        await self._api.create_instance(WAITING_GROUP, waiting)
        for part in _parts(values):
            await self._write(waiting, part)
            self.advance(len(part))

    async def _write(self, waiting: str, part: Mapping[str, bytes]) -> None:
        at_once = {key: value for key, value in part.items() if not _is_alone(value)}
        if at_once:
            await self._api.change(WAITING_GROUP, waiting, at_once)
        for key in part.keys() - at_once.keys():
            await self._api.write(WAITING_GROUP, waiting, key, part[key])

    async def _erase(self, beginning: str) -> None:
        """Erase what earlier tries have left of an account."""
        with suppress(NoSuchGroup):
            for name in await self._api.instances(WAITING_GROUP):
                if name.startswith(beginning):
                    await self._api.drop_instance(WAITING_GROUP, name)
        for one in await self._admin.drops():
            if one.group == WAITING_GROUP and one.instance.startswith(beginning):
                with suppress(NoSuchDrop):  # another import was faster
                    await self._admin.purge_drop(WAITING_GROUP, one.instance, one.drop)

    async def _drop_of(self, group: str, name: str) -> str | None:
        """Return the newest drop of a name."""
        for one in await self._admin.drops():
            if (one.group, one.instance) == (group, name):
                return one.drop
        return None

    async def identities(self) -> dict[str, set[str]]:
        """Return all instances, as "group/instance", by their identities, as far as their `creds` can be read.

        Groups that the API's token is not for are left out, and the one in which accounts are made.
        """
        found: dict[str, set[str]] = {}
        for group in await self._admin.groups():
            if group == WAITING_GROUP:
                continue
            try:
                for name in await self._api.instances(group):
                    if creds := await self._creds_of(group, name):
                        found.setdefault(creds.identity, set()).add(f"{group}/{name}")
            except NoSuchGroup:
                continue
            except Refused as error:
                if error.status != HTTPStatus.FORBIDDEN:
                    raise
        return found

    async def _creds_of(self, group: str, name: str) -> Creds | None:
        try:
            return read_creds(await self._api.read(group, name, CREDS) or b"")
        except Overloaded:
            raise
        except (NotFound, Unavailable):  # it is gone meanwhile, or is broken
            return None

    async def label(self, group: str, name: str, label: str) -> None:
        """Give an instance a label, unless it has one: its own, or that of the one whose place it took."""
        if group not in self._labelled:
            self._labelled[group] = {one.instance for one in await self._admin.describe(group) if one.label}
        if name not in self._labelled[group]:
            await self._admin.label_instance(group, name, label)
            self._labelled[group].add(name)

    async def tidy(self) -> int:
        """Remove the group in which accounts were made, if none is left in it; return how many are, dropped or not."""
        with suppress(NoSuchGroup):
            if not await self._api.instances(WAITING_GROUP):
                await self._admin.drop_group(WAITING_GROUP)
        return await left_by_imports(self._admin)


async def left_by_imports(operator: Client) -> int:
    """Return how many accounts imports have left that were cut off, or have under way, dropped or not."""
    left = sum(one.group == WAITING_GROUP for one in await operator.drops())
    with suppress(NoSuchGroup):
        left += len(await operator.describe(WAITING_GROUP))
    return left


def _parts(values: Mapping[str, bytes]) -> Iterator[dict[str, bytes]]:
    """Yield values a request at a time, `creds` alone and last."""
    part: dict[str, bytes] = {}
    size = 0
    for key in sorted(values.keys() - {CREDS}):
        value = values[key]
        if part and (len(part) == MOST_KEYS or size + len(value) > MOST_BYTES):
            yield part
            part, size = {}, 0
        part[key] = value
        size += len(value)
    if part:
        yield part
    if CREDS in values:
        yield {CREDS: values[CREDS]}


def _is_alone(value: bytes) -> bool:
    """Tell whether a value has a request of its own: many at once lose the spaces around it, and `null`."""
    return value.strip() != value or value == b"null"
