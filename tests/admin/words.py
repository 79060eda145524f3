"""What an operator asks, and the accounts that he asks about."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from tests.memory import Worker

SALES = "/session/codechat/sales"
CREDS = f"{SALES}/creds"
VERSIONS = "/admin/groups/codechat/instances/sales/versions"


def creds(next_pre_key: int, registration: int = 1) -> str:
    """Make the `creds` of one identity for each `registration`."""
    key = {"private": {"type": "Buffer", "data": f"private-{registration}"}}
    return json.dumps(
        {
            "registrationId": registration,
            "noiseKey": key,
            "signedIdentityKey": key,
            "nextPreKeyId": next_pre_key,
        }
    )


def save(worker: Worker, *values: str) -> None:
    for value in values:
        assert worker.ask("POST", CREDS, {"data": value}).status == 204


def versions(worker: Worker) -> list[dict[str, Any]]:
    answer = worker.ask("GET", VERSIONS)
    assert answer.status == 200
    found: list[dict[str, Any]] = answer.json
    return found


def drops(worker: Worker) -> list[dict[str, Any]]:
    answer = worker.ask("GET", "/admin/drops")
    assert answer.status == 200
    found: list[dict[str, Any]] = answer.json
    return found


def replace(worker: Worker, drop: dict[str, Any], name: str, owner: str | None = None) -> int:
    """Bring a dropped instance back in the place of another, and return the status."""
    path = f"/admin/drops/{quote(drop['group'])}/{quote(drop['instance'])}/{drop['drop']}/restore"
    return worker.ask(
        "POST", path, {"instance": name, "replace": True}, headers=[] if owner is None else [("owner", owner)]
    ).status


def restore(worker: Worker, drop: dict[str, Any], name: str | None = None) -> int:
    body = None if name is None else {"instance": name}
    path = f"/admin/drops/{quote(drop['group'])}/{quote(drop['instance'])}/{drop['drop']}/restore"
    return worker.ask("POST", path, body).status


def restore_version(worker: Worker, version: str) -> int:
    return worker.ask("POST", f"{VERSIONS}/{version}/restore").status


def counted(worker: Worker, name: str) -> float:
    """Return what the metrics say of a counter."""
    text = worker.ask("GET", "/metrics").body.decode()
    [line] = [line for line in text.splitlines() if line.startswith(f"sessionworker_{name}_total ")]
    return float(line.split()[1])
