"""What the tests of the offload share: one, which has stopped well at the end."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.offload.rig import Rig


@pytest.fixture
def rig() -> Iterator[Rig]:
    rig = Rig()
    yield rig
    rig.let_go()
    if not rig.store.is_closed:
        assert rig.result(rig.offload.stop()) is None
    assert not rig.store.used_after_close
