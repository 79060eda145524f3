"""`sessionworker-key` says what to do next, and finds the token where the worker has it."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from sessionworker.command_line import Options
from sessionworker.commands import key as key_command
from sessionworker.commands.key import URL_VARIABLE, main
from sessionworker.settings import TOKEN_VARIABLES, read_settings
from sessionworker.stores.seal import KEY_BYTES

KEY, OTHER_KEY = (b64encode(bytes([number]) * KEY_BYTES).decode() for number in range(2))

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


@pytest.mark.parametrize("token", ["sec\nret", "secret\n", "secret\u20ac"])
def test_a_token_that_cannot_be_sent_is_an_error_of_one_line_that_does_not_hold_it(token: str) -> None:
    environment = {"SESSIONWORKER_ADMIN_TOKEN": token}
    result = CliRunner().invoke(main, ["status", "--url", "http://127.0.0.1:1"], env=environment)
    assert result.output == "Error: The token cannot be sent: it has to be one line of printable ASCII.\n"


@pytest.mark.parametrize("url", ["http://127.0.0.1:port", "http://[::1", "https://worker", "worker"])
def test_an_address_that_is_none_is_an_error_of_one_line(url: str) -> None:
    result = CliRunner().invoke(main, ["status", "--url", url], env={"SESSIONWORKER_ADMIN_TOKEN": "secret"})
    assert result.output == f"Error: '{url}' is not a plain http address.\n"


def rewriting(monkeypatch: pytest.MonkeyPatch, answers: list[Any]) -> list[str]:
    """Let a worker answer so when it is asked how far it is, one after the other; return what it is asked."""
    asked: list[str] = []

    def ask(_worker: key_command.Worker, method: str, _path: str) -> Any:
        asked.append(method)
        if method != "GET":
            return None
        answer = answers.pop(0)
        if isinstance(answer, BaseException):
            raise answer
        return answer

    monkeypatch.setattr(key_command.Worker, "ask", ask)
    monkeypatch.setattr(key_command, "POLL_SECONDS", 0)
    return asked


HALF = {**ENCRYPTED, "plain": True, "instances": 2, "done": 1}
BUSY = {**HALF, "isRewriting": True}


def test_where_something_cannot_be_rewritten_it_ends_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = rewriting(monkeypatch, [HALF, BUSY, HALF, BUSY, BUSY, HALF])
    result = CliRunner().invoke(main, ["rewrite"], env={"SESSIONWORKER_ADMIN_TOKEN": "secret"})
    assert "Error: 1 instances are left. The worker's log says why.\n" in result.output
    assert asked.count("POST") == 2


def test_a_worker_that_was_started_again_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    gone = key_command._Silent("it does not answer")
    asked = rewriting(monkeypatch, [HALF, HALF, gone, HALF, gone, HALF, BUSY, ENCRYPTED])
    result = CliRunner().invoke(main, ["rewrite"], env={"SESSIONWORKER_ADMIN_TOKEN": "secret"})
    assert result.exit_code == 0, result.output
    assert asked.count("POST") == 4


def test_it_can_be_interrupted_while_the_worker_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    def ask(_worker: key_command.Worker, method: str, _path: str) -> Any:
        if method == "GET":
            raise KeyboardInterrupt
        raise key_command._Silent("it does not answer")

    monkeypatch.setattr(key_command.Worker, "ask", ask)
    result = CliRunner().invoke(main, ["rewrite"], env={"SESSIONWORKER_ADMIN_TOKEN": "secret"})
    assert result.output == "Error: Stopped. What was rewritten stays so; run it again to go on.\n"


def test_a_key_that_could_not_be_put_in_its_place_does_not_lie_beside_it(tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "rename", lambda *_: (_ for _ in ()).throw(OSError(16, "Device or resource busy")))
        result = CliRunner().invoke(main, ["make", str(tmp_path / "keys")])
    assert result.output == f"Error: {tmp_path / 'keys'} cannot be written: Device or resource busy.\n"
    assert list(tmp_path.iterdir()) == []


def test_a_key_that_is_made_changes_nothing_else_in_the_file(tmp_path: Path) -> None:
    before = f"# all of them\n\n{KEY}\n# of 2024\n{OTHER_KEY}\nplain\n"
    (tmp_path / "keys").write_text(before)
    run("make", str(tmp_path / "keys"))
    lines = (tmp_path / "keys").read_text().splitlines(keepends=True)
    assert lines.pop(2) not in before
    assert "".join(lines) == before
