"""An account that arrives is called what people call it where it comes from, and arrives whatever that is."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import structs

from sessionworker.client import Client, NoSpace, TimedOut
from sessionworker.migration.arriving import Arriving
from sessionworker.migration.found import Account, Source
from sessionworker.migration.importing import Importing
from sessionworker.migration.reports import State, Told
from sessionworker.migration.sources.evolution import open_evolution
from tests.migration.bringing import Sources, here
from tests.migration.evolution import ONE as FIRST
from tests.migration.evolution import TWO as SECOND
from tests.migration.evolution import Evolution, keys_alone
from tests.migration.examples import account
from tests.migration.places import codes, text_of_note
from tests.migration.reading import all_closed
from tests.server import RunningWorker, asynchronous

ONE, TWO = account("one"), account("two", "5511888888888")
TURNED = "Loja \u202e Centro"
"""It has a sign that turns the direction of what follows it."""


class Labelled(Sources):
    """Accounts of which some have labels, and those that hold nothing are made empty."""

    labels: dict[str, str]

    def accounts(self) -> list[Account]:
        return [
            structs.replace(one, label=self.labels.get(one.origin, ""), is_empty=not self.values[one.origin])
            for one in super().accounts()
        ]


def labelled(source: Labelled, **labels: str) -> Labelled:
    source.labels = labels
    return source


async def bring(source: Source, client: Client, *accepted: str, **names: str) -> dict[str, Told]:
    """Import, and return what became of each account, by its origin."""
    arriving = Arriving(client, client)
    one = Importing(source, arriving, here, group="g", names=names, accepted=frozenset(accepted))
    report, planned = await one.plan()
    await one.run(planned)
    return {told.origin: told for told in report.accounts}


async def labels(client: Client) -> dict[str, str]:
    return {one.instance: one.label for one in await client.describe("g")}


@asynchronous
async def test_what_arrives_and_what_is_made_empty_has_its_label(api: Client) -> None:
    source = labelled(Labelled(one=ONE, two=TWO, empty={}), one="Loja São 🔑", empty="Nova")
    told = await bring(source, api)
    assert [one.notes for one in told.values()] == [[], [], []]
    assert await labels(api) == {"one": "Loja São 🔑", "two": "", "empty": "Nova"}


@asynchronous
async def test_a_new_name_leaves_the_old_one_as_a_label(api: Client) -> None:
    await bring(labelled(Labelled(one=ONE, two=TWO), two="Loja"), api, one="3f0a9c12", two="3f0a9c13")
    assert await labels(api) == {"3f0a9c12": "one", "3f0a9c13": "Loja"}


@asynchronous
async def test_one_that_has_a_label_keeps_it(api: Client) -> None:
    await bring(labelled(Labelled(one=ONE, empty={}), one="Loja", empty="Nova"), api)
    await api.label_instance("g", "one", "Matriz")
    await api.label_instance("g", "empty", "Filial")
    again = labelled(Labelled(one=TWO, empty={}), one="Loja", empty="Nova")
    assert (await bring(again, api, "another_identity_here"))["one"].state is State.IMPORTED
    assert await labels(api) == {"one": "Matriz", "empty": "Filial"}


@asynchronous
async def test_one_that_is_there_already_gets_a_label_if_it_has_none(api: Client) -> None:
    await bring(Sources(one=ONE, two=TWO), api)
    await api.label_instance("g", "two", "Matriz")
    told = await bring(labelled(Labelled(one=ONE, two=TWO), one="Loja", two="Filial"), api)
    assert {one.state for one in told.values()} == {State.EQUAL}
    assert await labels(api) == {"one": "Loja", "two": "Matriz"}


@asynchronous
async def test_one_that_is_left_where_another_stands_does_not_label_that(api: Client) -> None:
    await bring(Sources(one=ONE), api)
    told = await bring(labelled(Labelled(one=TWO), one="Loja"), api)
    assert told["one"].state is State.LEFT_OUT
    assert await labels(api) == {"one": ""}


@asynchronous
async def test_a_plan_gives_no_label(api: Client) -> None:
    await bring(Sources(one=ONE), api)
    source = labelled(Labelled(one=ONE, two=TWO), one="Loja", two="\n")
    report, _ = await Importing(source, Arriving(api, api), here, group="g").plan()
    assert await labels(api) == {"one": ""}
    assert [codes(one.notes) for one in report.accounts] == [[], ["label_not_allowed"]]


@asynchronous
@pytest.mark.parametrize("label", ["x" * 101, "two\nlines", TURNED, "\x1b]0;mine\x07"])
async def test_what_is_no_label_keeps_no_account_from_arriving(api: Client, label: str) -> None:
    told = (await bring(labelled(Labelled(one=ONE), one=label), api))["one"]
    assert (told.state, told.label, codes(told.notes)) == (State.IMPORTED, "", ["label_not_allowed"])
    text = text_of_note(told.notes, "label_not_allowed")
    assert text.isprintable()
    assert "x" * 101 not in text
    assert "at most 100 characters" in text
    assert await labels(api) == {"one": ""}


@asynchronous
async def test_spaces_around_a_label_are_none_of_it(api: Client) -> None:
    told = await bring(labelled(Labelled(one=ONE, two=TWO), one="  Loja ", two="  "), api)
    assert [one.notes for one in told.values()] == [[], []]
    assert await labels(api) == {"one": "Loja", "two": ""}


@asynchronous
@pytest.mark.parametrize("error", [NoSpace(507, "The disk is full."), TimedOut("No answer came.")])
async def test_a_label_that_is_refused_keeps_no_account_from_arriving(worker: RunningWorker, error: Exception) -> None:
    class Refusing(Client):
        """A client whose worker gives no label."""

        async def label_instance(self, *_: Any) -> None:
            raise error

    async with Refusing(worker.url, worker.token) as api:
        told = await bring(labelled(Labelled(one=ONE, two=TWO), one="Loja", two="Filial"), api)
        assert [(one.state, codes(one.notes)) for one in told.values()] == [
            (State.IMPORTED, ["label_not_given"]),
            (State.IMPORTED, ["label_not_given"]),
        ]


@asynchronous
async def test_labels_are_asked_for_once_whatever_comes(worker: RunningWorker) -> None:
    asked = []

    class Counting(Client):
        async def describe(self, group: str) -> Any:
            asked.append(group)
            return await super().describe(group)

    async with Counting(worker.url, worker.token) as api:
        many = {f"i{number}": account(str(number), f"55119{number:08}") for number in range(5)}
        await bring(labelled(Labelled(**many), **dict.fromkeys(many, "Loja")), api)
        assert asked.count("g") == 1
        assert set((await labels(api)).values()) == {"Loja"}


@pytest.mark.slow
@asynchronous
async def test_what_evolution_stores_under_ids_is_called_as_people_call_it_there(
    api: Client, either: Evolution, monkeypatch: pytest.MonkeyPatch
) -> None:
    either.instance(FIRST, "São: 1", account()["creds"])
    either.hash(FIRST, keys_alone())
    either.instance(SECOND, "new", owner=None)
    with all_closed(monkeypatch):
        told = await bring(open_evolution(either.env()), api)
    assert {one.instance: one.state for one in told.values()} == {FIRST: State.IMPORTED, SECOND: State.MADE_EMPTY}
    assert await labels(api) == {FIRST: "São: 1", SECOND: "new"}
