"""What all commands take, where the token comes from, and how names are spelled."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from sessionworker.access import Role
from sessionworker.commands.database import SCHEMA
from sessionworker.commands.endings import Code, Stop
from sessionworker.commands.given import Given, Program, command
from sessionworker.commands.showing import InstancePlace, Place, confirm, confirm_name, read_name, spelled
from sessionworker.stores.postgres import address
from tests.commands.typed import typed


def given_by(*words: str) -> Given:
    """Return what a command is given."""
    found: list[Given] = []
    program = click.group(cls=Program)(lambda: None)
    program.add_command(command("try")(found.append))
    result = CliRunner().invoke(program, words)
    assert result.exit_code == 0, result.output
    return found[0]


def test_the_options_of_all_may_stand_on_both_sides_of_the_command() -> None:
    for words in (("--url", "http://a", "--json", "try"), ("try", "--url", "http://a", "--json")):
        given = given_by(*words)
        assert (given.address, given.is_json, given.is_quiet) == ("http://a", True, False)
    assert given_by("--url", "http://a", "try", "--url", "http://b").address == "http://b"


def test_the_worker_is_the_one_of_this_machine_unless_something_else_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SESSIONWORKER_URL", raising=False)
    assert given_by("try").address == "http://127.0.0.1:5656"
    monkeypatch.setenv("SESSIONWORKER_URL", "http://other")
    assert given_by("try").address == "http://other"


def test_no_token_can_be_an_argument() -> None:
    assert typed("--token", "secret", "copy").exit_code == Code.USAGE


@pytest.fixture
def token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """No variable names a token, and the store of this folder has none."""
    for name in ("GLOBAL_AUTH_TOKEN", "SESSIONWORKER_ADMIN_TOKEN"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(f"{name}_FILE", raising=False)
    monkeypatch.delenv("SESSIONWORKER_STORE", raising=False)
    monkeypatch.chdir(tmp_path)
    return monkeypatch


def test_a_token_is_looked_for_in_the_order_that_is_promised(tmp_path: Path, token: pytest.MonkeyPatch) -> None:
    made = tmp_path / "instances" / ".sessionworker"
    made.mkdir(parents=True)
    (made / "token").write_text("made\n")
    for name in ("api", "admin", "given"):
        (tmp_path / name).write_text(f"{name}\n")
    assert Given().token().secret == "made"
    token.setenv("GLOBAL_AUTH_TOKEN_FILE", str(tmp_path / "api"))
    assert Given().token().secret == "api"
    token.setenv("SESSIONWORKER_ADMIN_TOKEN_FILE", str(tmp_path / "admin"))
    assert Given().token().secret == "admin"
    assert Given(token_file=tmp_path / "given").token().secret == "given"
    assert Given(token_file=tmp_path / "given").token(Role.API).secret == "api"


def test_of_an_apis_tokens_one_is_taken_that_is_for_all_groups(tmp_path: Path, token: pytest.MonkeyPatch) -> None:
    (tmp_path / "tokens").write_text("codechat:narrow\n*:wide\n")
    token.setenv("GLOBAL_AUTH_TOKEN_FILE", str(tmp_path / "tokens"))
    assert Given().token(Role.API).secret == "wide"


def test_without_a_token_it_is_said_how_to_give_one(token: pytest.MonkeyPatch) -> None:
    with pytest.raises(Stop, match=r"Name a file of it with --token-file, or set SESSIONWORKER_ADMIN_TOKEN") as stop:
        Given().token()
    assert stop.value.exit_code == Code.TOKEN_REFUSED


@pytest.mark.parametrize(
    ("name", "text"), [("Loja São", "Loja São"), ("50%", "50%25"), ("a\x1b[2J", "a%1B[2J"), ("a\nb", "a%0Ab")]
)
def test_a_name_is_spelled_so_that_a_terminal_and_a_command_can_take_it(name: str, text: str) -> None:
    assert spelled(name) == text
    assert read_name(text) == name


def test_an_instance_is_read_as_it_is_spelled() -> None:
    place = Place("50%", "a\tb")
    assert InstancePlace().convert(str(place), None, None) == place
    for wrong in ("", "group", "group/", "/instance", "a/b/c", "a%2Fb/c/d"):
        with pytest.raises(click.BadParameter):
            InstancePlace().convert(wrong, None, None)


def test_nobody_is_asked_where_nobody_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    confirm("Drop it?", is_meant=True)
    monkeypatch.setattr("sys.stdin", StringIO("y\na\n"))
    for ask in (lambda: confirm("Drop it?", is_meant=False), lambda: confirm_name("Drop it.", "a", is_meant=False)):
        with pytest.raises(Stop, match="give --yes if it is meant"):
            ask()


def test_the_schema_is_the_stores() -> None:
    assert SCHEMA == address.SCHEMA
