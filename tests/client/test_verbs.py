"""What each verb of the client does to a worker that is well."""

from __future__ import annotations

import json

import pytest

from sessionworker.client import (
    Client,
    NameTaken,
    NoSuchDrop,
    NoSuchGroup,
    NoSuchInstance,
    NoSuchVersion,
    NotFound,
)
from sessionworker.version import VERSION
from sessionworker.wire import MOST_KEYS
from tests.server import RunningWorker, asynchronous


@asynchronous
async def test_a_ping_is_answered_whatever_the_token(worker: RunningWorker) -> None:
    async with Client(worker.url, "another-token") as client:
        await client.ping()


@asynchronous
async def test_a_slash_after_the_url_does_not_matter(worker: RunningWorker) -> None:
    async with Client(worker.url + "/", worker.token) as client:
        await client.ping()
        await client.create_group("codechat")


@asynchronous
async def test_groups_and_instances_are_created_and_listed_in_order(client: Client) -> None:
    await client.create_group("evolution")
    assert await client.instances("evolution") == []
    for instance in ("b", "a", "c", "a"):
        await client.create_instance("evolution", instance)
    assert await client.instances("evolution") == ["a", "b", "c"]
    assert await client.instances("codechat") == ["sales"]


@asynchronous
async def test_a_value_is_written_read_overwritten_and_deleted(client: Client) -> None:
    assert await client.read("codechat", "sales", "creds") is None
    await client.write("codechat", "sales", "creds", '{"registered": false}')
    assert await client.read("codechat", "sales", "creds") == b'{"registered": false}'
    await client.write("codechat", "sales", "creds", b'{"registered": true}')
    assert await client.read("codechat", "sales", "creds") == b'{"registered": true}'
    await client.delete("codechat", "sales", "creds")
    assert await client.read("codechat", "sales", "creds") is None
    await client.delete("codechat", "sales", "creds")


@asynchronous
async def test_an_instance_is_dropped_with_its_keys(client: Client) -> None:
    await client.write("codechat", "sales", "creds", "{}")
    await client.drop_instance("codechat", "sales")
    assert await client.instances("codechat") == []
    with pytest.raises(NoSuchInstance):
        await client.read("codechat", "sales", "creds")
    await client.drop_instance("codechat", "sales")
    await client.create_instance("codechat", "sales")
    assert await client.read("codechat", "sales", "creds") is None


@asynchronous
async def test_a_worker_that_is_well_says_so_whatever_the_token(worker: RunningWorker) -> None:
    async with Client(worker.url, "another-token") as client:
        await client.health()


# What an operator asks


def creds(number: int, registration: int = 1) -> str:
    identity = {"registrationId": registration, "noiseKey": {"public": "a"}, "signedIdentityKey": {"public": "b"}}
    return json.dumps({**identity, "nextPreKeyId": number})


@asynchronous
async def test_groups_are_listed_described_and_dropped(client: Client) -> None:
    await client.create_group("evolution")
    assert await client.groups() == ["codechat", "evolution"]
    await client.write("codechat", "sales", "creds", creds(1))
    await client.write("codechat", "sales", "pre-key-1", "{}")
    [sales] = await client.describe("codechat")
    assert (sales.instance, sales.files, sales.types) == ("sales", 2, {"creds": 1, "pre-key": 1})
    assert sales.bytes == len(creds(1)) + 2
    assert (sales.last_write or 0) > 1_600_000_000_000
    assert await client.describe("evolution") == []
    await client.drop_group("codechat")
    assert await client.groups() == ["evolution"]
    for call in (client.drop_group("codechat"), client.describe("codechat"), client.versions("codechat", "sales")):
        with pytest.raises(NoSuchGroup):
            await call


