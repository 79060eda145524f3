"""Ask a running worker whether it is well: `python -m sessionworker.healthcheck [URL]`.

For the checks of Docker, Kubernetes and systemd, in places that have Python but no curl. The status is 0 when `GET
/health` answers 200; otherwise it is 1, and one line says why. With an address that ends with `/ping` it is whether the
worker runs, whatever its store does.
"""

from __future__ import annotations

import os
import sys
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit

DEFAULT_URL = "http://127.0.0.1:5656/health"

PING = "/ping"
"""It knows no GET."""

URL_VARIABLE = "SESSIONWORKER_HEALTH_URL"

TIMEOUT = 2.0
"""Seconds for the connection, and for each wait for bytes of the answer. The worker answers in under one."""


def check(url: str) -> str | None:
    """Return None when the worker at `url` (plain http) is well, else one line that says what is wrong."""
    try:
        parts = urlsplit(url)
        if parts.scheme != "http" or not parts.hostname:
            return f"'{url}' is not a plain http address"
        connection = HTTPConnection(parts.hostname, parts.port, timeout=TIMEOUT)
        try:
            connection.request("OPTIONS" if parts.path == PING else "GET", parts.path or "/health")
            status = connection.getresponse().status
        finally:
            connection.close()
    except (OSError, HTTPException, ValueError) as error:
        return f"{url} does not answer: {str(error) or type(error).__name__}"
    return None if status == HTTPStatus.OK else f"{url} answers {status}"


def main() -> int:
    """Check the address given as the argument, or in SESSIONWORKER_HEALTH_URL, or the default one."""
    problem = check(sys.argv[1] if len(sys.argv) > 1 else os.environ.get(URL_VARIABLE) or DEFAULT_URL)
    if problem is not None:
        print(f"sessionworker: {problem}", file=sys.stderr)  # noqa: T201 - this is a program
    return 0 if problem is None else 1


if __name__ == "__main__":
    sys.exit(main())
