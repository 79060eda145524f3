"""Accounts that Baileys itself writes and reads, in a folder each, by whichever of its versions."""

from __future__ import annotations

import json
import os
import subprocess
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sessionworker.migration.baileys_names import type_and_id_of
from tests.process import BAILEYS_VARIABLE, NODE_PROGRAMS

VERSIONS = ("6.7", "6.17", "7")


def write_with_baileys(version: str, folder: Path, values: Mapping[str, bytes]) -> None:
    """Write an account's values, as JSON texts, to a folder."""
    keys: defaultdict[str, dict[str, Any]] = defaultdict(dict)
    for key, value in values.items():
        found = type_and_id_of(key)
        if found:
            kind, id_ = found
            keys[kind][id_] = json.loads(value)
    _run(version, "write", folder, {"creds": json.loads(values["creds"]), "keys": keys})


def read_with_baileys(version: str, folder: Path, keys: Mapping[str, object]) -> dict[str, Any]:
    """Return what Baileys finds of these keys in a folder, `creds` included."""
    asked: defaultdict[str, list[str]] = defaultdict(list)
    for key in keys:
        found = type_and_id_of(key)
        if found:
            asked[found[0]].append(found[1])
    answer = json.loads(_run(version, "read", folder, asked))
    read = {f"{kind}-{id_}": value for kind, ids in answer["keys"].items() for id_, value in ids.items()}
    return {"creds": answer["creds"], **read}


def _run(version: str, what: str, folder: Path, asked: Mapping[str, Any]) -> str:
    command = ["node", str(NODE_PROGRAMS / "multi_file.mjs"), what, str(folder)]
    environment = {**os.environ, BAILEYS_VARIABLE: version}
    done = subprocess.run(
        command, input=json.dumps(asked), env=environment, check=False, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
