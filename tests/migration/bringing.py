"""Accounts in memory that are brought into a worker."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from sessionworker.client import Client
from sessionworker.migration.arriving import Arriving
from sessionworker.migration.found import Account, Reading
from sessionworker.migration.importing import Importing
from sessionworker.migration.notes import Note
from sessionworker.migration.reports import Told

Values: TypeAlias = Mapping[str, bytes]


class Sources:
    """Accounts in memory."""

    shown = "memory"

    def __init__(self, **values: Values) -> None:
        self.values = {name: dict(one) for name, one in values.items()}
        self.names: dict[str, str] = {}
        """Names of accounts, where they are others than their origins."""
        self.closed = False

    def accounts(self) -> list[Account]:
        return [Account(self.names.get(origin, origin), origin) for origin in sorted(self.values)]

    def notes(self) -> list[Note]:
        return []

    def read(self, account: Account) -> Reading:
        return Reading(dict(self.values[account.origin]))

    def close(self) -> None:
        self.closed = True


async def here(function: Callable[..., Any], *arguments: Any) -> Any:
    return function(*arguments)


def importing(source: Sources, client: Client, *accepted: str) -> Importing:
    return Importing(source, Arriving(client, client), here, group="g", accepted=frozenset(accepted))


async def bring(source: Sources, client: Client, *accepted: str) -> dict[str, Told]:
    """Import, and return what became of each account, by its origin."""
    one = importing(source, client, *accepted)
    report, planned = await one.plan()
    await one.run(planned)
    return {told.origin: told for told in report.accounts}


async def held(client: Client, name: str) -> Values:
    """All that an instance holds, each key asked for alone."""
    return {key: await client.read("g", name, key) or b"" for key in await client.keys("g", name)}
