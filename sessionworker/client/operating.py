"""What an operator asks of a worker, as methods of the client."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import msgspec

from sessionworker.client.answers import decode
from sessionworker.wire import (
    DropSummary,
    EncryptionSummary,
    EventSummary,
    InstanceSummary,
    PageLink,
    VersionSummary,
    WorkerOverview,
)


class OperatorVerbs:
    """What needs an operator's token, or an API's where no operator has one of his own."""

    _call: Callable[..., Coroutine[Any, Any, bytes]]

    async def overview(self) -> WorkerOverview:
        """Return the worker at a glance: whether it is well, how much there is, and what a person has to see to."""
        return decode(await self._call("GET", "/admin/overview"), WorkerOverview)

    async def events(self, after: int | None = None) -> list[EventSummary]:
        """Return what happened lately, oldest first; of it what has a higher number than `after`."""
        query = "" if after is None else f"?after={after}"
        return decode(await self._call("GET", f"/admin/events{query}"), list[EventSummary])

    async def groups(self) -> list[str]:
        """Return the names of all groups, sorted."""
        return decode(await self._call("GET", "/admin/groups"), list[str])

    async def drop_group(self, group: str) -> None:
        """Remove a group, each of its instances as `drop_instance` does.

        Raises NoSuchGroup, too: also where a first try arrived and its answer was lost.
        """
        await self._call("DELETE", escape("/admin/groups", group))

    async def describe(self, group: str) -> list[InstanceSummary]:
        """Return what each instance of a group holds, sorted by name. Raises NoSuchGroup, too."""
        return decode(await self._call("GET", escape("/admin/groups", group, "instances")), list[InstanceSummary])

    async def label_instance(self, group: str, instance: str, label: str) -> None:
        """Give an instance a label, by which people know it; an empty one takes it away.

        It is one line of at most 100 characters. Raises NotAllowed, NoSuchInstance or NoSuchGroup, too.
        """
        path = escape("/admin/groups", group, "instances", instance, "label")
        await self._call("PUT", path, body={"label": label}, success=HTTPStatus.NO_CONTENT)

    async def end_lease(self, group: str, instance: str) -> None:
        """Let nobody hold an instance any more, whoever does. Raises NoSuchInstance or NoSuchGroup, too."""
        path = escape("/admin/groups", group, "instances", instance, "release")
        await self._call("POST", path, success=HTTPStatus.NO_CONTENT)

    async def versions(self, group: str, instance: str) -> list[VersionSummary]:
        """Return the versions of an instance's `creds` that are kept, newest first.

        Raises NoSuchInstance or NoSuchGroup, too.
        """
        path = escape("/admin/groups", group, "instances", instance, "versions")
        return decode(await self._call("GET", path), list[VersionSummary])

    async def restore_version(self, group: str, instance: str, version: str) -> None:
        """Make an older version of an instance's `creds` the current one. What it replaces is kept as a version.

        Raises NoSuchVersion, NoSuchInstance or NoSuchGroup, too.
        """
        path = escape("/admin/groups", group, "instances", instance, "versions", version, "restore")
        await self._call("POST", path, success=HTTPStatus.NO_CONTENT)

    async def checkpoint(self) -> None:
        """Have the worker bring all that was acknowledged into its files, so that a copy of its store is up to date."""
        await self._call("POST", "/admin/checkpoint", success=HTTPStatus.NO_CONTENT)

    async def page_link(self) -> PageLink:
        """Return what signs an operator in at the worker's page, once and soon. Raises NotFound where it has none."""
        return decode(await self._call("POST", "/admin/ui-link"), PageLink)

    async def drops(self) -> list[DropSummary]:
        """Return the instances that were dropped and can be brought back, newest first."""
        return decode(await self._call("GET", "/admin/drops"), list[DropSummary])

    async def restore_instance(
        self,
        group: str,
        instance: str,
        drop: str,
        name: str | None = None,
        *,
        into: str | None = None,
        replacing: bool = False,
    ) -> None:
        """Bring an instance back that was dropped, under its own name or another one, in its group or `into` another.

        `drop` tells it from others of its name that were dropped; see `drops`. With `replacing`, an instance that
        stands in its place is dropped in the same step, and can be brought back; else NameTaken is raised. Raises
        NoSuchDrop or HeldElsewhere, too; where the answer of a first try was lost, NoSuchDrop may mean that it is done.
        """
        body: dict[str, object] = {"instance": instance if name is None else name}
        if into is not None:
            body["group"] = into
        if replacing:
            body["replace"] = True
        is_all_as_it_was = name is None and len(body) == 1
        path = escape("/admin/drops", group, instance, drop, "restore")
        given = msgspec.UNSET if is_all_as_it_was else body
        await self._call("POST", path, body=given, success=HTTPStatus.NO_CONTENT)

    async def purge_drop(self, group: str, instance: str, drop: str) -> None:
        """Erase an instance for good that was dropped. Nothing brings it back.

        Raises NoSuchDrop, too: also where a first try arrived and its answer was lost.
        """
        await self._call("DELETE", escape("/admin/drops", group, instance, drop))

    async def encryption(self) -> EncryptionSummary:
        """Return with which keys all is encrypted, and how far it has come that there is one alone."""
        return decode(await self._call("GET", "/admin/encryption"), EncryptionSummary)

    async def rewrite(self, *, is_wanted: bool = True) -> None:
        """Have the worker rewrite what is not as it would be written now, or not any more: as long as it runs."""
        method, success = ("POST", HTTPStatus.NO_CONTENT) if is_wanted else ("DELETE", HTTPStatus.OK)
        await self._call(method, "/admin/encryption/rewrite", success=success)


def escape(start: str, *names: str) -> str:
    """Return the path of `names` below `start`. Each name is escaped as a whole, slashes included."""
    try:
        return "/".join((start, *(quote(name, safe="") for name in names)))
    except UnicodeEncodeError:
        raise ValueError("A name must be text that UTF-8 can hold.") from None
