"""The header with which a client says that it wants an instance for itself, and the one that tells it of its lease.

See docs/protocol.md, "Owners".
"""

from __future__ import annotations

import re

from sessionworker.errors import RequestNotAllowed
from sessionworker.http.answers import answer_nothing
from sessionworker.http.ports import Answerable, Asked
from sessionworker.stores.rules.leases import Lease

_is_owner = re.compile(rb"[!-~]{1,128}").fullmatch


def given_owners(request: Asked) -> list[bytes] | None:
    """Return what a request has in the header, once for each time that it has it; None where it has none."""
    given: list[bytes] | None = request.requestHeaders.getRawHeaders(b"owner")
    return given


def read_owner(given: list[bytes] | None) -> str:
    """Return the owner that a header names, "" where there is none. Raises RequestNotAllowed."""
    if given is None:
        return ""
    if len(given) != 1 or not _is_owner(given[0]):
        raise RequestNotAllowed("The header 'owner' must be 1 to 128 visible ASCII characters, once.")
    return given[0].decode("ascii")


def owner_of(request: Asked) -> str:
    """Return the owner that a request names, "" where it names none. Raises RequestNotAllowed."""
    return read_owner(given_owners(request))


def answer_done(lease: Lease | None, request: Answerable) -> bytes:
    """Prepare the 204 of a change; the owner is told of its lease."""
    if lease is not None:
        request.setHeader("lease", lease.id)
    return answer_nothing(request)
