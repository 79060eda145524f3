"""`sessionworker-key` says what to do next, and finds the token where the worker has it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from sessionworker import key_command
from sessionworker.command_line import Options
from sessionworker.key_command import URL_VARIABLE, main
from sessionworker.settings import TOKEN_VARIABLES, read_settings

ALL_PLAIN = {"key": "", "keys": [], "plain": True, "isRewriting": False, "instances": 1, "done": 1}
ENCRYPTED = {"key": "0a1b2c3d", "keys": ["0a1b2c3d"], "plain": False, "isRewriting": False, "instances": 1, "done": 1}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The tokens with which a worker was asked, which answers that all is plain."""
    return answering(monkeypatch, lambda: ALL_PLAIN)


def answering(monkeypatch: pytest.MonkeyPatch, answer: Callable[[], Any]) -> list[str]:
    tokens: list[str] = []

    def ask(worker: key_command.Worker, _method: str, _path: str) -> Any:
        tokens.append(worker._token)
        return answer()

    monkeypatch.setattr(key_command.Worker, "ask", ask)
    for variable in TOKEN_VARIABLES.values():
        monkeypatch.delenv(variable, raising=False)
        monkeypatch.delenv(f"{variable}_FILE", raising=False)
    return tokens


def run(*arguments: str, **environment: str) -> str:
    result = CliRunner().invoke(main, arguments, env=environment)
    assert result.exit_code == 0, result.output
    return result.output


def test_a_first_key_is_made_with_the_advice_to_rewrite_what_is_there(tmp_path: Path) -> None:
    said = run("make", str(tmp_path / "keys"))
    assert "Start the worker again with it, and run 'sessionworker-key rewrite' then." in said


@pytest.mark.usefixtures("asked")
def test_where_all_is_plain_no_key_is_needed_any_more(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("secret\n")
    said = run("rewrite", "--token-file", str(tmp_path / "token"))
    assert said == "All that is stored is plain. No key is needed any more.\n"


def test_where_all_is_under_one_key_the_others_are_not_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, lambda: ENCRYPTED)
    said = run("rewrite", SESSIONWORKER_ADMIN_TOKEN="secret")
    assert (
        said == "All that is stored is encrypted with the key 0a1b2c3d. Other keys can be taken out of the key file.\n"
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [("secret\nother\n", "secret"), ("\n\n secret \n", "secret"), ("*:with:colons\n", "with:colons")],
)
def test_the_token_of_an_apis_file_is_its_first_one(tmp_path: Path, asked: list[str], text: str, expected: str) -> None:
    (tmp_path / "tokens").write_text(text)
    run("status", GLOBAL_AUTH_TOKEN_FILE=str(tmp_path / "tokens"))
    assert asked == [expected]


@pytest.mark.parametrize("text", ["a:secret\n", "\na:secret\n"])
def test_a_colon_in_an_operators_token_is_a_part_of_it(tmp_path: Path, asked: list[str], text: str) -> None:
    (tmp_path / "tokens").write_text(text)
    run("status", SESSIONWORKER_ADMIN_TOKEN_FILE=str(tmp_path / "tokens"), GLOBAL_AUTH_TOKEN="other")
    assert asked == ["a:secret"]


def test_a_file_without_a_token_is_an_error_of_one_line(tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("\n")
    result = CliRunner().invoke(main, ["status", "--token-file", str(tmp_path / "empty")])
    assert result.exit_code == 1
    assert result.output == f"Error: The token file {tmp_path / 'empty'} is empty.\n"


def test_its_own_variable_is_known_to_the_worker() -> None:
    options = Options()
    settings = read_settings(options, {URL_VARIABLE: "http://worker:5656"})
    assert settings.doubts == ()
