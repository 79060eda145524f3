"""Accounts come under new names where a map has them: those of any source."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec import structs

from sessionworker.client import Client
from sessionworker.commands.endings import Code
from sessionworker.commands.importing import NamesFile
from sessionworker.migration.arriving import Arriving
from sessionworker.migration.found import Account
from sessionworker.migration.importing import Importing
from sessionworker.migration.reports import Report, State
from tests.commands.typed import typed
from tests.migration.bringing import Sources, held, here
from tests.migration.examples import account
from tests.migration.places import codes, differing, text_of_note
from tests.server import asynchronous


class Labelled(Sources):
    """Accounts of a group of their own, whose labels are their origins in capital letters."""

    def accounts(self) -> list[Account]:
        return [structs.replace(one, group="g", label=one.origin.upper()) for one in super().accounts()]


async def renamed(api: Client, source: Sources, only: tuple[str, ...] = (), /, **names: str) -> Report:
    there = {old.replace("_", "/"): new for old, new in names.items()}
    importing = Importing(source, Arriving(api, api), here, group="g", only=only, names=there)
    report, planned = await importing.plan()
    await importing.run(planned)
    return report


@asynchronous
async def test_an_account_has_its_new_name_and_the_old_one_as_a_label(api: Client) -> None:
    source = Sources(one=account("one"), two=account("two", "5511888888888"))
    report = await renamed(api, source, one="sales")
    assert [(told.instance, told.label, told.state) for told in report.accounts] == [
        ("sales", "one", State.IMPORTED),
        ("two", "", State.IMPORTED),
    ]
    assert report.notes == []
    assert not differing(await held(api, "sales"), account("one"))
    assert [told.state for told in (await renamed(api, source, one="sales")).accounts] == [State.EQUAL] * 2


@asynchronous
async def test_a_new_name_is_found_by_whatever_an_account_is_called_there(api: Client) -> None:
    source = Labelled(one=account("one"), two=account("two", "5511888888888"), three=account("3", "5511777777777"))
    report = await renamed(api, source, g_one="sales", TWO="support", three="other")
    assert sorted((told.origin, told.instance, told.label) for told in report.accounts) == [
        ("one", "sales", "ONE"),
        ("three", "other", "THREE"),
        ("two", "support", "TWO"),
    ]


@asynchronous
async def test_who_is_wanted_alone_is_called_by_either_name(api: Client) -> None:
    source = Sources(one=account("one"), two=account("two", "5511888888888"))
    for name in ("one", "sales", "g/sales"):
        report = await renamed(api, source, (name,), one="sales", two="support")
        assert [told.instance for told in report.accounts] == ["sales"]
        assert report.notes == []


@asynchronous
async def test_a_new_name_that_another_one_has_and_one_that_cannot_be_are_told(api: Client) -> None:
    source = Sources(one=account("one"), two=account("two", "5511888888888"), three=account("3", "5511777777777"))
    report = await renamed(api, source, one="two", three="a/b", nobody="x", no_one="y")
    found = {told.origin: told for told in report.accounts}
    assert {origin: told.state for origin, told in found.items()} == {
        "one": State.FAILED,
        "two": State.IMPORTED,
        "three": State.FAILED,
    }
    assert codes(found["one"].notes) == ["same_new_name"]
    assert "that of another one, too: two." in text_of_note(found["one"].notes, "same_new_name")
    assert codes(found["three"].notes) == ["name_not_allowed"]
    assert "no account has there (2): no/one, nobody." in text_of_note(report.notes, "map_not_used")


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("one;sales\n", "Each line of {path} has to be a name, a comma, and the new name."),
        ("one,\n", "Each line of {path} has to be a name, a comma, and the new name."),
        ("one,sales\none,support\n", "In {path} one has several new names."),
        ("one,\xe3\n", "The names in {path} cannot be read: they have to be CSV, in UTF-8."),
        (None, "The names in {path} cannot be read: No such file or directory."),
    ],
)
def test_a_map_that_is_none_is_told(tmp_path: Path, written: str | None, told: str) -> None:
    path = tmp_path / "names.csv"
    if written is not None:
        path.write_bytes(written.encode("latin-1"))
    done = typed("import", "baileys", tmp_path, "--map", path)
    assert done.exit_code == Code.USAGE
    assert told.format(path=path) in done.stderr


def test_a_map_as_a_table_writes_it(tmp_path: Path) -> None:
    path = tmp_path / "names.csv"
    path.write_text('\ufeffLoja 1,sales\n\n"Loja, 2", support \nLoja 1,sales\n')
    assert NamesFile().convert(path, None, None) == {"Loja 1": "sales", "Loja, 2": "support"}
