"""What a worker refuses halfway leaves nothing of its account behind, and is told of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from sessionworker.client import BodyTooLarge, Client, NoSpace, NoSuchGroup, Refused
from sessionworker.migration.arriving import WAITING_GROUP
from sessionworker.migration.reports import State
from sessionworker.names import CREDS
from tests.migration.bringing import Sources, bring, held, importing
from tests.migration.examples import account
from tests.migration.places import codes, differing, text_of_note
from tests.server import RunningWorker, asynchronous, asynchronous_fixture

THREE = {name: account(name, f"551188888888{number}") for number, name in enumerate(("first", "second", "third"))}


class Refusing(Client):
    """One whose worker takes all of an account that is made, but not its creds if they are those of `second`."""

    refusal: Refused

    async def change(self, group: str, instance: str, changes: Any, *rest: Any) -> None:
        if group == WAITING_GROUP and changes.get(CREDS) == THREE["second"][CREDS]:
            raise self.refusal
        await super().change(group, instance, changes, *rest)


@asynchronous_fixture()
async def refusing(worker: RunningWorker) -> AsyncIterator[Refusing]:
    async with Refusing(worker.url, worker.token) as opened:
        yield opened


async def assert_nothing_is_left(api: Client) -> None:
    with pytest.raises(NoSuchGroup):
        await api.instances(WAITING_GROUP)
    assert await api.drops() == []


@asynchronous
async def test_one_that_is_too_large_fails_alone(api: Client, refusing: Refusing) -> None:
    refusing.refusal = BodyTooLarge(413, "The body is larger than 5 bytes.")
    told = await bring(Sources(**THREE), refusing)
    states = {name: one.state for name, one in told.items()}
    assert states == {"first": State.IMPORTED, "second": State.FAILED, "third": State.IMPORTED}
    assert "The body is larger than 5 bytes." in text_of_note(told["second"].notes, "refused_by_worker")
    assert not differing(await held(api, "third"), THREE["third"])
    await assert_nothing_is_left(api)


@asynchronous
async def test_where_no_room_is_left_that_is_told_of_the_account_and_no_other_one_is_tried(
    api: Client, refusing: Refusing
) -> None:
    refusing.refusal = NoSpace(507, "There is no space left.")
    one = importing(Sources(**THREE), refusing)
    report, planned = await one.plan()
    with pytest.raises(NoSpace):
        await one.run(planned)
    told = {one.origin: one for one in report.accounts}
    states = {name: one.state for name, one in told.items()}
    assert states == {"first": State.IMPORTED, "second": State.FAILED, "third": State.READY}
    assert codes(told["second"].notes) == ["refused_by_worker"]
    await assert_nothing_is_left(api)
    assert not differing(await held(api, "first"), THREE["first"])


@asynchronous
async def test_a_refusal_after_which_nothing_can_be_erased_is_told_all_the_same(
    worker: RunningWorker, api: Client
) -> None:
    class Stuck(Refusing):
        async def drop_instance(self, *_: str) -> None:
            raise NoSpace(507, "Nor to erase.")

    async with Stuck(worker.url, worker.token) as stuck:
        stuck.refusal = BodyTooLarge(413, "The body is larger than 5 bytes.")
        one = importing(Sources(second=THREE["second"]), stuck)
        report, planned = await one.plan()
        await one.run(planned)
    assert "larger" in text_of_note(report.accounts[0].notes, "refused_by_worker")
    assert codes(report.notes) == ["left_by_imports"]
    with pytest.raises(NoSuchGroup):
        await api.instances("g")
