"""What each page shows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlencode, urlsplit

from twisted.internet.defer import Deferred, FirstError, gatherResults, succeed
from twisted.python.failure import Failure
from twisted.web.server import Request

from sessionworker.file_names import encode_name
from sessionworker.page.known import Seen
from sessionworker.page.listing import (
    A_PAGE,
    Large,
    Query,
    Row,
    Rows,
    is_called,
    largest,
    page_of,
    read_number,
    read_query,
    select,
)
from sessionworker.page.looking import Looking, One, changed_lately, most_at_once
from sessionworker.page.rendering import speaking_to
from sessionworker.page.sampling import FIGURES, charts, shown, small
from sessionworker.page.series import Series
from sessionworker.page.sessions import Sessions
from sessionworker.page.site import Context, Routes, Show
from sessionworker.page.troubles import is_full
from sessionworker.settings import Settings
from sessionworker.web.metrics import COUNTS
from sessionworker.web.page_links import url_of
from sessionworker.wire import DropSummary, EventSummary, WorkerOverview

MOST_ATTENTION = 10
"""Instances that are named on the first page."""

LAST_EVENTS = 8

DEFAULT_PORT = 5656
"""Of the worker, for an API that is given settings for one that listens at no port."""

COLOURS = 6
"""Colours that tell one identity from another."""

T = TypeVar("T")


class Views:
    """The pages, over what there is to look at."""

    def __init__(self, looking: Looking, series: Series, sessions: Sessions, settings: Settings) -> None:
        """Show what the store says, and what is known of the worker itself."""
        self._looking = looking
        self._series = series
        self._sessions = sessions
        self._settings = settings
        self._host, self._port = _place_of(settings.listen[0])

    def add_to(self, routes: Routes) -> None:
        """Add the pages."""
        routes.page("/ui/", "overview.html", self.overview)
        routes.page("/ui/instances", "instances.html", self.instances)
        routes.page("/ui/instances/<group>/<name>", "instance.html", self.instance)
        routes.page("/ui/trash", "trash.html", self.trash)
        routes.page("/ui/health", "health.html", self.health)
        routes.page("/ui/events", "events.html", self.events)
        routes.page("/ui/settings", "settings.html", self.settings)

    def overview(self, request: Request) -> Deferred[Show]:
        """Show what needs a person, how the worker is, and what happened last."""
        speaking, series = speaking_to(request), self._series.copy()
        host = (request.getHeader(b"host") or b"").decode("latin-1").rpartition(":")[0] or "127.0.0.1"

        def show(
            seen: Seen[WorkerOverview],
            rows: Seen[Rows],
            events: Seen[list[EventSummary]],
            drops: Seen[list[DropSummary]] | None,
        ) -> Context:
            changed = changed_lately(events.value or ())
            attention = _attention(seen, rows, changed)
            counts = rows.value.counts if rows.value else None
            figure = next(one for one in FIGURES if one.name == "slowest_sync")
            return {
                "here": "overview",
                "host": self._host or host,
                "port": self._port,
                "largest": _largest(seen, rows, drops),
                "attention": attention[:MOST_ATTENTION],
                "attention_count": max(len(attention), counts["trouble"] + counts["identity"] if counts else 0),
                "at_once": most_at_once(changed.values()),
                "counts": counts,
                "events": [*reversed(events.value or ())][:LAST_EVENTS],
                "slowest_sync": shown(speaking, figure, series.last("slowest_sync")),
                "charts": {
                    name: small(speaking, series, figure)
                    for name, figure in (("room", "store_free_bytes"), ("writes", "changes"), ("sync", "slowest_sync"))
                },
            }

        rows = self._looking.rows(is_needed=False)  # or whoever comes first waits for thousands to be described
        drops = self._looking.overview().addCallback(self._drops_if_full)
        return _when(show, self._looking.overview(), rows, self._looking.events(), drops)

    def _drops_if_full(self, seen: Seen[WorkerOverview]) -> Deferred[Seen[list[DropSummary]]] | None:
        """Ask what lies in the trash where the disk has no room, which is when it matters how much that is."""
        return self._looking.drops() if seen.value is not None and is_full(seen.value.gauges) else None

    def instances(self, request: Request) -> Deferred[Show]:
        """Show the list."""
        query = read_query(_arguments(request))
        nothing: Deferred[Seen[list[DropSummary]]] = succeed(Seen(None, 0, is_late=False))

        def show(seen: Seen[Rows], drops: Seen[list[DropSummary]]) -> Context:
            rows = seen.value or Rows((), ())
            wanted = query.text.casefold()
            return {
                "here": "instances",
                "query": query,
                "searched": query.text,
                "found": select(rows, query),
                "groups": rows.groups,
                "all": len(rows),
                "seconds_old": seen.age,
                "in_trash": sum(is_called(one.instance, one.label, wanted) for one in drops.value or ()),
                "to_page": lambda number: _to_page(query, number),
            }

        return _when(show, self._looking.rows(), self._looking.drops() if query.text else nothing)

    def instance(self, _request: Request, group: str, name: str) -> Deferred[Show]:
        """Show one instance."""

        def show(rows: Seen[Rows], seen: Seen[One]) -> Context:
            one = seen.get()
            row = (rows.value or Rows((), ())).by_place.get((group, name)) or _unknown(group, name)
            identities = dict.fromkeys(version.identity for version in one.versions or () if version.identity)
            return {
                "here": "instance",
                "row": row,
                "facts": one.facts,
                "folder": self._folder_of(group, name),
                "versions": one.versions,
                "events": one.events[:A_PAGE],
                "colours": {identity: place % COLOURS for place, identity in enumerate(identities)},
            }

        return _when(show, self._looking.rows(), self._looking.one(group, name))

    def _folder_of(self, group: str, name: str) -> str:
        """Return where an instance has its files, for who has to put a backup's there; empty where that is no file."""
        store = self._settings.store
        if not isinstance(store, Path) or self._settings.keys.is_given:
            return ""
        return str(store.absolute() / encode_name(group) / encode_name(name))

    def trash(self, request: Request) -> Deferred[Show]:
        """Show what was dropped."""

        def show(seen: Seen[list[DropSummary]]) -> Context:
            drops = seen.value or ()
            shown = _a_page(request, "drops", drops)
            return {"here": "trash", "drops_count": len(drops), "kept_days": self._settings.keep_drops, **shown}

        return _when(show, self._looking.drops())

    def health(self, request: Request) -> Deferred[Show]:
        """Show how the worker was in the last hours."""
        speaking, series = speaking_to(request), self._series.copy()

        def show(seen: Seen[WorkerOverview]) -> Context:
            gauges = seen.value.gauges if seen.value else {}
            return {"here": "health", "figures": charts(speaking, series, gauges), "counted": COUNTS}

        return _when(show, self._looking.overview())

    def events(self, request: Request) -> Deferred[Show]:
        """Show what happened."""

        def show(seen: Seen[list[EventSummary]]) -> Context:
            return {"here": "events", **_a_page(request, "events", [*reversed(seen.value or ())])}

        return _when(show, self._looking.events())

    def settings(self, _request: Request) -> Deferred[Show]:
        """Show what is in force."""
        found = {"here": "settings", "settings": self._settings.shown, "sessions": len(self._sessions)}
        return succeed(lambda: found)


