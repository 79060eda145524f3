"""Links that sign an operator in at the page: made on the worker's own port, for who shows a token there."""

from __future__ import annotations

import re
from collections.abc import Callable
from ipaddress import ip_address
from urllib.parse import urlsplit

from klein import Klein
from twisted.logger import Logger

from sessionworker.certificates import is_tls
from sessionworker.errors import NotFound
from sessionworker.http.answers import answer_json
from sessionworker.http.request import WorkerRequest
from sessionworker.web.watching import host_of
from sessionworker.wire import PageLink

NO_PAGE = "There is no page for operators: --ui-listen says where it is to be."

_between_parts = re.compile(r"(?<!\\):").split
_port = re.compile(r":[0-9]*\Z")


class PageLinks:
    """Makes them, once there is a page."""

    _log = Logger()

    def __init__(self) -> None:
        """Begin without a page."""
        self._make_code: Callable[[], str] | None = None
        self._place = ""

    def lead_to(self, place: str, make_code: Callable[[], str]) -> None:
        """Make links to a page that listens at a place, with codes that it takes."""
        self._place = place
        self._make_code = make_code

    def make(self, request: WorkerRequest) -> PageLink:
        """Return what signs in once, for the one who asks. Raises NotFound where there is no page."""
        if self._make_code is None:
            raise NotFound(NO_PAGE)
        self._log.info(
            "A link that signs in at the page was made, as {address} asked.",
            event="link_made",
            address=host_of(request),
        )
        given = request.requestHeaders.getRawHeaders(b"Host", [b""])[0].decode("latin-1")
        return PageLink(self._make_code(), url_of(self._place, _port.sub("", given)))


def add_page_links(app: Klein, links: PageLinks) -> None:
    """Add the route that makes them."""

    @app.route("/admin/ui-link", methods=["POST"])
    def make(request: WorkerRequest) -> bytes:
        return answer_json(request, links.make(request))


def is_open_to_readers(place: str) -> bool:
    """Tell whether what listens at a place is reached from other machines, and without TLS; it is where that is odd."""
    try:
        url = urlsplit(url_of(place, "0.0.0.0"))  # noqa: S104 - it stands for all
        if url.scheme != "http" or url.hostname is None or url.hostname == "localhost":
            return False
        return not ip_address(url.hostname).is_loopback
    except ValueError:
        return True


def url_of(place: str, asked: str) -> str:
    """Return the address of what listens at a place, an endpoint string; empty where that has none.

    What listens at all addresses is at the one that was `asked`.
    """
    kind, *parts = _between_parts(place)
    if kind not in {"tcp", "tcp6", "ssl"} or not parts:
        return ""
    named = dict(part.split("=", 1) for part in parts if "=" in part)
    host = named.get("interface", "").replace("\\:", ":")
    if host in {"", "0.0.0.0", "::"}:  # noqa: S104 - it is compared
        host = asked or "127.0.0.1"
    elif ":" in host:
        host = f"[{host}]"
    return f"{'https' if is_tls(place) else 'http'}://{host}:{named.get('port', parts[0])}"
