"""`sessionworker-key` says what to do next, and follows a rewriting to its end."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path
from typing import Any, cast

import pytest
from click.testing import CliRunner
from twisted.internet.defer import CancelledError, Deferred

from sessionworker.client import Client, ConnectionFailed, EncryptionSummary
from sessionworker.command_line import Options
from sessionworker.commands.asking import client_of
from sessionworker.commands.endings import Code, Stop
from sessionworker.commands.given import URL_VARIABLE, FoundToken, Given
from sessionworker.commands.key import follow, is_over, main
from sessionworker.options import TOKEN_VARIABLES
from sessionworker.settings import read_settings
from sessionworker.stores.seal import KEY_BYTES

KEY, OTHER_KEY = (b64encode(bytes([number]) * KEY_BYTES).decode() for number in range(2))

ALL_PLAIN = EncryptionSummary("", [], plain=True, is_rewriting=False, instances=1, done=1)
ENCRYPTED = EncryptionSummary("0a1b2c3d", ["0a1b2c3d"], plain=False, is_rewriting=False, instances=1, done=1)
HALF = EncryptionSummary("0a1b2c3d", ["0a1b2c3d"], plain=True, is_rewriting=False, instances=2, done=1)
BUSY = EncryptionSummary("0a1b2c3d", ["0a1b2c3d"], plain=True, is_rewriting=True, instances=2, done=1)


def run(*arguments: str) -> str:
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output
    return result.output


@pytest.fixture(autouse=True)
def _nothing_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in TOKEN_VARIABLES.values():
        monkeypatch.delenv(variable, raising=False)
        monkeypatch.delenv(f"{variable}_FILE", raising=False)


def test_a_first_key_is_made_with_the_advice_to_rewrite_what_is_there(tmp_path: Path) -> None:
    said = run("make", str(tmp_path / "keys"))
    assert "Start the worker again with it, and run 'sessionworker-key rewrite' then." in said


@pytest.mark.parametrize(
    ("text", "expected"),
    [("secret\nother\n", "secret"), ("\n\n secret \n", "secret"), ("*:with:colons\n", "with:colons")],
)
def test_the_token_of_an_apis_file_is_its_first_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, expected: str
) -> None:
    (tmp_path / "tokens").write_text(text)
    monkeypatch.setenv("GLOBAL_AUTH_TOKEN_FILE", str(tmp_path / "tokens"))
    assert Given().token().secret == expected


@pytest.mark.parametrize("text", ["a:secret\n", "\na:secret\n"])
def test_a_colon_in_an_operators_token_is_a_part_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    (tmp_path / "tokens").write_text(text)
    monkeypatch.setenv("SESSIONWORKER_ADMIN_TOKEN_FILE", str(tmp_path / "tokens"))
    monkeypatch.setenv("GLOBAL_AUTH_TOKEN", "other")
    assert Given().token().secret == "a:secret"


def test_a_file_without_a_token_is_an_error_of_one_line(tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("\n")
    result = CliRunner().invoke(main, ["status", "--token-file", str(tmp_path / "empty")])
    assert result.exit_code == Code.TOKEN_REFUSED
    assert result.output == f"Error: The token file {tmp_path / 'empty'} is empty.\n"


def test_its_own_variable_is_known_to_the_worker() -> None:
    options = Options()
    settings = read_settings(options, {URL_VARIABLE: "http://worker:5656"})
    assert settings.doubts == ()


@pytest.mark.parametrize("token", ["sec\nret", "secret\n", "secret\u20ac"])
def test_a_token_that_cannot_be_sent_is_an_error_of_one_line_that_does_not_hold_it(token: str) -> None:
    with pytest.raises(Stop) as stop:
        client_of("http://127.0.0.1:1", FoundToken(token, "nowhere"), None)
    assert stop.value.message == "The token must be printable ASCII, with no space at its ends, and not empty."
    assert stop.value.exit_code == Code.TOKEN_REFUSED


@pytest.mark.parametrize("url", ["http://127.0.0.1:port", "http://[::1", "ftp://worker", "worker"])
def test_an_address_that_is_none_is_an_error_of_one_line(url: str) -> None:
    with pytest.raises(Stop) as stop:
        client_of(url, FoundToken("secret", "nowhere"), None)
    assert stop.value.exit_code == Code.USAGE


class Worker:
    """Answers so when it is asked how far it is, one after the other."""

    def __init__(self, *answers: EncryptionSummary | BaseException) -> None:
        self.answers = list(answers)
        self.asked: list[bool] = []
        self.seen: list[EncryptionSummary] = []

    async def encryption(self) -> EncryptionSummary:
        answer = self.answers.pop(0)
        if isinstance(answer, BaseException):
            raise answer
        return answer

    async def rewrite(self, *, is_wanted: bool = True) -> None:
        self.asked.append(is_wanted)

    def followed(self) -> Any:
        """Follow it to the end."""
        results: list[Any] = []
        done = Deferred.fromCoroutine(follow(cast(Client, self), self.seen.append, pause))
        done.addBoth(results.append)
        return results[0]


async def pause(_seconds: float) -> None:
    """Wait for nothing."""


@pytest.mark.parametrize("found", [ALL_PLAIN, ENCRYPTED])
def test_where_all_is_as_it_is_to_be_nothing_is_asked_for(found: EncryptionSummary) -> None:
    worker = Worker(found)
    assert is_over(worker.followed())
    assert worker.asked == []


def test_where_something_cannot_be_rewritten_it_ends() -> None:
    worker = Worker(HALF, BUSY, HALF, BUSY, BUSY, HALF)
    assert worker.followed() == HALF
    assert worker.asked == [True, True]


def test_a_worker_that_was_started_again_goes_on() -> None:
    gone = ConnectionFailed("it does not answer")
    worker = Worker(HALF, HALF, gone, HALF, gone, HALF, BUSY, ENCRYPTED)
    assert worker.followed() == ENCRYPTED
    assert worker.asked == [True] * 4
    assert [one.done for one in worker.seen] == [1] * 5


def test_a_worker_that_stays_away_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sessionworker.commands.key.PATIENCE_SECONDS", 0)
    assert Worker(HALF, ConnectionFailed("gone")).followed().check(ConnectionFailed)


def test_it_can_be_interrupted_and_stops_the_worker_then() -> None:
    worker = Worker(HALF, CancelledError())
    stop = worker.followed().value
    assert (stop.message, stop.exit_code) == (
        "Stopped. What was rewritten stays so; run it again to go on.",
        Code.INTERRUPTED,
    )
    assert worker.asked == [True, False]


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
