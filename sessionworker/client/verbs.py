"""The verbs of the wire, as methods; those of an operator are in `operating`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Self

import msgspec
from twisted.web.iweb import IAgent

from sessionworker.client.answers import Whole, decode, texts_in, values_in
from sessionworker.client.errors import NoSuchKey, UnexpectedAnswer
from sessionworker.client.exchange import Exchanges
from sessionworker.client.operating import OperatorVerbs, escape
from sessionworker.values import is_json
from sessionworker.wire import MOST_KEYS, PONG, WELL, NamesForm, WellForm

TIME_LIMIT_SECONDS = 30.0
"""How long a call may take, from the moment it is made to the last byte of its answer, unless the program says else."""

CONNECTIONS = 64
"""Connections that a client opens at most, unless the program says else; further calls wait for one of them."""


class Client(OperatorVerbs):
    """One worker, seen from a program.

    Every method but `close` is one call, and raises `Refused` or `NoAnswer`; what changes an instance raises
    `HeldElsewhere`, too. Calls may be made at the same time; two that are under way together reach the worker in any
    order, so wait for a write before the next one of the same key.
    `write` and the `create_...` and `restore_...` calls are not repeated when the connection that they used turns out
    to be dead, because they may have arrived; the others are tried once more. With `patience`, a call that the worker
    refuses as `Overloaded` is made again, whichever it is, until so many seconds have passed.

    As an asynchronous context manager, a client is closed after the block.
    """

    def __init__(
        self,
        url: str,
        token: str,
        *,
        owner: str = "",
        time_limit: float = TIME_LIMIT_SECONDS,
        patience: float = 0.0,
        connections: int = CONNECTIONS,
        agent: IAgent | None = None,
        reactor: Any = None,
    ) -> None:
        """Prepare to call the worker at `url`, for example `http://127.0.0.1:5656`; nothing is sent yet.

        `owner` is the name of a program that wants its instances for itself: 1 to 128 visible ASCII characters that no
        other process has. `time_limit` is in seconds, for each call as a whole; with `patience`, in seconds too, for
        each time that it is made. `connections` is how many calls may be under way at once; others wait, and that
        counts as part of their time. `agent` replaces the client's own connections, for example to reach a Unix socket;
        closing them is then not the client's business. Raises ValueError for a URL, a token or an owner that cannot be
        used.
        """
        self._exchanges = Exchanges(
            url,
            token,
            owner=owner,
            time_limit=time_limit,
            patience=patience,
            connections=connections,
            agent=agent,
            reactor=reactor,
        )
        self._call = self._exchanges.call

    def __repr__(self) -> str:
        """Show the URL; never the token."""
        return f"<Client of {self._exchanges.url}>"

    async def __aenter__(self) -> Self:
        """Nothing to do: connections are opened when they are needed."""
        return self

    async def __aexit__(self, *exception: object) -> None:
        """Close the client."""
        await self.close()

    async def ping(self) -> None:
        """Return if a worker answers at the URL. The token is not looked at."""
        body = await self._call("OPTIONS", "/ping")
        if body != PONG:
            raise UnexpectedAnswer(HTTPStatus.OK, "The answer to a ping is not 'pong'.")

    async def health(self) -> None:
        """Return if the worker's store takes writes and reads now. The token is not looked at. Raises Unavailable."""
        if decode(await self._call("GET", "/health"), WellForm).status != WELL:
            raise UnexpectedAnswer(HTTPStatus.OK, "The answer to a health check is not 'ok'.")

    async def create_group(self, group: str) -> None:
        """Make a group, if it does not exist."""
        await self._call("POST", "/session", body={"group": group}, success=HTTPStatus.NO_CONTENT)

    async def create_instance(self, group: str, instance: str) -> str | None:
        """Make an instance, and its group, if they do not exist.

        A client with an owner has the instance then. The id of its lease is returned, here and from `write` and
        `change`: if it is another one than before, somebody else may have changed the instance in between.
        """
        return await self._exchanges.change(_path(group), {"instance": instance})

    async def release_instance(self, group: str, instance: str) -> None:
        """Let an instance go that this client's owner holds, so that the next one need not wait for the lease to end.

        Raises NoSuchInstance, NoSuchGroup or HeldElsewhere, too, and ValueError for a client that has no owner.
        """
        if not self._exchanges.has_owner:
            raise ValueError("This client has no owner.")
        body = {"instance": instance, "release": True}
        await self._call("POST", _path(group), body=body, success=HTTPStatus.NO_CONTENT)

    async def instances(self, group: str) -> list[str]:
        """Return the names of a group's instances, sorted. Raises NoSuchGroup, too."""
        return decode(await self._call("GET", _path(group) + "/list-instances"), list[str])

    async def write(self, group: str, instance: str, key: str, value: bytes | str) -> str | None:
        """Store a JSON text over whatever the key held. It is kept as it is given, byte for byte.

        Returns what `create_instance` does. Raises NoSuchInstance or NoSuchGroup, too, and ValueError for bytes that
        are not UTF-8.
        """
        return await self._exchanges.change(_path(group, instance, key), {"data": _as_text(value)})

    async def read(self, group: str, instance: str, key: str) -> bytes | None:
        """Return the JSON text that a key holds, in UTF-8, or None if it holds nothing.

        Raises NoSuchInstance or NoSuchGroup, too.
        """
        try:
            return await self._call("GET", _path(group, instance, key))
        except NoSuchKey:
            return None

    async def delete(self, group: str, instance: str, key: str) -> None:
        """Remove what a key holds, if anything."""
        await self._call("DELETE", _path(group, instance, key))

    async def change(self, group: str, instance: str, changes: Mapping[str, bytes | str | None]) -> str | None:
        """Store JSON texts over what several keys held, and remove what those with None hold: all of it, or nothing.

        At most 5,000 keys; none at all renews the lease of the client's owner. Returns what `create_instance` does.
        Raises NoSuchInstance or NoSuchGroup, too, and ValueError for what is no JSON, and for the text `null`, which
        means a removal here: it can be stored by `write`.
        """
        body = {"changes": {key: _as_raw(value) for key, value in changes.items()}}
        return await self._exchanges.change(_path(group, instance), body)

    async def read_many(self, group: str, instance: str, keys: Sequence[str]) -> dict[str, bytes | None]:
        """Return what several keys hold, as `read` does. Raises NoSuchInstance or NoSuchGroup, too.

        Those that one answer has room for are of one moment, 5,000 at most; the others are asked for again.
        """
        values: dict[str, bytes | None] = {}
        left = list(keys)
        while left:
            body = {"keys": left[:MOST_KEYS]}
            answered = values_in(await self._call("POST", _path(group, instance), body=body))
            values |= {key: answered[key] for key in left if key in answered}
            if values.keys().isdisjoint(left):
                raise UnexpectedAnswer(HTTPStatus.OK, "The answer holds none of the keys that were asked for.")
            left = [key for key in left if key not in values]
        return values

    async def read_whole(self, group: str, instance: str) -> Whole:
        """Return what all keys hold that hold something: of one moment, each byte for byte.

        It says, too, how many values are broken in the store, and missing here for that. What is written to the
        instance meanwhile waits for it. Raises NoSuchInstance or NoSuchGroup, too; an instance with more than 256 MiB
        of values is Refused.
        """
        return texts_in(await self._call("POST", _path(group, instance), body={"whole": True}))

    async def keys(self, group: str, instance: str, beginning: str = "") -> list[str]:
        """Return the keys of an instance that hold something and begin so, sorted.

        Raises NoSuchInstance or NoSuchGroup, too.
        """
        found = NamesForm([], more=True)
        keys: list[str] = []
        while found.more:
            body = {"list": beginning, "after": keys[-1] if keys else ""}
            found = decode(await self._call("POST", _path(group, instance), body=body), NamesForm)
            keys += found.keys
        return keys

    async def drop_instance(self, group: str, instance: str) -> None:
        """Remove an instance with all its keys, if it exists. For a while, `restore_instance` brings it back."""
        await self._call("DELETE", _path(group, instance))

    async def close(self) -> None:
        """Let the calls that are under way end, and close the connections. Further calls raise RuntimeError."""
        await self._exchanges.close()


def _path(group: str, *names: str) -> str:
    """Return the path of a group, an instance or a key."""
    return escape("/session", group, *names)


def _as_text(value: bytes | str) -> str:
    if isinstance(value, str):
        return value
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise ValueError("A value must be JSON, in UTF-8.") from None


def _as_raw(value: bytes | str | None) -> msgspec.Raw | None:
    if value is None:
        return None
    text = _as_text(value).strip().encode(errors="surrogatepass")
    if text == b"null" or not is_json(text):
        raise ValueError("A value must be JSON, in UTF-8, and not null.")
    return msgspec.Raw(text)
