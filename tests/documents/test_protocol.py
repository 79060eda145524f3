"""The protocol is what the program does: its routes, errors, sentences and limits."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sessionworker import errors
from sessionworker.client.errors import _BY_MESSAGE
from sessionworker.errors import WorkerError
from sessionworker.http.channel import WorkerChannel
from sessionworker.http.limits import (
    BODY_SECONDS,
    HEADER_SECONDS,
    IDLE_SECONDS,
    MOST_ANSWER_BYTES,
    MOST_BODY_BYTES,
    MOST_TURNS,
    SLOWEST_BODY,
    STUCK_SECONDS,
    TRUSTED_BODY,
    TURN_SECONDS,
)
from sessionworker.http.sending import SMALL_ANSWER
from sessionworker.offload import LONGEST_QUEUE, MOST_WAITING_BYTES, Offload
from sessionworker.options import OPTIONS
from sessionworker.stores.files.store import FileStore
from sessionworker.stores.rules.leases import LEASE_SECONDS
from sessionworker.web.api import CREATE_SECONDS, build_api
from sessionworker.web.gate import OPEN
from sessionworker.web.health import LIMIT_SECONDS, Health
from sessionworker.web.many_keys import ManyKeys
from sessionworker.web.metrics import Metrics
from sessionworker.web.overview import Overview
from sessionworker.web.page_links import PageLinks
from sessionworker.web.session_files import METHODS, SessionFiles
from sessionworker.wire import MOST_KEYS
from tests.documents.reading import read, rows
from tests.reactor import Reactor

LETTERS = {"group": "G", "name": "I", "key:key": "K", "version": "V", "drop": "D"}
"""The parameters of the tree's routes, and what the documents call them."""


def routes(folder: Path) -> Iterator[tuple[str, str]]:
    """Every method of every route of the tree, as the documents write them."""
    reactor: Any = Reactor()
    store = FileStore(folder, sync=False)
    offload = Offload(reactor, store, threads=1)
    many_keys = ManyKeys(offload, lambda *_: None, body_size=1)
    metrics = Metrics()
    overview = Overview(offload, Health(reactor, offload), metrics)
    tree = build_api(reactor, offload, SessionFiles(offload), many_keys, overview, metrics, PageLinks())
    for rule in tree.url_map.iter_rules():
        if "__rest__" in rule.rule:
            continue  # Klein's own, for what follows a branch
        path = re.sub("<(.*?)>", lambda found: LETTERS[found[1]], rule.rule)
        for method in rule.methods or METHODS.split(", "):
            yield method, path
    store.close()


def test_every_route_stands_in_the_protocol(tmp_path: Path) -> None:
    documented = {row[0] for row in rows(read("docs/protocol.md"))}
    found = {f"{method} {path}" for method, path in routes(tmp_path) if method != "HEAD"}
    assert len(found) > 10
    assert found - documented == set()


def test_no_route_stands_in_the_protocol_that_does_not_exist(tmp_path: Path) -> None:
    documented = {row[0] for row in rows(read("docs/protocol.md")) if re.fullmatch(r"[A-Z]+ /\S*", row[0])}
    assert documented - {f"{method} {path}" for method, path in routes(tmp_path)} == set()


def test_what_needs_no_token_stands_in_the_protocol() -> None:
    text = read("docs/protocol.md")
    assert "Every request but `OPTIONS /ping` and `GET /health` needs the worker's token" in text
    assert {path for _, path in OPEN} == {b"/ping", b"/health"}


def all_errors(kind: type[WorkerError] = WorkerError) -> Iterator[type[WorkerError]]:
    yield kind
    for child in kind.__subclasses__():
        yield from all_errors(child)


def test_every_status_of_an_error_stands_in_the_protocol() -> None:
    statuses = {row[0] for row in rows(read("docs/protocol.md"))}
    assert {str(kind.status.value) for kind in all_errors()} <= statuses


def test_every_sentence_by_which_a_client_tells_errors_apart_stands_in_the_protocol() -> None:
    cells = {cell for row in rows(read("docs/protocol.md")) for cell in row}
    sentences = {kind.message for kind in all_errors() if issubclass(kind, errors.NotFound)}
    others = {errors.HeldElsewhere.message, errors.NameTaken.message, errors.NoSpace.message}
    others |= {errors.Overloaded.message, errors.Overloaded.too_many_connections}
    assert sentences | others >= set(_BY_MESSAGE)
    assert sentences | others <= cells


def test_how_long_a_lease_lasts_stands_in_the_protocol() -> None:
    assert f"a *lease*, for {LEASE_SECONDS:g} s after each such" in read("docs/protocol.md")


def test_the_limits_in_the_protocol_are_those_of_the_program() -> None:
    (body_size,) = [option.default for option in OPTIONS if option.flag == "body-size"]
    (connections,) = [option.default for option in OPTIONS if option.flag == "connections"]
    mib, kib = 2**20, 2**10
    limits = {row[0]: row[1] for row in rows(read("docs/protocol.md")) if len(row) == 3}
    expected = {
        "body": f"BODY_SIZE, {body_size} MiB if not set",
        "body without a token, or with a wrong one": f"{TRUSTED_BODY // kib} KiB, none that is chunked or has Expect",
        "keys in one request, and in one list of them": f"{MOST_KEYS:,}",
        "headers": f"{WorkerChannel.maxHeaders}, together with the request line "
        f"{WorkerChannel.totalHeadersSize // kib} KiB",
        "time for the headers, and for the first request of a connection": f"{HEADER_SECONDS:g} s",
        "time for the body": f"{BODY_SECONDS:g} s, and one second more for each {SLOWEST_BODY // kib} KiB",
        "silence between requests": f"{IDLE_SECONDS:g} s",
        "connections": f"SESSIONWORKER_CONNECTIONS, {int(connections):,} if not set",
        "calls that wait or are under way": f"{LONGEST_QUEUE:,}; {2 * LONGEST_QUEUE:,} for reads of creds",
        "values that wait to be written": f"{MOST_WAITING_BYTES // mib} MiB, or a single larger one",
        "bodies that are being received": f"{MOST_BODY_BYTES // mib} MiB, or a single larger one",
        f"answers over {SMALL_ANSWER // kib} KiB that are being sent": f"{MOST_ANSWER_BYTES // mib} MiB, "
        f"or a single larger one; {2 * MOST_ANSWER_BYTES // mib} MiB with reads of creds",
        "waiting for that turn": f"{TURN_SECONDS:g} s, and {MOST_TURNS:,} requests",
        f"reading nothing of a part of {SMALL_ANSWER // kib} KiB of a large answer while others wait for their turn": (
            f"{STUCK_SECONDS:g} s"
        ),
        "time of the store for GET /health": f"{LIMIT_SECONDS:g} s",
    }
    assert {name: limits.get(name) for name in expected} == expected
    assert f"The check takes {CREATE_SECONDS:g} s at most." in read("docs/protocol.md")
