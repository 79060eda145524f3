"""What the worker refuses reaches the program as an exception of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sessionworker import errors
from sessionworker.client import (
    BodyTooLarge,
    Client,
    NoSpace,
    NoSuchGroup,
    NoSuchInstance,
    NotAllowed,
    Refused,
    Unauthorized,
    Unavailable,
)
from sessionworker.client import errors as client_errors
from sessionworker.errors import Overloaded
from sessionworker.http.answers import error_body
from sessionworker.stores.files.store import FileStore
from sessionworker.stores.interface import Outcome
from tests.client.scripted import Script, ScriptedConnection, scripted_server
from tests.server import MIB, TOKEN, RunningWorker, asynchronous, running_worker


@asynchronous
async def test_a_wrong_token_is_refused_by_every_verb_but_ping_and_health(worker: RunningWorker) -> None:
    async with Client(worker.url, "another-token") as client:
        for call in (
            client.create_group("codechat"),
            client.create_instance("codechat", "sales"),
            client.instances("codechat"),
            client.write("codechat", "sales", "creds", "{}"),
            client.write("codechat", "sales", "creds", '"' + "x" * MIB + '"'),
            client.read("codechat", "sales", "creds"),
            client.delete("codechat", "sales", "creds"),
            client.drop_instance("codechat", "sales"),
            client.groups(),
            client.drop_group("codechat"),
            client.describe("codechat"),
            client.versions("codechat", "sales"),
            client.restore_version("codechat", "sales", "1-0.0123456789ab.1"),
            client.label_instance("codechat", "sales", "Loja"),
            client.checkpoint(),
            client.drops(),
            client.restore_instance("codechat", "sales", "1-0"),
            client.restore_instance("codechat", "sales", "1-0", "another"),
        ):
            with pytest.raises(Unauthorized) as refused:
                await call
            assert refused.value.status == 401


@asynchronous
async def test_what_is_missing_is_told_apart(client: Client) -> None:
    assert await client.read("codechat", "sales", "creds") is None
    for call in (client.read("codechat", "unknown", "creds"), client.write("codechat", "unknown", "creds", "{}")):
        with pytest.raises(NoSuchInstance):
            await call
    for call in (client.read("unknown", "sales", "creds"), client.write("unknown", "sales", "creds", "{}")):
        with pytest.raises(NoSuchGroup):
            await call
    with pytest.raises(NoSuchGroup):
        await client.instances("unknown")
    await client.delete("codechat", "unknown", "creds")
    await client.drop_instance("codechat", "unknown")


@asynchronous
async def test_names_and_values_that_the_worker_does_not_take_are_refused(client: Client) -> None:
    await client.write("codechat", "sales", "creds", "{}")
    for call in (
        client.create_group(""),
        client.create_group("a/b"),
        client.create_instance("codechat", ".."),
        client.create_instance("code/chat", "sales"),
        client.drop_instance("codechat", "sales/creds"),
        client.write("codechat", "sales", "a/../b", "{}"),
        client.write("codechat", "sales", "k" * 256, "{}"),
        client.write("codechat", "sales", "creds", "{"),
        client.write("codechat", "sales", "creds", ""),
        client.write("codechat", "sales", "creds", b"\xef\xbb\xbf{}"),
        client.delete("codechat", "sales", ""),
        client.delete("codechat", "sales", ".."),
        client.drop_group("code/chat"),
        client.describe(".."),
        client.versions("codechat", "sales/creds"),
        client.restore_version("codechat", "..", "1-0.0123456789ab.1"),
        client.label_instance("codechat", "sales", "two\nlines"),
        client.label_instance("codechat", "..", "Loja"),
        client.restore_instance("codechat", "sales", "1-0", "a/b"),
        client.restore_instance("codechat", "sales/creds", "1-0"),
    ):
        with pytest.raises(NotAllowed) as refused:
            await call
        assert refused.value.status == 400
        assert "form" not in refused.value.message  # the worker's own sentence
    assert await client.instances("codechat") == ["sales"]
    assert await client.read("codechat", "sales", "creds") == b"{}"


@asynchronous
async def test_text_that_utf_8_cannot_hold_is_not_sent(client: Client) -> None:
    for call in (
        client.create_group("\ud83d"),
        client.read("codechat", "sales", "\ud83d"),
        client.versions("codechat", "\ud83d"),
        client.restore_instance("codechat", "sales", "1-0", "\ud83d"),
        client.write("codechat", "sales", "creds", '"\ud83d"'),
        client.write("codechat", "sales", "creds", b'"\xff"'),
    ):
        with pytest.raises(ValueError, match="UTF-8"):
            await call


@asynchronous
async def test_a_value_over_the_limit_is_refused_and_the_client_goes_on(tmp_path: Path) -> None:
    async with running_worker(tmp_path, body_size=2 * MIB) as worker, Client(worker.url, worker.token) as client:
        await client.create_instance("codechat", "sales")
        await client.write("codechat", "sales", "creds", "{}")
        with pytest.raises(BodyTooLarge, match="2 MiB") as refused:
            await client.write("codechat", "sales", "creds", '"' + "x" * 4 * MIB + '"')
        assert refused.value.status == 413
        assert await client.read("codechat", "sales", "creds") == b"{}"


@asynchronous
async def test_a_worker_with_too_much_to_do_says_when_to_come_back(tmp_path: Path) -> None:
    async with running_worker(tmp_path, longest_queue=0) as worker, Client(worker.url, worker.token) as client:
        with pytest.raises(Unavailable) as refused:
            await client.create_group("codechat")
        assert (refused.value.status, refused.value.retry_after) == (503, 1)


def too_much(error: errors.WorkerError, times: int, retry_after: int = 1) -> Script:
    """Refuse so many calls, and take the others."""

    def script(connection: ScriptedConnection, number: int) -> None:
        if number <= times:
            connection.answer(error.status, error_body(error), f"Retry-After: {retry_after}")
        else:
            connection.send(b"HTTP/1.1 204 No Content\r\n\r\n")

    return script


@asynchronous
async def test_a_client_with_patience_comes_back_to_a_worker_with_too_much_to_do() -> None:
    for message in (Overloaded.message, Overloaded.too_many_connections):
        async with (
            scripted_server(too_much(Overloaded(message), 1)) as server,
            Client(server.url, TOKEN, patience=5) as client,
        ):
            await client.write("codechat", "sales", "creds", "{}")
            assert [request[:4] for request in server.requests] == [b"POST"] * 2


@asynchronous
@pytest.mark.parametrize(
    ("patience", "retry_after", "asked"),
    [(0, 1, 1), (0.5, 1, 1), (1.5, 1, 2), (5, 1000, 1)],
)
async def test_patience_has_an_end(patience: float, retry_after: int, asked: int) -> None:
    async with (
        scripted_server(too_much(Overloaded(), 9, retry_after)) as server,
        Client(server.url, TOKEN, patience=patience) as client,
    ):
        with pytest.raises(client_errors.Overloaded):
            await client.create_group("codechat")
        assert len(server.requests) == asked


@asynchronous
async def test_a_store_that_cannot_be_used_is_told_at_once() -> None:
    async with (
        scripted_server(too_much(errors.StoreUnavailable(), 1)) as server,
        Client(server.url, TOKEN, patience=5) as client,
    ):
        with pytest.raises(Unavailable):
            await client.create_group("codechat")


class FailingStore(FileStore):
    """A store that refuses every change with `refusal`."""

    refusal: errors.WorkerError

    def commit(self, changes: Any) -> list[Outcome]:
        return [self.refusal for _ in changes]


@asynchronous
@pytest.mark.parametrize(
    ("refusal", "expected", "retry_after"),
    [
        (errors.NoSpace(), NoSpace, None),
        (errors.StoreUnavailable(), Unavailable, 5),
        (errors.WorkerError(), Refused, None),
    ],
)
async def test_what_the_store_cannot_do_reaches_the_program(
    tmp_path: Path, refusal: errors.WorkerError, expected: type[Refused], retry_after: int | None
) -> None:
    store = FailingStore(tmp_path)
    store.refusal = refusal
    async with running_worker(tmp_path, store=store) as worker, Client(worker.url, worker.token) as client:
        with pytest.raises(Refused) as refused:
            await client.create_group("codechat")
        assert type(refused.value) is expected
        assert refused.value.status == refusal.status
        assert refused.value.message == refusal.message
        assert str(refused.value) == f"{refusal.status.value}: {refusal.message}"
        assert refused.value.retry_after == retry_after
