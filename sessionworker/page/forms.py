"""What a form sent: its fields, of the body alone."""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from twisted.web.server import Request
from werkzeug.exceptions import HTTPException
from werkzeug.formparser import MultiPartParser
from werkzeug.http import parse_options_header

MOST_BYTES = 16 * 2**10
"""Of a form; a longer one is cut, and so has no token that counts."""

MOST_FIELDS = 20

A_PART = 64 * 2**10
"""Bytes of a form with a file that are read at once."""


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


class FileForm(NamedTuple):
    """A form with a file."""

    fields: Mapping[str, str]
    file: bytes
    """Empty where none was chosen."""


NOTHING = FileForm({}, b"")
"""What is no such form."""


def file_form_of(body: bytes, content_type: str) -> FileForm:
    """Return what a form with a file sent, in a thread; `content_type` is the request's. What is none has nothing."""
    kind, options = parse_options_header(content_type)
    boundary = options.get("boundary", "")
    if kind != "multipart/form-data" or not boundary:
        return NOTHING
    files: list[BytesIO] = []

    def begin(*_: Any, **__: Any) -> BytesIO:
        files.append(BytesIO())  # what is large would lie in a file of the disk
        return files[-1]

    parser = MultiPartParser(
        begin,
        max_form_memory_size=MOST_BYTES + A_PART,
        max_form_parts=MOST_FIELDS,
        buffer_size=A_PART,
    )
    try:
        fields, _ = parser.parse(BytesIO(body), boundary.encode("ascii"), len(body))
    except (ValueError, HTTPException):
        return NOTHING
    return FileForm(fields.to_dict(), files[0].getvalue() if files else b"")