@asynchronous
async def test_an_older_version_becomes_the_current_one_and_what_it_replaces_stays(client: Client) -> None:
    assert await client.versions("codechat", "sales") == []
    for text in (creds(1), creds(2), creds(1, registration=2)):
        await client.write("codechat", "sales", "creds", text)
    new, good, _ = await client.versions("codechat", "sales")
    assert (new.is_current, good.is_current) == (True, False)
    assert (new.is_pinned, good.is_pinned) == (True, True)
    assert new.identity != good.identity
    assert new.when > good.when > 1_600_000_000_000
    assert good.bytes == len(creds(2))
    await client.restore_version("codechat", "sales", good.version)
    assert await client.read("codechat", "sales", "creds") == creds(2).encode()
    assert new.version in {version.version for version in await client.versions("codechat", "sales")}
    with pytest.raises(NoSuchVersion):
        await client.restore_version("codechat", "sales", "1700000000000-0.0123456789ab.1")
    for call in (client.versions("codechat", "nobody"), client.restore_version("codechat", "nobody", good.version)):
        with pytest.raises(NoSuchInstance):
            await call


@asynchronous
async def test_an_instance_is_given_a_label_and_it_is_taken_away(client: Client) -> None:
    for label in ("Loja São João 🔑", ""):
        await client.label_instance("codechat", "sales", label)
        [sales] = await client.describe("codechat")
        assert sales.label == label
    await client.label_instance("codechat", "sales", "Loja")
    await client.drop_instance("codechat", "sales")
    [drop] = await client.drops()
    assert drop.label == "Loja"
    with pytest.raises(NoSuchInstance):
        await client.label_instance("codechat", "sales", "Loja")
    with pytest.raises(NoSuchGroup):
        await client.label_instance("nobody", "sales", "Loja")


@asynchronous
async def test_a_checkpoint_brings_what_was_written_into_its_files(client: Client, worker: RunningWorker) -> None:
    await client.write("codechat", "sales", "creds", creds(1))
    await client.checkpoint()
    assert (worker.folder / "codechat" / "sales" / "creds").read_text() == creds(1)


@asynchronous
async def test_a_dropped_instance_is_brought_back_under_its_own_name_or_another(client: Client) -> None:
    assert await client.drops() == []
    await client.write("codechat", "sales", "creds", creds(1))
    await client.drop_instance("codechat", "sales")
    [drop] = await client.drops()
    assert (drop.group, drop.instance, drop.files, drop.bytes) == ("codechat", "sales", 1, len(creds(1)))
    assert drop.when > 1_600_000_000_000
    await client.create_instance("codechat", "sales")
    with pytest.raises(NameTaken) as refused:
        await client.restore_instance("codechat", "sales", drop.drop)
    assert refused.value.status == 409
    await client.restore_instance("codechat", "sales", drop.drop, "ação 100%")
    assert await client.instances("codechat") == ["ação 100%", "sales"]
    assert await client.read("codechat", "ação 100%", "creds") == creds(1).encode()
    with pytest.raises(NoSuchDrop):
        await client.restore_instance("codechat", "sales", drop.drop, "another")
    await client.drop_instance("codechat", "ação 100%")
    [drop] = [drop for drop in await client.drops() if drop.instance == "ação 100%"]
    await client.restore_instance(drop.group, drop.instance, drop.drop)
    assert await client.read("codechat", "ação 100%", "creds") == creds(1).encode()
    await client.drop_instance("codechat", "ação 100%")
    [drop] = [drop for drop in await client.drops() if drop.instance == "ação 100%"]
    await client.restore_instance(drop.group, drop.instance, drop.drop, into="evolution")
    assert await client.instances("evolution") == ["ação 100%"]


@asynchronous
async def test_a_dropped_instance_takes_the_place_of_another(client: Client) -> None:
    await client.write("codechat", "sales", "creds", creds(1))
    await client.create_instance("codechat", "support")
    await client.write("codechat", "support", "creds", creds(2))
    await client.drop_instance("codechat", "support")
    [drop] = await client.drops()
    with pytest.raises(NameTaken):
        await client.restore_instance("codechat", "support", drop.drop, "sales", replacing=False)
    await client.restore_instance("codechat", "support", drop.drop, "sales", replacing=True)
    assert await client.instances("codechat") == ["sales"]
    assert await client.read("codechat", "sales", "creds") == creds(2).encode()
    [replaced] = await client.drops()
    assert replaced.instance == "sales"
    await client.restore_instance("codechat", "sales", replaced.drop, replacing=True)
    assert await client.read("codechat", "sales", "creds") == creds(1).encode()
    [drop] = await client.drops()
    await client.create_instance("evolution", "sales")
    await client.restore_instance("codechat", "sales", drop.drop, into="evolution", replacing=True)
    assert await client.read("evolution", "sales", "creds") == creds(2).encode()


