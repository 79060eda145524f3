"""The webhook that the settings ask for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.logger import Logger

from sessionworker.checks import shown
from sessionworker.errors import StartError
from sessionworker.options import WEBHOOK_SECRET_VARIABLE
from sessionworker.settings import Settings, Source
from sessionworker.webhook.addresses import Addresses
from sessionworker.webhook.posting import Post
from sessionworker.webhook.telling import Webhook

_log = Logger()


def open_webhook(reactor: Any, settings: Settings, count: Callable[[str], object]) -> Webhook | None:
    """Return it, or None where events are told to nobody. Raises StartError. For `count` see `Webhook`."""
    if settings.webhook is None:
        return None
    secret = read_secret(settings.webhook_secret)
    reactor.installNameResolver(Addresses(reactor))
    _log.info(
        "Events are sent to {host}, {signed}.",
        event="webhook",
        host=settings.webhook.host,
        signed="unsigned" if secret is None else "signed",
    )
    return Webhook(reactor, Post(reactor, settings.webhook.text, secret), count)


def read_secret(source: Source) -> bytes | None:
    """Return what to sign with, or None. Raises StartError; what it says never holds a secret."""
    if source.file is None:
        text, place = source.value, WEBHOOK_SECRET_VARIABLE
    else:
        place = f"the file {shown(source.file)}"
        try:
            text = source.file.read_text(encoding="utf-8-sig")  # editors on Windows put a mark before the first line
        except UnicodeDecodeError:
            raise StartError(f"The webhook's secret in {place} is not text.") from None
        except OSError as error:
            raise StartError(f"The webhook's secret in {place} cannot be read: {error.strerror}.") from None
    if text is None:
        return None
    if len(text.split()) != 1:
        raise StartError(f"The webhook's secret in {place} must be one word: 'openssl rand -hex 32' makes one.")
    return text.strip().encode()
