"""What a network says when it fails, in words that hold nothing of what was sent."""

from __future__ import annotations

from OpenSSL.SSL import Error as TlsError
from twisted.internet.error import ConnectError, ConnectionClosed, DNSLookupError
from twisted.web.client import RequestGenerationFailed, RequestTransmissionFailed, ResponseFailed
from twisted.web.http import PotentialDataLoss

NETWORK_ERRORS = (
    ConnectError,
    ConnectionClosed,
    DNSLookupError,
    PotentialDataLoss,
    RequestGenerationFailed,
    RequestTransmissionFailed,
    ResponseFailed,
)

_HARMLESS_ERRORS = (ConnectError, ConnectionClosed, DNSLookupError, TlsError)


def reason_of(error: BaseException) -> str:
    """Return the innermost reason of a network error, in words.

    Of an answer that is not HTTP only the kind of the fault is told: Twisted quotes what came, which may be a value.
    """
    while reasons := getattr(error, "reasons", None):
        error = reasons[0].value
    return str(error) if isinstance(error, _HARMLESS_ERRORS) else type(error).__name__
