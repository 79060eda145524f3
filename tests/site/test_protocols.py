"""What is spoken beside plain HTTP/1.1: nothing, whatever is installed."""

from __future__ import annotations

from pathlib import Path

import pytest
from twisted.web import http

from tests.memory import Worker


def test_over_tls_http_1_1_is_offered_alone_also_where_twisted_could_speak_http_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "H2_ENABLED", True)
    with Worker(tmp_path / "store") as worker:
        assert worker.site.acceptableProtocols() == [b"http/1.1"]
