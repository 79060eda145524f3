"""Where events are sent, and what they are signed with: given once, refused without being shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from sessionworker.errors import StartError
from sessionworker.options import WEBHOOK_SECRET_VARIABLE, WEBHOOK_VARIABLE
from sessionworker.settings import Source
from sessionworker.webhook.opening import open_webhook, read_secret
from tests.settings import VARIABLES, read, refusal

N8N = "https://n8n.example.com:5678/webhook/a-secret-path?b=c"
LOCAL = "http://localhost/"


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in VARIABLES:
        monkeypatch.delenv(variable, raising=False)


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "webhook"
    path.write_text(f"\ufeff{N8N}\n")
    return str(path)


def address(*arguments: str, **environment: str) -> str | None:
    webhook = read(*arguments, **environment).webhook
    return None if webhook is None else webhook.text


def test_an_address_is_given_by_itself_or_in_a_file_and_the_command_line_wins(file: str) -> None:
    in_file = f"{WEBHOOK_VARIABLE}_FILE"
    assert address() is None
    assert address("--webhook", N8N) == address("--webhook-file", file) == N8N
    assert address(**{WEBHOOK_VARIABLE: N8N}) == address(**{in_file: file}) == N8N
    assert address("--webhook", LOCAL, **{WEBHOOK_VARIABLE: N8N}) == LOCAL
    assert address("--webhook", LOCAL, **{in_file: file}) == LOCAL
    assert address("--webhook-file", file, **{WEBHOOK_VARIABLE: LOCAL}) == N8N
    assert address(**{WEBHOOK_VARIABLE: "", in_file: ""}) is None
    assert refusal("--webhook", N8N, "--webhook-file", file) == (
        "sessionworker: --webhook and --webhook-file are both given; give one of them."
    )
    assert refusal(**{WEBHOOK_VARIABLE: N8N, in_file: file}) == (
        "sessionworker: SESSIONWORKER_WEBHOOK and SESSIONWORKER_WEBHOOK_FILE are both set; set one of them."
    )


BAD = [
    "a-secret",
    "ftp://a-secret.example.com",
    "https://",
    "https:///a-secret",
    "http://a-secret:0/",
    "http://a-secret:port/",
    "http://a-secret:99999/",
    "http://a-secret.example.com/with a space",
    "http://a-secret.example.com/é",
    "http://a-secret@example.com/",
    "http://user:a-secret@example.com/",
    "http://[a-secret/",
    "http://example.com/\r\na-secret: b",
]


@pytest.mark.parametrize("text", BAD)
def test_what_is_no_address_is_refused_and_not_shown(text: str, tmp_path: Path) -> None:
    (tmp_path / "webhook").write_text(text)
    for line in (
        refusal("--webhook", text),
        refusal(**{WEBHOOK_VARIABLE: text}),
        refusal("--webhook-file", str(tmp_path / "webhook")),
    ):
        assert "a-secret" not in line
        assert "it must be an address" in line or "it cannot hold a user" in line


@pytest.mark.parametrize("path", ["/nowhere/a", "a\0b"])
def test_a_file_that_cannot_be_read_is_refused(path: str) -> None:
    assert "--webhook-file" in refusal("--webhook-file", path)


def test_an_address_is_sent_without_what_is_for_browsers_alone() -> None:
    assert address("--webhook", f"{N8N}#part") == N8N


def test_a_secret_without_an_address_is_doubted() -> None:
    doubts = read(**{WEBHOOK_SECRET_VARIABLE: "s"}).doubts
    assert "There is a secret to sign events with, and no SESSIONWORKER_WEBHOOK: none are sent." in doubts
    assert read("--webhook", N8N, **{WEBHOOK_SECRET_VARIABLE: "s"}).doubts == ()


def test_a_secret_is_one_word_of_a_file_or_a_variable(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("\ufeffthe-secret\r\n")
    assert read_secret(Source(file=file)) == b"the-secret"
    assert read_secret(Source(value="the-secret")) == b"the-secret"
    assert read_secret(Source()) is None


@pytest.mark.parametrize("content", [b"", b"\n", b"a-secret b", b"a-secret\nb", b"a-secret\xff"])
def test_what_is_no_secret_is_refused_and_not_shown(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_bytes(content)
    with pytest.raises(StartError) as refused:
        read_secret(Source(file=file))
    assert "a-secret" not in str(refused.value)


def test_a_secret_in_the_place_of_its_file_is_not_shown() -> None:
    with pytest.raises(StartError) as refused:
        read_secret(Source(file=Path("a-secret")))
    assert "a-secret" not in str(refused.value)


def test_without_an_address_there_is_none() -> None:
    assert open_webhook(None, read(), print) is None
