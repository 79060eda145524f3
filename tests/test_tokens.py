"""Where tokens come from, what each of them is given out for, and one clear line for what makes no sense."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path

import pytest

from sessionworker.access import Role, Token
from sessionworker.errors import StartError
from sessionworker.keys import find_keys
from sessionworker.tokens import find_tokens
from sessionworker.tokens_in_force import TokensInForce
from tests.settings import VARIABLES, read, refusal


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in VARIABLES:
        monkeypatch.delenv(variable, raising=False)


def token_of(folder: Path, *arguments: str, **environment: str) -> tuple[bytes, Path | None]:
    """The one token, which is an API's, and its file."""
    found = find_tokens(read(*arguments, **environment), folder)
    [token] = found.tokens
    assert token == Token(Role.API, token.secret)
    return token.secret, found.file


def tokens_of(folder: Path, **environment: str) -> list[Token]:
    return list(find_tokens(read(**environment), folder).tokens)


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


def test_a_token_file_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    for name in ("empty", "binary", "missing", "."):
        file = os.path.normpath(tmp_path / name)
        assert f"The token file {file} " in start_error(tmp_path, {"GLOBAL_AUTH_TOKEN_FILE": file})


@pytest.mark.parametrize("secret", ["s3cret", "s3c+ret/s3cret=", "s3cret" * 100])
def test_a_secret_in_the_place_of_its_file_is_not_shown(tmp_path: Path, secret: str) -> None:
    line = start_error(tmp_path, {"GLOBAL_AUTH_TOKEN_FILE": secret})
    assert "may be the secret itself" in line
    assert "s3c" not in line
    with pytest.raises(StartError) as error:
        find_keys(read(SESSIONWORKER_ENCRYPTION_KEY_FILE=secret).keys)
    assert "s3c" not in str(error.value)


def start_error(folder: Path, environment: Mapping[str, str]) -> str:
    with pytest.raises(StartError) as error:
        token_of(folder, **environment)
    assert "\n" not in str(error.value)
    return str(error.value)


# Roles, groups and rotation


def test_each_role_has_a_variable_and_a_file_with_a_token_in_each_line(tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    file.write_text("\nfirst\n\n  second \n")
    found = tokens_of(
        tmp_path, GLOBAL_AUTH_TOKEN="a", SESSIONWORKER_ADMIN_TOKEN_FILE=str(file), SESSIONWORKER_VIEW_TOKEN="v"
    )
    assert found == [
        Token(Role.API, b"a"),
        Token(Role.ADMIN, b"first"),
        Token(Role.ADMIN, b"second"),
        Token(Role.VIEW, b"v"),
    ]


def test_a_line_may_say_which_groups_an_apis_token_is_for(tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    file.write_text("codechat:one\nLoja S%C3%A3o,a%2Cb%3Ac:two\n*:three:with:colons\nfour\n")
    assert tokens_of(tmp_path, GLOBAL_AUTH_TOKEN_FILE=str(file)) == [
        Token(Role.API, b"one", frozenset({"codechat"})),
        Token(Role.API, b"two", frozenset({"Loja S\u00e3o", "a,b:c"})),
        Token(Role.API, b"three:with:colons"),
        Token(Role.API, b"four"),
    ]


def test_a_mark_of_windows_and_spaces_around_commas_are_no_part_of_a_group(tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    file.write_bytes(b"\xef\xbb\xbfcodechat:one\r\nsupport, sales,%20odd:two\r\n")
    assert tokens_of(tmp_path, GLOBAL_AUTH_TOKEN_FILE=str(file)) == [
        Token(Role.API, b"one", frozenset({"codechat"})),
        Token(Role.API, b"two", frozenset({"support", "sales", " odd"})),
    ]


def test_a_made_token_whose_file_is_gone_stays_in_force_when_tokens_are_read_again(tmp_path: Path) -> None:
    tokens = TokensInForce(read(), tmp_path)
    [made] = tmp_path.iterdir()
    secret = made.read_bytes().strip()
    made.unlink()
    tokens.read_again()
    assert tokens.access.grant_of(secret) is not None
    assert list(tmp_path.iterdir()) == []


def test_a_line_that_is_wrong_has_the_number_that_an_editor_shows(tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    file.write_text("one\n\n\na:\n")
    assert "Line 4 of the token file" in start_error(tmp_path, {"GLOBAL_AUTH_TOKEN_FILE": str(file)})


def test_a_colon_in_a_variable_or_in_an_operators_token_is_a_part_of_it(tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    file.write_text("o:p\n")
    found = tokens_of(tmp_path, GLOBAL_AUTH_TOKEN="a:b", SESSIONWORKER_ADMIN_TOKEN_FILE=str(file))
    assert found == [Token(Role.API, b"a:b"), Token(Role.ADMIN, b"o:p")]


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (":secret", "names groups before its colon that cannot be"),
        ("a,,b:secret", "names groups before its colon that cannot be"),
        ("a%2Fb:secret", "names groups before its colon that cannot be"),
        ("a%FF:secret", "names groups before its colon that cannot be"),
        ("a:", "must hold one token"),
        ("a: secret", "must hold one token"),
        ("a:secret\nb:secret", "for different groups"),
        ("a:secret\nsecret", "for different groups"),
        ("admins", "as api and as admin"),
    ],
)
def test_lines_that_make_no_sense_are_refused_without_being_shown(tmp_path: Path, lines: str, words: str) -> None:
    file = tmp_path / "tokens"
    file.write_text(lines)
    environment = {"GLOBAL_AUTH_TOKEN_FILE": str(file), "SESSIONWORKER_ADMIN_TOKEN": "admins"}
    line = start_error(tmp_path, environment)
    assert words in line
    assert "secret" not in line
    assert "admins" not in line


def test_two_tokens_of_one_role_in_the_environment_are_refused() -> None:
    line = refusal(SESSIONWORKER_VIEW_TOKEN="s3cret", SESSIONWORKER_VIEW_TOKEN_FILE="/run/secret")
    assert "SESSIONWORKER_VIEW_TOKEN and SESSIONWORKER_VIEW_TOKEN_FILE are both set" in line
    assert "s3cret" not in line
