"""What the text of each option may be. Every function returns its value, and raises ValueError with the reason."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from twisted.internet.endpoints import serverFromString

from sessionworker.certificates import Certificate, NoCertificate, is_tls
from sessionworker.logs import FORMATS

BACKLOG = 4096
"""Connects that may wait to be accepted; the API opens 1,000 at once. The kernel cuts it to net.core.somaxconn."""

MIB = 2**20

DEFAULT_BODY_SIZE = 32 * MIB

_host = re.compile(r"[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?").fullmatch


def endpoint(text: str) -> str:
    """Check an endpoint string, and give a listening socket the backlog that the API needs."""
    if text.isdigit():
        raise ValueError(f"'{text}' is not a Twisted endpoint string; a port alone is 'tcp:{text}'")
    kind = text.partition(":")[0]
    if kind in {"tcp", "tcp6", "ssl", "unix"} and ":backlog=" not in text:
        text = f"{text}:backlog={BACKLOG}"
    from twisted.internet import reactor  # noqa: PLC0415 - importing it earlier would choose it before twistd does

    try:
        if is_tls(text):
            Certificate(text)
        else:
            serverFromString(reactor, text)
    except NoCertificate as error:
        raise ValueError(f"'{text.partition(':backlog=')[0]}' cannot be used: {error}") from None
    except Exception as error:  # noqa: BLE001 - its parsers raise ValueError, TypeError, KeyError, OSError, OpenSSL's own
        reason = "systemd has handed over no such socket" if kind == "systemd" and type(error) is IndexError else error
        raise ValueError(f"'{text}' is not a Twisted endpoint string: {reason}") from None
    return text


def endpoint_or_off(text: str) -> str:
    """Check an endpoint string; nothing where there is to be none."""
    return "" if text == "off" else endpoint(text)


def folder(text: str) -> Path:
    """Return the path of a folder, or a file."""
    if not text:
        raise ValueError("the folder's path is empty")
    return Path(text)


class DatabaseAddress:
    """Where a database is, as it was given: it may hold a password, so nothing shows it by accident."""

    def __init__(self, text: str) -> None:
        """Keep the address."""
        self.text = text

    @property
    def has_password(self) -> bool:
        """Whether a password stands in it."""
        user = self.text.partition("://")[2].partition("/")[0].rpartition("@")[0]
        return ":" in user or "password=" in self.text.partition("?")[2]


def shown(path: Path) -> str:
    """Return the path of a file of secrets for a message, unless nothing is there: somebody may have given a secret."""
    is_a_path = path.is_absolute() or os.path.exists(path)  # noqa: PTH110 - Path's own raises where it is too long
    return str(path) if is_a_path else "(not shown, for it may be the secret itself)"


def store(text: str) -> Path | DatabaseAddress:
    """Return where session files are stored: in a folder, or in a database."""
    if text.startswith(("postgresql://", "postgres://")):
        return DatabaseAddress(text)
    if "://" in text:
        raise ValueError("it must be a folder, or an address that begins with 'postgresql://'")
    return folder(text)


def database_in_file(path: str) -> DatabaseAddress:
    """Return where a database is, by a file that holds nothing else. What is said of it shows neither."""
    text = _word_in(path)
    if len(text.split()) != 1 or not isinstance(address := store(text) if "://" in text else None, DatabaseAddress):
        raise ValueError("the file must hold one address, which begins with 'postgresql://', and nothing else")
    return address


class WebhookAddress:
    """Where events are sent. Whoever knows it can send some, too, so nothing shows it by accident."""

    def __init__(self, text: str) -> None:
        """Keep the address."""
        self.text = text

    @property
    def host(self) -> str:
        """What may be shown of it."""
        return urlsplit(self.text).hostname or ""


def webhook(text: str) -> WebhookAddress:
    """Return where events are sent. What is said of it does not show it."""
    try:
        parts = urlsplit(text)
        is_one = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number
        is_one = False
    if not is_one or not all("!" <= letter <= "~" for letter in text):
        raise ValueError("it must be an address that begins with http:// or https://, in ASCII and without spaces")
    if "@" in parts.netloc:
        raise ValueError("it cannot hold a user: what is sent is signed, with a secret")
    return WebhookAddress(text.partition("#")[0])


def webhook_in_file(path: str) -> WebhookAddress:
    """Return where events are sent, by a file that holds nothing else."""
    return webhook(_word_in(path))


def _word_in(path: str) -> str:
    """Return the text of a file, without what editors put around it."""
    if not path:
        raise ValueError("the file's path is empty")
    try:
        return Path(path).read_text(encoding="utf-8-sig").strip()  # editors on Windows put a mark before it
    except OSError as error:
        raise ValueError(f"the file cannot be read: {error.strerror}") from None
    except ValueError:  # no text, or no path
        return ""


def hosts(text: str) -> frozenset[str]:
    """Return names of hosts."""
    names = frozenset(name.strip().lower() for name in text.split(","))
    if not all(map(_host, names)):
        raise ValueError("it must be names of hosts, without ports, with commas between them")
    return names


def always_or_never(text: str) -> bool:
    """Tell whether it is always."""
    if text not in {"always", "never"}:
        raise ValueError("it must be 'always' or 'never'")
    return text == "always"


def log_format(text: str) -> str:
    """Return one of `logs.FORMATS`."""
    if text not in FORMATS:
        raise ValueError("it must be 'text' or 'json'")
    return text


def switch(text: str) -> bool:
    """Tell whether something is switched on."""
    value = {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False}
    try:
        return value[text.lower()]
    except KeyError:
        raise ValueError("it must be 'true' or 'false'") from None


def mebibytes(text: str) -> int:
    """Return bytes, of a number of MiB."""
    if text == "0":  # in session-manager's settings: the size that it has by itself
        return DEFAULT_BODY_SIZE
    size = float(text) * MIB if text.replace(".", "", 1).isdigit() else 0.0
    if not 1 <= size <= 1024 * MIB:
        raise ValueError("it must be a number of MiB, at most 1024; 0 stands for the default")
    return int(size)


def count(least: int, most: int) -> Callable[[str], int]:
    """Return what checks a whole number between two others."""

    def check(text: str) -> int:
        if not (text.isascii() and text.isdigit()) or not least <= int(text) <= most:
            raise ValueError(f"it must be a whole number from {least} to {most}")
        return int(text)

    return check