@asynchronous
async def test_many_keys_are_changed_read_and_listed(client: Client) -> None:
    await client.change("codechat", "sales", {"a": " [1.50]\n", "b": b'"\\ud83d"', "creds": "{}"})
    await client.change("codechat", "sales", {"a": "2", "gone": None})
    assert await client.read_many("codechat", "sales", ["a", "b", "creds", "gone"]) == {
        "a": b"2",
        "b": b'"\\ud83d"',
        "creds": b"{}",
        "gone": None,
    }
    assert await client.keys("codechat", "sales") == ["a", "b", "creds"]
    found = await client.read_whole("codechat", "sales")
    assert found == ({"a": b"2", "b": b'"\\ud83d"', "creds": b"{}"}, 0)
    await client.change("codechat", "sales", {f"k{number:04}": "1" for number in range(5000)})
    assert await client.keys("codechat", "sales", "k") == [f"k{number:04}" for number in range(5000)]
    await client.change("codechat", "sales", {"l": "1"})
    assert len(await client.keys("codechat", "sales")) == 5004
    with pytest.raises(NoSuchInstance):
        await client.read_many("codechat", "nobody", ["a"])


@asynchronous
@pytest.mark.parametrize("value", ["null", " null", '1, "c": 2', "{", b'"\xff"', ""])
async def test_what_is_no_json_is_not_sent_among_others(client: Client, value: bytes | str) -> None:
    with pytest.raises(ValueError, match="must be JSON"):
        await client.change("codechat", "sales", {"a": "1", "b": value})
    assert await client.keys("codechat", "sales") == []


@asynchronous
async def test_the_worker_is_seen_at_a_glance(client: Client) -> None:
    overview = await client.overview()
    assert overview.is_well
    assert (overview.store.groups, overview.store.instances, overview.store.attention) == (1, 1, [])
    assert overview.version == VERSION
    assert overview.started_at <= overview.now


@asynchronous
async def test_what_happened_is_told_also_from_a_number_on(client: Client) -> None:
    await client.drop_instance("codechat", "sales")
    await client.drop_group("codechat")
    events = await client.events()
    assert [event.event for event in events][-2:] == ["instance_dropped", "group_dropped"]
    assert (events[-2].group, events[-2].instance) == ("codechat", "sales")
    assert await client.events(after=events[-2].number) == events[-1:]


@asynchronous
async def test_a_dropped_instance_is_erased_for_good(client: Client) -> None:
    await client.drop_instance("codechat", "sales")
    [drop] = await client.drops()
    await client.purge_drop("codechat", "sales", drop.drop)
    assert await client.drops() == []
    for call in (client.purge_drop, client.restore_instance):
        with pytest.raises(NoSuchDrop):
            await call("codechat", "sales", drop.drop)


@asynchronous
async def test_what_is_plain_is_said_to_be_and_rewriting_it_is_asked_for_and_ended(client: Client) -> None:
    await client.rewrite()
    await client.rewrite(is_wanted=False)
    found = await client.encryption()
    assert (found.key, found.keys, found.plain, found.is_rewriting) == ("", [], True, False)


@asynchronous
async def test_a_worker_without_a_page_has_no_link_to_it(client: Client) -> None:
    with pytest.raises(NotFound, match="--ui-listen"):
        await client.page_link()


@asynchronous
async def test_as_many_keys_as_there_are_can_be_read(client: Client) -> None:
    values = {f"pre-key-{number}": b"%d" % number for number in range(MOST_KEYS + 1)}
    for start in (0, MOST_KEYS):
        part = dict(list(values.items())[start : start + MOST_KEYS])
        await client.change("codechat", "sales", part)
    assert await client.read_many("codechat", "sales", await client.keys("codechat", "sales")) == values
