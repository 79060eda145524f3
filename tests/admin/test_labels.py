"""An operator gives an instance a label, by which people know it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.admin.words import SALES, creds, drops, replace, restore, save
from tests.memory import Worker

LABEL = "/admin/groups/codechat/instances/sales/label"

NOT_LABELS = [
    "x" * 101,
    "two\nlines",
    "a\ttab",
    "\x00",
    "\x7f",
    "\x85",
    "Loja\n",
    "\x9b31m",
    "a\u2028b",
    "a\u2029b",
    "\u202egnp.exe",
    "\u2066a",
]


def labels(worker: Worker) -> dict[str, str | None]:
    """The label of each instance, None where none is told."""
    listed: list[dict[str, Any]] = worker.ask("GET", "/admin/groups/codechat/instances").json
    return {one["instance"]: one.get("label") for one in listed}


@pytest.mark.parametrize(
    "text", ["Loja Centro", "x" * 100, "\U0001f511" * 100, "e\u0301", "%2F/..", "\U0001f468\u200d\U0001f467"]
)
def test_a_label_is_told_as_it_was_given_and_taken_away_again(worker: Worker, text: str) -> None:
    assert labels(worker) == {"sales": None}
    assert worker.ask("PUT", LABEL, {"label": text}).status == 204
    assert labels(worker) == {"sales": text}
    assert worker.ask("PUT", LABEL, {"label": ""}).status == 204
    assert labels(worker) == {"sales": None}


def test_spaces_at_its_ends_are_no_part_of_it(worker: Worker) -> None:
    assert worker.ask("PUT", LABEL, {"label": "  Loja Centro\u00a0"}).status == 204
    assert labels(worker) == {"sales": "Loja Centro"}
    assert worker.ask("PUT", LABEL, {"label": " \u3000 "}).status == 204
    assert labels(worker) == {"sales": None}


@pytest.mark.parametrize("text", NOT_LABELS, ids=ascii)
def test_what_is_no_line_or_controls_something_is_refused_in_a_sentence(worker: Worker, text: str) -> None:
    assert worker.ask("PUT", LABEL, {"label": "Loja"}).status == 204
    answer = worker.ask("PUT", LABEL, {"label": text})
    assert answer.status == 400
    assert answer.message == "A label is one line of at most 100 characters, without control characters."
    assert labels(worker) == {"sales": "Loja"}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"null",
        b'"Loja"',
        b'{"label": null}',
        b'{"label": 1}',
        b'{"label": "\\ud83d"}',
        b'{"label": "\xff"}',
    ],
    ids=ascii,
)
def test_a_body_without_a_label_is_refused(worker: Worker, body: bytes) -> None:
    assert worker.ask("PUT", LABEL, body).status == 400
    assert labels(worker) == {"sales": None}


def test_a_large_body_is_not_read(worker: Worker) -> None:
    body = b'{"label": "Loja"' + b" " * 5000 + b"}"
    assert worker.ask("PUT", LABEL, body).status == 400


def test_what_is_not_there_gets_no_label(worker: Worker) -> None:
    for place in ("codechat/instances/nobody", "nobody/instances/sales"):
        assert worker.ask("PUT", f"/admin/groups/{place}/label", {"label": "Loja"}).status == 404
    assert worker.ask("GET", LABEL).status == 405
    assert worker.ask("POST", LABEL, {"label": "Loja"}).status == 405


def test_a_label_goes_with_what_is_dropped_and_comes_back(worker: Worker) -> None:
    save(worker, creds(1))
    worker.ask("PUT", LABEL, {"label": "Loja"})
    worker.ask("DELETE", SALES)
    [drop] = drops(worker)
    assert drop["label"] == "Loja"
    assert worker.ask("POST", "/session/codechat", {"instance": "sales"}).status == 204
    assert labels(worker) == {"sales": None}
    assert restore(worker, drop, "back") == 204
    assert labels(worker) == {"back": "Loja", "sales": None}


def test_what_takes_a_place_and_has_no_label_has_that_of_the_place(worker: Worker) -> None:
    save(worker, creds(1))
    worker.ask("DELETE", SALES)
    [drop] = drops(worker)
    worker.ask("POST", "/session/codechat", {"instance": "sales"})
    worker.ask("PUT", LABEL, {"label": "Loja"})
    assert replace(worker, drop, "sales") == 204
    assert labels(worker) == {"sales": "Loja"}
    assert [one.get("label") for one in drops(worker)] == ["Loja"]
