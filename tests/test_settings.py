"""Every option: its default, its variable, who wins, and one clear line for what makes no sense."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sessionworker.access import Role
from sessionworker.checks import BACKLOG, MIB
from sessionworker.command_line import Options
from sessionworker.options import KEY_VARIABLE, OPTIONS, TOKEN_FLAGS, TOKEN_VARIABLES, WEBHOOK_SECRET_VARIABLE
from sessionworker.settings import Settings, Source
from tests.settings import VARIABLES, read, refusal


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in VARIABLES:
        monkeypatch.delenv(variable, raising=False)


def test_without_options_the_defaults_count() -> None:
    assert read() == Settings(
        listen=(f"tcp:5656:backlog={BACKLOG}",),
        ui_listen=f"tcp:5657:interface=127.0.0.1:backlog={BACKLOG}",
        is_ui_wanted=False,
        store=Path("instances"),
        fsync=True,
        tokens=NOWHERE,
        keys=Source(),
        body_size=32 * MIB,
        hosts=None,
        webhook=None,
        webhook_secret=Source(),
        http_logs=False,
        log_format="text",
        threads=read().threads,
        connections=10_000,
        keep_versions=10,
        keep_hours=24,
        keep_days=30,
        keep_drops=30,
        shown=read().shown,
    )
    assert 1 <= read().threads <= 64


NOWHERE = dict.fromkeys(Role, Source())


def read_from(role: Role, path: str) -> dict[Role, Source]:
    """Where tokens come from, if those of one role come from a file."""
    return {**NOWHERE, role: Source(file=Path(path))}


TABLE: list[tuple[str, str, str, str, Any, str, Any]] = [
    # attribute, flag, variable, text, its meaning, another text, its meaning
    ("listen", "--listen", "SESSIONWORKER_LISTEN", "tcp:1:backlog=9", ("tcp:1:backlog=9",), "tcp:2:backlog=1", None),
    ("store", "--store", "SESSIONWORKER_STORE", "/var/lib/a", Path("/var/lib/a"), "b", Path("b")),
    ("fsync", "--fsync", "SESSIONWORKER_FSYNC", "never", False, "always", True),
    *(
        ("tokens", f"--{flag}", f"{TOKEN_VARIABLES[role]}_FILE", "/a", read_from(role, "/a"), "b", read_from(role, "b"))
        for role, flag in TOKEN_FLAGS.items()
    ),
    (
        "keys",
        "--encryption-key-file",
        f"{KEY_VARIABLE}_FILE",
        "/a",
        Source(file=Path("/a")),
        "b",
        Source(file=Path("b")),
    ),
    (
        "webhook_secret",
        "--webhook-secret-file",
        f"{WEBHOOK_SECRET_VARIABLE}_FILE",
        "/a",
        Source(file=Path("/a")),
        "b",
        Source(file=Path("b")),
    ),
    ("hosts", "--hosts", "SESSIONWORKER_HOSTS", "a.b, C", frozenset({"a.b", "c"}), "_d", frozenset({"_d"})),
    (
        "ui_listen",
        "--ui-listen",
        "SESSIONWORKER_UI_LISTEN",
        "tcp:1",
        f"tcp:1:backlog={BACKLOG}",
        "off",
        "",
    ),
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
    elsewhere = {"--store-file", "--webhook", "--webhook-file"}  # test_database_settings.py, webhook/test_settings.py
    assert {flag for _, flag, *_ in TABLE} | elsewhere == {f"--{option.flag}" for option in OPTIONS}


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
    "hosts": [",", "a,", "a b", "a:5656", "http://a", "-a", "a.", " "],
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


def test_a_body_size_of_0_stands_for_the_default_as_in_settings_of_session_manager() -> None:
    assert read(BODY_SIZE="0").body_size == 32 * MIB


def test_what_is_shown_of_settings_has_nothing_secret_in_it() -> None:
    shown = {one.flag: one.value for one in read("--threads", "3", "--admin-token-file", "/run/a", HTTP_LOGS="1").shown}
    assert (shown["threads"], shown["admin-token-file"], shown["fsync"]) == ("3", "/run/a", "always")
    assert shown.keys() == {option.flag for option in OPTIONS}
    secret = "postgresql://worker:s3cret@db/sessions"
    assert {one.flag: one.value for one in read(SESSIONWORKER_STORE=secret).shown}["store"] == "(a database)"
    assert "s3cret" not in repr(read("--token-file", "s3cret").shown)
    assert {one.flag: one.value for one in read("--webhook", "https://a.b/s3cret").shown}["webhook"] == "a.b"


def test_whether_somebody_asked_for_the_page_is_known() -> None:
    assert not read().is_ui_wanted
    assert read("--ui-listen", "tcp:1").is_ui_wanted
    assert read(SESSIONWORKER_UI_LISTEN="tcp:1").is_ui_wanted
