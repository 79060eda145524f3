"""The certificates of the places that clients come to over TLS: read at the start, and again once they were renewed.

Twisted reads the files that an endpoint string names once. Here it reads them each time that somebody asks for it, and
new connections have what was read last; those that are open go on with what they began with.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from OpenSSL import SSL, crypto
from twisted.internet.endpoints import serverFromString
from twisted.internet.error import VerifyError
from twisted.internet.interfaces import IOpenSSLContextFactory
from twisted.internet.protocol import Factory
from twisted.logger import Logger
from zope.interface import implementer


class NoCertificate(ValueError):
    """A file of a place is no use. The text says what is wrong, in words that may follow a colon."""


def is_tls(place: str) -> bool:
    """Tell whether clients speak TLS at a place, a Twisted endpoint string."""
    return place.startswith("ssl:")


_between_parts = re.compile(r"(?<!\\):").split
_has_passphrase = re.compile(rb"^(-----BEGIN ENCRYPTED|Proc-Type: 4,ENCRYPTED)", re.MULTILINE).search


def _check_no_passphrase(place: str) -> None:
    """Raise NoCertificate for a key with a passphrase: OpenSSL would ask for it at the terminal, and all would wait."""
    for part in _between_parts(place)[2:]:
        path = Path((part.partition("=")[2] or part).replace("\\:", ":"))
        if path.is_file() and _has_passphrase(path.read_bytes()):
            raise NoCertificate(f"{path} has a passphrase")


class _Asked:
    """Stands for a reactor that a TLS endpoint listens with, and takes what the endpoint has read of its files."""

    options: Any

    def listenSSL(self, _port: int, _factory: Any, **rest: Any) -> None:
        self.options = rest["contextFactory"]


@implementer(IOpenSSLContextFactory)
class Certificate:
    """The key and the certificate of one place."""

    def __init__(self, place: str) -> None:
        """Read them. Raises NoCertificate, or whatever else Twisted's parser does."""
        self.place = place
        self.read()

    def read(self) -> None:
        """Read the files that the place names. Raises as `__init__` does; what was read before stays then."""
        asked = _Asked()
        try:
            _check_no_passphrase(self.place)
            serverFromString(asked, self.place).listen(Factory())
            context = asked.options.getContext()
        except OSError as error:
            raise NoCertificate(f"{error.filename} cannot be read: {error.strerror}") from None
        except VerifyError:
            raise NoCertificate("the key is not the one of the certificate") from None
        except (crypto.Error, SSL.Error):
            raise NoCertificate("one of its files is no key without a passphrase, or no certificate, in PEM") from None
        self._context: SSL.Context = context
        self.expiry: datetime = asked.options.certificate.to_cryptography().not_valid_after_utc
        """When the certificate ends."""

    def getContext(self) -> SSL.Context:
        """Return what a connection begins with."""
        return self._context


class _Listening:
    """Stands for a reactor, and has it listen with a certificate that can be read again."""

    def __init__(self, reactor: Any, certificate: Certificate) -> None:
        self._reactor = reactor
        self._certificate = certificate

    def listenSSL(self, port: int, factory: Any, **rest: Any) -> Any:
        return self._reactor.listenSSL(port, factory, **{**rest, "contextFactory": self._certificate})


class Certificates:
    """Those of one worker."""

    _log = Logger()

    def __init__(self, reactor: Any, count_stay: Callable[[], object]) -> None:
        """Call `count_stay` each time that one stays as it was, for its files are no use."""
        self._reactor = reactor
        self._count_stay = count_stay
        self._all: list[Certificate] = []

    def endpoint(self, place: str) -> Any:
        """Return the endpoint of a place, with or without TLS. Raises NoCertificate."""
        if not is_tls(place):
            return serverFromString(self._reactor, place)
        certificate = Certificate(place)
        self._all.append(certificate)
        return serverFromString(_Listening(self._reactor, certificate), place)

    def read_again(self) -> None:
        """Read all files again. A certificate whose files are no use stays as it was."""
        for certificate in self._all:
            try:
                certificate.read()
            except ValueError as error:
                self._count_stay()
                text = "The certificate of {endpoint} stays as it was: {reason}."
                self._log.error(text, event="certificate_stays", endpoint=_short(certificate.place), reason=str(error))
        self.say()

    def say(self) -> None:
        """Say until when they are valid."""
        for certificate in self._all:
            self._log.info(
                "The certificate of {endpoint} is valid until {expiry}.",
                event="certificate",
                endpoint=_short(certificate.place),
                expiry=certificate.expiry.astimezone(UTC).isoformat().replace("+00:00", "Z"),
            )

    def figures(self) -> dict[str, float]:
        """Return when the first of them ends, in seconds since 1970; 0 where there is none."""
        return {"certificate_expiry_timestamp_seconds": min((one.expiry.timestamp() for one in self._all), default=0)}


def _short(place: str) -> str:
    return place.partition(":backlog=")[0]
