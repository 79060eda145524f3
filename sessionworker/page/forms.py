"""What a form sent: its fields, of the body alone."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qsl

from twisted.web.server import Request

MOST_BYTES = 16 * 2**10
"""Of a form; a longer one is cut, and so has no token that counts."""

MOST_FIELDS = 20


def form_of(request: Request) -> Mapping[str, str]:
    """Return the fields of a form by their names. What is in the address is none: it would stand in logs."""
    if request.content is None:
        return {}
    request.content.seek(0)
    body = request.content.read(MOST_BYTES).decode("utf-8", "replace")
    try:
        return dict(parse_qsl(body, keep_blank_values=True, max_num_fields=MOST_FIELDS))
    except ValueError:
        return {}
