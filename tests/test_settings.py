"""Every option: its default, its variable, who wins, and one clear line for what makes no sense."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from sessionworker.errors import StartError
from sessionworker.settings import BACKLOG, MIB, OPTIONS, Options, Settings
from sessionworker.tokens import find_token

VARIABLES = [option.variable for option in OPTIONS] + ["GLOBAL_AUTH_TOKEN", "HTTP_LOGS"]


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in VARIABLES:
        monkeypatch.delenv(variable, raising=False)


def read(*arguments: str, **environment: str) -> Settings:
    """Read settings as twistd does."""
    with pytest.MonkeyPatch.context() as patch:
        for variable, value in environment.items():
            patch.setenv(variable, value)
        options = Options()
        options.parseOptions(arguments)
    assert options.settings is not None
    return options.settings


def refusal(*arguments: str, **environment: str) -> str:
    """Return the line with which the settings are refused: it is printed, and the process ends with status 1."""
    with pytest.raises(SystemExit) as end:
        read(*arguments, **environment)
    line = end.value.code
    assert isinstance(line, str)  # Python prints it and ends with status 1
    assert line.startswith("sessionworker: ")
    assert "\n" not in line
    assert end.value.__suppress_context__
    return line


def test_without_options_the_defaults_count() -> None:
    assert read() == Settings(
        listen=(f"tcp:5656:backlog={BACKLOG}",),
        store=Path("instances"),
        fsync=True,
        token_file=None,
        token=None,
        body_size=32 * MIB,
        http_logs=False,
        log_format="text",
        threads=read().threads,
        connections=10_000,
        keep_versions=10,
        keep_hours=24,
        keep_days=30,
        keep_drops=30,
    )
    assert 1 <= read().threads <= 64


TABLE: list[tuple[str, str, str, str, Any, str, Any]] = [
    # attribute, flag, variable, text, its meaning, another text, its meaning
    ("listen", "--listen", "SESSIONWORKER_LISTEN", "tcp:1:backlog=9", ("tcp:1:backlog=9",), "tcp:2:backlog=1", None),
    ("store", "--store", "SESSIONWORKER_STORE", "/var/lib/a", Path("/var/lib/a"), "b", Path("b")),
    ("fsync", "--fsync", "SESSIONWORKER_FSYNC", "never", False, "always", True),
    ("token_file", "--token-file", "GLOBAL_AUTH_TOKEN_FILE", "/run/a", Path("/run/a"), "b", Path("b")),
    ("body_size", "--body-size", "BODY_SIZE", "5", 5 * MIB, "0.5", MIB // 2),
    ("log_format", "--log-format", "SESSIONWORKER_LOG_FORMAT", "json", "json", "text", "text"),
    ("threads", "--threads", "SESSIONWORKER_THREADS", "1", 1, "64", 64),
    ("connections", "--connections", "SESSIONWORKER_CONNECTIONS", "1", 1, "1000000", 10**6),
    ("keep_versions", "--keep-versions", "SESSIONWORKER_KEEP_VERSIONS", "1", 1, "50", 50),
    ("keep_hours", "--keep-hours", "SESSIONWORKER_KEEP_HOURS", "0", 0, "72", 72),
    ("keep_days", "--keep-days", "SESSIONWORKER_KEEP_DAYS", "0", 0, "365", 365),
    ("keep_drops", "--keep-drops", "SESSIONWORKER_KEEP_DROPS", "0", 0, "90", 90),
]


@pytest.mark.parametrize(("attribute", "flag", "variable", "text", "meaning", "other", "other_meaning"), TABLE)
def test_an_option_is_a_flag_and_a_variable_and_the_command_line_wins(
    attribute: str, flag: str, variable: str, text: str, meaning: Any, other: str, other_meaning: Any
) -> None:
    default = getattr(read(), attribute)
    other_meaning = (other,) if other_meaning is None else other_meaning
    assert getattr(read(flag, text), attribute) == meaning
    assert getattr(read(f"{flag}={text}"), attribute) == meaning
    assert getattr(read(**{variable: text}), attribute) == meaning
    assert getattr(read(flag, other, **{variable: text}), attribute) == other_meaning
    assert getattr(read(**{variable: ""}), attribute) == default  # as Docker passes on what is not set


def test_the_table_above_has_every_option() -> None:
    assert {flag for _, flag, *_ in TABLE} == {f"--{option.flag}" for option in OPTIONS}


def test_a_bad_variable_does_no_harm_where_the_command_line_says_better() -> None:
    assert read("--fsync", "never", SESSIONWORKER_FSYNC="perhaps").fsync is False


@pytest.mark.parametrize(
    ("text", "meaning"), [("true", True), ("TRUE", True), ("1", True), ("false", False), ("False", False), ("", False)]
)
def test_http_logs_is_a_flag_and_a_variable(text: str, meaning: bool) -> None:
    assert read(HTTP_LOGS=text).http_logs is meaning
    assert read("--http-logs", HTTP_LOGS=text).http_logs is True


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("tcp:5656", f"tcp:5656:backlog={BACKLOG}"),
        ("tcp:0:interface=127.0.0.1", f"tcp:0:interface=127.0.0.1:backlog={BACKLOG}"),
        ("unix:/run/worker", f"unix:/run/worker:backlog={BACKLOG}"),
        ("tcp:5656:backlog=7", "tcp:5656:backlog=7"),
        (r"tcp6:1:interface=\:\:1", rf"tcp6:1:interface=\:\:1:backlog={BACKLOG}"),
    ],
)
def test_a_place_to_listen_takes_a_thousand_connects_at_once_unless_it_says_otherwise(text: str, meaning: str) -> None:
    assert read("--listen", text).listen == (meaning,)
    assert BACKLOG >= 1000


def test_there_may_be_several_places_to_listen() -> None:
    places = ("tcp:1:backlog=5", "unix:/run/a:backlog=5")
    assert read("--listen", places[0], "--listen", places[1], SESSIONWORKER_LISTEN="tcp:9").listen == places


BAD = {
    "listen": ["tcp", "tcp:http:backlog=x", "nonsense", "tcp:port=", ":", "unix", "ssl:443:privateKey=/nowhere"],
    "fsync": ["yes", "Always", "sometimes"],
    "body-size": ["00", "-1", "x", "1e3", "nan", "inf", "1025", "1.2.3", " ", "32 MiB", "9" * 400, "²", "0.0000001"],
    "log-format": ["xml", "JSON", " text"],
    "threads": ["0", "-1", "65", "1.5", "x", "9" * 5000, "²"],
    "connections": ["0", "-1", "1000001", "x"],
    "keep-versions": ["0", "-1", "x"],
    "keep-hours": ["-1", "1.5", "x"],
    "keep-days": ["-1", "1.5", "x"],
    "keep-drops": ["-1", "1.5", "x", "9" * 20],
}


@pytest.mark.parametrize(("flag", "text"), [(flag, text) for flag, texts in BAD.items() for text in texts])
def test_a_value_that_makes_no_sense_is_refused_with_one_line_that_names_where_it_came_from(
    flag: str, text: str
) -> None:
    variable = next(option.variable for option in OPTIONS if option.flag == flag)
    assert refusal(f"--{flag}={text}").startswith(f"sessionworker: --{flag}: ")
    assert refusal(**{variable: text}).startswith(f"sessionworker: {variable}: ")


@pytest.mark.parametrize("flag", [option.flag for option in OPTIONS])
def test_an_option_given_empty_is_refused(flag: str) -> None:
    assert refusal(f"--{flag}=").startswith(f"sessionworker: --{flag}: ")


@pytest.mark.parametrize("text", ["maybe", "2", "-"])
def test_a_bad_switch_is_refused(text: str) -> None:
    assert refusal(HTTP_LOGS=text) == "sessionworker: HTTP_LOGS: it must be 'true' or 'false'."


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--nonsense"], "nonsense"),
        (["somewhere"], "arguments"),
        (["--store"], "store"),
        (["--http-logs=1"], "http-logs"),
    ],
)
def test_a_command_line_that_makes_no_sense_is_refused_with_one_line(arguments: list[str], named: str) -> None:
    assert named in refusal(*arguments)


def test_help_lists_every_option_with_its_variable_and_default() -> None:
    text = " ".join(str(Options()).split())
    for option in OPTIONS:
        at = text.index(f"--{option.flag}")
        described = text[at : at + 400].replace("- ", "-")
        assert f"[{option.variable}]" in described
        assert f"[default: {option.default or 'none'}" in described
    assert "[HTTP_LOGS=true] [default: off]" in text
    assert "GLOBAL_AUTH_TOKEN," in text


# The token


def token_of(folder: Path, *arguments: str, **environment: str) -> tuple[bytes, Path | None]:
    return find_token(read(*arguments, **environment), folder)


def test_the_token_comes_from_its_variable(tmp_path: Path) -> None:
    assert token_of(tmp_path, GLOBAL_AUTH_TOKEN="s3cret") == (b"s3cret", None)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("end", ["", "\n", "\r\n", " \n"])
def test_the_token_comes_from_a_file_whose_line_end_does_not_matter(tmp_path: Path, end: str) -> None:
    file = tmp_path / "secret"
    file.write_bytes(b"s3cret" + end.encode())
    assert token_of(tmp_path, GLOBAL_AUTH_TOKEN_FILE=str(file)) == (b"s3cret", file)
    assert token_of(tmp_path, "--token-file", str(file), GLOBAL_AUTH_TOKEN="other") == (b"s3cret", file)


def test_two_tokens_in_the_environment_are_refused() -> None:
    line = refusal(GLOBAL_AUTH_TOKEN="s3cret", GLOBAL_AUTH_TOKEN_FILE="/run/secret")
    assert "GLOBAL_AUTH_TOKEN and GLOBAL_AUTH_TOKEN_FILE are both set" in line
    assert "s3cret" not in line


def test_a_token_is_made_once_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    token, path = token_of(tmp_path)
    assert path is not None
    assert path.parent == tmp_path
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(token) >= 32
    assert token_of(tmp_path) == (token, path)
    assert list(tmp_path.iterdir()) == [path]
    path.unlink()
    assert token_of(tmp_path)[0] != token


def test_a_token_half_made_by_a_crash_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / ".token.new").write_text("half")
    token, path = token_of(tmp_path)
    assert token != b"half"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("token", ["é", "a\tb", "\x7f"])
def test_a_token_that_no_header_can_carry_is_refused_without_being_shown(tmp_path: Path, token: str) -> None:
    file = tmp_path / "secret"
    file.write_text(token)
    for environment in ({"GLOBAL_AUTH_TOKEN": token}, {"GLOBAL_AUTH_TOKEN_FILE": str(file)}):
        line = start_error(tmp_path, environment)
        assert "must hold one token" in line
        assert token not in line


def test_a_token_may_hold_a_space_as_those_of_session_manager_do(tmp_path: Path) -> None:
    assert token_of(tmp_path, GLOBAL_AUTH_TOKEN="two words")[0] == b"two words"
    assert "must hold one token" in start_error(tmp_path, {"GLOBAL_AUTH_TOKEN": "word "})


def test_a_body_size_of_0_stands_for_the_default_as_in_settings_of_session_manager() -> None:
    assert read(BODY_SIZE="0").body_size == 32 * MIB


def test_a_token_file_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    for name in ("empty", "binary", "missing", "."):
        file = os.path.normpath(tmp_path / name)
        assert f"The token file {file} " in start_error(tmp_path, {"GLOBAL_AUTH_TOKEN_FILE": file})


def start_error(folder: Path, environment: Mapping[str, str]) -> str:
    with pytest.raises(StartError) as error:
        token_of(folder, **environment)
    assert "\n" not in str(error.value)
    return str(error.value)