def _when(show: Callable[..., Context], *asked: Deferred[Any]) -> Deferred[Show]:
    """Return what shows the answers to several questions, once there are. It fails where whoever looks has gone."""
    answered = gatherResults(asked, consumeErrors=True).addErrback(_first)
    return answered.addCallback(lambda answers: partial(show, *answers))


def _first(failure: Failure) -> Failure:
    """Return what failed of several."""
    assert isinstance(failure.value, FirstError)  # noqa: S101 - nothing else comes
    return failure.value.subFailure


def _arguments(request: Request) -> dict[str, str]:
    """Return the first value of each argument of a URL."""
    return {
        name.decode("utf-8", "replace"): values[0].decode("utf-8", "replace")
        for name, values in (request.args or {}).items()
        if values
    }


def _a_page(request: Request, what: str, all_: Sequence[T]) -> Context:
    """Return a page of a list, with what there is to go to others."""
    page = page_of(all_, read_number(_arguments(request).get("page", "")))
    return {what: page.rows, "page": page.number, "pages": page.count}


def _to_page(query: Query, number: int) -> str:
    """Return the address of another page of a list."""
    given = {"q": query.text, "group": query.group, "state": query.state, "sort": query.sort, "page": number}
    default = {"q": "", "group": "", "state": "", "sort": "state", "page": 1}
    return f"instances?{urlencode({name: value for name, value in given.items() if value != default[name]})}"


def _place_of(listen: str) -> tuple[str, int]:
    """Return at which address and port the worker listens, as an endpoint string says; no address if at all of them."""
    everywhere = "everywhere"
    try:
        found = urlsplit(url_of(listen, everywhere))
        host, port = found.hostname or "", found.port or DEFAULT_PORT
    except ValueError:  # it is no address of this machine either
        return "", DEFAULT_PORT
    return "" if host == everywhere else host, port


def _largest(seen: Seen[WorkerOverview], rows: Seen[Rows], drops: Seen[list[DropSummary]] | None) -> list[Large]:
    """Return what takes most room; nothing where there is room."""
    if seen.value is None or drops is None:
        return []
    in_trash = sum(drop.bytes or 0 for drop in drops.value or ())
    return largest(rows.value or Rows((), ()), in_trash, int(seen.value.gauges.get("journal_bytes", 0)))


def _attention(seen: Seen[WorkerOverview], rows: Seen[Rows], changed: Iterable[tuple[str, str]]) -> list[Row]:
    """Return the instances, and groups, that need a person; those that cannot be used first."""
    known = rows.value.by_place if rows.value else None

    def row(group: str, name: str, state: str, problem: str = "") -> Row:
        found = known.get((group, name)) if known else None
        return Row(group, name, found.label if found else "", state, None, None, None, {}, problem)

    # What cannot be looked at is known of the list alone: the store says the rest without looking.
    problems = {place: one.problem for place, one in known.items() if one.state == "trouble"} if known else {}
    problems |= {(one.group, one.instance): one.problem for one in (seen.value.store.attention if seen.value else ())}
    others = [place for place in changed if place not in problems and (known is None or place in known)]
    return [row(*place, "trouble", problem) for place, problem in problems.items()] + [
        row(*place, "identity") for place in others
    ]


def _unknown(group: str, name: str) -> Row:
    """Return an instance of which the list does not tell yet."""
    return Row(group, name, "", "well", None, None, None, {}, "")
