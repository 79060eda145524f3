"""What an import does when somebody else writes, a call fails, or there is very much of something."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from sessionworker.access import Role, Token
from sessionworker.client import BodyTooLarge, Client, NoSuchDrop, NoSuchGroup, Overloaded, Unavailable, Whole
from sessionworker.migration.arriving import WAITING_GROUP, Arriving, NotReadBack
from sessionworker.migration.importing import Importing
from sessionworker.migration.reports import State
from tests.migration.bringing import Sources, bring, held, here, importing
from tests.migration.examples import account, paired_creds, text_of
from tests.migration.places import codes, differing
from tests.server import RunningWorker, asynchronous, running_worker


@asynchronous
async def test_an_account_of_more_keys_than_one_request_may_ask_for_arrives(api: Client) -> None:
    many = {**account(nextPreKeyId=9000), **{f"pre-key-{number}": b'{"a":%d}' % number for number in range(31, 5100)}}
    states = await bring(Sources(one=many), api)
    assert codes(states["one"].notes) == []
    assert states["one"].state is State.IMPORTED
    assert not differing(await held(api, "one"), many)
    assert (await bring(Sources(one=many), api))["one"].state is State.EQUAL


@asynchronous
async def test_values_with_spaces_and_odd_names_arrive_byte_for_byte(api: Client) -> None:
    odd = {
        **account(),
        "session-a b%2F..#?": b' {"a" : 1}\n',
        "sender-key-\u00e9\u0301\U0001f600": b'"\\ud800"',
        "lid-mapping-1": b" 5 ",
        "lid-mapping-2": b" null ",
        "lid-mapping-3": b'{"a":1,"a":2}',
        "lid-mapping-4": b"1e999",
    }
    told = (await bring(Sources(one=odd), api))["one"]
    assert [note.text() for note in told.notes] == []
    assert not differing(await held(api, "one"), odd)


@asynchronous
async def test_what_is_too_much_for_one_answer_arrives_all_the_same(worker: RunningWorker) -> None:
    class Large(Client):
        """A client for whose worker each account is too large."""

        async def read_whole(self, group: str, instance: str) -> Whole:
            await super().read_whole(group, instance)
            raise BodyTooLarge(413, "This instance holds more than 0 MiB, too much for one answer.")

    odd = {**account(), "lid-mapping-1": b" 5 ", "lid-mapping-2": b" null "}
    async with Large(worker.url, worker.token) as api:
        assert (await bring(Sources(one=odd), api))["one"].state is State.IMPORTED
        assert not differing(await held(api, "one"), odd)
        assert (await bring(Sources(one=odd), api))["one"].state is State.EQUAL


@asynchronous
async def test_what_came_into_its_place_since_the_plan_is_not_replaced(api: Client) -> None:
    one = importing(Sources(one=account("one")), api)
    report, planned = await one.plan()
    await api.create_instance("g", "one")
    other = text_of(paired_creds("other", "5511888888888"))
    await api.write("g", "one", "creds", other)
    await one.run(planned)
    assert (report.accounts[0].state, codes(report.accounts[0].notes)) == (State.LEFT_OUT, ["another_identity_here"])
    assert await api.read("g", "one", "creds") == other


@asynchronous
async def test_what_is_accepted_of_the_plan_is_asked_again_where_it_is_another_thing_since(api: Client) -> None:
    await bring(Sources(one=account("one", nextPreKeyId=31)), api)
    moved = Sources(one={**account("one", nextPreKeyId=31), "lid-mapping-9": b'"9"'})
    one = importing(moved, api, "other_values_here")
    report, planned = await one.plan()
    newer = text_of(paired_creds("one", nextPreKeyId=99))
    await api.write("g", "one", "creds", newer)
    await one.run(planned)
    assert (report.accounts[0].state, codes(report.accounts[0].notes)) == (State.LEFT_OUT, ["newer_here"])
    assert await api.read("g", "one", "creds") == newer


@asynchronous
async def test_two_of_one_name_do_not_replace_one_another(api: Client) -> None:
    source = Sources(first=account("first"), second=account("second", "5511888888888"))
    source.names = {"first": "one", "second": "one"}
    told = await bring(source, api)
    assert [told["first"].state, told["second"].state] == [State.IMPORTED, State.LEFT_OUT]
    assert not differing(await held(api, "one"), account("first"))


@asynchronous
async def test_an_instance_that_cannot_be_read_keeps_no_other_account_from_arriving(
    api: Client, worker: RunningWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken(Arriving):
        async def held(self, group: str, name: str) -> dict[str, bytes] | None:
            if name == "broken":
                raise Unavailable(503, "The creds of this instance are not readable.")
            return await super().held(group, name)

    source = Sources(broken=account("broken"), whole=account("whole", "5511888888888"))
    one = Importing(source, Broken(api, api), here, group="g")
    report, planned = await one.plan()
    await one.run(planned)
    states = {told.origin: told.state for told in report.accounts}
    assert states == {"broken": State.FAILED, "whole": State.IMPORTED}


@asynchronous
async def test_a_worker_that_is_too_busy_for_long_is_told_as_such(api: Client) -> None:
    class Busy(Arriving):
        async def arrive(self, *_: Any, **__: Any) -> None:
            raise Overloaded(503, "Too much work is waiting.")

    one = Importing(Sources(one=account("one")), Busy(api, api), here, group="g")
    report, planned = await one.plan()
    await one.run(planned)
    [told] = report.accounts
    assert (told.state, codes(told.notes)) == (State.FAILED, ["worker_too_busy"])


class Failing(Client):
    """One whose `restore_instance` into a group does not succeed."""

    ends: Callable[[], Any]

    async def restore_instance(self, group: str, *arguments: Any, **rest: Any) -> None:
        if group == WAITING_GROUP:
            await self.ends()
        await super().restore_instance(group, *arguments, **rest)


@asynccontextmanager
async def failing(worker: RunningWorker, ends: Callable[[], Any]) -> AsyncIterator[Failing]:
    async with Failing(worker.url, worker.token) as opened:
        opened.ends = ends
        yield opened


@asynchronous
async def test_what_is_replaced_stays_where_the_new_one_cannot_take_its_place(
    api: Client, worker: RunningWorker
) -> None:
    await bring(Sources(one=account("one")), api)

    async def refuse() -> None:
        raise Unavailable(503, "The store cannot be used.")

    async with failing(worker, refuse) as admin:
        with pytest.raises(Unavailable):
            await Arriving(api, admin).arrive("g", "one", account("other"), replaces=True)
    assert not differing(await held(api, "one"), account("one"))
    assert [drop.group for drop in await api.drops()] == [WAITING_GROUP]


@asynchronous
async def test_an_instance_is_replaced_in_one_step_and_can_be_brought_back(api: Client, worker: RunningWorker) -> None:
    await bring(Sources(one=account("one")), api)
    found = []

    async def look() -> None:
        found.append(not differing(await held(api, "one"), account("one")))

    async with failing(worker, look) as admin:
        await Arriving(api, admin).arrive("g", "one", account("other"), replaces=True)
    assert found == [True]
    assert not differing(await held(api, "one"), account("other"))
    [drop] = await api.drops()
    await api.restore_instance("g", "one", drop.drop, replacing=True)
    assert not differing(await held(api, "one"), account("one"))


@asynchronous
async def test_one_that_took_its_place_though_the_answer_was_lost_has_arrived(
    api: Client, worker: RunningWorker
) -> None:
    await bring(Sources(one=account("one")), api)

    class Lost(Client):
        """One whose first try arrives, and whose second one is answered."""

        async def restore_instance(self, *arguments: Any, **rest: Any) -> None:
            await super().restore_instance(*arguments, **rest)
            await super().restore_instance(*arguments, **rest)

    async with Lost(worker.url, worker.token) as admin:
        await Arriving(api, admin).arrive("g", "one", account("other"), replaces=True)
        await api.write("g", "one", "lid-mapping-1", '"1"')
        assert not differing(await held(api, "one"), {**account("other"), "lid-mapping-1": b'"1"'})


@asynchronous
async def test_one_whose_drop_is_gone_has_not_arrived(api: Client, worker: RunningWorker) -> None:
    await bring(Sources(one=account("one")), api)

    async def erase() -> None:
        for drop in await api.drops():
            await api.purge_drop(drop.group, drop.instance, drop.drop)

    async with failing(worker, erase) as admin:
        with pytest.raises(NoSuchDrop):
            await Arriving(api, admin).arrive("g", "one", account("other"), replaces=True)
    assert not differing(await held(api, "one"), account("one"))


@asynchronous
async def test_another_import_of_the_same_account_meanwhile_tears_nothing(api: Client) -> None:
    mine, others = account("mine"), account("others", "5511888888888")

    class Meddled(Arriving):
        """Another import begins with the same account once what was written is read back."""

        async def held(self, group: str, name: str) -> dict[str, bytes] | None:
            found = await super().held(group, name)
            if group == WAITING_GROUP:
                other = Arriving(api, api)
                other.advance = _stop
                with pytest.raises(_StoppedError):
                    await other.arrive("g", "one", others, replaces=False)
            return found

    with pytest.raises(NotReadBack):
        await Meddled(api, api).arrive("g", "one", mine, replaces=False)
    with pytest.raises(NoSuchGroup):
        await api.instances("g")
    assert (await bring(Sources(one=mine), api))["one"].state is State.IMPORTED
    assert not differing(await held(api, "one"), mine)
    with pytest.raises(NoSuchGroup):
        await api.instances(WAITING_GROUP)
    assert await api.drops() == []


class _StoppedError(Exception):
    pass


def _stop(_: int) -> None:
    raise _StoppedError


@asynchronous
async def test_an_operators_token_and_an_apis_are_enough(tmp_path: Path) -> None:
    tokens = [Token(Role.API, b"api" * 9), Token(Role.ADMIN, b"admin" * 9)]
    async with (
        running_worker(tmp_path / "roles", tokens=tokens) as worker,
        Client(worker.url, "api" * 9) as api,
        Client(worker.url, "admin" * 9) as admin,
    ):
        one = Importing(Sources(one=account()), Arriving(api, admin), here, group="g")
        report, planned = await one.plan()
        await one.run(planned)
        assert report.accounts[0].state is State.IMPORTED
        assert not differing(await held(api, "one"), account())
