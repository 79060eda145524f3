"""The page, put together."""

from __future__ import annotations

from pathlib import Path
from socket import gethostname

from twisted.internet.interfaces import IReactorTime

from sessionworker.access import Access
from sessionworker.offload import Offload
from sessionworker.page.actions import Actions
from sessionworker.page.known import Known
from sessionworker.page.looking import Looking
from sessionworker.page.rendering import compile_templates
from sessionworker.page.reporting import Reporting
from sessionworker.page.sampling import sample
from sessionworker.page.series import STEP_SECONDS, Series
from sessionworker.page.signing_in import SigningIn
from sessionworker.page.site import InThread, Routes, build_page
from sessionworker.page.views import Views
from sessionworker.settings import Settings
from sessionworker.web.metrics import Metrics
from sessionworker.web.overview import Overview


class Page:
    """The site, and what has to be done for it now and then."""

    sample_seconds = STEP_SECONDS

    def __init__(
        self,
        reactor: IReactorTime,
        offload: Offload,
        access: Access,
        overview: Overview,
        metrics: Metrics,
        settings: Settings,
        in_thread: InThread,
    ) -> None:
        """Build it over the parts of the worker. `in_thread` is where pages are made."""
        self._series = Series(reactor.seconds, lambda: sample(metrics))
        self._looking = looking = Looking(offload, overview, Known(reactor), self._series)
        self._signing_in = signing_in = SigningIn(reactor, access, metrics, _name_of(settings))
        self.make_code = signing_in.make_code
        """Makes a code that signs an operator in."""
        views = Views(looking, self._series, signing_in.sessions, settings)

        def add(routes: Routes) -> None:
            views.add_to(routes)
            Actions(offload, looking, routes).add()
            Reporting(routes, in_thread).add()

        in_thread(compile_templates)  # or whoever comes first waits for it
        self.site = build_page(reactor, signing_in, looking, in_thread, add, settings.hosts)

    def take_sample(self) -> None:
        """Measure what the charts show, and keep the list new that somebody may open; once every `sample_seconds`."""
        self._series.take()
        if len(self._signing_in.sessions):
            self._looking.rows(is_needed=False)  # asks the store no oftener than its answers hold


def _name_of(settings: Settings) -> str:
    """Return what tells this worker from others on its machine, without anything secret."""
    store = settings.store if isinstance(settings.store, Path) else "a database"
    return f"{gethostname()} {store} {settings.ui_listen}"  # a container's name is its own
