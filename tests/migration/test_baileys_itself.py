"""What Baileys' own `useMultiFileAuthState` writes is read as it was meant, by each of its versions."""

from __future__ import annotations

from pathlib import Path

import pytest

from sessionworker.migration.sources.baileys import open_baileys
from tests.migration.examples import account
from tests.migration.multi_file import VERSIONS, write_with_baileys
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
