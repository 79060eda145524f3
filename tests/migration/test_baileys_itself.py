"""What Baileys' own `useMultiFileAuthState` writes is read as it was meant, by each of its versions."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sessionworker.migration.sources.baileys import open_baileys
from sessionworker.migration.targets.baileys_folder import write_baileys_folder
from tests.migration.examples import account
from tests.migration.multi_file import VERSIONS, read_with_baileys, write_with_baileys
from tests.migration.places import differing, everything_in, only

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("node_client")]


@pytest.mark.parametrize("version", VERSIONS)
def test_an_account_that_baileys_wrote_is_read_byte_for_byte(tmp_path: Path, version: str) -> None:
    write_with_baileys(version, tmp_path / "Loja 1", account())
    before = everything_in(tmp_path)
    for path in (tmp_path, tmp_path / "Loja 1"):
        found, reading = only(open_baileys(path))
        assert found.name == "Loja 1"
        assert differing(reading.values, account()) == []
        assert reading.notes == []
    assert everything_in(tmp_path) == before


@pytest.mark.parametrize("version", VERSIONS)
def test_baileys_reads_what_is_written_for_it(tmp_path: Path, version: str) -> None:
    values = account()
    assert write_baileys_folder(values, tmp_path / "shop") == []
    read = read_with_baileys(version, tmp_path / "shop", values)
    assert read.keys() == values.keys()
    for key, value in values.items():
        if key.startswith("app-state-sync-key-"):  # Baileys makes objects of its own of these
            assert read[key]["timestamp"] == json.loads(value)["timestamp"]
        else:
            assert read[key] == json.loads(value)
