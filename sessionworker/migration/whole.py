"""All that an instance of a worker holds."""

from __future__ import annotations

from sessionworker.client import BodyTooLarge, Client


async def values_of(api: Client, group: str, name: str) -> dict[str, bytes]:
    """Return what all keys of an instance hold, byte for byte. Raises NoSuchGroup, NoSuchInstance and ClientError.

    They are of one moment, unless they are too many for one answer.
    """
    try:
        return (await api.read_whole(group, name)).values
    except BodyTooLarge:
        values = {key: await api.read(group, name, key) for key in await api.keys(group, name)}
        return {key: value for key, value in values.items() if value is not None}
