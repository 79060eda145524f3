"""Opens the page for operators, where it is wanted and can be had."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from twisted.internet.interfaces import IProtocolFactory
from twisted.internet.threads import deferToThread
from twisted.logger import Logger

from sessionworker.access import Access
from sessionworker.errors import StartError
from sessionworker.http.site import WorkerSite
from sessionworker.offload import Offload
from sessionworker.settings import Settings
from sessionworker.web.metrics import Metrics
from sessionworker.web.overview import Overview
from sessionworker.web.page_links import PageLinks, is_open_to_readers

NO_PACKAGE = "The package jinja2 is missing. Install sessionworker with its extra 'page'."

IN_THE_CLEAR = (
    "The page for operators is open to other machines without TLS: whoever is on the way reads the tokens that are "
    "typed there. Put a proxy with TLS in front of it."
)

_log = Logger()


class Opened(NamedTuple):
    """The page that there is."""

    site: WorkerSite
    chore_seconds: float
    """How often the chore is to be done."""
    chore: Callable[[], None]


def open_page(
    reactor: Any,
    offload: Offload,
    settings: Settings,
    access: Access,
    overview: Overview,
    metrics: Metrics,
    links: PageLinks,
    listen: Callable[[str, IProtocolFactory, str], None],
) -> Opened | None:
    """Have the page listened for by `listen`, and `links` lead to it.

    None where there is no page: it is off, or cannot be had and nobody asked for it. Raises StartError.
    """
    if not settings.ui_listen:
        return None
    try:
        from sessionworker.page.build import Page  # noqa: PLC0415 - it needs an extra, and memory
    except ImportError as error:
        if (error.name or "").partition(".")[0] not in {"jinja2", "markupsafe"}:
            raise
        problem = NO_PACKAGE
    else:
        page = Page(reactor, offload, access, overview, metrics, settings, deferToThread)
        try:
            listen(settings.ui_listen, page.site, "The page for operators is at {endpoint}.")
        except StartError as error:
            problem = str(error)
        else:
            links.lead_to(settings.ui_listen, page.make_code)
            if is_open_to_readers(settings.ui_listen):
                _log.warn(IN_THE_CLEAR, event="page_in_the_clear")
            return Opened(page.site, page.sample_seconds, page.take_sample)
    if settings.is_ui_wanted:
        raise StartError(f"There cannot be a page for operators. {problem}")
    _log.warn("There is no page for operators. {reason}", event="no_page", reason=problem)
    return None
