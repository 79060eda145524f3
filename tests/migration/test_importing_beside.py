"""What an import finds beside its accounts: others of the same identity, imports that were cut off, wrong words."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import CancelledError, Deferred

from sessionworker.access import Role, Token
from sessionworker.client import Client, NoSuchGroup
from sessionworker.commands.asking import in_threads, sleep
from sessionworker.commands.importing import reading_in
from sessionworker.migration.arriving import WAITING_GROUP, Arriving
from sessionworker.migration.found import Account, Reading, SourceError
from sessionworker.migration.importing import GroupMissingError, Importing
from sessionworker.migration.reports import State
from sessionworker.migration.unbroken import unbroken
from tests.migration.bringing import Sources, Values, bring, held, here, importing
from tests.migration.examples import account
from tests.migration.places import codes, differing, text_of_note
from tests.server import RunningWorker, asynchronous, running_worker


@asynchronous
async def test_an_account_that_the_worker_has_under_another_name_waits_for_a_word(api: Client) -> None:
    await bring(Sources(one=account("one")), api)
    await api.create_instance("g", "unreadable")
    again = Sources(two=account("one"))
    told = (await bring(again, api))["two"]
    assert (told.state, codes(told.notes)) == (State.LEFT_OUT, ["same_account_here"])
    assert "elsewhere: g/one. " in text_of_note(told.notes, "same_account_here")
    told = (await bring(again, api, "same_account_here"))["two"]
    assert (told.state, codes(told.notes)) == (State.IMPORTED, ["same_account_here"])
    assert (await bring(again, api))["two"].state is State.EQUAL
    assert (await bring(Sources(three=account("three", "5511888888888")), api))["three"].state is State.IMPORTED


@asynchronous
async def test_an_account_that_another_group_has_waits_for_a_word_as_far_as_the_token_may_see(tmp_path: Path) -> None:
    groups = frozenset({"g", "other", WAITING_GROUP})
    tokens = [Token(Role.API, b"all" * 9), Token(Role.API, b"some" * 9, groups), Token(Role.ADMIN, b"admin" * 9)]
    async with (
        running_worker(tmp_path / "roles", tokens=tokens) as worker,
        Client(worker.url, "all" * 9) as everywhere,
        Client(worker.url, "some" * 9) as somewhere,
        Client(worker.url, "admin" * 9) as admin,
    ):
        for group in ("other", "unseen", WAITING_GROUP):
            await everywhere.create_instance(group, "one")
            await everywhere.write(group, "one", "creds", account("one")["creds"])
        for api, found in ((everywhere, "other/one, unseen/one"), (somewhere, "other/one")):
            one = Importing(Sources(one=account("one")), Arriving(api, admin), here, group="g")
            report, _ = await one.plan()
            [told] = report.accounts
            assert (told.state, codes(told.notes)) == (State.LEFT_OUT, ["same_account_here"])
            assert f"elsewhere: {found}. " in text_of_note(told.notes, "same_account_here")


@asynchronous
async def test_nothing_is_read_where_no_group_is_named(api: Client) -> None:
    class Unread(Sources):
        def read(self, account: Account) -> Reading:
            raise AssertionError(account)

    one = Importing(Unread(one=account()), Arriving(api, api), here, group="")
    with pytest.raises(GroupMissingError):
        await one.plan()


@asynchronous
async def test_what_an_import_that_was_cut_off_has_left_is_told(api: Client) -> None:
    await api.create_instance(WAITING_GROUP, "0" * 32 + "-0")
    one = importing(Sources(one=account("one")), api)
    report, planned = await one.plan()
    await one.run(planned)
    assert codes(report.notes) == ["left_by_imports"]
    assert f"the group {WAITING_GROUP} are 1 accounts" in text_of_note(report.notes, "left_by_imports")
    await api.drop_group(WAITING_GROUP)
    one = importing(Sources(one=account("one")), api)
    report, planned = await one.plan()
    await one.run(planned)
    assert codes(report.notes) == ["left_by_imports"]
    for drop in await api.drops():
        await api.purge_drop(drop.group, drop.instance, drop.drop)
    one = importing(Sources(one=account("one")), api)
    report, planned = await one.plan()
    await one.run(planned)
    assert codes(report.notes) == []


@asynchronous
async def test_another_import_that_tidies_up_meanwhile_keeps_no_account_from_arriving(api: Client) -> None:
    class Tidied(Arriving):
        """Another import removes the group that it saw empty, once this one has made its instance there."""

        is_tidied = False

        async def _write(self, waiting: str, part: Values) -> None:
            if not self.is_tidied:
                self.is_tidied = True
                await api.drop_group(WAITING_GROUP)
            await super()._write(waiting, part)

    arriving = Tidied(api, api)
    await arriving.arrive("g", "one", account("one"), replaces=False)
    assert not differing(await held(api, "one"), account("one"))

    class Always(Tidied):
        async def _write(self, waiting: str, part: Values) -> None:
            self.is_tidied = False
            await super()._write(waiting, part)

    with pytest.raises(NoSuchGroup):
        await Always(api, api).arrive("g", "two", account("two"), replaces=False)
    assert await api.instances("g") == ["one"]


@asynchronous
@pytest.mark.parametrize("account_is", ["new", "empty"])
async def test_one_that_takes_its_place_while_the_import_is_interrupted_is_told_as_imported(
    api: Client, worker: RunningWorker, account_is: str
) -> None:
    class Interrupted(Client):
        """One whose import is interrupted when the worker has done it, and its answer is under way."""

        async def restore_instance(self, *arguments: Any, **rest: Any) -> None:
            await super().restore_instance(*arguments, **rest)
            await interrupt()

        async def create_instance(self, group: str, instance: str) -> None:
            await super().create_instance(group, instance)
            if group == "g":
                await interrupt()

    async def interrupt() -> None:
        from twisted.internet import reactor  # noqa: PLC0415 - importing it installs it

        reactor.callLater(0, run.cancel)
        await sleep(0.01)

    class Empty(Sources):
        def accounts(self) -> list[Account]:
            return [Account("one", "one", is_empty=account_is == "empty")]

    async with Interrupted(worker.url, worker.token) as interrupted:
        one = importing(Empty(one=account("one")), interrupted)
        report, planned = await one.plan()
        run = Deferred.fromCoroutine(one.run(planned))
        with pytest.raises(CancelledError):
            await run
    assert await api.instances("g") == ["one"]
    assert report.accounts[0].state is (State.IMPORTED if account_is == "new" else State.MADE_EMPTY)


@asynchronous
async def test_a_step_that_fails_behind_an_interruption_is_where_the_interruption_comes_from() -> None:
    ended = []

    async def step() -> None:
        await let_go
        raise ValueError

    async def wait() -> None:
        try:
            await unbroken(step())
        finally:
            ended.append(True)

    for is_cancelled in (False, True):
        let_go: Deferred[None] = Deferred()
        waiting = Deferred.fromCoroutine(wait())
        if is_cancelled:
            waiting.cancel()
        assert ended == [True] * is_cancelled
        let_go.callback(None)
        with pytest.raises(CancelledError if is_cancelled else ValueError) as raised:
            await waiting
        assert isinstance(raised.value.__cause__ if is_cancelled else raised.value, ValueError)


@asynchronous
async def test_whatever_a_reader_raises_ends_in_a_sentence_without_what_it_read() -> None:
    def fail(error: Exception) -> Callable[[], Any]:
        def function() -> None:
            raise error

        return function

    async with in_threads() as in_thread:
        read = reading_in(in_thread)
        assert await read(lambda: 7) == 7
        for error, text in (
            (ValueError("a secret"), "The source could not be read: ValueError."),
            (pytest.UsageError("a secret"), "The source could not be read: pytest.UsageError."),
            (SourceError("There is no folder."), "There is no folder."),
        ):
            with pytest.raises(SourceError) as raised:
                await read(fail(error))
            assert str(raised.value) == text
