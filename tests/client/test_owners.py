"""A program that wants to be alone with its instances, and one that comes meanwhile."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from sessionworker.client import Client, HeldElsewhere, NoSuchInstance
from tests.server import RunningWorker, asynchronous

CHANGES: list[Callable[[Client], Awaitable[str | None]]] = [
    lambda client: client.create_instance("codechat", "sales"),
    lambda client: client.write("codechat", "sales", "creds", "{}"),
    lambda client: client.change("codechat", "sales", {"creds": "{}"}),
    lambda client: client.change("codechat", "sales", {}),
    lambda client: client.delete("codechat", "sales", "creds"),
    lambda client: client.drop_instance("codechat", "sales"),
]


@asynchronous
async def test_whoever_comes_while_another_has_the_instance_is_told_for_how_long(worker: RunningWorker) -> None:
    async with (
        Client(worker.url, worker.token, owner="host-1:71") as client,
        Client(worker.url, worker.token, owner="host-2:9") as another,
        Client(worker.url, worker.token) as nobody,
    ):
        await client.create_instance("codechat", "sales")
        await client.write("codechat", "sales", "creds", '{"a":1}')
        for other in (another, nobody):
            for change in CHANGES:
                with pytest.raises(HeldElsewhere) as refused:
                    await change(other)
                assert refused.value.status == 409
                assert 29 <= refused.value.seconds <= 30
                assert str(refused.value) == "409: Another owner holds this instance."
            assert await other.read("codechat", "sales", "creds") == b'{"a":1}'
        for change in CHANGES:
            await change(client)


@asynchronous
async def test_an_owner_lets_go_and_an_operator_ends_a_lease(worker: RunningWorker) -> None:
    async with (
        Client(worker.url, worker.token, owner="host-1:71") as client,
        Client(worker.url, worker.token, owner="host-2:9") as another,
        Client(worker.url, worker.token) as operator,
    ):
        await client.create_instance("codechat", "sales")
        with pytest.raises(HeldElsewhere):
            await another.release_instance("codechat", "sales")
        await client.release_instance("codechat", "sales")
        await another.create_instance("codechat", "sales")
        await operator.end_lease("codechat", "sales")
        await client.create_instance("codechat", "sales")
        for call in (client.release_instance, operator.end_lease):
            with pytest.raises(NoSuchInstance):
                await call("codechat", "nobody")
        with pytest.raises(ValueError, match="This client has no owner"):
            await operator.release_instance("codechat", "sales")


@asynchronous
async def test_a_client_with_an_owner_is_told_its_lease(worker: RunningWorker) -> None:
    async with (
        Client(worker.url, worker.token, owner="host-1:71") as client,
        Client(worker.url, worker.token) as nobody,
    ):
        assert await nobody.create_instance("codechat", "sales") is None
        assert await nobody.write("codechat", "sales", "creds", "{}") is None
        lease = await client.create_instance("codechat", "sales")
        assert lease
        assert await client.write("codechat", "sales", "creds", "{}") == lease
        assert await client.change("codechat", "sales", {}) == lease
        await client.release_instance("codechat", "sales")
        assert await client.change("codechat", "sales", {"creds": "{}"}) not in {lease, None}


@pytest.mark.parametrize("owner", ["x" * 129, "a b", "é", "a\n", "a\r\nX: y", "\x7f"])
def test_an_owner_that_cannot_be_sent_is_refused(owner: str) -> None:
    with pytest.raises(ValueError, match="1 to 128 visible ASCII characters"):
        Client("http://127.0.0.1:5656", "token", owner=owner)
