"""`doctor --api-env` says what of an API's settings keeps it from this worker, and shows no token."""

from __future__ import annotations

from pathlib import Path

import pytest

from sessionworker.commands.api_settings import look_at_api
from sessionworker.commands.given import Given
from sessionworker.commands.machine import Mark

RIGHT = {
    "PROVIDER_ENABLED": "true",
    "PROVIDER_HOST": "sessionworker",
    "PROVIDER_PORT": "5656",
    "PROVIDER_PREFIX": "evolution",
    "AUTHENTICATION_API_KEY": "a-secret",
}


@pytest.fixture(autouse=True)
def token(monkeypatch: pytest.MonkeyPatch) -> None:
    """The worker's token, which this machine knows."""
    monkeypatch.delenv("GLOBAL_AUTH_TOKEN_FILE", raising=False)
    monkeypatch.setenv("GLOBAL_AUTH_TOKEN", "a-secret")


def look(tmp_path: Path, **changes: str | None) -> list[tuple[Mark, str]]:
    """Look at right settings with some changed, or left out."""
    settings = {name: value for name, value in {**RIGHT, **changes}.items() if value is not None}
    file = tmp_path / ".env"
    file.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
    lines = [(line.mark, line.said) for line in look_at_api(Given(url="http://127.0.0.1:5656"), file)]
    assert "secret" not in str(lines)
    return lines


def test_settings_that_are_right_are_well(tmp_path: Path) -> None:
    assert look(tmp_path) == [(Mark.WELL, "with these settings it keeps its accounts in group 'evolution' here")]
    token = {"AUTHENTICATION_API_KEY": None, "AUTHENTICATION_GLOBAL_AUTH_TOKEN": "a-secret"}
    assert [mark for mark, _ in look(tmp_path, **token)] == [Mark.WELL]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"PROVIDER_ENABLED": None}, "set PROVIDER_ENABLED=true"),
        ({"PROVIDER_ENABLED": "false"}, "set PROVIDER_ENABLED=true"),
        ({"PROVIDER_PREFIX": None}, "it has no default"),
        ({"PROVIDER_PREFIX": "a/b"}, "set PROVIDER_PREFIX to the group"),
        ({"PROVIDER_HOST": None}, "set PROVIDER_HOST"),
        ({"PROVIDER_HOST": "http://worker"}, "without 'http://'"),
        ({"PROVIDER_PORT": None}, "PROVIDER_PORT is not set"),
        ({"PROVIDER_PORT": "5657"}, "PROVIDER_PORT is 5657, and this worker is asked at port 5656"),
        ({"AUTHENTICATION_API_KEY": None}, "it sends no token"),
        ({"AUTHENTICATION_API_KEY": "another secret"}, "the worker refuses it"),
    ],
)
def test_each_setting_that_is_wrong_is_told(tmp_path: Path, changes: dict[str, str | None], said: str) -> None:
    [(mark, text)] = look(tmp_path, **changes)
    assert mark is Mark.WRONG
    assert said in text


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"PROVIDER_HOST": "127.0.0.1"}, "in a container that is the container"),
        ({"AUTHENTICATION_API_KEY": "${KEY}"}, "takes its value from another variable"),
    ],
)
def test_what_cannot_be_told_from_here_is_a_note(tmp_path: Path, changes: dict[str, str | None], said: str) -> None:
    (mark, text), (last, _) = look(tmp_path, **changes)
    assert (mark, last) == (Mark.NOTE, Mark.WELL)
    assert said in text


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    [line] = look_at_api(Given(url="http://127.0.0.1:5656"), tmp_path / "nothing")
    assert line.mark is Mark.WRONG
    assert "cannot be read" in line.said
