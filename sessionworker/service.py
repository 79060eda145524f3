"""The whole machine on one page: what it is built of, and in which order it starts and stops."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from functools import partial
from operator import setitem
from pathlib import Path
from typing import Any, NoReturn

from twisted.application.service import Service
from twisted.internet.defer import gatherResults, inlineCallbacks, maybeDeferred
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IListeningPort, IProtocolFactory
from twisted.internet.task import LoopingCall
from twisted.logger import ILogObserver, Logger
from twisted.python.failure import Failure

from sessionworker.certificates import Certificates, NoCertificate
from sessionworker.command_line import Options
from sessionworker.doorbell import Doorbell
from sessionworker.errors import StartError, WorkerError, no_packages_for_a_database
from sessionworker.events import Event
from sessionworker.http.limits import LAST_SECONDS
from sessionworker.keys import find_keys
from sessionworker.logs import open_log
from sessionworker.offload import Offload
from sessionworker.opening import open_page
from sessionworker.page.bounds import MOST_SOCKETS
from sessionworker.process import (
    collect_garbage_rarely,
    keep_private,
    let_threads_take_turns,
    raise_open_files_limit,
    read_again_on_sighup,
    start_despite_sighup,
    stop_on_sigterm,
    take_who_waits,
    use_a_clock_that_nobody_sets,
)
from sessionworker.settings import Settings
from sessionworker.stores.files.store import FileStore
from sessionworker.stores.interface import Store
from sessionworker.stores.rules.versions import DAY, Keep
from sessionworker.tokens_in_force import TokensInForce
from sessionworker.version import PYTHON, TWISTED, VERSION
from sessionworker.web.build import build_site
from sessionworker.web.health import Health
from sessionworker.web.metrics import Metrics
from sessionworker.web.overview import Overview
from sessionworker.web.page_links import PageLinks
from sessionworker.webhook.opening import open_webhook
from sessionworker.webhook.telling import Webhook

DRAIN_SECONDS = 20.0
"""How long requests that are under way may take to finish once the worker was told to stop."""

OTHER_FILES = 400
"""Open files that are no connections: the journal's, session files under way, the reactor's own, and two for each large
value that waits for its commit; at the most there are as many of those as fit into what may wait, 128. The page has
files of its own."""

ROOM_SECONDS = 10.0
"""How often the disk is asked what it has left."""

PURGE_SECONDS = 3600.0
"""How often dropped instances are looked through for those that were kept long enough."""


class WorkerService(Service):
    """The worker: a store, threads that ask it, and a server in front of them."""

    _log = Logger()

    def __init__(self, reactor: Any, settings: Settings, twistd: Mapping[str, Any] | None = None) -> None:
        """Keep the settings, and twistd's options; everything else is made at start."""
        self._reactor = reactor
        self._settings = settings
        self._twistd = twistd
        self._ports: dict[str, IListeningPort] = {}
        self._room: Mapping[str, float] = {}
        self._webhook: Webhook | None = None

    def setServiceParent(self, parent: Any) -> None:
        """Become a part of twistd's application. twistd begins its log next, and asks the application for one."""
        super().setServiceParent(parent)
        try:
            log = open_log(self._twistd, self._settings.log_format, self._reactor)
        except OSError as error:
            reason = f"The log file {error.filename} cannot be opened: {error.strerror}."
            raise SystemExit(f"sessionworker: {reason}") from None
        if log is not None:
            parent.setComponent(ILogObserver, log)

    def startService(self) -> None:
        """Open the store, then serve it. What prevents a start ends the process with one line and status 1."""
        try:
            self._start()
        except StartError as error:
            self._log.critical("{text}", event="not_started", text=str(error))
            self._give_up()
        except Exception:  # noqa: BLE001 - twistd would print its text
            self._log.failure("The start failed in a way that the worker did not foresee", event="start_failed")
            self._give_up()
        super().startService()

    def _give_up(self) -> NoReturn:
        """End the process with status 1. The one that made it a daemon waits for word of that, if need be for ever."""
        pipe = (self._twistd or {}).get("statusPipe")
        if pipe is not None:
            os.write(pipe, b"1 The worker did not start.")
        raise SystemExit(1)

    def _start(self) -> None:
        reactor, settings = self._reactor, self._settings
        keep_private()
        others = OTHER_FILES + (MOST_SOCKETS if settings.ui_listen else 0)
        connections = raise_open_files_limit() - others
        if connections < 1:
            raise StartError(f"The limit on open files is too low: {others} are needed besides the connections.")
        reactor.callWhenRunning(reactor.callLater, 0, stop_on_sigterm, reactor)
        self._log.info(
            "This is sessionworker {version} (Twisted {twisted}, Python {python}).",
            event="starting",
            version=VERSION,
            twisted=TWISTED,
            python=PYTHON,
        )
        for doubt in settings.doubts:
            self._log.warn("{text}", event="setting_doubtful", text=doubt)
        metrics = Metrics()
        webhook = self._webhook = open_webhook(reactor, settings, metrics.webhook)
        store, ours, shown = self._open_store(metrics)
        tokens = TokensInForce(settings, ours)
        self._certificates = Certificates(reactor, metrics.certificate_stays)
        read_again_on_sighup(reactor, tokens.read_again, self._certificates.read_again)
        self._doorbell = Doorbell(reactor)
        self._offload = Offload(self._doorbell, store, threads=settings.threads)
        overview = Overview(self._offload, Health(reactor, self._offload), metrics)
        links = PageLinks()
        self._site = build_site(
            self._offload,
            tokens.access,
            metrics=metrics,
            overview=overview,
            links=links,
            body_size=settings.body_size,
            connections=min(settings.connections, connections),
            http_logs=settings.http_logs,
            hosts=settings.hosts,
            reactor=reactor,
        )
        kept = {"drops_kept_seconds": settings.keep_drops * DAY / 1000}
        metrics.watch(
            store.figures,
            self._offload.gauges,
            self._site.figures,
            self._certificates.figures,
            lambda: self._room,
            lambda: kept,
            lambda: webhook.figures() if webhook is not None else {"webhook_waiting": 0},
        )
        for place in settings.listen:
            self._listen(place, self._site)
        page = open_page(reactor, self._offload, settings, tokens.access, overview, metrics, links, self._listen)
        self._sites = [self._site] if page is None else [self._site, page.site]
        self._certificates.say()
        store.serve()
        self._offload.start()
        collect_garbage_rarely()
        let_threads_take_turns()
        self._chores = [self._every(PURGE_SECONDS, self._purge_drops), self._every(ROOM_SECONDS, self._look_at_room)]
        if page is not None:
            self._chores.append(self._every(page.chore_seconds, page.chore))
        self._log.info("Serving the store {store}.", event="serving", store=shown)
        tokens.say()
        if not settings.fsync and ours is not None:
            self._log.warn(
                "fsync=never: a power cut or a crash of the machine loses writes that were acknowledged.",
                event="fsync_never",
            )

    def _open_store(self, metrics: Metrics) -> tuple[Store, Path | None, str]:
        """Return the store, the folder in it that is the worker's own, if it has one, and what to call it."""
        settings = self._settings
        keep = Keep(settings.keep_versions, settings.keep_hours, settings.keep_days)
        ring = find_keys(settings.keys)
        if isinstance(settings.store, Path):
            files = FileStore(
                settings.store,
                sync=settings.fsync,
                report=self._report,
                observe_sync=metrics.sync,
                observe_checkpoint=metrics.checkpoint,
                keep=keep,
                ring=ring,
            )
            return files, files.ours, str(settings.store)
        try:
            from sessionworker.stores.postgres.address import read_address  # noqa: PLC0415 - an extra
            from sessionworker.stores.postgres.store import PostgresStore  # noqa: PLC0415 - so is this
        except ImportError:
            raise no_packages_for_a_database() from None
        address = read_address(settings.store.text)
        store = PostgresStore(
            address, threads=settings.threads, report=self._report, observe_commit=metrics.sync, keep=keep, ring=ring
        )
        return store, None, address.shown

    def _listen(self, place: str, site: IProtocolFactory, text: str = "Listening at {endpoint}.") -> None:
        """Listen at one place. Raises StartError."""
        problems: list[Any] = []
        try:
            endpoint = self._certificates.endpoint(place)
        except NoCertificate as error:
            raise StartError(f"Cannot listen at {place}: {error}.") from None
        endpoint.listen(site).addCallbacks(partial(setitem, self._ports, place), problems.append)
        for problem in problems:
            reason = problem.value.socketError if problem.check(CannotListenError) else problem.value
            raise StartError(f"Cannot listen at {place}: {reason}.")
        self._log.info(text, event="listening", endpoint=place.partition(":backlog=")[0])

    @inlineCallbacks
    def stopService(self) -> Any:
        """Stop accepting, answer what is under way, then finish every write that was accepted."""
        super().stopService()
        for chore in self._chores:
            chore.stop()
        for place, port in self._ports.items():
            if not place.startswith("systemd:"):  # who waits there is the next worker's
                self._reactor.callLater(0, take_who_waits, port)  # which is right before it is closed
            yield port.stopListening()
        late = [self._reactor.callLater(DRAIN_SECONDS, site.abort) for site in self._sites]
        yield gatherResults([site.drain(LAST_SECONDS) for site in self._sites])
        for call in late:
            if call.active():
                call.cancel()
        yield self._offload.stop()
        if self._webhook is not None:
            yield self._webhook.stop()
        self._doorbell.close()
        self._log.info("Stopped; everything that was acknowledged is stored.", event="stopped")

    def _every(self, seconds: float, chore: Callable[[], object]) -> LoopingCall:
        """Do something now and again and again, so many seconds apart, whatever may happen."""

        def failed(failure: Failure) -> None:
            self._log.failure("What is done now and then failed; it is done again", failure, event="chore_failed")

        call = LoopingCall(lambda: maybeDeferred(chore).addErrback(failed))
        call.clock = self._reactor
        call.start(seconds)
        return call

    @inlineCallbacks
    def _look_at_room(self) -> Any:
        """Ask what the disk has left, in a thread: one that hangs must not hold up whoever asks for the metrics."""
        try:
            self._room = yield self._offload.ask(self._offload.store.room)
        except WorkerError:
            self._room = {}

    @inlineCallbacks
    def _purge_drops(self) -> Any:
        """Erase what was dropped long ago, one after the other: nobody else waits long for that."""
        late = time.time_ns() // 1_000_000 - self._settings.keep_drops * DAY
        erased = 0
        try:
            for drop in (yield self._offload.ask(self._offload.store.drops_before, late)):
                if not self.running:
                    return
                yield self._offload.commit(drop)
                erased += 1
        except WorkerError as error:
            self._log.error("Dropped instances stay: {reason}", event="drops_stay", reason=error.message)
        if erased:
            text = "Let go of {count} instances that were dropped long ago."
            self._log.info(text, event="drops_erased", count=erased)

    def _report(self, event: Event) -> None:
        log = {"info": self._log.info, "warn": self._log.warn, "error": self._log.error}[event.level]
        fields = {"group": event.group or None, "instance": event.instance or None, "by": event.by or None}
        log("{text}", text=event.text, event=event.name, **fields)
        if self._webhook is not None:
            self._webhook.report(event)


def makeService(options: Options) -> WorkerService:
    """Make the service that `twistd sessionworker` runs."""
    from twisted.internet import reactor  # noqa: PLC0415 - importing it earlier would choose it before twistd does

    start_despite_sighup()
    use_a_clock_that_nobody_sets(reactor)
    return WorkerService(reactor, options.settings, options.parent)
